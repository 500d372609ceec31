"""Tool calls of a trace."""

from typing import Any, Final

from lash_nb.frames._column import Column
from lash_nb.frames._ids import RECORD_ORIGIN, SPAN_IDS, SPAN_PLACE, SPAN_TIMING, as_read, count
from lash_nb.frames._table import Rows, table
from lash_nb.frames._trace_rows import SpanRow, SpanRows
from lash_nb.trace import Trace

__all__ = [
    "TOOL_CALL_COLUMNS",
    "TOOL_CALL_DATA",
    "TOOL_CALL_ERROR",
    "TOOL_CALL_INFO",
    "TOOL_CALL_LINKS",
    "TOOL_CALL_TIMING",
    "tool_calls_df",
]

TOOL_CALL_INFO: Final = (
    *SPAN_PLACE,
    Column("protocol_iteration", "span.protocol_iteration", "Int64", "Round of the turn, from 0."),
    Column("name", "span.name", "category", "The tool."),
    Column("call_id", "span.call_id", "string", "The model's name for the call; since version 36 lash's own."),
    Column("provider_call_id", "facts.provider_call_id", "string", "The model's name for the call (version 36)."),
    Column("is_by_code", "span.is_by_code", "boolean", "Whether code made it, not the model itself."),
    Column("status", "span.status", "category", "`success`, `failure`, `cancelled`, `open` or `unknown`."),
)
"""What each tool call was."""

TOOL_CALL_TIMING: Final = (
    *SPAN_TIMING,
    Column(
        "attempts",
        "end_facts.attempts",
        "Int64",
        "How often it was tried; empty where that is not told: until version 2, and for tools that are tried once.",
        then=count,
    ),
)
"""How long each tool call took."""

TOOL_CALL_DATA: Final = (
    Column("args", "facts.args", "object", "Arguments, as plain JSON values."),
    Column(
        "result",
        lambda row: row.end_facts.result if row.span.status == "success" else None,
        "object",
        "What the tool returned, as plain JSON values.",
    ),
    Column("control", "end_facts.control", "object", "What the tool wants the turn to do, as a plain object."),
    Column("next_frame", "end_facts.control_frame", "string", "The agent frame to which it has the turn switch."),
)
"""What went into each tool call and what came out."""

TOOL_CALL_ERROR: Final = (
    Column("error_class", lambda row: _failure(row, "error_class"), "category", "Class of a failure."),
    Column("error_code", lambda row: _failure(row, "error_code"), "category", "Machine-readable cause of a failure."),
    Column(
        "error_message",
        lambda row: _failure(row, "error_message"),
        "string",
        "What went wrong, or why it was cancelled.",
    ),
)
"""Why a tool call failed."""

TOOL_CALL_LINKS: Final = (
    Column("caused_by", "facts.cause", "object", "What caused it, as the host says it: a plain object."),
    Column("issuing_node_id", "span.issuing_node_id", "string", "The step of the code that made it (version 36)."),
    Column("receipt_order", "span.receipt_row", "Int64", "Number of the record of its receipt (version 36)."),
    Column(
        "parent_graph_node_id",
        "index.parent_graph_node_id",
        "string",
        "The span in which it stands (since 0.1.0-alpha.78).",
    ),
)
"""What each tool call belongs to."""

TOOL_CALL_COLUMNS: Final = as_read(
    (*TOOL_CALL_INFO, *TOOL_CALL_TIMING, *TOOL_CALL_DATA, *TOOL_CALL_ERROR, *TOOL_CALL_LINKS, *RECORD_ORIGIN),
    *("name", "status", "args", "result", "error_message", "duration_ms", "turn_index", "attempts", "started_at"),
)
"""What each tool call was, took and gave."""


@table(TOOL_CALL_COLUMNS, always=SPAN_IDS)
def tool_calls_df(trace: Trace) -> Rows:
    """One row per tool call of a trace: each start, and each end that has no start.

    A column's function gets a `SpanRow`: `span` (a `ToolCall`), `start`, `end` and `body` (whole records), `facts`, `start_facts`,
    `end_facts`.
    """
    return SpanRows(trace, trace.tool_calls)


def _failure(row: SpanRow, fact: str) -> Any:
    """Return a fact of a failure: the result of a call that went well may have members of the same names."""
    return None if row.span.status == "success" else getattr(row.end_facts, fact)
