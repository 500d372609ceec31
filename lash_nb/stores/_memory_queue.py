"""The queue of an in-memory store (lash 0.1.0-alpha.37, sessions §9 and §10)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from lash_nb.clock import NS_PER_MS, Clock
from lash_nb.stores._queue_rules import (
    QueueRow,
    check_completion,
    claim_expired,
    claimable,
    holds,
    new_batch,
    new_claim,
)
from lash_nb.stores._session_store import ClaimNote
from lash_nb.wire import (
    QueuedWorkBatch,
    QueuedWorkBatchDraft,
    QueuedWorkClaim,
    QueuedWorkClaimBoundary,
    QueuedWorkCompletion,
)

__all__ = ["MemoryQueue"]


@dataclass
class _Row(QueueRow):
    claim: QueuedWorkClaim | None = None

    def free(self, now: int) -> bool:
        return self.claim is None or self.claim.expires_at_epoch_ms <= now

    def ready(self, now: int) -> bool:
        return self.batch.available_at_ms <= now and self.free(now)


class MemoryQueue:
    """Batches in order of arrival, each free or claimed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seq = 0
        self._rows: dict[str, _Row] = {}
        self._by_source: dict[tuple[str, str], str] = {}
        self._by_claim: dict[tuple[str, str, str], dict[str, _Row]] = {}

    def enqueue(self, draft: QueuedWorkBatchDraft) -> QueuedWorkBatch:
        """Add a batch, or return the one that waits under the same source key."""
        known = self._by_source.get((draft.session_id, draft.source_key)) if draft.source_key is not None else None
        if known is not None:
            return self._rows[known].batch
        self._seq += 1
        batch = new_batch(draft, batch_id=f"recording-qwb-{self._seq}", seq=self._seq, now=self._now())
        self._rows[batch.batch_id] = _Row(batch)
        if batch.source_key is not None:
            self._by_source[batch.session_id, batch.source_key] = batch.batch_id
        return batch

    def claim(
        self,
        session_id: str,
        boundary: QueuedWorkClaimBoundary,
        owner: str,
        lease_ttl_ms: int,
        max_batches: int,
        *,
        note: ClaimNote | None,
    ) -> QueuedWorkClaim | None:
        """Claim the head and what may join it."""
        if not self._rows:
            return None
        now = self._now()
        ready = (row for row in self._rows.values() if row.batch.session_id == session_id and row.ready(now))
        rows = list(claimable(ready, boundary, max_batches))
        if not rows:
            return None
        claim = new_claim(rows, prefix="recording-qwc", owner=owner, now=now, lease_ttl_ms=lease_ttl_ms)
        if note is not None:
            note(claim)
        for row in rows:
            row.fencing += 1
            self._free(row)
            self._hold(row, claim)
        return claim

    def any_held(self, session_id: str) -> bool:
        """Tell whether anybody holds work of a session."""
        now = self._now()
        held = (row for rows in self._by_claim.values() for row in rows.values())
        return any(row.batch.session_id == session_id and not row.free(now) for row in held)

    def claim_by_ids(
        self,
        session_id: str,
        batch_ids: Sequence[str],
        boundary: QueuedWorkClaimBoundary,
        owner: str,
        lease_ttl_ms: int,
        *,
        note: ClaimNote | None,
    ) -> QueuedWorkClaim | None:
        """Claim as many batches as named, and give them back unless they are the named ones."""
        claim = self.claim(session_id, boundary, owner, lease_ttl_ms, len(batch_ids), note=note)
        if claim is not None and not holds(claim, batch_ids):
            self.abandon(claim)
            return None
        return claim

    def renew(self, claim: QueuedWorkClaim, lease_ttl_ms: int) -> QueuedWorkClaim:
        """Move the expiry of a claim."""
        rows = self._held(claim)
        if len(rows) != len(claim.batches):
            raise claim_expired(claim)
        renewed = replace(claim, expires_at_epoch_ms=self._now() + lease_ttl_ms)
        for row in rows:
            row.claim = renewed
        return renewed

    def abandon(self, claim: QueuedWorkClaim) -> None:
        """Give claimed batches back; their fencing counters stay."""
        for row in self._held(claim):
            self._free(row)

    def cancel(self, session_id: str, batch_id: str) -> QueuedWorkBatch | None:
        """Remove a free batch."""
        row = self._rows.get(batch_id)
        if row is None or row.batch.session_id != session_id or not row.free(self._now()):
            return None
        self._remove(row)
        return row.batch

    def holds(self, session_id: str, batch_id: str) -> bool:
        """Tell whether a session's batch is there."""
        row = self._rows.get(batch_id)
        return row is not None and row.batch.session_id == session_id

    def listed(self, session_id: str, *, only_free: bool) -> tuple[QueuedWorkBatch, ...]:
        """Return a session's batches in order."""
        now = self._now()
        return tuple(
            row.batch
            for row in self._rows.values()
            if row.batch.session_id == session_id and (not only_free or row.free(now))
        )

    def checked(self, completions: Iterable[QueuedWorkCompletion], session_id: str) -> list[_Row]:
        """Return the completed batches, to be removed.

        Raises:
            StoreError: `QueuedWorkClaimExpired`, when a completion is not of this session, or does not name exactly what its claim holds.
        """
        done: list[_Row] = []
        for completion in completions:
            rows = self._held(completion)
            check_completion(completion, session_id, [row.batch.batch_id for row in rows])
            done += rows
        return done

    def remove(self, rows: Iterable[_Row]) -> None:
        """Take batches out of the queue."""
        for row in rows:
            self._remove(row)

    def _held(self, claim: QueuedWorkClaim | QueuedWorkCompletion) -> list[_Row]:
        return list(self._by_claim.get(_proof(claim), {}).values())

    def _hold(self, row: _Row, claim: QueuedWorkClaim) -> None:
        self._by_claim.setdefault(_proof(claim), {})[row.batch.batch_id] = row
        row.claim = claim  # only now: an interrupt before leaves it free

    def _free(self, row: _Row) -> None:
        if row.claim is None:
            return
        proof = _proof(row.claim)
        row.claim = None
        self._by_claim[proof].pop(row.batch.batch_id)
        if not self._by_claim[proof]:
            del self._by_claim[proof]

    def _remove(self, row: _Row) -> None:
        if self._rows.pop(row.batch.batch_id, None) is not None:
            self._free(row)
        if row.batch.source_key is not None:
            self._by_source.pop((row.batch.session_id, row.batch.source_key), None)

    def _now(self) -> int:
        return self._clock.now_ns() // NS_PER_MS


def _proof(claim: QueuedWorkClaim | QueuedWorkCompletion) -> tuple[str, str, str]:
    return claim.session_id, claim.claim_id, claim.lease_token
