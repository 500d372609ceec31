"""Executions as graphs: what events make of them, in each release; those of golden data are compared with the reference's own."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.errors import CallerError
from lash_nb.trace import LashlangGraph, read_trace
from lash_nb.wire import TraceLashlangGraph, TraceProcessSubject, from_json, to_json
from tests.trace.executions import EFFECT, KEY, PROCESS, event, node
from tests.trace.golden import golden

MAP: Final[dict[str, Any]] = {
    "nodes": [
        {"id": "if", "kind": "branch", "label": "if"},
        {"id": "yes", "kind": "branch_arm", "label": "then"},
        {"id": "no", "kind": "branch_arm", "label": "else"},
        {
            "id": "behind",
            "kind": "step",
            "label": "x",
            "branch_memberships": [{"branch_node_id": "if", "arm": "else"}],
        },
    ],
    "edges": [
        {"id": "e1", "from": "if", "to": "yes", "label": "then"},
        {"id": "e2", "from": "if", "to": "no", "label": "else"},
        {"id": "e3", "from": "no", "to": "behind", "label": ""},
    ],
}


def drawn(*records: dict[str, Any], key: str = KEY) -> LashlangGraph:
    """The graph of some records."""
    return read_trace(list(records)).lashlang_graph(key)


def branch(version: int) -> LashlangGraph:
    """A branch that takes its first arm."""
    return drawn(
        event(1, "execution_started", version=version, execution_map=MAP),
        event(2, "branch_selected", version=version, node_id="if", occurrence=1, edge_id="e1", selected="then"),
    )


def test_a_graph_is_what_the_wire_calls_one() -> None:
    """A graph of a release that is followed here reads as the wire's own type from its own bytes."""
    for name in ("proc_start_await.lashlang", "rlm_tool_ok.lashlang", "sub_spawn_value.lashlang"):
        for graph in golden(name).lashlang_graphs():
            assert isinstance(graph, TraceLashlangGraph)
            assert to_json(from_json(to_json(graph), TraceLashlangGraph)) == to_json(graph)


def test_the_other_arm_is_rejected_until_version_21() -> None:
    """The taken way is selected, its arm completed, the other way rejected."""
    graph = branch(21)

    assert [(edge.id, edge.selection) for edge in graph.edges] == [
        ("e1", "selected"),
        ("e2", "rejected"),
        ("e3", "unknown"),
    ]
    assert {one.id: one.status for one in graph.nodes} == {
        "behind": "unobserved",
        "if": "completed",
        "no": "unobserved",
        "yes": "completed",
    }
    assert {one.arm for one in graph.nodes} == {None}


def test_no_way_is_rejected_since_version_22() -> None:
    """The branch keeps the arm instead; since version 31 a step behind the other arm is skipped."""
    later, latest = branch(22), branch(31)

    assert {edge.selection for edge in later.edges} == {"selected", "unknown"}
    assert {one.id: one.arm for one in later.nodes} == {"behind": None, "if": "then", "no": None, "yes": None}
    assert {one.id: one.status for one in latest.nodes}["behind"] == "skipped"


def test_a_step_that_runs_again_keeps_its_first_start() -> None:
    """Its duration grows from the first start to the last end, in whole milliseconds."""
    (step,) = drawn(
        node(1, "started", "a"),
        node(1.5, "completed", "a"),
        node(2, "started", "a", 2),
        node(2.0019, "failed", "a", 2, error="no"),
    ).nodes

    assert (step.status, step.duration_ms, step.latest_error, step.occurrence) == ("failed", 1001, "no", 2)


def test_what_has_ended_does_not_run_again_since_version_31() -> None:
    """Waiting and resumed are states of a step; an end is final for its occurrence, not for the next."""
    told = [
        node(1, "started", "a", version=31),
        node(2, "waiting", "a", version=31, awaited={"type": "sleep"}),
        node(3, "cancelled", "a", version=31),
        node(4, "resumed", "a", version=31, resolution="timed_out"),
    ]

    assert [drawn(*told[:count]).nodes[0].status for count in (1, 2, 3, 4)] == [
        "running",
        "waiting",
        "cancelled",
        "cancelled",
    ]
    assert drawn(*told, node(5, "started", "a", 2, version=31)).nodes[0].status == "running"


def test_without_a_map_each_run_is_a_step() -> None:
    """Version 36 tells neither map nor kind: a step is known by its id, site and occurrence."""
    graph = drawn(
        event(1, "execution_started", version=36),
        node(2, "started", "a", 2, version=36, context={"site_path": [1], "loops": []}),
        node(3, "completed", "a", 2, version=36, context={"site_path": [1], "loops": []}),
        node(4, "started", "a", 10, version=36),
        event(5, "branch_selected", version=36, node_id="if", occurrence=1, selected="else"),
    )

    assert [(one.id, one.occurrence, one.site_path, one.status, one.arm) for one in graph.nodes] == [
        ("a", 10, None, "running", None),
        ("a", 2, [1], "completed", None),
        ("if", 1, None, "completed", "else"),
    ]


def test_processes_of_the_oldest_release_that_told_of_them() -> None:
    """Alpha.19 and 20 call events and members otherwise; the graph has the same parts."""
    (graph,) = golden("v2_alpha20_types").lashlang_graphs()

    assert (graph.graph_key, graph.entry_kind, graph.entry_name, graph.status) == (
        "process:p1",
        "process",
        "lookup",
        "completed",
    )
    assert graph.subject == TraceProcessSubject(process_id="p1")
    assert [edge.selection for edge in graph.edges] == ["unknown", "rejected", "selected"]


@pytest.mark.parametrize(
    "name", ["v2_alpha20_types", "v2_types", "v7_types", "v8_to_v24_byhand", "v25_to_v35_byhand", "v36_byhand"]
)
def test_a_key_is_the_one_in_the_key_of_the_event(name: str) -> None:
    """Whatever release made it, the key of an execution stands in the keys of its events."""
    trace = golden(name)
    keys = {key.removeprefix("process:") for key in (graph.graph_key for graph in trace.lashlang_graphs())}
    told = [body["event"]["event_key"] for body in trace if body["type"].endswith(("_execution", "_tracking"))]

    assert told
    assert all(any(key in event_key for key in keys) for event_key in told)


def test_an_unknown_key_is_an_error_that_helps() -> None:
    """The message names the executions that there are, or says where they would be."""
    with pytest.raises(CallerError, match="effect:s:turn-1:3"):
        read_trace([node(1, "started", "a")]).lashlang_graph("x")
    with pytest.raises(CallerError, match=r"lashlang\.jsonl"):
        read_trace([]).lashlang_graph("x")


def test_a_hostile_event_breaks_nothing() -> None:
    """Whatever stands where something else should, there is a graph, or the record is left out of it."""
    wrong: list[Any] = [None, 7, "x", [], [1], {}, {"a": []}, True]
    records = [
        event(1, kind, **{name: value})
        for kind in (
            "execution_started",
            "node_started",
            "branch_selected",
            "child_started",
            "execution_finished",
            "new",
        )
        for name in (
            "identity",
            "execution_map",
            "node_id",
            "occurrence",
            "label",
            "child",
            "status",
            "error",
            "event_key",
        )
        for value in wrong
    ]
    trace = read_trace(records)

    assert to_json(trace.lashlang_graphs())
    assert sum(1 for root in trace.spans() for _ in root.walk())


def test_a_graph_with_any_number_can_be_written() -> None:
    """A number of more than 64 bits is a float, as the reference reads it; what no float holds stays readable as text."""
    scope = {"session_id": "s", "turn_id": "turn-1", "turn_index": 2**70}
    subject = {"type": "later", "sizes": [2**64 - 1, -(2**63), 2**64, True, 10**400]}
    lines = [
        to_json(event(1, "execution_started", identity={**EFFECT, "scope": {}, "subject": {}}))
        .replace(b'"scope":{}', b'"scope":' + json.dumps(scope).encode())
        .replace(b'"subject":{}', b'"subject":' + json.dumps(subject).encode().replace(b"true", b"1e999")),
        to_json(node(2, "started", "a", version=36, context={"site_path": [0]})).replace(
            b"[0]", b"[-1e999,%d]" % 2**64
        ),
    ]
    scopes, sites = set(), []
    for graph in read_trace(lines).lashlang_graphs():
        again = from_json(to_json(graph))
        scopes.add(again["scope"]["turn_index"])
        sites += [again["subject"].get("sizes"), *(one.get("site_path") for one in again["nodes"])]

    assert scopes == {2.0**70, 1}
    assert sites == [[2**64 - 1, -(2**63), 2.0**64, "inf", str(10**400)], None, ["-inf", 2.0**64]]


EVENTS: Final = st.lists(
    st.one_of(
        st.builds(lambda at: event(at, "execution_started", execution_map=MAP), st.integers(0, 59)),
        st.builds(
            lambda at, status: event(at, "execution_finished", status=status),
            st.integers(0, 59),
            st.sampled_from(["completed", "failed"]),
        ),
        st.builds(
            node,
            st.integers(0, 59),
            st.sampled_from(["started", "completed", "failed"]),
            st.sampled_from(["behind", "new"]),
            st.integers(1, 3),
        ),
        st.builds(
            lambda at, edge: event(at, "branch_selected", node_id="if", occurrence=1, edge_id=edge, selected="then"),
            st.integers(0, 59),
            st.sampled_from(["e1", "e2"]),
        ),
        st.builds(
            lambda at, which: event(
                at,
                "child_started",
                parent_node_id="behind",
                occurrence=1,
                child={"scope": {}, "subject": which["subject"]},
            ),
            st.integers(0, 59),
            st.sampled_from([PROCESS, EFFECT]),
        ),
    ),
    max_size=12,
)


@given(EVENTS, st.data())
def test_a_repeated_event_changes_nothing(records: list[dict[str, Any]], data: st.DataObject) -> None:
    """Records of a replay repeat those of the first run: wherever they stand, the graphs are the same."""
    repeated = list(records)
    for number in data.draw(st.lists(st.integers(0, max(len(records) - 1, 0)), max_size=5)) if records else ():
        again = records[number]
        after = next(place for place, one in enumerate(repeated) if one is again)
        repeated.insert(
            data.draw(st.integers(after + 1, len(repeated))), {**again, "timestamp": "2026-11-21T16:00:00Z"}
        )

    assert read_trace(repeated).lashlang_graphs() == read_trace(records).lashlang_graphs()
    assert [one.runs for one in read_trace(repeated).executions] != [] or not records
