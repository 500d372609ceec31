"""Pieces of the streams of a trace."""

from typing import Final

from lash_nb.frames._column import Column
from lash_nb.frames._ids import RECORD_HEAD, RECORD_IDS, RECORD_ORIGIN
from lash_nb.frames._table import Rows, table
from lash_nb.frames._tokens import token_columns
from lash_nb.frames._trace_rows import RecordRows
from lash_nb.trace import Trace

__all__ = [
    "STREAM_EVENT_BYTES",
    "STREAM_EVENT_COLUMNS",
    "STREAM_EVENT_INFO",
    "STREAM_EVENT_TEXT",
    "STREAM_EVENT_TOKENS",
    "STREAM_EVENT_TOOL",
    "stream_events_df",
]

STREAM_EVENT_INFO: Final = (
    *RECORD_HEAD,
    Column(
        "name",
        "index.name",
        "category",
        "What came: the provider's event, the endpoint of a request, or what the runtime made of it.",
    ),
    Column("provider", "facts.provider", "category", "The provider."),
    Column("direction", "facts.direction", "category", "`request` or `response` (version 36)."),
    Column("sequence", "facts.sequence", "UInt64", "Its place in the stream."),
    Column("elapsed_ms", "facts.elapsed_ms", "UInt64", "Milliseconds since the call began."),
    Column("item_id", "facts.item_id", "string", "The provider's id of the item."),
    Column("output_index", "facts.output_index", "Int64", "The item's place in the answer."),
)
"""What each piece was."""

STREAM_EVENT_BYTES: Final = (
    Column("raw_len", "facts.raw_len", "UInt64", "Size of what was sent, in bytes."),
    Column("raw_sha256", "facts.raw_sha256", "string", "SHA-256 of what was sent."),
    Column("raw_json", "facts.raw_json", "object", "What was sent, as plain JSON values."),
    Column(
        "omitted_reason",
        "facts.omitted_reason",
        "category",
        "Why that is not here: `size_limit`, `invalid_json` or `content_policy`.",
    ),
)
"""What the provider sent or was sent."""

STREAM_EVENT_TEXT: Final = (
    Column("text", "facts.stream_text", "string", "Text that is to be seen."),
    Column("raw_text", "facts.raw_text", "string", "Text as it came."),
    Column("block_id", "facts.block_id", "string", "The block that it belongs to (since version 24)."),
    Column("block_phase", "facts.block_phase", "category", "`started`, `delta` or `completed` (version 36)."),
)
"""What the runtime took as text."""

STREAM_EVENT_TOOL: Final = (
    Column("call_id", "facts.stream_call_id", "string", "The tool call that it tells of."),
    Column("tool_name", "facts.tool_name", "category", "The tool of that call."),
    Column("input_json", "facts.input_json", "string", "Arguments of that call, as JSON."),
)
"""What the runtime took as a tool call."""

STREAM_EVENT_TOKENS: Final = token_columns("facts.partial_usage")
"""Tokens so far; never to be added to those of the call."""

STREAM_EVENT_COLUMNS: Final = (
    *STREAM_EVENT_INFO,
    *STREAM_EVENT_BYTES,
    *STREAM_EVENT_TEXT,
    *STREAM_EVENT_TOOL,
    *STREAM_EVENT_TOKENS,
    *RECORD_ORIGIN,
)
"""What each piece was and held."""


@table(STREAM_EVENT_COLUMNS, always=RECORD_IDS)
def stream_events_df(trace: Trace) -> Rows:
    """One row per piece of a stream: as the provider sent it, or as the runtime took it; also what was sent to the provider.

    Only traces of the extended level have them. A column's function gets a `RecordRow`: `body` (the record, whole) and `facts`.
    """
    return RecordRows(trace, trace.stream_events.rows)
