"""Bodies of Chat Completions requests (lash 0.1.0-alpha.37, turns §15.4)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from lash_nb.providers._account import OPENROUTER_URL
from lash_nb.providers._model_families import OPENAI_VARIANTS, clamped_openai_effort
from lash_nb.providers._options import CacheRetention, ProviderOptions
from lash_nb.providers._request_parts import check_images, data_url, output_token_cap
from lash_nb.providers._schema_projection import projected_schema
from lash_nb.wire import (
    ImageBlock,
    LlmMessage,
    LlmOutputSpec,
    LlmRequest,
    LlmToolSpec,
    ProviderReplayMeta,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
)

__all__ = ["chat_body", "chat_variants"]

_WITH_EFFORTS: Final = ("gpt", "claude", "gemini-3")
_OF_CLAUDE: Final = ("claude", "anthropic/")
_CACHE_CONTROL: Final[Mapping[CacheRetention, dict[str, str]]] = {
    "short": {"type": "ephemeral"},
    "long": {"type": "ephemeral", "ttl": "1h"},
}


def chat_variants(base_url: str, model: str) -> tuple[str, ...]:
    """Return the reasoning efforts that `model` takes at `base_url`."""
    named = model.lower()
    at_openrouter = base_url == OPENROUTER_URL
    return OPENAI_VARIANTS if at_openrouter and any(name in named for name in _WITH_EFFORTS) else ()


def chat_body(request: LlmRequest, options: ProviderOptions, *, base_url: str, stream: bool) -> dict[str, Any]:
    """Return the body for `request`.

    Raises:
        LlmTransportError: a picture or a schema that the endpoint does not take.
    """
    check_images(request, who="OpenAI")
    conversation = _Conversation(request)
    tools = [_tool(tool) for tool in request.tools]
    control = _cache_control(request.model, options.cache_retention, base_url)
    if control is not None:
        for last in (*conversation.lasts_to_cache(), *tools[-1:]):
            last["cache_control"] = control
    body: dict[str, Any] = {
        "model": request.model,
        "messages": conversation.settled(),
        "stream": stream,
        "max_tokens": output_token_cap(request, options),
    }
    if tools:
        body |= {"tools": tools, "tool_choice": request.tool_choice.lower(), "parallel_tool_calls": True}
    if stream:
        body["stream_options"] = {"include_usage": True}
    effort = _effort(request, base_url)
    if effort:
        body["reasoning"] = {"effort": effort}
    if request.output_spec is not None:
        body["response_format"] = _response_format(request.output_spec)
    return body


class _Conversation:
    """The messages as the endpoint has them, their content in parts: each tool result is one of its own, before what else is said."""

    def __init__(self, request: LlmRequest) -> None:
        self._messages: list[dict[str, Any]] = []
        self._plain: list[dict[str, Any]] = []
        """Those that are a single text that the request does not mark."""
        self._marked: list[dict[str, Any]] = []
        """The texts up to which the request asks to cache."""
        self._role: str = ""
        self._parts: list[dict[str, Any]] = []
        self._calls: list[ToolCallBlock] = []
        self._is_marked = False
        """Of the message that is being added: whose it is, its content, its calls, and whether one of its texts asks to cache."""
        self._attachments = request.attachments
        for message in request.messages:
            self._add(message)

    def lasts_to_cache(self) -> list[dict[str, Any]]:
        """Return the texts up to which the prompt may be cached: the last of the first system prompt, and the marked or else the last that was spoken."""
        system = next((message for message in self._messages if message["role"] == "system"), {})
        spoken = self._marked or [
            part for one in self._messages if one["role"] in {"user", "assistant"} for part in _texts(one)
        ]
        return [*_texts(system)[-1:], *spoken[-1:]]

    def settled(self) -> list[dict[str, Any]]:
        """Return the messages as they are sent: a single text that nobody marked as it is, all else as parts."""
        for message in self._plain:
            (part,) = message["content"]
            if "cache_control" not in part:
                message["content"] = part["text"]
        return self._messages

    def _add(self, message: LlmMessage) -> None:
        self._role, self._parts, self._calls, self._is_marked = message.role, [], [], False
        for block in message.blocks:
            variant = block.Text or block.variant
            _BLOCKS[type(variant)](self, variant)
        parts = self._parts
        if parts or self._calls:
            said = {"role": message.role.lower(), "content": parts or None, **_called(self._calls)}
            self._messages.append(said)
            if len(parts) == 1 and not self._is_marked and "text" in parts[0]:
                self._plain.append(said)

    def _text(self, block: TextBlock) -> None:
        if not block.text:
            return
        self._parts.append({"type": "text", "text": block.text})
        if block.cache_breakpoint:
            self._is_marked = True
            self._marked += self._parts[-1:] if self._role != "System" else []

    def _image(self, block: ImageBlock) -> None:
        if self._role == "User" and block.attachment_idx < len(self._attachments):
            url = data_url(self._attachments[block.attachment_idx])
            self._parts.append({"type": "image_url", "image_url": {"url": url}})

    def _tool_call(self, block: ToolCallBlock) -> None:
        if self._role == "Assistant":
            self._calls.append(block)

    def _tool_result(self, block: ToolResultBlock) -> None:
        self._messages.append(_tool_result(block))

    def _reasoning(self, _block: ReasoningBlock) -> None:
        """What the endpoint wants back of it goes with the calls."""


_BLOCKS: Final[Mapping[type, Callable[[_Conversation, Any], None]]] = {
    TextBlock: _Conversation._text,  # noqa: SLF001 - the table of this module's own class
    ImageBlock: _Conversation._image,  # noqa: SLF001 - as above
    ReasoningBlock: _Conversation._reasoning,  # noqa: SLF001 - as above
    ToolCallBlock: _Conversation._tool_call,  # noqa: SLF001 - as above
    ToolResultBlock: _Conversation._tool_result,  # noqa: SLF001 - as above
}


def _called(calls: list[ToolCallBlock]) -> dict[str, Any]:
    called: dict[str, Any] = {"tool_calls": [_tool_call(call) for call in calls]} if calls else {}
    details = [detail for call in calls if (detail := _reasoning_detail(call.replay))]
    return {**called, "reasoning_details": details} if details else called


def _tool_result(result: ToolResultBlock) -> dict[str, Any]:
    named = {"name": result.tool_name} if result.tool_name else {}
    return {"role": "tool", "tool_call_id": result.call_id, "content": result.content, **named}


def _tool_call(call: ToolCallBlock) -> dict[str, Any]:
    function = {"name": call.tool_name, "arguments": call.input_json}
    return {"id": call.call_id, "type": "function", "function": function}


def _reasoning_detail(replay: ProviderReplayMeta | None) -> dict[str, Any] | None:
    """What the endpoint wants back beside a call; what another protocol left there is not for it."""
    try:
        detail = msgspec.json.decode(replay.opaque) if replay and replay.opaque else None
    except (msgspec.DecodeError, RecursionError):
        return None
    return detail if isinstance(detail, dict) and detail.get("type") == "reasoning.encrypted" else None


def _tool(tool: LlmToolSpec) -> dict[str, Any]:
    parameters = projected_schema(
        tool.input_schema, profile="openai_tool_parameters", overrides=tool.input_schema_projections
    )
    function = {"name": tool.name, "description": tool.description, "parameters": parameters, "strict": False}
    return {"type": "function", "function": function}


def _effort(request: LlmRequest, base_url: str) -> str | None:
    variant = request.model_variant
    if variant is None or variant == "none" or variant not in chat_variants(base_url, request.model):
        return None
    return clamped_openai_effort(request.model, variant)


def _response_format(spec: LlmOutputSpec) -> dict[str, Any]:
    if spec == "JsonObject" or spec.JsonSchema is None:
        return {"type": "json_object"}
    asked = spec.JsonSchema
    schema = projected_schema(asked.schema, profile="openai_structured_output")
    return {"type": "json_schema", "json_schema": {"name": asked.name, "schema": schema, "strict": asked.strict}}


def _cache_control(model: str, retention: CacheRetention, base_url: str) -> dict[str, str] | None:
    """Claude behind OpenRouter caches what is marked; all others know by themselves."""
    is_claude = any(name in model.lower() for name in _OF_CLAUDE)
    return _CACHE_CONTROL.get(retention) if base_url == OPENROUTER_URL and is_claude else None


def _texts(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for part in message.get("content") or () if part["type"] == "text"]
