"""Spans as trees: everything stands in one place, and what stands in what is what the records say."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from lash_nb.trace import SpanNode, Trace, read_trace
from tests.trace.executions import KEY, PROCESS, event, node
from tests.trace.golden import golden
from tests.trace.lines import STATION, llm_end, llm_start, record, tool_end, tool_start


def walked(trace: Trace) -> Iterator[SpanNode]:
    """All spans of a trace."""
    return (span for root in trace.spans() for span in root.walk())


def drawn(span: SpanNode) -> Any:
    """A span as its kind and label with what stands in it."""
    return (span.kind, span.label, [drawn(child) for child in span.children])


def test_the_weather_desk() -> None:
    """A real session: one root, its turns in order, 44 model calls and 23 tool calls in them, the direct one in its tool call."""
    trace = read_trace(STATION)
    (session,) = trace.spans()
    count = Counter(span.kind for span in session.walk())

    assert (session.id, session.status, session.row) == ("session:main", "completed", 0)
    assert count == {"session": 1, "turn": 23, "model_call": 44, "tool_call": 23}
    assert [child.label for child in session.children] == [f"turn {number}" for number in range(1, 24)]
    assert [child.began_ns for child in session.children] == sorted(child.began_ns for child in session.children)
    assert session.over_ns == max(turn.over_ns for turn in trace.turns)


def test_ids_are_those_that_later_releases_write() -> None:
    """A trace without span ids gets those that the formulas give, and they are the ones that a later release writes."""
    for name in ("v2_one_tool", "v7_one_tool", "v2_two_sessions"):
        trace = golden(name)
        written = set(trace.index.text("graph_node_id").values) | {f"session:{session}" for session in trace.sessions}

        assert {span.id for span in walked(trace)} == written
        assert {span.parent_id for span in walked(trace)} - {None} <= written


def test_a_run_with_code() -> None:
    """A call that code made stands in the step, the step in the execution, the execution in the turn."""
    (session,) = golden("v7_rlm_two_steps", with_code=True).spans()

    assert drawn(session) == (
        "session",
        "main",
        [
            (
                "turn",
                "turn 1",
                [
                    ("model_call", "scripted-model", []),
                    ("code_execution", "code", [("code_node", "weather", [("tool_call", "weather", [])])]),
                    ("model_call", "scripted-model", []),
                    ("code_execution", "code", [("code_node", "if", []), ("code_node", "result", [])]),
                ],
            )
        ],
    )


def test_a_block_and_its_execution_are_one_span() -> None:
    """The block is known from the first file, its steps from the second; alone each is a span as well."""
    both = golden("v2_rlm_two_steps", with_code=True)
    blocks, steps = golden("v2_rlm_two_steps"), golden("v2_rlm_two_steps.lashlang")
    spans = [[span for span in walked(trace) if span.kind == "code_execution"] for trace in (both, blocks, steps)]

    assert [len(found) for found in spans] == [2, 2, 2]
    assert [span.id for span in spans[0]] == [span.id for span in spans[2]]
    assert [span.row for span in spans[0]] == [span.row for span in spans[1]]
    assert [(span.began_ns, span.over_ns) for span in spans[0]] == [(span.began_ns, span.over_ns) for span in spans[1]]


def test_code_that_does_not_parse_is_not_executed() -> None:
    """Of two blocks in a round the one that began last before the execution is the one that is executed."""
    code: dict[str, Any] = {"plugin_id": "runtime"}

    def told(at: float, phase: str, **members: Any) -> dict[str, Any]:
        return record(at, "protocol_step", **code, payload={"diagnostic": {"phase": phase, "payload": members}})

    trace = read_trace(
        [
            told(1, "exec_code_started", code="?"),
            told(2, "exec_code_completed", error="no program"),
            told(3, "exec_code_started", code="1"),
            event(4, "execution_started"),
            event(5, "execution_finished", status="completed"),
            told(6, "exec_code_completed", error=None),
        ]
    )

    assert [(span.id, span.status, span.row) for span in walked(trace) if span.kind == "code_execution"] == [
        ("code:#0", "failed", 0),
        (KEY, "completed", 2),
    ]


def test_tries_stand_at_their_call() -> None:
    """A retried call has its attempts; releases before version 3 tell of none."""
    (call,) = [span for span in walked(golden("v7_provider_retry")) if span.kind == "model_call"]

    assert [(attempt.ordinal, attempt.outcome) for attempt in call.attempts] == [(1, "failed"), (2, "completed")]
    assert not any(span.attempts for span in walked(golden("v2_provider_retry")))


def test_a_process_started_twice_by_an_attempt() -> None:
    """Since version 28 an attempt is part of the key, and the step that started the process may not name it."""
    identity = {**PROCESS, "attempt": 2, "incarnation": 1}
    trace = read_trace(
        [
            node(1, "started", "a", version=28),
            event(
                2, "child_started", version=28, parent_node_id="a", occurrence=1, child={"scope": {}, "process_id": "p"}
            ),
            event(3, "execution_started", version=28, identity=identity),
        ]
    )
    process = next(span for span in walked(trace) if span.label == "work")

    assert (process.id, process.parent_id) == ("process:p:incarnation:1:attempt:2", "a:1")


def test_calls_of_version_36_know_their_step() -> None:
    """The step names the call, or the call the step."""
    by_step = read_trace([node(1, "started", "a", version=36, call_id="x"), tool_start(2, "x")])
    by_call = read_trace([node(1, "started", "a", version=36), tool_start(2, "x", issuing_node_id="a")])

    assert [span.parent_id for trace in (by_step, by_call) for span in walked(trace) if span.kind == "tool_call"] == [
        "a:1",
        "a:1",
    ]


def caused(at: float, turn: int, parent: str) -> dict[str, Any]:
    """The start of a turn that something caused."""
    return record(at, "turn_started", turn=turn, context={"parent_graph_node_id": parent})


def test_a_turn_stands_in_what_caused_it() -> None:
    """Whatever its parent is called: a call, a turn, an effect, a process, one of its events; else it is its session."""
    trace = read_trace(
        [
            record(1, "turn_started"),
            llm_start(2, "x"),
            tool_start(3, "a"),
            event(4, "execution_started", identity=PROCESS),
            *(
                caused(at, at, parent)
                for at, parent in enumerate(
                    [
                        "tool:a",
                        "turn:s:turn-1",
                        "effect:2",
                        "process:p",
                        "process:p:7",
                        "trigger:t",
                        "node:s:n",
                        "session:s",
                    ],
                    5,
                )
            ),
        ]
    )
    found = {span.row: span.parent_id for span in walked(trace) if span.kind == "turn"}

    assert [found[row] for row in range(4, 12)] == [
        "tool:a",
        "turn:s:turn-1",
        "llm:x",
        "process:p",
        "process:p",
        "session:s",
        "session:s",
        "session:s",
    ]


def test_of_calls_with_one_id_the_last_that_began_is_meant() -> None:
    """Models use ids again: what was caused later was caused by the later call."""
    trace = read_trace(
        [
            tool_start(1, "a", turn=1),
            tool_end(2, "a", "success", turn=1),
            caused(3, 7, "tool:a"),
            tool_start(4, "a", turn=2),
            caused(5, 8, "tool:a"),
        ]
    )
    rows = {child.row: span.row for span in walked(trace) for child in span.children}

    assert (rows[2], rows[4]) == (0, 3)


def test_turns_that_cause_each_other_are_cut_open() -> None:
    """A ring, or a turn that is its own cause, still gives trees with everything in them."""
    ring = [
        caused(1, 1, "turn:s:turn-3"),
        caused(2, 2, "turn:s:turn-1"),
        caused(3, 3, "turn:s:turn-2"),
        caused(4, 4, "turn:s:turn-4"),
    ]
    trace = read_trace(ring)

    assert Counter(span.label for span in walked(trace)) == {"s": 1, "turn 1": 1, "turn 2": 1, "turn 3": 1, "turn 4": 1}
    assert [root.kind for root in trace.spans()] == ["session"]


def test_a_chain_may_be_of_any_length() -> None:
    """Deeper than any recursion goes."""
    depth = 5 * sys.getrecursionlimit()
    trace = read_trace([caused(number / 1000, number, f"turn:s:turn-{number - 1}") for number in range(1, depth + 1)])
    (session,) = trace.spans()

    assert sum(1 for _ in session.walk()) == depth + 1
    assert repr(session) == "<session 's': open, 9,999 ms, 1 inside>".replace("9,999", f"{session.duration_ms:,.0f}")


def test_spans_grow_with_their_trace() -> None:
    """After more records the trees are made anew; before, they are the same ones."""
    records = [record(1, "turn_started"), llm_start(2, "x")]
    trace = read_trace(records)
    before = trace.spans()
    assert trace.spans() is before
    records.append(llm_end(3, "x"))
    trace.refresh()

    assert before[0].children[0].children[0].is_open
    assert not trace.spans()[0].children[0].children[0].is_open


CHILD: Final = {"scope": {}, "subject": PROCESS["subject"]}
MADE: Final[dict[str, Callable[[int, Any, int, str], dict[str, Any]]]] = {
    "turn": lambda at, _, turn, parent: caused(at, turn, parent),
    "turn_end": lambda at, _, turn, __: record(at, "turn_completed", turn=turn, status="completed", done_reason="r"),
    "llm": lambda at, name, _, __: llm_start(at, str(name)),
    "llm_end": lambda at, name, _, __: llm_end(at, str(name)),
    "tool": lambda at, name, turn, _: tool_start(at, name, turn=turn),
    "tool_end": lambda at, name, turn, _: tool_end(at, name, "success", turn=turn),
    "node": lambda at, _, turn, __: node(at, "started", "a", turn),
    "run": lambda at, _, __, ___: event(at, "execution_started", identity=PROCESS),
    "child": lambda at, _, turn, __: event(
        at, "child_started", parent_node_id="a", occurrence=turn, child=CHILD, identity=PROCESS
    ),
    "direct": lambda at, name, _, __: record(
        at,
        "llm_call_started",
        turn=None,
        context={"metadata": {"caused_by": {"type": "tool_call", "call_id": name}}, "llm_call_id": f"d{at}"},
        request={"model": "m"},
    ),
}
"""How each step becomes a record, given its time, a name, the number of a turn and a parent."""


STEPS: Final = st.lists(
    st.tuples(
        st.sampled_from(sorted(MADE)),
        st.sampled_from(["a", "b", f"lashlang:{KEY}:resource:tool:w:a:1", None]),
        st.integers(1, 3),
        st.sampled_from(["tool:a", "turn:s:turn-1", "turn:s:turn-2", "process:p", "effect:2", "session:s", ""]),
    ),
    max_size=25,
)


@given(STEPS)
def test_everything_stands_in_one_tree_once(steps: list[tuple[str, Any, int, str]]) -> None:
    """Whatever the records say of each other, spans are a forest of sessions that holds every turn, call and run of a step once."""
    trace = read_trace([MADE[what](at, name, turn, parent) for at, (what, name, turn, parent) in enumerate(steps)])
    spans = list(walked(trace))
    found = Counter(id(span.source) for span in spans if span.source is not None)
    runs = [run for execution in trace.executions for run in execution.runs]
    told = [*trace.turns, *trace.llm_calls, *trace.tool_calls, *trace.executions, *runs]

    assert found == Counter(id(one) for one in told)
    assert {root.kind for root in trace.spans()} <= {"session"}
    assert all(span.parent_id is None for span in trace.spans())
    assert all(child.parent_id == span.id for span in spans for child in span.children)
    assert sum(len(span.children) for span in spans) + len(trace.spans()) == len(spans)
