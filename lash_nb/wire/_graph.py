"""The session graph as it is stored (lash 0.1.0-alpha.37, sessions §3)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final, Literal, TypeAlias

from msgspec import UNSET, UnsetType, field
from msgspec.structs import force_setattr

from lash_nb.wire._base import External, Json, Wire, no_items, none
from lash_nb.wire._invocation import CausalRef
from lash_nb.wire._message import Message
from lash_nb.words import counted

__all__ = [
    "AppendGraph",
    "ConversationRecord",
    "EventNodePayload",
    "GraphCommitDelta",
    "PluginNodePayload",
    "ProtocolEvent",
    "SessionEventRecord",
    "SessionGraph",
    "SessionNodePayload",
    "SessionNodeRecord",
    "UnchangedGraph",
    "active_path",
    "conversation_messages",
]


class ProtocolEvent(Wire, frozen=True, kw_only=True):
    """Something a protocol wants to keep."""

    freely_read: ClassVar[bool] = True

    plugin_id: str
    """The protocol's plugin."""
    payload: Json
    """Its own object."""


ConversationRecord: TypeAlias = Message
"""What a message is in the graph: the same record."""


class SessionEventRecord(External, frozen=True, kw_only=True):
    """What happened in a session: something was said, or the protocol noted something."""

    Conversation: ConversationRecord | None = None
    """A message."""
    Protocol: ProtocolEvent | None = None
    """A note of the protocol."""

    def __post_init__(self) -> None:
        if (self.Conversation is None) is (
            self.Protocol is None
        ):  # the same rule, for what is read by the hundred thousand
            super().__post_init__()


class EventNodePayload(Wire, frozen=True, kw_only=True, tag_field="kind", tag="event"):
    """A node that carries an event."""

    event: SessionEventRecord
    """The event."""


class PluginNodePayload(Wire, frozen=True, kw_only=True, tag_field="kind", tag="plugin"):
    """A node that carries an object of a plugin."""

    plugin_type: str
    """The plugin's own type."""
    body: Json
    """The plugin's own object."""


SessionNodePayload: TypeAlias = EventNodePayload | PluginNodePayload
"""What a node carries."""


class SessionNodeRecord(Wire, frozen=True, kw_only=True):
    """One node of the graph."""

    wholly_read: ClassVar[bool] = True

    node_id: str
    """Unique in the graph; a message's node has the message's id."""
    parent_node_id: str | None = None
    """The node before; None at a root."""
    caused_by: CausalRef | None = None
    """What led to it."""
    agent_frame_id: str | None = None
    """The agent frame that owns it."""
    timestamp: str
    """When it was made, RFC 3339."""
    kind: Literal["event", "plugin"]
    """What the payload is."""
    event: SessionEventRecord | None = None
    """The event, for kind `event`."""
    plugin_type: str | None = None
    """The plugin's own type, for kind `plugin`."""
    body: Json | UnsetType = UNSET
    """The plugin's own object, for kind `plugin`."""

    def __post_init__(self) -> None:
        if self.event is not None and self.kind == "event" and self.plugin_type is None and self.body is UNSET:
            return  # most nodes are, and a session has hundreds of thousands
        for kind, fields in _PAYLOAD.items():
            for name, absent in fields:
                given = getattr(self, name) is not absent
                if kind == self.kind and not given:
                    message = f"a node of kind {self.kind} needs `{name}`"
                    raise ValueError(message)
                if kind != self.kind and given:
                    force_setattr(self, name, absent)  # the reference leaves it unread

    @classmethod
    def unread_keys(cls, document: dict[str, Any]) -> Iterable[str]:
        """Return the payload's keys of other kinds than the document's."""
        return [name for kind, fields in _PAYLOAD.items() if kind != document.get("kind") for name, _ in fields]

    @property
    def payload(self) -> SessionNodePayload:
        """What the node carries, by itself."""
        if self.event is not None:
            return EventNodePayload(event=self.event)
        return PluginNodePayload(plugin_type=self.plugin_type or "", body=self.body)

    @property
    def message(self) -> Message | None:
        """The message, when the node is one."""
        return self.event.Conversation if self.event else None


_PAYLOAD: Final = {"event": (("event", None),), "plugin": (("plugin_type", None), ("body", UNSET))}


class SessionGraph(Wire, frozen=True, kw_only=True):
    """All nodes in the order in which they were stored, and where the session stands."""

    nodes: tuple[SessionNodeRecord, ...] = field(default_factory=no_items)
    """The nodes."""
    leaf_node_id: str | None = None
    """The node that the next one is appended to."""

    def __repr__(self) -> str:
        return f"SessionGraph({counted(len(self.nodes), 'node')}, leaf_node_id={self.leaf_node_id!r})"


class UnchangedGraph(Wire, frozen=True, kw_only=True):
    """Nothing new; only the leaf may move."""

    leaf_node_id: str | None = field(default_factory=none)
    """The leaf."""


class AppendGraph(Wire, frozen=True, kw_only=True):
    """New nodes."""

    nodes: tuple[SessionNodeRecord, ...]
    """The nodes."""
    leaf_node_id: str | None = field(default_factory=none)
    """The leaf."""


class GraphCommitDelta(External, frozen=True, kw_only=True):
    """What a commit does to the stored graph."""

    Unchanged: UnchangedGraph | None = None
    """Only the leaf moves."""
    Append: AppendGraph | None = None
    """Nodes are added."""
    ReplaceFull: SessionGraph | None = None
    """The whole graph is written anew."""

    @property
    def nodes(self) -> tuple[SessionNodeRecord, ...]:
        """The nodes that it brings; of a graph that is written anew, all of them."""
        graph = self.Append or self.ReplaceFull
        return graph.nodes if graph else ()

    @property
    def leaf_node_id(self) -> str | None:
        """The leaf from now on."""
        graph: UnchangedGraph | AppendGraph | SessionGraph = self.Append or self.Unchanged or self.variant
        return graph.leaf_node_id


def active_path(nodes: Mapping[str, SessionNodeRecord], leaf_node_id: str | None) -> list[SessionNodeRecord]:
    """Return the nodes from the root to the leaf.

    A parent that is not there ends the path; a cycle ends it too, instead of running for ever.
    """
    path = list(_ancestry(nodes, leaf_node_id))
    path.reverse()
    return path


def conversation_messages(path: Iterable[SessionNodeRecord]) -> list[Message]:
    """Return the messages on a path: not the transient ones, each id once."""
    seen: set[str] = set()
    messages = []
    for node in path:
        message = node.message
        if message is not None and not message.is_transient and message.id not in seen:
            seen.add(message.id)
            messages.append(message)
    return messages


def _ancestry(nodes: Mapping[str, SessionNodeRecord], node_id: str | None) -> Iterator[SessionNodeRecord]:
    seen: set[str] = set()
    while node_id is not None and node_id in nodes and node_id not in seen:
        seen.add(node_id)
        yield nodes[node_id]
        node_id = nodes[node_id].parent_node_id
