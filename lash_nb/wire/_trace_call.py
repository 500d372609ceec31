"""Calls of models and tools as traces tell them: hashes for bytes, flags for what only a provider can read (lash 0.1.0-alpha.37, turns §16.2)."""

from typing import Literal, TypeAlias

from msgspec import field

from lash_nb.wire._base import I64, U64, Json, Wire, none
from lash_nb.wire._json import to_builtins
from lash_nb.wire._shared import Shareable
from lash_nb.wire._tool import ToolCallOutput
from lash_nb.wire._usage import LlmUsage

__all__ = [
    "StreamSummary",
    "TraceAttachment",
    "TraceContentBlock",
    "TraceImageBlock",
    "TraceLlmError",
    "TraceLlmMessage",
    "TraceLlmRequest",
    "TraceLlmResponse",
    "TraceProviderStreamEvent",
    "TraceReasoningBlock",
    "TraceRuntimeStreamEvent",
    "TraceTextBlock",
    "TraceTokenUsage",
    "TraceToolCallBlock",
    "TraceToolCallOutcome",
    "TraceToolCallOutput",
    "TraceToolCallStatus",
    "TraceToolResultBlock",
    "TraceToolSpec",
]

TraceToolCallStatus: TypeAlias = Literal["success", "failure", "cancelled"]
"""How a tool call ended."""
TraceTokenUsage: TypeAlias = LlmUsage
"""Tokens as they are traced: the same shape as a provider reports them in."""


class TraceToolSpec(Wire, frozen=True, kw_only=True):
    """A tool that the model was offered."""

    name: str
    """Its name."""
    description: str
    """What it does."""
    input_schema: Json
    """Schema of the arguments."""
    output_schema: Json
    """Schema of the result."""


class TraceAttachment(Wire, frozen=True, kw_only=True):
    """Bytes that went with a request."""

    mime: str
    """Their type."""
    filename: str | None = None
    """Their name."""
    bytes_sha256: str | None = None
    """Their hash."""
    bytes_len: U64 | None = None
    """How many."""


class TraceTextBlock(Wire, frozen=True, kw_only=True, tag_field="kind", tag="text"):
    """Text."""

    text: str
    """The text."""
    cache_breakpoint: bool = False
    """Whether the provider should cache up to here."""


class TraceImageBlock(Wire, frozen=True, kw_only=True, tag_field="kind", tag="image"):
    """A picture."""

    attachment_idx: U64
    """Index into the request's attachments."""


class TraceToolCallBlock(Wire, frozen=True, kw_only=True, tag_field="kind", tag="tool_call"):
    """A tool call that the model made earlier."""

    call_id: str | None = field(default_factory=none)
    """Id of the call."""
    tool_name: str
    """The tool."""
    input_json: Json
    """The arguments, parsed; the model's text where it is no JSON."""
    item_id: str | None = field(default_factory=none)
    """The provider's item id."""
    has_signature: bool
    """Whether the provider signed it."""


class TraceToolResultBlock(Wire, frozen=True, kw_only=True, tag_field="kind", tag="tool_result"):
    """What a tool call gave."""

    call_id: str | None = field(default_factory=none)
    """Id of the call."""
    tool_name: str | None = field(default_factory=none)
    """The tool."""
    content: str
    """The result as the model sees it."""


class TraceReasoningBlock(Wire, frozen=True, kw_only=True, tag_field="kind", tag="reasoning"):
    """Reasoning of the model that its provider wants back."""

    text: str
    """The visible text."""
    item_id: str | None = field(default_factory=none)
    """The provider's item id."""
    summary: tuple[str, ...]
    """What the provider tells of it."""
    has_encrypted: bool
    """Whether there is reasoning that only the provider can read."""
    redacted: bool
    """Whether the provider hid the text."""


TraceContentBlock: TypeAlias = (
    TraceTextBlock | TraceImageBlock | TraceToolCallBlock | TraceToolResultBlock | TraceReasoningBlock
)
"""One block of a traced message."""


class TraceLlmMessage(Wire, frozen=True, kw_only=True):
    """A message of a request."""

    role: str
    """Who speaks, in lower case."""
    blocks: tuple[TraceContentBlock, ...]
    """What is said."""


class TraceLlmRequest(Wire, frozen=True, kw_only=True):
    """A model request as it is traced."""

    model: str
    """The model id."""
    model_variant: str | None = None
    """Variant of the model."""
    messages: Shareable[TraceLlmMessage]
    """The conversation."""
    attachments: tuple[TraceAttachment, ...] = ()
    """What image blocks point at."""
    tools: tuple[TraceToolSpec, ...] = ()
    """The callable tools."""
    tool_choice: str
    """`auto`, `none` or `required`."""
    output_spec: Json = None
    """Structured output, if asked for."""
    stream: bool
    """Whether the answer streams; false in started records."""


class TraceLlmResponse(Wire, frozen=True, kw_only=True):
    """A model response as it is traced."""

    text: str
    """All text."""
    duration_ms: U64
    """How long the call took, in milliseconds."""
    terminal_reason: str | None = None
    """Why it ended."""
    parts: Json = None
    """Text, reasoning and tool calls as a list, each with a `type`; None when there are none."""


class TraceLlmError(Wire, frozen=True, kw_only=True):
    """A failed model call as it is traced."""

    message: str
    """What happened."""
    retryable: bool
    """Whether the same call may succeed later."""
    terminal_reason: str | None = None
    """Why it ended."""
    code: str | None = None
    """Machine-readable cause."""
    raw: str | None = None
    """The provider's own text."""


class StreamSummary(Wire, frozen=True, kw_only=True):
    """What was seen of a stream; null when nothing was visible. Times in milliseconds."""

    avg_visible_chunk_chars: float | None = field(default_factory=none)
    """Mean length of a shown text."""
    first_visible_token_latency_ms: U64 | None = field(default_factory=none)
    """From the start of the call to the first visible text."""
    max_visible_chunk_chars: U64 | None = field(default_factory=none)
    """Longest shown text."""
    stream_duration_ms: U64 | None = field(default_factory=none)
    """From the first to the last visible text."""
    text_delta_count: U64 = field(default_factory=int)
    """Text events."""
    visible_chunk_count: U64 = field(default_factory=int)
    """Texts that were shown."""


class TraceProviderStreamEvent(Wire, frozen=True, kw_only=True):
    """A raw event of a provider's stream."""

    provider: str
    """The provider's kind."""
    sequence: U64
    """Number of the event in its call."""
    elapsed_ms: U64
    """Since the start of the call, in milliseconds."""
    event_name: str
    """What sort of event."""
    item_id: str | None = None
    """The provider's item id."""
    output_index: I64 | None = None
    """The provider's index of the output."""
    raw_len: U64
    """Bytes of the event."""
    raw_sha256: str
    """Their hash."""
    raw_json: Json = None
    """The event, where it is JSON."""


class TraceRuntimeStreamEvent(Wire, frozen=True, kw_only=True):
    """An event of a stream as the runtime saw it."""

    sequence: U64
    """Number of the event in its call."""
    elapsed_ms: U64
    """Since the start of the call, in milliseconds."""
    event_name: str
    """`delta`, `text_part`, `reasoning_delta`, `reasoning_part`, `tool_call_part` or `usage`."""
    raw_text: str | None = None
    """The text as it came."""
    visible_text: str | None = None
    """What of it is shown."""
    item_id: str | None = None
    """The provider's item id."""
    output_index: I64 | None = None
    """The provider's index of the output."""
    call_id: str | None = None
    """Id of the tool call."""
    tool_name: str | None = None
    """The tool."""
    input_json: Json = None
    """Its arguments."""
    usage: TraceTokenUsage | None = None
    """Tokens."""


class TraceToolCallOutcome(Wire, frozen=True, kw_only=True):
    """How a traced tool call ended."""

    status: TraceToolCallStatus
    """In one word."""
    payload: Json
    """The value, failure or cancellation as a free value."""


class TraceToolCallOutput(Wire, frozen=True, kw_only=True):
    """All that a traced tool call gave."""

    outcome: TraceToolCallOutcome
    """How it ended."""
    control: Json = None
    """What it asked of the turn."""

    @classmethod
    def of(cls, output: ToolCallOutput) -> "TraceToolCallOutput":
        """Return `output` as it is traced: every record in it becomes a free value, so its keys are sorted when written.

        Nothing that can be changed is shared with `output`.
        """
        control = None if output.control is None else to_builtins(output.control)
        value = output.value_for_projection()
        payload = value if isinstance(value, str) else to_builtins(value)
        return cls(outcome=TraceToolCallOutcome(status=output.status, payload=payload), control=control)
