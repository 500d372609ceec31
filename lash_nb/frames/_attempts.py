"""Tries of the calls of a trace."""

from typing import Final

from lash_nb.frames._column import Column
from lash_nb.frames._ids import RECORD_IDS, RECORD_ORIGIN, moment
from lash_nb.frames._table import Rows, table
from lash_nb.frames._tokens import token_columns
from lash_nb.frames._trace_rows import RecordRows
from lash_nb.trace import Trace

__all__ = [
    "ATTEMPT_COLUMNS",
    "ATTEMPT_ERROR",
    "ATTEMPT_INFO",
    "ATTEMPT_PROVIDER",
    "ATTEMPT_TIMING",
    "ATTEMPT_TOKENS",
    "attempts_df",
]

ATTEMPT_INFO: Final = (
    *RECORD_IDS[:2],
    RECORD_IDS[3],
    Column(
        "owner",
        "told.of_tool",
        "category",
        "Whose try it was: `llm_call` or `tool_call`.",
        then=lambda of_tool: "tool_call" if of_tool else "llm_call",
    ),
    Column("llm_call_id", "told.llm_call_id", "string", "The model call."),
    Column("call_id", "told.call_id", "string", "The tool call."),
    Column("ordinal", "told.ordinal", "UInt64", "Which try of the call, from 1."),
    Column("outcome", "told.outcome", "category", "`completed`, `failed`, `aborted`, `interrupted` or `cancelled`."),
)
"""What each try was."""

ATTEMPT_TIMING: Final = (
    Column("duration_ms", "told.duration_ms", "Float64", "How long it took, in milliseconds."),
    Column("delay_ms", "told.delay_ms", "Float64", "How long lash meant to wait after it, in milliseconds."),
    Column("started_at", "told.started_at_ms", "datetime64[ns, UTC]", "When it began (version 36).", then=moment),
    Column("ended_at", "told.ended_at_ms", "datetime64[ns, UTC]", "When it ended (version 36).", then=moment),
)
"""How long each try took."""

ATTEMPT_ERROR: Final = (
    Column("reason", "told.reason", "string", "Why it failed and why it was tried again, in prose."),
    Column("error_class", "told.error_class", "category", "Class of the failure (tools, version 36)."),
    Column("error_code", "told.error_code", "category", "Machine-readable cause of the failure (tools, version 36)."),
    Column(
        "interruption",
        "told.interruption",
        "category",
        "What kept the answer from being collected whole (since version 4).",
    ),
    Column(
        "charge", "told.charge", "category", "Whether another try was `authorized` or `denied` for its cost (11 to 35)."
    ),
    Column("charge_reason", "told.charge_reason", "category", "Why it was denied (11 to 35)."),
    Column(
        "tokens_at_stake", "told.tokens_at_stake", "UInt64", "Tokens that another try would cost once more (11 to 35)."
    ),
)
"""Why each try failed, and what kept it from being tried again."""

ATTEMPT_PROVIDER: Final = (
    Column(
        "served_model",
        "told.served_model",
        "category",
        "The model that answered, as the provider calls it (since version 4).",
    ),
    Column(
        "provider_request_id",
        "told.provider_request_id",
        "string",
        "The provider's id of the request (since version 4).",
    ),
    Column(
        "provider_response_id",
        "told.provider_response_id",
        "string",
        "The provider's id of the answer (since version 4).",
    ),
    Column(
        "finish_reason",
        "told.finish_reason",
        "category",
        "Why the model stopped, in the provider's word (since version 4).",
    ),
    Column(
        "generation_disposition",
        "told.generation_disposition",
        "object",
        "What became of each setting of the generation, as a plain object (12 to 35).",
    ),
)
"""What the provider said of each try."""

ATTEMPT_TOKENS: Final = (
    *token_columns("told.usage"),
    Column(
        "usage_disposition",
        "told.usage_disposition",
        "category",
        "Whether the provider reported tokens, and if not, why (since version 19).",
    ),
)
"""Tokens of each try (since version 12); the call's own hold them already, so never add the two."""

ATTEMPT_COLUMNS: Final = (
    *ATTEMPT_INFO,
    *ATTEMPT_TIMING,
    *ATTEMPT_ERROR,
    *ATTEMPT_PROVIDER,
    *ATTEMPT_TOKENS,
    *RECORD_ORIGIN,
)
"""How each try went."""


@table(ATTEMPT_COLUMNS, always=RECORD_IDS)
def attempts_df(trace: Trace) -> Rows:
    """One row per try of a model or tool call; releases before version 3 tell of none, which is not the same as one.

    `order` is the number of the record that tells of it. A column's function gets a `RecordRow`: `told` (an `Attempt`), `body` (that record,
    whole) and `facts`.
    """
    attempts = trace.attempts
    return RecordRows(trace, [attempt.row for attempt in attempts], told=attempts)
