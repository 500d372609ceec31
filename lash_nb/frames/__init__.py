"""Tables: records, graphs and listings as pandas DataFrames, made of columns that anybody can add to."""

from lash_nb.frames._call_tokens import CallTokens, Numbers, Positions, call_tokens
from lash_nb.frames._column import Column, ColumnError
from lash_nb.frames._cost import COST_COLUMNS, cost_df
from lash_nb.frames._effects import EFFECT_COLUMNS, effects_df
from lash_nb.frames._graph import (
    ATTACHMENT_COLUMNS,
    MESSAGE_COLUMNS,
    NODE_COLUMNS,
    AttachmentTableRow,
    NodeRow,
    attachments_df,
    messages_df,
    nodes_df,
)
from lash_nb.frames._ids import RECORD_IDS, SPAN_IDS, SPAN_ORIGIN, SPAN_PLACE, SPAN_TIMING
from lash_nb.frames._llm_calls import (
    LLM_CALL_COLUMNS,
    LLM_CALL_ERROR,
    LLM_CALL_INFO,
    LLM_CALL_LINKS,
    LLM_CALL_RESULT,
    LLM_CALL_TIMING,
    llm_calls_df,
)
from lash_nb.frames._price import CallCosts, Price, Unpriced, call_costs
from lash_nb.frames._records import (
    RECORD_COLUMNS,
    RECORD_CONTENT,
    RECORD_INFO,
    RECORD_LINKS,
    RECORD_PLACE,
    RECORD_TIMING,
    records_df,
)
from lash_nb.frames._tokens import TOKEN_COLUMNS
from lash_nb.frames._tool_calls import (
    TOOL_CALL_COLUMNS,
    TOOL_CALL_DATA,
    TOOL_CALL_ERROR,
    TOOL_CALL_INFO,
    TOOL_CALL_LINKS,
    TOOL_CALL_TIMING,
    tool_calls_df,
)
from lash_nb.frames._trace_rows import FactsOf, RecordRow, SpanRow
from lash_nb.frames._trace_tables import ERROR_COLUMNS, TRACE_TABLES, errors_df
from lash_nb.frames._turns import TURN_CALLS, TURN_CANCEL, TURN_COLUMNS, TURN_INFO, TURN_LINKS, TURN_TIMING, turns_df
from lash_nb.frames._usage import USAGE_COLUMNS, usage_df

__all__ = [
    "ATTACHMENT_COLUMNS",
    "COST_COLUMNS",
    "EFFECT_COLUMNS",
    "ERROR_COLUMNS",
    "LLM_CALL_COLUMNS",
    "LLM_CALL_ERROR",
    "LLM_CALL_INFO",
    "LLM_CALL_LINKS",
    "LLM_CALL_RESULT",
    "LLM_CALL_TIMING",
    "MESSAGE_COLUMNS",
    "NODE_COLUMNS",
    "RECORD_COLUMNS",
    "RECORD_CONTENT",
    "RECORD_IDS",
    "RECORD_INFO",
    "RECORD_LINKS",
    "RECORD_PLACE",
    "RECORD_TIMING",
    "SPAN_IDS",
    "SPAN_ORIGIN",
    "SPAN_PLACE",
    "SPAN_TIMING",
    "TOKEN_COLUMNS",
    "TOOL_CALL_COLUMNS",
    "TOOL_CALL_DATA",
    "TOOL_CALL_ERROR",
    "TOOL_CALL_INFO",
    "TOOL_CALL_LINKS",
    "TOOL_CALL_TIMING",
    "TRACE_TABLES",
    "TURN_CALLS",
    "TURN_CANCEL",
    "TURN_COLUMNS",
    "TURN_INFO",
    "TURN_LINKS",
    "TURN_TIMING",
    "USAGE_COLUMNS",
    "AttachmentTableRow",
    "CallCosts",
    "CallTokens",
    "Column",
    "ColumnError",
    "FactsOf",
    "NodeRow",
    "Numbers",
    "Positions",
    "Price",
    "RecordRow",
    "SpanRow",
    "Unpriced",
    "attachments_df",
    "call_costs",
    "call_tokens",
    "cost_df",
    "effects_df",
    "errors_df",
    "llm_calls_df",
    "messages_df",
    "nodes_df",
    "records_df",
    "tool_calls_df",
    "turns_df",
    "usage_df",
]
