"""Model calls of a trace."""

from typing import Final

from lash_nb.frames._column import Column
from lash_nb.frames._ids import RECORD_ORIGIN, SPAN_IDS, SPAN_PLACE, SPAN_TIMING, as_read, count
from lash_nb.frames._table import Rows, table
from lash_nb.frames._tokens import TOKEN_COLUMNS
from lash_nb.frames._trace_rows import SpanRows
from lash_nb.trace import Trace

__all__ = [
    "LLM_CALL_COLUMNS",
    "LLM_CALL_ERROR",
    "LLM_CALL_INFO",
    "LLM_CALL_LINKS",
    "LLM_CALL_REQUEST",
    "LLM_CALL_RESULT",
    "LLM_CALL_STREAM",
    "LLM_CALL_TIMING",
    "llm_calls_df",
]

LLM_CALL_INFO: Final = (
    *SPAN_PLACE,
    Column("protocol_iteration", "span.protocol_iteration", "Int64", "Round of the turn, from 0."),
    Column("model", "span.model", "category", "The model that was asked."),
    Column("model_variant", "span.model_variant", "category", "Variant of the model that was asked for."),
    Column(
        "served_model",
        "end_facts.served_model",
        "category",
        "The model that answered, as the provider calls it (since version 4).",
    ),
    Column(
        "is_direct", "span.is_direct", "boolean", "Whether it was a direct completion, outside the turn's own loop."
    ),
    Column("status", "span.status", "category", "`completed`, `failed`, `cancelled` or `open`."),
)
"""What each model call was."""

LLM_CALL_TIMING: Final = (
    *SPAN_TIMING,
    Column(
        "first_visible_token_latency_ms",
        "end_facts.stream_summary.first_visible_token_latency_ms",
        "Float64",
        "Milliseconds until the first visible text; empty when none was streamed.",
    ),
    Column(
        "attempts",
        "end_facts.attempts",
        "Int64",
        "How often it was tried; empty where the release does not tell (until version 2).",
        then=count,
    ),
)
"""How long each model call took."""

LLM_CALL_STREAM: Final = tuple(
    Column(name, f"end_facts.stream_summary.{name}", dtype, doc)
    for name, dtype, doc in (
        ("stream_duration_ms", "Float64", "Milliseconds from the first to the last visible text."),
        ("text_delta_count", "UInt64", "Pieces of text that came."),
        ("visible_chunk_count", "UInt64", "Pieces of text that were to be seen."),
        ("avg_visible_chunk_chars", "Float64", "Characters of such a piece on average."),
        ("max_visible_chunk_chars", "UInt64", "Characters of the longest one."),
    )
)
"""How each answer was streamed; in no table by default."""

LLM_CALL_REQUEST: Final = (
    Column("messages", "start_facts.messages", "Int64", "Messages in the request.", then=count),
    Column("tools", "start_facts.tools", "Int64", "Tools in the request.", then=count),
    Column("tool_choice", "start_facts.tool_choice", "object", "Which tool the model had to call, as plain JSON."),
    Column("output_spec", "start_facts.output_spec", "object", "What form the answer had to have, as a plain object."),
)
"""What each model was asked; in no table by default, as requests are what a trace has most bytes of."""

LLM_CALL_RESULT: Final = (
    Column("terminal_reason", "span.terminal_reason", "category", "Why the model stopped."),
    Column("text", "end_facts.text", "string", "What the model said; empty where the host withheld it."),
)
"""What each model call gave."""

LLM_CALL_ERROR: Final = (
    Column("error_code", "end_facts.error_code", "category", "Machine-readable cause of a failure."),
    Column(
        "error_namespace",
        "end_facts.error_namespace",
        "category",
        "Whose code that is (since version 26), e.g. `provider`.",
    ),
    Column(
        "error_kind", "end_facts.error_kind", "category", "What sort of failure (since version 26), e.g. `timeout`."
    ),
    Column("error_message", "end_facts.error_message", "string", "What went wrong (until version 35)."),
    Column("retryable", "end_facts.retryable", "boolean", "Whether the same call may succeed later."),
)
"""Why a model call failed."""

LLM_CALL_LINKS: Final = (
    Column("replay_key", "facts.replay_key", "string", "Identity under which a durable host finds it."),
    Column("cause_call_id", "span.cause_call_id", "string", "The tool call that asked for it, where it was one."),
    Column(
        "parent_graph_node_id",
        "index.parent_graph_node_id",
        "string",
        "The span in which it stands (since 0.1.0-alpha.78).",
    ),
)
"""What each model call belongs to."""

LLM_CALL_COLUMNS: Final = as_read(
    (
        *LLM_CALL_INFO,
        *LLM_CALL_TIMING,
        *TOKEN_COLUMNS,
        *LLM_CALL_RESULT,
        *LLM_CALL_ERROR,
        *LLM_CALL_LINKS,
        *RECORD_ORIGIN,
    ),
    *("model", "status", "text", "error_message", "duration_ms", "input_tokens", "cached_input_tokens"),
    *("output_tokens", "turn_index", "started_at"),
)
"""What each model call was, took and gave."""


@table(LLM_CALL_COLUMNS, always=SPAN_IDS)
def llm_calls_df(trace: Trace) -> Rows:
    """One row per model call of a trace: each start, and each end that has no start.

    A column's function gets a `SpanRow`: `span` (an `LlmCall`), `start`, `end` and `body` (whole records), `facts`, `start_facts`,
    `end_facts`.
    """
    return SpanRows(trace, trace.llm_calls)
