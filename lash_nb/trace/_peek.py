"""What the index wants to know of a trace line, and how it is found without decoding the rest.

`Peek` names only the members that fill a column; msgspec checks and skips everything else at the speed of a scanner. A line whose
members have other types than a record of this release (another release, or damage) is read again in full and keeps what fits.
Record members: lash 0.1.0-alpha.37, trace schema version 2.
"""

import json
import math
from typing import Annotated, Any, Final, get_args

import msgspec
from msgspec import Meta

from lash_nb.clock import parse_rfc3339
from lash_nb.wire import TRACE_SCHEMA_VERSION, TraceEvent

__all__ = [
    "KNOWN_TYPES",
    "KNOWN_VERSIONS",
    "NO_INT",
    "BadLineError",
    "Peek",
    "decode_body",
    "decode_peeks",
    "peek_line",
    "time_ns",
]

NO_INT: Final = -(1 << 63)
"""Stands for a missing number in an integer column; the same value that pandas uses for a missing time."""

KNOWN_VERSIONS: Final = frozenset({TRACE_SCHEMA_VERSION})
"""Schema versions whose records this release describes."""

KNOWN_TYPES: Final = frozenset(str(event.__struct_config__.tag) for event in get_args(TraceEvent))
"""Types of record this release describes."""


_Number = Annotated[int, Meta(ge=NO_INT, le=(1 << 63) - 1)]
"""What an integer column can hold."""
_Tokens = Annotated[int, Meta(ge=-(10**15), le=10**15)]
"""A sum of as many tokens as a trace can hold still fits an integer column."""
_Milliseconds = Annotated[float, Meta(ge=-(10.0**15), le=10.0**15)]
"""Thirty thousand years: whatever is longer is no duration, and no picture could show it."""


class BadLineError(ValueError):
    """A line that is no record; the text is the reason."""


class _Context(msgspec.Struct, frozen=True, gc=False):
    session_id: str | None = None
    turn_id: str | None = None
    turn_index: _Number = NO_INT
    protocol_iteration: _Number = NO_INT
    effect_id: str | None = None
    llm_call_id: str | None = None
    graph_node_id: str | None = None


class _Request(msgspec.Struct, frozen=True, gc=False):
    model: str | None = None
    model_variant: str | None = None


class _Response(msgspec.Struct, frozen=True, gc=False):
    duration_ms: _Milliseconds = math.nan


class _Outcome(msgspec.Struct, frozen=True, gc=False):
    status: str | None = None


class _Output(msgspec.Struct, frozen=True, gc=False):
    outcome: _Outcome = _Outcome()


class _Event(msgspec.Struct, frozen=True, gc=False):
    kind: str | None = None
    event_name: str | None = None


class Peek(msgspec.Struct, frozen=True, gc=False):
    """The members of one record that the index keeps."""

    type: str
    timestamp: str
    schema_version: _Number = 0
    context: _Context = _Context()
    name: str | None = None
    plugin_id: str | None = None
    call_id: str | None = None
    duration_ms: _Milliseconds = math.nan
    status: str | None = None
    done_reason: str | None = None
    usage: dict[str, _Tokens] | None = None
    request: _Request = _Request()
    response: _Response = _Response()
    output: _Output = _Output()
    event: _Event = _Event()


_DECODER: Final = msgspec.json.Decoder(Peek)

decode_peeks: Final = _DECODER.decode_lines
"""Read the members that the index keeps of many lines at once, the fastest way there is.

It forgives what a line reader must not (an empty line, a value over two lines, bytes in skipped text that are no UTF-8): the caller compares
the number of values with that of lines, and checks the encoding.
"""

_decode_any: Final = msgspec.json.Decoder().decode
_MAX_DIGITS: Final = 1_000


def peek_line(line: bytes) -> Peek:
    """Read one line with every check that the fast path leaves out.

    Raises:
        BadLineError: the line is no record.
    """
    if line.startswith(b"\x1f\x8b"):
        message = "not JSON: this looks like a gzip file"
        raise BadLineError(message)
    try:
        line.decode()
        peek = _decoded(line)
        time_ns(peek.timestamp)
        return peek
    except msgspec.DecodeError as error:
        message = f"not JSON: {str(error).removeprefix('JSON is malformed: ')}"
    except UnicodeDecodeError as error:
        message = f"not UTF-8: byte 0x{line[error.start]:02x} at column {error.start + 1}"
    except RecursionError:
        message = "nested too deeply to be read"
    raise BadLineError(message)


def decode_body(data: bytes) -> Any:
    """Read a whole record.

    Raises:
        msgspec.DecodeError: the bytes are no JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return _decode_any(data)
    except msgspec.ValidationError:  # a number beyond every float, which JSON allows and msgspec refuses
        return json.loads(data, parse_int=_parse_int)


def time_ns(timestamp: str) -> int:
    """Read a record's time as nanoseconds since the epoch.

    Raises:
        BadLineError: the text is no RFC 3339 time, or lies outside the years 1678 to 2261.
    """
    try:
        value = parse_rfc3339(timestamp)
    except (ValueError, OverflowError):
        raise BadLineError(f"timestamp {timestamp[:40]!r} is not an RFC 3339 time") from None
    if not -(1 << 63) < value < 1 << 63:
        raise BadLineError(f"timestamp {timestamp[:40]!r} is outside the years 1678 to 2261")
    return value


def _decoded(line: bytes) -> Peek:
    try:
        return _DECODER.decode(line)
    except msgspec.ValidationError:
        return _salvaged(line)


def _salvaged(line: bytes) -> Peek:
    """Keep what fits of a record whose members have other types than expected."""
    record = decode_body(line)
    if not isinstance(record, dict):
        raise BadLineError(f"not an object but {_JSON_NAMES.get(type(record), 'a number')}")
    for member in ("type", "timestamp"):
        if not isinstance(record.get(member), str):
            what = "has no" if record.get(member) is None else "has a non-text"
            raise BadLineError(f"the record {what} {member!r}")
    peek: Peek = _fitting(Peek, record)
    return peek


def _fitting(shape: type[Any], members: dict[str, Any]) -> Any:
    """Build `shape` from those members that have the type it wants."""
    fitting = {}
    for field in msgspec.structs.fields(shape):
        value = members.get(field.encode_name)
        if isinstance(value, dict) and isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            fitting[field.name] = _fitting(field.type, value)
        elif field.name == "usage" and isinstance(value, dict):
            fitting[field.name] = {name: count for name, count in value.items() if _fits(count, _Tokens)}
        elif value is not None and _fits(value, field.type):
            fitting[field.name] = value
    return shape(**fitting)


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _parse_int(digits: str) -> int | float:
    """Read an integer; Python refuses thousands of digits, a float takes them."""
    return int(digits) if len(digits) < _MAX_DIGITS else float(digits)


_JSON_NAMES: Final[dict[type, str]] = {list: "a list", str: "text", bool: "true or false", type(None): "null"}
