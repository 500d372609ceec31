"""The session graph by turns: rows, folds, lanes as text and SVG, and what the page asks for."""

import asyncio
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import lash_nb
from lash_nb.clock import ManualClock
from lash_nb.providers import reply
from lash_nb.trace import MemoryTraceSink, read_trace
from lash_nb.views import SessionGraphView, session_graph_html, session_graph_text, static_svg, text
from lash_nb.views._graph_rows import graph_rows
from lash_nb.views._graph_turns import cut_turns
from lash_nb.wire import LlmRequest, LlmResponse, SessionGraph, from_builtins, to_json
from tests.conftest import NOTEBOOKS
from tests.runtime.desk import builder, settle
from tests.views import samples
from tests.work import lines_run


def test_the_graph_as_text_shows_what_stands_out() -> None:
    """Tips, forks and branches are there, what is between them is folded with its failures counted."""
    assert text(SessionGraphView(samples.station_graph(), title="main")).splitlines() == [
        "SessionGraph  main · 72 nodes · 18 turns · 2 branches",
        "@      18  A quick reading?                                              current",
        ":          9–17, 9 turns",
        "| o     8  Question 8?",
        "| :        4–7, 4 turns, 1 with a failed tool",
        "| o     3  Question 3?",
        "|/",
        "o       2  Question 2?",
        "o       1  Question 1?",
        "@ current leaf   x cancelled   ! failed   : folded   next: %lash graph",
    ]


def test_a_picture_that_a_tool_gave_begins_no_turn() -> None:
    """A folder that lash wrote has a tool's picture in a message of its own: the graph has as many turns as the session."""
    stored = lash_nb.open_store(NOTEBOOKS / "data" / "lash_store")["main"]

    assert stored.row.turns == 5
    assert "16 nodes · 5 turns · 1 branch" in text(SessionGraphView(stored.graph))


def test_rows_carry_numbers_and_tokens_of_the_trace() -> None:
    """Where the trace is given, a row has the turn's own number, duration and tokens."""
    first = samples.node("q1", None, "User", ("Text", "Good morning."))
    first["timestamp"] = "2026-11-21T15:07:45.288925864+00:00"
    view = SessionGraphView(
        from_builtins({"nodes": [first], "leaf_node_id": "q1"}, SessionGraph), turns=samples.station_trace()
    )

    assert (view.columns["number"], view.columns["took"], view.columns["tokens"]) == ([1], ["159 ms"], ["446 tok"])


def test_turns_that_follow_at_once_are_told_apart() -> None:
    """A turn of a millisecond and the next have their own numbers: the node's own turn comes before one that begins soon."""
    times = ["15:00:00.000", "15:00:00.001", "15:00:00.002", "15:00:00.003"]
    context = [{"session_id": "s", "turn_id": f"t{turn}", "turn_index": turn} for turn in (1, 1, 2, 2)]
    kinds = [{"type": "turn_started"}, {"type": "turn_completed", "status": "completed"}] * 2
    trace = read_trace(
        [
            {"schema_version": 2, "id": str(place), "timestamp": f"2026-11-21T{time}Z", "context": of, **kind}
            for place, (time, of, kind) in enumerate(zip(times, context, kinds, strict=True))
        ]
    )
    nodes = [
        samples.node("q1", None, "User", ("Text", "First?")),
        samples.node("q2", "q1", "User", ("Text", "Second?")),
    ]
    nodes[0]["timestamp"], nodes[1]["timestamp"] = "2026-11-21T15:00:00.000500Z", "2026-11-21T15:00:00.002500Z"
    view = SessionGraphView(from_builtins({"nodes": nodes, "leaf_node_id": "q2"}, SessionGraph), turns=trace)

    assert view.columns["number"] == [2, 1]


def test_runs_of_quiet_turns_fold_and_failures_never_do() -> None:
    """Five quiet turns and more are one pill; the neighbours of what stands out stay."""
    view = SessionGraphView(samples.station_graph())
    folded = {row for first, last, *_ in view.columns["folds"] for row in range(first, last + 1)}

    assert view.columns["folds"] == [[2, 8, "10–16, 7 turns", "7 tools", "", ""]]
    assert not folded & {int(row) for row in view.columns["marks"]}
    assert view.columns["current"] == 0


def test_a_selected_turn_is_shown_in_full() -> None:
    """Selecting a row gives its facts and messages; a row that is not there changes nothing."""
    view = SessionGraphView(samples.station_graph())
    failed = int(next(iter(view.columns["marks"])))
    view.select(failed)
    view.select(9_999)

    assert (view.chosen, view.selection) == (failed, "node q5")
    assert view.detail["text"] == "And Perth?"
    assert ("tools", "1, 1 tool failed", "") in view.detail["facts"]
    assert view.detail["messages"][1] == {"role": "assistant", "text": "Let me look."}


def test_a_turn_without_an_answer_is_not_told_as_a_failed_tool() -> None:
    """A model that failed is no tool: the turn is said to have failed, alone and among folded ones."""
    graph = samples.graph_of([(number, number - 1 or None, "?") for number in range(1, 12)], leaf=11)
    starts = [node.timestamp for node in graph.nodes if node.node_id.startswith("q")]
    trace = read_trace(
        [
            {"schema_version": 2, "id": f"{turn}{kind}", "timestamp": time, "context": context, "type": kind, **more}
            for turn, time in enumerate(starts, 1)
            for context in [{"session_id": "s", "turn_id": f"t{turn}", "turn_index": turn}]
            for kind, more in (
                ("turn_started", {}),
                ("turn_completed", {"status": "failed" if turn in (1, 4) else "completed"}),
            )
        ]
    )
    lines = session_graph_text(graph, turns=trace).splitlines()

    assert [line.rstrip()[-30:].strip() for line in lines[1:4]] == ["current", "2–10, 9 turns, 1 failed", "failed"]


def test_a_turn_that_waits_has_not_failed() -> None:
    """A turn without an end in the trace is marked as running; the same turn, once it has ended, as a success."""
    lines = (samples.DATA / "station.trace.jsonl").read_bytes().splitlines(keepends=True)
    first = samples.node("q1", None, "User", ("Text", "Good morning."))
    first["timestamp"] = "2026-11-21T15:07:45.288925864+00:00"
    graph = from_builtins({"nodes": [first], "leaf_node_id": "q1"}, SessionGraph)
    marks = []
    for trace in (read_trace(b"".join(lines[:4])), read_trace(b"".join(lines[:5]))):
        view = SessionGraphView(graph, turns=trace)
        view.select(0)
        marks.append((view.detail["mark"], view.detail["status"]))

    assert marks == [("running", "open"), ("success", "completed")]


def test_the_page_asks_for_nodes_and_searches(sent: list[dict[str, Any]]) -> None:
    """Opening a row brings its nodes, newest first; a search looks into every message."""
    view = SessionGraphView(samples.station_graph())
    view.comm.receive({"do": "open", "row": 0})
    view.comm.receive({"do": "find", "words": "PERTH"})
    view.comm.receive({"do": "nothing like this"})

    assert [node["text"] for node in view.opened["0"]][:2] == ["Answer 18.", "station_reading → temp_c 10.6"]
    assert view.found == {"words": "PERTH", "rows": [13], "cut": False}
    assert sent


def test_an_orphan_is_counted_and_drawn_apart() -> None:
    """A turn whose parent is not stored hangs on nothing: it is said, and the text leaves it out aloud."""
    nodes = [samples.node("q1", None, "User", ("Text", "Hello")), samples.node("q9", "gone", "User", ("Text", "Lost"))]
    view = SessionGraphView(from_builtins({"nodes": nodes, "leaf_node_id": "q1"}, SessionGraph))

    assert view.columns["orphans"] == [0]
    assert "1 orphan" in view.counts
    assert "1 orphan not drawn" in text(view)


def test_a_circle_and_a_duplicate_do_not_hang() -> None:
    """A damaged graph is drawn all the same."""
    nodes = [
        samples.node("a", "b", "User", ("Text", "x")),
        samples.node("b", "a", "User", ("Text", "y")),
        samples.node("b", None, "User", ("Text", "z")),
    ]

    assert text(SessionGraphView(from_builtins({"nodes": nodes, "leaf_node_id": "a"}, SessionGraph)))


@given(
    st.lists(st.integers(-1, 30), max_size=30), st.integers(0, 30), st.lists(st.booleans(), min_size=31, max_size=31)
)
def test_a_graph_that_has_grown_is_drawn_as_a_new_one(parents: list[int], known: int, asks: list[bool]) -> None:
    """Whatever was drawn before, and whether what follows begins a turn or goes on with an old one."""
    nodes = [
        samples.node(
            f"n{place}",
            f"n{parent}" if parent >= 0 else None,
            *(("User", ("Text", "?")) if ask else ("Assistant", ("Prose", "!"))),
        )
        for place, (parent, ask) in enumerate(zip(parents, asks, strict=False))
    ]
    grown, other = (from_builtins({"nodes": nodes, "leaf_node_id": "n3"}, SessionGraph) for _ in range(2))
    graph_rows(SessionGraph(nodes=grown.nodes[:known], leaf_node_id="n2"))

    assert graph_rows(grown) == graph_rows(other)


async def test_turns_of_sessions_that_run_at_the_same_time_are_told_apart() -> None:
    """Whose records are in one trace: by time alone a node could be of any of them."""
    clock, gates = ManualClock(), [asyncio.Event() for _ in range(2)]

    async def model(request: LlmRequest) -> LlmResponse:
        await gates[str(request.messages[-1]).count("second")].wait()
        return reply("Yes?")

    sink = MemoryTraceSink()
    core = builder(model, clock=clock).trace_sink(sink).build()
    sessions = [await core.session(name).open() for name in ("one", "two")]
    turns = []
    for session, said in zip(sessions, ("the first", "the second"), strict=True):
        turns.append(session.start(said))
        await settle()
    for gate, turn in zip(reversed(gates), reversed(turns), strict=True):
        gate.set()
        await turn
        clock.advance(1)

    for session in sessions:
        [row] = graph_rows(session.graph, sink.trace()).rows
        assert row.turn is not None
        assert row.turn.session_id == session.session_id
    fork = sessions[0].fork_snapshot(sessions[0].graph.nodes[0].node_id, "fork")
    [row] = graph_rows(fork.session_graph, sink.trace()).rows
    assert row.turn is not None
    assert row.turn.session_id == "one"


def cut(graph: SessionGraph) -> None:
    """Cut a graph into turns."""
    with cut_turns(graph.nodes):
        pass


def test_a_graph_that_has_grown_costs_what_is_new() -> None:
    """Of a long session that is shown after each turn its finished turns are not read again, also when another one was shown meanwhile."""
    turns = [(number, number - 1 or None, f"Question {number}?") for number in range(1, 502)]
    graph = samples.graph_of(turns, leaf=501)
    before = SessionGraph(nodes=graph.nodes[:-4], leaf_node_id=graph.nodes[-5].node_id)
    first, drawn_first = lines_run(lambda: cut(before)), lines_run(lambda: session_graph_html(before))
    cut(samples.station_graph())
    cut(SessionGraph(nodes=graph.nodes[:8]))
    second, drawn_second = lines_run(lambda: cut(graph)), lines_run(lambda: session_graph_html(graph))

    assert graph_rows(graph).rows[0].text == "Question 501?"
    assert second < first / 100
    assert abs(drawn_second - drawn_first) < first / 10


def test_a_graph_that_could_not_be_cut_is_cut_anew() -> None:
    """Ctrl-C or a fault in between leaves no turn behind that is half of one."""
    graph = samples.station_graph()
    rows = len(graph_rows(graph).rows)
    with pytest.raises(AttributeError):
        graph_rows(SessionGraph(nodes=(*graph.nodes[:-9], "no node")))  # type: ignore[arg-type]  # a fault

    assert len(graph_rows(graph).rows) == rows


@given(st.lists(st.integers(-1, 30), max_size=30), st.integers(-1, 30))
def test_every_node_is_in_exactly_one_row(parents: list[int], leaf: int) -> None:
    """Whatever the shape, rows partition the nodes, and a row's parent stands below it."""
    nodes = [
        samples.node(f"n{place}", f"n{parent}" if parent >= 0 else None, "User", ("Text", f"{place}"))
        for place, parent in enumerate(parents)
    ]
    found = graph_rows(from_builtins({"nodes": nodes, "leaf_node_id": f"n{leaf}"}, SessionGraph))

    assert sorted(node.node_id for row in found.rows for node in row.nodes) == sorted(
        f"n{place}" for place in range(len(parents))
    )
    assert text(SessionGraphView(from_builtins({"nodes": nodes}, SessionGraph))).count("\n") < 40


def test_the_picture_is_well_formed_and_has_its_text_as_text() -> None:
    """The SVG parses, holds no script and no style but its colors on dark pages, and says what the rows say."""
    root = ET.fromstring(static_svg(SessionGraphView(samples.station_graph())))  # noqa: S314 - our own picture
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}

    assert tags <= {"svg", "style", "rect", "path", "circle", "text", "tspan"}
    assert "Question 8?" in "".join(root.itertext())


def test_a_large_graph_costs_what_it_holds() -> None:
    """Eight times the nodes are eight times the work, and what goes to the page stays small."""

    def graph(turns: int) -> SessionGraph:
        return samples.graph_of(
            [(number, number - 1 or None, f"Question {number}?") for number in range(1, turns + 1)], leaf=turns
        )

    small, large = graph(125), graph(1_000)
    ratio = lines_run(lambda: SessionGraphView(large)) / lines_run(lambda: SessionGraphView(small))

    assert ratio < 9
    assert len(to_json(dict(SessionGraphView(large).columns))) < 45 * len(large.nodes)


def test_agent_frames_are_named_where_they_begin() -> None:
    """In the page, in the picture and as text; a beginning is never folded away."""
    plain = samples.graph_of([(number, number - 1 or None, f"Question {number}?") for number in range(1, 31)], leaf=30)
    nodes = [replace(node, agent_frame_id="plan" if place < 60 else "review") for place, node in enumerate(plain.nodes)]
    view = SessionGraphView(SessionGraph(nodes=tuple(nodes), leaf_node_id=plain.leaf_node_id))

    assert view.columns["begins"] == {"14": "frame review", "29": "frame plan"}
    assert view.columns["frames"] == [[0, 14, "frame review"]]
    assert not any(fold[0] <= 14 <= fold[1] for fold in view.columns["folds"])
    assert "16  Question 16?                                                  frame review" in text(view)
    assert "frame review" in static_svg(view)


def test_one_agent_frame_is_not_worth_a_word() -> None:
    """Its name would stand in every graph."""
    assert SessionGraphView(samples.station_graph()).columns["begins"] == {}
