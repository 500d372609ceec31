"""Prompts of a trace."""

from typing import Final

from lash_nb.frames._column import Column
from lash_nb.frames._ids import RECORD_HEAD, RECORD_IDS, RECORD_ORIGIN, count
from lash_nb.frames._table import Rows, table
from lash_nb.frames._trace_rows import RecordRows
from lash_nb.trace import Trace

__all__ = ["PROMPT_COLUMNS", "PROMPT_CONTENT", "PROMPT_ERROR", "PROMPT_INFO", "prompts_df"]

PROMPT_INFO: Final = (
    *RECORD_HEAD,
    Column(
        "prompt_hash",
        "facts.prompt_hash",
        "string",
        "SHA-256 of its text; of prompt and tools together their fingerprint.",
    ),
    Column("prompt_chars", "facts.prompt_chars", "UInt64", "Its length in characters."),
    Column("components", "facts.components", "Int64", "Number of its parts.", then=count),
    Column("tools", "facts.tools", "Int64", "Number of the tools (since version 5).", then=count),
)
"""What each prompt was."""

PROMPT_CONTENT: Final = (
    Column("prompt_text", "facts.prompt_text", "string", "The whole text (since version 5)."),
    Column("component_list", "facts.components", "object", "Its parts, as plain objects."),
    Column("tool_list", "facts.tools", "object", "The tools with their plain schemas (since version 5)."),
)
"""What each prompt said."""

PROMPT_ERROR: Final = (
    Column("error_message", "facts.error_message", "string", "Why it could not be put together (version 36)."),
    Column("limits", "facts.limits", "object", "Limits that it did not keep, as plain JSON (version 36)."),
    Column("duration_ms", "index.duration_ms", "Float64", "How long that was tried, in milliseconds (version 36)."),
)
"""Why a prompt could not be put together."""

PROMPT_COLUMNS: Final = (*PROMPT_INFO, *PROMPT_CONTENT, *PROMPT_ERROR, *RECORD_ORIGIN)
"""What each prompt was and said."""


@table(PROMPT_COLUMNS, always=RECORD_IDS)
def prompts_df(trace: Trace) -> Rows:
    """One row per prompt that was put together (`prompt_built`) or that a session has from there on (`composition_changed`).

    A column's function gets a `RecordRow`: `body` (the record, whole) and `facts`.
    """
    return RecordRows(trace, trace.prompts.rows)
