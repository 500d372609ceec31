"""What waits in the queue of a session."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from lash_nb.frames._column import Column
from lash_nb.frames._table import Rows, table
from lash_nb.wire import (
    ProcessWakePayload,
    QueuedWorkBatch,
    QueuedWorkItem,
    SessionCommandPayload,
    TextItem,
    TurnInputPayload,
)

__all__ = ["QUEUE_COLUMNS", "QueueRow", "queue_df"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """One batch: what a column's function is given."""

    order: int
    """Its place in the queue, from 1."""
    batch: QueuedWorkBatch
    """The batch."""

    @property
    def what(self) -> str:
        """What its items are: `input`, `wake`, or the command."""
        return ", ".join(dict.fromkeys(map(_kind, self.batch.items)))

    @property
    def text(self) -> str:
        """What is said in it."""
        return "\n".join(text for item in self.batch.items for text in _texts(item))

    @property
    def pictures(self) -> int:
        """How many pictures it brings."""
        inputs = (item.payload for item in self.batch.items if isinstance(item.payload, TurnInputPayload))
        return sum(len(payload.input.image_blobs) for payload in inputs)


_IDS: Final = (
    Column("order", "order", "Int64", "Its place in the queue, from 1."),
    Column("session_id", "batch.session_id", "category", "The session."),
    Column("batch_id", "batch.batch_id", "string", "Id of the batch."),
)

QUEUE_COLUMNS: Final = (
    _IDS[0],
    _IDS[2],
    Column("what", "what", "category", "`input`, `wake`, or the command that it is."),
    Column("text", "text", "string", "What is said in it."),
    Column("pictures", "pictures", "Int64", "How many pictures it brings."),
    Column("delivery_policy", "batch.delivery_policy", "category", "When it may come in."),
    Column("slot_policy", "batch.slot_policy", "category", "Whether it may share a turn with other work."),
    Column("enqueued_at", lambda row: row.batch.enqueued_at_ms * 1_000_000, "datetime64[ns, UTC]", "When it came."),
    Column("source_key", "batch.source_key", "string", "The caller's own key."),
)
"""What waits, in the order in which it is taken."""


@table(QUEUE_COLUMNS, always=_IDS, listing="await session.queued_work()")
def queue_df(batches: Iterable[QueuedWorkBatch]) -> Rows:
    """One row per batch that waits, as in `await session.queued_work()`; a column's function gets a `QueueRow`."""
    return Rows([QueueRow(order=order, batch=batch) for order, batch in enumerate(batches, 1)])


def _kind(item: QueuedWorkItem) -> str:
    match item.payload:
        case SessionCommandPayload(command=command):
            return str(command.__struct_config__.tag)
        case ProcessWakePayload():
            return "wake"
        case TurnInputPayload(role=role):
            return "input" if role is None else f"{role.lower()} message"


def _texts(item: QueuedWorkItem) -> Iterator[str]:
    match item.payload:
        case TurnInputPayload(input=given):
            yield from (one.text for one in given.items if isinstance(one, TextItem))
        case SessionCommandPayload(command=command):
            yield command.reason
