"""What makes pairing and order of records harder than it looks, each on a trace that lash wrote."""

from collections import Counter
from typing import Any

import pytest

from lash_nb.trace import LlmCall, SpanNode, ToolCall, Trace, read_trace
from tests.trace.golden import golden, golden_files
from tests.trace.lines import llm_end, llm_start, record, tool_end, tool_start


def inside(trace: Trace, kind: str) -> list[SpanNode]:
    """All spans of a kind."""
    return [span for root in trace.spans() for span in root.walk() if span.kind == kind]


def parents(trace: Trace) -> dict[int, SpanNode]:
    """The parent of each span, by the number of the span's first record."""
    return {child.row: span for root in trace.spans() for span in root.walk() for child in span.children}


@pytest.mark.parametrize("name", ["v2_alpha110_failing_tool", "v2_failing_tool", "v7_failing_tool"])
def test_a_call_that_fails_before_it_runs_has_no_start(name: str) -> None:
    """Since alpha.84 an unknown tool and bad arguments have an end alone, which may stand before the start of its batch."""
    trace = golden(name)
    calls = [(call.call_id, call.start_row is not None, call.status) for call in trace.tool_calls]
    (turn,) = trace.turns

    assert sorted(calls) == [
        ("c1", True, "failure"),
        ("c2", True, "failure"),
        ("c3", False, "failure"),
        ("c4", False, "failure"),
    ]
    assert len(turn.tool_calls) == 4
    starts = [call.start_row for call in trace.tool_calls if call.call_id == "c2"]
    assert min(call.end_row or 0 for call in trace.tool_calls if call.start_row is None) < (starts[0] or 0)


def test_calls_of_a_batch_pair_by_id_whatever_the_order() -> None:
    """Until alpha.83 all starts of a batch come first, later starts and ends interleave; both pair by id."""
    before = golden("std_tools_parallel_three")
    later = read_trace(
        [tool_start(1, "a"), tool_start(2, "b"), tool_end(3, "b", "success"), tool_end(4, "a", "failure")]
    )

    assert [(call.status, call.start_row is not None) for call in before.tool_calls] == [("success", True)] * 3
    assert all(before[call.start_row or 0]["args"] == before[call.end_row or 0]["args"] for call in before.tool_calls)
    assert [(call.call_id, call.start_row, call.end_row) for call in later.tool_calls] == [("a", 0, 3), ("b", 1, 2)]


def test_an_id_that_the_model_uses_again_is_another_call() -> None:
    """Ids of calls are unique only in a turn, and not always there; each record is in one call."""
    for name in ("std_calls_duplicate_ids", "std_three_turns", "db_five_turns_tools_attachments"):
        trace = golden(name)
        used = Counter(row for call in trace.tool_calls for row in (call.start_row, call.end_row) if row is not None)
        kinds = trace.index.text("kind")

        assert set(used.values()) <= {1}
        assert len(used) == sum(kind in ("tool_call_started", "tool_call_completed") for kind in kinds)


@pytest.mark.parametrize(
    ("name", "count"), [("v2_alpha110_rlm_two_steps", 1), ("v7_rlm_two_steps", 1), ("rlm_tool_ok", 0)]
)
def test_a_call_made_by_code_counts_once(name: str, count: int) -> None:
    """It stands in the records of tools, since alpha.84, and in what the block of code made: one call, below the code."""
    trace = golden(name, with_code=True)
    without_code = golden(name)

    assert [call.is_by_code for call in trace.tool_calls] == [True] * count
    assert [id_ for block in trace.code_blocks for id_ in block.call_ids] == [call.call_id for call in trace.tool_calls]
    assert len(inside(trace, "tool_call")) == count
    for call in trace.tool_calls:
        assert parents(trace)[call.order].kind == "code_node"
        assert parents(without_code)[call.order].kind == "code_execution"


def test_a_direct_completion_stands_in_the_call_that_asked_for_it() -> None:
    """It names no turn; its cause does, and its time is that between its records, as it reports none."""
    trace = golden("std_direct_text")
    (direct,) = [call for call in trace.llm_calls if call.is_direct]
    (turn,) = trace.turns

    assert isinstance(parents(trace)[direct.order].source, ToolCall)
    assert direct in turn.llm_calls
    assert trace[direct.end_row or 0]["response"]["duration_ms"] == 0
    assert direct.duration_ms == ((direct.ended_ns or 0) - (direct.started_ns or 0)) / 1_000_000 > 0


def test_a_direct_completion_goes_to_its_caller_even_when_another_turn_is_open() -> None:
    """Two turns of a session at once: the cause says which one it belongs to."""
    cause = {"metadata": {"caused_by": {"type": "tool_call", "session_id": "s", "call_id": "a"}}, "llm_call_id": "d"}
    trace = read_trace(
        [
            record(1, "turn_started", turn=1),
            tool_start(2, "a", turn=1),
            record(3, "turn_started", turn=2),
            record(4, "llm_call_started", turn=None, context=cause, request={"model": "m"}),
        ]
    )

    assert [len(turn.llm_calls) for turn in trace.turns] == [1, 0]
    assert parents(trace)[3].id == "tool:a"


def test_a_cancelled_turn_is_not_a_failed_one() -> None:
    """Until version 7 it ends as failed with the reason `cancelled`, and so does the model call that was cut off."""
    for name in ("v2_alpha110_cancelled", "v2_cancelled", "v7_cancelled", "std_cancel_during_tool"):
        trace = golden(name)
        summary = trace.summary()

        assert trace.turns[0].status == "cancelled"
        assert (summary.failed_turns, summary.cancelled_turns, summary.failed_llm_calls) == (0, 1, 0)
        assert {call.status for call in trace.llm_calls} <= {"completed", "cancelled"}


def test_a_model_call_that_a_cancelled_tool_turn_still_opens() -> None:
    """In version 7 one more model call begins and fails with the code `cancelled`: it is cancelled, and in the turn."""
    error = {"message": "cancelled", "retryable": False, "terminal_reason": "cancelled", "code": "cancelled"}
    trace = read_trace(
        [
            record(1, "turn_started"),
            tool_start(2, "a"),
            tool_end(3, "a", "cancelled"),
            llm_start(4, "x"),
            record(5, "llm_call_failed", context={"llm_call_id": "x", "effect_id": "2"}, error=error),
            record(6, "turn_completed", status="failed", done_reason="cancelled"),
        ]
    )
    (turn,) = trace.turns

    assert (turn.status, [call.status for call in turn.calls]) == ("cancelled", ["cancelled", "cancelled"])


def test_a_drained_queue_turn_is_one_turn() -> None:
    """Its own records and those of its effects name it differently; its number is the same."""
    trace = golden("queue_three_early_join")
    (turn,) = trace.turns
    (call,) = trace.llm_calls

    assert call.turn_id != turn.turn_id
    assert (turn.status, turn.llm_calls) == ("completed", (call,))


@pytest.mark.parametrize(
    "name", ["v2_alpha110_frame_switch", "v2_frame_switch", "v7_frame_switch", "std_control_switch_then_turn"]
)
def test_a_turn_goes_on_in_another_frame(name: str) -> None:
    """A switch ends one turn and begins the next, which names the one before."""
    first, second, *_ = golden(name).turns

    assert (first.status, second.status) == ("switched", "completed")
    assert second.follows_turn_id == first.turn_id
    assert (second.turn_index or 0) - (first.turn_index or 0) == 1
    assert first.follows_turn_id is None
    assert first.next_frame


def test_a_process_runs_in_a_session_of_its_own() -> None:
    """Its records stand in the second file alone; what its turn started tells where it belongs. Our release uses the turn's session."""
    for name, session in (
        ("v2_rlm_process", "process-env:"),
        ("v2_alpha110_rlm_process", "process-env:"),
        ("v7_rlm_process", "process-env:"),
        ("proc_start_await", "main"),
    ):
        trace = golden(name, with_code=True)
        process = next(one for one in trace.executions if one.process_id is not None)
        span = next(one for one in inside(trace, "code_execution") if one.source is process)

        assert (process.session_id or "").startswith(session)
        assert [root.label for root in trace.spans()] == ["main"]
        assert parents(trace)[span.row].kind == "code_node"


@pytest.mark.parametrize(
    ("name", "caller"),
    [("v2_alpha110_subagent", ToolCall), ("v2_subagent", ToolCall), ("v7_subagent", ToolCall)],
)
def test_the_turn_of_a_subagent_stands_in_the_call_that_spawned_it(name: str, caller: type) -> None:
    """Its records name its own session as parent; its id names the call."""
    for trace in (golden(name), golden(name, with_code=True)):
        _main, child = trace.turns
        parent = parents(trace)[child.order]

        assert isinstance(parent.source, caller)
        assert parent.label == "spawn_agent"
        assert [root.label for root in trace.spans()] == ["main"]


@pytest.mark.parametrize("name", ["sub_spawn_value", "sub_two_iterations", "subdb_spawn"])
def test_the_turn_of_a_subagent_of_our_release_stands_in_the_step_that_spawned_it(name: str) -> None:
    """There the calls of code have no records, and the second file alone knows who spawned whom."""
    trace = golden(name, with_code=True)
    child = next(turn for turn in trace.turns if (turn.turn_id or "").startswith("process:subagent:"))

    assert parents(trace)[child.order].kind == "code_node"
    assert parents(golden(name))[child.order].kind == "session"


def test_a_turn_without_an_end_is_open() -> None:
    """A host that fails before the machine runs leaves a start alone; and so does one that is dropped."""
    trace = read_trace([record(1, "turn_started")])
    (session,) = trace.spans()

    assert [turn.status for turn in trace.turns] == ["open"]
    assert (session.status, session.children[0].is_open) == ("open", True)


def test_a_retried_tool_call_took_the_time_between_its_records() -> None:
    """What it reports is its last attempt; the records of the releases that write them as they happen tell all of it."""
    for name in ("v2_tool_retry", "v7_tool_retry"):
        (call,) = golden(name).tool_calls

        assert call.duration_ms == ((call.ended_ns or 0) - (call.started_ns or 0)) / 1_000_000
    (before,) = golden("std_retry_safe_second").tool_calls
    assert before.duration_ms == golden("std_retry_safe_second")[before.end_row or 0]["duration_ms"]


def test_a_receipt_belongs_to_its_call() -> None:
    """Version 36 writes receipts of tool calls; one without any call is all that is known of it."""
    receipt: dict[str, Any] = {"call_id": "a", "name": "t", "started_at_ms": 1}
    trace = read_trace(
        [
            tool_start(1, "a"),
            tool_end(2, "a", "success"),
            record(3, "tool_receipt", **receipt, terminal="final"),
            record(4, "tool_receipt", **{**receipt, "call_id": "b"}, terminal="denied"),
            record(5, "tool_receipt", **{**receipt, "call_id": "c"}, terminal=None),
        ]
    )

    assert [(call.call_id, call.status, call.end_row, call.receipt_row) for call in trace.tool_calls] == [
        ("a", "success", 1, 2),
        ("b", "failure", 3, 3),
        ("c", "open", 4, 4),
    ]
    assert len(trace.turns[0].tool_calls) == 3


def test_every_call_of_every_golden_trace_is_in_one_turn() -> None:
    """No call is lost and none is in two turns; what names no turn at all may be in none."""
    for name in golden_files():
        trace = golden(name)
        in_turns = Counter((type(call), call.order) for turn in trace.turns for call in turn.calls)
        calls: list[LlmCall | ToolCall] = [*trace.llm_calls, *trace.tool_calls]

        assert set(in_turns.values()) <= {1}
        assert all(in_turns[type(call), call.order] for call in calls if call.turn_id or call.turn_index is not None)


def test_a_file_of_two_runs_of_the_same_session_keeps_them_apart() -> None:
    """A host that appends to the file of its last run uses the same ids again: they pair in order."""
    once = [
        record(1, "turn_started"),
        llm_start(2, "x"),
        llm_end(3, "x"),
        record(4, "turn_completed", status="completed"),
    ]
    trace = read_trace([*once, *once])

    assert [(turn.start_row, turn.end_row, len(turn.llm_calls)) for turn in trace.turns] == [(0, 3, 1), (4, 7, 1)]


def again(kind: str, at: float, turn_id: str, **members: Any) -> dict[str, Any]:
    """A record of turn 1 under one of its ids."""
    return record(at, kind, **{**members, "context": {"turn_id": turn_id, **members.get("context", {})}})


def turn_rows(trace: Trace) -> list[tuple[str | None, int | None, int | None, str]]:
    """Id, start, end and status of each turn."""
    return [(turn.turn_id, turn.start_row, turn.end_row, turn.status) for turn in trace.turns]


@pytest.mark.parametrize("second", ["a", "b"])
def test_a_turn_that_crashed_stays_open_when_it_starts_again(second: str) -> None:
    """The end is that of the second start, under another id or the same one; calls are those of the start before them."""
    call = {"context": {"llm_call_id": "x"}, "request": {"model": "m"}}
    tool = {"call_id": "c", "name": "t", "args": {}}
    ended = {"output": {"outcome": {"status": "success"}}, "duration_ms": 5}
    trace = read_trace(
        [
            again("turn_started", 1, "a"),
            again("llm_call_started", 2, "a", **call),
            again("tool_call_started", 3, "a", **tool),
            again("turn_started", 4, second),
            again("llm_call_started", 5, second, **call),
            again("llm_call_failed", 6, second, **call),
            again("tool_call_started", 7, second, **tool),
            again("tool_call_completed", 8, second, **tool, **ended),
            again("turn_completed", 9, second, status="completed"),
        ]
    )
    first, other = trace.turns

    assert turn_rows(trace) == [("a", 0, None, "open"), (second, 3, 8, "completed")]
    assert [(call.start_row, call.end_row) for call in first.calls] == [(1, None), (2, None)]
    assert [(call.start_row, call.end_row) for call in other.calls] == [(4, 5), (6, 7)]


def test_the_end_of_a_turn_is_that_of_its_id() -> None:
    """Two turns with one number at once, as no release writes them: each has its own end, and its own calls."""
    trace = read_trace(
        [
            again("turn_started", 1, "a"),
            again("turn_started", 2, "b"),
            again("tool_call_started", 3, "a", call_id="c", name="t"),
            again("turn_completed", 4, "a", status="completed"),
            again("turn_completed", 5, "b", status="completed"),
        ]
    )

    assert turn_rows(trace) == [("a", 0, 3, "completed"), ("b", 1, 4, "completed")]
    assert [len(turn.calls) for turn in trace.turns] == [1, 0]


def test_a_turn_that_lash_started_twice_under_one_number() -> None:
    """A hook aborted the first one: the end of the second is its own."""
    trace = golden("std_hook_before_turn_abort")

    assert [(turn.turn_id, turn.turn_index, turn.status) for turn in trace.turns] == [
        ("turn-1", 1, "open"),
        ("turn-2", 1, "completed"),
    ]
    assert [len(turn.llm_calls) for turn in trace.turns] == [0, 1]


def test_two_parallel_calls_of_one_name_pair_in_order() -> None:
    """The model names calls, and may give one name to two at once; in one turn the first end is that of the first start."""
    trace = read_trace(
        [tool_start(1, "c"), tool_start(2, "c"), tool_end(3, "c", "success"), tool_end(4, "c", "failure")]
    )

    assert [(call.start_row, call.end_row) for call in trace.tool_calls] == [(0, 2), (1, 3)]


def test_a_model_call_that_crashed_stays_open_when_it_starts_again() -> None:
    """Each model call has an id of its own, and lash performs an effect again under the same one after a crash."""
    trace = read_trace([llm_start(1, "x"), llm_start(2, "x"), llm_end(3, "x")])

    assert [(call.start_row, call.end_row, call.status) for call in trace.llm_calls] == [
        (0, None, "open"),
        (1, 2, "completed"),
    ]


def test_the_end_of_a_drained_turn_whose_start_is_not_in_the_file() -> None:
    """Its calls made it known under the id of the effects; the end has its number, and no other turn; it names the turn."""
    trace = read_trace(
        [llm_start(1, "x"), llm_end(2, "x"), again("turn_completed", 3, "queue-drain:1", status="completed")]
    )

    assert turn_rows(trace) == [("queue-drain:1", None, 2, "completed")]
