"""One row per record of a trace."""

from typing import Final

from lash_nb.frames._column import Column
from lash_nb.frames._table import Rows, table
from lash_nb.frames._trace_rows import RecordRows
from lash_nb.trace import Trace

__all__ = ["RECORD_COLUMNS", "records_df"]

RECORD_COLUMNS: Final = (
    Column("order", "index.order", "Int64", "Number of the record in the trace, from 0."),
    Column("session_id", "index.session_id", "category", "The session it tells of."),
    Column("turn_index", "index.turn_index", "Int64", "Number of the turn in its session."),
    Column("protocol_iteration", "index.protocol_iteration", "Int64", "Round of the turn, from 0."),
    Column("type", "index.type", "category", "What happened."),
    Column(
        "name", "index.name", "category", "Model, tool, custom name, plugin or kind of event, whichever the type has."
    ),
    Column("status", "index.status", "category", "How a turn or tool call ended."),
    Column("timestamp", "index.time_ns", "datetime64[ns, UTC]", "When it was written."),
    Column("duration_ms", "index.duration_ms", "Float64", "What the record reports, in milliseconds."),
    Column("call_id", "index.call_id", "string", "The tool call."),
    Column("line", "index.line", "Int64", "Line in its file, from 1; bad and empty lines count."),
    Column("byte_len", "index.length", "Int64", "Size of the record in bytes."),
    Column("schema_version", "index.schema_version", "Int64", "Version of the record's layout."),
)
"""What happened, when, and where it stands in the file; all from the index."""

_ALWAYS: Final = (
    RECORD_COLUMNS[0],
    RECORD_COLUMNS[1],
    Column("turn_id", "index.turn_id", "string", "The turn."),
    RECORD_COLUMNS[2],
    Column("effect_id", "index.effect_id", "string", "The effect that performed it."),
    Column("llm_call_id", "index.llm_call_id", "string", "The model call."),
    Column("graph_node_id", "index.graph_node_id", "string", "The graph node it hangs on, where the record says so."),
)


@table(RECORD_COLUMNS, always=_ALWAYS)
def records_df(trace: Trace) -> Rows:
    """One row per record of a trace.

    A path that begins with `index.` takes a whole column of `Trace.index`; any other column is asked row by row, with `order` and `body`
    (the record as a dict), as in `body.context.run_id`.
    """
    return RecordRows(trace)
