"""Some turns and calls of very many, made without the others; and the columns from which a report counts them."""

import gc
import tracemalloc
from typing import Final

import numpy as np
import pytest

from lash_nb.trace import FAILED_STATUSES, Trace, read_trace, total_usage
from lash_nb.views import trace_report
from tests.trace.lines import DATA, STATION, line, record

TRACES: Final = [STATION, *sorted(DATA.rglob("*.jsonl"))]


@pytest.fixture(params=TRACES, ids=lambda path: path.stem)
def trace(request: pytest.FixtureRequest) -> Trace:
    """A trace as lash wrote it."""
    return read_trace(request.param)


def test_some_turns_are_those_of_all(trace: Trace) -> None:
    """With all their calls."""
    for places in (range(0), range(len(trace.turns)), range(0, len(trace.turns), 3)):
        assert trace.turns_at(places) == tuple(trace.turns[place] for place in places)


def test_some_calls_are_those_of_all(trace: Trace) -> None:
    """Model calls first."""
    llm, tools = range(0, len(trace.llm_calls), 2), range(0, len(trace.tool_calls), 3)

    assert trace.calls_at(llm, tools) == (*trace.llm_calls[::2], *trace.tool_calls[::3])


def test_columns_tell_what_values_tell(trace: Trace) -> None:
    """Names, failures, durations where a picture needs them, tokens."""
    for went, calls, name in (
        (trace.outcomes.llm_calls, trace.llm_calls, "model"),
        (trace.outcomes.tool_calls, trace.tool_calls, "name"),
    ):
        assert list(went.name) == [getattr(call, name) for call in calls]
        assert went.has_failed.tolist() == [call.status in FAILED_STATUSES for call in calls]
        assert went.placed_ms.tolist() == [call.placed_ms for call in calls]
    ends = trace.pairs.llm_calls.end
    assert trace.index.total_usage(np.asarray(ends)) == total_usage(call.usage for call in trace.llm_calls)


def test_a_report_makes_no_value_for_each_turn() -> None:
    """Of very many turns it takes columns, some numbers a turn."""
    turns = 20_000
    kinds = ("turn_started", "turn_completed")
    trace = read_trace(b"".join(line(record(turn * 1e-4, kind, turn=turn)) for turn in range(turns) for kind in kinds))
    gc.collect()
    tracemalloc.start()
    try:
        size = sum(map(len, trace_report(trace)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size > 200_000
    assert peak < 10_000_000
