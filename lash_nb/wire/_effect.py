"""Commands and envelopes: the boundary that every nondeterministic step crosses (lash 0.1.0-alpha.37, effect wire format §3–§5)."""

from typing import TypeAlias, get_args

from lash_nb.errors import RuntimeEffectControllerError, WireError
from lash_nb.wire._base import U64, Wire, trimmed
from lash_nb.wire._exec import CheckpointKind
from lash_nb.wire._invocation import EffectSubject, RuntimeEffectKind, RuntimeInvocation
from lash_nb.wire._json import stable_hash
from lash_nb.wire._llm_request import LlmRequestSpec
from lash_nb.wire._outcome import RuntimeEffectOutcome
from lash_nb.wire._process_command import ProcessCommand
from lash_nb.wire._tool import PreparedToolCall

__all__ = [
    "CheckpointCommand",
    "DirectCommand",
    "ExecCodeCommand",
    "LlmCallCommand",
    "ProcessEffectCommand",
    "RuntimeEffectCommand",
    "RuntimeEffectEnvelope",
    "SleepCommand",
    "SyncExecutionSurfaceCommand",
    "ToolCallCommand",
    "effect_kind",
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
        return _KINDS[type(self.command)]

    def validate(self) -> "RuntimeEffectEnvelope":
        """Return the envelope itself.

        Raises:
            RuntimeEffectControllerError: `runtime_effect_invocation_subject`, `runtime_effect_invocation_kind` or
                `runtime_effect_replay_required`, checked in that order.
        """
        invocation, kind = self.invocation, _KINDS[type(self.command)]
        subject = invocation.subject
        if not isinstance(subject, EffectSubject) or not trimmed(subject.effect_id):
            raise RuntimeEffectControllerError(
                "runtime_effect_invocation_subject", f"the subject must be an effect with an id, got {subject!r}"
            )
        if subject.kind != kind:
            raise RuntimeEffectControllerError(
                "runtime_effect_invocation_kind",
                f"the subject says {subject.kind}, the command is {kind}; make them equal",
            )
        if invocation.replay is None or not invocation.replay.key:
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


def effect_kind(value: RuntimeEffectCommand | RuntimeEffectOutcome) -> RuntimeEffectKind:
    """Return the effect kind of a command or outcome."""
    return _KINDS[type(value)]


_KINDS: dict[type, RuntimeEffectKind] = {
    variant: variant.__struct_config__.tag
    for union in (RuntimeEffectCommand, RuntimeEffectOutcome)
    for variant in get_args(union)
}
