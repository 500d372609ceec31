"""The queue of a session database (lash 0.1.0-alpha.37, sessions §9)."""

import logging
import sqlite3
from collections.abc import Sequence
from itertools import count

from msgspec.structs import replace

from lash_nb.clock import NS_PER_MS, Clock
from lash_nb.errors import StoreError
from lash_nb.stores._claim_holder import signed
from lash_nb.stores._queue_rules import holds
from lash_nb.stores._session_store import QUEUED_WORK_CLAIM_TTL_MS, ClaimNote
from lash_nb.stores._sqlite_file import SqliteFile
from lash_nb.stores._sqlite_queue_list import holds_batch, pending_batches, read_batches
from lash_nb.stores._sqlite_queue_rows import Terms, abandon, cancel, enqueue, renew
from lash_nb.wire import QueuedWorkBatch, QueuedWorkBatchDraft, QueuedWorkClaim, QueuedWorkClaimBoundary

__all__ = ["SqliteQueue"]

_LOG = logging.getLogger(__name__)


class SqliteQueue:
    """Keeps batches in a database, each free or claimed; several processes may share it, and what a dead one held is free."""

    def __init__(self, file: SqliteFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self._enqueued = count()
        self._told: set[str] = set()

    async def enqueue_work(self, draft: QueuedWorkBatchDraft) -> QueuedWorkBatch:
        """Put work into the queue; while a batch with the same source key waits, that one is returned unchanged."""
        now, number = self._now(), next(self._enqueued)
        return await self._file.write(lambda connection: enqueue(connection, draft, now, number))

    async def claim_ready_work(
        self,
        *,
        session_id: str,
        boundary: QueuedWorkClaimBoundary,
        owner: str,
        lease_ttl_ms: int = QUEUED_WORK_CLAIM_TTL_MS,
        max_batches: int = 1,
        unless_held: bool = False,
        note: ClaimNote | None = None,
    ) -> QueuedWorkClaim | None:
        """Claim the first ready batch, and those that may join it; None when nothing may be claimed at this boundary."""
        terms = Terms(
            session_id, boundary, owner, self._now(), lease_ttl_ms, max_batches, unless_held, self._tell, note
        )
        return await self._file.write_if(terms.any_ready, terms.claim)

    async def claim_by_ids(
        self,
        *,
        session_id: str,
        batch_ids: Sequence[str],
        boundary: QueuedWorkClaimBoundary,
        owner: str,
        lease_ttl_ms: int = QUEUED_WORK_CLAIM_TTL_MS,
        unless_held: bool = False,
        note: ClaimNote | None = None,
    ) -> QueuedWorkClaim | None:
        """Claim exactly these batches in this order; None when the queue would give anything else."""
        terms = Terms(
            session_id, boundary, owner, self._now(), lease_ttl_ms, len(batch_ids), unless_held, self._tell, note
        )

        def claim_exactly(connection: sqlite3.Connection) -> QueuedWorkClaim | None:
            claim = terms.claim(connection)
            if claim is not None and not holds(claim, batch_ids):
                abandon(connection, claim)
                return None
            return claim

        return await self._file.write(claim_exactly)

    async def renew_claim(
        self, claim: QueuedWorkClaim, *, lease_ttl_ms: int = QUEUED_WORK_CLAIM_TTL_MS
    ) -> QueuedWorkClaim:
        """Return the claim with a later expiry, as this process's own, whichever made it."""
        renewed = replace(claim, expires_at_epoch_ms=self._now() + lease_ttl_ms, lease_token=signed(claim.lease_token))
        await self._file.write(lambda connection: renew(connection, claim, renewed))
        return renewed

    async def abandon_claim(self, claim: QueuedWorkClaim) -> None:
        """Give claimed work back; silent when it is no longer claimed. Its fencing counter stays."""
        await self._file.write(lambda connection: abandon(connection, claim))

    async def cancel_work(self, *, session_id: str, batch_id: str) -> QueuedWorkBatch | None:
        """Take work out of the queue; None when there is none or somebody holds it."""
        now = self._now()
        return await self._file.write(lambda connection: cancel(connection, session_id, batch_id, now))

    async def is_queued(self, *, session_id: str, batch_id: str) -> bool:
        """Tell whether a batch is in the queue, claimed or not."""
        return await self._file.read(lambda connection: holds_batch(connection, session_id, batch_id))

    async def list_queued_work(self, session_id: str) -> tuple[QueuedWorkBatch, ...]:
        """Return all batches in order, claimed ones too."""
        return await self._file.read(lambda connection: read_batches(connection, session_id))

    async def list_pending_queued_work(self, session_id: str) -> tuple[QueuedWorkBatch, ...]:
        """Return the batches that nobody holds, in order."""
        now = self._now()
        return await self._file.read(lambda connection: pending_batches(connection, session_id, now))

    def _tell(self, error: StoreError) -> None:
        """Say once of each batch that nobody gets it."""
        if error.fields["batch_id"] not in self._told:
            self._told.add(error.fields["batch_id"])
            _LOG.warning("%s; until then it is passed over", error)

    def _now(self) -> int:
        return self._clock.now_ns() // NS_PER_MS
