"""Blocks of code and executions: what ran, how it ended, and what it called."""

from typing import Any

import pytest

from lash_nb.trace import Trace, read_fact, read_trace
from tests.trace.executions import KEY, PROCESS, event, node
from tests.trace.golden import golden
from tests.trace.lines import record


def told(at: float, phase: str, *, version: int, **members: Any) -> dict[str, Any]:
    """A record about a block, as a step of the runtime's protocol or, since version 9, of a type of its own."""
    if version < 9:
        return record(
            at, "protocol_step", plugin_id="runtime", payload={"diagnostic": {"phase": phase, "payload": members}}
        )
    return {**record(at, phase, **members), "schema_version": version}


def code_of(trace: Trace) -> list[Any]:
    """What the blocks of a trace were, and what they gave."""
    return [
        (
            read_fact("code", trace[block.start_row]) if block.start_row is not None else None,
            read_fact("output", trace[block.end_row]) if block.end_row is not None else None,
            block.status,
        )
        for block in trace.code_blocks
    ]


@pytest.mark.parametrize("version", [2, 9])
def test_a_block_is_told_alike_in_all_versions(version: int) -> None:
    """Start, end and what was shortened are one block, whether steps of a protocol tell of it or records of its own."""
    trace = read_trace(
        [
            told(1, "exec_code_started", version=version, code="1", code_chars=1),
            told(
                2,
                "exec_code_completed",
                version=version,
                output="x",
                duration_ms=7,
                error=None,
                tool_calls=[{"call_id": "a"}, {}],
            ),
            told(3, "observation_projection", version=version, projections=[]),
            told(4, "exec_code_started", version=version, code="2"),
        ]
    )
    first, second = trace.code_blocks

    assert code_of(trace) == [("1", "x", "completed"), ("2", None, "open")]
    assert (first.duration_ms, first.call_ids, first.projection_rows, first.is_over) == (7, ("a", None), (2,), True)
    assert (second.duration_ms, second.is_over) == (None, False)


def test_real_blocks_of_all_releases() -> None:
    """Two blocks that ran in turn: their code, output and ends are found by the same facts."""
    for name in ("v2_alpha110_rlm_two_steps", "v2_rlm_two_steps", "v7_rlm_two_steps"):
        (first, out, status), (second, *_) = code_of(golden(name))

        assert "weather" in first
        assert (out, status) == ('{"temp_c":-3}', "completed")
        assert "finish" in second


def test_a_block_that_failed_says_why() -> None:
    """The error is a text, or an object with a kind."""
    text, kind = (
        read_trace([told(1, "exec_code_completed", version=version, error=error)]).code_blocks[0]
        for version, error in ((2, "no"), (15, {"kind": "policy", "message": "no"}))
    )
    stopped = golden("v36_byhand").code_blocks

    assert [(block.status, block.error, block.error_kind) for block in (text, kind)] == [
        ("failed", "no", None),
        ("failed", "no", "policy"),
    ]
    assert {block.error_kind for block in stopped if block.error == "no executor"} == {
        "executor_unavailable",
        "runtime_stopped",
        "session",
        "erased",
    }


def test_steps_of_a_program_announce_their_blocks() -> None:
    """Since version 17 a step comes before its block; a step that is no program has none."""
    for name in ("rlm_step", "program_step"):
        trace = read_trace(
            [
                {**record(1, name, step_index=0, outcome="ok"), "schema_version": 17},
                told(2, "exec_code_started", version=17, code="1"),
                told(3, "exec_code_completed", version=17, error=None),
                {**record(4, name, step_index=1, outcome="failure", diagnostic="what?"), "schema_version": 17},
            ]
        )

        assert [(block.step_index, block.start_row, block.status, block.error) for block in trace.code_blocks] == [
            (0, 1, "completed", None),
            (1, 3, "failed", "what?"),
        ]


def test_an_execution_with_its_runs() -> None:
    """A process of a real run: the step that starts it, the process and its own steps, labels as the code gives them."""
    main, process = golden("v7_rlm_process", with_code=True).executions

    assert (main.status, main.effect_id, main.process_id, main.language) == ("completed", "3", None, "lashlang")
    assert [run.label for run in main.runs] == ["start lookup", "result"]
    assert [(start.child_key, start.entry_name) for start in main.children] == [(process.graph_key, "lookup")]
    assert (process.entry_kind, process.turn_id) == ("process", None)
    assert [(run.label, run.kind, run.status) for run in process.runs] == [
        ("Ask for the weather", "resource_operation", "completed"),
        ("result", "terminal", "completed"),
    ]


def test_what_never_ended_is_open() -> None:
    """An execution without an end, a step that runs and one that waits."""
    trace = read_trace(
        [
            event(1, "execution_started", version=31),
            node(2, "started", "a", version=31),
            node(3, "started", "b", version=31),
            node(4, "waiting", "b", version=31),
        ]
    )
    (execution,) = trace.executions

    assert (execution.graph_key, execution.status, execution.end_row) == (KEY, "open", None)
    assert [(run.node_id, run.status) for run in execution.runs] == [("a", "open"), ("b", "waiting")]
    assert trace.lashlang_graph(KEY).status == "running"


def test_each_run_of_a_step_is_one() -> None:
    """A loop runs a step several times; a branch is decided in no time."""
    trace = read_trace(
        [
            node(1, "started", "a", 1),
            node(2, "completed", "a", 1),
            node(3, "started", "a", 2),
            node(4, "failed", "a", 2, error="no"),
            event(5, "branch_selected", node_id="if", occurrence=1, edge_id="e", selected="then"),
        ]
    )
    runs = trace.executions[0].runs

    assert [(run.node_id, run.occurrence, run.status, run.error, run.arm) for run in runs] == [
        ("a", 1, "completed", None, None),
        ("a", 2, "failed", "no", None),
        ("if", 1, "completed", None, "then"),
    ]
    assert [(run.over_ns - run.began_ns) / 1e9 for run in runs] == [1, 1, 0]


def test_an_execution_is_told_from_both_ends() -> None:
    """Whatever comes first, it began with its first record and was over with its last."""
    trace = read_trace(
        [
            event(2, "execution_finished", identity=PROCESS, status="failed", error="no"),
            event(1, "execution_started", identity=PROCESS),
        ]
    )
    (process,) = trace.executions

    assert (process.status, process.error, process.session_id) == ("failed", "no", "process-env:p")
    assert process.over_ns - process.began_ns == 1_000_000_000
