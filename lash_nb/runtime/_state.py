"""The state of an open session, and how it becomes a commit or a snapshot (lash 0.1.0-alpha.37, sessions §6, §7, §8.5)."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from lash_nb.clock import Clock, rfc3339
from lash_nb.errors import LashError
from lash_nb.plugins import PluginSession
from lash_nb.runtime._graph import ResidentGraph
from lash_nb.wire import (
    AgentFrameAssignment,
    AgentFrameRecord,
    AttachmentId,
    GraphCommitDelta,
    HydratedSessionCheckpoint,
    PersistedSessionConfig,
    PersistedSessionRead,
    PersistedTurnState,
    PluginSessionSnapshot,
    PromptUsage,
    ProtocolTurnOptions,
    RuntimeCommit,
    RuntimeCommitResult,
    SessionGraph,
    SessionNodeRecord,
    SessionPolicy,
    SessionSnapshot,
    TokenLedgerEntry,
    TokenUsage,
    ToolState,
)

__all__ = ["RuntimeSessionState", "initial_frame_id"]

_LOG = logging.getLogger(__name__)


def initial_frame_id(session_id: str) -> str:
    """Return the id of a session's first agent frame."""
    return f"{session_id}:frame:initial"


@dataclass(slots=True)
class RuntimeSessionState:
    """Everything that a session is, beside its live tools and plugins."""

    session_id: str
    """The session."""
    policy: SessionPolicy
    """Model, provider, limits."""
    graph: ResidentGraph
    """The graph."""
    agent_frames: tuple[AgentFrameRecord, ...] = ()
    """All frames."""
    current_agent_frame_id: str = ""
    """The current one."""
    turn_index: int = 0
    """Number of the last turn."""
    token_usage: TokenUsage = field(default_factory=TokenUsage.zero)
    """Usage of the last turn."""
    last_prompt_usage: PromptUsage | None = None
    """How full the context was."""
    protocol_turn_options: ProtocolTurnOptions = field(default_factory=ProtocolTurnOptions)
    """Options of turns."""
    tool_state_ref: str | None = None
    """Where the tool state is stored."""
    tool_state_generation: int | None = None
    """Its generation."""
    tool_state_snapshot: ToolState | None = None
    """The tool state, when it is to be stored."""
    plugin_snapshot_ref: str | None = None
    """Where the plugin state is stored."""
    plugin_snapshot_revision: int | None = None
    """Fingerprint of its revisions."""
    plugin_snapshot: PluginSessionSnapshot | None = None
    """The plugin state, when it is to be stored."""
    execution_state_ref: str | None = None
    """Where the code state is stored."""
    token_ledger: tuple[TokenLedgerEntry, ...] = ()
    """What the session has used over its life."""
    checkpoint_ref: str | None = None
    """The last stored checkpoint."""
    head_revision: int | None = None
    """The store's revision that this state stands on; None before the first commit."""
    graph_replace_required: bool = False
    """Whether the next commit has to write the whole graph."""

    @classmethod
    def fresh(cls, session_id: str, policy: SessionPolicy, clock: Clock) -> "RuntimeSessionState":
        """Return a new session: an empty graph and the frame `root:frame:initial` that every root session has."""
        frame = _initial_frame("root", policy, clock)
        state = cls(
            session_id=session_id,
            policy=policy,
            graph=_resident(SessionGraph(), clock),
            agent_frames=(frame,),
            current_agent_frame_id=frame.frame_id,
        )
        state.select_frame()
        return state

    @classmethod
    def from_read(cls, read: PersistedSessionRead, clock: Clock) -> "RuntimeSessionState":
        """Return the session as a store has it (sessions §7.5)."""
        policy = SessionPolicy(model=read.config.model, provider_id=read.config.provider_id)
        state = cls(
            session_id=read.session_id,
            policy=policy,
            graph=_resident(read.graph, clock),
            agent_frames=read.agent_frames,
            current_agent_frame_id=read.current_agent_frame_id,
            token_ledger=read.token_ledger,
            checkpoint_ref=read.checkpoint_ref,
            head_revision=read.head_revision,
        )
        if read.checkpoint is not None:
            state._adopt_checkpoint(read.checkpoint)
        state.ensure_frame(clock)
        state.graph_replace_required = state.graph.healed
        return state

    @classmethod
    def from_snapshot(cls, snapshot: SessionSnapshot, clock: Clock) -> "RuntimeSessionState":
        """Return the session as a snapshot has it, standing on no store revision (sessions §7.2)."""
        state = cls(
            session_id=snapshot.session_id,
            policy=snapshot.policy,
            graph=_resident(snapshot.session_graph, clock),
            agent_frames=snapshot.agent_frames,
            current_agent_frame_id=snapshot.current_agent_frame_id,
            turn_index=snapshot.turn_index,
            token_usage=snapshot.token_usage,
            last_prompt_usage=snapshot.last_prompt_usage,
            protocol_turn_options=snapshot.protocol_turn_options,
            token_ledger=snapshot.token_ledger,
        )
        state.ensure_frame(clock)
        state.graph_replace_required = state.graph.healed
        return state

    def _adopt_checkpoint(self, checkpoint: HydratedSessionCheckpoint) -> None:
        turn = checkpoint.turn_state
        self.turn_index = turn.turn_index
        self.token_usage = turn.token_usage
        self.last_prompt_usage = turn.last_prompt_usage
        self.protocol_turn_options = turn.protocol_turn_options
        self.tool_state_ref = checkpoint.tool_state_ref
        self.tool_state_snapshot = checkpoint.tool_state
        self.tool_state_generation = checkpoint.tool_state.generation if checkpoint.tool_state else None
        self.plugin_snapshot_ref = checkpoint.plugin_snapshot_ref
        self.plugin_snapshot = checkpoint.plugin_snapshot
        self.plugin_snapshot_revision = checkpoint.plugin_snapshot_revision
        self.execution_state_ref = checkpoint.execution_state_ref

    def ensure_frame(self, clock: Clock) -> None:
        """See to it that the current frame exists, and read the graph in it."""
        if not self.current_agent_frame_id:
            self.current_agent_frame_id = initial_frame_id(self.session_id)
        if self.current_frame is None:
            frame = _initial_frame(self.session_id, self.policy, clock)
            frame = msgspec.structs.replace(
                frame, frame_id=self.current_agent_frame_id, protocol_turn_options=self.protocol_turn_options
            )
            self.agent_frames = (*self.agent_frames, frame)
        self.select_frame()

    def select_frame(self) -> None:
        """Read the graph in the current frame; nodes without a frame belong to the first one."""
        frame = self.current_frame
        unscoped = frame is None or frame.previous_frame_id is None
        self.graph.select_frame(self.current_agent_frame_id, include_unscoped=unscoped)

    @property
    def current_frame(self) -> AgentFrameRecord | None:
        """The current agent frame."""
        return next((frame for frame in self.agent_frames if frame.frame_id == self.current_agent_frame_id), None)

    def effective_policy(self) -> SessionPolicy:
        """Return the current frame's policy; it wins over the session's."""
        frame = self.current_frame
        return frame.assignment.policy if frame else self.policy

    def adopt_policy(self, policy: SessionPolicy) -> None:
        """Make `policy` the session's and its current frame's."""
        self.policy = policy
        self.agent_frames = tuple(
            msgspec.structs.replace(frame, assignment=msgspec.structs.replace(frame.assignment, policy=policy))
            if frame.frame_id == self.current_agent_frame_id
            else frame
            for frame in self.agent_frames
        )

    def refresh_snapshots(self, plugins: PluginSession) -> None:
        """Take the state of tools and plugins into the next commit where the store does not have it yet (sessions §7.3).

        Plugins that cannot give their state are asked again at the next commit; until then what was stored of them stays.
        """
        generation = plugins.registry.generation
        if self.tool_state_ref is None or generation != self.tool_state_generation:
            self.tool_state_snapshot = plugins.registry.state()
            self.tool_state_generation = generation
        try:
            revision = plugins.revision()
            if self.plugin_snapshot_ref is None or revision != self.plugin_snapshot_revision:
                self.plugin_snapshot = plugins.capture()
        except LashError as error:
            _LOG.warning("the plugin state of session %s is not stored: %s", self.session_id, error)
            return
        self.plugin_snapshot_revision = revision

    def graph_delta(self) -> GraphCommitDelta:
        """Return what the next commit writes of the graph: what is new, unless the store's graph is another one altogether."""
        return self.graph.full() if self._writes_whole_graph else self.graph.delta()

    @property
    def _writes_whole_graph(self) -> bool:
        """A state that stands on no revision has no node in the store, not even those that it was opened with."""
        opened_with_nodes = len(self.graph.pending()) < len(self.graph)
        return self.graph_replace_required or (self.head_revision is None and opened_with_nodes)

    def commit(self, *, usage_deltas: tuple[TokenLedgerEntry, ...] = ()) -> RuntimeCommit:
        """Return the commit that makes the store say what this state says; unstamped."""
        written = self._written_nodes()
        return RuntimeCommit(
            session_id=self.session_id,
            expected_head_revision=self.head_revision,
            config=PersistedSessionConfig(provider_id=self.policy.provider_id, model=self.policy.model),
            agent_frames=self.agent_frames,
            current_agent_frame_id=self.current_agent_frame_id,
            graph=self.graph_delta(),
            checkpoint=self._checkpoint(),
            usage_deltas=usage_deltas,
            completed_queue_claims=(),
            committed_attachment_ids=tuple(dict.fromkeys(_attachment_ids(written))),
        )

    def _written_nodes(self) -> Iterable[SessionNodeRecord]:
        return self.graph.snapshot().nodes if self._writes_whole_graph else self.graph.pending()

    def _checkpoint(self) -> HydratedSessionCheckpoint:
        return HydratedSessionCheckpoint(
            turn_state=PersistedTurnState(
                turn_index=self.turn_index,
                token_usage=self.token_usage,
                last_prompt_usage=self.last_prompt_usage,
                protocol_turn_options=self.protocol_turn_options,
            ),
            tool_state_ref=self.tool_state_ref,
            tool_state=self.tool_state_snapshot,
            plugin_snapshot_ref=self.plugin_snapshot_ref,
            plugin_snapshot=self.plugin_snapshot,
            plugin_snapshot_revision=self.plugin_snapshot_revision,
            execution_state_ref=self.execution_state_ref,
        )

    def apply_commit_result(self, result: RuntimeCommitResult) -> None:
        """Stand on the revision that a commit made (sessions §7.4)."""
        manifest = result.manifest
        self.head_revision = result.head_revision
        self.checkpoint_ref = result.checkpoint_ref
        self.tool_state_ref = manifest.tool_state_ref
        self.plugin_snapshot_ref = manifest.plugin_snapshot_ref
        self.plugin_snapshot_revision = manifest.plugin_snapshot_revision
        self.execution_state_ref = manifest.execution_state_ref
        self.graph_replace_required = False
        self.discard_snapshots()
        self.graph.mark_committed()

    def discard_snapshots(self) -> None:
        """Forget the state of tools and plugins that is not stored; the live ones have it."""
        self.tool_state_snapshot = None
        self.plugin_snapshot = None

    def undo_point(self) -> Callable[[], None]:
        """Return a function that takes back what a turn did since now, except nodes that are committed."""
        kept = {name: getattr(self, name) for name in _CHANGED_BY_TURNS}

        def undo() -> None:
            for name, value in kept.items():
                setattr(self, name, value)
            self.graph.roll_back()
            self.select_frame()

        return undo

    def snapshot_reader(self) -> Callable[[], SessionSnapshot]:
        """Return a function that makes the snapshot of this moment when it is called; costs nothing before."""
        graph = self.graph.reader()
        fields = {name: getattr(self, name) for name in SessionSnapshot.__struct_fields__ if name != "session_graph"}
        return lambda: SessionSnapshot(session_graph=graph(), **fields)


_CHANGED_BY_TURNS: Final = (
    "turn_index",
    "token_usage",
    "last_prompt_usage",
    "token_ledger",
    "agent_frames",
    "current_agent_frame_id",
)


def _resident(graph: SessionGraph, clock: Clock) -> ResidentGraph:
    return ResidentGraph(graph, lambda: rfc3339(clock.now_ns()))


def _initial_frame(session_id: str, policy: SessionPolicy, clock: Clock) -> AgentFrameRecord:
    return AgentFrameRecord(
        frame_id=initial_frame_id(session_id),
        session_id=session_id,
        created_at=rfc3339(clock.now_ns()),
        assignment=AgentFrameAssignment(policy=policy, plugin_source="current_host_fresh"),
    )


def _attachment_ids(nodes: Iterable[SessionNodeRecord]) -> Iterator[AttachmentId]:
    for node in nodes:
        if node.message is not None:
            yield from (part.attachment.reference.id for part in node.message.parts if part.attachment)
