"""The state of an open session: what it is, in which agent frame it works (lash 0.1.0-alpha.37, sessions §6 and §7)."""

import dataclasses
import operator
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from lash_nb.clock import Clock, rfc3339
from lash_nb.runtime._graph import ResidentGraph
from lash_nb.wire import (
    AgentFrameAssignment,
    AgentFrameRecord,
    HydratedSessionCheckpoint,
    PersistedSessionRead,
    PluginSessionSnapshot,
    PromptUsage,
    ProtocolTurnOptions,
    SessionGraph,
    SessionPolicy,
    SessionSnapshot,
    TokenLedgerEntry,
    TokenUsage,
    ToolState,
)

__all__ = ["RuntimeSessionState", "initial_frame_id"]


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
    execution_state_snapshot: bytes | None = None
    """The code state, when it is to be stored."""
    token_ledger: tuple[TokenLedgerEntry, ...] = ()
    """What the session has used over its life."""
    checkpoint_ref: str | None = None
    """The last stored checkpoint."""
    head_revision: int | None = None
    """The store's revision that the next commit expects; None checks nothing."""
    stored_revision: int | None = None
    """The store's revision whose nodes these are; None when none of them is stored. A branch keeps it and forgets `head_revision`."""
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
        state = cls(
            session_id=read.session_id,
            policy=SessionPolicy(model=read.config.model, provider_id=read.config.provider_id),
            graph=_resident(read.graph, clock),
            agent_frames=read.agent_frames,
            current_agent_frame_id=read.current_agent_frame_id,
            token_ledger=read.token_ledger,
            checkpoint_ref=read.checkpoint_ref,
            head_revision=read.head_revision,
            stored_revision=read.head_revision,
        )
        if read.checkpoint is not None:
            state._adopt_checkpoint(read.checkpoint)
        state.ensure_frame(clock)
        return state

    @classmethod
    def from_snapshot(cls, snapshot: SessionSnapshot, clock: Clock) -> "RuntimeSessionState":
        """Return the session as a snapshot has it, standing on no store revision (sessions §7.2)."""
        state = cls(
            session_id=snapshot.session_id,
            policy=snapshot.policy,
            graph=_resident(snapshot.session_graph, clock),
            agent_frames=tuple(map(without_execution_state, snapshot.agent_frames)),
            current_agent_frame_id=snapshot.current_agent_frame_id,
            turn_index=snapshot.turn_index,
            token_usage=snapshot.token_usage,
            last_prompt_usage=snapshot.last_prompt_usage,
            protocol_turn_options=snapshot.protocol_turn_options,
            execution_state_ref=snapshot.execution_state_ref,
            token_ledger=snapshot.token_ledger,
        )
        state.ensure_frame(clock)
        return state

    def fixed(self) -> "RuntimeSessionState":
        """Return what it says now, in a state of its own, with the same graph."""
        return RuntimeSessionState(*_ALL_FIELDS(self))

    def copy(self) -> "RuntimeSessionState":
        """Return a state of its own; it costs what the session's length costs."""
        return self.detached(self.graph.forker()())

    def detached(self, graph: ResidentGraph) -> "RuntimeSessionState":
        """Return a state of its own with this graph; those of tools and plugins are copies, as what is hashed of them is remembered."""
        tools, plugins = deepcopy((self.tool_state_snapshot, self.plugin_snapshot))
        return dataclasses.replace(self, graph=graph, tool_state_snapshot=tools, plugin_snapshot=plugins)

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
        self.execution_state_snapshot = checkpoint.execution_state

    def ensure_frame(self, clock: Clock) -> None:
        """See to it that the current frame exists, and read the graph in it."""
        if not self.current_agent_frame_id:
            self.current_agent_frame_id = initial_frame_id(self.session_id)
        if self.current_frame is None:
            frame = replace(
                _initial_frame(self.session_id, self.policy, clock),
                frame_id=self.current_agent_frame_id,
                protocol_turn_options=self.protocol_turn_options,
                execution_state_ref=self.execution_state_ref,
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
        for frame in self.agent_frames:
            if frame.frame_id == self.current_agent_frame_id:
                return frame
        return None

    def change_frame(self, **changes: Any) -> None:
        """Change fields of the current frame."""
        current = self.current_frame
        if current is not None:
            changed = replace(current, **changes)
            self.agent_frames = tuple(changed if frame is current else frame for frame in self.agent_frames)

    def effective_policy(self) -> SessionPolicy:
        """Return the current frame's policy; it wins over the session's."""
        frame = self.current_frame
        return frame.assignment.policy if frame else self.policy

    def effective_protocol_turn_options(self) -> ProtocolTurnOptions:
        """Return the current frame's options of turns; they win over the session's."""
        frame = self.current_frame
        return frame.protocol_turn_options if frame else self.protocol_turn_options

    def adopt_policy(self, policy: SessionPolicy) -> None:
        """Make `policy` the session's and its current frame's."""
        self.policy = policy
        frame = self.current_frame
        if frame is not None:
            self.change_frame(assignment=replace(frame.assignment, policy=policy))

    def undo_point(self) -> Callable[[], None]:
        """Return a function that takes back what is done since now, except nodes that are committed by then."""
        return _StateUndo(self, _changed_by_turns(self), self.graph.undo_point())

    def _take_back(self, kept: tuple[Any, ...], undo_graph: Callable[[], None]) -> None:
        for name, value in zip(_CHANGED_BY_TURNS, kept, strict=True):
            setattr(self, name, value)
        undo_graph()
        self.select_frame()


class _StateUndo(Struct, frozen=True, gc=False):
    """Takes a state back. Each turn holds one while it runs, and nothing of the state does, so it is in no cycle."""

    state: RuntimeSessionState
    kept: tuple[Any, ...]
    """Of `_CHANGED_BY_TURNS`."""
    undo_graph: Callable[[], None]

    def __call__(self) -> None:
        self.state._take_back(self.kept, self.undo_graph)  # noqa: SLF001 - the same module


_ALL_FIELDS: Final = operator.attrgetter(*RuntimeSessionState.__slots__)
_CHANGED_BY_TURNS: Final = (
    "turn_index",
    "token_usage",
    "last_prompt_usage",
    "token_ledger",
    "agent_frames",
    "current_agent_frame_id",
)
_changed_by_turns: Final = operator.attrgetter(*_CHANGED_BY_TURNS)


def without_execution_state(frame: AgentFrameRecord) -> AgentFrameRecord:
    """Return the frame without the code state that it carries inline."""
    return frame if frame.execution_state_snapshot is None else replace(frame, execution_state_snapshot=None)


def _resident(graph: SessionGraph, clock: Clock) -> ResidentGraph:
    return ResidentGraph(graph, lambda: rfc3339(clock.now_ns()))


def _initial_frame(session_id: str, policy: SessionPolicy, clock: Clock) -> AgentFrameRecord:
    return AgentFrameRecord(
        frame_id=initial_frame_id(session_id),
        session_id=session_id,
        created_at=rfc3339(clock.now_ns()),
        assignment=AgentFrameAssignment(policy=policy, plugin_source="current_host_fresh"),
    )
