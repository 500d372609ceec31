"""What can be read off a whole session graph, all branches of it (lash 0.1.0-alpha.37, sessions §3.9)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import field

from lash_nb.wire._base import Wire, no_items, none
from lash_nb.wire._graph import SessionGraph, SessionNodeRecord, active_path
from lash_nb.wire._message import Message, Part

__all__ = ["SessionMessageTreeNode", "first_user_message", "message_tree", "orphaned_node_ids", "user_message_count"]


class SessionMessageTreeNode(Wire, frozen=True, kw_only=True):
    """A message among all branches of a session."""

    node_id: str
    """Its node."""
    parent_message_node_id: str | None = field(default_factory=none)
    """The node of the message before it; None at a root."""
    message: Message
    """The message."""
    timestamp: str
    """When its node was made, RFC 3339."""
    children: tuple["SessionMessageTreeNode", ...] = field(default_factory=no_items)
    """What follows it, oldest first."""
    active: bool
    """Whether a message on the active path has the node's id; a node that had to be renamed shows as inactive, as in the reference."""


_Said: TypeAlias = tuple[SessionNodeRecord, Message]
_Below: TypeAlias = Mapping[str | None, Sequence[_Said]]


def message_tree(graph: SessionGraph) -> tuple[SessionMessageTreeNode, ...]:
    """Return all conversation nodes, each below its nearest conversation ancestor, siblings by time."""
    nodes = {node.node_id: node for node in graph.nodes}
    active = {node.message.id for node in active_path(nodes, graph.leaf_node_id) if node.message}
    parents = _message_parents(nodes)
    below: dict[str | None, list[_Said]] = defaultdict(list)
    for node in nodes.values():
        if node.message is not None:
            below[parents[node.node_id]].append((node, node.message))
    for siblings in below.values():
        siblings.sort(key=lambda said: said[0].timestamp)
    built: dict[str, SessionMessageTreeNode] = {}
    for node, message in reversed(list(_downwards(below))):
        built[node.node_id] = SessionMessageTreeNode(
            node_id=node.node_id,
            parent_message_node_id=parents[node.node_id],
            message=message,
            timestamp=node.timestamp,
            children=tuple(built[child.node_id] for child, _ in below.get(node.node_id, ())),
            active=node.node_id in active,
        )
    return tuple(built[node.node_id] for node, _ in below[None])


def _downwards(below: _Below) -> Iterator[_Said]:
    """Yield every message, each before what follows it; a loop, for a session may be 100,000 messages deep."""
    waiting = [*below.get(None, ())]
    while waiting:
        said = waiting.pop()
        yield said
        waiting.extend(below.get(said[0].node_id, ()))


def _message_parents(nodes: Mapping[str, SessionNodeRecord]) -> dict[str, str | None]:
    """Return for every node the nearest message above it; every node is looked at once, and a cycle is cut where it closes."""
    found: dict[str, str | None] = {}
    for node in nodes.values():
        trail: dict[str, SessionNodeRecord] = {}
        at: SessionNodeRecord | None = node
        while at is not None and at.node_id not in found and at.node_id not in trail:
            trail[at.node_id] = at
            at = nodes.get(at.parent_node_id or "")
        nearest = None if at is None or at.node_id in trail else _message_id(at, found)
        for below in reversed(trail.values()):
            found[below.node_id] = nearest
            nearest = _message_id(below, found)
    return found


def _message_id(node: SessionNodeRecord, parents: Mapping[str, str | None]) -> str | None:
    return node.node_id if node.message else parents[node.node_id]


def orphaned_node_ids(graph: SessionGraph) -> tuple[str, ...]:
    """Return the nodes that are not on the active path, in the order in which they were stored."""
    active = {node.node_id for node in active_path({node.node_id: node for node in graph.nodes}, graph.leaf_node_id)}
    return tuple(node.node_id for node in graph.nodes if node.node_id not in active)


def user_message_count(nodes: Iterable[SessionNodeRecord]) -> int:
    """Return how many messages of users there are, in all branches."""
    return sum(node.message is not None and node.message.role == "User" for node in nodes)


def first_user_message(nodes: Iterable[SessionNodeRecord]) -> str:
    """Return the text of the user's first message in storage order, tool traffic left out; empty when there is none."""
    users = (node.message for node in nodes if node.message is not None and node.message.role == "User")
    first = next(users, None)
    if first is None:
        return ""
    said = (_said(part) for part in first.parts if part.kind not in ("ToolCall", "ToolResult"))
    return "\n\n".join(text for text in said if text.strip()).strip()


def _said(part: Part) -> str:
    return "[Image attached]" if part.kind == "Image" else part.content
