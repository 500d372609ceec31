"""What code blocks, checkpoints and surface syncs give (lash 0.1.0-alpha.37, effect wire format §9)."""

from typing import Literal, TypeAlias

from msgspec import UNSET, UnsetType, field

from lash_nb.wire._base import U32, U64, Json, Octets, Settled, TwoWay, Wire, none
from lash_nb.wire._error_record import EffectErrorRecord
from lash_nb.wire._llm_request import LlmToolSpec
from lash_nb.wire._media import AttachmentRef
from lash_nb.wire._message import PluginMessage, TurnCause
from lash_nb.wire._tool import ToolCallRecord

__all__ = [
    "CheckpointDelivery",
    "CheckpointKind",
    "CheckpointResult",
    "ExecImage",
    "ExecResponse",
    "ExecResult",
    "ExecutionSurfaceSync",
    "SurfaceResult",
    "TextProjectionMetadata",
]

CheckpointKind: TypeAlias = Literal["after_work", "before_completion"]
"""The two places of a turn where waiting work may come in."""


class TextProjectionMetadata(Wire, frozen=True, kw_only=True):
    """How a printed text was cut."""

    truncated: bool
    """Whether it was."""
    original_chars: U64
    """Characters before."""
    projected_chars: U64
    """Characters after."""
    original_lines: U64
    """Lines before."""
    projected_lines: U64
    """Lines after."""
    limit: U64
    """The budget."""
    limit_mode: str
    """Unit of the budget."""
    max_lines: U64
    """The line budget."""


class ExecImage(Settled, frozen=True, kw_only=True):
    """A picture that a code block made."""

    mime: str
    """MIME type."""
    reference: AttachmentRef | None = None
    """Where it is stored."""
    data: Octets = Octets()
    """The bytes, when not stored."""
    label: str
    """A name for people."""
    width: U32 | None = None
    """Width in pixels."""
    height: U32 | None = None
    """Height in pixels."""


class ExecResponse(Wire, frozen=True, kw_only=True):
    """What a code block gave."""

    observations: tuple[str, ...]
    """What it printed."""
    observation_truncation: tuple[TextProjectionMetadata, ...]
    """How prints were cut."""
    tool_calls: tuple[ToolCallRecord, ...]
    """Tool calls that it made."""
    images: tuple[ExecImage, ...]
    """Pictures that it made."""
    printed_images: tuple[AttachmentRef, ...]
    """Pictures that it printed."""
    error: str | None = field(default_factory=none)
    """Why it failed."""
    duration_ms: U64
    """How long it took, in milliseconds."""
    terminal_finish: Json = field(default_factory=none)
    """What it submitted as the turn's value."""


class ExecResult(TwoWay, frozen=True, kw_only=True):
    """A block's response or the reason it could not run."""

    Ok: ExecResponse | UnsetType = UNSET
    """The response."""
    Err: str | UnsetType = UNSET
    """The reason."""


class CheckpointDelivery(Wire, frozen=True, kw_only=True):
    """Work that came in at a checkpoint."""

    messages: tuple[PluginMessage, ...]
    """Messages that are kept."""
    transient_messages: tuple[PluginMessage, ...]
    """Messages for the running turn only."""
    turn_causes: tuple[TurnCause, ...]
    """Events that arrived."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing came in."""
        return not (self.messages or self.transient_messages or self.turn_causes)


class CheckpointResult(TwoWay, frozen=True, kw_only=True):
    """A delivery or the reason there is none."""

    Ok: CheckpointDelivery | UnsetType = UNSET
    """The delivery."""
    Err: EffectErrorRecord | UnsetType = UNSET
    """The reason."""


class ExecutionSurfaceSync(Wire, frozen=True, kw_only=True):
    """A prompt and the tools that go with it."""

    system_prompt: str
    """The prompt."""
    tool_specs: tuple[LlmToolSpec, ...]
    """The tools."""


class SurfaceResult(TwoWay, frozen=True, kw_only=True):
    """A new surface, nothing new, or the reason there is none."""

    Ok: ExecutionSurfaceSync | UnsetType | None = UNSET
    """The surface, or None when nothing was asked for."""
    Err: str | UnsetType = UNSET
    """The reason."""
