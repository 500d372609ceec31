"""One row per record of a trace."""

from collections.abc import Mapping
from typing import Any, Final

from lash_nb.frames._column import Column
from lash_nb.frames._ids import RECORD_HEAD, RECORD_IDS
from lash_nb.frames._table import Rows, table
from lash_nb.frames._trace_rows import RecordRows
from lash_nb.trace import Trace, shape_of

__all__ = [
    "RECORD_COLUMNS",
    "RECORD_CONTENT",
    "RECORD_INFO",
    "RECORD_LINKS",
    "RECORD_PLACE",
    "RECORD_RELEASE",
    "RECORD_TIMING",
    "records_df",
]

_HEAD: Final = ("schema_version", "id", "timestamp", "content", "context", "type")
"""Members of every record."""


def _members(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a record says beside its head."""
    return {name: value for name, value in body.items() if name not in _HEAD}


RECORD_INFO: Final = (
    *RECORD_HEAD[:4],
    Column("type", "index.type", "category", "What happened."),
    RECORD_HEAD[5],
    Column(
        "name", "index.name", "category", "Model, tool, custom name, plugin or kind of event, whichever the type has."
    ),
    Column("status", "index.status", "category", "How a turn, a tool call or a step of a durable host ended."),
)
"""What happened; all from the index."""

RECORD_TIMING: Final = (
    RECORD_HEAD[4],
    Column("duration_ms", "index.duration_ms", "Float64", "What the record reports, in milliseconds."),
)
"""When it happened; all from the index."""

RECORD_LINKS: Final = (
    Column("call_id", "index.call_id", "string", "The tool call."),
    Column(
        "parent_graph_node_id",
        "index.parent_graph_node_id",
        "string",
        "The span in which it stands (since 0.1.0-alpha.78).",
    ),
    Column("cause_call_id", "index.cause_call_id", "string", "The tool call that caused it."),
)
"""What it belongs to; all from the index."""

RECORD_PLACE: Final = (
    Column("line", "index.line", "Int64", "Line in its file, from 1; bad and empty lines count."),
    Column("byte_len", "index.length", "Int64", "Size of the record in bytes."),
    Column("schema_version", "index.schema_version", "Int64", "Version of the record's layout."),
    Column("is_known", "index.is_known", "boolean", "Whether its type and version are described here."),
    Column("is_withheld", "index.is_withheld", "boolean", "Whether the host withheld texts and values (version 36)."),
)
"""Where it stands and what wrote it; all from the index."""

RECORD_CONTENT: Final = (
    Column("id", "body.id", "string", "Id of the record."),
    Column("context", "body.context", "object", "Its context, as a plain object."),
    Column("members", "body", "object", "Everything else that it says, as a plain object.", then=_members),
)
"""The record itself, read from the file; in no table by default but that of the records that no other table has."""

RECORD_RELEASE: Final = (
    Column(
        "releases",
        "body",
        "category",
        "Releases that may have written it, as in `schema 2 (alpha.21–74)`: its members tell, its version does not.",
        then=lambda body: str(shape_of(body)),
    ),
)
"""What wrote it, read from the file; in no table by default."""

RECORD_COLUMNS: Final = (*RECORD_INFO, *RECORD_TIMING, *RECORD_LINKS, *RECORD_PLACE)
"""What happened, when, and where it stands in the file; all from the index."""


@table(RECORD_COLUMNS, always=RECORD_IDS)
def records_df(trace: Trace) -> Rows:
    """One row per record of a trace.

    A path that begins with `index.` takes a whole column of `Trace.index`; any other column is asked row by row: its function gets a
    `RecordRow` with `order`, `body` (the record as a dict) and `facts`, as in `body.context.run_id` or `facts.error_message`.
    """
    return RecordRows(trace)
