"""The body of a request to OpenAI's Responses API (lash 0.1.0-alpha.37, turns §15.5)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from lash_nb.providers._model_families import clamped_openai_effort, openai_variants
from lash_nb.providers._options import ProviderOptions
from lash_nb.providers._request_parts import check_images, data_url, numbered_blocks, output_token_cap
from lash_nb.providers._schema_projection import projected_schema
from lash_nb.wire import (
    ImageBlock,
    LlmMessage,
    LlmOutputSpec,
    LlmRequest,
    LlmToolSpec,
    ReasoningBlock,
    ResponseTextMeta,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
)

__all__ = ["responses_body"]

_LOCAL: Final = ("localhost", "127.0.0.1", "0.0.0.0", "ollama")  # noqa: S104 - looked for in a URL, never bound
"""What a base URL of a server of one's own contains: it is not sent the fields that only OpenAI knows."""
_SUMMARY: Final = "summary_text"


def responses_body(
    request: LlmRequest, *, options: ProviderOptions, base_url: str, is_streamed: bool = True
) -> dict[str, Any]:
    """Return the body that asks for `request`.

    Raises:
        LlmTransportError: of kind `validation`: a picture or a schema that the endpoint does not take.
    """
    check_images(request, who="OpenAI Responses")
    is_openai = not any(word in base_url.strip().lower() for word in _LOCAL)
    body: dict[str, Any] = {
        "model": request.model,
        "instructions": _instructions(request),
        "input": _Input(request).items,
        "tools": [_tool(tool) for tool in request.tools],
        "stream": is_streamed,
        "max_output_tokens": output_token_cap(request, options),
    }
    if request.tools:
        body["tool_choice"] = request.tool_choice.lower()
    if is_openai:
        body |= _openai_fields(request)
    body |= _reasoning(request, options)
    if request.output_spec is not None:
        body["text"] = {**body.get("text", {}), "format": _text_format(request.output_spec)}
    return body | _caching(request, options, is_openai=is_openai)


def _openai_fields(request: LlmRequest) -> dict[str, Any]:
    return {
        "include": ["reasoning.encrypted_content"],
        "store": False,
        "parallel_tool_calls": bool(request.tools),
        "text": {"verbosity": "medium"},
    }


def _reasoning(request: LlmRequest, options: ProviderOptions) -> dict[str, Any]:
    variant = request.model_variant
    if variant is None or variant == "none" or variant not in openai_variants(request.model):
        return {}
    summary = {"summary": "auto"} if options.thinking.expose else {}
    return {"reasoning": {"effort": clamped_openai_effort(request.model, variant), **summary}}


def _caching(request: LlmRequest, options: ProviderOptions, *, is_openai: bool) -> dict[str, Any]:
    retention = options.cache_retention
    key = {} if retention == "none" or request.session_id is None else {"prompt_cache_key": request.session_id}
    return key | ({"prompt_cache_retention": "24h"} if retention == "long" and is_openai else {})


def _tool(tool: LlmToolSpec) -> dict[str, Any]:
    parameters = projected_schema(
        tool.input_schema, profile="openai_tool_parameters", overrides=tool.input_schema_projections
    )
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": parameters,
        "strict": False,
    }


def _text_format(spec: LlmOutputSpec) -> dict[str, Any]:
    if isinstance(spec, str):
        return {"type": "json_object"}
    wanted = spec.variant
    schema = projected_schema(wanted.schema, profile="openai_structured_output")
    return {"type": "json_schema", "name": wanted.name, "schema": schema, "strict": wanted.strict}


def _instructions(request: LlmRequest) -> str:
    said = (block.Text.text for message in _of_role(request, "System") for block in message.blocks if block.Text)
    return "\n\n".join(text for text in said if text)


def _of_role(request: LlmRequest, role: str) -> Iterator[LlmMessage]:
    return (message for message in request.messages if message.role == role)


class _Input:
    """The conversation as items. Texts and pictures wait in `_pending` until something that is an item of its own follows."""

    def __init__(self, request: LlmRequest) -> None:
        self.items: list[dict[str, Any]] = []
        self._attachments = request.attachments
        self._pending: list[dict[str, Any]] = []
        self._meta: ResponseTextMeta | None = None
        self._is_user, self._has_spoken = True, False
        self._place = self._first = 0
        """Number of the message, and of the block that began what is pending; of a message's first text 0."""
        for self._place, message in enumerate(request.messages):
            if message.role != "System":
                self._add(message)

    def _add(self, message: LlmMessage) -> None:
        self._is_user, self._has_spoken, self._first = message.role == "User", False, 0
        for number, block in numbered_blocks(message):
            variant = block.Text or block.variant
            _BLOCKS[type(variant)](self, variant, number)
        self._flush()

    def _flush(self) -> None:
        content, meta = self._pending, self._meta
        self._pending, self._meta = [], None
        if not content:
            return
        if not self._is_user:
            self._has_spoken = True
            self.items.append(self._assistant_message(content, meta or ResponseTextMeta()))
        elif self.items and self.items[-1].get("role") == "user":
            self.items[-1]["content"] += content
        else:
            self.items.append({"role": "user", "content": content})

    def _assistant_message(self, content: list[dict[str, Any]], meta: ResponseTextMeta) -> dict[str, Any]:
        item = {
            "type": "message",
            "role": "assistant",
            "id": meta.id or f"msg_lash_{self._place}_{self._first}",
            "status": meta.status or "completed",
            "content": content,
        }
        return item if meta.phase is None else {**item, "phase": meta.phase}

    def _text(self, block: TextBlock, number: int) -> None:
        if not block.text:
            return
        if self._is_user:
            self._pending.append({"type": "input_text", "text": block.text})
            return
        if self._pending or self._has_spoken or block.response_meta is not None:
            self._flush()
            self._first, self._meta = number, block.response_meta
        self._pending.append({"type": "output_text", "text": block.text, "annotations": []})

    def _image(self, block: ImageBlock, _number: int) -> None:
        if self._is_user and block.attachment_idx < len(self._attachments):
            url = data_url(self._attachments[block.attachment_idx])
            self._pending.append({"type": "input_image", "image_url": url})

    def _reasoning(self, block: ReasoningBlock, _number: int) -> None:
        """Only what the endpoint can read again is sent: a summary without its encrypted content would be refused."""
        self._flush()
        replay = block.replay
        if replay is None or replay.encrypted_content is None:
            return
        texts = replay.summary or ((block.text,) if block.text else ())
        item: dict[str, Any] = {
            "type": "reasoning",
            "summary": [{"type": _SUMMARY, "text": text} for text in texts],
            "encrypted_content": replay.encrypted_content,
        }
        self.items.append({**item, "id": replay.item_id} if replay.item_id else item)

    def _tool_call(self, block: ToolCallBlock, _number: int) -> None:
        self._flush()
        item = {
            "type": "function_call",
            "call_id": block.call_id,
            "name": block.tool_name,
            "arguments": block.input_json,
        }
        known = block.replay.item_id if block.replay else None
        self.items.append(item if known is None else {**item, "id": known})

    def _tool_result(self, block: ToolResultBlock, _number: int) -> None:
        self._flush()
        self.items.append({"type": "function_call_output", "call_id": block.call_id, "output": block.content})


_BLOCKS: Final[Mapping[type, Callable[[_Input, Any, int], None]]] = {
    TextBlock: _Input._text,  # noqa: SLF001 - the table of this module's own class
    ImageBlock: _Input._image,  # noqa: SLF001 - as above
    ReasoningBlock: _Input._reasoning,  # noqa: SLF001 - as above
    ToolCallBlock: _Input._tool_call,  # noqa: SLF001 - as above
    ToolResultBlock: _Input._tool_result,  # noqa: SLF001 - as above
}
