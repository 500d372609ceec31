"""What a session store keeps and what a commit writes (lash 0.1.0-alpha.37, sessions §8.2)."""

from typing import TypeAlias

from msgspec import field

from lash_nb.wire._base import U64, Octets, Wire, no_items, none
from lash_nb.wire._graph import GraphCommitDelta, SessionGraph
from lash_nb.wire._policy import PersistedSessionConfig, ProtocolTurnOptions
from lash_nb.wire._queue import QueuedWorkCompletion
from lash_nb.wire._session import AgentFrameRecord, PluginSessionSnapshot, ToolState
from lash_nb.wire._usage import PromptUsage, TokenLedgerEntry, TokenUsage

__all__ = [
    "BlobRef",
    "HydratedSessionCheckpoint",
    "PersistedSessionRead",
    "PersistedTurnState",
    "RuntimeCommit",
    "RuntimeCommitResult",
    "RuntimeTurnCommitStamp",
    "SessionCheckpoint",
    "SessionHeadMeta",
]

BlobRef: TypeAlias = str
"""Where a store keeps a blob; the store's own text."""


class PersistedTurnState(Wire, frozen=True, kw_only=True):
    """Counters of the last turn."""

    turn_index: U64
    """Number of the last turn."""
    token_usage: TokenUsage = field(default_factory=TokenUsage.zero)
    """Its usage."""
    last_prompt_usage: PromptUsage | None = None
    """How full the context was."""
    protocol_turn_options: ProtocolTurnOptions = field(default_factory=ProtocolTurnOptions)
    """Options of turns."""


class SessionCheckpoint(Wire, frozen=True, kw_only=True):
    """The manifest of a checkpoint: counters and references to blobs."""

    turn_state: PersistedTurnState = field(default_factory=lambda: PersistedTurnState(turn_index=0))
    """Counters."""
    tool_state_ref: BlobRef | None = None
    """Blob of the tool state."""
    plugin_snapshot_ref: BlobRef | None = None
    """Blob of the plugin state."""
    plugin_snapshot_revision: U64 | None = None
    """Fingerprint of the plugin revisions."""
    execution_state_ref: BlobRef | None = None
    """Blob of the code state."""


class HydratedSessionCheckpoint(Wire, frozen=True, kw_only=True):
    """A checkpoint with its blobs; a snapshot that is there is to be stored."""

    turn_state: PersistedTurnState
    """Counters."""
    tool_state_ref: BlobRef | None = field(default_factory=none)
    """Blob of the tool state."""
    tool_state: ToolState | None = field(default_factory=none)
    """The tool state."""
    plugin_snapshot_ref: BlobRef | None = field(default_factory=none)
    """Blob of the plugin state."""
    plugin_snapshot: PluginSessionSnapshot | None = field(default_factory=none)
    """The plugin state."""
    plugin_snapshot_revision: U64 | None = field(default_factory=none)
    """Fingerprint of the plugin revisions."""
    execution_state_ref: BlobRef | None = field(default_factory=none)
    """Blob of the code state."""
    execution_state: Octets | None = field(default_factory=none)
    """The code state."""


class SessionHeadMeta(Wire, frozen=True, kw_only=True):
    """Where a stored session stands."""

    session_id: str = field(default_factory=lambda: "root")
    """The session."""
    head_revision: U64 = field(default_factory=int)
    """Counts the commits."""
    config: PersistedSessionConfig
    """Provider and model."""
    agent_frames: tuple[AgentFrameRecord, ...] = field(default_factory=no_items)
    """All frames."""
    current_agent_frame_id: str = ""
    """The current one."""
    checkpoint_ref: BlobRef | None = None
    """The last checkpoint."""
    leaf_node_id: str | None = None
    """The leaf."""
    graph_node_count: U64 = field(default_factory=int)
    """Live nodes."""
    token_ledger: tuple[TokenLedgerEntry, ...] = ()
    """Unused by the reference; kept."""


class PersistedSessionRead(Wire, frozen=True, kw_only=True):
    """A stored session as it is read back."""

    session_id: str
    """The session."""
    head_revision: U64
    """The revision read."""
    config: PersistedSessionConfig
    """Provider and model."""
    agent_frames: tuple[AgentFrameRecord, ...]
    """All frames."""
    current_agent_frame_id: str
    """The current one."""
    graph: SessionGraph
    """The nodes in scope."""
    checkpoint_ref: BlobRef | None = field(default_factory=none)
    """The last checkpoint."""
    checkpoint: HydratedSessionCheckpoint | None = field(default_factory=none)
    """Its content."""
    token_ledger: tuple[TokenLedgerEntry, ...]
    """Usage rows, merged."""


class RuntimeTurnCommitStamp(Wire, frozen=True, kw_only=True):
    """Makes the final commit of a turn idempotent."""

    session_id: str
    """The session."""
    turn_id: str
    """The turn."""
    turn_commit_hash: str
    """Hash of what is committed."""


class RuntimeCommit(Wire, frozen=True, kw_only=True):
    """One all-or-nothing change of a stored session."""

    session_id: str
    """The session."""
    expected_head_revision: U64 | None = field(default_factory=none)
    """Refuse unless the head stands here; None checks nothing."""
    config: PersistedSessionConfig
    """Provider and model from now on."""
    agent_frames: tuple[AgentFrameRecord, ...]
    """All frames from now on."""
    current_agent_frame_id: str
    """The current one from now on."""
    graph: GraphCommitDelta
    """What happens to the graph."""
    checkpoint: HydratedSessionCheckpoint
    """The checkpoint from now on."""
    usage_deltas: tuple[TokenLedgerEntry, ...]
    """Rows to append to the ledger."""
    turn_commit: RuntimeTurnCommitStamp | None = field(default_factory=none)
    """The stamp, for final commits."""
    completed_queue_claims: tuple[QueuedWorkCompletion, ...]
    """Claims that are done with this commit."""
    committed_attachment_ids: tuple[str, ...]
    """Attachments that the graph names from now on."""


class RuntimeCommitResult(Wire, frozen=True, kw_only=True):
    """What a commit became."""

    head_revision: U64
    """The new revision."""
    checkpoint_ref: BlobRef
    """The stored checkpoint."""
    manifest: SessionCheckpoint
    """Its manifest."""
