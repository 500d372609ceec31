"""Which queued work a turn begins with, and what effects know it by (lash 0.1.0-alpha.43, facade §6.5).

A host that remembers knows an effect by its scope and turn, so there a turn of queued work is named after its drain: as the caller names
it, else after its first batch. What it took is noted under that name, and a run that broke off is gone on with on just that work, whatever
came into the queue since. Whoever names a drain says that its first run is over; without a name its process has to be dead, or its lease to end.
"""

from collections import Counter
from typing import NamedTuple

from lash_nb.effects import ScopedEffectController
from lash_nb.errors import LashRuntimeError, RuntimeEffectControllerError, StoreError, WireError
from lash_nb.runtime._commands import CommandOps
from lash_nb.runtime._queue_claims import TurnClaims
from lash_nb.runtime._queue_delivery import merged_input
from lash_nb.runtime._turn_again import is_finished
from lash_nb.runtime._turn_options import TurnOptions
from lash_nb.runtime._turn_scope import turn_controller, turn_id_of
from lash_nb.wire import (
    Json,
    QueueDrainScope,
    QueuedWorkClaim,
    TurnInput,
    TurnScope,
    from_builtins,
    to_builtins,
)

__all__ = ["Drain", "DrainOps"]


class Drain(NamedTuple):
    """A turn of queued work that is about to begin; its work is held."""

    turn_input: TurnInput
    """What it begins with."""
    turn_id: str
    """Its id."""
    controller: ScopedEffectController
    """Performs its effects."""


class DrainOps(CommandOps):
    """Takes queued work for turns."""

    async def _next_drain(
        self, options: TurnOptions, batch_ids: tuple[str, ...], claims: TurnClaims, owner: str
    ) -> Drain | None:
        """Take the work that comes first, or exactly these batches; None when there is none.

        Raises:
            LashRuntimeError: `queued_work_claim`, `effect_scope_turn_id_mismatch`.
            RuntimeEffectControllerError: what the host remembers of the drain cannot be read or written; `turn_facts`.
        """
        host = self.effect_host if options.controller is None else options.controller
        if host.durability_tier == "inline":
            claim = await self._claim_idle(claims, owner, batch_ids)
            if claim is None:
                return None
            claims.begin_with(claim, claim.claim_id)
            return self._drain(options, claim, options.drain_id or claim.claim_id, owner)
        named = options.drain_id or _named_by(options.controller)
        if named is None:
            return await self._drain_after_batch(options, batch_ids, claims, owner)
        return await self._named_drain(options, batch_ids, claims, owner, named)

    async def _named_drain(
        self, options: TurnOptions, batch_ids: tuple[str, ...], claims: TurnClaims, owner: str, name: str
    ) -> Drain | None:
        """Go on with what an earlier run of this name took; one that is finished has the same result again, and takes nothing."""
        controller = self._drain_controller(options, name)
        noted = _claim_of(name, await controller.recall(self._fact(name), None))
        if noted is None:
            claim = await self._claim_idle(claims, owner, batch_ids)
            if claim is None:
                return None
            claims.begin_with(claim, name)
            await controller.recall(self._fact(name), to_builtins(claim))
            return self._drain(options, claim, name, name)
        drain = self._drain(options, noted, name, name)
        if await self._begins_again(claims, noted, owner, name):
            return drain
        if not await is_finished(self.state, controller, drain.turn_id):
            return None
        claims.begin_with(noted, name)
        return drain

    async def _drain_after_batch(
        self, options: TurnOptions, batch_ids: tuple[str, ...], claims: TurnClaims, owner: str
    ) -> Drain | None:
        """Take work, and go on with the last run that its first batch began, if that can have the work that it had."""
        runs = Counter[str]()
        while (claim := await self._claim_idle(claims, owner, batch_ids)) is not None:
            first = claim.batches[0].batch_id
            runs[first] += 1
            name = _run_name(first, runs[first])
            claims.begin_with(claim, name)
            controller = self._drain_controller(options, name)
            noted = _claim_of(name, await controller.recall(self._fact(name), to_builtins(claim)))
            if noted is None or _ids(noted) == _ids(claim):
                return self._drain(options, claim, name, name)
            await claims.give_back_after(0)
            same = None if batch_ids else await self._claim_idle(claims, owner, _ids(noted))
            if same is not None:
                claims.begin_with(same, name)
                return self._drain(options, same, name, name)
        return None

    async def _begins_again(self, claims: TurnClaims, noted: QueuedWorkClaim, owner: str, name: str) -> bool:
        try:
            return await claims.begin_again(noted, owner, name)
        except StoreError as error:
            raise LashRuntimeError("queued_work_claim", f"the queue cannot be read: {error.message}") from error

    def _drain(self, options: TurnOptions, claim: QueuedWorkClaim, name: str, new_id: str) -> Drain:
        turn_input = merged_input(claim)
        turn_id = turn_id_of(turn_input, options.controller, lambda: new_id)
        return Drain(turn_input, turn_id, self._drain_controller(options, name))

    def _drain_controller(self, options: TurnOptions, name: str) -> ScopedEffectController:
        scope = QueueDrainScope(session_id=self.session_id, drain_id=name)
        return turn_controller(self.effect_host, options.controller, scope)

    def _fact(self, name: str) -> str:
        return f"{self.session_id}:{name}:queued"


def _named_by(given: ScopedEffectController | None) -> str | None:
    """Return the name that a given scope gives to one turn; an operation may hold several."""
    scope = None if given is None else given.scope
    return scope.id if isinstance(scope, QueueDrainScope | TurnScope) else None


def _claim_of(name: str, noted: Json) -> QueuedWorkClaim | None:
    try:
        claim: QueuedWorkClaim | None = from_builtins(noted, QueuedWorkClaim | None)
    except WireError as error:
        raise RuntimeEffectControllerError(
            "turn_facts",
            f"what the effect host remembers of the work of drain {name} is no claim ({error.message});"
            " put a copy of its database in its place, or run the work under another drain_id",
        ) from error
    return claim


def _run_name(batch_id: str, number: int) -> str:
    """Return what a turn is named after whose first batch has been the first of so many: each of them had other work behind it."""
    return batch_id if number == 1 else f"{batch_id}:{number}"


def _ids(claim: QueuedWorkClaim) -> tuple[str, ...]:
    return tuple(batch.batch_id for batch in claim.batches)
