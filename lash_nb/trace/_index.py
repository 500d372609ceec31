"""The columnar index of a trace: one entry per record in each column, filled in one pass over the bytes.

Texts that repeat are stored once and referred to by number, and so are whole contexts, which neighbours share. A piece of the trace is added
whole or not at all: all columns are computed first, then all are extended, so they never differ in length. One piece costs a handful of loops
in C; only a piece in which something is wrong is looked at line by line.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import nan
from operator import itemgetter
from typing import Any, Final

import msgspec
import numpy as np

from lash_nb.trace._column import CodedColumn, Codes, Grown, Ints
from lash_nb.trace._contexts import CONTEXT_NUMBERS, ContextTable
from lash_nb.trace._facts import CONTEXT_FACTS, INDEXED_FACTS, KNOWN_VERSIONS, RECORD_TYPES, kind_of
from lash_nb.trace._peek import BadLineError, Facts, decode_peeks, facts_of, is_utf8, peek_line
from lash_nb.trace._stamps import StampReader
from lash_nb.trace._usage import Usage, UsageMembers, canonical

Buffer = bytes | memoryview

__all__ = ["TEXT_COLUMNS", "TraceError", "TraceIndex"]


class TraceError(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is no record, and why; the rest of the trace is read all the same."""

    source: str
    """Name of the file."""
    line: int
    """Line number in the file, from 1."""
    offset: int
    """Where the line begins, in bytes from the start of the file."""
    reason: str
    """Why it is no record, in words."""
    text: str
    """The beginning of the line, bytes that are no text replaced."""
    in_progress: bool = False
    """Whether it is the unfinished last line of a file that may still be written."""

    def __str__(self) -> str:
        return f"{self.source}, line {self.line}: {self.reason}"


_CONTEXT_TEXTS: Final = tuple(name for name in CONTEXT_FACTS if name not in CONTEXT_NUMBERS)
_FACT_TEXTS: Final = tuple(name for name in INDEXED_FACTS if name not in ("duration_ms", "usage"))
_HEAD_TEXTS: Final = ("type", "schema_version", "content")
TEXT_COLUMNS: Final = frozenset({"kind", *_HEAD_TEXTS, *_FACT_TEXTS, *_CONTEXT_TEXTS})
"""Names of the text columns."""
_PLACE_NUMBERS: Final = ("offset", "length", "line", "time_ns")
_WORDS: Final = {True: "success", False: "failure"}
"""What version 1 says of a tool call with a truth value."""
_LINE_FEED: Final = ord("\n")


class TraceIndex:
    """Where each record lies and what a table or a plot asks for most, without its body.

    Number columns are arrays with one entry per record: integer ones hold `NO_INT`, the duration NaN where a record has no such member.
    """

    def __init__(self) -> None:
        self._numbers = {name: Grown("i8") for name in _PLACE_NUMBERS} | {"duration_ms": Grown("f8")}
        self._codes = {name: Codes() for name in (*_HEAD_TEXTS, *_FACT_TEXTS, *_CONTEXT_TEXTS)}
        self._codes["status"] = Codes(_WORDS)
        self._texts = {name: Grown("i4") for name in (*_HEAD_TEXTS, *_FACT_TEXTS)}
        self._contexts = ContextTable(self._codes)
        self._context = Grown("i4")
        self._usage_rows = Grown("i8")
        self._usages: list[UsageMembers] = []
        self._clock = StampReader()
        self._facts: dict[int, Facts] = {}
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
    def is_known(self) -> Ints:
        """Whether the type and schema version of each record are described here."""
        types = [name in RECORD_TYPES for name in self.text("type").values]
        versions = [version in KNOWN_VERSIONS for version in self.text("schema_version").values]
        known: Ints = np.array([*types, False])[self._texts["type"].values]
        return known & np.array([*versions, False])[self._texts["schema_version"].values]

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

    def usages(self, rows: Sequence[int]) -> list[Usage | None]:
        """Return the tokens that these records report."""
        held = self._usage_rows.values
        if not len(held):
            return [None] * len(rows)
        wanted = np.asarray(rows, dtype=np.int64)
        places = np.minimum(np.searchsorted(held, wanted), len(held) - 1)
        return [
            canonical(self._usages[place]) if hit else None
            for place, hit in zip(places, held[places] == wanted, strict=True)
        ]

    def add(self, piece: Buffer, offset: int, first_line: int, *, source: str) -> tuple[int, list[TraceError]]:
        """Add the records of `piece`, whole lines that begin at `offset`; return the number of lines and the bad ones."""
        ends = np.flatnonzero(np.frombuffer(piece, "u1") == _LINE_FEED) + 1
        bounds = np.concatenate(([0], ends))
        try:
            peeks = decode_peeks(piece)
            if len(peeks) == len(ends) and is_utf8(piece):
                self._extend(
                    peeks, bounds[:-1] + offset, np.diff(bounds) - 1, np.arange(first_line, first_line + len(ends))
                )
                return len(ends), []
        except (msgspec.DecodeError, RecursionError, OverflowError, ValueError):
            pass  # something in here is no record: the way below says what and where
        return len(ends), self._add_checked(piece, bounds.tolist(), offset, first_line, source)

    def _add_checked(
        self, piece: Buffer, bounds: Sequence[int], offset: int, first_line: int, source: str
    ) -> list[TraceError]:
        errors = []
        for number, (start, end) in enumerate(pairwise(bounds), first_line):
            line = bytes(piece[start:end])
            if not line.strip():
                continue
            try:
                self._extend([peek_line(line)], [offset + start], [end - start - 1], [number])
            except BadLineError as error:
                text, reason = line[:80].decode(errors="replace").rstrip(), str(error)
                errors.append(TraceError(source=source, line=number, offset=offset + start, reason=reason, text=text))
        return errors

    def _extend(self, peeks: Sequence[Any], offsets: Any, lengths: Any, lines: Any) -> None:
        """Add records."""
        times = self._clock.read([peek.timestamp for peek in peeks])
        context = self._contexts.encode([bytes(peek.context) for peek in peeks])
        types = self._codes["type"].encode([peek.type for peek in peeks])
        texts: dict[str, Any] = {name: np.full(len(peeks), -1, "i4") for name in _FACT_TEXTS}
        texts["type"] = types
        texts["schema_version"] = self._codes["schema_version"].encode([peek.schema_version for peek in peeks])
        texts["content"] = self._codes["content"].encode([peek.content for peek in peeks])
        durations = np.full(len(peeks), np.nan)
        usages = self._read_facts(peeks, types, texts, durations)
        for name, values in zip(_PLACE_NUMBERS, (offsets, lengths, lines, times), strict=True):
            self._numbers[name].extend(values)
        self._numbers["duration_ms"].extend(durations)
        self._usage_rows.extend([len(self) + row for row, _ in usages])
        self._usages += [usage for _, usage in usages]
        for name, codes in texts.items():
            self._texts[name].extend(codes)
        self._context.extend(context)

    def _read_facts(
        self, peeks: Sequence[Any], types: Sequence[int], texts: dict[str, Ints], durations: Ints
    ) -> list[tuple[int, UsageMembers]]:
        """Fill columns with what records of each type have; return the tokens by position."""
        usages: list[tuple[int, UsageMembers]] = []
        rows_of: dict[int, list[int]] = {code: [] for code in set(types)}
        for row, code in enumerate(types):
            rows_of[code].append(row)
        for code, rows in rows_of.items():
            facts = self._facts_of(code)
            alike = [peeks[row] for row in rows] if facts else []
            for fact, values_of in facts:
                values = values_of(alike)
                if fact == "usage":
                    usages += [(row, value) for row, value in zip(rows, values, strict=True) if value is not None]
                elif fact == "duration_ms":
                    durations[rows] = [nan if value is None else value for value in values]
                else:
                    texts[fact][rows] = self._codes[fact].encode(values)
        return sorted(usages, key=itemgetter(0))

    def _facts_of(self, code: int) -> Facts:
        """Return how the facts of a type are found, by the number of the type."""
        if code not in self._facts:
            self._facts[code] = facts_of(self._codes["type"].texts[code])
        return self._facts[code]

    def _kinds(self) -> CodedColumn:
        kinds = Codes()
        of_type = np.array([*kinds.encode(map(kind_of, self._codes["type"].texts)), -1], "i4")
        return CodedColumn(kinds.texts, of_type[self._texts["type"].values])

    def _of_context(self, name: str) -> Ints:
        """Spread a column of the contexts over the records; kept until there are more."""
        size, values = self._derived.get(name, (-1, self._context.values))
        if size != len(self):
            values = self._contexts.column(name)[self._context.values]
            self._derived[name] = (len(self), values)
        return values
