"""Nodes that somebody else than a turn appends to a session (lash 0.1.0-alpha.37, sessions §3.10)."""

from typing import TypeAlias

from msgspec import field

from lash_nb.wire._base import Json, Wire, none
from lash_nb.wire._graph import ProtocolEvent
from lash_nb.wire._invocation import CausalRef
from lash_nb.wire._message import PluginMessage

__all__ = ["AppendMessage", "AppendPlugin", "AppendProtocolEvent", "SessionAppendNode"]


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
