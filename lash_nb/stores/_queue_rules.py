"""The rules of queued work, wherever it is kept (lash 0.1.0-alpha.37, sessions §9)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lash_nb.errors import StoreError
from lash_nb.wire import (
    QueuedWorkBatch,
    QueuedWorkBatchDraft,
    QueuedWorkClaim,
    QueuedWorkClaimBoundary,
    QueuedWorkCompletion,
    QueuedWorkItem,
)

__all__ = ["QueueRow", "check_completion", "claim_expired", "claimable", "holds", "new_batch", "new_claim"]


@dataclass
class QueueRow:
    """A batch in the queue."""

    batch: QueuedWorkBatch
    """The work."""
    fencing: int = 0
    """How often it was claimed."""


R = TypeVar("R", bound=QueueRow)


def new_batch(draft: QueuedWorkBatchDraft, *, batch_id: str, seq: int, now: int) -> QueuedWorkBatch:
    """Return the batch that a draft becomes."""
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
        items=tuple(
            QueuedWorkItem(item_id=f"{batch_id}:item:{index}", payload=payload)
            for index, payload in enumerate(draft.payloads)
        ),
    )


def claimable(ready: Iterator[R], boundary: QueuedWorkClaimBoundary, max_batches: int) -> Iterator[R]:
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


def new_claim(rows: Sequence[QueueRow], *, prefix: str, owner: str, now: int, lease_ttl_ms: int) -> QueuedWorkClaim:
    """Return the claim on rows, not yet noted in them; the lease token says in plain text who holds what since when."""
    head = rows[0]
    fencing = head.fencing + 1
    claim_id = f"{prefix}:{head.batch.enqueue_seq}:{fencing}"
    return QueuedWorkClaim(
        session_id=head.batch.session_id,
        claim_id=claim_id,
        owner_id=owner,
        lease_token=f"{head.batch.session_id}:{owner}:{claim_id}:{now}",
        fencing_token=fencing,
        claimed_at_epoch_ms=now,
        expires_at_epoch_ms=now + lease_ttl_ms,
        batches=tuple(row.batch for row in rows),
    )


def holds(claim: QueuedWorkClaim, batch_ids: Sequence[str]) -> bool:
    """Tell whether a claim is on exactly these batches, in this order."""
    return [batch.batch_id for batch in claim.batches] == list(batch_ids)


def check_completion(completion: QueuedWorkCompletion, session_id: str, held: Sequence[str]) -> None:
    """Check that a completion is of this session and names exactly what its claim holds.

    Raises:
        StoreError: `QueuedWorkClaimExpired`.
    """
    if completion.session_id != session_id or sorted(held) != sorted(completion.batch_ids):
        raise claim_expired(completion)


def claim_expired(claim: QueuedWorkClaim | QueuedWorkCompletion) -> StoreError:
    """Return the error for a claim that no longer holds its work."""
    return StoreError(
        "QueuedWorkClaimExpired",
        f"claim {claim.claim_id} of session {claim.session_id} no longer holds its batches; claim the work again",
        session_id=claim.session_id,
        claim_id=claim.claim_id,
    )


def _terms(batch: QueuedWorkBatch) -> tuple[object, ...]:
    return batch.slot_policy, batch.delivery_policy, batch.merge_key
