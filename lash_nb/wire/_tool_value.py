"""Tool values: plain JSON in which an attachment may stand (lash 0.1.0-alpha.37, effect wire format §8.4)."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct, to_builtins

from lash_nb.wire._base import Json
from lash_nb.wire._media import AttachmentRef

__all__ = ["ToolValue", "decode_tool_value", "encode_tool_value", "holds_signs", "is_free_json"]

_RESERVED = "$lash_tool_value"
_LEAVES: Final = (str, int, float, type(None))
_ESCAPED: Final = b'"$lash_tool_value":'
_ATTACHED: Final = b'"media_type":'
"""Keys as they are written; inside a text there is a backslash before the closing quote."""


class _Attachment(Struct, frozen=True, kw_only=True, tag_field=_RESERVED, tag="attachment"):
    ref: AttachmentRef


class _Object(Struct, frozen=True, kw_only=True, tag_field=_RESERVED, tag="object"):
    entries: dict[str, Any]


class ToolValue:
    """What a tool returned: a free JSON value whose leaves may also be `AttachmentRef` objects.

    A real object that happens to hold the reserved key `$lash_tool_value` is escaped when written and comes back as itself.
    """

    __slots__ = ("value",)

    def __init__(self, value: Json = None) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ToolValue) and self.value == other.value

    def __hash__(self) -> int:
        return hash(repr(self.value))

    def __repr__(self) -> str:
        return f"ToolValue({self.value!r})"

    @classmethod
    def from_value(cls, value: Json) -> "ToolValue":
        """Return a free value as a tool value; the reserved key means nothing in it, only decoding reads it."""
        return cls(value)

    def to_json_value(self) -> Json:
        """Return the value as it is written, as a free value: attachments and escapes are plain objects."""
        if is_free_json(self.value):
            return self.value
        return to_builtins(encode_tool_value(self.value))

    def attachments(self) -> Iterator[AttachmentRef]:
        """Yield the attachments inside, depth first, objects in key order."""
        return iter(()) if is_free_json(self.value) else _attachments(self.value)


def holds_signs(written: bytes) -> bool:
    """Tell whether a value that is written as JSON may hold attachments or what must be escaped."""
    return written.find(_ATTACHED) >= 0 or written.find(_ESCAPED) >= 0  # `in` first takes the text for a number


def is_free_json(value: Any) -> bool:
    """Tell whether `value` is sure to be written as it stands: no attachment is in it, and nothing to escape.

    The encoder sees in one go what would take a step for each item.
    """
    if isinstance(value, _LEAVES):
        return True
    try:
        written = msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return False
    return not holds_signs(written)


def encode_tool_value(value: Any) -> Any:
    """Return `value` with attachments tagged and clashing objects escaped."""
    if isinstance(value, AttachmentRef):
        return _Attachment(ref=value)
    if isinstance(value, dict):
        entries = {key: encode_tool_value(item) for key, item in value.items()}
        return _Object(entries=entries) if _RESERVED in value else entries
    if isinstance(value, list | tuple):
        return [encode_tool_value(item) for item in value]
    return value


def decode_tool_value(value: Any, convert: Callable[[Any, Any], Any]) -> Any:
    """Return `value` with tagged attachments as `AttachmentRef` (through `convert`) and escapes undone.

    Raises:
        ValueError: the reserved key is used in any other way.
    """
    if isinstance(value, list):
        return [decode_tool_value(item, convert) for item in value]
    if not isinstance(value, dict):
        return value
    if _RESERVED not in value:
        return {key: decode_tool_value(item, convert) for key, item in value.items()}
    match value:
        case {"$lash_tool_value": "attachment", "ref": {"media_type": {"kind": str()}} as ref} if len(value) == 2:
            return convert(ref, AttachmentRef)
        case {"$lash_tool_value": "object", "entries": dict() as entries} if len(value) == 2:
            return {key: decode_tool_value(item, convert) for key, item in entries.items()}
    message = (
        f"an object with the reserved key {_RESERVED} must be an attachment with `ref` or an object with `entries`"
    )
    raise ValueError(message)


def _attachments(value: Any) -> Iterator[AttachmentRef]:
    if isinstance(value, AttachmentRef):
        yield value
    elif isinstance(value, dict):
        for key in sorted(value):
            yield from _attachments(value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _attachments(item)
