"""Trace records (lash 0.1.0-alpha.37, turns §16; schema version 2)."""

from typing import Any, Final, Literal, TypeAlias

from msgspec import field

from lash_nb.wire._base import Json, Wire, no_items, none
from lash_nb.wire._json import to_builtins, to_json
from lash_nb.wire._tool import ToolCallOutput
from lash_nb.wire._usage import TokenUsage

__all__ = [
    "TRACE_SCHEMA_VERSION",
    "Custom",
    "LashlangExecution",
    "LlmCallCompleted",
    "LlmCallFailed",
    "LlmCallStarted",
    "PromptBuilt",
    "PromptComponent",
    "ProtocolStep",
    "ProviderStreamEvent",
    "RuntimeStreamEvent",
    "SessionStarted",
    "StreamSummary",
    "ToolCallCompleted",
    "ToolCallStarted",
    "TraceAttachment",
    "TraceContext",
    "TraceEvent",
    "TraceFrameSwitch",
    "TraceLevel",
    "TraceLlmError",
    "TraceLlmMessage",
    "TraceLlmRequest",
    "TraceLlmResponse",
    "TraceRecord",
    "TraceToolSpec",
    "TurnCompleted",
    "TurnStarted",
]

TRACE_SCHEMA_VERSION: Final = 2
"""The schema version that is written."""

TraceLevel: TypeAlias = Literal["standard", "extended"]
"""`extended` adds the raw stream events."""


class TraceContext(Wire, frozen=True, kw_only=True):
    """Where a record belongs; absent fields are omitted."""

    run_id: str | None = None
    """The host's run."""
    experiment_id: str | None = None
    """The host's experiment."""
    candidate_id: str | None = None
    """The host's candidate."""
    candidate_parent_id: str | None = None
    """Where the candidate comes from."""
    example_id: str | None = None
    """The host's example."""
    split: str | None = None
    """The host's data split."""
    session_id: str | None = None
    """The session."""
    turn_id: str | None = None
    """The turn."""
    graph_node_id: str | None = None
    """A node of the graph."""
    parent_graph_node_id: str | None = None
    """Its parent."""
    turn_index: int | None = None
    """Number of the turn."""
    protocol_iteration: int | None = None
    """Iteration of the model loop."""
    effect_id: str | None = None
    """The effect."""
    llm_call_id: str | None = None
    """The model call."""
    metadata: dict[str, Json] = field(default_factory=dict)
    """Anything else."""

    def overlaid(self, other: "TraceContext") -> "TraceContext":
        """Return this context with the present fields of `other` laid over it and the metadata maps merged."""
        fields = {
            name: getattr(other, name) for name in self.__struct_fields__[:-1] if getattr(other, name) is not None
        }
        kept = {name: getattr(self, name) for name in self.__struct_fields__[:-1]}
        return TraceContext(**{**kept, **fields}, metadata={**self.metadata, **other.metadata})


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
    bytes_sha256: str
    """Their hash."""
    bytes_len: int
    """How many."""


class TraceLlmMessage(Wire, frozen=True, kw_only=True):
    """A message of a request."""

    role: str
    """Who speaks, in lower case."""
    blocks: tuple[Json, ...]
    """What is said; each block has a `kind`."""


class TraceLlmRequest(Wire, frozen=True, kw_only=True):
    """A model request as it is traced."""

    model: str
    """The model id."""
    model_variant: str | None = None
    """Variant of the model."""
    messages: tuple[TraceLlmMessage, ...]
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
    duration_ms: int
    """How long the call took, in milliseconds."""
    terminal_reason: str | None = None
    """Why it ended."""
    parts: tuple[Json, ...] = ()
    """Text, reasoning and tool calls; each has a `type`."""


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

    first_visible_token_latency_ms: int | None = field(default_factory=none)
    """From the start of the call to the first visible text."""
    stream_duration_ms: int | None = field(default_factory=none)
    """From the first to the last visible text."""
    text_delta_count: int = field(default_factory=int)
    """Text events."""
    visible_chunk_count: int = field(default_factory=int)
    """Texts that were shown."""
    avg_visible_chunk_chars: float | None = field(default_factory=none)
    """Mean length of a shown text."""
    max_visible_chunk_chars: int | None = field(default_factory=none)
    """Longest shown text."""


class SessionStarted(Wire, frozen=True, kw_only=True, tag_field="type", tag="session_started"):
    """A session was opened."""

    metadata: dict[str, Json] = field(default_factory=dict)
    """Anything."""


class TurnStarted(Wire, frozen=True, kw_only=True, tag_field="type", tag="turn_started"):
    """A turn starts."""

    metadata: dict[str, Json] = field(default_factory=dict)
    """`input_item_count`."""


class PromptComponent(Wire, frozen=True, kw_only=True):
    """A part of the prompt."""

    id: str
    """Which part."""
    kind: str
    """What it is."""
    hash: str
    """SHA-256 of its text."""
    chars: int
    """Its length."""


class PromptBuilt(Wire, frozen=True, kw_only=True, tag_field="type", tag="prompt_built"):
    """The system prompt of a turn stands."""

    prompt_hash: str
    """SHA-256 of its text."""
    prompt_chars: int
    """Its length."""
    components: tuple[PromptComponent, ...] = field(default_factory=no_items)
    """Its parts."""


class LlmCallStarted(Wire, frozen=True, kw_only=True, tag_field="type", tag="llm_call_started"):
    """The model is asked."""

    request: TraceLlmRequest
    """What is asked."""


class LlmCallCompleted(Wire, frozen=True, kw_only=True, tag_field="type", tag="llm_call_completed"):
    """The model answered."""

    response: TraceLlmResponse
    """What it answered."""
    usage: TokenUsage | None = None
    """Tokens."""
    provider_usage: Json = None
    """Usage as the provider reports it."""
    stream_summary: StreamSummary | None = None
    """What was seen of the stream."""


class LlmCallFailed(Wire, frozen=True, kw_only=True, tag_field="type", tag="llm_call_failed"):
    """The model call failed."""

    error: TraceLlmError
    """Why."""
    stream_summary: StreamSummary | None = None
    """What was seen of the stream."""


class ToolCallStarted(Wire, frozen=True, kw_only=True, tag_field="type", tag="tool_call_started"):
    """A tool call is about to run."""

    call_id: str | None = None
    """Id of the call."""
    name: str
    """The tool."""
    args: Json
    """The arguments."""


class ToolCallCompleted(Wire, frozen=True, kw_only=True, tag_field="type", tag="tool_call_completed"):
    """A tool call ended."""

    call_id: str | None = None
    """Id of the call."""
    name: str
    """The tool."""
    args: Json
    """The arguments."""
    output: ToolCallOutput
    """What it gave."""
    duration_ms: int
    """How long it took, in milliseconds."""


class ProtocolStep(Wire, frozen=True, kw_only=True, tag_field="type", tag="protocol_step"):
    """The protocol noted something."""

    plugin_id: str
    """The protocol's plugin."""
    payload: Json
    """What it noted."""


class LashlangExecution(Wire, frozen=True, kw_only=True, tag_field="type", tag="lashlang_execution"):
    """Something happened in running code."""

    event: Json
    """What."""


class TraceFrameSwitch(Wire, frozen=True, kw_only=True):
    """The frame that a turn switched to."""

    frame_id: str
    """The frame."""


class TurnCompleted(Wire, frozen=True, kw_only=True, tag_field="type", tag="turn_completed"):
    """A turn is over and committed."""

    status: Literal["completed", "failed"]
    """Whether it finished."""
    done_reason: str
    """The end in one word."""
    agent_frame_switch: TraceFrameSwitch | None = None
    """Where the session goes on."""


class Custom(Wire, frozen=True, kw_only=True, tag_field="type", tag="custom"):
    """Anything else, under a name."""

    name: str
    """The name."""
    payload: Json
    """The content."""


class ProviderStreamEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="provider_stream_event"):
    """A raw event of a provider's stream (level `extended`)."""

    event: Json
    """The event."""


class RuntimeStreamEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="runtime_stream_event"):
    """An event of the stream as the runtime saw it (level `extended`)."""

    event: Json
    """The event."""


TraceEvent: TypeAlias = (
    SessionStarted
    | TurnStarted
    | PromptBuilt
    | LlmCallStarted
    | LlmCallCompleted
    | LlmCallFailed
    | ToolCallStarted
    | ToolCallCompleted
    | ProtocolStep
    | LashlangExecution
    | TurnCompleted
    | Custom
    | ProviderStreamEvent
    | RuntimeStreamEvent
)
"""What a record tells."""


class TraceRecord(Wire, frozen=True, kw_only=True):
    """One line of a trace; written flat, the event's fields after the context."""

    schema_version: int = field(default_factory=lambda: TRACE_SCHEMA_VERSION)
    """Version of the layout."""
    id: str
    """Unique."""
    timestamp: str
    """When, RFC 3339."""
    context: TraceContext
    """Where it belongs."""
    event: TraceEvent
    """What it tells."""

    @property
    def type(self) -> str:
        """Tag of the event."""
        return str(type(self.event).__struct_config__.tag)

    def to_json(self) -> bytes:
        """Return the line without its end."""
        head = _Head(schema_version=self.schema_version, id=self.id, timestamp=self.timestamp, context=self.context)
        return to_json(head)[:-1] + b"," + to_json(self.event)[1:]

    def to_builtins(self) -> dict[str, Any]:
        """Return the flat wire form."""
        head = _Head(schema_version=self.schema_version, id=self.id, timestamp=self.timestamp, context=self.context)
        return {**to_builtins(head), **to_builtins(self.event)}


class _Head(Wire, frozen=True, kw_only=True):
    schema_version: int
    id: str
    timestamp: str
    context: TraceContext
