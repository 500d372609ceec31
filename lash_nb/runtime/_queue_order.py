"""Why a queue does not give just the batches that somebody names: it gives what comes first, and nothing before it (lash 0.1.0-alpha.37, sessions §9.3)."""

from collections.abc import Sequence

from lash_nb.wire import QueuedWorkBatch
from lash_nb.words import counted

__all__ = ["why_not_next"]


def why_not_next(
    named: Sequence[str], *, queued: Sequence[QueuedWorkBatch], free: Sequence[QueuedWorkBatch], now_ms: int
) -> str:
    """Say why named batches were not run, and what to do; nothing where none are named and nobody holds any.

    Args:
        named: Ids of the batches, in the order in which they were to be run; none for whatever comes first.
        queued: What is in the session's queue.
        free: What of it nobody holds, in order.
        now_ms: The time, epoch milliseconds.
    """
    known, unheld = _ids(queued), _ids(free)
    due = _ids([batch for batch in free if batch.available_at_ms <= now_ms])
    if gone := [batch_id for batch_id in named if batch_id not in known]:
        return f"{', '.join(gone)} is not in the queue: a turn took it, or it was cancelled; see queued_work()"
    if late := [batch_id for batch_id in named if batch_id in unheld and batch_id not in due]:
        return f"{', '.join(late)} is for later; see its available_at_ms"
    if held := [batch_id for batch_id in known if batch_id not in unheld]:
        return f"{', '.join(held)} is held by a turn that runs; await_queued_work_batch() waits for its end"
    return _what_is_first(named[0], named[1:], due) if named else ""


def _what_is_first(first: str, others: Sequence[str], due: Sequence[str]) -> str:
    """Say why batches are not run that could be, were it not for the order."""
    if first != due[0]:
        before = counted(due.index(first), "batch comes", "batches come")
        return f"{first} is not next: {before} before it, first {due[0]}; run that one, or take it out with cancel_queued_work_batch()"
    if others:
        return f"{first} shares no turn with {', '.join(others)}: only neighbours do that may join, and are of one kind; run {first} alone"
    return f"a command came before {first}, and is obeyed now; run {first} next"


def _ids(batches: Sequence[QueuedWorkBatch]) -> list[str]:
    return [batch.batch_id for batch in batches]
