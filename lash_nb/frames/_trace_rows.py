"""The rows of a trace's tables: what one record tells, or the two of something that began and ended.

Bodies are read when a column asks for one, together with those of the neighboring rows that are going to be asked for, too.
"""

import itertools
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Final

import numpy as np

from lash_nb.frames._column import Column
from lash_nb.frames._index_columns import index_column
from lash_nb.frames._table import Rows
from lash_nb.trace import CONTEXT_FACTS, RECORD_FACTS, Trace, read_fact

__all__ = ["FactsOf", "RecordRow", "RecordRows", "SpanRow", "SpanRows"]

_PIECE: Final = 1 << 23
"""Bytes of records whose rows are asked at a time: what is decoded of them takes some times as much memory."""


class FactsOf:
    """Facts of a record, told alike for all releases: `facts.error_code` is there whatever a release calls it.

    The names are those of `lash_nb.trace.RECORD_FACTS` and `CONTEXT_FACTS`. Of two records the first one whose kind can have a fact tells it.
    """

    __slots__ = ("_bodies", "_rows")

    def __init__(self, bodies: "_Bodies", *rows: int | None) -> None:
        self._bodies = bodies
        self._rows = rows

    def __getattr__(self, name: str) -> Any:
        row = self._bodies.teller(_kinds_with(name), self._rows)
        return None if row is None else read_fact(name, self._bodies[row])


@cache
def _kinds_with(fact: str) -> frozenset[str | None] | None:
    """Return the kinds of records that can have a fact; None for all of them."""
    if fact in CONTEXT_FACTS:
        return None
    if fact not in RECORD_FACTS:
        message = f"there is no fact {fact!r}; lash_nb.trace.RECORD_FACTS and CONTEXT_FACTS have all of them"
        raise AttributeError(message)
    return frozenset(RECORD_FACTS[fact])


class RecordRow:
    """What one record tells: what a column's function is given."""

    __slots__ = ("_bodies", "order", "told")

    def __init__(self, bodies: "_Bodies", order: int, told: Any = None) -> None:
        self._bodies = bodies
        self.order = order
        """Number of the record in the trace, from 0."""
        self.told: Any = told
        """What the rows of the table are made of, e.g. an `Attempt`; None where that is the record itself."""

    @property
    def body(self) -> dict[str, Any]:
        """The whole record."""
        return self._bodies[self.order]

    @property
    def facts(self) -> FactsOf:
        """Its facts."""
        return FactsOf(self._bodies, self.order)

    def records(self, head: str) -> tuple[int | None, ...]:
        """Return the numbers of the records that a path with this beginning leads into, in the order in which they are asked."""
        return (self.order,) if head in _HEADS else ()


class SpanRow:
    """A call, a turn, or something else that began and ended: what a column's function is given."""

    __slots__ = ("_bodies", "span")

    def __init__(self, bodies: "_Bodies", span: Any) -> None:
        self._bodies = bodies
        self.span: Any = span
        """The `LlmCall`, `ToolCall`, `Turn`, `CodeBlock`, `Execution` or `NodeRun`."""

    @property
    def start(self) -> dict[str, Any] | None:
        """The whole record of its start."""
        return None if self.span.start_row is None else self._bodies[self.span.start_row]

    @property
    def end(self) -> dict[str, Any] | None:
        """The whole record of its end."""
        return None if self.span.end_row is None else self._bodies[self.span.end_row]

    @property
    def body(self) -> dict[str, Any] | None:
        """The record of its end, else of its start."""
        return self.start if self.span.end_row is None else self.end

    @property
    def facts(self) -> FactsOf:
        """Facts of the record of its end, and those of its start that the end cannot have."""
        return FactsOf(self._bodies, *self.records("facts"))

    @property
    def start_facts(self) -> FactsOf:
        """Facts of the record of its start."""
        return FactsOf(self._bodies, self.span.start_row)

    @property
    def end_facts(self) -> FactsOf:
        """Facts of the record of its end."""
        return FactsOf(self._bodies, self.span.end_row)

    def records(self, head: str) -> tuple[int | None, ...]:
        """Return the numbers of the records that a path with this beginning leads into, in the order in which they are asked."""
        start, end = self.span.start_row, self.span.end_row
        match head:
            case "start" | "start_facts":
                return (start,)
            case "end" | "end_facts":
                return (end,)
            case "body":
                return (start if end is None else end,)
            case "facts":
                return (end, start)
        return ()


_HEADS: Final = ("body", "facts", "start", "end", "start_facts", "end_facts")
"""Beginnings of paths that lead into records."""


class _Bodies:
    """Records of some neighboring rows: when one is asked for, all those that were announced are read in one go."""

    def __init__(self, trace: Trace, rows: Iterable[int | None]) -> None:
        self._trace = trace
        self._rows = sorted({row for row in rows if row is not None})
        self._announced: set[int] = set()
        self._read: dict[int, dict[str, Any]] = {}
        kinds = trace.index.text("kind")
        self._kinds = dict(zip(self._rows, kinds.at(kinds.codes[self._rows].tolist()), strict=True))

    def teller(self, kinds: frozenset[str | None] | None, rows: Iterable[int | None]) -> int | None:
        """Return the first of these records that is of one of these kinds (of any, without kinds)."""
        for row in rows:
            if row is not None and (kinds is None or self._kinds[row] in kinds):
                return row
        return None

    def announce(self, rows: Iterable[int | None]) -> None:
        """Say which are going to be asked for."""
        self._announced.update(row for row in rows if row is not None)

    def __getitem__(self, row: int) -> dict[str, Any]:
        if row not in self._read:
            others = self._announced if row in self._announced else self._rows
            wanted = sorted(one for one in others if one not in self._read)
            self._read.update(zip(wanted, self._trace.bodies(wanted), strict=True))
        return self._read[row]


class _TraceRows(Rows):
    """Rows that stand on records of a trace; paths that begin with `index.` are columns of the index."""

    def __init__(self, trace: Trace, rows: Sequence[Any]) -> None:
        super().__init__(rows, errors=trace.errors)
        self._trace = trace

    @abstractmethod
    def vector(self, column: Column) -> Any:
        """Return a whole column of the index, None for another path."""

    def pieces(self, columns: Sequence[Column]) -> Iterator[Sequence[Any]]:
        """Yield rows whose records fit into memory together."""
        for begin, end in self._bounds():
            bodies = _Bodies(self._trace, self._told_by(begin, end))
            rows = self._made(bodies, begin, end)
            for head, kinds in _readings(columns):
                bodies.announce(bodies.teller(kinds, row.records(head)) for row in rows)
            yield rows

    def _bounds(self) -> Iterator[tuple[int, int]]:
        pieces = np.cumsum(self._sizes()) // _PIECE
        begins = [0, *(np.flatnonzero(np.diff(pieces)) + 1).tolist(), len(pieces)]
        return itertools.pairwise(begins)

    @abstractmethod
    def _sizes(self) -> Any:
        """Return the bytes of the records of each row."""

    @abstractmethod
    def _told_by(self, begin: int, end: int) -> Iterable[int | None]:
        """Return the numbers of the records of some rows."""

    @abstractmethod
    def _made(self, bodies: _Bodies, begin: int, end: int) -> list[Any]:
        """Return some rows as functions of columns get them."""


def _readings(columns: Iterable[Column]) -> set[tuple[str, frozenset[str | None] | None]]:
    """Return which records paths lead into: their beginning, and the kinds that matter."""
    readings = set()
    for column in columns:
        head, _, rest = ("" if callable(column.path) else column.path).partition(".")
        fact = rest.partition(".")[0]
        if head in _HEADS and head.endswith("facts"):
            if fact in RECORD_FACTS or fact in CONTEXT_FACTS:
                readings.add((head, _kinds_with(fact)))
        elif head in _HEADS:
            readings.add((head, None))
    return readings


class RecordRows(_TraceRows):
    """One row per record."""

    def __init__(self, trace: Trace, rows: Sequence[int] | None = None, *, told: Sequence[Any] | None = None) -> None:
        super().__init__(trace, range(len(trace)) if rows is None else rows)
        self._chosen = None if rows is None else np.asarray(rows, dtype=np.int64)
        self._told = told

    def vector(self, column: Column) -> Any:
        """Return a whole column of the index, None for another path."""
        return index_column(self._trace.index, column, self._chosen)

    def _sizes(self) -> Any:
        lengths = self._trace.index.length
        return lengths if self._chosen is None else lengths[self._chosen]

    def _told_by(self, begin: int, end: int) -> Iterable[int | None]:
        return self._rows[begin:end]

    def _made(self, bodies: _Bodies, begin: int, end: int) -> list[Any]:
        told = [None] * (end - begin) if self._told is None else self._told[begin:end]
        return [RecordRow(bodies, order, one) for order, one in zip(self._rows[begin:end], told, strict=True)]


class SpanRows(_TraceRows):
    """One row per span."""

    def __init__(self, trace: Trace, spans: Sequence[Any]) -> None:
        super().__init__(trace, spans)
        self._orders = np.array([span.order for span in spans], dtype=np.int64)

    def vector(self, column: Column) -> Any:
        """Return a column of the index, of the first record of each span; None for another path."""
        return index_column(self._trace.index, column, self._orders)

    def _sizes(self) -> Any:
        lengths = np.append(self._trace.index.length, 0)
        places = [(span.start_row, span.end_row) for span in self._rows]
        known = [[-1 if row is None else row for row in rows] for rows in places]
        return lengths[np.array(known, dtype=np.int64).reshape(-1, 2)].sum(axis=1)

    def _told_by(self, begin: int, end: int) -> Iterable[int | None]:
        return (row for span in self._rows[begin:end] for row in (span.start_row, span.end_row))

    def _made(self, bodies: _Bodies, begin: int, end: int) -> list[Any]:
        return [SpanRow(bodies, span) for span in self._rows[begin:end]]
