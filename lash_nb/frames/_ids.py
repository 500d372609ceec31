"""Columns that every table of a trace has: which row is which, and where it stands."""

from collections.abc import Sequence
from typing import Any, Final

from lash_nb.clock import NS_PER_MS
from lash_nb.frames._column import Column

__all__ = [
    "RECORD_HEAD",
    "RECORD_IDS",
    "RECORD_ORIGIN",
    "SPAN_IDS",
    "SPAN_PLACE",
    "SPAN_TIMING",
    "as_read",
    "count",
    "moment",
]


def _ids(holder: str, order: str) -> tuple[Column, ...]:
    """Return ids and order, which are attributes of `holder`."""
    return (
        Column("order", f"{holder}.order", "Int64", order),
        Column("session_id", f"{holder}.session_id", "category", "The session."),
        Column("turn_id", f"{holder}.turn_id", "string", "The turn."),
        Column("turn_index", f"{holder}.turn_index", "Int64", "Number of the turn in its session."),
        Column("effect_id", f"{holder}.effect_id", "string", "The effect that performed it."),
        Column("llm_call_id", f"{holder}.llm_call_id", "string", "The model call."),
        Column(
            "graph_node_id",
            f"{holder}.graph_node_id",
            "string",
            "The graph node or span that it is, where the record says so.",
        ),
    )


RECORD_IDS: Final = _ids("index", "Number of the record in the trace, from 0.")
"""Ids and order of a record; all from the index."""

RECORD_HEAD: Final = (
    *(RECORD_IDS[number] for number in (0, 1, 3)),
    Column("protocol_iteration", "index.protocol_iteration", "Int64", "Round of the turn, from 0."),
    Column("timestamp", "index.time_ns", "datetime64[ns, UTC]", "When it was written."),
    Column(
        "kind",
        "index.kind",
        "category",
        "What it is about: the type of the record as 0.1.0-alpha.37 calls it, or the first release that has it.",
    ),
)
"""Where a record stands, when it was written and what it is about; all from the index."""

SPAN_IDS: Final = _ids("span", "Number of its first record in the trace, from 0.")
"""Ids and order of a call or turn."""

SPAN_PLACE: Final = (SPAN_IDS[0], SPAN_IDS[1], SPAN_IDS[3])
"""Where a call or turn stands: order, session, number of the turn."""

SPAN_TIMING: Final = (
    Column("started_at", "span.started_ns", "datetime64[ns, UTC]", "When its start was recorded."),
    Column("ended_at", "span.ended_ns", "datetime64[ns, UTC]", "When its end was recorded."),
    Column(
        "duration_ms",
        "span.duration_ms",
        "Float64",
        "Milliseconds as its end reports them, else between its two records; without what a decision was waited for.",
    ),
)
"""When a call or turn began and ended."""

RECORD_ORIGIN: Final = (
    Column("schema_version", "index.schema_version", "Int64", "Version of the layout of its first record."),
    Column(
        "is_withheld",
        "index.is_withheld",
        "boolean",
        "Whether the host withheld texts and values (version 36): what is empty may not have been.",
    ),
)
"""What wrote it; all from the index, of the first record where there are two."""


def as_read(columns: Sequence[Column], *first: str) -> tuple[Column, ...]:
    """Return columns in the order in which a person wants to read them: these first, ids last, the others between as they are.

    pandas shows the first and the last ten of many columns.
    """
    by_name = {column.name: column for column in columns}
    middle = [name for name in by_name if name not in first and not name.endswith(_ID)]
    last = [name for name in by_name if name not in first and name.endswith(_ID)]
    return tuple(by_name[name] for name in (*first, *middle, *last))


_ID: Final = ("_id", "order", "caused_by", "replay_key")
"""How names of columns end that say where something belongs."""


def count(items: Any) -> int | None:
    """Return the number of items of a list, nothing of anything else."""
    return len(items) if isinstance(items, list | tuple) else None


def moment(milliseconds: int) -> int:
    """Return a time in nanoseconds."""
    return milliseconds * NS_PER_MS
