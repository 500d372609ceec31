"""Pairing starts with ends: nothing is dropped, and no end belongs to two starts."""

from collections import Counter
from pathlib import Path
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from lash_nb.trace import (
    FAILED_STATUSES,
    GOOD_STATUSES,
    LLM_STATUSES,
    OPEN_STATUSES,
    TOOL_STATUSES,
    TURN_STATUSES,
    Trace,
    read_trace,
    total_usage,
)
from tests.trace.lines import DATA, STATION, line, llm_end, llm_start, record, tool_end, tool_start

TOOL: Final = "call_1"


def rows(trace: Trace) -> list[tuple[int | None, int | None, str]]:
    """Start, end and status of each tool call."""
    return [(call.start_row, call.end_row, call.status) for call in trace.tool_calls]


def test_the_weather_desk() -> None:
    """The calls of a real session: 23 turns, one of them cancelled, 44 model calls, 23 tool calls, of which two fail."""
    trace = read_trace(STATION)
    summary = trace.summary()

    assert (summary.turns, summary.failed_turns, summary.cancelled_turns) == (23, 0, 1)
    assert (summary.llm_calls, summary.failed_llm_calls) == (44, 0)
    assert (summary.tool_calls, summary.failed_tool_calls, summary.cancelled_tool_calls) == (23, 2, 1)
    assert summary.open_calls == 0
    assert [call.order for call in trace.llm_calls if call.is_direct] == [81]
    assert sum(len(turn.llm_calls) for turn in trace.turns) == 44
    assert sum(len(turn.tool_calls) for turn in trace.turns) == 23
    assert total_usage(turn.usage for turn in trace.turns) == summary.usage


def test_a_turn_that_never_ended() -> None:
    """A session that was dropped in the middle of a turn leaves an open turn and an open call."""
    trace = read_trace(DATA / "db_dropped_mid_turn.jsonl")

    assert [turn.status for turn in trace.turns] == ["completed", "open"]
    assert [call.status for call in (*trace.llm_calls, *trace.tool_calls)].count("open") == 1


def test_what_a_cancelled_turn_leaves_without_an_end_is_cancelled() -> None:
    """A turn that is aborted writes no end of the call that was under way, which would be open for ever; other turns leave theirs open."""
    calls = [llm_start(1, "m"), tool_start(2, "a"), tool_start(2.5, "b"), tool_end(3, "b", "success")]
    for status, reason, left, last in (("failed", "cancelled", "cancelled", 0), ("completed", None, "open", 2)):
        told = [record(0, "turn_started"), *calls, record(4, "turn_completed", status=status, done_reason=reason)]
        trace = read_trace(b"".join(map(line, told)))

        assert [call.status for call in trace.llm_calls] == [left]
        assert rows(trace) == [(2, None, left), (3, 4, "success")]
        assert trace.summary().open_calls == last
        assert [trace.by_record.status[row] for row in (1, 2, 3, 4)] == [left, left, None, "success"]


def test_sessions_in_one_file_are_told_apart() -> None:
    """Turns with the same number in two sessions are two turns with their own calls."""
    trace = read_trace(DATA / "child_host_standard.jsonl")

    assert trace.sessions == ("main", "kid")
    assert [(turn.session_id, turn.turn_index, len(turn.llm_calls)) for turn in trace.turns] == [
        ("main", 1, 1),
        ("kid", 1, 1),
        ("kid", 2, 1),
    ]


def test_a_call_id_used_twice_pairs_in_order() -> None:
    """The first end belongs to the first start; a third start stays open."""
    trace = read_trace(
        [
            tool_start(1, TOOL),
            tool_start(2, TOOL),
            tool_end(3, TOOL, "success"),
            tool_end(4, TOOL, "failure"),
            tool_start(5, TOOL),
        ]
    )

    assert rows(trace) == [(0, 2, "success"), (1, 3, "failure"), (4, None, "open")]


def test_an_end_without_a_start_is_a_call() -> None:
    """An end whose start is not in the file is a row of its own, and begins when it says that it began."""
    trace = read_trace([tool_end(1, TOOL, "cancelled"), llm_end(2, "x")])

    assert rows(trace) == [(None, 0, "cancelled")]
    assert [(call.start_row, call.end_row, call.status, call.duration_ms) for call in trace.llm_calls] == [
        (None, 1, "completed", 70)
    ]


def test_half_a_span_has_the_times_that_are_known() -> None:
    """An end alone began as long before as it reports; a start alone is over where it began; a turn lasts as its calls do."""
    trace = read_trace([tool_end(1, TOOL, "success"), tool_start(2, "call_2")])
    ended, begun = trace.tool_calls
    turn = trace.turns[0]

    assert (ended.recorded_ns - ended.began_ns, ended.over_ns) == (5_000_000, ended.ended_ns)
    assert (begun.began_ns, begun.recorded_ns, begun.over_ns) == (begun.started_ns,) * 3
    assert (turn.began_ns, turn.over_ns) == (ended.began_ns, begun.began_ns)


def test_the_same_call_id_in_two_turns() -> None:
    """An end in another turn does not close a call of this one."""
    trace = read_trace([tool_start(1, TOOL, turn=1), tool_end(2, TOOL, "success", turn=2)])

    assert rows(trace) == [(0, None, "open"), (None, 1, "success")]


def test_calls_without_an_id_pair_by_name() -> None:
    """A call that the model did not name is known by its tool."""
    trace = read_trace(
        [tool_start(1, None, name="a"), tool_start(2, None, name="b"), tool_end(3, None, "success", name="b")]
    )

    assert rows(trace) == [(0, None, "open"), (1, 2, "success")]


def test_a_turn_is_known_by_its_calls() -> None:
    """A file that begins in the middle of a turn has that turn, and its end closes it."""
    trace = read_trace(
        [llm_start(1, "x"), llm_end(2, "x"), record(3, "turn_completed", status="completed", done_reason="r")]
    )
    (turn,) = trace.turns

    assert (turn.start_row, turn.end_row, turn.status, turn.done_reason) == (None, 2, "completed", "r")
    assert [call.llm_call_id for call in turn.llm_calls] == ["x"]


def test_a_direct_completion_belongs_to_the_open_turn() -> None:
    """A model call that names no turn is made by the turn its session is in, else by none."""
    direct: dict[str, Any] = {"context": {"llm_call_id": "d"}, "turn": None, "request": {"model": "m"}}
    started = record(1, "turn_started")
    ended = record(3, "turn_completed", status="completed", done_reason="r")
    inside = read_trace([started, record(2, "llm_call_started", **direct), ended])
    outside = read_trace([started, ended, record(4, "llm_call_started", **direct)])

    assert [call.is_direct for call in inside.turns[0].llm_calls] == [True]
    assert (outside.turns[0].llm_calls, [call.is_direct for call in outside.llm_calls]) == ((), [True])


def test_a_failed_model_call_takes_the_time_between_its_records() -> None:
    """A failure reports no duration: what its two records say is taken."""
    trace = read_trace(
        [
            llm_start(1, "x"),
            record(1.25, "llm_call_failed", context={"llm_call_id": "x"}, error={"message": "m", "retryable": True}),
        ]
    )
    (call,) = trace.llm_calls

    assert (call.status, call.duration_ms, call.usage) == ("failed", 250.0, None)


def test_a_cancelled_call_that_reports_no_time_takes_that_between_its_records() -> None:
    """The end of a cancelled call always reports 0 ms; one that reports more is believed, and so is a good one that took none."""
    ends = [("cancelled", 0), ("cancelled", 40), ("success", 0)]
    calls = [tool_start(at, f"c{at}") for at in range(len(ends))]
    calls += [tool_end(at + 0.5, f"c{at}", status, duration_ms=took) for at, (status, took) in enumerate(ends)]
    trace = read_trace(calls)

    assert [(call.status, call.duration_ms) for call in trace.tool_calls] == [
        ("cancelled", 500.0),
        ("cancelled", 40.0),
        ("success", 0.0),
    ]


def test_a_name_gives_the_terminal_no_orders() -> None:
    """What a trace says of itself is printable, whatever its file is called."""
    trace = read_trace(b"", name="\x1b]0;owned\x07\u202ea\nb")

    assert repr(trace).isprintable()
    assert trace.name == "\x1b]0;owned\x07\u202ea\nb"


def test_the_summary_in_one_line(tmp_path: Path) -> None:
    """The representation of a trace counts what is in it and what is wrong with it."""
    path = tmp_path / "t.jsonl"
    path.write_bytes(STATION.read_bytes() + b'x\n{"type":"new","timestamp":"2026-11-21T15:00:00Z"}\n')

    assert repr(read_trace(path)) == (
        "<Trace t.jsonl: 204 records, 1 session, 23 turns (1 cancelled), 44 model calls, "
        "23 tool calls (2 failed, 1 cancelled), 1 bad line (see .errors), 1 record of another release, shown raw>"
    )


def test_no_call_is_in_no_sum() -> None:
    """An end that does not say how, or says it in a word that nobody knows, is counted as that."""
    receipt: dict[str, Any] = {"call_id": "a", "name": "t", "started_at_ms": 1, "terminal": "final"}
    trace = read_trace(
        [
            record(1, "tool_receipt", **receipt),
            tool_end(2, "b", "sideways"),
            tool_end(3, "c", "success"),
            record(4, "turn_completed", status="lost"),
        ]
    )
    summary = trace.summary()

    assert [call.status for call in trace.tool_calls] == ["unknown", "sideways", "success"]
    assert (summary.tool_calls, summary.unknown_tool_calls, summary.unknown_turns) == (3, 2, 1)
    assert str(summary).endswith("1 turn (1 unknown), 0 model calls, 3 tool calls (2 unknown)")


def test_every_word_for_an_end_is_of_one_sort() -> None:
    """Good, failed and open are three different things; what is none of them was cancelled, or nobody knows."""
    words = {*TURN_STATUSES, *LLM_STATUSES, *TOOL_STATUSES}

    assert not GOOD_STATUSES & FAILED_STATUSES
    assert not OPEN_STATUSES & (GOOD_STATUSES | FAILED_STATUSES)
    assert words - GOOD_STATUSES - FAILED_STATUSES - OPEN_STATUSES == {"cancelled", "unknown"}


def test_what_is_odd_is_said() -> None:
    """A time without a zone is read as UTC, and a duration below zero is kept; the summary says how many there are."""
    stamps = {
        "2026-11-21T15:00:01": False,
        "2026-11-21T15:00:02.000000001": False,
        "2026-11-21 15:00:03.000000001+00": True,
        "2026-11-21T15:00:04.000000001-07:30": True,
        "2026-11-21T15:00:05.00000000100000": False,
        "2026-11-21": False,
        "2026-11-21T15:00:06Z": True,
        "2026-11-21T15:00:07.000000001+00:00": True,
    }
    records = [{**record(0, "custom"), "timestamp": stamp} for stamp in stamps]
    trace = read_trace([*records, tool_end(8, TOOL, "success", duration_ms=-5)])
    summary = trace.summary()

    assert trace.errors == ()
    assert [list(stamps)[row] for row in trace.index.without_zone] == [
        stamp for stamp, is_zoned in stamps.items() if not is_zoned
    ]
    assert (summary.times_without_zone, summary.negative_durations) == (4, 1)
    assert str(summary).endswith(", 4 times without a zone, read as UTC, 1 duration below zero")
    assert read_trace([*records[6:]]).summary().remarks == ()
    assert trace.index.time_ns[0] == trace.index.time_ns[1] - 1_000_000_001


@given(
    st.lists(
        st.tuples(st.sampled_from(["start", "end"]), st.sampled_from(["a", "b", None]), st.sampled_from([1, 2])),
        max_size=20,
    )
)
def test_every_record_of_a_call_is_in_one_pair(steps: list[tuple[str, str | None, int]]) -> None:
    """Whatever the order of starts and ends, each record is in exactly one call, and every call is in one turn."""
    records = [
        tool_start(at, call, turn=turn) if step == "start" else tool_end(at, call, "success", turn=turn)
        for at, (step, call, turn) in enumerate(steps)
    ]
    trace = read_trace(records)
    used = Counter(row for call in trace.tool_calls for row in (call.start_row, call.end_row) if row is not None)

    assert used == Counter(range(len(records)))
    assert Counter(call.order for turn in trace.turns for call in turn.tool_calls) == Counter(
        call.order for call in trace.tool_calls
    )
    assert all(
        call.end_row is None or call.start_row is None or call.start_row < call.end_row for call in trace.tool_calls
    )
