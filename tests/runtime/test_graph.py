"""The graph of an open session: what it reads, what it writes, what stays as it was."""

import asyncio
from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lash_nb.clock import ManualClock, rfc3339
from lash_nb.runtime._graph import ResidentGraph
from lash_nb.stores import FullGraph, InMemorySessionStore
from lash_nb.wire import (
    CausalProcessEvent,
    GraphCommitDelta,
    Message,
    MessageOrigin,
    Part,
    PluginOrigin,
    ProcessOrigin,
    ProtocolEvent,
    ResumeSafety,
    SessionEventRecord,
    SessionGraph,
    SessionNodeRecord,
    active_path,
    conversation_messages,
)
from tests.stores.material import commit

NOW = rfc3339(0)
TRANSIENT = PluginOrigin(plugin_id="p", transient=True)


def message(message_id: str, text: str = "", *, role: Any = "User", origin: MessageOrigin | None = None) -> Message:
    """A message of one text."""
    part = Part(id=f"{message_id}.p0", kind="Text", content=text or message_id, prune_state="Intact")
    return Message(id=message_id, role=role, parts=(part,), origin=origin)


def resident(graph: SessionGraph | None = None) -> ResidentGraph:
    """A live graph whose time stands still."""
    return ResidentGraph(graph or SessionGraph(), lambda: NOW)


def stored(node_id: str, parent: str | None = None, frame: str | None = None) -> SessionNodeRecord:
    """A node as a store has it."""
    return SessionNodeRecord(
        node_id=node_id,
        parent_node_id=parent,
        agent_frame_id=frame,
        timestamp=NOW,
        kind="event",
        event=SessionEventRecord(Conversation=message(node_id)),
    )


def ids(messages: Iterable[Message]) -> list[str]:
    """Ids in order."""
    return [held.id for held in messages]


def naive_messages(graph: SessionGraph) -> list[Message]:
    """The messages on the active path, from nothing but the graph."""
    return conversation_messages(active_path({node.node_id: node for node in graph.nodes}, graph.leaf_node_id))


def test_messages_form_a_chain() -> None:
    """Each appended message hangs under the one before."""
    graph = resident()
    for name in "abc":
        graph.append_message(message(name))
    assert [(node.node_id, node.parent_node_id) for node in graph.path] == [("a", None), ("b", "a"), ("c", "b")]
    assert graph.leaf_node_id == "c"


def test_a_taken_id_gets_a_prefix_and_a_number() -> None:
    """A message whose id is a node already becomes a node of another id and is read once."""
    graph = resident()
    for _ in range(4):
        graph.append_message(message("a"))
    assert [node.node_id for node in graph.path] == ["a", "message:a", "message:a:2", "message:a:3"]
    assert ids(graph.messages) == ["a"]


def test_an_event_of_a_process_names_its_cause() -> None:
    """A message that a process injected is caused by that process's event."""
    graph = resident()
    graph.append_message(message("a", origin=ProcessOrigin(process_id="p1", event_type="tick", sequence=7)))
    assert graph.path[-1].caused_by == CausalProcessEvent(process_id="p1", sequence=7)


def test_transient_messages_are_nodes_but_not_read() -> None:
    """A transient message that is appended stands on the path and not among the messages; projecting leaves it out."""
    graph = resident()
    graph.append_message(message("a"))
    graph.append_message(message("t", origin=TRANSIENT))
    assert (len(graph.path), ids(graph.messages)) == (2, ["a"])
    graph.project((message("a"), message("t2", origin=TRANSIENT), message("b")))
    assert (len(graph.path), ids(graph.messages)) == (3, ["a", "b"])


def test_a_projection_that_differs_branches_off() -> None:
    """Where the target differs, the leaf goes back to the last common message; the old nodes stay."""
    graph = resident()
    for name in "abc":
        graph.append_message(message(name))
    graph.project((message("a"), message("x")))
    assert ids(graph.messages) == ["a", "x"]
    assert {node.node_id for node in graph.snapshot().nodes} == {"a", "b", "c", "x"}
    assert graph.path[-1].parent_node_id == "a"


def test_a_projection_keeps_the_notes_of_the_protocol() -> None:
    """Notes before the first difference stay on the path."""
    graph = resident()
    graph.append_message(message("a"))
    graph.append_protocol_event(ProtocolEvent(plugin_id="p", payload={}), "note")
    graph.append_message(message("b"))
    graph.project((message("a"), message("c")))
    assert [node.node_id for node in graph.path] == ["a", "note", "c"]


def test_a_frame_reads_its_own_nodes() -> None:
    """Only the first frame reads nodes without a frame; each frame reads its own."""
    nodes = (stored("bare"), stored("one", "bare", "f1"), stored("two", "one", "f2"))
    graph = resident(SessionGraph(nodes=nodes, leaf_node_id="two"))
    assert ids(graph.messages) == ["bare", "one", "two"]
    graph.select_frame("f1", include_unscoped=True)
    assert ids(graph.messages) == ["bare", "one"]
    graph.select_frame("f2", include_unscoped=False)
    assert ids(graph.messages) == ["two"]
    graph.append_message(message("new"))
    assert graph.path[-1].agent_frame_id == "f2"


def test_a_leaf_that_points_nowhere_moves_to_the_last_message() -> None:
    """A graph whose leaf is missing stands at its last conversation node, and says that it was healed."""
    graph = resident(SessionGraph(nodes=(stored("a"), stored("b", "a")), leaf_node_id="gone"))
    assert graph.healed
    assert (graph.leaf_node_id, ids(graph.messages)) == ("b", ["a", "b"])


def test_a_healed_graph_stays_healed_when_a_turn_is_taken_back() -> None:
    """Rolling back never moves the leaf to where it pointed before it was healed."""
    graph = resident(SessionGraph(nodes=(stored("a"), stored("b", "a")), leaf_node_id="gone"))
    undo = graph.undo_point()
    graph.append_message(message("c"))
    undo()
    assert (graph.leaf_node_id, ids(graph.messages)) == ("b", ["a", "b"])


def test_a_cycle_of_parents_ends_the_path() -> None:
    """Parents in a circle do not hang the reader."""
    graph = resident(SessionGraph(nodes=(stored("a", "b"), stored("b", "a")), leaf_node_id="b"))
    assert ids(graph.messages) == ["a", "b"]


def test_an_unchanged_graph_writes_its_leaf_only() -> None:
    """Without new nodes a commit carries the leaf."""
    graph = resident(SessionGraph(nodes=(stored("a"),), leaf_node_id="a"))
    assert graph.delta().Unchanged is not None
    assert graph.pending() == []


class CountedMessage(Message, frozen=True, kw_only=True):
    """A message that counts how often somebody looks whether it is transient: a look at each message of a session."""

    @property
    def is_transient(self) -> bool:
        """Whether it is, counted."""
        LOOKS.append(self.id)
        return super().is_transient


LOOKS: list[str] = []


def test_a_projection_looks_at_new_messages_only() -> None:
    """Projecting what continues the path costs what is new, however long the path is."""
    held = tuple(CountedMessage(id=f"m{n}", role="User", parts=()) for n in range(300))
    graph = resident()
    graph.project(held[:299])
    LOOKS.clear()
    graph.project(held)
    assert set(LOOKS) == {"m299"}


names = st.sampled_from([f"m{n}" for n in range(12)])
origins = st.one_of(st.none(), st.none(), st.just(TRANSIENT))
drafts = st.builds(lambda name, origin: message(name, origin=origin), names, origins)
operations = st.one_of(
    st.tuples(st.just("append"), drafts),
    st.tuples(st.just("note"), st.just(None)),
    st.tuples(st.just("project"), st.lists(drafts, max_size=6, unique_by=lambda held: held.id)),
    st.tuples(st.just("extend"), st.lists(drafts, max_size=3)),
    st.tuples(st.just("branch"), st.integers(0, 30)),
    st.tuples(st.just("commit"), st.just(None)),
    st.tuples(st.just("roll_back"), st.just(None)),
)


class Law:
    """Applies operations to a live graph and to a store beside it."""

    def __init__(self) -> None:
        self.graph = resident()
        self.undo = self.graph.undo_point()
        self.store = InMemorySessionStore(ManualClock())
        self.notes = 0
        self.seen: list[tuple[Any, SessionGraph]] = []

    async def apply(self, operation: str, value: Any) -> None:
        """Do one thing and check what must hold at every moment."""
        await getattr(self, operation)(value)
        now = self.graph.snapshot()
        assert list(self.graph.messages) == naive_messages(now)
        assert [node.node_id for node in self.graph.path] == [
            node.node_id for node in active_path({n.node_id: n for n in now.nodes}, now.leaf_node_id)
        ]
        assert self.graph.safety.is_safe == ResumeSafety().feed(self.graph.messages).is_safe
        assert len({node.node_id for node in now.nodes}) == len(now.nodes) == len(self.graph)
        self.seen.append((self.graph.reader(), now))

    async def append(self, draft: Message) -> None:
        """Append a message."""
        self.graph.append_message(draft)

    async def note(self, _: None) -> None:
        """Append a note of the protocol."""
        self.notes += 1
        self.graph.append_protocol_event(ProtocolEvent(plugin_id="p", payload={}), f"note{self.notes}")

    async def project(self, target: list[Message]) -> None:
        """Make the path read as `target`."""
        self.graph.project(tuple(target))
        assert ids(self.graph.messages) == [held.id for held in target if not held.is_transient]

    async def extend(self, more: list[Message]) -> None:
        """Project what is there with more behind it."""
        before = list(self.graph.messages)
        self.graph.project((*before, *more))
        assert list(self.graph.messages[: len(before)]) == before

    async def branch(self, number: int) -> None:
        """Stand at some node."""
        nodes = self.graph.snapshot().nodes
        self.graph.branch_to(nodes[number % len(nodes)].node_id if nodes else None)

    async def commit(self, _: None) -> None:
        """Write what is new into the store, which then has the same graph."""
        await self.store.commit_runtime_state(commit(self.graph.delta()))
        self.graph.mark_committed()
        self.undo = self.graph.undo_point()
        read = await self.store.load_session(FullGraph())
        assert read is not None
        assert read.graph == self.graph.snapshot()
        assert self.graph.delta() == GraphCommitDelta(Unchanged=self.graph.delta().Unchanged)

    async def roll_back(self, _: None) -> None:
        """Take back what is not in the store."""
        self.undo()
        read = await self.store.load_session(FullGraph())
        assert self.graph.snapshot() == (read.graph if read else SessionGraph())


@settings(max_examples=80)
@given(st.lists(operations, max_size=25))
def test_whatever_happens_reads_are_right_and_snapshots_stay(steps: list[tuple[str, Any]]) -> None:
    """After any operations the live graph reads as a naive reading of its snapshot; stores follow; old readers tell what was."""

    async def live() -> Law:
        law = Law()
        for operation, value in steps:
            await law.apply(operation, value)
        return law

    law = asyncio.run(live())
    for reader, snapshot in law.seen:
        assert reader() == snapshot


def test_what_hangs_under_nothing_is_left_out_and_counted() -> None:
    """Going on from a graph in which the parents of new nodes are gone tells how many are lost; the leaf is that of the other graph."""
    mine = resident(SessionGraph(nodes=(stored("a"),), leaf_node_id="a"))
    mine.append_message(message("b"))
    mine.append_message(message("c"))
    other = resident(SessionGraph(nodes=(stored("x"),), leaf_node_id="x"))
    assert other.adopt_pending(mine) == 2
    assert (other.leaf_node_id, ids(other.messages)) == ("x", ["x"])
