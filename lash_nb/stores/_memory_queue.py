"""The queue of an in-memory store (lash 0.1.0-alpha.37, sessions §9 and §10)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from lash_nb.clock import NS_PER_MS, Clock
from lash_nb.errors import StoreError
from lash_nb.wire import (
    QueuedWorkBatch,
    QueuedWorkBatchDraft,
    QueuedWorkClaim,
    QueuedWorkClaimBoundary,
    QueuedWorkCompletion,
    QueuedWorkItem,
)

__all__ = ["MemoryQueue"]


@dataclass
class _Row:
    batch: QueuedWorkBatch
    fencing: int = 0
    claim: QueuedWorkClaim | None = None

    def free(self, now: int) -> bool:
        return self.claim is None or self.claim.expires_at_epoch_ms <= now

    def ready(self, now: int) -> bool:
        return self.batch.available_at_ms <= now and self.free(now)

    def held_by(self, claim: QueuedWorkClaim | QueuedWorkCompletion) -> bool:
        held = self.claim
        return (
            held is not None
            and self.batch.session_id == claim.session_id
            and held.claim_id == claim.claim_id
            and held.lease_token == claim.lease_token
        )


class MemoryQueue:
    """Batches in order of arrival, each free or claimed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seq = 0
        self._rows: dict[str, _Row] = {}
        self._by_source: dict[tuple[str, str], str] = {}

    def enqueue(self, draft: QueuedWorkBatchDraft) -> QueuedWorkBatch:
        """Add a batch, or return the one that waits under the same source key."""
        known = self._by_source.get((draft.session_id, draft.source_key)) if draft.source_key is not None else None
        if known is not None:
            return self._rows[known].batch
        self._seq += 1
        batch = _batch(draft, self._seq, self._now())
        self._rows[batch.batch_id] = _Row(batch)
        if batch.source_key is not None:
            self._by_source[batch.session_id, batch.source_key] = batch.batch_id
        return batch

    def claim(
        self, session_id: str, boundary: QueuedWorkClaimBoundary, owner: str, lease_ttl_ms: int, max_batches: int
    ) -> QueuedWorkClaim | None:
        """Claim the head and what may join it."""
        now = self._now()
        ready = (row for row in self._rows.values() if row.batch.session_id == session_id and row.ready(now))
        rows = list(_group(ready, boundary, max_batches))
        if not rows:
            return None
        claim = _claim(rows, owner, now, now + lease_ttl_ms)
        for row in rows:
            row.fencing += 1
            row.claim = claim
        return claim

    def claim_by_ids(
        self,
        session_id: str,
        batch_ids: Sequence[str],
        boundary: QueuedWorkClaimBoundary,
        owner: str,
        lease_ttl_ms: int,
    ) -> QueuedWorkClaim | None:
        """Claim as many batches as named, and give them back unless they are the named ones."""
        claim = self.claim(session_id, boundary, owner, lease_ttl_ms, len(batch_ids))
        if claim is not None and [batch.batch_id for batch in claim.batches] != list(batch_ids):
            self.abandon(claim)
            return None
        return claim

    def renew(self, claim: QueuedWorkClaim, lease_ttl_ms: int) -> QueuedWorkClaim:
        """Move the expiry of a claim."""
        rows = self._held(claim)
        if len(rows) != len(claim.batches):
            raise _expired(claim)
        renewed = replace(claim, expires_at_epoch_ms=self._now() + lease_ttl_ms)
        for row in rows:
            row.claim = renewed
        return renewed

    def abandon(self, claim: QueuedWorkClaim) -> None:
        """Give claimed batches back; their fencing counters stay."""
        for row in self._held(claim):
            row.claim = None

    def cancel(self, session_id: str, batch_id: str) -> QueuedWorkBatch | None:
        """Remove a free batch."""
        row = self._rows.get(batch_id)
        if row is None or row.batch.session_id != session_id or not row.free(self._now()):
            return None
        self._remove(row)
        return row.batch

    def listed(self, session_id: str, *, only_free: bool) -> tuple[QueuedWorkBatch, ...]:
        """Return a session's batches in order."""
        now = self._now()
        return tuple(
            row.batch
            for row in self._rows.values()
            if row.batch.session_id == session_id and (not only_free or row.free(now))
        )

    def checked(self, completions: Iterable[QueuedWorkCompletion], session_id: str) -> Callable[[], None]:
        """Return what removes completed batches; nothing changes before it is called.

        Raises:
            StoreError: `QueuedWorkClaimExpired`, when a completion is not of this session, or does not name exactly what its claim holds.
        """
        done: list[_Row] = []
        for completion in completions:
            rows = self._held(completion)
            held = sorted(row.batch.batch_id for row in rows)
            if completion.session_id != session_id or held != sorted(completion.batch_ids):
                raise _expired(completion)
            done += rows

        def remove() -> None:
            for row in done:
                self._remove(row)

        return remove

    def _held(self, claim: QueuedWorkClaim | QueuedWorkCompletion) -> list[_Row]:
        return [row for row in self._rows.values() if row.held_by(claim)]

    def _remove(self, row: _Row) -> None:
        self._rows.pop(row.batch.batch_id, None)
        if row.batch.source_key is not None:
            self._by_source.pop((row.batch.session_id, row.batch.source_key), None)

    def _now(self) -> int:
        return self._clock.now_ns() // NS_PER_MS


def _batch(draft: QueuedWorkBatchDraft, seq: int, now: int) -> QueuedWorkBatch:
    batch_id = f"recording-qwb-{seq}"
    items = tuple(
        QueuedWorkItem(item_id=f"{batch_id}:item:{index}", payload=payload)
        for index, payload in enumerate(draft.payloads)
    )
    return QueuedWorkBatch(
        batch_id=batch_id,
        session_id=draft.session_id,
        enqueue_seq=seq,
        source_key=draft.source_key,
        delivery_policy=draft.delivery_policy,
        slot_policy=draft.slot_policy,
        merge_key=draft.merge_key,
        available_at_ms=draft.available_at_ms,
        enqueued_at_ms=now,
        items=items,
    )


def _group(ready: Iterator[_Row], boundary: QueuedWorkClaimBoundary, max_batches: int) -> Iterator[_Row]:
    """Yield the head and the following rows that may share its turn; ready work that must wait blocks what is behind it."""
    head = next(ready, None) if max_batches > 0 else None
    if head is None:
        return
    if boundary == "active_turn_checkpoint" and head.batch.delivery_policy != "earliest_safe_boundary":
        return
    yield head
    if head.batch.slot_policy == "exclusive":
        return
    for _, row in zip(range(max_batches - 1), ready, strict=False):
        if _terms(row.batch) != _terms(head.batch):
            return
        yield row


def _terms(batch: QueuedWorkBatch) -> tuple[object, ...]:
    return batch.slot_policy, batch.delivery_policy, batch.merge_key


def _claim(rows: list[_Row], owner: str, now: int, expires: int) -> QueuedWorkClaim:
    head = rows[0]
    fencing = head.fencing + 1
    claim_id = f"recording-qwc:{head.batch.enqueue_seq}:{fencing}"
    return QueuedWorkClaim(
        session_id=head.batch.session_id,
        claim_id=claim_id,
        owner_id=owner,
        lease_token=f"{head.batch.session_id}:{owner}:{claim_id}:{now}",
        fencing_token=fencing,
        claimed_at_epoch_ms=now,
        expires_at_epoch_ms=expires,
        batches=tuple(row.batch for row in rows),
    )


def _expired(claim: QueuedWorkClaim | QueuedWorkCompletion) -> StoreError:
    return StoreError(
        "QueuedWorkClaimExpired",
        f"claim {claim.claim_id} of session {claim.session_id} no longer holds its batches; claim the work again",
        session_id=claim.session_id,
        claim_id=claim.claim_id,
    )
