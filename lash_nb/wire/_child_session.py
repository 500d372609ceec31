"""What a child session is made of (lash 0.1.0-alpha.37, effect wire format §12, processes §9.2)."""

from typing import TypeAlias

from msgspec import field

from lash_nb.wire._append import SessionAppendNode
from lash_nb.wire._base import Wire, no_items, none
from lash_nb.wire._policy import SessionPolicy
from lash_nb.wire._session import (
    PluginOptions,
    RootRelation,
    SessionPluginSource,
    SessionRelation,
    SessionSnapshot,
    SessionToolAccess,
    SubagentSessionContext,
)

__all__ = [
    "CurrentSessionStart",
    "EmptyStart",
    "ExistingSessionStart",
    "SessionCreateRequest",
    "SessionStartPoint",
    "SnapshotStart",
]


class EmptyStart(Wire, frozen=True, kw_only=True, tag_field="kind", tag="empty"):
    """Start with nothing."""


class CurrentSessionStart(Wire, frozen=True, kw_only=True, tag_field="kind", tag="current_session"):
    """Start as a fork of the session that asks."""


class ExistingSessionStart(Wire, frozen=True, kw_only=True, tag_field="kind", tag="existing_session"):
    """Start as a fork of another session."""

    session_id: str
    """The other session."""


class SnapshotStart(Wire, frozen=True, kw_only=True, tag_field="kind", tag="snapshot"):
    """Start as a session that was kept as a value."""

    snapshot: SessionSnapshot
    """The value."""


SessionStartPoint: TypeAlias = EmptyStart | CurrentSessionStart | ExistingSessionStart | SnapshotStart
"""What a new session starts from."""


class SessionCreateRequest(Wire, frozen=True, kw_only=True):
    """A session to be made."""

    session_id: str | None = None
    """Its id; without one it gets a new id."""
    relation: SessionRelation = field(default_factory=RootRelation)
    """How it stands to others."""
    start: SessionStartPoint
    """What it starts from."""
    policy: SessionPolicy | None = field(default_factory=none)
    """Model, provider and limits; without one, those of the session that asks."""
    plugin_source: SessionPluginSource = field(default_factory=lambda: "current_session_fork")
    """Where its plugins come from."""
    initial_nodes: tuple[SessionAppendNode, ...] = field(default_factory=no_items)
    """Nodes to start it with."""
    tool_access: SessionToolAccess = field(default_factory=SessionToolAccess)
    """Which tools it gets."""
    subagent: SubagentSessionContext | None = None
    """Set for subagents."""
    plugin_options: PluginOptions = field(default_factory=PluginOptions)
    """Options by plugin."""
    usage_source: str | None = None
    """Label of its ledger rows."""
