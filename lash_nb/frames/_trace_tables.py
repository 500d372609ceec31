"""The tables of a trace by name: what `%lash trace FILE --table NAME` and `lash-nb trace FILE --table NAME` can be asked for."""

from collections.abc import Mapping
from typing import Final

import pandas as pd

from lash_nb.frames._attempts import attempts_df
from lash_nb.frames._code_blocks import code_blocks_df
from lash_nb.frames._column import Column
from lash_nb.frames._context_pressure import context_pressure_df
from lash_nb.frames._durable import durable_df
from lash_nb.frames._executions import execution_children_df, execution_edges_df, execution_nodes_df, executions_df
from lash_nb.frames._llm_calls import llm_calls_df
from lash_nb.frames._other_records import other_records_df
from lash_nb.frames._processes import processes_df
from lash_nb.frames._prompts import prompts_df
from lash_nb.frames._records import records_df
from lash_nb.frames._spans import spans_df
from lash_nb.frames._stream_events import stream_events_df
from lash_nb.frames._table import Rows, Table, table
from lash_nb.frames._tool_calls import tool_calls_df
from lash_nb.frames._turns import turns_df
from lash_nb.frames._usage import usage_df
from lash_nb.trace import Trace

__all__ = ["ERROR_COLUMNS", "TRACE_TABLES", "errors_df", "first_columns"]

_SHOWN: Final = 7
"""Columns of a table that are shown where nobody chose some."""

ERROR_COLUMNS: Final = (
    Column("source", "source", "category", "Name of the file."),
    Column("line", "line", "Int64", "Line number in the file, from 1."),
    Column("offset", "offset", "Int64", "Where the line begins, in bytes from the start of the file."),
    Column("reason", "reason", "string", "Why it is no record, in words."),
    Column("text", "text", "string", "The beginning of the line."),
    Column("in_progress", "in_progress", "boolean", "Whether it is the last line of a file that may still be written."),
)
"""The lines of a trace that are no records."""


@table(ERROR_COLUMNS, always=())
def errors_df(trace: Trace) -> Rows:
    """One row per line of a trace that is no record.

    A column's function gets a `TraceError`.
    """
    return Rows(trace.errors)


TRACE_TABLES: Final[Mapping[str, Table[Trace]]] = {
    "records": records_df,
    "turns": turns_df,
    "llm_calls": llm_calls_df,
    "tool_calls": tool_calls_df,
    "attempts": attempts_df,
    "usage": usage_df,
    "spans": spans_df,
    "code_blocks": code_blocks_df,
    "executions": executions_df,
    "execution_nodes": execution_nodes_df,
    "execution_edges": execution_edges_df,
    "execution_children": execution_children_df,
    "processes": processes_df,
    "prompts": prompts_df,
    "stream_events": stream_events_df,
    "context_pressure": context_pressure_df,
    "durable": durable_df,
    "other_records": other_records_df,
    "errors": errors_df,
}
"""Each table of a trace by the name of what its rows are; the function is that name with `_df`."""


def first_columns(frame: pd.DataFrame) -> list[str]:
    """Return the first columns of a table in which something stands: what one looks at first is in front."""
    return [str(column) for column in frame if len(frame) == 0 or frame[column].notna().any()][:_SHOWN]
