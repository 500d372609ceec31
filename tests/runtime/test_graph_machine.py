"""The live graph against a model of a few lines: whatever is done in whatever order, both say the same."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lash_nb.runtime._graph import ResidentGraph
from lash_nb.wire import Message, Part, PluginOrigin, ProtocolEvent, ResumeSafety, SessionGraph, SessionNodeRecord

FRAMES: Final = ("f1", "f2", "f3")
"""Only the first reads nodes without a frame."""


@dataclass
class Plain:
    """A node as the model has it."""

    parent: str | None
    """The node before."""
    frame: str | None
    """Whose it is."""
    message: Message | None
    """What it says."""


@dataclass
class Model:
    """A graph that is read from scratch each time.

    Attributes:
        nodes: In storage order.
        leaf: Where it stands.
        frame: In which frame it is read.
        stored: What the last commit stored: the nodes' ids, and the leaf.
    """

    nodes: dict[str, Plain] = field(default_factory=dict)
    leaf: str | None = None
    frame: str = FRAMES[0]
    stored: tuple[tuple[str, ...], str | None] = ((), None)

    def path(self) -> list[str]:
        """The way to the leaf."""
        way: list[str] = []
        at = self.leaf
        while at in self.nodes and at not in way:
            way.append(at)
            at = self.nodes[at].parent
        return way[::-1]

    def messages(self) -> list[Message]:
        """What the frame reads."""
        read: dict[str, Message] = {}
        for name in self.path():
            node = self.nodes[name]
            mine = node.frame == self.frame or (node.frame is None and self.frame == FRAMES[0])
            if mine and node.message and not node.message.is_transient:
                read.setdefault(node.message.id, node.message)
        return list(read.values())

    def append(self, name: str, message: Message | None) -> None:
        """Go on."""
        self.nodes[name] = Plain(self.leaf, self.frame, message)
        self.leaf = name

    def heal(self) -> None:
        """Stand at the last message when the leaf is nowhere."""
        if self.leaf is not None and self.leaf not in self.nodes:
            self.leaf = next((name for name, node in reversed(self.nodes.items()) if node.message), None)

    def free(self, message: Message) -> str:
        """The id under which a message is stored."""
        names = (message.id, f"message:{message.id}", *(f"message:{message.id}:{n}" for n in range(2, 99)))
        return next(name for name in names if name not in self.nodes)

    def replace(self, target: list[Message]) -> None:
        """Make the whole path read as the target."""
        wanted = [message for message in target if not message.is_transient]
        kept, leaf, seen = 0, None, set[str]()
        for name in self.path():
            message = self.nodes[name].message
            if message is not None:
                if message.is_transient or message.id in seen:
                    continue
                if kept == len(wanted) or wanted[kept].id != message.id:
                    break
                seen.add(message.id)
                kept += 1
            leaf = name
        self.leaf = leaf
        for message in wanted[kept:]:
            self.append(self.free(message), message)


def message(number: int, *, transient: bool = False) -> Message:
    """A message; the same number gives an equal one."""
    name = f"m{number}"
    part = Part(id=f"{name}.p0", kind="Text", content=name, prune_state="Intact")
    origin = PluginOrigin(plugin_id="p", transient=True) if transient else None
    return Message(id=name, role="User", parts=(part,), origin=origin)


messages = st.builds(message, st.integers(0, 12), transient=st.booleans())
histories = st.lists(st.builds(message, st.integers(0, 12)), max_size=5, unique_by=lambda one: one.id)


class GraphMachine(RuleBasedStateMachine):
    """Does everything to both."""

    def __init__(self) -> None:
        super().__init__()
        self.graph = ResidentGraph(SessionGraph(), lambda: "now")
        self.model = Model()
        self.notes = 0
        self.readers: list[tuple[Callable[[], SessionGraph], SessionGraph]] = []
        self.graph.select_frame(FRAMES[0], include_unscoped=True)

    @rule(said=messages)
    def append_message(self, said: Message) -> None:
        """Append a message."""
        name = self.model.free(said)
        assert self.graph.append_message(said) == name
        self.model.append(name, said)

    @rule()
    def append_note(self) -> None:
        """Append a note of a protocol, or what a plugin wants kept."""
        self.notes += 1
        name = f"note{self.notes}"
        if self.notes % 2:
            self.graph.append_protocol_event(ProtocolEvent(plugin_id="p", payload={}), name)
        else:
            self.graph.append_plugin("p", {}, name)
        self.model.append(name, None)

    @rule(frame=st.sampled_from(FRAMES))
    def select_frame(self, frame: str) -> None:
        """Read and append in another frame."""
        self.graph.select_frame(frame, include_unscoped=frame == FRAMES[0])
        self.model.frame = frame

    @rule(number=st.integers(0, 40), nowhere=st.booleans())
    def branch(self, number: int, nowhere: bool) -> None:
        """Stand at some node, before the first, or at one that does not exist, which is healed."""
        names = [*self.model.nodes, None]
        self.model.leaf = "nowhere" if nowhere else names[number % len(names)]
        self.graph.branch_to(self.model.leaf)
        self.model.heal()

    @rule(kept=histories)
    def rewrite(self, kept: list[Message]) -> None:
        """Rewrite the history."""
        self.graph.replace_read_state(kept)
        self.model.replace(kept)

    @rule(more=histories)
    def project_more(self, more: list[Message]) -> None:
        """Let a turn say more."""
        before = self.model.messages()
        known = {one.id for one in before}
        fresh = [one for one in more if one.id not in known]
        self.graph.project((*before, *fresh))
        for one in fresh:
            self.model.append(self.model.free(one), one)

    @rule()
    def commit(self) -> None:
        """Store everything; the delta holds what is new, in order."""
        delta = self.graph.delta()
        new = [name for name in self.model.nodes if name not in self.model.stored[0]]
        assert [node.node_id for node in delta.nodes] == new
        assert delta.variant.leaf_node_id == self.model.leaf
        self.graph.mark_committed()
        self.model.stored = (tuple(self.model.nodes), self.model.leaf)

    @rule(said=st.lists(messages, max_size=3), commits=st.booleans())
    def give_up(self, said: list[Message], commits: bool) -> None:
        """Begin something and take it back; what was committed on the way stays, and nothing before it is lost."""
        undo = self.graph.undo_point()
        before = (dict(self.model.nodes), self.model.leaf)
        for one in said:
            self.append_message(one)
        if commits:
            self.commit()
            before = (dict(self.model.nodes), self.model.leaf)
            self.append_note()
        undo()
        self.model.nodes, self.model.leaf = before

    @rule(commits=st.booleans())
    def trim(self, commits: bool) -> None:
        """Keep the path and what is not stored, unless the leaf's move is not stored."""
        if commits:
            self.commit()
        self.graph.trim()
        names, leaf = self.model.stored
        if leaf == self.model.leaf:
            kept = [name for name in self.model.path() if name in names]
            fresh = [name for name in self.model.nodes if name not in names]
            self.model.nodes = {name: self.model.nodes[name] for name in (*kept, *fresh)}
            self.model.stored = (tuple(kept), leaf)

    @rule()
    def overtaken(self) -> None:
        """Go on from what somebody else stored meanwhile; what is not stored here stays, and so does a leaf that was moved here."""
        names, leaf = self.model.stored
        other = f"other{len(names)}"
        theirs = SessionNodeRecord(
            node_id=other, parent_node_id=leaf, timestamp="then", kind="plugin", plugin_type="p", body={}
        )
        nodes = (*self.graph.snapshot().nodes[: len(names)], theirs)
        fresh = ResidentGraph(SessionGraph(nodes=nodes, leaf_node_id=other), lambda: "now")
        fresh.select_frame(self.model.frame, include_unscoped=self.model.frame == FRAMES[0])
        if not self.graph.is_committed:
            fresh.adopt_pending(self.graph)
        else:
            self.model.leaf = other
        pending = {name: node for name, node in self.model.nodes.items() if name not in names}
        known = {name: self.model.nodes[name] for name in names}
        self.model.nodes = {**known, other: Plain(leaf, None, None), **pending}
        self.model.stored = ((*names, other), other)
        self.graph = fresh

    @rule()
    def look(self) -> None:
        """Take readers of this moment, and compare them with what they say at the end."""
        self.readers.append((self.graph.reader(), self.graph.snapshot()))

    @rule()
    def fork(self) -> None:
        """Go on with a fork; what happens to it does not show here."""
        old, told = self.graph, self.graph.snapshot()
        self.graph = old.forker()()
        old.append_message(message(99))
        assert told.nodes == old.snapshot().nodes[:-1]

    @invariant()
    def reads_the_same(self) -> None:
        """Path, messages, leaf and resume safety are those of a reading from scratch."""
        assert [node.node_id for node in self.graph.path] == self.model.path()
        assert list(self.graph.messages) == self.model.messages()
        assert self.graph.leaf_node_id == self.model.leaf
        assert self.graph.safety.is_safe == ResumeSafety().feed(self.model.messages()).is_safe

    @invariant()
    def holds_the_same(self) -> None:
        """Nodes, parents and frames are the same, each id once, and what is not stored is known."""
        nodes: tuple[SessionNodeRecord, ...] = self.graph.snapshot().nodes
        told = [(node.node_id, node.parent_node_id, node.agent_frame_id) for node in nodes]
        assert told == [(name, node.parent, node.frame) for name, node in self.model.nodes.items()]
        assert self.graph.is_committed == (self.model.stored == (tuple(self.model.nodes), self.model.leaf))

    def teardown(self) -> None:
        """Old readers still tell what was."""
        for reader, told in self.readers:
            assert reader() == told


GraphMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestGraphMachine = GraphMachine.TestCase
