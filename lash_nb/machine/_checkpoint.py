"""A machine as data (lash 0.1.0-alpha.37, turns §2.9): what is needed, beside its configuration, to go on elsewhere."""

from typing import Any, Final, TypeAlias

from msgspec import field

from lash_nb.machine._effects import (
    Checkpoint,
    Done,
    Emit,
    ExecCode,
    LlmCall,
    Log,
    MachineEffect,
    Progress,
    SyncExecutionSurface,
    ToolCalls,
)
from lash_nb.machine._state import (
    IdleState,
    MachineState,
    WaitingCheckpoint,
    WaitingExec,
    WaitingExecutionSurface,
    WaitingLlm,
    WaitingTools,
)
from lash_nb.wire import (
    External,
    Message,
    SessionEventRecord,
    Shareable,
    TokenUsage,
    TurnCause,
    TurnTerminationPolicyState,
    Wire,
)

__all__ = [
    "EffectRecord",
    "StateRecord",
    "TurnCheckpoint",
    "WaitingRecord",
    "effect_record",
    "state_of",
    "state_record",
]


class EffectRecord(External, frozen=True, kw_only=True, rename="pascal"):
    """An effect that nobody has polled yet, as `{"Variant": …}`."""

    sync_execution_surface: SyncExecutionSurface | None = None
    """Bring tools and prompt up to date."""
    llm_call: LlmCall | None = None
    """Call the model."""
    tool_calls: ToolCalls | None = None
    """Run tool calls."""
    exec_code: ExecCode | None = None
    """Run a code block."""
    checkpoint: Checkpoint | None = None
    """Let waiting work in."""
    log: Log | None = None
    """A note for a log."""
    emit: Emit | None = None
    """A session event."""
    progress: Progress | None = None
    """A point at which the turn may be stored."""
    done: Done | None = None
    """The turn is over."""


class WaitingRecord(External, frozen=True, kw_only=True, rename="pascal"):
    """A state that waits for an answer, as `{"Variant": …}`."""

    waiting_execution_surface: WaitingExecutionSurface | None = None
    """Tools and prompt are brought up to date."""
    waiting_llm: WaitingLlm | None = None
    """The model is called."""
    waiting_tools: WaitingTools | None = None
    """Tool calls run."""
    waiting_exec: WaitingExec | None = None
    """A code block runs."""
    waiting_checkpoint: WaitingCheckpoint | None = None
    """Waiting work may come in."""


StateRecord: TypeAlias = IdleState | WaitingRecord
"""A state as it is written."""


class TurnCheckpoint(Wire, frozen=True, kw_only=True):
    """A machine between two calls."""

    state: StateRecord
    """Where it stands."""
    pending_effects: tuple[EffectRecord, ...]
    """Effects that were not polled yet, first comes first."""
    next_effect_id: int
    """Id of the next effect that wants an answer."""
    next_synthetic_message_id: int = field(default_factory=int)
    """Number of the next message that the machine makes itself."""
    messages: Shareable[Message]
    """All messages."""
    events: tuple[SessionEventRecord, ...]
    """All records."""
    turn_causes: tuple[TurnCause, ...] = field(default_factory=tuple)
    """Events that woke the turn or arrived in it."""
    progress_event_cursor: int = field(default_factory=int)
    """Number of records that a `Progress` has told of already."""
    protocol_iteration: int
    """Iteration of the loop."""
    protocol_run_offset: int
    """Iteration with which the turn began."""
    cumulative_usage: TokenUsage
    """Tokens of the turn so far."""
    termination: TurnTerminationPolicyState
    """How far the turn limit has been dealt with."""
    synced_protocol_iteration: int | None = field(default_factory=type(None))  # written as null
    """The iteration for which tools and prompt are up to date."""


_EFFECT_FIELDS: Final[dict[type[MachineEffect], str]] = {
    SyncExecutionSurface: "sync_execution_surface",
    LlmCall: "llm_call",
    ToolCalls: "tool_calls",
    ExecCode: "exec_code",
    Checkpoint: "checkpoint",
    Log: "log",
    Emit: "emit",
    Progress: "progress",
    Done: "done",
}
_STATE_FIELDS: Final[dict[type, str]] = {
    WaitingExecutionSurface: "waiting_execution_surface",
    WaitingLlm: "waiting_llm",
    WaitingTools: "waiting_tools",
    WaitingExec: "waiting_exec",
    WaitingCheckpoint: "waiting_checkpoint",
}


def effect_record(effect: MachineEffect) -> EffectRecord:
    """Return an effect as it is written; `.variant` gives it back."""
    variant: dict[str, Any] = {_EFFECT_FIELDS[type(effect)]: effect}
    return EffectRecord(**variant)


def state_record(state: MachineState) -> StateRecord:
    """Return a state as it is written."""
    if isinstance(state, str):
        return state
    variant: dict[str, Any] = {_STATE_FIELDS[type(state)]: state}
    return WaitingRecord(**variant)


def state_of(record: StateRecord) -> MachineState:
    """Return the state that `record` tells of."""
    if isinstance(record, str):
        return record
    state: MachineState = record.variant
    return state
