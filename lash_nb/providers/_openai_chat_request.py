"""Bodies of Chat Completions requests (lash 0.1.0-alpha.37, turns §15.4)."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from lash_nb.providers._account import OPENROUTER_URL
from lash_nb.providers._model_families import OPENAI_VARIANTS, clamped_openai_effort
from lash_nb.providers._options import CacheRetention, ProviderOptions
from lash_nb.providers._request_parts import check_images, data_url, output_token_cap
from lash_nb.providers._schema_projection import projected_schema
from lash_nb.wire import (
    LlmContentBlock,
    LlmMessage,
    LlmOutputSpec,
    LlmRequest,
    LlmToolSpec,
    ProviderReplayMeta,
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
_MARKED: Final = "cache_breakpoint"
"""Key of a text part that the request marks; never sent."""


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
    messages = [one for message in request.messages for one in _messages(message, request)]
    tools = [_tool(tool) for tool in request.tools]
    control = _cache_control(request.model, options.cache_retention, base_url)
    if control is not None:
        _mark_cached(messages, tools, control)
    body: dict[str, Any] = {
        "model": request.model,
        "messages": list(map(_settled, messages)),
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


def _messages(message: LlmMessage, request: LlmRequest) -> list[dict[str, Any]]:
    """A message as the endpoint has it, its content in parts: each tool result is one of its own, before what else is said."""
    blocks = message.blocks
    results = [_tool_result(block.ToolResult) for block in blocks if block.ToolResult]
    calls = [block.ToolCall for block in blocks if block.ToolCall] if message.role == "Assistant" else []
    content = [part for block in blocks if (part := _content_part(block, message, request))]
    if not content and not calls:
        return results
    said: dict[str, Any] = {"role": message.role.lower(), "content": content or None}
    if calls:
        said["tool_calls"] = [_tool_call(call) for call in calls]
    details = [detail for call in calls if (detail := _reasoning_detail(call.replay))]
    if details:
        said["reasoning_details"] = details
    return [*results, said]


def _content_part(block: LlmContentBlock, message: LlmMessage, request: LlmRequest) -> dict[str, Any] | None:
    if block.Text and block.Text.text:
        part = {"type": "text", "text": block.Text.text}
        return {**part, _MARKED: True} if block.Text.cache_breakpoint else part
    if block.Image and message.role == "User" and block.Image.attachment_idx < len(request.attachments):
        url = data_url(request.attachments[block.Image.attachment_idx])
        return {"type": "image_url", "image_url": {"url": url}}
    return None


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


def _mark_cached(messages: list[dict[str, Any]], tools: list[dict[str, Any]], control: dict[str, str]) -> None:
    """Say up to where the prompt may be cached: the first system text, the last tool, the marked or else the last text."""
    system = next((message for message in messages if message["role"] == "system"), {})
    spoken = [part for message in messages if message["role"] in {"user", "assistant"} for part in _texts(message)]
    marked = [part for part in spoken if _MARKED in part]
    for place in (_texts(system), tools, marked or spoken):
        for last in place[-1:]:
            last["cache_control"] = control


def _texts(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for part in message.get("content") or () if part["type"] == "text"]


def _settled(message: dict[str, Any]) -> dict[str, Any]:
    """The message as it is sent: a single text that nobody marked as it is, all else as parts."""
    parts = message["content"]
    if not isinstance(parts, list):
        return message
    plain = len(parts) == 1 and parts[0].keys() == {"type", "text"}
    sent = [{name: value for name, value in part.items() if name != _MARKED} for part in parts]
    return {**message, "content": parts[0]["text"] if plain else sent}
