"""The rows of a trace's tables: what one record tells, or the two of something that began and ended.

Bodies are read when a column asks for one, together with those of the neighboring rows that are going to be asked for, too.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lash_nb.frames._column import Column, Walk
from lash_nb.frames._index_columns import index_column
from lash_nb.frames._table import Rows
from lash_nb.trace import CONTEXT_FACTS, RECORD_FACTS, Trace, read_fact

__all__ = ["FactsOf", "RecordRow", "RecordRows", "SpanRow", "SpanRows"]

Numbers = npt.NDArray[np.int64]
"""Numbers of records, -1 for none."""
Kinds = frozenset[str | None] | None
"""Kinds of records, None for all of them."""

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
        kinds = _kinds_with(name)
        for row in self._rows:
            if row is not None and (kinds is None or self._bodies.kinds[row] in kinds):
                return read_fact(name, self._bodies[row])
        return None


@cache
def _kinds_with(fact: str) -> Kinds:
    """Return the kinds of records that can have a fact."""
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
        return FactsOf(self._bodies, self.span.end_row, self.span.start_row)

    @property
    def start_facts(self) -> FactsOf:
        """Facts of the record of its start."""
        return FactsOf(self._bodies, self.span.start_row)

    @property
    def end_facts(self) -> FactsOf:
        """Facts of the record of its end."""
        return FactsOf(self._bodies, self.span.end_row)


class _Bodies:
    """Records of some neighboring rows: when one is asked for, all those that were announced are read in one go."""

    def __init__(self, trace: Trace, rows: Numbers) -> None:
        self._trace = trace
        self._rows: list[int] = rows.tolist()
        self._announced: set[int] = set()
        self._read: dict[int, dict[str, Any]] = {}
        kinds = trace.index.text("kind")
        self.kinds: dict[int, str | None] = dict(zip(self._rows, kinds.at(kinds.codes[rows].tolist()), strict=True))
        """What each record is about, from the index."""

    @property
    def announced(self) -> Numbers:
        """Those that are going to be asked for."""
        return np.fromiter(self._announced, np.int64)

    def announce(self, rows: Iterable[int]) -> None:
        """Say which are going to be asked for."""
        self._announced.update(rows)

    def facts(self, name: str, rows: Iterable[int]) -> list[Any]:
        """Return a fact of each record, None where there is no record."""
        return [None if row < 0 else read_fact(name, self[row]) for row in rows]

    def __getitem__(self, row: int) -> dict[str, Any]:
        found = self._read.get(row)
        return self._reached(row) if found is None else found

    def _reached(self, row: int) -> dict[str, Any]:
        others = self._announced if row in self._announced else self._rows
        wanted = sorted(one for one in others if one not in self._read)
        self._read.update(zip(wanted, self._trace.bodies(wanted), strict=True))
        return self._read[row]


class _Piece(Walk):
    """Some rows, and which records the beginnings of paths lead into."""

    def __init__(self, bodies: _Bodies, rows: Sequence[Any], heads: Mapping[str, tuple[Numbers, ...]]) -> None:
        super().__init__(rows)
        self._bodies = bodies
        self._heads = heads
        self._tellers: dict[tuple[str, Kinds], list[int]] = {}

    @property
    def announced(self) -> Numbers:
        """Numbers of the records that the announced columns are read from."""
        return self._bodies.announced

    def announce(self, columns: Iterable[Column]) -> None:
        """Say which columns are going to be asked for; what a function asks for nobody knows: it may be any record."""
        for column in columns:
            if callable(column.path):
                self._bodies.announce(row for rows in self._heads["facts"] for row in rows.tolist() if row >= 0)
            head, _, rest = ("" if callable(column.path) else column.path).partition(".")
            fact = rest.partition(".")[0]
            is_fact = head.endswith("facts")
            if head in self._heads and (not is_fact or fact in RECORD_FACTS or fact in CONTEXT_FACTS):
                tellers = self._who_tells(head, _kinds_with(fact) if is_fact else None)
                self._bodies.announce(row for row in tellers if row >= 0)

    def values(self, path: str) -> list[Any]:
        """Return the value of each row; facts of all of them are read in one go."""
        head, _, rest = path.partition(".")
        if head in self._heads and head.endswith("facts") and rest and "." not in rest:
            return self._bodies.facts(rest, self._who_tells(head, _kinds_with(rest)))
        return super().values(path)

    def _who_tells(self, head: str, kinds: Kinds) -> list[int]:
        """Return for each row the record that a path leads into: the first one of these kinds."""
        if (head, kinds) not in self._tellers:
            found = np.full(len(self.rows), -1, dtype=np.int64)
            for rows in reversed(self._heads[head]):
                known = rows.tolist()
                fits = [row >= 0 and (kinds is None or self._bodies.kinds[row] in kinds) for row in known]
                found = np.where(np.array(fits, dtype=np.bool_), rows, found)
            self._tellers[head, kinds] = found.tolist()
        return self._tellers[head, kinds]


class _TraceRows(Rows):
    """Rows that stand on records of a trace; paths that begin with `index.` are columns of the index."""

    def __init__(
        self, trace: Trace, rows: Sequence[Any], orders: Numbers | None, heads: Mapping[str, tuple[Numbers, ...]]
    ) -> None:
        super().__init__(rows, errors=trace.errors)
        self._trace = trace
        self._orders = orders
        self._heads = heads

    def vector(self, column: Column) -> Any:
        """Return a whole column of the index (of the first record of each row), None for another path."""
        return index_column(self._trace.index, column, self._orders)

    def pieces(self, columns: Sequence[Column]) -> Iterator[Walk]:
        """Yield rows whose records fit into memory together."""
        whole = self._piece(columns, 0, len(self))
        bounds = self._bounds(whole.announced)
        if len(bounds) == 1:
            yield whole
        else:
            del whole
            yield from (self._piece(columns, begin, end) for begin, end in bounds)

    def _piece(self, columns: Sequence[Column], begin: int, end: int) -> "_Piece":
        heads = {head: tuple(rows[begin:end] for rows in sides) for head, sides in self._heads.items()}
        told = np.unique(np.concatenate([rows for sides in heads.values() for rows in sides]))
        bodies = _Bodies(self._trace, told[told >= 0])
        piece = _Piece(bodies, self._made(bodies, begin, end), heads)
        piece.announce(columns)
        return piece

    def _bounds(self, asked: Numbers) -> list[tuple[int, int]]:
        """Cut the rows so that the records that are asked for fit into memory: a long request of which nothing is shown takes none."""
        lengths = np.zeros(len(self._trace) + 1, np.int64)
        lengths[asked] = self._trace.index.length[asked]
        sizes = sum(lengths[rows] for rows in self._heads["facts"])
        pieces = np.cumsum(sizes) // _PIECE
        return [*pairwise([0, *(np.flatnonzero(np.diff(pieces)) + 1).tolist(), len(self)])]

    @abstractmethod
    def _made(self, bodies: _Bodies, begin: int, end: int) -> list[Any]:
        """Return some rows as functions of columns get them."""


class RecordRows(_TraceRows):
    """One row per record."""

    def __init__(self, trace: Trace, rows: Sequence[int] | None = None, *, told: Sequence[Any] | None = None) -> None:
        chosen = range(len(trace)) if rows is None else rows
        numbers = np.asarray(chosen, dtype=np.int64)
        heads = dict.fromkeys(("facts", "body"), (numbers,))
        super().__init__(trace, chosen, None if rows is None else numbers, heads)
        self._told = told

    def _made(self, bodies: _Bodies, begin: int, end: int) -> list[Any]:
        told = [None] * (end - begin) if self._told is None else self._told[begin:end]
        return [RecordRow(bodies, order, one) for order, one in zip(self._rows[begin:end], told, strict=True)]


class SpanRows(_TraceRows):
    """One row per span."""

    def __init__(self, trace: Trace, spans: Sequence[Any]) -> None:
        starts = np.array([_known(span.start_row) for span in spans], dtype=np.int64)
        ends = np.array([_known(span.end_row) for span in spans], dtype=np.int64)
        heads = {
            "facts": (ends, starts),
            "body": (ends, starts),
            **dict.fromkeys(("start", "start_facts"), (starts,)),
            **dict.fromkeys(("end", "end_facts"), (ends,)),
        }
        super().__init__(trace, spans, np.array([span.order for span in spans], dtype=np.int64), heads)

    def _made(self, bodies: _Bodies, begin: int, end: int) -> list[Any]:
        return [SpanRow(bodies, span) for span in self._rows[begin:end]]


def _known(row: int | None) -> int:
    return -1 if row is None else row
