"""What a durable host did in a trace."""

from typing import Final

from lash_nb.frames._column import Column
from lash_nb.frames._ids import RECORD_HEAD, RECORD_IDS, RECORD_ORIGIN, moment
from lash_nb.frames._table import Rows, table
from lash_nb.frames._trace_rows import RecordRows
from lash_nb.trace import Trace

__all__ = ["DURABLE_COLUMNS", "DURABLE_DIFF", "DURABLE_ERROR", "DURABLE_INFO", "DURABLE_SEGMENT", "durable_df"]

DURABLE_INFO: Final = (
    *RECORD_HEAD,
    Column(
        "name",
        "index.name",
        "category",
        "The effect, what is waited for, why a segment ended, or the store's operation.",
    ),
    Column("status", "index.status", "category", "How it ended."),
    Column("effect_kind", "facts.effect_kind", "category", "Kind of the effect."),
    Column("duration_ms", "index.duration_ms", "Float64", "Length of a timer, in milliseconds."),
    Column("started_at", "facts.started_at_ms", "datetime64[ns, UTC]", "When a wait began (version 36).", then=moment),
)
"""What the host did."""

DURABLE_SEGMENT: Final = (
    Column("effects_executed", "facts.effects_executed", "UInt64", "Effects in the segment (3 to 35)."),
    Column("journaled_bytes", "facts.journaled_bytes", "UInt64", "Bytes in the journal, about (3 to 35)."),
)
"""What a segment held."""

DURABLE_ERROR: Final = (
    Column("error_class", "facts.error_class", "category", "Class of a store's error, as in `stored_data_corrupt`."),
    Column("error_message", "facts.error_message", "string", "What went wrong in a store."),
)
"""What went wrong in a store."""

DURABLE_DIFF: Final = (
    Column("recorded_hash", "facts.recorded_hash", "string", "Hash of the effect's envelope in the journal."),
    Column("rebuilt_hash", "facts.rebuilt_hash", "string", "Hash of the envelope that the replay made."),
    Column("divergent_paths", "facts.divergent_paths", "object", "Where the two differ, as plain objects."),
)
"""Where a replay did not ask for what was recorded."""

DURABLE_COLUMNS: Final = (*DURABLE_INFO, *DURABLE_SEGMENT, *DURABLE_ERROR, *DURABLE_DIFF, *RECORD_ORIGIN)
"""What a durable host did."""


@table(DURABLE_COLUMNS, always=RECORD_IDS)
def durable_df(trace: Trace) -> Rows:
    """One row per record of a durable host: effects put into a journal, waits, timers, segments, errors of a store.

    A column's function gets a `RecordRow`: `body` (the record, whole) and `facts`.
    """
    return RecordRows(trace, trace.durable_events.rows)
