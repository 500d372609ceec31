"""Raw events of a turn, as hosts below the semantic stream see them (lash 0.1.0-alpha.37, turns §7.1)."""

from typing import TypeAlias

from lash_nb.wire._activity import AcceptedInjectedTurnInput, PluginRuntimeEvent
from lash_nb.wire._base import U64, Json, Wire
from lash_nb.wire._exec import CheckpointKind
from lash_nb.wire._message import PluginMessage
from lash_nb.wire._tool import ToolCallOutput
from lash_nb.wire._turn import ErrorEnvelope, TurnOutcome
from lash_nb.wire._usage import TokenUsage

__all__ = [
    "ChildTokenUsageEvent",
    "DoneEvent",
    "ErrorEvent",
    "InjectedMessagesCommittedEvent",
    "InjectedTurnInputAcceptedEvent",
    "LlmRequestEvent",
    "LlmResponseEvent",
    "MessageEvent",
    "PluginEvent",
    "ReasoningDeltaEvent",
    "RetryStatusEvent",
    "SessionEvent",
    "TextDeltaEvent",
    "TokenUsageEvent",
    "ToolCallEvent",
    "ToolCallStartEvent",
    "TurnOutcomeEvent",
]


class TextDeltaEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="text_delta"):
    """The model wrote."""

    content: str
    """What is new."""


class ReasoningDeltaEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="reasoning_delta"):
    """The model thought aloud."""

    content: str
    """What is new."""


class ToolCallStartEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="tool_call_start"):
    """A tool call starts."""

    call_id: str | None = None
    """Id of the call."""
    name: str
    """The tool."""
    args: Json
    """The arguments."""


class ToolCallEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="tool_call"):
    """A tool call ended."""

    call_id: str | None = None
    """Id of the call."""
    name: str
    """The tool."""
    args: Json
    """The arguments."""
    output: ToolCallOutput
    """What it gave."""
    duration_ms: U64
    """How long it took, in milliseconds."""


class MessageEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="message"):
    """The protocol says something."""

    text: str
    """What."""
    kind: str
    """What sort of text."""


class LlmRequestEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="llm_request"):
    """The model is asked."""

    protocol_iteration: U64
    """Iteration of the loop."""
    message_count: U64
    """Messages in the request."""
    tool_list: str
    """Names of the tools."""


class LlmResponseEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="llm_response"):
    """The model answered."""

    protocol_iteration: U64
    """Iteration of the loop."""
    content: str
    """All text."""
    duration_ms: U64
    """Always 0; the trace has the time."""


class TokenUsageEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="token_usage"):
    """A model call was counted."""

    protocol_iteration: U64
    """Iteration of the loop."""
    usage: TokenUsage
    """The call's tokens."""
    cumulative: TokenUsage
    """The turn's tokens so far."""


class ChildTokenUsageEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="child_token_usage"):
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


class RetryStatusEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="retry_status"):
    """A model call is tried again."""

    wait_seconds: U64
    """After this wait."""
    attempt: U64
    """The attempt that failed, from 1."""
    max_attempts: U64
    """How often it may be tried."""
    reason: str
    """Why it failed."""
    envelope: ErrorEnvelope | None = None
    """The facts."""


class InjectedTurnInputAcceptedEvent(
    Wire, frozen=True, kw_only=True, tag_field="type", tag="injected_turn_input_accepted"
):
    """Input came into the running turn."""

    inputs: tuple[AcceptedInjectedTurnInput, ...]
    """The input."""
    checkpoint: CheckpointKind
    """Where."""


class InjectedMessagesCommittedEvent(
    Wire, frozen=True, kw_only=True, tag_field="type", tag="injected_messages_committed"
):
    """Messages of plugins and tools came into the running turn."""

    messages: tuple[PluginMessage, ...]
    """The messages."""
    checkpoint: CheckpointKind
    """Where."""


class PluginEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="plugin_event"):
    """A plugin tells something."""

    plugin_id: str
    """The plugin."""
    event: PluginRuntimeEvent
    """What it tells."""


class TurnOutcomeEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="turn_outcome"):
    """The turn's end is decided."""

    outcome: TurnOutcome
    """The end."""


class DoneEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="done"):
    """The machine is done."""


class ErrorEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="error"):
    """Something went wrong."""

    message: str
    """What."""
    envelope: ErrorEnvelope | None = None
    """The facts."""


SessionEvent: TypeAlias = (
    TextDeltaEvent
    | ReasoningDeltaEvent
    | ToolCallStartEvent
    | ToolCallEvent
    | MessageEvent
    | LlmRequestEvent
    | LlmResponseEvent
    | TokenUsageEvent
    | ChildTokenUsageEvent
    | RetryStatusEvent
    | InjectedTurnInputAcceptedEvent
    | InjectedMessagesCommittedEvent
    | PluginEvent
    | TurnOutcomeEvent
    | DoneEvent
    | ErrorEvent
)
"""What happened."""
