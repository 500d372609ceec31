"""Requests as tests make them."""

from typing import Any

from lash_nb.wire import LlmRequest, from_builtins

__all__ = ["assistant", "call", "image", "reasoning", "request", "result", "system", "text", "tool", "user"]


def request(*messages: dict[str, Any], **fields: Any) -> LlmRequest:
    """Return a request; tools, attachments and all other fields as plain JSON."""
    plain = {
        "model": "gpt-5.2",
        "messages": list(messages),
        "attachments": [],
        "tools": [],
        "tool_choice": "Auto",
        "generation": {},
        **fields,
    }
    made: LlmRequest = from_builtins(plain, LlmRequest)
    return made


def system(*blocks: dict[str, Any] | str) -> dict[str, Any]:
    """Return a message of the system; a plain text is a block."""
    return _message("System", blocks)


def user(*blocks: dict[str, Any] | str) -> dict[str, Any]:
    """Return a message of the user."""
    return _message("User", blocks)


def assistant(*blocks: dict[str, Any] | str) -> dict[str, Any]:
    """Return a message of the model."""
    return _message("Assistant", blocks)


def text(said: str, *, meta: dict[str, Any] | None = None, is_marked: bool = False) -> dict[str, Any]:
    """Return a text, with what its provider wants back and whether to cache up to it."""
    return {"Text": {"text": said, "response_meta": meta, "cache_breakpoint": is_marked}}


def image(index: int) -> dict[str, Any]:
    """Return a picture: that attachment of the request."""
    return {"Image": {"attachment_idx": index}}


def reasoning(said: str, **replay: Any) -> dict[str, Any]:
    """Return reasoning, with what its provider wants back."""
    return {"Reasoning": {"text": said, "replay": replay or None}}


def call(id: str, name: str, arguments: str, **replay: Any) -> dict[str, Any]:
    """Return a call of a tool, with what its provider wants back."""
    return {"ToolCall": {"call_id": id, "tool_name": name, "input_json": arguments, "replay": replay or None}}


def result(id: str, content: str, name: str | None = None) -> dict[str, Any]:
    """Return what a call gave."""
    return {"ToolResult": {"call_id": id, "content": content, "tool_name": name}}


def tool(name: str = "look", schema: Any = None, projections: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return a tool."""
    return {
        "name": name,
        "description": f"{name}s",
        "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}} if schema is None else schema,
        "output_schema": {},
        "input_schema_projections": projections or [],
        "output_schema_projections": [],
    }


def _message(role: str, blocks: tuple[dict[str, Any] | str, ...]) -> dict[str, Any]:
    return {"role": role, "blocks": [text(block) if isinstance(block, str) else block for block in blocks]}
