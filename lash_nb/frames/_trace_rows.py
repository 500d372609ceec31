"""The rows of a trace's tables: records, and spans of two records."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from lash_nb.frames._column import Column
from lash_nb.frames._table import Rows
from lash_nb.trace import NO_INT, TEXT_COLUMNS, CodedColumn, Span, Trace

__all__ = ["SPAN_ALWAYS", "RecordRow", "RecordRows", "SpanRow", "span_rows"]


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One record: what a column's function is given."""

    order: int
    """Number of the record in the trace, from 0."""
    body: dict[str, Any]
    """The whole record."""


class SpanRow:
    """One call or turn: what a column's function is given."""

    def __init__(self, trace: Trace, span: Span) -> None:
        self.span: Any = span
        """The `LlmCall`, `ToolCall` or `Turn`."""
        self._trace = trace

    @cached_property
    def start(self) -> dict[str, Any] | None:
        """The whole record of its start."""
        return None if self.span.start_row is None else self._trace[self.span.start_row]

    @cached_property
    def end(self) -> dict[str, Any] | None:
        """The whole record of its end."""
        return None if self.span.end_row is None else self._trace[self.span.end_row]

    @property
    def body(self) -> dict[str, Any] | None:
        """The record of its end, else of its start."""
        return self.end if self.span.end_row is not None else self.start


SPAN_ALWAYS: Final = (
    Column("order", "span.order", "Int64", "Number of its first record in the trace, from 0."),
    Column("session_id", "span.session_id", "category", "The session."),
    Column("turn_id", "span.turn_id", "string", "The turn."),
    Column("turn_index", "span.turn_index", "Int64", "Number of the turn in its session."),
    Column("effect_id", "span.effect_id", "string", "The effect that performed it."),
    Column("llm_call_id", "span.llm_call_id", "string", "The model call."),
    Column("graph_node_id", "span.graph_node_id", "string", "The graph node it hangs on, where the record says so."),
)
"""Ids and order of a call or turn."""


def span_rows(trace: Trace, spans: Sequence[Span]) -> Rows:
    """Return one row per span."""
    return Rows([SpanRow(trace, span) for span in spans], errors=trace.errors)


class RecordRows(Rows):
    """One row per record; columns with a path `index.…` come from the index, whole and without a body."""

    def __init__(self, trace: Trace) -> None:
        super().__init__((), errors=trace.errors)
        self._trace = trace

    def __len__(self) -> int:
        return len(self._trace)

    def __iter__(self) -> Iterator[RecordRow]:
        return map(RecordRow, range(len(self)), iter(self._trace))

    def vector(self, column: Column) -> Any:
        """Return a whole column of the index."""
        if callable(column.path) or not column.path.startswith("index."):
            return None
        name = column.path.removeprefix("index.")
        index = self._trace.index
        if name == "order":
            return pd.array(np.arange(len(index)), dtype="Int64")
        if name in TEXT_COLUMNS:
            return _decoded(index.text(name), column.dtype)
        return _VECTORS[name](getattr(index, name)) if name in _VECTORS else None


def _decoded(column: CodedColumn, dtype: str) -> Any:
    codes = np.asarray(column.codes, dtype=np.int32)
    different = column.values  # noqa: PD011 - a list, not a frame
    if dtype == "category":
        categories: Any = pd.Index(different, dtype=None if different else "str")
        return pd.Categorical.from_codes(codes, categories=categories)
    values: Any = pd.Series(different, dtype=dtype).array
    return values.take(codes, allow_fill=True)


def _integers(values: Any) -> Any:
    numbers = np.array(values, dtype=np.int64)
    return pd.arrays.IntegerArray(numbers, numbers == NO_INT)


def _floats(values: Any) -> Any:
    numbers = np.array(values, dtype=np.float64)
    return pd.arrays.FloatingArray(numbers, np.isnan(numbers))


_VECTORS: Final[dict[str, Callable[[Any], Any]]] = {
    "time_ns": lambda values: pd.DatetimeIndex(np.array(values, dtype=np.int64).view("datetime64[ns]"), tz="UTC"),
    "duration_ms": _floats,
    **dict.fromkeys(("offset", "length", "line", "turn_index", "protocol_iteration"), _integers),
}
"""How each number column of the index becomes a column of a table."""
