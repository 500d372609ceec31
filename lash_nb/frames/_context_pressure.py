"""How full the context was in a trace."""

from typing import Final

from lash_nb.frames._column import Column
from lash_nb.frames._ids import RECORD_HEAD, RECORD_IDS, RECORD_ORIGIN
from lash_nb.frames._table import Rows, table
from lash_nb.frames._trace_rows import RecordRows
from lash_nb.trace import Trace

__all__ = [
    "CONTEXT_PRESSURE_COLUMNS",
    "CONTEXT_PRESSURE_SUMMARY",
    "CONTEXT_PRESSURE_TOKENS",
    "context_pressure_df",
]

CONTEXT_PRESSURE_TOKENS: Final = (
    Column("used_tokens", "facts.used_tokens", "UInt64", "Tokens in use."),
    Column("max_context_tokens", "facts.max_context_tokens", "UInt64", "Tokens that the model can take."),
    Column("threshold_tokens", "facts.threshold_tokens", "UInt64", "Tokens from which on a compaction is due."),
)
"""How full the context was."""

CONTEXT_PRESSURE_SUMMARY: Final = (
    Column("dropped_messages", "facts.dropped_messages", "UInt64", "Messages left out of the prompt."),
    Column("retained_messages", "facts.retained_messages", "UInt64", "Messages kept in the prompt."),
    Column(
        "pruned_attachments",
        "facts.pruned_attachments",
        "UInt64",
        "Attachments left out of the prompt (since version 32).",
    ),
    Column("source_messages", "facts.source_messages", "UInt64", "Messages that are summarized."),
    Column("has_instructions", "facts.has_instructions", "boolean", "Whether instructions were given for the summary."),
    Column("summary_nodes", "facts.summary_nodes", "UInt64", "Nodes that the summary takes."),
)
"""What was done about it."""

CONTEXT_PRESSURE_COLUMNS: Final = (
    *RECORD_HEAD,
    *CONTEXT_PRESSURE_TOKENS,
    *CONTEXT_PRESSURE_SUMMARY,
    *RECORD_ORIGIN,
)
"""How full the context was and what was done about it."""


@table(CONTEXT_PRESSURE_COLUMNS, always=RECORD_IDS)
def context_pressure_df(trace: Trace) -> Rows:
    """One row per record that tells how full the context is and what was done about it: compactions, and what prompts left out.

    A column's function gets a `RecordRow`: `body` (the record, whole) and `facts`.
    """
    return RecordRows(trace, trace.context_pressure.rows)
