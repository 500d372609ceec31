"""Nodes that somebody else than a turn appends to a session (lash 0.1.0-alpha.37, sessions §3.10)."""

from typing import TypeAlias

from msgspec import field

from lash_nb.wire._base import Json, Wire, none
from lash_nb.wire._graph import ProtocolEvent
from lash_nb.wire._invocation import CausalRef
from lash_nb.wire._message import PluginMessage

__all__ = [
    "AppendMessage",
    "AppendPlugin",
    "AppendProtocolEvent",
    "AppendSessionNodesRequest",
    "AppendSessionNodesResult",
    "AppendedNodes",
    "SessionAppendNode",
    "StaleBranch",
]


class AppendMessage(Wire, frozen=True, kw_only=True, tag_field="kind", tag="message"):
    """Append a message."""

    message: PluginMessage
    """The message."""
    caused_by: CausalRef | None = None
    """What led to it."""


class AppendProtocolEvent(Wire, frozen=True, kw_only=True, tag_field="kind", tag="protocol_event"):
    """Append a note of the protocol."""

    event: ProtocolEvent
    """The note."""
    caused_by: CausalRef | None = None
    """What led to it."""


class AppendPlugin(Wire, frozen=True, kw_only=True, tag_field="kind", tag="plugin"):
    """Append a plugin's own object."""

    plugin_type: str
    """The plugin's own type."""
    body: Json = field(default_factory=none)
    """The object."""
    caused_by: CausalRef | None = None
    """What led to it."""


SessionAppendNode: TypeAlias = AppendMessage | AppendProtocolEvent | AppendPlugin
"""A node on its way into the graph."""


class AppendSessionNodesRequest(Wire, frozen=True, kw_only=True):
    """Nodes to append at the leaf, if the session still stands where the caller thinks."""

    nodes: tuple[SessionAppendNode, ...]
    """The nodes, in order."""
    requires_ancestor_node_id: str | None = field(default_factory=none)
    """Append only while this node is on the active path."""


class AppendedNodes(Wire, frozen=True, kw_only=True, tag_field="status", tag="appended"):
    """The nodes are in the graph."""

    node_ids: tuple[str, ...]
    """Their ids, in order."""
    leaf_node_id: str
    """The leaf now; empty in an empty graph."""


class StaleBranch(Wire, frozen=True, kw_only=True, tag_field="status", tag="stale_branch"):
    """The required node is not on the active path any more; nothing was written."""

    current_leaf_node_id: str | None = field(default_factory=none)
    """Where the session stands."""


AppendSessionNodesResult: TypeAlias = AppendedNodes | StaleBranch
"""What became of an append."""
