"""What a person may decide about a paused effect, and the checks that keep a decision from breaking the turn."""

from dataclasses import dataclass
from typing import Final, get_args

from lash_nb.effects._fixed import loosened
from lash_nb.effects._host import LocalExecutor, ScopedEffectController
from lash_nb.errors import CallerError, RuntimeEffectControllerError, wrong_type
from lash_nb.wire import (
    EffectEntry,
    EffectOrigin,
    RuntimeEffectCommand,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    ToolCallCommand,
    ToolOutcome,
    effect_kind,
)

__all__ = ["Decision", "PendingEffect", "answer", "edit", "refuse"]

_EDITED: Final = "session.stepper.pending.envelope, changed with msgspec.structs.replace(envelope, command=…)"
_COMMAND: Final = "msgspec.structs.replace(envelope.command, …) makes it of the one that waits"
_OUTCOME: Final = "what the tool returns, or the reply as a text"


@dataclass(frozen=True, eq=False)
class PendingEffect:
    """An effect that waits for a decision; equal only to itself."""

    envelope: RuntimeEffectEnvelope
    """What is asked: equal to what is performed without an edit, and of which nothing can be changed in place (`effect_in_place`)."""
    since: str
    """Since when it waits, RFC 3339."""

    def as_entry(self, order: int) -> EffectEntry:
        """Show it as the entry that a journal will give the number `order`."""
        return EffectEntry(order=order, envelope=self.envelope, status="pending", started_at=self.since)


@dataclass(frozen=True)
class Decision:
    """Which envelope is handed on, and who executes it; None for the turn's own executor."""

    envelope: RuntimeEffectEnvelope
    origin: EffectOrigin = "executed"
    executor: LocalExecutor | None = None

    async def carry_out(self, controller: ScopedEffectController, local: LocalExecutor) -> RuntimeEffectOutcome:
        """Let the host inside perform it: it sees every outcome, wherever it comes from."""
        executor = self.executor or (local if self.origin == "executed" else _Relabeled(local, self.origin))
        return await controller.execute_effect(self.envelope, executor)


def edit(pending: RuntimeEffectEnvelope, edited: RuntimeEffectEnvelope) -> Decision:
    """Decide to perform `edited` in place of the pending envelope; its dicts and lists are copied, as whoever gave them may change them later.

    Raises:
        RuntimeEffectControllerError: the edited envelope is not valid.
        CallerError: `step_identity`: it is another effect than the one that waits; it is no envelope, or one without a command.
    """
    _check_envelope(edited)
    if edited.invocation != pending.invocation:
        raise CallerError(
            f"the edited envelope is effect {edited.invocation.effect_id}, the one that waits is {pending.invocation.effect_id};"
            " edit the command and leave `invocation` as it is",
            code="step_identity",
        )
    edited.validate()
    if _call_id(edited) != _call_id(pending):
        raise CallerError(
            f"the edited envelope answers call {_call_id(edited)}, the model waits for {_call_id(pending)}; leave `call_id` as it is",
            code="step_identity",
        )
    return Decision(envelope=loosened(edited), origin="edited") if edited != pending else Decision(envelope=pending)


def answer(pending: RuntimeEffectEnvelope, outcome: RuntimeEffectOutcome) -> Decision:
    """Decide that `outcome` is the outcome.

    Raises:
        RuntimeEffectControllerError: `runtime_effect_wrong_outcome`: it answers another kind of effect or another tool call.
        CallerError: it is no outcome.
    """
    if not isinstance(outcome, get_args(RuntimeEffectOutcome)):
        raise wrong_type("an outcome", outcome, instead=_OUTCOME)
    if effect_kind(outcome) != pending.kind:
        raise RuntimeEffectControllerError(
            "runtime_effect_wrong_outcome",
            f'effect {pending.invocation.effect_id} is a {pending.kind}, the outcome is a {effect_kind(outcome)}; give {{"type": "{pending.kind}", …}}',
        )
    if isinstance(outcome, ToolOutcome):
        _check_calls(_call_id(pending), outcome)
    return Decision(envelope=pending, executor=_Answer(loosened(outcome)))


def refuse(pending: RuntimeEffectEnvelope, code: str, message: str) -> Decision:
    """Decide that the host cannot perform the effect."""
    return Decision(envelope=pending, executor=_Refusal(code, message))


def _check_envelope(edited: object) -> None:
    if not isinstance(edited, RuntimeEffectEnvelope):
        raise wrong_type("an envelope", edited, instead=_EDITED)
    if not isinstance(edited.command, get_args(RuntimeEffectCommand)):
        raise wrong_type("a command", edited.command, instead=_COMMAND)


def _call_id(envelope: RuntimeEffectEnvelope) -> str | None:
    return envelope.command.call.call_id if isinstance(envelope.command, ToolCallCommand) else None


def _check_calls(expected: str | None, outcome: ToolOutcome) -> None:
    for given in (outcome.result.call_id, outcome.result.model_return.call_id):
        if given != expected:
            raise RuntimeEffectControllerError(
                "runtime_effect_wrong_outcome",
                f"the outcome is of call {given}, the model waits for {expected}; set `call_id` in the result and in its `model_return`",
            )


class _Answer:
    origin: EffectOrigin = "injected"

    def __init__(self, outcome: RuntimeEffectOutcome) -> None:
        self._outcome = outcome

    async def execute(self, envelope: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:  # noqa: ARG002  # the port's signature
        return self._outcome


class _Refusal:
    origin: EffectOrigin = "injected"

    def __init__(self, code: str, message: str) -> None:
        self._error = (code, message)

    async def execute(self, envelope: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:  # noqa: ARG002  # the port's signature
        raise RuntimeEffectControllerError(*self._error)


class _Relabeled:
    def __init__(self, local: LocalExecutor, origin: EffectOrigin) -> None:
        self._local = local
        self.origin = origin

    async def execute(self, envelope: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        return await self._local.execute(envelope)
