"""Values that releases wrote in different forms, told alike."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from lash_nb.trace._usage import read_usage

__all__ = ["TOLD", "plain_attachment", "plain_part", "plain_schema"]

_ATTACHMENT: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id",),
    "source": ("source",),
    "mime": ("mime", "media_type"),
    "filename": ("filename",),
    "sha256": ("bytes_sha256",),
    "byte_len": ("bytes_len", "byte_len"),
}
"""What an attachment of a request is told by, and what releases call that."""
_SINGLE: Final = {"Text": "text", "Reasoning": "reasoning", "ToolCall": "tool_call"}
"""Parts of an answer that version 36 writes as an object with one member, and the tag that they have elsewhere."""


def plain_schema(schema: Any) -> Any:
    """Return the JSON schema of a tool: since 0.1.0-alpha.76 it stands beside what the provider was given instead."""
    if isinstance(schema, dict) and "canonical" in schema and "type" not in schema:
        return schema["canonical"]
    return schema


def _tools(tools: Any, _body: Mapping[str, Any]) -> Any:
    return [_tool(tool) for tool in tools] if isinstance(tools, list) else tools


def _tool(tool: Any) -> Any:
    if not isinstance(tool, dict):
        return tool
    return {key: plain_schema(value) if key.endswith("_schema") else value for key, value in tool.items()}


def _attachments(value: Any, body: Mapping[str, Any]) -> Any:
    """Tell attachments alike: of a list beside the messages (until version 17), or out of the blocks of the messages."""
    if not isinstance(value, list):
        return None
    listed = "attachments" in body["request"]
    return [plain_attachment(one) for one in (value if listed else _carried(value)) if isinstance(one, dict)]


def plain_attachment(members: Any) -> dict[str, Any]:
    """Return what an attachment is told by, under names that are the same for all releases."""
    if not isinstance(members, dict):
        return {}
    found = {name: [members[key] for key in keys if members.get(key) is not None] for name, keys in _ATTACHMENT.items()}
    return {name: values[0] for name, values in found.items() if values}


def _carried(messages: list[Any]) -> Iterator[Any]:
    """Yield what blocks carry, also those inside the results of tools."""
    blocks = (block for message in messages for block in _items(message, "blocks"))
    for one in (one for block in blocks for one in (block, *_items(block, "content"))):
        if isinstance(one, dict) and one.get("kind") == "attachment":
            yield one.get("source") or one.get("reference")


def _items(holder: Any, name: str) -> list[Any]:
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []


def _parts(parts: Any, _body: Mapping[str, Any]) -> Any:
    return [plain_part(part) for part in parts] if isinstance(parts, list) else parts


def plain_part(part: Any) -> Any:
    """Return a part of an answer with its tag in it."""
    if isinstance(part, dict) and len(part) == 1:
        ((name, members),) = part.items()
        if name in _SINGLE and isinstance(members, dict):
            return {"type": _SINGLE[name], **members}
    return part


def _error_class(name: Any, _body: Mapping[str, Any]) -> Any:
    """Write `StoredDataCorrupt` as version 36 does."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() if isinstance(name, str) else name


def _error_code(code: Any, body: Mapping[str, Any]) -> Any:
    """Take the namespace off a code; version 36, which has no message, writes them in one."""
    if isinstance(code, str) and _has_namespace(body):
        return code.partition(":")[2]
    return code


def _has_namespace(body: Mapping[str, Any]) -> bool:
    error = body.get("error")
    return isinstance(error, dict) and "message" not in error and ":" in str(error.get("code"))


def _error_namespace(namespace: Any, body: Mapping[str, Any]) -> Any:
    if _has_namespace(body):
        return namespace.partition(":")[0]
    return namespace if body["error"].get("code_namespace") is not None else None


def _message(message: Any, _body: Mapping[str, Any]) -> Any:
    """Take the text of an error that is an object with one."""
    return message.get("message", message) if isinstance(message, dict) else message


def _usage(members: Any, _body: Mapping[str, Any]) -> Any:
    return read_usage(members)


TOLD: Final[Mapping[str, Callable[[Any, Mapping[str, Any]], Any]]] = {
    "attachments": _attachments,
    "tools": _tools,
    "parts": _parts,
    "error_class": _error_class,
    "error_code": _error_code,
    "error_namespace": _error_namespace,
    "error_message": _message,
    "partial_usage": _usage,
}
"""Facts whose value needs more than a place; each function takes the value and the whole record."""
