"""Agent frames, snapshots and plugin state of a session (lash 0.1.0-alpha.37, sessions §6 and §7)."""

from typing import Literal, TypeAlias

import msgspec
from msgspec import field

from lash_nb.wire._base import U8, U64, Json, Octets, Wire, no_entries, no_items, none
from lash_nb.wire._graph import SessionGraph
from lash_nb.wire._hashed import Hashed
from lash_nb.wire._invocation import CausalRef
from lash_nb.wire._policy import ProtocolTurnOptions, SessionPolicy
from lash_nb.wire._tool_definition import ToolDefinition, ToolManifest
from lash_nb.wire._usage import PromptUsage, TokenLedgerEntry, TokenUsage
from lash_nb.words import counted

__all__ = [
    "AgentFrameAssignment",
    "AgentFrameReason",
    "AgentFrameRecord",
    "AgentFrameStatus",
    "ChildRelation",
    "PluginArtifact",
    "PluginMeta",
    "PluginOptions",
    "PluginSessionSnapshot",
    "PluginSnapshot",
    "RootRelation",
    "SessionMeta",
    "SessionPluginSource",
    "SessionRelation",
    "SessionSnapshot",
    "SessionToolAccess",
    "SubagentSessionContext",
    "ToolState",
    "ToolStateEntry",
]

AgentFrameStatus: TypeAlias = Literal["active", "superseded"]
"""Whether a frame is the current one."""
AgentFrameReason: TypeAlias = Literal["initial", "continue_as", "handoff", "plan_mode"]
"""Why a frame was opened."""
SessionPluginSource: TypeAlias = Literal["current_host_fresh", "current_session_fork"]
"""Where the plugins of a frame come from."""


class RootRelation(Wire, frozen=True, kw_only=True, tag_field="kind", tag="root"):
    """A session of its own."""


class ChildRelation(Wire, frozen=True, kw_only=True, tag_field="kind", tag="child"):
    """A session under another one."""

    parent_session_id: str
    """The other one."""
    caused_by: CausalRef | None = None
    """What led to it."""


SessionRelation: TypeAlias = RootRelation | ChildRelation
"""How a session stands to others."""


class SessionMeta(Wire, frozen=True, kw_only=True):
    """What a store tells of its session."""

    session_id: str
    """The session."""
    session_name: str
    """Its name for people."""
    created_at: str
    """When the store was made."""
    model: str
    """The model at that time."""
    cwd: str | None = field(default_factory=none)
    """The working directory at that time."""
    relation: SessionRelation
    """How it stands to others."""


class SessionToolAccess(Wire, frozen=True, kw_only=True):
    """Which tools a session gets."""

    tools: tuple[ToolDefinition, ...] = ()
    """Exactly these, when any are given."""
    hidden_tools: tuple[str, ...] = ()
    """Not these; sorted, each once."""

    def __post_init__(self) -> None:
        if self.hidden_tools:
            msgspec.structs.force_setattr(self, "hidden_tools", tuple(sorted(set(self.hidden_tools))))


class SubagentSessionContext(Wire, frozen=True, kw_only=True):
    """That a session is a subagent."""

    parent_session_id: str
    """Who started it."""
    capability: str
    """What it is for."""
    depth: U8
    """How deep it is nested."""
    max_depth: U8
    """How deep it may be."""


class PluginOptions(Wire, frozen=True, kw_only=True):
    """Options by plugin."""

    plugins: dict[str, Json] = field(default_factory=dict)
    """The plugins' own objects."""


class AgentFrameAssignment(Wire, frozen=True, kw_only=True):
    """What a frame works with."""

    policy: SessionPolicy
    """Model, provider, limits."""
    plugin_options: PluginOptions = field(default_factory=PluginOptions)
    """Options by plugin."""
    plugin_source: SessionPluginSource = field(default_factory=lambda: "current_session_fork")
    """Where plugins come from."""
    tool_access: SessionToolAccess = field(default_factory=SessionToolAccess)
    """Which tools it gets."""
    subagent: SubagentSessionContext | None = None
    """Set for subagents."""
    usage_source: str | None = None
    """Label of its ledger rows."""


class AgentFrameRecord(Hashed, frozen=True, kw_only=True):
    """A context segment inside one session."""

    frame_id: str
    """Its id."""
    session_id: str
    """The session that made it."""
    previous_frame_id: str | None = None
    """The frame before; None for the first."""
    status: AgentFrameStatus = field(default_factory=lambda: "active")
    """Whether it is the current one."""
    reason: AgentFrameReason = field(default_factory=lambda: "initial")
    """Why it was opened."""
    caused_by: CausalRef | None = None
    """What led to it."""
    created_at: str
    """When, RFC 3339."""
    assignment: AgentFrameAssignment
    """What it works with."""
    protocol_turn_options: ProtocolTurnOptions = field(default_factory=ProtocolTurnOptions)
    """Options of its turns."""
    execution_state_ref: str | None = None
    """Where its code state is stored."""
    execution_state_snapshot: Octets | None = None
    """Its code state."""


class ToolStateEntry(Wire, frozen=True, kw_only=True):
    """One tool of a tool state."""

    manifest: ToolManifest
    """The tool."""


class ToolState(Hashed, frozen=True, kw_only=True):
    """What a registry offers, as a value."""

    generation: U64
    """Counts the changes."""
    tools: dict[str, ToolStateEntry]
    """By name."""


class PluginMeta(Wire, frozen=True, kw_only=True):
    """Identity and small state of a plugin."""

    plugin_id: str
    """The plugin."""
    plugin_version: str
    """Its version."""
    revision: U64 = field(default_factory=int)
    """Counts the changes of its state."""
    state: Json = None
    """Its state."""


class PluginArtifact(Wire, frozen=True, kw_only=True):
    """A blob of a plugin."""

    name: str
    """Its name."""
    data: Octets
    """The bytes."""


class PluginSnapshot(Hashed, frozen=True, kw_only=True):
    """One plugin's state."""

    meta: PluginMeta
    """Identity and small state."""
    artifacts: tuple[PluginArtifact, ...] = field(default_factory=no_items)
    """Blobs."""


class PluginSessionSnapshot(Wire, frozen=True, kw_only=True):
    """The state of all plugins of a session."""

    plugins: dict[str, PluginSnapshot] = field(default_factory=no_entries)
    """By plugin id."""


class SessionSnapshot(Wire, frozen=True, kw_only=True):
    """A session as a value, without the live snapshots of tools, plugins and code."""

    session_id: str
    """The session."""
    policy: SessionPolicy = field(default_factory=SessionPolicy)
    """Model, provider, limits."""
    agent_frames: tuple[AgentFrameRecord, ...] = field(default_factory=no_items)
    """All frames."""
    current_agent_frame_id: str = ""
    """The current one."""
    session_graph: SessionGraph = field(default_factory=SessionGraph)
    """The graph."""
    turn_index: U64 = field(default_factory=int)
    """Number of the last turn."""
    token_usage: TokenUsage = field(default_factory=TokenUsage.zero)
    """Usage of the last turn."""
    last_prompt_usage: PromptUsage | None = None
    """How full the context was."""
    protocol_turn_options: ProtocolTurnOptions = field(default_factory=ProtocolTurnOptions)
    """Options of turns."""
    tool_state_ref: str | None = None
    """Where the tool state is stored."""
    tool_state_generation: U64 | None = None
    """Its generation."""
    plugin_snapshot_ref: str | None = None
    """Where the plugin state is stored."""
    plugin_snapshot_revision: U64 | None = None
    """Fingerprint of its revisions."""
    execution_state_ref: str | None = None
    """Where the code state is stored."""
    token_ledger: tuple[TokenLedgerEntry, ...] = ()
    """What the session has used over its life."""
    checkpoint_ref: str | None = None
    """The last stored checkpoint."""

    def __repr__(self) -> str:
        nodes = counted(len(self.session_graph.nodes), "node")
        return f"SessionSnapshot({self.session_id!r}, {counted(self.turn_index, 'turn')}, {nodes})"
