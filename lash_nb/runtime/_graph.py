"""The session graph of an open session: what is read at once, what is appended, what is not committed yet.

Appending a message and reading the active path cost what is new, never what is there (lash 0.1.0-alpha.37, sessions §3, with the corrections
of docs/deviations.md: a parent cycle ends a path).
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Literal

import msgspec

from lash_nb.runtime._path_view import WHOLE_PATH, FrameScope, PathView
from lash_nb.wire import (
    AppendGraph,
    CausalProcessEvent,
    CausalRef,
    GraphCommitDelta,
    Json,
    Message,
    ProcessOrigin,
    ProtocolEvent,
    ResumeSafety,
    SessionEventRecord,
    SessionGraph,
    SessionNodeRecord,
    SharedSequence,
    UnchangedGraph,
    common_beginning,
)

__all__ = ["ResidentGraph"]


class ResidentGraph:
    """All resident nodes, indexed, with the active path of the current agent frame, which is read when it is first asked for.

    Nodes are only ever added, or taken back before they are committed; a prefix of the storage order therefore stays valid for ever, and a
    snapshot of the graph is a length, not a copy.

    Attributes:
        leaf_node_id: Where the next node is appended; None before the first one.
        healed: Whether the leaf pointed nowhere and was moved.
    """

    def __init__(self, graph: SessionGraph, now: Callable[[], str]) -> None:
        self._now = now
        self._order = list(graph.nodes)
        self._nodes = {node.node_id: node for node in self._order}
        self._scope = WHOLE_PATH
        self._read: PathView | None = None
        self.leaf_node_id = graph.leaf_node_id
        self.healed = self._heal()
        self._committed = (len(self._order), self.leaf_node_id)

    def _heal(self) -> bool:
        """Move a leaf that points nowhere to the last conversation node in storage order."""
        if self.leaf_node_id is None or self.leaf_node_id in self._nodes:
            return False
        self.leaf_node_id = next((node.node_id for node in reversed(self._order) if node.message), None)
        return True

    @property
    def _view(self) -> PathView:
        if self._read is None:
            self._read = PathView(self._nodes, self.leaf_node_id, self._scope)
        return self._read

    def stand_at(self, node_id: str | None) -> None:
        """Stand at a resident node, or before the first one: the next node is appended there."""
        if node_id != self.leaf_node_id:
            self.leaf_node_id = node_id
            self._read = None

    def select_frame(self, frame_id: str, *, include_unscoped: bool) -> None:
        """Read and append in this agent frame from now on; nodes without a frame are read when `include_unscoped`."""
        scope = FrameScope(frame_id, include_unscoped)
        if scope != self._scope:
            self._scope = scope
            self._read = None

    @property
    def messages(self) -> SharedSequence[Message]:
        """The messages on the active path, in this frame, as they are now."""
        return self._view.messages

    @property
    def safety(self) -> ResumeSafety:
        """Resume safety of `messages`; fork it, do not feed it."""
        return self._view.safety

    @property
    def path(self) -> Sequence[SessionNodeRecord]:
        """The nodes from the root to the leaf, of all frames; not to be changed."""
        return self._view.path

    @property
    def scope(self) -> FrameScope:
        """Which nodes of the path are read."""
        return self._scope

    def __len__(self) -> int:
        return len(self._order)

    def find(self, node_id: str) -> SessionNodeRecord | None:
        """Return a resident node, on the path or not."""
        return self._nodes.get(node_id)

    def is_on_path(self, node_id: str) -> bool:
        """Tell whether a node is on the active path; costs the way from the leaf to it."""
        return any(node.node_id == node_id for node in reversed(self._view.path))

    def append_message(self, message: Message, *, caused_by: CausalRef | None = None) -> str:
        """Append a message at the leaf, under a free node id, which is returned."""
        if caused_by is None and isinstance(message.origin, ProcessOrigin):
            caused_by = CausalProcessEvent(process_id=message.origin.process_id, sequence=message.origin.sequence)
        node_id = message.id if message.id not in self._nodes else self._free_id(message.id)
        return self._append(node_id, caused_by, event=SessionEventRecord(Conversation=message))

    def append_protocol_event(self, event: ProtocolEvent, node_id: str, *, caused_by: CausalRef | None = None) -> str:
        """Append a note of the protocol at the leaf; return its node id."""
        return self._append(node_id, caused_by, event=SessionEventRecord(Protocol=event))

    def append_plugin(self, plugin_type: str, body: Json, node_id: str, *, caused_by: CausalRef | None = None) -> str:
        """Append a plugin's own object at the leaf; return its node id."""
        return self._append(node_id, caused_by, kind="plugin", plugin_type=plugin_type, body=body)

    def project(self, messages: Sequence[Message]) -> None:
        """Make the active path read as `messages`: append what is new, or branch off where they differ.

        Transient messages are left out; old nodes stay in the graph.
        """
        current = self._view.messages
        begun = common_beginning(current, messages)  # no node of the path is transient, so none of these is
        rest = [message for message in messages[begun:] if not message.is_transient]
        known = len(current) - begun
        if known and rest[:known] != list(current[begun:]):
            kept = [*messages[:begun], *rest]
            self._rewind(kept)
            rest, known = kept, len(self._view.messages)
        for message in rest[known:]:
            self.append_message(message)

    def replace_read_state(self, messages: Iterable[Message]) -> None:
        """Make the whole path, of all frames, read as `messages`: keep what it begins with, then append the others (sessions §3.6).

        What was compacted away stays in the graph, off the path.
        """
        target = [message for message in messages if not message.is_transient]
        for message in target[self._rewind(target) :]:
            self.append_message(message)

    def _rewind(self, target: Sequence[Message]) -> int:
        """Move the leaf to the last node of the path up to which it reads as `target`; return how many messages that keeps."""
        cursor, leaf, seen = 0, None, set[str]()
        for node in self._view.path:
            message = node.message
            if message is not None:
                if message.is_transient or message.id in seen:
                    continue
                if cursor >= len(target) or message.id != target[cursor].id:
                    break
                seen.add(message.id)
                cursor += 1
            leaf = node.node_id
        self.stand_at(leaf)
        return cursor

    def _append(
        self, node_id: str, caused_by: CausalRef | None, kind: Literal["event", "plugin"] = "event", **payload: Any
    ) -> str:
        node = SessionNodeRecord(
            node_id=node_id,
            parent_node_id=self.leaf_node_id,
            caused_by=caused_by,
            agent_frame_id=self._scope.frame_id or None,
            timestamp=self._now(),
            kind=kind,
            **payload,
        )
        self._order.append(node)
        self._nodes[node_id] = node
        self.leaf_node_id = node_id
        if self._read is not None:
            self._read.append(node)
        return node_id

    def _free_id(self, message_id: str) -> str:
        """Return an id for the node of a message whose own id another node has."""
        candidate, count = f"message:{message_id}", 1
        while candidate in self._nodes:
            count += 1
            candidate = f"message:{message_id}:{count}"
        return candidate

    def branch_to(self, node_id: str | None) -> None:
        """Stand at `node_id`: the next node is appended there, beside what follows it today. An unknown id means the last message stored."""
        before = self.leaf_node_id
        self.leaf_node_id = node_id
        self._heal()
        if self.leaf_node_id != before:
            self._read = None

    def pending(self) -> Sequence[SessionNodeRecord]:
        """Return the nodes that no commit has stored yet."""
        return self._order[self._committed[0] :]

    @property
    def is_committed(self) -> bool:
        """Whether nothing was appended and the leaf was not moved since the last commit."""
        return self._committed == (len(self._order), self.leaf_node_id)

    def adopt_pending(self, other: "ResidentGraph") -> int:
        """Take over what `other` holds and no commit has stored, and its leaf; return how many nodes hang under nothing here and are left out."""
        left_out = 0
        for node in other.pending():
            if node.parent_node_id is not None and node.parent_node_id not in self._nodes:
                left_out += 1
            elif node.node_id not in self._nodes:
                self._order.append(node)
                self._nodes[node.node_id] = node
        if other.leaf_node_id is None or other.leaf_node_id in self._nodes:
            self.stand_at(other.leaf_node_id)
        return left_out

    def absorb(self, nodes: Iterable[SessionNodeRecord]) -> None:
        """Take in nodes that are stored and were not resident."""
        more = [node for node in nodes if node.node_id not in self._nodes]
        count, leaf = self._committed
        self._order = [*self._order[:count], *more, *self._order[count:]]
        self._nodes.update((node.node_id, node) for node in more)
        self._committed = (count + len(more), leaf)

    def trim(self) -> None:
        """Keep only the active path, and what no commit has stored; nothing happens while the leaf's move is not stored."""
        if self.leaf_node_id != self._committed[1]:
            return
        pending = {node.node_id for node in self.pending()}
        committed = [node for node in self._view.path if node.node_id not in pending]
        self._order = [*committed, *self.pending()]
        self._nodes = {node.node_id: node for node in self._order}
        self._committed = (len(committed), self._committed[1])

    def delta(self) -> GraphCommitDelta:
        """Return what a commit has to write."""
        pending = self.pending()
        if pending:
            return GraphCommitDelta(Append=AppendGraph(nodes=tuple(pending), leaf_node_id=self.leaf_node_id))
        return GraphCommitDelta(Unchanged=UnchangedGraph(leaf_node_id=self.leaf_node_id))

    def full(self) -> GraphCommitDelta:
        """Return the whole graph as what a commit has to write."""
        return GraphCommitDelta(ReplaceFull=self.snapshot())

    def mark_committed(self) -> None:
        """Note that all nodes and the leaf are stored."""
        self._committed = (len(self._order), self.leaf_node_id)

    def undo_point(self) -> Callable[[], None]:
        """Return a function that takes back what is done since now; what is committed by then stays, and the leaf where that commit left it."""
        return _GraphUndo(self, self._committed, (len(self._order), self.leaf_node_id))

    def _take_back(self, committed: tuple[int, str | None], point: tuple[int, str | None]) -> None:
        self._cut_back(point if self._committed == committed else self._committed)

    def _cut_back(self, point: tuple[int, str | None]) -> None:
        if point == (len(self._order), self.leaf_node_id):
            return
        length, self.leaf_node_id = point
        for node in self._order[length:]:
            self._nodes.pop(node.node_id, None)  # an interrupt may have come between the one and the other
        self._order = self._order[:length]
        self._read = None

    def snapshot(self) -> SessionGraph:
        """Return the graph as a value."""
        return self.reader()()

    def reader(self) -> Callable[[], SessionGraph]:
        """Return a function that makes the graph of this moment when it is called, however much is appended until then."""
        return _GraphThen(self._order, len(self._order), self.leaf_node_id)

    def path_reader(self) -> Callable[[], tuple[Sequence[SessionNodeRecord], Sequence[Message]]]:
        """Return a function that gives the active path of this moment, and the messages on it in this frame, when it is called."""
        if self._read is not None:
            return self._read.reader()
        fork = self.forker()

        def read() -> tuple[Sequence[SessionNodeRecord], Sequence[Message]]:
            graph = fork()
            return graph.path, graph.messages

        return read

    def forker(self) -> Callable[[], "ResidentGraph"]:
        """Return a function that makes a live graph of this moment, with what is not committed, when it is called."""
        return partial(_forked, self.reader(), self._scope, self._committed, self._now)


class _GraphThen(msgspec.Struct, frozen=True, gc=False):
    """Gives the graph as it was with so many nodes and a leaf. Each turn leaves one, which the garbage collector need not look at: it holds no cycle."""

    nodes: Sequence[SessionNodeRecord]
    count: int
    leaf: str | None

    def __call__(self) -> SessionGraph:
        return SessionGraph(nodes=tuple(self.nodes[: self.count]), leaf_node_id=self.leaf)


class _GraphUndo(msgspec.Struct, frozen=True, gc=False):
    """Takes a graph back. Each turn holds one while it runs, and nothing of the graph does, so it is in no cycle."""

    graph: ResidentGraph
    committed: tuple[int, str | None]
    point: tuple[int, str | None]

    def __call__(self) -> None:
        self.graph._take_back(self.committed, self.point)  # noqa: SLF001 - the same module


def _forked(
    read: Callable[[], SessionGraph], scope: FrameScope, committed: tuple[int, str | None], now: Callable[[], str]
) -> ResidentGraph:
    made = ResidentGraph(read(), now)
    made._scope = scope  # noqa: SLF001 - the same module
    made._committed = committed  # noqa: SLF001 - as above
    return made
