"""The session graph of an open session: what is read at once, what is appended, what is not committed yet.

Appending a message and reading the active path cost what is new, never what is there (lash 0.1.0-alpha.37, sessions §3, with the corrections
of docs/deviations.md: a parent cycle ends a path).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

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
    UnchangedGraph,
    active_path,
    conversation_messages,
)

__all__ = ["ResidentGraph"]


class ResidentGraph:
    """All resident nodes, indexed, with the active path of the current agent frame.

    Nodes are only ever added, or taken back before they are committed; a prefix of the storage order therefore stays valid for ever, and a
    snapshot of the graph is a length, not a copy.
    """

    def __init__(self, graph: SessionGraph, now: Callable[[], str]) -> None:
        self._now = now
        self._order = list(graph.nodes)
        self._nodes = {node.node_id: node for node in self._order}
        self._frame: tuple[str, bool] = ("", True)
        self.leaf_node_id = graph.leaf_node_id
        self.healed = self._heal()
        self._committed = (len(self._order), self.leaf_node_id)
        self._read()

    def _heal(self) -> bool:
        """Move a leaf that points nowhere to the last conversation node in storage order."""
        if self.leaf_node_id is None or self.leaf_node_id in self._nodes:
            return False
        self.leaf_node_id = next((node.node_id for node in reversed(self._order) if node.message), None)
        return True

    def _read(self) -> None:
        frame_id, include_unscoped = self._frame
        self._path = active_path(self._nodes, self.leaf_node_id)
        scoped = [node for node in self._path if _in_frame(node, frame_id, include_unscoped=include_unscoped)]
        self._messages = conversation_messages(scoped)
        self._message_ids = {message.id for message in self._messages}
        self._safety = ResumeSafety().feed(self._messages)

    def select_frame(self, frame_id: str, *, include_unscoped: bool) -> None:
        """Read and append in this agent frame from now on; nodes without a frame are read when `include_unscoped`."""
        if (frame_id, include_unscoped) != self._frame:
            self._frame = (frame_id, include_unscoped)
            self._read()

    @property
    def messages(self) -> Sequence[Message]:
        """The messages on the active path, in this frame; not to be changed."""
        return self._messages

    @property
    def safety(self) -> ResumeSafety:
        """Resume safety of `messages`; fork it, do not feed it."""
        return self._safety

    @property
    def path(self) -> Sequence[SessionNodeRecord]:
        """The nodes from the root to the leaf; not to be changed."""
        return self._path

    def __len__(self) -> int:
        return len(self._order)

    def append_message(self, message: Message, *, caused_by: CausalRef | None = None) -> None:
        """Append a message at the leaf, under a free node id."""
        if caused_by is None and isinstance(message.origin, ProcessOrigin):
            caused_by = CausalProcessEvent(process_id=message.origin.process_id, sequence=message.origin.sequence)
        self._append(self._free_id(message.id), caused_by, event=SessionEventRecord(Conversation=message))
        if not message.is_transient and message.id not in self._message_ids:
            self._messages.append(message)
            self._message_ids.add(message.id)
            self._safety.feed((message,))

    def append_protocol_event(self, event: ProtocolEvent, node_id: str, *, caused_by: CausalRef | None = None) -> None:
        """Append a note of the protocol at the leaf."""
        self._append(node_id, caused_by, event=SessionEventRecord(Protocol=event))

    def append_plugin(self, plugin_type: str, body: Json, node_id: str, *, caused_by: CausalRef | None = None) -> None:
        """Append a plugin's own object at the leaf."""
        self._append(node_id, caused_by, kind="plugin", plugin_type=plugin_type, body=body)

    def project(self, messages: Sequence[Message]) -> None:
        """Make the active path read as `messages`: append what is new, or branch off where they differ.

        Transient messages are left out; old nodes stay in the graph.
        """
        known = len(self._messages)
        if list(messages[:known]) == self._messages:  # compares identities, not contents, in all but odd cases
            fresh: Iterable[Message] = messages[known:]
        else:
            kept = [message for message in messages if not message.is_transient]
            if kept[:known] != self._messages:
                self._rewind(kept)
            fresh = kept[len(self._messages) :]
        for message in fresh:
            if not message.is_transient:
                self.append_message(message)

    def _rewind(self, target: Sequence[Message]) -> None:
        """Move the leaf to the last node of the path up to which it reads as `target` (sessions §3.6)."""
        cursor, leaf, seen = 0, None, set[str]()
        for node in self._path:
            message = node.message
            if message is not None:
                if message.is_transient or message.id in seen:
                    continue
                if cursor >= len(target) or message.id != target[cursor].id:
                    break
                seen.add(message.id)
                cursor += 1
            leaf = node.node_id
        self.leaf_node_id = leaf
        self._read()

    def _append(
        self, node_id: str, caused_by: CausalRef | None, kind: Literal["event", "plugin"] = "event", **payload: Any
    ) -> None:
        node = SessionNodeRecord(
            node_id=node_id,
            parent_node_id=self.leaf_node_id,
            caused_by=caused_by,
            agent_frame_id=self._frame[0] or None,
            timestamp=self._now(),
            kind=kind,
            **payload,
        )
        self._order.append(node)
        self._nodes[node_id] = node
        self._path.append(node)
        self.leaf_node_id = node_id

    def _free_id(self, message_id: str) -> str:
        candidate, count = message_id, 1
        while candidate in self._nodes:
            candidate = f"message:{message_id}" if count == 1 else f"message:{message_id}:{count}"
            count += 1
        return candidate

    def branch_to(self, node_id: str | None) -> None:
        """Stand at `node_id`: the next node is appended there, beside what follows it today."""
        self.leaf_node_id = node_id
        self._heal()
        self._read()

    def pending(self) -> Sequence[SessionNodeRecord]:
        """Return the nodes that no commit has stored yet."""
        return self._order[self._committed[0] :]

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

    def roll_back(self) -> None:
        """Take back everything since the last `mark_committed`."""
        length, self.leaf_node_id = self._committed
        for node in self._order[length:]:
            del self._nodes[node.node_id]
        self._order = self._order[:length]
        self._read()

    def snapshot(self) -> SessionGraph:
        """Return the graph as a value."""
        return self.reader()()

    def reader(self) -> Callable[[], SessionGraph]:
        """Return a function that makes the graph of this moment when it is called, however much is appended until then."""
        order, length, leaf = self._order, len(self._order), self.leaf_node_id
        return lambda: SessionGraph(nodes=tuple(order[:length]), leaf_node_id=leaf)


def _in_frame(node: SessionNodeRecord, frame_id: str, *, include_unscoped: bool) -> bool:
    if not frame_id or node.agent_frame_id == frame_id:
        return True
    return include_unscoped and node.agent_frame_id is None
