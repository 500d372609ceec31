"""The explorer shows what the trace tells: its rows against the turns and calls of every golden file."""

import math
from collections.abc import Iterator

import pytest

from lash_nb.plots import recorded_duration
from lash_nb.trace import Span, Trace, Turn
from lash_nb.views import TraceExplorerView
from lash_nb.views._trace_explorer_rows import table_rows
from tests.trace.golden import golden, golden_files

SHOWN = {"success": "completed", "failure": "failed"}
"""Statuses of tool calls that the explorer calls as those of all other things."""


def spans_of(trace: Trace) -> Iterator[Span]:
    """Everything that a trace tells to have begun and ended."""
    yield from trace.turns
    yield from trace.llm_calls
    yield from trace.tool_calls
    yield from trace.code_blocks


def telling_row(span: Span) -> int | None:
    """The row that shows how it went: its end; while it is open its start, which of a call is its first record."""
    if span.status != "open":
        return span.end_row
    return span.start_row if isinstance(span, Turn) else span.order


@pytest.mark.parametrize("name", golden_files())
def test_rows_show_the_status_and_duration_of_turns_and_calls(name: str) -> None:
    """What the trace says of a turn, call or block of code, its row says; no other row of them says anything."""
    trace = golden(name)
    view = TraceExplorerView(trace)
    shown = {row["record"]: row for row in table_rows(trace, view._table.facts, view._table.rows, None)}
    told = {telling_row(span): span for span in spans_of(trace)}
    silent = {row for span in spans_of(trace) for row in (span.start_row, span.end_row)} - set(told) - {None}

    for row, span in told.items():
        if row is not None:
            assert (row, shown[row]["status"]) == (row, SHOWN.get(span.status, span.status))
            assert (row, shown[row]["took"]) == (
                row,
                recorded_duration(span.duration_ms) if span.status != "open" else "",
            )
    assert [(row, shown[row]["status"], shown[row]["took"]) for row in silent if shown[row]["status"]] == []


@pytest.mark.parametrize("name", golden_files())
def test_turns_are_counted_and_named_as_the_trace_does(name: str) -> None:
    """The head counts the turns of the trace, and each record of a turn's beginning and end stands in that turn."""
    trace = golden(name)
    facts = TraceExplorerView(trace)._table.facts
    places = [
        {int(facts.turn[row]) for row in (turn.start_row, turn.end_row) if row is not None} for turn in trace.turns
    ]

    assert facts.turn_count == len(trace.turns)
    assert all(len(one) <= 1 for one in places)
    assert len(set().union(*places)) == sum(map(len, places))
    assert not any(math.isnan(label) for label in facts.turn_spans[0])


def test_every_status_of_a_turn_can_be_asked_for() -> None:
    """A turn that went on in another frame is found as `switched`, one without an end as `open`."""
    by_status = {turn.status: name for name in golden_files() for turn in golden(name).turns}
    for status in ("completed", "switched", "cancelled", "failed", "open"):
        trace = golden(by_status[status])
        view = TraceExplorerView(trace)
        view.filter(kinds=["turn"], status=status)

        assert {telling_row(turn) for turn in trace.turns if turn.status == status} <= set(view.rows)
