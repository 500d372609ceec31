"""Canonical JSON: the bytes that are hashed, stored and sent (lash 0.1.0-alpha.37, effect wire format §1).

Compact, UTF-8, non-ASCII raw; records in declared field order, keys of free values sorted by code point; floats with the shortest digits that
round-trip, large exponents with a sign (`1e+16`).
"""

import hashlib
import math
import re
from functools import cache
from types import UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, overload

import msgspec
from msgspec import UNSET

from lash_nb.errors import WireError
from lash_nb.wire._base import Flat, Octets
from lash_nb.wire._convert import converted, decode_hook
from lash_nb.wire._flat import flat_shape, is_flat
from lash_nb.wire._strict import is_settled, read_strictly
from lash_nb.wire._tool_value import ToolValue, encode_tool_value

__all__ = ["from_builtins", "from_json", "pretty_json", "stable_hash", "to_builtins", "to_json"]

T = TypeVar("T")

_FACELESS: Final = bytes.maketrans(b"123456789]}", b"000000000,,")
"""Digits as `0`, ends of values as `,`: so a large float is one of two short texts, which is much faster to find than a pattern."""
_UNPLAIN: Final = (b'"$lash_tool_value":', b'"media_type":')
"""Keys of attachments and of what must be escaped among tool values; inside a text there is a backslash before the closing quote."""
_NOT_FINITE: Final = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]")
"""A packed double whose exponent is all ones; other packed numbers may look so too, text never does."""
_LONG: Final = b"0" * 19
"""Integers of fewer digits fit in 64 bits."""
_LARGE: Final = re.compile(rb"e(?=\d)")
"""Outside of texts: where the sign of a large exponent is missing."""


def to_json(value: Any) -> bytes:
    """Return the canonical JSON of a wire value or free JSON value.

    Raises:
        WireError: the value holds something JSON cannot carry, e.g. a NaN, an integer beyond 64 bits, a lone surrogate or an object of
            no known type.
    """
    try:
        data = _flattened(value) if isinstance(value, Flat) else _ENCODER.encode(value)
        faceless = data.translate(_FACELESS)
        if b"null" in data or _LONG in faceless:
            _refuse_lost_numbers(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise WireError(
            f"{type(value).__name__} cannot be written as JSON: {error}; use plain JSON values", code="wire_encode"
        ) from error
    return _signed(data) if _may_hold_large_float(faceless) else data


@overload
def from_json(data: bytes | str, type: type[T]) -> T: ...
@overload
def from_json(data: bytes | str, type: Any = ...) -> Any: ...
def from_json(data: bytes | str, type: Any = Any) -> Any:
    """Read JSON as a value of `type`; unknown fields are ignored except in the few strict records.

    Raises:
        WireError: not JSON, or not such a value; the message names the place in the document.
    """
    try:
        raw = data.encode() if isinstance(data, str) else data
        decoded = _settled(raw, type)
        return converted(read_strictly(raw, type), type) if decoded is UNSET else decoded
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _wire_error(error, type) from error


@overload
def from_builtins(value: Any, type: type[T]) -> T: ...
@overload
def from_builtins(value: Any, type: Any) -> Any: ...
def from_builtins(value: Any, type: Any) -> Any:
    """Read already parsed JSON (dicts and lists) as a value of `type`; errors as in `from_json`, also for what JSON cannot carry."""
    try:
        _refuse_lost_numbers(value)
        return converted(value, type)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise _wire_error(error, type) from error


def to_builtins(value: Any) -> Any:
    """Return the value as dicts, lists and scalars, in wire order."""
    entries = msgspec.to_builtins(value, enc_hook=_encode_hook)
    return entries | entries.pop(value.__struct_encode_fields__[-1]) if isinstance(value, Flat) else entries


def stable_hash(value: Any) -> str:
    """Return the lower-case hex SHA-256 of the canonical JSON of `value` (effect wire format §1.9)."""
    return hashlib.sha256(to_json(value)).hexdigest()


def pretty_json(value: Any) -> str:
    """Return the canonical JSON indented by two spaces, for people."""
    return msgspec.json.format(to_json(value), indent=2).decode()


def _flattened(record: Flat) -> bytes:
    """Encode a flat record: it ends in `"name":{…}}`, and what stands inside the braces belongs outside."""
    name = record.__struct_encode_fields__[-1]
    tail = _ENCODER.encode(getattr(record, record.__struct_fields__[-1]))
    return _ENCODER.encode(record)[: -len(f'"{name}":}}') - len(tail)] + tail[1:]


def _json_hook(value: Any) -> Any:
    """As `_encode_hook`; most tool values are plain JSON and need no look at each item."""
    if isinstance(value, ToolValue):
        plain = _ENCODER.encode(value.value)
        if not any(key in plain for key in _UNPLAIN):
            return msgspec.Raw(plain)
    return _encode_hook(value)


def _encode_hook(value: Any) -> Any:
    if isinstance(value, ToolValue):
        return encode_tool_value(value.value)
    if isinstance(value, Octets):
        return list(value)
    message = f"objects of type {type(value).__name__} are not JSON"
    raise TypeError(message)


_PACKER = msgspec.msgpack.Encoder(enc_hook=_encode_hook)
_ENCODER = msgspec.json.Encoder(enc_hook=_json_hook, order="deterministic")


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, dec_hook=decode_hook)


def _settled(raw: bytes, kind: Any) -> Any:
    """Return the value, or `UNSET` when the text wants a second, careful reading."""
    try:
        decoded = _decode(raw, kind)
        canonical = to_json(decoded)
    except (msgspec.DecodeError, WireError):  # also where the reference reads on, e.g. over an integer beyond 64 bits
        return UNSET
    return decoded if is_settled(raw, canonical) else UNSET


def _decode(raw: bytes, kind: Any) -> Any:
    if not is_flat(kind):
        return _decoder(kind).decode(raw)
    shape = flat_shape(kind)
    return shape.join(_decoder(shape.head).decode(raw), _decoder(shape.tail).decode(raw))


def _refuse_lost_numbers(value: Any) -> None:
    """Raise for numbers that the JSON encoder would write as something else: a NaN as `null`, a huge integer as it is."""
    packed = _PACKER.encode(value)  # raises for integers beyond 64 bits
    if _NOT_FINITE.search(packed) and not _is_finite(to_builtins(value)):
        message = "it holds a NaN or an infinity"
        raise ValueError(message)


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict | list | tuple):
        return all(map(_is_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)


def _may_hold_large_float(faceless: bytes) -> bool:
    if b"0e00" not in faceless:
        return False
    return b"0e00," in faceless or b"0e000," in faceless or faceless.endswith((b"0e00", b"0e000"))


def _signed(data: bytes) -> bytes:
    """Return JSON with a sign in every large exponent; control characters, which JSON never holds, stand for escapes meanwhile."""
    pieces = data.replace(b"\\\\", b"\0").replace(b'\\"', b"\1").split(b'"')
    pieces[::2] = _LARGE.sub(b"e+", b'"'.join(pieces[::2])).split(b'"')
    return b'"'.join(pieces).replace(b"\1", b'\\"').replace(b"\0", b"\\\\")


def _wire_error(error: Exception, kind: Any) -> WireError:
    text, _, path = str(error).partition(" - at ")
    where = f" at {path}" if path else ""
    return WireError(f"not a valid {_name(kind)}: {text}{where}", path=path.strip("`"), code="wire_decode")


def _name(kind: Any) -> str:
    if get_origin(kind) in {Union, UnionType}:
        return " | ".join(map(_name, get_args(kind)))
    return getattr(kind, "__name__", repr(kind))
