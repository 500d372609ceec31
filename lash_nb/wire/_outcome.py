"""Outcomes: what performing an envelope gave (lash 0.1.0-alpha.37, effect wire format §6)."""

from typing import TypeAlias, TypeVar

from msgspec import field

from lash_nb.errors import RuntimeEffectControllerError
from lash_nb.wire._base import Json, Wire, none
from lash_nb.wire._exec import CheckpointResult, ExecResult, SurfaceResult
from lash_nb.wire._llm_response import LlmResult
from lash_nb.wire._process_command import ProcessEffectOutcome
from lash_nb.wire._tool import CompletedToolCall

__all__ = [
    "CheckpointOutcome",
    "DirectOutcome",
    "ExecOutcome",
    "LlmOutcome",
    "ProcessOutcome",
    "RuntimeEffectOutcome",
    "SleepOutcome",
    "SurfaceOutcome",
    "ToolCallEffectOutcome",
    "ToolHostEventEffectOutcome",
    "ToolOutcome",
    "expect_outcome",
]


class LlmOutcome(Wire, frozen=True, kw_only=True, tag_field="type", tag="llm_call"):
    """What a model call gave."""

    result: LlmResult
    """The response or the error."""
    text_streamed: bool
    """Whether the text was shown while it came."""


class DirectOutcome(Wire, frozen=True, kw_only=True, tag_field="type", tag="direct"):
    """What a direct completion gave."""

    result: LlmResult
    """The response or the error."""


class ToolHostEventEffectOutcome(Wire, frozen=True, kw_only=True):
    """A host event that a tool emitted."""

    resource_type: str
    """Type of the resource."""
    alias: str
    """Its alias."""
    event: str
    """The event."""
    source_type: str
    """Type of the source."""
    source_key: str
    """Key of the source."""
    occurrence_id: str
    """The occurrence."""
    payload: Json = field(default_factory=none)
    """What happened."""
    started_process_ids: tuple[str, ...]
    """Processes that it started."""


class ToolCallEffectOutcome(Wire, frozen=True, kw_only=True):
    """What a tool call gave, by itself."""

    result: CompletedToolCall
    """The call with its result."""
    host_events: tuple[ToolHostEventEffectOutcome, ...] = ()
    """Host events that it emitted."""


class ToolOutcome(ToolCallEffectOutcome, frozen=True, kw_only=True, tag_field="type", tag="tool_call"):
    """What a tool call gave."""

    def untagged(self) -> ToolCallEffectOutcome:
        """Return the same without the tag of an outcome."""
        return ToolCallEffectOutcome(result=self.result, host_events=self.host_events)


class ProcessOutcome(Wire, frozen=True, kw_only=True, tag_field="type", tag="process"):
    """What a process operation gave."""

    result: ProcessEffectOutcome
    """The operation's own outcome."""


class ExecOutcome(Wire, frozen=True, kw_only=True, tag_field="type", tag="exec_code"):
    """What a code block gave."""

    result: ExecResult
    """The response or the reason it could not run."""


class CheckpointOutcome(Wire, frozen=True, kw_only=True, tag_field="type", tag="checkpoint"):
    """What came in at a checkpoint."""

    result: CheckpointResult
    """The delivery or the reason there is none."""


class SurfaceOutcome(Wire, frozen=True, kw_only=True, tag_field="type", tag="sync_execution_surface"):
    """The refreshed surface."""

    result: SurfaceResult
    """The surface, nothing, or the reason there is none."""


class SleepOutcome(Wire, frozen=True, kw_only=True, tag_field="type", tag="sleep"):
    """The wait is over."""


RuntimeEffectOutcome: TypeAlias = (
    LlmOutcome
    | DirectOutcome
    | ToolOutcome
    | ProcessOutcome
    | ExecOutcome
    | CheckpointOutcome
    | SurfaceOutcome
    | SleepOutcome
)
"""What performing an envelope gave."""

Outcome = TypeVar("Outcome", bound=RuntimeEffectOutcome)


def expect_outcome(outcome: RuntimeEffectOutcome, expected: type[Outcome]) -> Outcome:
    """Return the outcome, when it is of the kind that is `expected`.

    Raises:
        RuntimeEffectControllerError: `runtime_effect_wrong_outcome`.
    """
    if isinstance(outcome, expected):
        return outcome
    raise RuntimeEffectControllerError(
        "runtime_effect_wrong_outcome",
        f"expected {expected.__struct_config__.tag} outcome, got {outcome.__struct_config__.tag}",
    )
