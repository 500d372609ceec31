"""Turns of a trace."""

from typing import Final

from lash_nb.frames._column import Column
from lash_nb.frames._ids import RECORD_ORIGIN, SPAN_IDS, SPAN_PLACE, SPAN_TIMING, as_read
from lash_nb.frames._table import Rows, table
from lash_nb.frames._tokens import TOKEN_COLUMNS
from lash_nb.frames._trace_rows import SpanRows
from lash_nb.trace import Trace

__all__ = ["TURN_CALLS", "TURN_CANCEL", "TURN_COLUMNS", "TURN_INFO", "TURN_LINKS", "TURN_TIMING", "turns_df"]

TURN_INFO: Final = (
    *SPAN_PLACE,
    Column("status", "span.status", "category", "`completed`, `switched`, `cancelled`, `failed`, `open` or `unknown`."),
    Column("done_reason", "span.done_reason", "category", "Why it ended, e.g. `assistant_message`, `cancelled`."),
    Column("input_items", "start_facts.input_items", "UInt64", "Items of its input."),
)
"""How each turn went."""

TURN_TIMING: Final = (
    *SPAN_TIMING,
    Column(
        "waited_ms",
        "span.waited_ms",
        "Int64",
        "Milliseconds in which a turn that was stepped through here waited for a decision; no part of `duration_ms`.",
    ),
)
"""When each turn began and ended."""

TURN_CALLS: Final = (
    Column("llm_calls", "span.llm_calls", "Int64", "Model calls, direct completions included.", then=len),
    Column("tool_calls", "span.tool_calls", "Int64", "Tool calls.", then=len),
    Column(
        "failed_tool_calls",
        "span.tool_calls",
        "Int64",
        "Tool calls that failed.",
        then=lambda calls: sum(call.has_failed for call in calls),
    ),
)
"""What was called in each turn."""

TURN_LINKS: Final = (
    Column("cause", "span.cause", "string", "Id of the span that caused it (since 0.1.0-alpha.78), e.g. `tool:ID`."),
    Column("caused_by", "start_facts.cause", "object", "What caused it, as the host says it: a plain object."),
    Column("follows_turn_id", "span.follows_turn_id", "string", "The turn that switched frames and goes on in it."),
    Column(
        "next_frame",
        "end_facts.next_frame",
        "string",
        "The agent frame to which it switched; until 0.1.0-alpha.12 the session.",
    ),
)
"""What each turn came from, and what came of it."""

TURN_CANCEL: Final = (
    Column(
        "cancel_request_id", "end_facts.cancel_request_id", "string", "The request that cancelled it (since version 8)."
    ),
    Column("cancel_origin", "end_facts.cancel_origin", "category", "Who asked for that (since version 8)."),
    Column("cancel_reason", "end_facts.cancel_reason", "string", "Why (since version 8)."),
)
"""Who cancelled a turn."""

TURN_COLUMNS: Final = as_read(
    (*TURN_INFO, *TURN_TIMING, *TURN_CALLS, *TOKEN_COLUMNS, *TURN_LINKS, *TURN_CANCEL, *RECORD_ORIGIN),
    *("turn_index", "status", "done_reason", "duration_ms", "llm_calls", "tool_calls", "failed_tool_calls"),
    *("input_tokens", "output_tokens", "started_at"),
)
"""How each turn went and what it took."""


@table(TURN_COLUMNS, always=SPAN_IDS)
def turns_df(trace: Trace) -> Rows:
    """One row per turn of a trace, unfinished ones included.

    A column's function gets a `SpanRow`: `span` (a `Turn`), `start`, `end` and `body` (whole records), `facts`, `start_facts`, `end_facts`.
    """
    return SpanRows(trace, trace.turns)
