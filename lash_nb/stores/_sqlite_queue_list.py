"""All queued work of a session, read together (lash 0.1.0-alpha.37, sessions §9.4): thousands of batches in one query, their payloads decoded at once."""

import sqlite3
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final, get_args

from lash_nb.stores._sqlite_queue_rows import COLUMNS, FREE, row_at
from lash_nb.stores._sqlite_schema import blobs, select, texts
from lash_nb.wire import (
    DeliveryPolicy,
    MergeKey,
    QueuedWorkBatch,
    QueuedWorkItem,
    QueuedWorkPayload,
    SlotPolicy,
    from_json_rows,
)

__all__ = ["holds_batch", "pending_batches", "read_batches"]

_SOURCE: Final = "queued_work_batches LEFT JOIN queued_work_items USING (batch_id)"
_ALL: Final = select(
    *(read(name) for name, read in COLUMNS.items()),
    texts("item_id"),
    blobs("payload_json"),
    source=f"{_SOURCE} WHERE session_id = ?1",
)
_HOLDS: Final = "SELECT 1 FROM queued_work_batches WHERE batch_id = ? AND session_id = ?"
_IN_ORDER: Final = "ORDER BY enqueue_seq, item_index"
_SEQ, _DELIVERY, _SLOT, _MERGE_KEY, _AVAILABLE, _ENQUEUED = map(
    list(COLUMNS).index,
    ("enqueue_seq", "delivery_policy", "slot_policy", "merge_key_json", "available_at_ms", "enqueued_at_ms"),
)
"""Where in a row they stand."""


def read_batches(connection: sqlite3.Connection, session_id: str) -> tuple[QueuedWorkBatch, ...]:
    """Return all batches of a session in order.

    Raises:
        StoreError: `Backend`, when one cannot be read.
    """
    return _batches(connection, f"{_ALL} {_IN_ORDER}", session_id)


def pending_batches(connection: sqlite3.Connection, session_id: str, now: int) -> tuple[QueuedWorkBatch, ...]:
    """Return the batches of a session that nobody holds, in order; errors as in `read_batches`."""
    return _batches(connection, f"{_ALL} AND {FREE} {_IN_ORDER}", session_id, now)


def holds_batch(connection: sqlite3.Connection, session_id: str, batch_id: str) -> bool:
    """Tell whether a batch of a session is there, whoever holds it; what it holds is not read."""
    found = connection.execute(_HOLDS, (batch_id, session_id)).fetchone()
    return found is not None


def _batches(connection: sqlite3.Connection, query: str, *values: Any) -> tuple[QueuedWorkBatch, ...]:
    rows = connection.execute(query, values).fetchall()
    payloads = from_json_rows([payload for *_, payload in rows], QueuedWorkPayload)
    merge_keys = {written: from_json_rows([written], MergeKey)[0] for written in {row[_MERGE_KEY] for row in rows}}
    if not _are_plain(rows) or any(read is None for read in (*payloads, *merge_keys.values())):
        return tuple(row_at(connection, seq).batch for seq in dict.fromkeys(row[_SEQ] for row in rows))
    items = [
        (row, QueuedWorkItem(item_id=row[-2], payload=payload)) for row, payload in zip(rows, payloads, strict=True)
    ]
    of_each = (list(of_one) for _, of_one in groupby(items, lambda item: item[0][_SEQ]))
    return tuple(_batch(of_one[0][0], merge_keys, tuple([item for _, item in of_one])) for of_one in of_each)


def _are_plain(rows: Sequence[tuple[Any, ...]]) -> bool:
    """Tell whether every row holds what such a row holds; otherwise they are read one by one, for the error or for a batch without items."""
    return (
        {row[_DELIVERY] for row in rows}.issubset(get_args(DeliveryPolicy))
        and {row[_SLOT] for row in rows}.issubset(get_args(SlotPolicy))
        and all(row[_AVAILABLE] >= 0 <= row[_ENQUEUED] and row[_SEQ] >= 0 for row in rows)
    )


def _batch(row: tuple[Any, ...], merge_keys: dict[bytes, Any], items: tuple[QueuedWorkItem, ...]) -> QueuedWorkBatch:
    columns = dict(zip(COLUMNS, row, strict=False))
    merge_key = merge_keys[columns.pop("merge_key_json")]
    return QueuedWorkBatch(merge_key=merge_key, items=items, **columns)
