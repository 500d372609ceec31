"""Queued work in the tables of a session database, within one transaction (lash 0.1.0-alpha.37, sessions §9, §11.2 and §11.7)."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from lash_nb.errors import StoreError, WireError
from lash_nb.stores._claim_holder import HOLDER_IS_GONE, signed
from lash_nb.stores._queue_rules import QueueRow, check_completion, claim_expired, claimable, new_batch, new_claim
from lash_nb.stores._session_store import ClaimNote
from lash_nb.stores._sqlite_schema import LARGEST, blobs, integers, select, texts
from lash_nb.wire import (
    QueuedWorkBatch,
    QueuedWorkBatchDraft,
    QueuedWorkClaim,
    QueuedWorkClaimBoundary,
    QueuedWorkCompletion,
    RuntimeCommit,
    from_builtins,
    from_json,
    to_json,
)

__all__ = [
    "COLUMNS",
    "FREE",
    "Terms",
    "abandon",
    "cancel",
    "check_completions",
    "enqueue",
    "remove_completed",
    "renew",
    "row_at",
]

COLUMNS: Final = {
    "batch_id": texts,
    "session_id": texts,
    "enqueue_seq": integers,
    "source_key": "CAST({} AS TEXT)".format,
    "delivery_policy": texts,
    "slot_policy": texts,
    "merge_key_json": blobs,
    "available_at_ms": integers,
    "enqueued_at_ms": integers,
}
"""The columns of a batch, and how they are read."""
_ROWS: Final = select(
    *(read(name) for name, read in COLUMNS.items()),
    integers("claim_fencing_token"),
    source="queued_work_batches",
)
_ITEMS: Final = select(
    texts("item_id"), blobs("payload_json"), source="queued_work_items WHERE batch_id = ? ORDER BY item_index"
)
FREE: Final = f"(claim_token IS NULL OR claim_expires_at_ms <= ?2 OR {HOLDER_IS_GONE}(CAST(claim_token AS BLOB)))"
"""What nobody holds, of a session `?1` at a time `?2`, as all queries here name them."""
_ARMS: Final = (
    "claim_id IS NULL AND claim_token IS NULL",
    "claim_id IS NULL AND claim_token IS NOT NULL",
    "claim_id IS NOT NULL",
)
"""Every row by its claim, as the index of claims has them: those that nobody holds lie there in their order, and of others there are few."""
_EACH_READY: Final = " UNION ALL ".join(
    f"SELECT enqueue_seq FROM queued_work_batches WHERE session_id = ?1 AND {held} AND +available_at_ms <= ?2 AND {FREE}"  # noqa: S608 - made of constants
    for held in _ARMS
)
"""The sign keeps SQLite from the index of times, for all of whose rows it would find the order first, while a turn takes a few."""
_IN_ORDER: Final = f"{_EACH_READY} ORDER BY enqueue_seq"
_ANY_READY: Final = (
    f"SELECT EXISTS (SELECT 1 FROM queued_work_batches WHERE session_id = ?1 AND available_at_ms <= ?2 AND {FREE})"  # noqa: S608 - made of constants
)
_ANY_HELD: Final = (
    f"SELECT EXISTS (SELECT 1 FROM queued_work_batches WHERE session_id = ?1 AND claim_id IS NOT NULL AND NOT {FREE})"  # noqa: S608 - made of constants
)
_HELD: Final = "session_id = ? AND claim_id = ? AND claim_token = ?"


def check_completions(connection: sqlite3.Connection, commit: RuntimeCommit) -> None:
    """Check all completions of a commit before anything changes.

    Raises:
        StoreError: `QueuedWorkClaimExpired`.
    """
    for completion in commit.completed_queue_claims:
        rows = connection.execute(
            f"SELECT batch_id FROM queued_work_batches WHERE {_HELD}",  # noqa: S608 - made of constants
            _proof(completion),
        )
        check_completion(completion, commit.session_id, [batch_id for (batch_id,) in rows])


def remove_completed(connection: sqlite3.Connection, commit: RuntimeCommit) -> None:
    """Delete the work that a commit completes, after its check."""
    if not commit.completed_queue_claims:
        return
    connection.executemany(
        f"DELETE FROM queued_work_batches WHERE {_HELD}",  # noqa: S608 - made of constants
        map(_proof, commit.completed_queue_claims),
    )


def enqueue(connection: sqlite3.Connection, draft: QueuedWorkBatchDraft, now: int, number: int) -> QueuedWorkBatch:
    """Put work into the queue; while a batch with the same source key waits, that one is returned unchanged.

    Args:
        connection: In a transaction that has the right to write.
        draft: The work.
        now: The time, epoch milliseconds.
        number: Makes the id differ from others of this time.
    """
    if draft.source_key is not None:
        waiting = next(_rows(connection, draft.session_id, "source_key = ?2", draft.source_key), None)
        if waiting is not None:
            return waiting.batch
    seq = connection.execute("SELECT coalesce(max(enqueue_seq), 0) + 1 FROM queued_work_batches").fetchone()[0]
    digest = hashlib.sha256(f"{draft.session_id}:{draft.source_key!r}:{now}:{seq}:{number}".encode()).hexdigest()
    batch = new_batch(draft, batch_id=f"qwb:{digest}", seq=seq, now=now)
    _insert(connection, batch)
    return batch


def _insert(connection: sqlite3.Connection, batch: QueuedWorkBatch) -> None:
    told = {name: getattr(batch, name, None) for name in COLUMNS}
    told |= {"merge_key_json": to_json(batch.merge_key).decode(), "available_at_ms": _time(batch.available_at_ms)}
    marks = ", ".join("?" * len(COLUMNS))
    connection.execute(f"INSERT INTO queued_work_batches ({', '.join(COLUMNS)}) VALUES ({marks})", [*told.values()])  # noqa: S608 - made of constants
    connection.executemany(
        "INSERT INTO queued_work_items (batch_id, item_index, item_id, payload_json) VALUES (?, ?, ?, ?)",
        [
            (batch.batch_id, index, item.item_id, to_json(item.payload).decode())
            for index, item in enumerate(batch.items)
        ],
    )


class Terms(NamedTuple):
    """What somebody asks of the queue."""

    session_id: str
    boundary: QueuedWorkClaimBoundary
    owner: str
    now: int
    lease_ttl_ms: int
    max_batches: int
    unless_held: bool
    """Whether to claim nothing while anybody holds work of the session."""
    tell: Callable[[StoreError], None]
    """Hears of work that cannot be read, which is passed over and stays where it is."""
    note: ClaimNote | None = None
    """Gets a claim before it is made."""

    def any_ready(self, connection: sqlite3.Connection) -> bool:
        """Tell whether there is anything that may be claimed."""
        if self._must_wait(connection):
            return False
        found = connection.execute(_ANY_READY, (self.session_id, self.now)).fetchone()
        return bool(found[0])

    def claim(self, connection: sqlite3.Connection) -> QueuedWorkClaim | None:
        """Claim what may be claimed."""
        if self._must_wait(connection):
            return None
        rows = list(claimable(self._ready(connection), self.boundary, self.max_batches))
        if not rows:
            return None
        claim = new_claim(rows, prefix="qwc", owner=self.owner, now=self.now, lease_ttl_ms=self.lease_ttl_ms)
        claim = replace(claim, lease_token=signed(hashlib.sha256(claim.lease_token.encode()).hexdigest()))
        if self.note is not None:
            self.note(claim)
        row_of_claim = (claim.claim_id, self.owner, claim.lease_token, self.now, _time(claim.expires_at_epoch_ms))
        connection.executemany(
            "UPDATE queued_work_batches SET claim_id = ?, claim_owner_id = ?, claim_token = ?, claim_claimed_at_ms = ?,"
            " claim_expires_at_ms = ?, claim_fencing_token = claim_fencing_token + 1 WHERE batch_id = ?",
            [(*row_of_claim, row.batch.batch_id) for row in rows],
        )
        return claim

    def _must_wait(self, connection: sqlite3.Connection) -> bool:
        return self.unless_held and bool(connection.execute(_ANY_HELD, (self.session_id, self.now)).fetchone()[0])

    def _ready(self, connection: sqlite3.Connection) -> Iterator[QueueRow]:
        for (seq,) in connection.execute(_IN_ORDER, (self.session_id, self.now)):
            try:
                row = row_at(connection, seq)
            except StoreError as error:
                self.tell(error)
            else:
                yield row


def renew(connection: sqlite3.Connection, claim: QueuedWorkClaim, renewed: QueuedWorkClaim) -> None:
    """Note the new expiry and token of a claim.

    Raises:
        StoreError: `QueuedWorkClaimExpired`, when it does not hold all of its work.
    """
    changed = connection.execute(
        f"UPDATE queued_work_batches SET claim_expires_at_ms = ?, claim_token = ? WHERE {_HELD}",  # noqa: S608 - made of constants
        (_time(renewed.expires_at_epoch_ms), renewed.lease_token, *_proof(claim)),
    )
    if changed.rowcount != len(claim.batches):
        raise claim_expired(claim)


def cancel(connection: sqlite3.Connection, session_id: str, batch_id: str, now: int) -> QueuedWorkBatch | None:
    """Take work out of the queue; None when there is none or somebody holds it."""
    row = next(_rows(connection, session_id, f"{FREE} AND batch_id = ?3", now, batch_id), None)
    if row is None:
        return None
    connection.execute("DELETE FROM queued_work_batches WHERE batch_id = ?", (batch_id,))
    return row.batch


def abandon(connection: sqlite3.Connection, claim: QueuedWorkClaim) -> None:
    """Give claimed work back; its fencing counter stays."""
    connection.execute(
        "UPDATE queued_work_batches SET claim_id = NULL, claim_owner_id = NULL, claim_token = NULL,"  # noqa: S608 - made of constants
        f" claim_claimed_at_ms = 0, claim_expires_at_ms = 0 WHERE {_HELD}",
        _proof(claim),
    )


def row_at(connection: sqlite3.Connection, seq: int) -> QueueRow:
    """Return the row that stands at a place in the queue.

    Raises:
        StoreError: `Backend`, when it cannot be read.
    """
    return _row(connection, connection.execute(f"{_ROWS} WHERE enqueue_seq = ?", (seq,)).fetchone())


def _rows(connection: sqlite3.Connection, session_id: str, which: str, *values: Any) -> Iterator[QueueRow]:
    rows = connection.execute(f"{_ROWS} WHERE session_id = ?1 AND {which} ORDER BY enqueue_seq", (session_id, *values))
    return (_row(connection, found) for found in rows)


def _row(connection: sqlite3.Connection, found: tuple[Any, ...]) -> QueueRow:
    *columns, fencing = found
    return QueueRow(_batch(connection, dict(zip(COLUMNS, columns, strict=True))), fencing)


def _batch(connection: sqlite3.Connection, columns: dict[str, Any]) -> QueuedWorkBatch:
    items = connection.execute(_ITEMS, (columns["batch_id"],))
    try:
        told = {
            "merge_key": from_json(columns.pop("merge_key_json")),
            "items": [{"item_id": item_id, "payload": from_json(payload)} for item_id, payload in items],
        }
        return from_builtins(columns | told, QueuedWorkBatch)
    except WireError as error:
        path = connection.execute("PRAGMA database_list").fetchone()[2]
        reason = f"{path}: queued work {columns['batch_id']} cannot be read ({error}); cancel it with the release that wrote it"
        raise StoreError("Backend", reason, path=path, batch_id=columns["batch_id"]) from error


def _proof(claim: QueuedWorkClaim | QueuedWorkCompletion) -> tuple[str, str, str]:
    return claim.session_id, claim.claim_id, claim.lease_token


def _time(milliseconds: int) -> int:
    return min(milliseconds, LARGEST)
