"""What the machine asks for and what it is answered (lash 0.1.0-alpha.37, turns §2.3).

Five effects want an answer that carries their `id`: `SyncExecutionSurface`, `LlmCall`, `ToolCalls`, `ExecCode`, `Checkpoint`.
The others are notes: `Log`, `Emit`, `Progress`, `Done`. All are wire records, so a checkpoint can hold them.
"""

from typing import TypeAlias

from msgspec import field

from lash_nb.wire import (
    CheckpointDelivery,
    CheckpointKind,
    CompletedToolCall,
    ExecResult,
    External,
    Json,
    LlmCallError,
    LlmRequest,
    LlmResponse,
    LlmResult,
    Message,
    ProviderReplayMeta,
    SessionEvent,
    SessionEventRecord,
    Shareable,
    SurfaceResult,
    Wire,
)

__all__ = [
    "Checkpoint",
    "CheckpointDelivered",
    "Done",
    "Emit",
    "ExecCode",
    "ExecCompleted",
    "ExecutionSurfaceSynced",
    "LlmCall",
    "LlmComplete",
    "LlmDebug",
    "LlmError",
    "Log",
    "LogEvent",
    "MachineEffect",
    "MachineResponse",
    "PendingToolCall",
    "Progress",
    "SyncExecutionSurface",
    "ToolCalls",
    "ToolResults",
]


class PendingToolCall(Wire, frozen=True, kw_only=True):
    """A tool call as the model asked for it, before preparation."""

    call_id: str
    """Id of the call, given by the provider."""
    tool_name: str
    """The tool."""
    args: Json
    """The arguments; an empty object when the model's text was no JSON."""
    replay: ProviderReplayMeta | None = field(default_factory=type(None))  # written as null
    """Provider metadata."""


class SyncExecutionSurface(Wire, frozen=True, kw_only=True):
    """Bring tools and prompt up to date; answered by `ExecutionSurfaceSynced`."""

    id: int
    """Effect id."""
    update_machine_config: bool
    """Whether a new prompt and new tool specs are wanted."""


class LlmCall(Wire, frozen=True, kw_only=True):
    """Call the model; answered by `LlmComplete`."""

    id: int
    """Effect id."""
    request: LlmRequest
    """The request; its attachments carry references, not yet bytes."""


class ToolCalls(Wire, frozen=True, kw_only=True):
    """Run the tool calls of one response, in order; answered by `ToolResults`."""

    id: int
    """Effect id, shared by all calls."""
    calls: tuple[PendingToolCall, ...]
    """The calls."""


class ExecCode(Wire, frozen=True, kw_only=True):
    """Run a code block; answered by `ExecCompleted`."""

    id: int
    """Effect id."""
    code: str
    """The source."""


class Checkpoint(Wire, frozen=True, kw_only=True):
    """Let waiting work in; answered by `CheckpointDelivered`."""

    id: int
    """Effect id."""
    checkpoint: CheckpointKind
    """Which of the two places of a turn."""


class LlmDebug(Wire, frozen=True, kw_only=True):
    """A model call answered."""

    protocol_iteration: int
    """Iteration of the loop."""
    response: LlmResponse
    """The answer, its terminal reason refined."""


class LlmError(Wire, frozen=True, kw_only=True):
    """A model call failed."""

    protocol_iteration: int
    """Iteration of the loop."""
    error: LlmCallError
    """Why."""


class LogEvent(External, frozen=True, kw_only=True, rename="pascal"):
    """Something for a log alone."""

    llm_debug: LlmDebug | None = None
    """A model call answered."""
    llm_error: LlmError | None = None
    """A model call failed."""


class Log(Wire, frozen=True, kw_only=True):
    """A note for a log; only made when the configuration asks for it."""

    event: LogEvent
    """What happened."""


class Emit(Wire, frozen=True, kw_only=True):
    """A session event for whoever listens; also what a driver returns to emit one."""

    event: SessionEvent
    """The event."""


class Progress(Wire, frozen=True, kw_only=True):
    """A point at which the turn so far may be stored, as it was when the note was queued."""

    messages: Shareable[Message]
    """All messages, those before the turn included."""
    event_delta: tuple[SessionEventRecord, ...]
    """Records since the last `Progress`."""
    protocol_iteration: int
    """Iteration of the loop."""


class Done(Wire, frozen=True, kw_only=True):
    """The last note: the turn is over."""

    messages: Shareable[Message]
    """All messages, those before the turn included."""
    event_delta: tuple[SessionEventRecord, ...]
    """Records since the last `Progress`."""
    protocol_iteration: int
    """Iteration of the loop."""


MachineEffect: TypeAlias = (
    SyncExecutionSurface | LlmCall | ToolCalls | ExecCode | Checkpoint | Log | Emit | Progress | Done
)
"""What `TurnMachine.poll_effect` returns."""


class ExecutionSurfaceSynced(Wire, frozen=True, kw_only=True):
    """Answers `SyncExecutionSurface`."""

    id: int
    """Id of the effect."""
    result: SurfaceResult
    """A new surface, nothing new, or why there is none."""


class LlmComplete(Wire, frozen=True, kw_only=True):
    """Answers `LlmCall`."""

    id: int
    """Id of the effect."""
    result: LlmResult
    """The response or the error."""
    text_streamed: bool
    """Whether the text was already emitted while it came."""


class ToolResults(Wire, frozen=True, kw_only=True):
    """Answers `ToolCalls`."""

    id: int
    """Id of the effect."""
    results: tuple[CompletedToolCall, ...]
    """The calls with their results, in the order of the calls."""


class ExecCompleted(Wire, frozen=True, kw_only=True):
    """Answers `ExecCode`."""

    id: int
    """Id of the effect."""
    result: ExecResult
    """What the code gave or why it could not run."""


class CheckpointDelivered(Wire, frozen=True, kw_only=True):
    """Answers `Checkpoint`."""

    id: int
    """Id of the effect."""
    delivery: CheckpointDelivery
    """The work that came in; often empty."""


MachineResponse: TypeAlias = ExecutionSurfaceSynced | LlmComplete | ToolResults | ExecCompleted | CheckpointDelivered
"""What `TurnMachine.handle_response` takes."""
