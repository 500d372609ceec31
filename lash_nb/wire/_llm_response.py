"""What a model call gave: a response or an error (lash 0.1.0-alpha.37, effect wire format §7.5–7.6)."""

from typing import Literal, TypeAlias

from msgspec import UNSET, UnsetType, field

from lash_nb.wire._base import External, Json, TwoWay, Wire, none
from lash_nb.wire._llm import ProviderReasoningReplay, ProviderReplayMeta, ResponseTextMeta
from lash_nb.wire._usage import LlmUsage

__all__ = [
    "LlmCallError",
    "LlmOutputPart",
    "LlmResponse",
    "LlmResult",
    "LlmTerminalReason",
    "ReasoningPart",
    "TextPart",
    "ToolCallPart",
]

LlmTerminalReason: TypeAlias = Literal[
    "stop", "tool_use", "output_limit", "context_overflow", "content_filter", "provider_error", "cancelled", "unknown"
]
"""Why a model call ended."""


class TextPart(Wire, frozen=True, kw_only=True):
    """Text of a response."""

    text: str
    """The text."""
    response_meta: ResponseTextMeta | None = field(default_factory=none)
    """Provider metadata."""


class ReasoningPart(Wire, frozen=True, kw_only=True):
    """Reasoning of a response."""

    text: str
    """The visible text."""
    replay: ProviderReasoningReplay | None = field(default_factory=none)
    """Provider metadata."""


class ToolCallPart(Wire, frozen=True, kw_only=True):
    """A tool call of a response."""

    call_id: str
    """Id of the call."""
    tool_name: str
    """The tool."""
    input_json: str
    """The arguments as the model wrote them: JSON text."""
    replay: ProviderReplayMeta | None = field(default_factory=none)
    """Provider metadata."""


class LlmOutputPart(External, frozen=True, kw_only=True):
    """One part of a response."""

    Text: TextPart | None = None
    """Text."""
    Reasoning: ReasoningPart | None = None
    """Reasoning."""
    ToolCall: ToolCallPart | None = None
    """A tool call."""


class LlmResponse(Wire, frozen=True, kw_only=True):
    """What a model call gave."""

    full_text: str
    """All text."""
    parts: tuple[LlmOutputPart, ...]
    """Text, reasoning and tool calls in order."""
    usage: LlmUsage
    """Tokens."""
    terminal_reason: LlmTerminalReason
    """Why it ended."""
    terminal_diagnostic: str | None = field(default_factory=none)
    """The provider's explanation of a bad end."""
    provider_usage: Json = field(default_factory=none)
    """Usage as the provider reports it."""
    request_body: str | None = field(default_factory=none)
    """The request as it was sent, when the provider keeps it."""
    http_summary: str | None = field(default_factory=none)
    """One line on the HTTP exchange."""


class LlmCallError(Wire, frozen=True, kw_only=True):
    """Why a model call failed."""

    message: str
    """What happened."""
    retryable: bool
    """Whether the same call may succeed later."""
    raw: str | None = field(default_factory=none)
    """The provider's own text."""
    code: str | None = field(default_factory=none)
    """Machine-readable cause."""
    terminal_reason: LlmTerminalReason
    """Why it ended."""
    request_body: str | None = field(default_factory=none)
    """The request as it was sent, when the provider keeps it."""


class LlmResult(TwoWay, frozen=True, kw_only=True):
    """A response or an error."""

    Ok: LlmResponse | UnsetType = UNSET
    """The response."""
    Err: LlmCallError | UnsetType = UNSET
    """The error."""
