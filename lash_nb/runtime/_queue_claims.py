"""The queued work that a turn took, until its final commit completes it (lash 0.1.0-alpha.37, turns §8, sessions §9)."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Final, Self

from lash_nb.effects import StepControl
from lash_nb.errors import StoreError
from lash_nb.stores import SessionStore
from lash_nb.wire import (
    ProcessWakePayload,
    QueuedWorkBatch,
    QueuedWorkClaim,
    QueuedWorkClaimBoundary,
    QueuedWorkCompletion,
    SlotPolicy,
    TurnInputPayload,
)

__all__ = ["MAX_CLAIMED_BATCHES", "TurnClaims", "completion_of"]

_LOG = logging.getLogger(__name__)
MAX_CLAIMED_BATCHES: Final = 64
"""How many batches a turn takes at once, at most."""
_RENEWALS_PER_LEASE: Final = 3
"""So that a renewal may come late, or fail once, before somebody else can take the work."""


class TurnClaims:
    """What one turn holds of its session's queue; without a store nothing.

    While it holds anything, a task renews the leases, so that a turn may take as long as it takes: nobody on another machine can see that it lives. Its pauses are the event loop's:
    a lease is a promise to other processes, which live by the real time whatever clock the session has.

    Args:
        store: The session's store.
        session_id: The session.
        lease_ttl_ms: How long work stays claimed unless renewed, in milliseconds.
        control: Is told when the turn is over, after everything was given back.

    Attributes:
        begun_by: The claim that is the turn's input; None for a turn that a caller begins.
        scope_id: What effects know such a turn by.
    """

    def __init__(
        self,
        store: SessionStore | None,
        session_id: str,
        lease_ttl_ms: int,
        *,
        control: StepControl | None = None,
    ) -> None:
        self.begun_by: QueuedWorkClaim | None = None
        self.scope_id: str | None = None
        self._store = store
        self._session_id = session_id
        self._lease_ttl_ms = lease_ttl_ms
        self._control = control
        self._noted: tuple[QueuedWorkClaim, ...] = ()
        """What was claimed, or was about to be: an interrupt may come before it is held."""
        self._held: tuple[QueuedWorkClaim, ...] = ()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def completions(self) -> tuple[QueuedWorkCompletion, ...]:
        """What the turn's final commit completes."""
        return tuple(map(completion_of, self._held))

    async def __aenter__(self) -> Self:
        """Renew leases inside the block."""
        return self

    async def __aexit__(self, error: type[BaseException] | None, *_: object) -> None:
        """Give back what is still held, whatever ended the block; after an error also what was claimed without being held."""
        try:
            if error is not None:
                self._held += tuple(claim for claim in self._noted if claim not in self._held)
            if self._held:
                await self._give_back()
        finally:
            if self._control is not None:
                self._control.turn_over()

    @property
    def any_held(self) -> bool:
        """Whether something is neither completed nor given back."""
        return bool(self._held)

    def begin_with(self, claim: QueuedWorkClaim, scope_id: str) -> None:
        """Hold the claim that is the turn's input."""
        self.begun_by, self.scope_id = claim, scope_id
        self.hold(claim)

    async def begin_again(self, claim: QueuedWorkClaim, owner: str, scope_id: str) -> bool:
        """Hold what an earlier run of the turn began with; tell whether it is still there, and nobody else's.

        Raises:
            StoreError: the queue cannot be read.
        """
        await self.hold_again(claim, owner, "idle")
        if self._held:
            self.begun_by, self.scope_id = self._held[0], scope_id
        return bool(self._held)

    def note(self, claim: QueuedWorkClaim) -> None:
        """Remember a claim that is about to be made."""
        self._noted += (claim,)

    def hold(self, claim: QueuedWorkClaim) -> None:
        """Count a claim as the turn's."""
        self._held += (claim,)
        if self._keeper is None:
            self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def take_at_checkpoint(self, owner: str) -> QueuedWorkClaim | None:
        """Claim what may come into the running turn now; None when nothing may.

        Raises:
            StoreError: the queue cannot be read.
        """
        if self._store is None:
            return None
        claim = await self._store.claim_ready_work(
            session_id=self._session_id,
            boundary="active_turn_checkpoint",
            owner=owner,
            lease_ttl_ms=self._lease_ttl_ms,
            max_batches=MAX_CLAIMED_BATCHES,
            note=self.note,
        )
        if claim is None:
            return None
        if not all(map(_may_join_a_turn, claim.batches)):
            await self.give_back(claim)
            return None
        self.hold(claim)
        return claim

    async def hold_again(
        self, claim: QueuedWorkClaim, owner: str, boundary: QueuedWorkClaimBoundary = "active_turn_checkpoint"
    ) -> None:
        """Hold what an earlier run of the turn claimed, unless it is held, or is no longer there; what others hold is not this turn's."""
        if self._store is None or any(held.claim_id == claim.claim_id for held in self._held):
            return
        try:
            self.hold(await self._store.renew_claim(claim, lease_ttl_ms=self._lease_ttl_ms))
        except StoreError:  # it was given back, or its lease went to somebody else
            again = await self._store.claim_by_ids(
                session_id=self._session_id,
                batch_ids=[batch.batch_id for batch in claim.batches],
                boundary=boundary,
                owner=owner,
                lease_ttl_ms=self._lease_ttl_ms,
                unless_held=boundary == "idle",  # what begins a turn waits for the end of another one
                note=self.note,
            )
            if again is not None:
                self.hold(again)

    def completed(self) -> None:
        """Let go of what a commit completed."""
        self._held = ()
        self._stop_keeping()

    async def drop(self) -> None:
        """Take what is held out of the queue: it can never run.

        Raises:
            StoreError: the queue cannot be written.
        """
        batches = [batch for claim in self._held for batch in claim.batches]
        await self._give_back()
        if self._store is not None:
            for batch in batches:
                await self._store.cancel_work(session_id=self._session_id, batch_id=batch.batch_id)

    @property
    def count(self) -> int:
        """How many claims are held."""
        return len(self._held)

    async def give_back_after(self, count: int) -> None:
        """Give back the claims that were taken since so many were held: they did not come into the turn."""
        late, self._held = self._held[count:], self._held[:count]
        await self._abandon(late)

    async def _give_back(self) -> None:
        """Let the next turn take what this one did not complete; if the store refuses, the lease ends by itself."""
        held, self._held = self._held, ()
        self._stop_keeping()
        await self._abandon(held)

    async def give_back(self, claim: QueuedWorkClaim) -> None:
        """Give back what was claimed, and never held, though an interrupt or a cancellation come meanwhile; if the store refuses, the lease ends by itself."""
        await self._abandon((claim,))

    async def _abandon(self, claims: Iterable[QueuedWorkClaim]) -> None:
        left = list(claims)
        try:
            await self._abandon_each(left)
        except GeneratorExit:  # who is closed can wait for nothing
            raise
        except BaseException:  # once more, for the whole queue waits while anything is held
            await self._abandon_each(left)
            raise

    async def _abandon_each(self, left: list[QueuedWorkClaim]) -> None:
        while left:
            try:
                if self._store is not None:
                    await self._store.abandon_claim(left[0])
            except StoreError as error:
                _LOG.warning("claim %s is free only when its lease ends: %s", left[0].claim_id, error)
            left.pop(0)

    def _stop_keeping(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._lease_ttl_ms / 1000 / _RENEWALS_PER_LEASE)
            for claim in self._held:
                try:
                    if self._store is not None:
                        await self._store.renew_claim(claim, lease_ttl_ms=self._lease_ttl_ms)
                except StoreError as error:
                    _LOG.warning("claim %s is not renewed: %s", claim.claim_id, error)


def completion_of(claim: QueuedWorkClaim) -> QueuedWorkCompletion:
    """Return what completes a claim when it is part of a commit."""
    return QueuedWorkCompletion(
        session_id=claim.session_id,
        claim_id=claim.claim_id,
        lease_token=claim.lease_token,
        batch_ids=tuple(batch.batch_id for batch in claim.batches),
    )


def _may_join_a_turn(batch: QueuedWorkBatch) -> bool:
    """Tell whether a batch may come into a turn under way: not what changes the session, nor an input that wants a turn of its own.

    The reference lets exclusive inputs in; then the answer before them and they themselves are in no history.
    """
    kinds = {type(item.payload) for item in batch.items}
    return kinds <= _JOINING[batch.slot_policy]


_JOINING: Final[Mapping[SlotPolicy, frozenset[type]]] = {
    "exclusive": frozenset({ProcessWakePayload}),
    "join": frozenset({ProcessWakePayload, TurnInputPayload}),
}
"""What may come into a turn under way."""
