"""The semantic stream of a turn: what a person watching wants to see (lash 0.1.0-alpha.37, turns §7.2)."""

from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias, cast

from msgspec import field
from msgspec.structs import asdict

from lash_nb.wire._base import U64, Flat, Json, Wire, none
from lash_nb.wire._exec import CheckpointKind
from lash_nb.wire._json import to_builtins
from lash_nb.wire._message import PluginMessage, TurnCause
from lash_nb.wire._queue import QueuedWorkClaimBoundary
from lash_nb.wire._tool import ToolCallOutput
from lash_nb.wire._usage import TokenUsage
from lash_nb.words import legible

__all__ = [
    "AcceptedInjectedTurnInput",
    "AssistantProseDelta",
    "ChildUsage",
    "CodeBlockCompleted",
    "CodeBlockStarted",
    "CustomRuntimeEvent",
    "ErrorActivity",
    "ModelRequestStarted",
    "PluginRuntime",
    "PluginRuntimeEvent",
    "QueuedInputAccepted",
    "QueuedMessagesCommitted",
    "QueuedWorkStarted",
    "ReasoningDelta",
    "RetryStatus",
    "StatusRuntimeEvent",
    "SubmittedValue",
    "ToolCallActivityCompleted",
    "ToolCallActivityStarted",
    "ToolValueSubmitted",
    "TurnActivity",
    "TurnEvent",
    "UsageActivity",
]

_TOLD: Final = 60
"""Characters of a field that `print(activity)` shows at most."""


class AcceptedInjectedTurnInput(Wire, frozen=True, kw_only=True):
    """Input that came into a running turn."""

    id: str | None = None
    """The caller's own id."""
    message: PluginMessage
    """The input."""


class StatusRuntimeEvent(Wire, frozen=True, kw_only=True, tag_field="kind", tag="status"):
    """A plugin's status line."""

    key: str
    """Which line."""
    label: str
    """What it says."""
    detail: str | None = None
    """More."""


class CustomRuntimeEvent(Wire, frozen=True, kw_only=True, tag_field="kind", tag="custom"):
    """A plugin's own event."""

    name: str
    """Its name."""
    payload: Json
    """Its content."""


PluginRuntimeEvent: TypeAlias = StatusRuntimeEvent | CustomRuntimeEvent
"""What a plugin tells while a turn runs."""


class QueuedWorkStarted(Wire, frozen=True, kw_only=True, tag_field="type", tag="queued_work_started"):
    """Queued work came in."""

    boundary: QueuedWorkClaimBoundary
    """Where."""
    batch_ids: tuple[str, ...]
    """The batches."""
    causes: tuple[TurnCause, ...]
    """Events among it."""


class ModelRequestStarted(Wire, frozen=True, kw_only=True, tag_field="type", tag="model_request_started"):
    """The model is asked."""

    protocol_iteration: U64
    """Iteration of the loop."""


class AssistantProseDelta(Wire, frozen=True, kw_only=True, tag_field="type", tag="assistant_prose_delta"):
    """The model wrote."""

    text: str
    """What is new."""


class ReasoningDelta(Wire, frozen=True, kw_only=True, tag_field="type", tag="reasoning_delta"):
    """The model thought aloud."""

    text: str
    """What is new."""


class CodeBlockStarted(Wire, frozen=True, kw_only=True, tag_field="type", tag="code_block_started"):
    """A code block starts."""

    language: str
    """Its language."""
    code: str
    """The code."""
    graph_key: str | None = None
    """Key of its execution graph."""


class CodeBlockCompleted(Wire, frozen=True, kw_only=True, tag_field="type", tag="code_block_completed"):
    """A code block ended."""

    language: str
    """Its language."""
    output: str
    """What it printed."""
    error: str | None = field(default_factory=none)
    """Why it failed."""
    success: bool
    """Whether it did not."""
    duration_ms: U64
    """How long it took, in milliseconds."""
    tool_call_ids: tuple[str, ...]
    """Tool calls that it made."""
    graph_key: str | None = None
    """Key of its execution graph."""


class ToolCallActivityStarted(Wire, frozen=True, kw_only=True, tag_field="type", tag="tool_call_started"):
    """A tool call starts."""

    call_id: str | None = field(default_factory=none)
    """Id of the call."""
    name: str
    """The tool."""
    args: Json
    """The arguments."""


class ToolCallActivityCompleted(Wire, frozen=True, kw_only=True, tag_field="type", tag="tool_call_completed"):
    """A tool call ended."""

    call_id: str | None = field(default_factory=none)
    """Id of the call."""
    name: str
    """The tool."""
    args: Json
    """The arguments."""
    output: ToolCallOutput
    """What it gave."""
    duration_ms: U64
    """How long it took, in milliseconds."""


class SubmittedValue(Wire, frozen=True, kw_only=True, tag_field="type", tag="submitted_value"):
    """Code submitted the turn's value."""

    value: Json
    """The value."""


class ToolValueSubmitted(Wire, frozen=True, kw_only=True, tag_field="type", tag="tool_value"):
    """A tool ended the turn with a value."""

    tool_name: str
    """The tool."""
    value: Json
    """The value as a free one, attachments as they are written."""


class UsageActivity(Wire, frozen=True, kw_only=True, tag_field="type", tag="usage"):
    """A model call was counted."""

    protocol_iteration: U64
    """Iteration of the loop."""
    usage: TokenUsage
    """The call's tokens."""
    cumulative: TokenUsage
    """The turn's tokens so far."""


class ChildUsage(Wire, frozen=True, kw_only=True, tag_field="type", tag="child_usage"):
    """A child session used tokens."""

    session_id: str
    """The child."""
    source: str
    """Label of its ledger row."""
    model: str
    """Its model."""
    protocol_iteration: U64
    """Iteration of its loop."""
    usage: TokenUsage
    """The call's tokens."""
    cumulative: TokenUsage
    """The child's tokens so far."""


class RetryStatus(Wire, frozen=True, kw_only=True, tag_field="type", tag="retry_status"):
    """A model call is tried again."""

    wait_seconds: U64
    """After this wait."""
    attempt: U64
    """The attempt that failed, from 1."""
    max_attempts: U64
    """How often it may be tried."""
    reason: str
    """Why it failed."""


class PluginRuntime(Wire, frozen=True, kw_only=True, tag_field="type", tag="plugin_runtime"):
    """A plugin tells something."""

    plugin_id: str
    """The plugin."""
    event: PluginRuntimeEvent
    """What it tells."""


class QueuedInputAccepted(Wire, frozen=True, kw_only=True, tag_field="type", tag="queued_input_accepted"):
    """Input came into the running turn."""

    checkpoint: CheckpointKind
    """Where."""
    inputs: tuple[AcceptedInjectedTurnInput, ...]
    """The input."""


class QueuedMessagesCommitted(Wire, frozen=True, kw_only=True, tag_field="type", tag="queued_messages_committed"):
    """Messages of plugins and tools came into the running turn."""

    messages: tuple[PluginMessage, ...]
    """The messages."""
    checkpoint: CheckpointKind
    """Where."""


class ErrorActivity(Wire, frozen=True, kw_only=True, tag_field="type", tag="error"):
    """Something went wrong, or the turn was cancelled."""

    message: str
    """What; `LLM error: cancelled` of a turn that was cancelled while its model was asked, and nothing is wrong with the model."""


TurnEvent: TypeAlias = (
    QueuedWorkStarted
    | ModelRequestStarted
    | AssistantProseDelta
    | ReasoningDelta
    | CodeBlockStarted
    | CodeBlockCompleted
    | ToolCallActivityStarted
    | ToolCallActivityCompleted
    | SubmittedValue
    | ToolValueSubmitted
    | UsageActivity
    | ChildUsage
    | RetryStatus
    | PluginRuntime
    | QueuedInputAccepted
    | QueuedMessagesCommitted
    | ErrorActivity
)
"""What happened."""


class TurnActivity(Flat, frozen=True, kw_only=True):
    """One item of the stream; written flat, the event's fields beside the ids.

    What happened is its `event`, one of `TurnEvent`: of an `AssistantProseDelta` the new text is `activity.event.text`. `print(activity)` is
    one short line.
    """

    id: str
    """Unique."""
    correlation_id: str
    """The same for all items of one logical row, e.g. `tool:CALL`."""
    event: TurnEvent
    """What happened."""

    @property
    def type(self) -> str:
        """Tag of the event, e.g. `tool_call_started`."""
        return str(type(self.event).__struct_config__.tag)

    def __str__(self) -> str:
        told = (f"{name}={legible(repr(value), _TOLD)}" for name, value in asdict(self.event).items())
        return f"{self.type}: {', '.join(told)}"

    if not TYPE_CHECKING:  # who checks types is told by them

        def __getattr__(self, name: str) -> NoReturn:
            message = (
                f"an activity has no {name!r}, it has id, correlation_id, type and event; what happened is in its event, as the new text"
                " of an AssistantProseDelta in activity.event.text"
            )
            raise AttributeError(message, name=name, obj=self)

    def to_builtins(self) -> dict[str, Any]:
        """Return the flat wire form."""
        return cast("dict[str, Any]", to_builtins(self))
