"""What the index wants to know of a trace line, and how it is found without decoding the rest.

The shapes `Peek` and `Context` are made of the places that `_facts` names, so no other member is looked at: msgspec checks and skips
everything else at the speed of a scanner. The context stays text, because neighbours mostly share it. Lines in which a member has another type
than its release gives it are read once more in a loose shape, which takes whatever stands there, and keep what fits.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from lash_nb.trace._facts import CONTEXT_FACTS, INDEXED_FACTS, RECORD_FACTS, RECORD_TYPES, Place, kind_of
from lash_nb.trace._usage import UsageMembers

__all__ = [
    "LONGEST_TEXT",
    "NO_INT",
    "Facts",
    "PeekDecoder",
    "column_of",
    "decode_body",
    "decode_loose",
    "facts_of",
    "fitting",
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
_OTHER: Final[Any] = str | int | float | bool | list | None
"""What may stand in the place of an object."""

_LEAVES: Final[Mapping[str, Any]] = {
    "turn_index": _Number | None,
    "protocol_iteration": _Number | None,
    "waited_ms": _Number | None,
    "duration_ms": _Milliseconds | None,
    "usage": UsageMembers | None,
    "schema_version": _Number | None,
}
"""Types of facts that are no text."""


def _kind(fact: str, text: Any = _Text) -> Any:
    """Return the type of a fact; of a text which texts it may be."""
    return text | bool | None if fact == "status" else _LEAVES.get(fact, text | None)


def _shape(
    name: str, own: Mapping[str, tuple[Any, Any]], places: Mapping[str, Any], *, is_loose: bool = False
) -> type[msgspec.Struct]:
    """Make a struct of all places, which have these types, with a struct inside for each member that has members."""
    leaves, inner = dict(own), dict[str, dict[str, Any]]()
    for path, kind in places.items():
        head, _, rest = path.partition(".")
        if rest:
            inner.setdefault(head, {})[rest] = kind
        else:
            leaves[head] = (kind, None)
    for head, below in inner.items():
        nested = _shape(f"{name}_{head}", {}, below, is_loose=is_loose)
        leaf = leaves.get(head, (None, None))[0]
        leaves[head] = (nested | _OTHER if is_loose else nested | None | leaf, nested())
    fields = [
        (member, kind) if default is ... else (member, kind, default) for member, (kind, default) in leaves.items()
    ]
    return msgspec.defstruct(name, fields, frozen=True, gc=False, kw_only=True)


_IN_CONTEXTS: Final = {place.path: _kind(fact) for fact, places in CONTEXT_FACTS.items() for place in places}
_RAW: Final = (msgspec.Raw, msgspec.Raw(b"{}"))

Context: Final[Any] = _shape("Context", {}, _IN_CONTEXTS)
"""The members of a context that the index keeps."""
LooseContext: Final[Any] = _shape("LooseContext", {}, dict.fromkeys(_IN_CONTEXTS, Any), is_loose=True)
"""The same members, of any type."""


def _places_in(types: Iterable[str]) -> dict[str, str]:
    """Return where records of these types have facts that the index keeps, and which."""
    kinds = dict.fromkeys(map(kind_of, types))
    return {place.path: fact for fact in INDEXED_FACTS for kind in kinds for place in RECORD_FACTS[fact].get(kind, ())}


_WITH_MEMBERS: Final = frozenset(
    path[:at] for path in [*_IN_CONTEXTS, *_places_in(RECORD_TYPES)] for at, sign in enumerate(path) if sign == "."
)
"""Places with others below them: where one release has a fact, another one has an object."""


def _peek_of(types: Sequence[str], words: Mapping[str, set[str]]) -> Any:
    """Make the shape of records of these types: their members that the index keeps, in the order in which lash writes them.

    Args:
        types: The types.
        words: The only texts that may stand at these places.
    """
    own = {
        "schema_version": (_kind("schema_version"), None),
        "timestamp": (str, ...),
        "context": _RAW,
        "type": (Literal[tuple(types)], ...),
        "content": (_Text | None, None),
    }
    texts = {path: Literal[tuple(sorted(few))] for path, few in words.items() if 0 < len(few) <= _FEW_WORDS}
    places = {path: _kind(fact, texts.get(path, _Text)) for path, fact in _places_in(types).items()}
    return _shape("Peek", own, places)


LoosePeek: Final[Any] = _shape(
    "LoosePeek",
    {**dict.fromkeys(("schema_version", "timestamp", "type", "content"), (Any, None)), "context": _RAW},
    dict.fromkeys(_places_in(RECORD_TYPES), Any),
    is_loose=True,
)
"""The same members, of any type."""

_LOOSE: Final = msgspec.json.Decoder(LoosePeek)
_CONTEXTS: Final = msgspec.json.Decoder(Context)
_LOOSE_CONTEXTS: Final[Any] = msgspec.json.Decoder(LooseContext | _OTHER)
_CONTEXT_OF: Final[Any] = msgspec.json.Decoder(msgspec.defstruct("ContextOf", [("context", *_RAW)]))

decode_loose: Final = _LOOSE.decode_lines
"""Read the members that the index keeps of many lines at once, of whatever type they are; the loose `facts_of` reads what it gives.

It forgives what a line reader must not (an empty line, a value over two lines, bytes in skipped text that are no UTF-8): the caller compares
the number of values with that of lines, and checks the encoding.
"""


class PeekDecoder:
    """Does the same for lines whose members all have the types that their release gives them, the fastest way there is.

    A trace has some of all types of records: a shape without the members of the others is read faster. Most texts are among a few words, too:
    a shape that knows them makes no new text of each, which would be looked up by its signs. It refuses any other: then both are learned anew.
    """

    def __init__(self) -> None:
        self._types: set[str] = set()
        self._words: dict[str, set[str]] = {}
        self._lessons = 0
        self._decode: Any = None

    def __reduce__(self) -> tuple[type["PeekDecoder"], tuple[()]]:
        return PeekDecoder, ()  # a copy learns anew

    def __call__(self, lines: memoryview) -> list[Any]:
        """Read many lines.

        Raises:
            msgspec.ValidationError: a member has another type, or a record is of a type that nobody knows.
            msgspec.DecodeError: they are no JSON.
            RecursionError: they are nested too deeply.
        """
        if self._decode is not None:
            with suppress(msgspec.ValidationError):
                return self._decode(lines)  # type: ignore[no-any-return]  # a list of peeks
        peeks = _decode_known(lines)
        if len(lines) > _MANY:
            self._learn(peeks)
        return peeks

    def _learn(self, peeks: Sequence[Any]) -> None:
        self._types |= {peek.type for peek in peeks}
        self._lessons += 1
        for path, fact in _places_in(self._types).items():
            known = self._words.setdefault(path, set())
            if fact not in _LEAVES and len(known) <= _FEW_WORDS:
                known.update(value for value in set(column_of(path)(peeks)) if type(value) is str)
        words = self._words if self._lessons <= _LESSONS else {}
        self._decode = msgspec.json.Decoder(_peek_of(sorted(self._types), words)).decode_lines


_MANY: Final = 1 << 18
"""Bytes of a piece from which a shape for a trace pays: it takes a millisecond to make."""
_FEW_WORDS: Final = 64
"""Words that one place has, at most; a place with more has texts of any kind."""
_LESSONS: Final = 8
"""Shapes that are made for a trace before its texts count as such that go on to change: each refusal costs another look at a piece."""
_decode_known: Final = msgspec.json.Decoder(_peek_of([*RECORD_TYPES], {})).decode_lines

_decode_any: Final = msgspec.json.Decoder().decode
_MAX_DIGITS: Final = 1_000


Facts = list[tuple[str, Callable[[Sequence[Any]], Sequence[Any]]]]
"""The facts that records of one type have, each with the function that reads it from many peeks."""


@cache
def facts_of(type_name: str, *, is_loose: bool = False) -> Facts:
    """Return how the facts of a type are read; of a type that nobody knows (so named `UNKNOWN` here) whatever can be.

    Args:
        type_name: The type.
        is_loose: Whether the peeks are loose: what has another type than the index wants is left out.
    """
    kind = kind_of(type_name)
    return [
        (fact, first_of([_reader(fact, column_of(place.path), is_loose) for place in places]))
        for fact in INDEXED_FACTS
        if (places := _places(fact, kind, type_name))
    ]


def _reader(fact: str, column: Callable[[Any], Sequence[Any]], is_loose: bool) -> Callable[[Any], Sequence[Any]]:
    fit = fitting(fact)
    return (lambda structs: fit(column(structs))) if is_loose else column


@cache
def fitting(fact: str) -> Callable[[Sequence[Any]], list[Any]]:
    """Return the function that keeps of a column what has the type of a fact, and puts None for the rest."""
    kind = _kind(fact)
    column = list[kind]  # type: ignore[valid-type]  # made at run time

    def fit(values: Sequence[Any]) -> list[Any]:
        try:
            return msgspec.convert(values, column)
        except msgspec.ValidationError:
            return [_fit(value, kind) for value in values]

    return fit


def _fit(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None


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
    first, *others = readers
    if not others:
        return first

    def values(structs: Any) -> Sequence[Any]:
        found = first(structs)
        for reader in others:
            if all(found):  # faster than to look for None; what is empty or zero is a value, too
                break
            other = reader(structs)
            if found.count(None) == len(found):
                found = other
            elif other.count(None) < len(other):
                found = [two if one is None else one for one, two in zip(found, other, strict=True)]
        return found

    return values


@cache
def column_of(path: str) -> Callable[[Sequence[Any]], list[Any]]:
    """Return the function that reads what many structs have at a place; None where the way does not lead there."""
    read = eval(f"lambda structs: [struct.{path} for struct in structs]")  # noqa: S307 - a path of our own tables; twice as fast as a getter
    getter = attrgetter(path)

    def each(structs: Sequence[Any]) -> list[Any]:
        return [_value(getter, struct) for struct in structs]

    def column(structs: Sequence[Any]) -> list[Any]:
        try:
            return read(structs)  # type: ignore[no-any-return]  # a list
        except AttributeError:  # somewhere on the way stands null, or a text, in the place of an object
            return each(structs)

    return each if path in _WITH_MEMBERS else column


def _value(getter: Callable[[Any], Any], struct: Any) -> Any:
    try:
        value = getter(struct)
    except AttributeError:
        return None
    return None if isinstance(value, msgspec.Struct) and not isinstance(value, UsageMembers) else value


def read_contexts(lines: bytes) -> dict[str, Sequence[Any]]:
    """Read contexts, one on each line: of each fact the values of all of them; of a strange context what fits."""
    try:
        contexts, facts = _CONTEXTS.decode_lines(lines), _CONTEXT_FACTS
    except (msgspec.DecodeError, RecursionError):
        contexts, facts = _read_loosely(lines), _LOOSE_FACTS
    return {fact: values_of(contexts) for fact, values_of in facts.items()}


def _read_loosely(lines: bytes) -> list[Any]:
    try:
        contexts = _LOOSE_CONTEXTS.decode_lines(lines)
    except (msgspec.DecodeError, RecursionError):
        contexts = [_fit(decode_body(one), LooseContext) for one in lines.split(b"\n")]
    return [one if isinstance(one, LooseContext) else LooseContext() for one in contexts]


_CONTEXT_FACTS, _LOOSE_FACTS = (
    {
        fact: first_of([_reader(fact, column_of(place.path), is_loose) for place in places])
        for fact, places in CONTEXT_FACTS.items()
    }
    for is_loose in (False, True)
)


def peek_line(line: bytes) -> Any:
    """Read the members of one line in the loose shape, also where it has numbers beyond every float.

    Raises:
        msgspec.DecodeError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return _LOOSE.decode(line)
    except msgspec.ValidationError:
        members = decode_body(line)
        members.pop("context", None)
        peek = msgspec.convert(members, LoosePeek)
        return msgspec.structs.replace(peek, context=_CONTEXT_OF.decode(line).context)


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


def _parse_int(digits: str) -> int | float:
    """Read an integer; Python refuses thousands of digits, a float takes them."""
    return int(digits) if len(digits) < _MAX_DIGITS else float(digits)
