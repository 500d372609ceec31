"""Turns, model calls, tool calls and tokens of a trace."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

from lash_nb.frames._column import Column
from lash_nb.frames._table import Rows, table
from lash_nb.frames._trace_rows import SPAN_ALWAYS, SpanRow, span_rows
from lash_nb.trace import LlmCall, Trace, Turn, Usage, total_usage

__all__ = [
    "LLM_CALL_COLUMNS",
    "TOOL_CALL_COLUMNS",
    "TURN_COLUMNS",
    "USAGE_COLUMNS",
    "llm_calls_df",
    "tool_calls_df",
    "turns_df",
    "usage_df",
]

_PLACE: Final = (
    Column("order", "span.order", "Int64", "Number of its first record in the trace, from 0."),
    Column("session_id", "span.session_id", "category", "The session."),
    Column("turn_index", "span.turn_index", "Int64", "Number of the turn in its session."),
)

_TIMES: Final = (
    Column("started_at", "span.started_ns", "datetime64[ns, UTC]", "When its start was recorded."),
    Column("ended_at", "span.ended_ns", "datetime64[ns, UTC]", "When its end was recorded."),
    Column(
        "duration_ms",
        "span.duration_ms",
        "Float64",
        "Milliseconds as its end reports them, else between its two records.",
    ),
)


def _tokens(path: str) -> tuple[Column, ...]:
    return (
        Column("input_tokens", f"{path}.input", "Int64", "Tokens the model read, cached ones included."),
        Column(
            "cached_input_tokens", f"{path}.cache_read", "Int64", "Of these, tokens read from the provider's cache."
        ),
        Column(
            "cache_write_input_tokens",
            f"{path}.cache_write",
            "Int64",
            "Of these, tokens written to the provider's cache; empty where the release does not tell.",
        ),
        Column("output_tokens", f"{path}.output", "Int64", "Tokens the model wrote, reasoning included."),
        Column("reasoning_tokens", f"{path}.reasoning", "Int64", "Of these, tokens of reasoning."),
    )


TURN_COLUMNS: Final = (
    *_PLACE,
    Column("status", "span.status", "category", "`completed`, `switched`, `cancelled`, `failed` or `open`."),
    Column("done_reason", "span.done_reason", "category", "Why it ended, e.g. `assistant_message`, `cancelled`."),
    *_TIMES,
    Column("llm_calls", lambda row: len(row.span.llm_calls), "Int64", "Model calls, direct completions included."),
    Column("tool_calls", lambda row: len(row.span.tool_calls), "Int64", "Tool calls."),
    Column(
        "failed_tool_calls",
        lambda row: sum(call.status == "failure" for call in row.span.tool_calls),
        "Int64",
        "Tool calls that failed.",
    ),
    *_tokens("span.usage"),
)
"""How each turn went and what it took."""

LLM_CALL_COLUMNS: Final = (
    *_PLACE,
    Column("protocol_iteration", "span.protocol_iteration", "Int64", "Round of the turn, from 0."),
    Column("model", "span.model", "category", "The model that was asked."),
    Column("model_variant", "span.model_variant", "category", "Variant of the model that was asked for."),
    Column(
        "is_direct", "span.is_direct", "boolean", "Whether it was a direct completion, outside the turn's own loop."
    ),
    Column("status", "span.status", "category", "`completed`, `failed`, `cancelled` or `open`."),
    *_TIMES,
    Column(
        "first_visible_token_latency_ms",
        "end.stream_summary.first_visible_token_latency_ms",
        "Float64",
        "Milliseconds until the first visible text; empty when none was streamed.",
    ),
    *_tokens("span.usage"),
    Column(
        "terminal_reason",
        lambda row: _member(row.end, "response", "terminal_reason") or _member(row.end, "error", "terminal_reason"),
        "category",
        "Why the model stopped.",
    ),
    Column("text", "end.response.text", "string", "What the model said."),
    Column("error_code", "end.error.code", "category", "Machine-readable cause of a failure."),
    Column("error_message", "end.error.message", "string", "What went wrong."),
    Column("retryable", "end.error.retryable", "boolean", "Whether the same call may succeed later."),
    Column("replay_key", "body.context.metadata.replay_key", "string", "Identity under which a durable host finds it."),
)
"""What each model call was, took and gave."""

TOOL_CALL_COLUMNS: Final = (
    *_PLACE,
    Column("protocol_iteration", "span.protocol_iteration", "Int64", "Round of the turn, from 0."),
    Column("name", "span.name", "category", "The tool."),
    Column("call_id", "span.call_id", "string", "The model's name for the call."),
    Column("status", "span.status", "category", "`success`, `failure`, `cancelled` or `open`."),
    *_TIMES,
    Column("args", "body.args", "object", "Arguments, as plain JSON values."),
    Column(
        "result",
        lambda row: _payload(row) if row.span.status == "success" else None,
        "object",
        "What the tool returned, as plain JSON values.",
    ),
    Column("error_class", lambda row: _failure(row, "class"), "category", "Class of a failure."),
    Column("error_code", lambda row: _failure(row, "code"), "category", "Machine-readable cause of a failure."),
    Column(
        "error_message", lambda row: _failure(row, "message"), "string", "What went wrong, or why it was cancelled."
    ),
)
"""What each tool call was, took and gave."""

USAGE_COLUMNS: Final = (
    *_PLACE,
    Column("model", "model", "category", "The model that was asked."),
    Column("llm_calls", "llm_calls", "Int64", "Model calls that reported tokens."),
    *_tokens("usage"),
)
"""Tokens, added up by turn and model."""


@table(TURN_COLUMNS, always=SPAN_ALWAYS)
def turns_df(trace: Trace) -> Rows:
    """One row per turn of a trace, unfinished ones included.

    A column's function gets a row with `span` (a `Turn`), `start` and `end` (the whole records) and `body` (the later of the two).
    """
    return span_rows(trace, trace.turns)


@table(LLM_CALL_COLUMNS, always=SPAN_ALWAYS)
def llm_calls_df(trace: Trace) -> Rows:
    """One row per model call of a trace: each start, and each end that has no start.

    A column's function gets a row with `span` (an `LlmCall`), `start` and `end` (the whole records) and `body` (the later of the two).
    """
    return span_rows(trace, trace.llm_calls)


@table(TOOL_CALL_COLUMNS, always=SPAN_ALWAYS)
def tool_calls_df(trace: Trace) -> Rows:
    """One row per tool call of a trace: each start, and each end that has no start.

    A column's function gets a row with `span` (a `ToolCall`), `start` and `end` (the whole records) and `body` (the later of the two).
    """
    return span_rows(trace, trace.tool_calls)


@table(USAGE_COLUMNS, always=SPAN_ALWAYS)
def usage_df(trace: Trace) -> Rows:
    """One row per turn and model with the tokens its calls reported; direct completions count in the turn that made them.

    A column's function gets a row with `span` (the `Turn`, or the call itself outside any turn), `model`, `llm_calls` and `usage`.
    """
    owner: dict[int, Turn] = {call.order: turn for turn in trace.turns for call in turn.llm_calls}
    groups: dict[tuple[int, str | None], list[LlmCall]] = defaultdict(list)
    for call in trace.llm_calls:
        if call.usage is not None:
            groups[owner[call.order].order if call.order in owner else -1, call.model].append(call)
    rows = [
        _UsageRow(owner.get(calls[0].order, calls[0]), model, len(calls), total_usage(call.usage for call in calls))
        for (_, model), calls in groups.items()
    ]
    return Rows(rows, errors=trace.errors)


@dataclass(frozen=True, slots=True)
class _UsageRow:
    span: Turn | LlmCall
    model: str | None
    llm_calls: int
    usage: Usage


def _member(record: Any, *path: str) -> Any:
    for key in path:
        record = record.get(key) if isinstance(record, dict) else None
    return record


def _payload(row: SpanRow) -> Any:
    return _member(row.end, "output", "outcome", "payload")


def _failure(row: SpanRow, key: str) -> Any:
    return None if row.span.status == "success" else _member(_payload(row), key)
