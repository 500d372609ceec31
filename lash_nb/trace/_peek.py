"""What the index wants to know of a trace line, and how it is found without decoding the rest.

The shapes `Peek` and `Context` are made of the places that `_facts` names, so no other member is looked at: msgspec checks and skips
everything else at the speed of a scanner. The context stays text, because neighbours mostly share it. A line whose members have other types
than its release gives them is read again in full and keeps what fits.
"""

import codecs
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from operator import attrgetter
from typing import Annotated, Any, Final, get_args

import msgspec
import numpy as np
from msgspec import Meta

from lash_nb.trace._facts import CONTEXT_FACTS, INDEXED_FACTS, RECORD_FACTS, RECORD_TYPES, Place, kind_of
from lash_nb.trace._stamps import time_ns
from lash_nb.trace._usage import UsageMembers

__all__ = [
    "NO_INT",
    "BadLineError",
    "Facts",
    "decode_body",
    "decode_peeks",
    "facts_of",
    "is_utf8",
    "peek_line",
    "read_contexts",
]

NO_INT: Final = -(1 << 63)
"""Stands for a missing number in an integer column; the same value that pandas uses for a missing time."""

LONGEST_TEXT: Final = 2_000
"""Characters of the longest id or name that the index holds; a longer one stays in the record, so that the index stays small."""

_Number = Annotated[int, Meta(ge=NO_INT, le=(1 << 63) - 1)]
"""What an integer column can hold."""
_Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]
_Milliseconds = Annotated[float, Meta(ge=-(2.0**64), le=2.0**64)]
"""The largest number that a release can write, though only as near as a float comes: half a billion years."""


class BadLineError(ValueError):
    """A line that is no record; the text is the reason."""


_LEAVES: Final[Mapping[str, tuple[Any, Any]]] = {
    "turn_index": (_Number | None, None),
    "protocol_iteration": (_Number | None, None),
    "duration_ms": (_Milliseconds | None, None),
    "usage": (UsageMembers | None, None),
    "status": (_Text | bool | None, None),
}
"""Types and defaults of facts that are no text."""


def _shape(name: str, own: Mapping[str, tuple[Any, Any]], facts: Iterable[tuple[str, Place]]) -> type[msgspec.Struct]:
    """Make a struct of all places, with a struct inside for each member that has members."""
    leaves, inner = dict(own), dict[str, list[tuple[str, Place]]]()
    for fact, place in facts:
        head, _, rest = place.path.partition(".")
        if rest:
            inner.setdefault(head, []).append((fact, Place(rest, place.versions)))
        else:
            leaves[head] = _LEAVES.get(fact, (_Text | None, None))
    for head, below in inner.items():
        nested = _shape(f"{name}_{head}", {}, below)
        leaf = leaves.get(head, (None, None))[0]
        leaves[head] = (nested | None | leaf, nested())
    fields = [
        (member, kind) if default is ... else (member, kind, default) for member, (kind, default) in leaves.items()
    ]
    return msgspec.defstruct(name, fields, frozen=True, gc=False, kw_only=True)


Context: Final[Any] = _shape(
    "Context", {}, [(fact, place) for fact, places in CONTEXT_FACTS.items() for place in places]
)
"""The members of a context that the index keeps."""

Peek: Final[Any] = _shape(
    "Peek",
    {
        "schema_version": (_Number, 0),
        "timestamp": (str, ...),
        "context": (msgspec.Raw, msgspec.Raw(b"{}")),
        "type": (_Text, ...),
        "content": (_Text | None, None),
    },
    [(fact, place) for fact in INDEXED_FACTS for places in RECORD_FACTS[fact].values() for place in places],
)
"""The members of one record that the index keeps, first those of every record in the order in which lash writes them."""

_DECODER: Final = msgspec.json.Decoder(Peek)
_CONTEXTS: Final = msgspec.json.Decoder(Context)

decode_peeks: Final = _DECODER.decode_lines
"""Read the members that the index keeps of many lines at once, the fastest way there is.

It forgives what a line reader must not (an empty line, a value over two lines, bytes in skipped text that are no UTF-8): the caller compares
the number of values with that of lines, and checks the encoding.
"""

_decode_any: Final = msgspec.json.Decoder().decode
_MAX_DIGITS: Final = 1_000
_WORD: Final = 8
_LARGE: Final = 1 << 22
"""One long line is checked slice by slice: what is computed for all its words at once would be as large as itself."""
_HIGH_BITS: Final = np.uint64(0x8080_8080_8080_8080)
_SPACES: Final = np.uint64(0x2020_2020_2020_2020)
_SLICE: Final = 1 << 15
"""Bytes whose encoding is checked at once: the text that the check makes and throws away stays in the cache."""


Facts = list[tuple[str, Callable[[Sequence[Any]], Sequence[Any]]]]
"""The facts that records of one type have, each with the function that reads it from many peeks."""


@cache
def facts_of(type_name: str) -> Facts:
    """Return how the facts of a type are read; of a type that nobody knows (so named `UNKNOWN` here) whatever can be."""
    kind = kind_of(type_name)
    return [
        (fact, first_of([partial(_column, attrgetter(place.path)) for place in places]))
        for fact in INDEXED_FACTS
        if (places := _places(fact, kind, type_name))
    ]


def _places(fact: str, kind: str, type_name: str) -> tuple[Place, ...]:
    by_kind = RECORD_FACTS[fact]
    return (
        by_kind.get(kind, ())
        if type_name in RECORD_TYPES
        else tuple({p.path: p for ps in by_kind.values() for p in ps}.values())
    )


def first_of(readers: Sequence[Callable[[Any], Sequence[Any]]]) -> Callable[[Any], Sequence[Any]]:
    """Return a function that reads a fact of many structs: of each from the first place that is there.

    Args:
        readers: For each place a function that gives what all the structs have there.
    """

    def values(structs: Any) -> Sequence[Any]:
        found = readers[0](structs)
        for reader in readers[1:]:
            missing = found.count(None)
            if not missing:
                break
            other = reader(structs)
            if missing == len(found):
                found = other
            elif other.count(None) < len(other):
                found = [second if first is None else first for first, second in zip(found, other, strict=True)]
        return found

    return values


def _column(getter: Callable[[Any], Any], structs: Sequence[Any]) -> list[Any]:
    try:
        return list(map(getter, structs))
    except AttributeError:  # somewhere on the way stands null, or a text, in the place of an object
        return [_value(getter, struct) for struct in structs]


def _value(getter: Callable[[Any], Any], struct: Any) -> Any:
    try:
        value = getter(struct)
    except AttributeError:
        return None
    return None if isinstance(value, msgspec.Struct) and not isinstance(value, UsageMembers) else value


def read_contexts(raws: Sequence[bytes]) -> dict[str, Sequence[Any]]:
    """Read contexts: of each fact the values of all of them; of a strange context what fits."""
    try:
        contexts = _CONTEXTS.decode_lines(b"\n".join(raws))
    except (msgspec.DecodeError, RecursionError):
        contexts = [_fitting(Context, members if isinstance(members := decode_body(raw), dict) else {}) for raw in raws]
    columns = dict(
        zip(Context.__struct_fields__, zip(*map(msgspec.structs.astuple, contexts), strict=True), strict=True)
    )
    return {fact: values_of(columns) for fact, values_of in _CONTEXT_FACTS.items()}


def _in_columns(place: Place) -> Callable[[Mapping[str, Sequence[Any]]], Sequence[Any]]:
    """Return a function that finds a place in the columns of many contexts."""
    head, _, rest = place.path.partition(".")
    getter = attrgetter(rest) if rest else None
    return lambda columns: _column(getter, columns[head]) if getter else columns[head]


_CONTEXT_FACTS: Final = {fact: first_of([*map(_in_columns, places)]) for fact, places in CONTEXT_FACTS.items()}


def is_utf8(data: bytes | memoryview) -> bool:
    """Tell whether bytes are text.

    Most words of eight bytes are ASCII all through: only the others are decoded, with spaces for what is left out between them.
    """
    if len(data) > _LARGE:
        return _is_utf8(memoryview(data))
    size = len(data) // _WORD
    words = np.frombuffer(data, "u8", size)
    at = np.flatnonzero((words & _HIGH_BITS) != 0)
    gaps = np.diff(at, append=size) > 1
    places = np.arange(len(at))
    places[1:] += np.cumsum(gaps[:-1])
    text = np.full(len(at) + np.count_nonzero(gaps), _SPACES)
    text[places] = words[at]
    return _is_utf8(memoryview(text.tobytes() + bytes(data[size * _WORD :])))


def _is_utf8(text: memoryview) -> bool:
    done = 0
    try:
        while done < len(text):
            whole = done + _SLICE >= len(text)
            done += codecs.utf_8_decode(text[done : done + _SLICE], "strict", whole)[1]
    except UnicodeDecodeError:
        return False
    return True


def peek_line(line: bytes) -> Any:
    """Read one line with every check that the fast path leaves out.

    Raises:
        BadLineError: the line is no record.
    """
    if line.startswith(b"\x1f\x8b"):
        message = "not JSON: this looks like gzip inside a trace"
        raise BadLineError(message)
    try:
        if len(line) <= _SLICE or not is_utf8(line):
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
    except BadLineError:
        raise
    except ValueError as error:
        message = str(error)
    raise BadLineError(message)


def decode_body(data: bytes | memoryview) -> Any:
    """Read a whole record.

    Raises:
        msgspec.DecodeError: the bytes are no JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return _decode_any(data)
    except msgspec.ValidationError:  # a number beyond every float, which JSON allows and msgspec refuses
        return json.loads(bytes(data), parse_int=_parse_int)


def _decoded(line: bytes) -> Any:
    try:
        return _DECODER.decode(line)
    except msgspec.ValidationError:
        return _salvaged(line)


def _salvaged(line: bytes) -> Any:
    """Keep what fits of a record whose members have other types than expected."""
    record = decode_body(line)
    if not isinstance(record, dict):
        raise BadLineError(f"not an object but {_JSON_NAMES.get(type(record), 'a number')}")
    for member in ("type", "timestamp"):
        if not isinstance(record.get(member), str):
            what = "has no" if record.get(member) is None else "has a non-text"
            raise BadLineError(f"the record {what} {member!r}")
    if len(record["type"]) > LONGEST_TEXT:
        raise BadLineError(f"the record's 'type' is longer than {LONGEST_TEXT:,} characters")
    context = record.pop("context", None)
    peek = _fitting(Peek, record)
    return msgspec.structs.replace(peek, context=msgspec.Raw(msgspec.json.encode(_plain(context))))


def _plain(context: Any) -> Any:
    """Keep of a context what can be written again: the members that the index knows."""
    members = context if isinstance(context, dict) else {}
    return _fitting(Context, members)


def _fitting(shape: type[Any], members: dict[str, Any]) -> Any:
    """Build `shape` from those members that have the type it wants."""
    fitting = {}
    for field in msgspec.structs.fields(shape):
        value = members.get(field.encode_name)
        inner = next((kind for kind in get_args(field.type) if _is_struct(kind)), None)
        if isinstance(value, dict) and inner is UsageMembers:
            if _fits(value, UsageMembers):  # a part of them would be told as all tokens there were
                fitting[field.name] = msgspec.convert(value, UsageMembers)
        elif isinstance(value, dict) and inner:
            fitting[field.name] = _fitting(inner, value)
        elif value is not None and _fits(value, field.type):
            fitting[field.name] = value
    return shape(**fitting)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


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
