"""The host that records nothing: every envelope goes straight to the executor, and repeating it repeats the work."""

from lash_nb.effects._host import LocalExecutor
from lash_nb.errors import LashRuntimeError, RuntimeEffectControllerError
from lash_nb.wire import (
    DurabilityTier,
    EffectScope,
    Json,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    effect_kind,
    trimmed,
)

__all__ = ["InlineEffectHost", "InlineRuntimeEffectController", "fitting"]


class InlineEffectHost:
    """Performs every effect in this process, once per request (lash 0.1.0-alpha.37, effect wire format §15.3)."""

    durability_tier: DurabilityTier = "inline"

    def scoped(self, scope: EffectScope) -> "InlineRuntimeEffectController":
        """Return the controller of a scope; its ids must not be blank (`missing_effect_scope_id`)."""
        for name in scope.__struct_fields__:
            if not trimmed(getattr(scope, name)):
                raise LashRuntimeError(
                    "missing_effect_scope_id", f"{name} of {scope!r} is blank; give the scope the id of what it serves"
                )
        return InlineRuntimeEffectController(scope)


class InlineRuntimeEffectController:
    """Checks the envelope, lets the executor work, and checks that it answered what was asked."""

    durability_tier: DurabilityTier = "inline"

    def __init__(self, scope: EffectScope) -> None:
        self._scope = scope

    @property
    def scope(self) -> EffectScope:
        """The scope it serves."""
        return self._scope

    async def recall(self, name: str, fact: Json) -> Json:  # noqa: ARG002  # the port's signature
        """Return the fact: every run is the first one."""
        return fact

    async def execute_effect(self, envelope: RuntimeEffectEnvelope, local: LocalExecutor) -> RuntimeEffectOutcome:
        """Execute the envelope.

        Raises:
            RuntimeEffectControllerError: the envelope is not valid, the executor refused it, or its outcome is of another kind
                (`runtime_effect_wrong_outcome`).
        """
        return fitting(envelope, await local.execute(envelope.validate()))


def fitting(envelope: RuntimeEffectEnvelope, outcome: RuntimeEffectOutcome) -> RuntimeEffectOutcome:
    """Return the outcome, if it is of the kind that the envelope asks for.

    Raises:
        RuntimeEffectControllerError: `runtime_effect_wrong_outcome`.
    """
    given = effect_kind(outcome)
    if given != envelope.kind:
        raise RuntimeEffectControllerError(
            "runtime_effect_wrong_outcome",
            f"effect {envelope.invocation.effect_id} asks for {envelope.kind}, its outcome is {given};"
            " the executor must answer with the kind that was asked for",
        )
    return outcome
