"""Canonical JSON: the bytes that are hashed, stored and sent (lash 0.1.0-alpha.37, effect wire format §1).

Compact, UTF-8, non-ASCII raw; records in declared field order, keys of free values sorted by code point; floats with the shortest digits that
round-trip, large exponents with a sign (`1e+16`).
"""

import hashlib
import re
import threading
from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from types import UnionType
from typing import Any, Final, TypeAlias, TypeVar, Union, get_args, get_origin, overload

import msgspec
from msgspec import UNSET

from lash_nb.errors import WireError
from lash_nb.wire._base import Flat, Octets, Wire
from lash_nb.wire._convert import converted, decode_hook
from lash_nb.wire._flat import flat_shape, is_flat
from lash_nb.wire._shared import TupleLike
from lash_nb.wire._strict import is_settled, read_strictly
from lash_nb.wire._tool_value import ToolValue, encode_tool_value, holds_signs
from lash_nb.wire._visit import Fault
from lash_nb.wire._written import fault_in, is_writable

__all__ = [
    "from_builtins",
    "from_json",
    "from_json_rows",
    "json_lines",
    "json_size",
    "may_hold_long_integer",
    "pretty_json",
    "sorted_json",
    "stable_hash",
    "to_builtins",
    "to_json",
]

T = TypeVar("T")
JsonText: TypeAlias = bytes | bytearray | memoryview | str
"""JSON as it comes from a file or a network, or as a text; bytes are UTF-8."""

_FACELESS: Final = bytes.maketrans(b"123456789]}\n", b"000000000,,,")
"""Digits as `0`, ends of values and of lines as `,`: so a large float is one of two short texts, which is much faster to find than a pattern."""
_LONG: Final = b"0" * 19
"""Integers of fewer digits fit in 64 bits; of 19 digits those do that have no sign."""
_TOO_LONG: Final = (b"0" + _LONG, b"-" + _LONG)
"""Integers without either fit in 64 bits."""
_PLACE: Final = b"\2"
"""Stands, with a number of eight digits between two of them, for what was written before and need not be looked through again; JSON never holds it."""
_SEVERAL: Final = 4
"""As many values are worth to be written together."""
_UNWRITABLE: Final = (TypeError, ValueError, OverflowError, RecursionError)
"""What is raised over a value that cannot be written."""
_LARGE: Final = re.compile(rb"e(?=\d)")
"""Outside of texts: where the sign of a large exponent is missing."""


class _Text(threading.local):
    """The text that a thread is writing: nothing is awaited meanwhile."""

    def __init__(self) -> None:
        self.written: dict[int, tuple[int, bytes]] = {}
        """What was written before, by the identity of its sequence: the number of its place, and its JSON."""


_TEXT: Final = _Text()


def to_json(value: Any) -> bytes:
    """Return the canonical JSON of a wire value or free JSON value.

    Raises:
        WireError: the value holds something that has no one form in JSON, e.g. a NaN, an integer beyond 64 bits, a lone surrogate, bytes,
            a date, a set or an object of no known type; the message names its place and its type.
    """
    try:
        return _canonical(value)
    except _UNWRITABLE as error:
        raise _unwritten(value, error) from error


def json_lines(values: Sequence[Any]) -> list[bytes]:
    """Return the `to_json` of each value; many of one type are written and looked through together. Errors as there, of the first that is wrong."""
    try:
        return _canonical_lines(values)
    except _UNWRITABLE as error:
        raise _unwritten(values, error) from error


def json_size(sequence: TupleLike[Any]) -> int:
    """Return how many bytes `to_json` of a sequence has, which are not put together; errors as there."""
    try:
        return sequence.json_size(_canonical_lines)
    except _UNWRITABLE as error:
        raise _unwritten(sequence, error) from error


def sorted_json(record: Wire) -> bytes:
    """Return the canonical JSON of a record that is taken as a free value: its keys are sorted, too; errors as in `to_json`.

    Where `HOLE` stands for a value, its byte stands for the JSON.
    """
    try:
        return _checked(_SORTED.encode(record), record)
    except _UNWRITABLE as error:
        raise _unwritten(record, error) from error


@overload
def from_json(data: JsonText, type: type[T]) -> T: ...
@overload
def from_json(data: JsonText, type: Any = ...) -> Any: ...
def from_json(data: JsonText, type: Any = Any) -> Any:
    """Read JSON, as text or UTF-8 bytes, as a value of `type`; unknown fields are ignored except in the few strict records.

    Raises:
        WireError: not JSON, or not such a value; the message names the place in the document.
    """
    try:
        raw = _bytes_of(data)
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
        _canonical(value)
    except _UNWRITABLE as error:
        raise _fault(value, error).error(f"not a valid {_name(type)}", "wire_decode") from error
    try:
        return converted(value, type)
    except _UNWRITABLE as error:
        raise _wire_error(error, type) from error


def to_builtins(value: Any, *, shared: Callable[[TupleLike[Any]], list[Any]] = list) -> Any:
    """Return the value as dicts, lists and scalars, in wire order.

    Args:
        value: What is converted.
        shared: What is taken of a sequence that is shared, a conversation as a rule; all of it by default.
    """

    def hook(held: Any) -> Any:
        return shared(held) if isinstance(held, TupleLike) else _encode_hook(held)

    entries = msgspec.to_builtins(value, enc_hook=_encode_hook if shared is list else hook)
    return entries | entries.pop(value.__struct_encode_fields__[-1]) if isinstance(value, Flat) else entries


def stable_hash(value: Any) -> str:
    """Return the lower-case hex SHA-256 of the canonical JSON of `value` (effect wire format §1.9)."""
    return hashlib.sha256(to_json(value)).hexdigest()


@overload
def from_json_rows(rows: Sequence[bytes], type: type[T]) -> list[T | None]: ...
@overload
def from_json_rows(rows: Sequence[bytes], type: Any) -> list[Any]: ...
def from_json_rows(rows: Sequence[bytes], type: Any) -> list[Any]:
    """Read small documents as values of one type; None in the place of each that is none.

    Documents that are as they would be written are read together, which is faster than one by one.
    """
    return _read_together(rows, type) or [_read_or_none(row, type) for row in rows]


def pretty_json(value: Any) -> str:
    """Return the canonical JSON indented by two spaces, for people."""
    return msgspec.json.format(to_json(value), indent=2).decode()


def may_hold_long_integer(written: bytes) -> bool:
    """Tell whether JSON may hold an integer beyond 64 bits; a text of so many digits counts, too."""
    return _may_hold_long(written.translate(_FACELESS))


def _canonical(value: Any, *, is_read: bool = False) -> bytes:
    """Return the canonical JSON; what was read from JSON holds JSON, though maybe integers beyond 64 bits."""
    try:
        data = _flattened(value) if is_flat(value.__class__) else _ENCODER.encode(value)
        data = _checked(data, value, is_read=is_read)
        return _filled(data) if data.find(_PLACE) >= 0 else data
    except BaseException:
        _TEXT.written = {}
        raise


def _canonical_lines(values: Sequence[Any]) -> list[bytes]:
    """Return the canonical JSON of each value; those of one type are written together, a line each: no JSON that is written here holds a line feed."""
    if len(values) < _SEVERAL or len(set(map(type, values))) > 1:
        return [_canonical(value) for value in values]
    try:
        written = _flattened_lines(values) if is_flat(values[0].__class__) else _ENCODER.encode_lines(values)
        data = _checked(written, list(values))
        lines = (_filled(data) if data.find(_PLACE) >= 0 else data).split(b"\n")
    except BaseException:
        _TEXT.written = {}
        raise
    return lines[: len(values)]


def _checked(data: bytes, value: Any, *, is_read: bool = False) -> bytes:
    """Return what the encoder wrote as it has to be written, if the value may be written at all."""
    faceless = data.translate(_FACELESS)
    is_long = _may_hold_long(faceless)
    if (is_long or not is_read) and not is_writable(value, integers=is_long, floats=data.find(b"null") >= 0):
        raise ValueError("something in it is no JSON")
    if faceless.find(b"0e00") >= 0 and _may_hold_large_float(faceless):
        return _signed(data)
    return data


def _filled(data: bytes) -> bytes:
    """Put what was written before into its places, and forget it."""
    pieces, in_order = data.split(_PLACE), list(_TEXT.written.values())
    _TEXT.written = {}
    pieces[1::2] = [in_order[int(number)][1] for number in pieces[1::2]]
    return b"".join(pieces)


def _place_of(value: TupleLike[Any]) -> bytes:
    """Return what stands for a sequence in the text that is being written; a flat record is encoded twice, its sequences are not."""
    written = _TEXT.written
    if id(value) not in written:
        _TEXT.written = {}
        try:
            written[id(value)] = len(written), value.to_json(_canonical_lines)
        finally:
            _TEXT.written = written
    return b"%b%08d%b" % (_PLACE, written[id(value)][0], _PLACE)


def _read_together(rows: Sequence[bytes], kind: Any) -> list[Any] | None:
    raw = b"[%b]" % b",".join(rows)
    if is_flat(kind) or may_hold_long_integer(raw) or not all(map(is_settled, rows, rows)):
        return None
    try:
        values = _decoder(list[kind]).decode(raw)
    except msgspec.DecodeError:
        return None
    return values if list(map(_ENCODER.encode, values)) == list(rows) else None


def _read_or_none(raw: bytes, kind: type[T]) -> T | None:
    try:
        return from_json(raw, kind)
    except WireError:
        return None


def _flattened(record: Flat) -> bytes:
    """Encode a flat record: it ends in `"name":{…}}`, and what stands inside the braces belongs outside."""
    name = record.__struct_encode_fields__[-1]
    tail = _ENCODER.encode(getattr(record, record.__struct_fields__[-1]))
    return _ENCODER.encode(record)[: -len(f'"{name}":}}') - len(tail)] + tail[1:]


def _flattened_lines(records: Sequence[Flat]) -> bytes:
    """Encode flat records as `_flattened` does, a line each."""
    name, member = records[0].__struct_encode_fields__[-1], attrgetter(records[0].__struct_fields__[-1])
    tails = _ENCODER.encode_lines(list(map(member, records))).splitlines()
    wholes = _ENCODER.encode_lines(records).splitlines()
    braces = len(f'"{name}":}}')
    return b"".join(
        [whole[: -braces - len(tail)] + tail[1:] + b"\n" for whole, tail in zip(wholes, tails, strict=True)]
    )


def _json_hook(value: Any) -> Any:
    """As `_encode_hook`; most tool values are plain JSON and need no look at each item, and what is sent again was written before."""
    if isinstance(value, TupleLike):
        return msgspec.Raw(_place_of(value))
    if isinstance(value, ToolValue):
        plain = _ENCODER.encode(value.value)
        if not holds_signs(plain):
            return msgspec.Raw(plain)
    return _encode_hook(value)


def _encode_hook(value: Any) -> Any:
    if isinstance(value, ToolValue):
        return encode_tool_value(value.value)
    if isinstance(value, Octets | TupleLike):
        return list(value)
    message = f"objects of type {type(value).__name__} are not JSON"
    raise TypeError(message)


_ENCODER = msgspec.json.Encoder(enc_hook=_json_hook, order="deterministic")
_SORTED = msgspec.json.Encoder(enc_hook=_encode_hook, order="sorted")


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, dec_hook=decode_hook)


def _bytes_of(data: JsonText) -> bytes:
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    raise WireError(
        f"JSON is read from bytes or str, got {type(data).__name__}; dicts and lists are for `from_builtins`",
        code="wire_decode",
    )


def _settled(raw: bytes, kind: Any) -> Any:
    """Return the value, or `UNSET` when the text wants a second, careful reading."""
    try:
        decoded = _decode(raw, kind)
        canonical = _canonical(decoded, is_read=True)
    except (ValueError, RecursionError):  # also where the reference reads on, e.g. over an integer beyond 64 bits
        return UNSET
    return decoded if is_settled(raw, canonical) else UNSET


def _decode(raw: bytes, kind: Any) -> Any:
    if not is_flat(kind):
        return _decoder(kind).decode(raw)
    shape = flat_shape(kind)
    return shape.join(_decoder(shape.head).decode(raw), _decoder(shape.tail).decode(raw))


def _may_hold_long(faceless: bytes) -> bool:
    if faceless.find(_LONG) < 0:  # `in` first takes the text for a number, which costs more than the search
        return False
    return any(faceless.find(digits) >= 0 for digits in _TOO_LONG)


def _may_hold_large_float(faceless: bytes) -> bool:
    return b"0e00," in faceless or b"0e000," in faceless or faceless.endswith((b"0e00", b"0e000"))


def _signed(data: bytes) -> bytes:
    """Return JSON with a sign in every large exponent; control characters, which JSON never holds, stand for escapes meanwhile."""
    pieces = data.replace(b"\\\\", b"\0").replace(b'\\"', b"\1").split(b'"')
    pieces[::2] = _LARGE.sub(b"e+", b'"'.join(pieces[::2])).split(b'"')
    return b'"'.join(pieces).replace(b"\1", b'\\"').replace(b"\0", b"\\\\")


def _unwritten(value: Any, error: Exception) -> WireError:
    return _fault(value, error).error(f"{type(value).__name__} cannot be written as JSON", "wire_encode")


def _fault(value: Any, error: Exception) -> Fault:
    """Return what keeps a value from being written, as the encoder itself does not say where it stands."""
    return fault_in(value) or Fault(str(error))


def _wire_error(error: Exception, kind: Any) -> WireError:
    text, _, path = str(error).partition(" - at ")
    where = f" at {path}" if path else ""
    return WireError(f"not a valid {_name(kind)}: {text:.300}{where:.200}", path=path.strip("`"), code="wire_decode")


def _name(kind: Any) -> str:
    if get_origin(kind) in {Union, UnionType}:
        return " | ".join(map(_name, get_args(kind)))
    return getattr(kind, "__name__", repr(kind))
