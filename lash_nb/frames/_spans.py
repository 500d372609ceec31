"""The tree of a trace's spans, row by row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lash_nb.frames._column import Column
from lash_nb.frames._ids import RECORD_IDS
from lash_nb.frames._table import Rows, table
from lash_nb.frames._trace_rows import RecordRows
from lash_nb.trace import SpanNode, Trace

__all__ = ["SPAN_COLUMNS", "SPAN_INFO", "SPAN_TREE_TIMING", "spans_df"]

SPAN_INFO: Final = (
    Column("order", "index.order", "Int64", "Number of its first record in the trace, from 0."),
    Column("depth", "told.depth", "Int64", "How deep in the tree it stands; 0 for a session."),
    Column(
        "kind",
        "told.span.kind",
        "category",
        "`session`, `turn`, `model_call`, `tool_call`, `code_execution` or `code_node`.",
    ),
    Column("label", "told.span.label", "string", "What to call it in a line."),
    Column(
        "status", "told.span.status", "category", "How it ended, in the words of its kind; `open` while it has not."
    ),
    Column("id", "told.span.id", "string", "Its id, as lash calls spans, e.g. `turn:SESSION:TURN`; not always unique."),
    Column("parent_id", "told.span.parent_id", "string", "Id of the span in which it stands; empty for a session."),
)
"""What each span is and where it stands."""

SPAN_TREE_TIMING: Final = (
    Column("started_at", "told.span.began_ns", "datetime64[ns, UTC]", "When it began, as far as is known."),
    Column(
        "ended_at", "told.span.over_ns", "datetime64[ns, UTC]", "When it ended; of an open one the last that is known."
    ),
    Column(
        "duration_ms",
        "told.span.duration_ms",
        "Float64",
        "From the one to the other, without what a decision was waited for, in milliseconds.",
    ),
    Column(
        "attempts",
        "told.span.attempts",
        "Int64",
        "Tries of the call (since version 3).",
        then=lambda tries: len(tries) or None,
    ),
)
"""When each span began and ended."""

SPAN_COLUMNS: Final = (*SPAN_INFO, *SPAN_TREE_TIMING)
"""The tree of spans."""


@table(SPAN_COLUMNS, always=RECORD_IDS)
def spans_df(trace: Trace) -> Rows:
    """One row per span of `trace.spans()`: each before those in it, siblings in the order of time.

    A column's function gets a `RecordRow`: `told` (`span`, a `SpanNode`, and `depth`), `body` (the span's first record, whole) and `facts`.
    """
    told = list(_walk(trace.spans()))
    return RecordRows(trace, [one.span.row for one in told], told=told)


@dataclass(frozen=True, slots=True)
class _Place:
    span: SpanNode
    depth: int


def _walk(roots: Sequence[SpanNode]) -> Iterator[_Place]:
    """Yield all spans; a stack instead of recursion, as a chain may be of any length."""
    waiting = [_Place(root, 0) for root in reversed(roots)]
    while waiting:
        place = waiting.pop()
        yield place
        waiting.extend(_Place(child, place.depth + 1) for child in reversed(place.span.children))
