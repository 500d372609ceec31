"""Parsed JSON as values of the wire's types."""

from typing import Any

import msgspec

from lash_nb.wire._base import U8, Octets
from lash_nb.wire._flat import flat_shape, is_flat
from lash_nb.wire._tool_value import ToolValue, decode_tool_value

__all__ = ["converted", "decode_hook"]


def converted(value: Any, kind: Any) -> Any:
    """Return dicts, lists and scalars as a value of `kind`.

    Raises:
        msgspec.ValidationError: they are no such value.
    """
    if not is_flat(kind):
        return msgspec.convert(value, kind, dec_hook=decode_hook)
    shape = flat_shape(kind)
    return shape.join(converted(value, shape.head), converted(value, shape.tail))


def decode_hook(kind: type, value: Any) -> Any:
    """Return JSON as one of the types that msgspec does not know."""
    if kind is ToolValue:
        return ToolValue(decode_tool_value(value, converted))
    if kind is Octets:
        return Octets(msgspec.convert(value, list[U8]))
    message = f"cannot read {kind.__name__}"
    raise TypeError(message)
