"""Commands, envelopes and outcomes: the boundary that every nondeterministic step crosses (lash 0.1.0-alpha.37, effect wire format §3–§6)."""

from typing import TypeAlias, TypeVar, get_args

from msgspec import field

from lash_nb.errors import RuntimeEffectControllerError, WireError
from lash_nb.wire._base import U64, Json, Wire, none, trimmed
from lash_nb.wire._exec import CheckpointKind, CheckpointResult, ExecResult, SurfaceResult
from lash_nb.wire._invocation import EffectSubject, RuntimeEffectKind, RuntimeInvocation
from lash_nb.wire._json import stable_hash
from lash_nb.wire._llm_request import LlmRequestSpec
from lash_nb.wire._llm_response import LlmResult
from lash_nb.wire._process_command import ProcessCommand, ProcessEffectOutcome
from lash_nb.wire._tool import CompletedToolCall, PreparedToolCall

__all__ = [
    "CheckpointCommand",
    "CheckpointOutcome",
    "DirectCommand",
    "DirectOutcome",
    "ExecCodeCommand",
    "ExecOutcome",
    "LlmCallCommand",
    "LlmOutcome",
    "ProcessEffectCommand",
    "ProcessOutcome",
    "RuntimeEffectCommand",
    "RuntimeEffectEnvelope",
    "RuntimeEffectOutcome",
    "SleepCommand",
    "SleepOutcome",
    "SurfaceOutcome",
    "SyncExecutionSurfaceCommand",
    "ToolCallCommand",
    "ToolCallEffectOutcome",
    "ToolHostEventEffectOutcome",
    "ToolOutcome",
    "effect_kind",
    "expect_outcome",
]


class LlmCallCommand(Wire, frozen=True, kw_only=True, tag_field="type", tag="llm_call"):
    """Call the model."""

    request: LlmRequestSpec
    """The request."""


class DirectCommand(Wire, frozen=True, kw_only=True, tag_field="type", tag="direct"):
    """Call the model once for a plugin or tool."""

    request: LlmRequestSpec
    """The request."""
    usage_source: str
    """Label of the ledger row."""


class ToolCallCommand(Wire, frozen=True, kw_only=True, tag_field="type", tag="tool_call"):
    """Run one tool call."""

    call: PreparedToolCall
    """The call."""


class ProcessEffectCommand(Wire, frozen=True, kw_only=True, tag_field="type", tag="process"):
    """Operate on background processes."""

    command: ProcessCommand
    """The operation."""


class ExecCodeCommand(Wire, frozen=True, kw_only=True, tag_field="type", tag="exec_code"):
    """Run a code block."""

    code: str
    """The code."""


class CheckpointCommand(Wire, frozen=True, kw_only=True, tag_field="type", tag="checkpoint"):
    """Let waiting work in."""

    checkpoint: CheckpointKind
    """Where in the turn."""


class SyncExecutionSurfaceCommand(Wire, frozen=True, kw_only=True, tag_field="type", tag="sync_execution_surface"):
    """Refresh prompt and tools."""

    update_machine_config: bool
    """Whether to rebuild them."""


class SleepCommand(Wire, frozen=True, kw_only=True, tag_field="type", tag="sleep"):
    """Wait."""

    duration_ms: U64
    """How long, in milliseconds."""


RuntimeEffectCommand: TypeAlias = (
    LlmCallCommand
    | DirectCommand
    | ToolCallCommand
    | ProcessEffectCommand
    | ExecCodeCommand
    | CheckpointCommand
    | SyncExecutionSurfaceCommand
    | SleepCommand
)
"""What an envelope asks for."""


class RuntimeEffectEnvelope(Wire, frozen=True, kw_only=True):
    """One nondeterministic step as a value: who asks, and for what.

    Decoding checks nothing beyond the shape; `validate` is for whoever is about to perform it.
    """

    invocation: RuntimeInvocation
    """Identity."""
    command: RuntimeEffectCommand
    """What to do."""

    @property
    def kind(self) -> RuntimeEffectKind:
        """Kind of the command."""
        return effect_kind(self.command)

    def validate(self) -> "RuntimeEffectEnvelope":
        """Return the envelope itself.

        Raises:
            RuntimeEffectControllerError: `runtime_effect_invocation_subject`, `runtime_effect_invocation_kind` or
                `runtime_effect_replay_required`, checked in that order.
        """
        subject = self.invocation.subject
        if not isinstance(subject, EffectSubject) or not trimmed(subject.effect_id):
            raise RuntimeEffectControllerError(
                "runtime_effect_invocation_subject", f"the subject must be an effect with an id, got {subject!r}"
            )
        if subject.kind != self.kind:
            raise RuntimeEffectControllerError(
                "runtime_effect_invocation_kind",
                f"the subject says {subject.kind}, the command is {self.kind}; make them equal",
            )
        if not self.invocation.replay_key:
            raise RuntimeEffectControllerError(
                "runtime_effect_replay_required",
                f"effect {subject.effect_id} has no replay key; give invocation.replay",
            )
        return self

    def hash(self) -> str:
        """Return the stable hash of the whole envelope.

        Raises:
            RuntimeEffectControllerError: `runtime_effect_envelope_hash`: it holds something that JSON cannot carry.
        """
        try:
            return stable_hash(self)
        except WireError as error:
            raise RuntimeEffectControllerError("runtime_effect_envelope_hash", error.message) from error


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
        f"expected {_KINDS[expected]} outcome, got {effect_kind(outcome)}",
    )


def effect_kind(value: RuntimeEffectCommand | RuntimeEffectOutcome) -> RuntimeEffectKind:
    """Return the effect kind of a command or outcome."""
    return _KINDS[type(value)]


_KINDS: dict[type, RuntimeEffectKind] = {
    variant: variant.__struct_config__.tag
    for union in (RuntimeEffectCommand, RuntimeEffectOutcome)
    for variant in get_args(union)
}
