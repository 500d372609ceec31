"""Trace records (lash 0.1.0-alpha.37, turns §16; schema version 2)."""

from typing import Any, Final, Literal, TypeAlias, cast

from msgspec import field

from lash_nb.wire._base import U32, U64, Flat, Json, Wire, none
from lash_nb.wire._json import to_builtins, to_json
from lash_nb.wire._trace_call import (
    TraceLlmError,
    TraceLlmRequest,
    TraceLlmResponse,
    TraceProviderStreamEvent,
    TraceRuntimeStreamEvent,
    TraceTokenUsage,
    TraceToolCallOutput,
)
from lash_nb.wire._trace_lashlang import TraceLashlangExecutionEvent

__all__ = [
    "TRACE_SCHEMA_VERSION",
    "Custom",
    "LashlangExecution",
    "LlmCallCompleted",
    "LlmCallFailed",
    "LlmCallStarted",
    "PromptBuilt",
    "ProtocolStep",
    "ProviderStreamEvent",
    "RuntimeStreamEvent",
    "SessionStarted",
    "TokenUsageRecorded",
    "ToolCallCompleted",
    "ToolCallStarted",
    "TraceAgentFrameSwitch",
    "TraceContext",
    "TraceEvent",
    "TraceLevel",
    "TracePromptComponent",
    "TraceRecord",
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
    turn_index: U64 | None = None
    """Number of the turn."""
    protocol_iteration: U64 | None = None
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


class SessionStarted(Wire, frozen=True, kw_only=True, tag_field="type", tag="session_started"):
    """A session was opened."""

    metadata: dict[str, Json] = field(default_factory=dict)
    """Anything."""


class TurnStarted(Wire, frozen=True, kw_only=True, tag_field="type", tag="turn_started"):
    """A turn starts."""

    metadata: dict[str, Json] = field(default_factory=dict)
    """`input_item_count`."""


class TracePromptComponent(Wire, frozen=True, kw_only=True):
    """A part of the prompt."""

    id: str
    """Which part."""
    kind: str
    """What it is."""
    hash: str
    """SHA-256 of its text."""
    chars: U64 | None = None
    """Its length."""


class PromptBuilt(Wire, frozen=True, kw_only=True, tag_field="type", tag="prompt_built"):
    """The system prompt of a turn stands."""

    prompt_hash: str
    """SHA-256 of its text."""
    prompt_chars: U64
    """Its length."""
    components: tuple[TracePromptComponent, ...] = ()
    """Its parts."""


class LlmCallStarted(Wire, frozen=True, kw_only=True, tag_field="type", tag="llm_call_started"):
    """The model is asked."""

    request: TraceLlmRequest
    """What is asked."""


class LlmCallCompleted(Wire, frozen=True, kw_only=True, tag_field="type", tag="llm_call_completed"):
    """The model answered."""

    response: TraceLlmResponse
    """What it answered."""
    usage: TraceTokenUsage | None = None
    """Tokens."""
    provider_usage: Json = None
    """Usage as the provider reports it."""
    stream_summary: Json = None
    """What was seen of the stream, a `StreamSummary` or its plain form."""


class LlmCallFailed(Wire, frozen=True, kw_only=True, tag_field="type", tag="llm_call_failed"):
    """The model call failed."""

    error: TraceLlmError
    """Why."""
    stream_summary: Json = None
    """What was seen of the stream, a `StreamSummary` or its plain form."""


class ToolCallStarted(Wire, frozen=True, kw_only=True, tag_field="type", tag="tool_call_started"):
    """A tool call is about to run."""

    call_id: str | None = field(default_factory=none)
    """Id of the call."""
    name: str
    """The tool."""
    args: Json
    """The arguments."""


class ToolCallCompleted(Wire, frozen=True, kw_only=True, tag_field="type", tag="tool_call_completed"):
    """A tool call ended."""

    call_id: str | None = field(default_factory=none)
    """Id of the call."""
    name: str
    """The tool."""
    args: Json
    """The arguments."""
    output: TraceToolCallOutput
    """What it gave."""
    duration_ms: U64
    """How long it took, in milliseconds."""


class ProtocolStep(Wire, frozen=True, kw_only=True, tag_field="type", tag="protocol_step"):
    """The protocol noted something."""

    plugin_id: str
    """The protocol's plugin."""
    payload: Json
    """What it noted."""


class TokenUsageRecorded(Wire, frozen=True, kw_only=True, tag_field="type", tag="token_usage"):
    """Tokens were counted."""

    usage: TraceTokenUsage
    """What was used."""
    cumulative: TraceTokenUsage | None = None
    """What has been used so far."""


class LashlangExecution(Wire, frozen=True, kw_only=True, tag_field="type", tag="lashlang_execution"):
    """Something happened in running code."""

    event: TraceLashlangExecutionEvent
    """What."""


class TraceAgentFrameSwitch(Wire, frozen=True, kw_only=True):
    """The frame that a turn switched to."""

    frame_id: str
    """The frame."""


class TurnCompleted(Wire, frozen=True, kw_only=True, tag_field="type", tag="turn_completed"):
    """A turn is over and committed."""

    status: str
    """`completed` or `failed`."""
    done_reason: str
    """The end in one word."""
    agent_frame_switch: TraceAgentFrameSwitch | None = None
    """Where the session goes on."""


class Custom(Wire, frozen=True, kw_only=True, tag_field="type", tag="custom"):
    """Anything else, under a name."""

    name: str
    """The name."""
    payload: Json
    """The content."""


class ProviderStreamEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="provider_stream_event"):
    """A raw event of a provider's stream (level `extended`)."""

    event: TraceProviderStreamEvent
    """The event."""


class RuntimeStreamEvent(Wire, frozen=True, kw_only=True, tag_field="type", tag="runtime_stream_event"):
    """An event of the stream as the runtime saw it (level `extended`)."""

    event: TraceRuntimeStreamEvent
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
    | TokenUsageRecorded
    | LashlangExecution
    | TurnCompleted
    | Custom
    | ProviderStreamEvent
    | RuntimeStreamEvent
)
"""What a record tells."""


class TraceRecord(Flat, frozen=True, kw_only=True):
    """One line of a trace; written flat, the event's fields after the context."""

    schema_version: U32
    """Version of the layout; `TRACE_SCHEMA_VERSION` is the one that is written."""
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
        return to_json(self)

    def to_builtins(self) -> dict[str, Any]:
        """Return the flat wire form."""
        return cast("dict[str, Any]", to_builtins(self))
