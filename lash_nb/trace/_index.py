"""The columnar index of a trace: one entry per record in each column, filled in one pass over the bytes.

Texts that repeat are stored once and referred to by number. So are contexts, which neighbours share; they are read when a column of them is first
asked for. What a piece of the trace holds waits until there are some thousand records, or all is read; it is added whole
or not at all: all columns are computed first, then all are extended, so they never differ in length.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np

from lash_nb.trace._column import CodedColumn, Codes, Grown, Ints
from lash_nb.trace._contexts import CONTEXT_NUMBERS, RARE_NUMBER, ContextTable
from lash_nb.trace._facts import CONTEXT_FACTS, INDEXED_FACTS, KNOWN_VERSIONS, RECORD_TYPES, WITHHELD, kind_of
from lash_nb.trace._found import Found, merged
from lash_nb.trace._lines import Lines
from lash_nb.trace._peek import PeekDecoder
from lash_nb.trace._stamps import StampReader
from lash_nb.trace._usage import Usage, UsageMembers, canonical, total_usage

__all__ = ["TEXT_COLUMNS", "BadLine", "NoteBad", "PackedIndex", "TraceIndex"]

BadLine = tuple[int, int, bytes]
"""A line that is no record: its number in the piece, where it begins there, and its bytes."""
NoteBad = Callable[[int, Callable[[int], BadLine]], None]
"""Is told how many lines of a piece are no records, and may ask for each, from 0, during this call."""

_CONTEXT_TEXTS: Final = tuple(name for name in CONTEXT_FACTS if name not in (*CONTEXT_NUMBERS, RARE_NUMBER))
_FACT_TEXTS: Final = ("type", *(name for name in INDEXED_FACTS if name not in ("duration_ms", "usage")))
_HEAD_TEXTS: Final = ("schema_version", "content")
TEXT_COLUMNS: Final = frozenset({"kind", *_HEAD_TEXTS, *_FACT_TEXTS, *_CONTEXT_TEXTS})
"""Names of the text columns."""
_NUMBERS: Final = {"offset": "i8", "length": "i8", "line": "i8", "time_ns": "i8", "duration_ms": "f8"}
"""Number columns of the records themselves, and their types."""
_PIECE: Final = 1 << 14
"""Records whose tokens are added up at a time."""
_TOGETHER: Final = 1 << 13
"""Records that are added at once: what each addition costs besides its records no longer counts."""
_LARGE: Final = 1 << 22
"""Bytes of a piece that are let go at once: what waits keeps them."""
_WORDS: Final = {True: "success", False: "failure"}
"""What version 1 says of a tool call with a truth value."""


class PackedIndex(NamedTuple):
    """The columns of an index, as another process has made it."""

    numbers: dict[str, Ints]
    """Columns of numbers, one entry per record; and the records without a zone."""
    texts: dict[str, tuple[list[Any], Ints]]
    """Different texts of each column, and which of them each record has."""
    usage_rows: Ints
    """The records that report tokens."""
    usages: list[UsageMembers]
    """What these report."""
    contexts: list[bytes]
    """Contexts that nobody has read, in parts, one on a line."""


class TraceIndex:
    """Where each record lies and what a table or a plot asks for most, without its body.

    Number columns are arrays with one entry per record: integer ones hold `NO_INT`, the duration NaN where a record has no such member.
    """

    def __init__(self, decode: PeekDecoder | None = None) -> None:
        self._numbers = {name: Grown(dtype) for name, dtype in _NUMBERS.items()}
        self._codes = {name: Codes() for name in (*_HEAD_TEXTS, *_FACT_TEXTS, *_CONTEXT_TEXTS)}
        self._codes["status"] = Codes(_WORDS)
        self._texts = {name: Grown("i4") for name in (*_HEAD_TEXTS, *_FACT_TEXTS)}
        self._contexts = ContextTable(self._codes)
        self._context = Grown("i4")
        self._usage_rows = Grown("i8")
        self._without_zone = Grown("i8")
        self._usages: list[UsageMembers] = []
        self._decode = decode or PeekDecoder()
        self._clock = StampReader()
        self._waiting: list[Found] = []
        self._derived: dict[str, tuple[int, Ints]] = {}

    def __len__(self) -> int:
        return len(self._context)

    @property
    def offset(self) -> Ints:
        """Where each record begins, in bytes from the start of its file."""
        return self._numbers["offset"].values

    @property
    def length(self) -> Ints:
        """Bytes of each record, without its line end."""
        return self._numbers["length"].values

    @property
    def line(self) -> Ints:
        """Line number in its file, from 1; bad and empty lines count."""
        return self._numbers["line"].values

    @property
    def time_ns(self) -> Ints:
        """When it was written, in nanoseconds since the Unix epoch, UTC."""
        return self._numbers["time_ns"].values

    @property
    def duration_ms(self) -> Ints:
        """How long it took, as the record reports it, in milliseconds."""
        return self._numbers["duration_ms"].values

    @property
    def turn_index(self) -> Ints:
        """Number of the turn in its session."""
        return self._of_context("turn_index")

    @property
    def protocol_iteration(self) -> Ints:
        """Round of the turn: how many model calls came before in it."""
        return self._of_context("protocol_iteration")

    @property
    def turn_key(self) -> Ints:
        """What the records of a turn have in common: a number for each turn of each session, by its number there, else by its id.

        Below zero where a record names no turn: another number for each session. Numbers change when the trace grows.
        """
        return self._of_context("turn_key")

    @property
    def turn_id_key(self) -> Ints:
        """As `turn_key`, but another number for each id: a turn that starts again after a crash has its number, and another id."""
        return self._of_context("turn_id_key")

    @property
    def without_zone(self) -> Ints:
        """Numbers of the records whose time names no zone: it is read as UTC."""
        return self._without_zone.values

    @property
    def is_known(self) -> Ints:
        """Whether the type and schema version of each record are described here."""
        types = [name in RECORD_TYPES for name in self.text("type").values]
        versions = [version in KNOWN_VERSIONS for version in self.text("schema_version").values]
        of_type: Ints = np.array([*types, False])[self._texts["type"].values]
        of_version: Ints = np.array([*versions, False])[self._texts["schema_version"].values]
        known: Ints = of_type & of_version
        return known

    @property
    def is_withheld(self) -> Ints:
        """Whether the host kept texts out of each record: what is empty in it may not have been."""
        withheld: Ints = np.array([*(word == WITHHELD for word in self._codes["content"].texts), False])[
            self._texts["content"].values
        ]
        return withheld

    def text(self, name: str) -> CodedColumn:
        """Return a text column.

        Args:
            name: `type` (as it is written), `kind` (the same for all releases), `schema_version`, `content` (`omitted` when the host withheld
                texts), an id of the context, `call_id`, `name` (model, tool, custom name, plugin or kind of event), `model_variant`, `status` or
                `done_reason`.
        """
        if name == "kind":
            return self._kinds()
        codes = self._texts[name].values if name in self._texts else self._of_context(name)
        return CodedColumn(self._codes[name].texts, codes)

    def waited_ms(self, rows: Ints) -> Ints:
        """Return how long a person's decision was waited for before the ends that these records tell of, in milliseconds."""
        return self._contexts.rare(self._context.values[rows])

    def usages(self, rows: Sequence[int] | Ints) -> list[Usage | None]:
        """Return the tokens that these records report."""
        held, wanted = self._usage_rows.values, np.asarray(rows, np.int64)
        found: list[Usage | None] = [None] * len(wanted)
        if len(held):
            places = np.minimum(np.searchsorted(held, wanted), len(held) - 1)
            hits = np.flatnonzero(held[places] == wanted)
            for at, place in zip(hits.tolist(), places[hits].tolist(), strict=True):
                found[at] = canonical(self._usages[place])
        return found

    def total_usage(self, rows: Ints) -> Usage:
        """Return the tokens that these records report together."""
        pieces = (self.usages(rows[first : first + _PIECE]) for first in range(0, len(rows), _PIECE))
        return total_usage(usage for piece in pieces for usage in piece)

    def add(self, piece: bytes | memoryview, offset: int, first_line: int, note_bad: NoteBad) -> int:
        """Find the records of `piece`, lines that begin at `offset`; return the number of its lines.

        They are in the columns after `settle`.
        """
        lines = Lines(piece, self._decode, self._clock, self._contexts)
        lines.found.move(offset, first_line)
        rows = lines.bad
        if len(rows):
            note_bad(len(rows), lambda number: (int(rows[number]), *lines.line(int(rows[number]))))
        self._waiting.append(lines.found)
        if sum(map(len, self._waiting)) >= _TOGETHER or len(piece) > _LARGE:
            self.settle()
        return lines.count

    def settle(self) -> None:
        """Put what was found into the columns: when this is interrupted, it waits on."""
        if not sum(map(len, self._waiting)):
            return
        found = merged(self._waiting)
        numbers = {name: found.number(name) for name in found.numbers}
        texts, numbers["duration_ms"], usages = self._read_texts(found)
        without_zone = np.array(found.without_zone, np.int64) + len(self)
        usage_rows = np.array([at for at, _ in usages], np.int64) + len(self)
        self._waiting = []
        self._usage_rows.extend(usage_rows)
        self._usages += [usage for _, usage in usages]
        self._without_zone.extend(without_zone)
        for name, grown in self._numbers.items():
            grown.extend(numbers[name])
        for name, codes in texts.items():
            self._texts[name].extend(codes)
        self._context.extend(numbers["context"])

    def packed(self) -> "PackedIndex":
        """Return all that it holds, for another index; for one of which no column was asked for."""
        self.settle()
        numbers = {name: grown.values for name, grown in self._numbers.items()}
        numbers |= {"context": self._context.values, "without_zone": self._without_zone.values}
        texts = {name: (self._codes[name].texts, grown.values) for name, grown in self._texts.items()}
        return PackedIndex(numbers, texts, self._usage_rows.values, self._usages, self._contexts.unread())

    def take(self, packed: "PackedIndex", first_line: int) -> None:
        """Add the records of another index; its lines, counted from 1, begin at `first_line`."""
        self.settle()
        size, numbers = len(self), packed.numbers
        texts = {
            name: np.append(self._codes[name].encode(texts), -1)[codes] for name, (texts, codes) in packed.texts.items()
        }
        lines = numbers["line"] + (first_line - 1)
        contexts = numbers["context"] + self._contexts.take(packed.contexts)
        self._usage_rows.extend(packed.usage_rows + size)
        self._usages += packed.usages
        self._without_zone.extend(numbers["without_zone"] + size)
        for name, grown in self._numbers.items():
            grown.extend(lines if name == "line" else numbers[name])
        for name, codes in texts.items():
            self._texts[name].extend(codes)
        self._context.extend(contexts)

    def _read_texts(self, found: Found) -> tuple[dict[str, Ints], Ints, list[tuple[int, UsageMembers]]]:
        """Return the text columns of records as codes, their durations, and which of them report which tokens."""
        size = len(found)
        texts = {name: self._codes[name].encode(found.texts(name)) for name in _HEAD_TEXTS}
        texts |= {name: np.full(size, -1, "i4") for name in _FACT_TEXTS}
        durations, usages = np.full(size, np.nan), list[tuple[int, UsageMembers]]()
        for fact, at, values in found.facts():
            if fact == "usage":
                usages += [one for one in zip(at.tolist(), values, strict=True) if one[1] is not None]
            elif fact == "duration_ms":
                durations[at] = values  # which makes NaN of None
            else:
                texts[fact][at] = self._codes[fact].encode(values)
        return texts, durations, sorted(usages, key=itemgetter(0))

    def _kinds(self) -> CodedColumn:
        kinds = Codes()
        of_type = np.append(kinds.encode([kind_of(name) for name in self._codes["type"].texts]), -1)
        return CodedColumn(kinds.texts, of_type[self._texts["type"].values])

    def _of_context(self, name: str) -> Ints:
        """Spread a column of the contexts over the records; kept until there are more."""
        size, values = self._derived.get(name, (-1, self._context.values))
        rows = self._context.values
        if size != len(rows):
            values = self._contexts.column(name)[rows]
            self._derived[name] = (len(rows), values)
        return values
