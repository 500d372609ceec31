"""Starts and ends, paired in columns, are those that a walk from record to record pairs; and a call says what its records say."""

from typing import Any, Final

from hypothesis import example, given
from hypothesis import strategies as st

from lash_nb.trace import Span, SpanRows, Trace, read_trace
from tests.trace.lines import record, tool_start
from tests.trace.pairing_walk import Walk

Event = tuple[str, dict[str, Any], str | None, str | None]

KINDS: Final = (
    *("turn_started", "turn_completed"),
    *("llm_call_started", "llm_call_completed", "llm_call_failed"),
    *("tool_call_started", "tool_call_completed", "tool_receipt"),
    "prompt_built",
)
IDS: Final = {
    "session_id": st.sampled_from(["s", "k", ""]),
    "turn_id": st.sampled_from(["t1", "t2"]),
    "turn_index": st.sampled_from([1, 2]),
    "llm_call_id": st.sampled_from(["a", "b", ""]),
    "effect_id": st.sampled_from(["2", "3"]),
}
CAUSE: Final = st.sampled_from(["c", "d", "gone"]).map(lambda call: {"caused_by": {"call_id": call}})
TOOLS: Final = st.sampled_from(["t", "u", None])


def events(calls: list[str | None], **more: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Event]]:
    """Events with few different ids each, so that they meet."""
    context = st.fixed_dictionaries({}, optional={**IDS, **more})
    return st.lists(st.tuples(st.sampled_from(KINDS), context, st.sampled_from(calls), TOOLS), max_size=30)


TRACES: Final = st.one_of(events(["c", "d", "", None]), events(["c", "d"], metadata=CAUSE))
"""Calls without an id, or calls that cause others; ends before starts, ids used again, several sessions, receipts, direct calls in both."""


def trace_of(told: list[Event]) -> Trace:
    """A trace of these events, some milliseconds apart."""
    return read_trace(
        [
            record(at / 8, kind, session=None, turn=None, context=context, call_id=call, name=name, duration_ms=at * 50)
            for at, (kind, context, call, name) in enumerate(told)
        ]
    )


def columns(rows: SpanRows) -> list[list[int]]:
    """First, start, end, receipt and turn of each span."""
    return [list(map(int, row)) for row in zip(rows.first, rows.start, rows.end, rows.receipt, rows.turn, strict=True)]


def rows_of(span: Span) -> list[int | None]:
    """First, start, end and receipt of a span, as its value tells."""
    return [span.order, span.start_row, span.end_row, getattr(span, "receipt_row", None)]


@given(TRACES)
@example(
    [
        ("llm_call_started", {"session_id": "s", "llm_call_id": "a"}, None, None),
        ("llm_call_completed", {"session_id": "s", "turn_index": 1, "effect_id": "2"}, None, None),
    ]
)
@example(
    [
        ("llm_call_started", {"session_id": "s", "llm_call_id": "a"}, None, None),
        ("llm_call_completed", {"session_id": "k", "llm_call_id": "a"}, None, None),
    ]
)
@example([("tool_call_started", {}, None, "t"), ("tool_call_completed", {}, None, "u")])
def test_columns_pair_as_a_walk_does(told: list[Event]) -> None:
    """Whatever comes in whatever order: each call and turn has the same records and the same turn."""
    trace = trace_of(told)
    walk = Walk(trace)

    assert columns(trace.pairs.turns) == walk.turns
    assert columns(trace.pairs.llm_calls) == walk.llm
    assert columns(trace.pairs.tool_calls) == walk.tools


@given(TRACES)
def test_pairs_and_values_tell_the_same(told: list[Event]) -> None:
    """`trace.pairs` are the rows of `trace.turns`, `trace.llm_calls` and `trace.tool_calls`, in their order and in their turns."""
    trace = trace_of(told)
    for rows, values in (
        (trace.pairs.turns, trace.turns),
        (trace.pairs.llm_calls, trace.llm_calls),
        (trace.pairs.tool_calls, trace.tool_calls),
    ):
        assert columns(rows) == [
            [-1 if row is None else row for row in rows_of(value)] + [turn]
            for value, turn in zip(values, rows.turn.tolist(), strict=True)
        ]
    for number, turn in enumerate(trace.turns):
        assert [call.order for call in turn.llm_calls] == inside(trace.pairs.llm_calls, number)
        assert [call.order for call in turn.tool_calls] == inside(trace.pairs.tool_calls, number)


def inside(rows: SpanRows, turn: int) -> list[int]:
    """First records of the calls of a turn."""
    found: list[int] = rows.first[rows.turn == turn].tolist()
    return found


@given(TRACES)
def test_a_span_says_what_its_records_say(told: list[Event]) -> None:
    """Ids are those of its start, else of its end, else of the first record that tells of it; times are those of its records."""
    trace = trace_of(told)
    for span in (*trace.turns, *trace.llm_calls, *trace.tool_calls):
        speaker = next(row for row in (span.start_row, span.end_row, span.order) if row is not None)
        context = trace[speaker]["context"]
        assert [getattr(span, name) for name in IDS] == [context.get(name) for name in IDS]
        assert [span.started_ns, span.ended_ns] == [
            None if row is None else int(trace.index.time_ns[row]) for row in (span.start_row, span.end_row)
        ]
        assert (span.end_row is None) <= (span.status == "open")


def test_times_farther_apart_than_a_column_holds() -> None:
    """Five hundred years between two records are told to the nanosecond's double, like a second."""
    ends = {**tool_start(0, "c"), "type": "tool_call_completed", "timestamp": "2261-01-01T00:00:00.000000001+00:00"}
    (call,) = read_trace([{**tool_start(0, "c"), "timestamp": "1700-01-01T00:00:00+00:00"}, ends]).tool_calls

    assert call.started_ns is not None
    assert call.ended_ns is not None
    assert call.duration_ms == (call.ended_ns - call.started_ns) / 1_000_000
