"""The ports through which every nondeterministic step reaches the world (lash 0.1.0-alpha.37, effect wire format §15).

A host is deployment-wide and gives one controller per scope; a controller performs envelopes with the executor that its caller lends it.
Whatever stepping, recording or replaying there is, is a host around a host.
"""

from typing import Protocol

from lash_nb.wire import (
    DurabilityTier,
    EffectOrigin,
    EffectScope,
    Json,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
)

__all__ = ["EffectHost", "LocalExecutor", "ScopedEffectController"]


class LocalExecutor(Protocol):
    """Does the work of one envelope in this process; made for one envelope and used at most once."""

    @property
    def origin(self) -> EffectOrigin:
        """Where the outcome comes from; `executed` for an executor that does the work."""
        ...

    async def execute(self, envelope: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        """Do what the envelope asks for.

        Raises:
            RuntimeEffectControllerError: the work cannot be done at all. A failure of the work itself stands inside the outcome.
        """
        ...


class ScopedEffectController(Protocol):
    """Performs the effects of one scope."""

    @property
    def scope(self) -> EffectScope:
        """The scope it serves."""
        ...

    @property
    def durability_tier(self) -> DurabilityTier:
        """Whether its outcomes outlive the process."""
        ...

    async def execute_effect(self, envelope: RuntimeEffectEnvelope, local: LocalExecutor) -> RuntimeEffectOutcome:
        """Return the outcome of the envelope, by executing it with `local` or from a record.

        Raises:
            RuntimeEffectControllerError: the envelope is not valid, or could not be performed.
        """
        ...

    async def recall(self, name: str, fact: Json) -> Json:
        """Return what was noted first under a name in this scope; the fact, which is noted now, when nothing was. None only asks.

        Where nothing outlives the process nothing is noted.

        Raises:
            RuntimeEffectControllerError: what was noted cannot be read or written.
        """
        ...


class EffectHost(Protocol):
    """Gives a controller to each scope; one host serves any number of sessions."""

    @property
    def durability_tier(self) -> DurabilityTier:
        """Whether outcomes outlive the process."""
        ...

    def scoped(self, scope: EffectScope) -> ScopedEffectController:
        """Return the controller of a scope.

        Raises:
            LashRuntimeError: `missing_effect_scope_id`, when an id in the scope is blank.
        """
        ...
