"""Tool calls, their results, and what the model gets back (lash 0.1.0-alpha.37, effect wire format §8)."""

from typing import ClassVar, Literal, TypeAlias

from msgspec import field

from lash_nb.wire._base import U32, U64, Json, Wire, none
from lash_nb.wire._json import to_builtins
from lash_nb.wire._llm import ProviderReplayMeta
from lash_nb.wire._media import AttachmentRef
from lash_nb.wire._tool_value import ToolValue

__all__ = [
    "AttachmentReturnPart",
    "CompletedToolCall",
    "FailControl",
    "FinishControl",
    "ModelToolReturn",
    "ModelToolReturnPart",
    "PreparedToolCall",
    "RetryExhausted",
    "RetryNever",
    "RetrySafe",
    "SwitchAgentFrameControl",
    "TextReturnPart",
    "ToolCallOutcome",
    "ToolCallOutput",
    "ToolCallRecord",
    "ToolCancellation",
    "ToolCancelled",
    "ToolControl",
    "ToolFailed",
    "ToolFailure",
    "ToolFailureClass",
    "ToolFailureSource",
    "ToolRetryDisposition",
    "ToolSuccess",
]

ToolFailureClass: TypeAlias = Literal[
    "invalid_request",
    "unavailable",
    "permission_denied",
    "timeout",
    "execution",
    "external",
    "resource_limit",
    "internal",
]
"""What sort of failure."""
ToolFailureSource: TypeAlias = Literal["runtime", "tool", "plugin", "policy", "cancellation"]
"""Whose failure."""


class RetryNever(Wire, frozen=True, kw_only=True, tag_field="type", tag="never"):
    """Trying again makes no sense."""


class RetrySafe(Wire, frozen=True, kw_only=True, tag_field="type", tag="safe"):
    """Trying again does no harm."""

    after_ms: U64 | None = None
    """How long to wait before, in milliseconds."""


class RetryExhausted(Wire, frozen=True, kw_only=True, tag_field="type", tag="exhausted"):
    """It was tried as often as allowed."""

    attempts: U32
    """How often."""


ToolRetryDisposition: TypeAlias = RetryNever | RetrySafe | RetryExhausted
"""What a failure says about trying again."""


class ToolFailure(Wire, frozen=True, kw_only=True, rename={"class_": "class"}):
    """Why a tool call failed."""

    class_: ToolFailureClass
    """What sort of failure."""
    code: str
    """Machine-readable cause."""
    message: str
    """What happened, for the model."""
    source: ToolFailureSource
    """Whose failure."""
    retry: ToolRetryDisposition
    """Whether to try again."""
    raw: ToolValue | None = None
    """What the tool gave with the failure."""


class ToolCancellation(Wire, frozen=True, kw_only=True):
    """That a tool call was stopped."""

    message: str
    """What happened, for the model."""
    source: ToolFailureSource
    """Who stopped it."""
    raw: ToolValue | None = None
    """What the tool gave before."""


class ToolSuccess(Wire, frozen=True, kw_only=True, tag_field="status", tag="success"):
    """The tool returned."""

    adjacent: ClassVar[bool] = True

    payload: ToolValue
    """Its value."""


class ToolFailed(Wire, frozen=True, kw_only=True, tag_field="status", tag="failure"):
    """The tool failed."""

    adjacent: ClassVar[bool] = True

    payload: ToolFailure
    """Why."""


class ToolCancelled(Wire, frozen=True, kw_only=True, tag_field="status", tag="cancelled"):
    """The tool was stopped."""

    adjacent: ClassVar[bool] = True

    payload: ToolCancellation
    """How."""


ToolCallOutcome: TypeAlias = ToolSuccess | ToolFailed | ToolCancelled
"""How a tool call ended."""


class SwitchAgentFrameControl(Wire, frozen=True, kw_only=True, tag_field="type", tag="switch_agent_frame"):
    """Go on in another agent frame."""

    frame_id: str
    """The frame to open."""
    initial_nodes: tuple[Json, ...] = ()
    """Nodes to start it with, as `SessionAppendNode` values."""
    task: str | None = None
    """What to do there."""


class FinishControl(Wire, frozen=True, kw_only=True, tag_field="type", tag="finish"):
    """End the turn with this value."""

    value: ToolValue
    """The turn's value."""


class FailControl(Wire, frozen=True, kw_only=True, tag_field="type", tag="fail"):
    """End the turn with this failure."""

    failure: ToolFailure
    """The turn's failure."""


ToolControl: TypeAlias = SwitchAgentFrameControl | FinishControl | FailControl
"""What a tool asks of the turn beside its result."""


class ToolCallOutput(Wire, frozen=True, kw_only=True):
    """All that a tool call gave."""

    outcome: ToolCallOutcome
    """How it ended."""
    control: ToolControl | None = None
    """What it asks of the turn."""

    @property
    def status(self) -> Literal["success", "failure", "cancelled"]:
        """How it ended, in one word."""
        match self.outcome:
            case ToolSuccess():
                return "success"
            case ToolFailed():
                return "failure"
            case ToolCancelled():
                return "cancelled"

    def value_for_projection(self) -> Json:
        """Return what code sees of the call as a free value: the tool's value, or the whole failure or cancellation."""
        payload = self.outcome.payload
        return payload.to_json_value() if isinstance(payload, ToolValue) else to_builtins(payload)

    def attachments(self) -> tuple[AttachmentRef, ...]:
        """Return the attachments in the value, or in what came with the failure or cancellation, depth first and in key order."""
        payload = self.outcome.payload
        value = payload if isinstance(payload, ToolValue) else payload.raw
        return () if value is None else tuple(value.attachments())


class PreparedToolCall(Wire, frozen=True, kw_only=True):
    """A tool call that is ready to run: arguments rewritten and checked."""

    call_id: str
    """Id of the call."""
    tool_name: str
    """The tool."""
    args: Json
    """The arguments."""
    replay: ProviderReplayMeta | None = None
    """Provider metadata."""
    prepared_payload: Json = None
    """What the tool's provider wants to remember."""


class TextReturnPart(Wire, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """Text for the model."""

    text: str
    """The text."""


class AttachmentReturnPart(AttachmentRef, frozen=True, kw_only=True, tag_field="type", tag="attachment"):
    """An attachment for the model; the reference stands inline beside the tag."""

    @property
    def ref(self) -> AttachmentRef:
        """The reference alone."""
        return AttachmentRef(**{name: getattr(self, name) for name in self.__struct_fields__})

    @classmethod
    def of(cls, ref: AttachmentRef) -> "AttachmentReturnPart":
        """Wrap a reference."""
        return cls(**{name: getattr(ref, name) for name in ref.__struct_fields__})


ModelToolReturnPart: TypeAlias = TextReturnPart | AttachmentReturnPart
"""One part of what the model sees of a result."""


class ModelToolReturn(Wire, frozen=True, kw_only=True):
    """What the model sees of a tool result."""

    call_id: str
    """Id of the call."""
    tool_name: str
    """The tool."""
    parts: tuple[ModelToolReturnPart, ...]
    """Text and attachments in order."""


class CompletedToolCall(Wire, frozen=True, kw_only=True):
    """A tool call with its result."""

    call_id: str
    """Id of the call."""
    tool_name: str
    """The tool."""
    args: Json
    """The arguments it ran with."""
    output: ToolCallOutput
    """What it gave."""
    model_return: ModelToolReturn
    """What the model sees of it."""
    duration_ms: U64
    """How long it took, in milliseconds."""
    replay: ProviderReplayMeta | None = field(default_factory=none)
    """Provider metadata."""


class ToolCallRecord(Wire, frozen=True, kw_only=True):
    """A tool call as results and code blocks report it."""

    call_id: str | None = None
    """Id of the call."""
    tool: str
    """The tool."""
    args: Json
    """The arguments."""
    output: ToolCallOutput
    """What it gave."""
    duration_ms: U64
    """How long it took, in milliseconds."""
