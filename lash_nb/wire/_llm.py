"""Model requests and responses (lash 0.1.0-alpha.37, effect wire format §7)."""

from typing import Literal, TypeAlias

from msgspec import UNSET, UnsetType, field

from lash_nb.wire._base import U64, External, Json, NonZero, Octets, TwoWay, Wire, no_items, none
from lash_nb.wire._media import AttachmentRef
from lash_nb.wire._usage import LlmUsage

__all__ = [
    "GenerationOptions",
    "ImageBlock",
    "JsonSchemaSpec",
    "LlmAttachment",
    "LlmAttachmentSpec",
    "LlmCallError",
    "LlmContentBlock",
    "LlmMessage",
    "LlmOutputPart",
    "LlmOutputSpec",
    "LlmRequest",
    "LlmRequestSpec",
    "LlmResponse",
    "LlmResult",
    "LlmRole",
    "LlmTerminalReason",
    "LlmToolChoice",
    "LlmToolSpec",
    "OutputJsonSchema",
    "ProviderReasoningReplay",
    "ProviderReplayMeta",
    "ReasoningBlock",
    "ReasoningPart",
    "ResponseTextMeta",
    "SchemaProjectionOverride",
    "TextBlock",
    "TextPart",
    "ToolCallBlock",
    "ToolCallPart",
    "ToolResultBlock",
]

LlmRole: TypeAlias = Literal["User", "Assistant", "System"]
"""Who speaks in a model request."""
LlmToolChoice: TypeAlias = Literal["Auto", "None", "Required"]
"""Whether the model may, may not or must call a tool."""
LlmTerminalReason: TypeAlias = Literal[
    "stop", "tool_use", "output_limit", "context_overflow", "content_filter", "provider_error", "cancelled", "unknown"
]
"""Why a model call ended."""


class ResponseTextMeta(Wire, frozen=True, kw_only=True):
    """What a provider wants back beside a text; passed through unread."""

    id: str | None = None
    """The provider's item id."""
    status: str | None = None
    """The provider's status."""
    phase: str | None = None
    """The provider's phase, e.g. `final_answer`."""


class ProviderReplayMeta(Wire, frozen=True, kw_only=True):
    """What a provider wants back beside a tool call; passed through unread."""

    item_id: str | None = None
    """The provider's item id."""
    opaque: str | None = None
    """Anything else."""


class ProviderReasoningReplay(Wire, frozen=True, kw_only=True):
    """What a provider wants back beside reasoning; passed through unread."""

    item_id: str | None = None
    """The provider's item id."""
    encrypted_content: str | None = None
    """Reasoning that only the provider can read."""
    signature: str | None = None
    """Proof that the reasoning is the provider's own."""
    redacted: bool = False
    """Whether the provider hid the text."""
    summary: tuple[str, ...] = ()
    """What the provider tells of the reasoning."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is set."""
        return not (self.item_id or self.encrypted_content or self.signature or self.redacted or self.summary)


class TextBlock(Wire, frozen=True, kw_only=True):
    """Text of a message."""

    text: str
    """The text."""
    response_meta: ResponseTextMeta | None = field(default_factory=none)
    """Provider metadata."""
    cache_breakpoint: bool
    """Whether the provider should cache up to here."""


class ImageBlock(Wire, frozen=True, kw_only=True):
    """A picture of a message."""

    attachment_idx: U64
    """Index into the request's attachments."""


class ToolCallBlock(Wire, frozen=True, kw_only=True):
    """A tool call that the model made earlier."""

    call_id: str
    """Id of the call."""
    tool_name: str
    """The tool."""
    input_json: str
    """The arguments as the model wrote them: JSON text."""
    replay: ProviderReplayMeta | None = field(default_factory=none)
    """Provider metadata."""


class ToolResultBlock(Wire, frozen=True, kw_only=True):
    """What a tool call gave."""

    call_id: str
    """Id of the call."""
    content: str
    """The result as the model sees it."""
    tool_name: str | None = field(default_factory=none)
    """The tool."""


class ReasoningBlock(Wire, frozen=True, kw_only=True):
    """Reasoning of the model that its provider wants back."""

    text: str
    """The visible text."""
    replay: ProviderReasoningReplay | None = field(default_factory=none)
    """Provider metadata."""


class LlmContentBlock(External, frozen=True, kw_only=True):
    """One block of a message to the model."""

    Text: TextBlock | None = None
    """Text."""
    Image: ImageBlock | None = None
    """A picture."""
    ToolCall: ToolCallBlock | None = None
    """A tool call."""
    ToolResult: ToolResultBlock | None = None
    """A tool result."""
    Reasoning: ReasoningBlock | None = None
    """Reasoning."""


class LlmMessage(Wire, frozen=True, kw_only=True):
    """One message to the model."""

    role: LlmRole
    """Who speaks."""
    blocks: tuple[LlmContentBlock, ...]
    """What is said."""


class SchemaProjectionOverride(Wire, frozen=True, kw_only=True):
    """A schema written by hand for one provider profile."""

    profile: str
    """The profile, e.g. `openai_tool_parameters`."""
    schema: Json
    """The JSON Schema."""


class LlmToolSpec(Wire, frozen=True, kw_only=True):
    """A tool as the model sees it."""

    name: str
    """The name to call."""
    description: str
    """What it does."""
    input_schema: Json
    """JSON Schema of the arguments."""
    output_schema: Json
    """JSON Schema of the result."""
    input_schema_projections: tuple[SchemaProjectionOverride, ...]
    """Argument schemas for single provider profiles."""
    output_schema_projections: tuple[SchemaProjectionOverride, ...]
    """Result schemas for single provider profiles."""


class GenerationOptions(Wire, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of one generation."""

    output_token_cap: NonZero | None = None
    """Most tokens to generate, at least 1."""

    def __post_init__(self) -> None:
        if self.output_token_cap is not None and self.output_token_cap < 1:
            message = f"output_token_cap must be at least 1, got {self.output_token_cap}"
            raise ValueError(message)


class JsonSchemaSpec(Wire, frozen=True, kw_only=True):
    """A JSON Schema that the answer must follow."""

    name: str
    """Name of the schema."""
    schema: Json
    """The JSON Schema."""
    strict: bool
    """Whether the provider must enforce it."""


class OutputJsonSchema(External, frozen=True, kw_only=True):
    """Structured output by schema."""

    JsonSchema: JsonSchemaSpec | None = None
    """The schema."""


LlmOutputSpec: TypeAlias = Literal["JsonObject"] | OutputJsonSchema
"""Structured output: any JSON object, or one of a schema."""


class LlmAttachment(Wire, frozen=True, kw_only=True):
    """Bytes of a live request."""

    mime: str
    """MIME type."""
    data: Octets
    """The bytes; empty until the reference is resolved."""
    reference: AttachmentRef | None = field(default_factory=none)
    """Where the bytes are stored."""


class LlmAttachmentSpec(Wire, frozen=True, kw_only=True):
    """An attachment of a serialized request: a reference only."""

    reference: AttachmentRef
    """Where the bytes are stored."""


class LlmRequestSpec(Wire, frozen=True, kw_only=True):
    """A model request as it is written into an envelope: no bytes, no callbacks."""

    model: str
    """The model id."""
    messages: tuple[LlmMessage, ...]
    """The conversation."""
    attachments: tuple[LlmAttachmentSpec, ...]
    """What image blocks point at."""
    tools: tuple[LlmToolSpec, ...]
    """The callable tools."""
    tool_choice: LlmToolChoice
    """Whether tools may be called."""
    model_variant: str | None = field(default_factory=none)
    """Variant of the model, e.g. a reasoning effort."""
    generation: GenerationOptions = field(default_factory=GenerationOptions)
    """Limits."""
    session_id: str | None = field(default_factory=none)
    """Cache key for the provider."""
    output_spec: LlmOutputSpec | None = field(default_factory=none)
    """Structured output, if asked for."""


class LlmRequest(Wire, frozen=True, kw_only=True):
    """A model request as a provider gets it."""

    model: str
    """The model id."""
    messages: tuple[LlmMessage, ...]
    """The conversation."""
    attachments: tuple[LlmAttachment, ...] = field(default_factory=no_items)
    """What image blocks point at, with bytes."""
    tools: tuple[LlmToolSpec, ...] = field(default_factory=no_items)
    """The callable tools."""
    tool_choice: LlmToolChoice = field(default_factory=lambda: "None")
    """Whether tools may be called."""
    model_variant: str | None = field(default_factory=none)
    """Variant of the model."""
    generation: GenerationOptions = field(default_factory=GenerationOptions)
    """Limits."""
    session_id: str | None = field(default_factory=none)
    """Cache key for the provider."""
    output_spec: LlmOutputSpec | None = field(default_factory=none)
    """Structured output, if asked for."""


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
