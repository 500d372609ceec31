"""Blocks of code that a model wrote."""

from typing import Final

from lash_nb.frames._column import Column
from lash_nb.frames._ids import RECORD_ORIGIN, SPAN_IDS, SPAN_PLACE, SPAN_TIMING
from lash_nb.frames._table import Rows, table
from lash_nb.frames._trace_rows import SpanRows
from lash_nb.trace import Trace

__all__ = [
    "CODE_BLOCK_CALLS",
    "CODE_BLOCK_COLUMNS",
    "CODE_BLOCK_ERROR",
    "CODE_BLOCK_INFO",
    "CODE_BLOCK_OUTPUT",
    "CODE_BLOCK_TIMING",
    "code_blocks_df",
]

CODE_BLOCK_INFO: Final = (
    *SPAN_PLACE,
    Column("protocol_iteration", "span.protocol_iteration", "Int64", "Round of the turn, from 0."),
    Column("step_index", "span.step_index", "UInt64", "Number of its step in the program (since version 17)."),
    Column("status", "span.status", "category", "`completed`, `failed` or `open`."),
    Column("code", "start_facts.code", "string", "The code."),
    Column("code_chars", "start_facts.code_chars", "UInt64", "Its length in characters."),
)
"""What each block was."""

CODE_BLOCK_TIMING: Final = SPAN_TIMING
"""When each block began and ended."""

CODE_BLOCK_OUTPUT: Final = (
    Column("output", "end_facts.output", "string", "What it printed and gave, as the model gets to see it."),
    Column(
        "output_chars",
        "end_facts.output_chars",
        "UInt64",
        "Length of its output in characters, before it was shortened.",
    ),
    Column("observation_count", "end_facts.observation_count", "UInt64", "Parts of its output."),
    Column("projections", "end_facts.projections", "object", "How its output was shortened: plain objects."),
    Column(
        "terminal_finish", "end_facts.terminal_finish", "object", "What it ended the turn with, as a plain JSON value."
    ),
)
"""What each block gave."""

CODE_BLOCK_CALLS: Final = (
    Column("tool_calls", "span.call_ids", "Int64", "Tool calls that it made, as far as its end tells.", then=len),
    Column("call_ids", "span.call_ids", "object", "Their ids; nothing for a call without one.", then=list),
)
"""What each block called."""

CODE_BLOCK_ERROR: Final = (
    Column(
        "error_kind",
        "span.error_kind",
        "category",
        "Whose fault its failure was: `policy`, `program` or `host` (since version 15).",
    ),
    Column("error_message", "span.error", "string", "Why it failed."),
    Column(
        "stop_reason",
        "end_facts.stop_reason",
        "category",
        "Why it was not run to its end (since version 23), e.g. `runtime_stopped`.",
    ),
)
"""Why a block failed."""

CODE_BLOCK_COLUMNS: Final = (
    *CODE_BLOCK_INFO,
    *CODE_BLOCK_TIMING,
    *CODE_BLOCK_OUTPUT,
    *CODE_BLOCK_CALLS,
    *CODE_BLOCK_ERROR,
    *RECORD_ORIGIN,
)
"""What each block of code was and gave."""


@table(CODE_BLOCK_COLUMNS, always=SPAN_IDS)
def code_blocks_df(trace: Trace) -> Rows:
    """One row per block of code that a model wrote and the runtime ran.

    A column's function gets a `SpanRow`: `span` (a `CodeBlock`), `start`, `end` and `body` (whole records), `facts`, `start_facts`,
    `end_facts`.
    """
    return SpanRows(trace, trace.code_blocks)
