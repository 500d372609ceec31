"""The queue of an open session: what others put there for it, also while a turn runs (lash 0.1.0-alpha.37, turns §8, facade §5)."""

from collections.abc import Sequence
from functools import partial
from typing import Final, Literal, TypeAlias

from lash_nb.clock import NS_PER_MS
from lash_nb.errors import CallerError, LashRuntimeError, StoreError
from lash_nb.runtime._input import check_pictures
from lash_nb.runtime._open_runtime import OpenRuntime
from lash_nb.runtime._queue_claims import MAX_CLAIMED_BATCHES, TurnClaims
from lash_nb.runtime._queue_order import why_not_next
from lash_nb.stores import SessionStore
from lash_nb.wire import (
    DeliveryPolicy,
    MessageRole,
    Octets,
    PluginMessage,
    QueuedWorkBatch,
    QueuedWorkBatchDraft,
    QueuedWorkClaim,
    SlotPolicy,
    TurnInput,
    TurnInputPayload,
)

__all__ = ["QueueOps"]

Batches: TypeAlias = tuple[QueuedWorkBatch, ...]
_FIRST_PAUSE_S: Final = 0.025
_LONGEST_PAUSE_S: Final = 0.4


class QueueOps(OpenRuntime):
    """Putting work into the queue and looking at it. Nothing here waits for the turn that runs."""

    async def enqueue_turn_input(
        self,
        turn_input: TurnInput,
        *,
        delivery_policy: DeliveryPolicy = "after_current_turn_commit",
        slot_policy: SlotPolicy = "exclusive",
        source_key: str | None = None,
        role: MessageRole = "User",
    ) -> QueuedWorkBatch:
        """Queue an input, told as the user's, or as a system message or an event; while one with the same source key waits, that one is returned unchanged.

        Raises:
            LashRuntimeError: `store_commit_failed`, there is no store, or it refuses.
            CallerError: `invalid_turn_input`, a picture without bytes; `session_closed`.
        """
        check_pictures(turn_input)
        draft = QueuedWorkBatchDraft(
            session_id=self.session_id,
            source_key=source_key,
            delivery_policy=delivery_policy,
            slot_policy=slot_policy,
            payloads=(TurnInputPayload(input=turn_input, role=_told_as(role)),),
        )
        return await self._enqueue(draft)

    async def inject_turn_input(self, message: PluginMessage, *, input_id: str | None = None) -> QueuedWorkBatch:
        """Queue the text and pictures of a message for the running turn, or else the next one.

        What should be the model's is told as the user's. Errors as in `enqueue_turn_input`; also `invalid_turn_input`, an event with pictures.
        """
        if message.role == "Event" and message.images:
            raise CallerError("an event is text alone; inject its pictures as the user's", code="invalid_turn_input")
        turn_input = TurnInput.text(message.content) if message.content else TurnInput(items=())
        for index, picture in enumerate(message.images):
            turn_input = turn_input.with_image(f"injected-image-{index}", Octets(picture))
        return await self.enqueue_turn_input(
            turn_input,
            delivery_policy="earliest_safe_boundary",
            slot_policy="join",
            source_key=None if input_id is None else f"injection:{input_id}",
            role=message.role,
        )

    async def queued_work(self) -> Batches:
        """Return the batches that nobody holds, in order.

        Raises:
            LashRuntimeError: `store_commit_failed`, there is no store, or it cannot be read.
        """
        store = self._queue("queued work")
        try:
            return await store.list_pending_queued_work(self.session_id)
        except StoreError as error:
            raise _refused(error) from error

    async def why_not_next(self, batch_ids: Sequence[str]) -> str:
        """Say why just these batches were not run. Errors as in `queued_work`."""
        store = self._queue("queued work")
        try:
            queued = await store.list_queued_work(self.session_id)
            free = await store.list_pending_queued_work(self.session_id)
        except StoreError as error:
            raise _refused(error) from error
        now_ms = self.environment.clock.now_ns() // NS_PER_MS
        return why_not_next(batch_ids, queued=queued, free=free, now_ms=now_ms)

    async def cancel_queued_work_batch(self, batch_id: str) -> QueuedWorkBatch | None:
        """Take a batch out of the queue; None when there is none or a turn has taken it. Errors as in `queued_work`."""
        store = self._queue("cancelling queued work")
        try:
            return await store.cancel_work(session_id=self.session_id, batch_id=batch_id)
        except StoreError as error:
            raise _refused(error) from error

    async def await_queued_work_batch(self, batch_id: str) -> None:
        """Wait until a batch is completed or cancelled; an unknown one is. It asks again and again, at most every 0.4 s.

        Errors as in `queued_work`.
        """
        store, pause = self._queue("waiting for queued work"), _FIRST_PAUSE_S
        while await self._waits(store, batch_id):
            await self.environment.clock.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def _waits(self, store: SessionStore, batch_id: str) -> bool:
        try:
            return await store.is_queued(session_id=self.session_id, batch_id=batch_id)
        except StoreError as error:
            raise _refused(error) from error

    async def _enqueue(self, draft: QueuedWorkBatchDraft) -> QueuedWorkBatch:
        if self._closed:
            raise CallerError(f"session {self.session_id} is closed; open it again", code="session_closed")
        store = self._queue("queued work")
        try:
            return await store.enqueue_work(draft)
        except StoreError as error:
            raise _refused(error) from error

    async def _claim_idle(
        self,
        claims: TurnClaims,
        owner: str,
        batch_ids: tuple[str, ...] = (),
        *,
        max_batches: int = MAX_CLAIMED_BATCHES,
        unless_held: bool = True,
    ) -> QueuedWorkClaim | None:
        """Claim what may begin a turn: the batches that are named, or else the first and those that may join it.

        The claims note what is about to be claimed. Nothing may while another process has a turn of queued work: of two turns side by side the store keeps one, in whatever order.
        """
        if self.store is None:
            return None
        claim = partial(
            self.store.claim_by_ids if batch_ids else self.store.claim_ready_work,
            session_id=self.session_id,
            boundary="idle",
            owner=owner,
            lease_ttl_ms=self.environment.queue_lease_ms,
            unless_held=unless_held,
            note=claims.note,
        )
        try:
            return await (claim(batch_ids=batch_ids) if batch_ids else claim(max_batches=max_batches))
        except StoreError as error:
            raise LashRuntimeError("queued_work_claim", f"the queue cannot be read: {error.message}") from error

    def _queue(self, what: str) -> SessionStore:
        if self.store is None:
            raise LashRuntimeError(
                "store_commit_failed",
                f"{what} is kept in a store, and session {self.session_id} has none; open it with one",
            )
        return self.store


def _told_as(role: MessageRole) -> Literal["System", "Event"] | None:
    return role if role in ("System", "Event") else None


def _refused(error: StoreError) -> LashRuntimeError:
    return LashRuntimeError("store_commit_failed", error.message)
