"""The body of a request to Anthropic's Messages API (lash 0.1.0-alpha.37, turns §15.7)."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from uuid import uuid4

import msgspec

from lash_nb.providers._model_families import anthropic_thinking, takes_temperature
from lash_nb.providers._options import CacheRetention, ProviderOptions
from lash_nb.providers._request_parts import base64_text, check_images, numbered_blocks, output_token_cap
from lash_nb.wire import (
    ImageBlock,
    LlmMessage,
    LlmOutputSpec,
    LlmRequest,
    LlmToolSpec,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
)

__all__ = ["messages_body"]

_Block = dict[str, Any]
_CACHE: Final[Mapping[CacheRetention, _Block]] = {
    "short": {"type": "ephemeral"},
    "long": {"type": "ephemeral", "ttl": "1h"},
}
_TOOL_CHOICE: Final = {"Auto": "auto", "None": "none", "Required": "any"}
_NOT_IN_IDS: Final = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_ID: Final = 64
_NO_PICTURE: Final = "[Image attached]"


def messages_body(request: LlmRequest, *, options: ProviderOptions) -> dict[str, Any]:
    """Return the body that asks for `request`; the answer is always streamed.

    Raises:
        LlmTransportError: of kind `validation`: a picture that the endpoint does not take.
    """
    check_images(request, who="Anthropic")
    system, messages = _system_text(request), _Conversation(request)
    tools = [_tool(tool) for tool in request.tools]
    system_blocks = [_text(system)] if system else []
    cache = _CACHE.get(options.cache_retention)
    if cache is not None:
        _mark(cache, system_blocks[-1:], messages.last_to_cache(), tools[-1:])
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": output_token_cap(request, options),
        "messages": messages.turns,
    }
    if system_blocks:
        body["system"] = system_blocks
    if tools:
        body |= {"tools": tools, "tool_choice": {"type": _TOOL_CHOICE[request.tool_choice]}}
    body |= _thinking(request, options)
    if request.output_spec is not None:
        body["output_config"] = {**body.get("output_config", {}), "format": _format(request.output_spec)}
    return body | {"stream": True}


def _thinking(request: LlmRequest, options: ProviderOptions) -> dict[str, Any]:
    """How the model is asked to think; a temperature is only allowed where it is not, and of older models."""
    thinking = anthropic_thinking(request.model, request.model_variant or "none")
    if thinking is None:
        return {"temperature": 0} if takes_temperature(request.model) else {}
    display = "summarized" if options.thinking.expose else "omitted"
    if thinking.effort is not None:
        return {"thinking": {"type": "adaptive", "display": display}, "output_config": {"effort": thinking.effort}}
    return {"thinking": {"type": "enabled", "budget_tokens": thinking.budget_tokens, "display": display}}


def _format(spec: LlmOutputSpec) -> _Block:
    any_object = {"type": "object", "additionalProperties": True}
    return {"type": "json_schema", "schema": any_object if isinstance(spec, str) else spec.variant.schema}


def _tool(tool: LlmToolSpec) -> _Block:
    schema = tool.input_schema if isinstance(tool.input_schema, dict) else {}
    parameters = {
        "type": "object",
        "properties": schema.get("properties", {}),
        "required": schema.get("required", []),
    }
    return {"name": tool.name, "description": tool.description, "input_schema": parameters}


def _mark(cache: _Block, *ends: list[_Block]) -> None:
    """Ask for everything up to these blocks to be kept."""
    for blocks in ends:
        for block in blocks:
            block["cache_control"] = dict(cache)


def _system_text(request: LlmRequest) -> str:
    first = next((message for message in request.messages if message.role == "System"), None)
    return "" if first is None else "\n\n".join(block.Text.text for block in first.blocks if block.Text)


class _Conversation:
    """The messages after the system prompt, neighbors of one role as one, and which of their blocks asked to be cached."""

    def __init__(self, request: LlmRequest) -> None:
        self.turns: list[dict[str, Any]] = []
        self._request = request
        self._asked: _Block | None = None
        """The last block that asked to be cached."""
        for message in self._after_system():
            self._add("assistant" if message.role == "Assistant" else "user", self._blocks(message))

    def last_to_cache(self) -> list[_Block]:
        """Return the block up to which the conversation is to be kept: the last that asks for it, else the last of all if the user's."""
        if self._asked is not None:
            return [self._asked]
        is_of_user = bool(self.turns) and self.turns[-1]["role"] == "user"
        return self.turns[-1]["content"][-1:] if is_of_user else []

    def _after_system(self) -> Iterator[LlmMessage]:
        """All messages but the first of the system; what the system says later is told as the user's."""
        was_seen = False
        for message in self._request.messages:
            if message.role == "System" and not was_seen:
                was_seen = True
            else:
                yield message

    def _add(self, role: str, blocks: list[_Block]) -> None:
        if not blocks:
            return
        if self.turns and self.turns[-1]["role"] == role:
            self.turns[-1]["content"] += blocks
        else:
            self.turns.append({"role": role, "content": blocks})

    def _blocks(self, message: LlmMessage) -> list[_Block]:
        blocks: list[_Block] = []
        for _, block in numbered_blocks(message):
            variant = block.Text or block.variant
            made = self._image(variant) if isinstance(variant, ImageBlock) else _BLOCKS[type(variant)](variant)
            if made is None:
                continue
            if block.Text and block.Text.cache_breakpoint:
                self._asked = made
            blocks.append(made)
        return blocks

    def _image(self, block: ImageBlock) -> _Block:
        if block.attachment_idx >= len(self._request.attachments):
            return _text(_NO_PICTURE)
        attachment = self._request.attachments[block.attachment_idx]
        source = {"type": "base64", "media_type": attachment.mime, "data": base64_text(attachment)}
        return {"type": "image", "source": source}


def _text(text: str) -> _Block:
    return {"type": "text", "text": text}


def _text_or_none(text: str) -> _Block | None:
    """A blank text would be refused."""
    return _text(text) if text.strip() else None


def _tool_use(block: ToolCallBlock) -> _Block:
    try:
        given = msgspec.json.decode(block.input_json)
    except (msgspec.DecodeError, RecursionError):
        given = {}
    return {"type": "tool_use", "id": _call_id(block.call_id), "name": block.tool_name, "input": given}


def _tool_result(block: ToolResultBlock) -> _Block:
    return {"type": "tool_result", "tool_use_id": _call_id(block.call_id), "content": block.content}


def _reasoning(block: ReasoningBlock) -> _Block | None:
    """Thinking goes back with its signature, also where its text was withheld; without one it is told as text."""
    signature = block.replay.signature if block.replay else None
    if block.replay is None or signature is None:
        return _text_or_none(block.text)
    if block.replay.redacted:
        return {"type": "redacted_thinking", "data": signature}
    return {"type": "thinking", "thinking": block.text, "signature": signature}


def _call_id(id: str) -> str:
    return _NOT_IN_IDS.sub("_", id)[:_LONGEST_ID] or str(uuid4())


_BLOCKS: Final[Mapping[type, Callable[[Any], _Block | None]]] = {
    TextBlock: lambda block: _text_or_none(block.text),
    ToolCallBlock: _tool_use,
    ToolResultBlock: _tool_result,
    ReasoningBlock: _reasoning,
}
