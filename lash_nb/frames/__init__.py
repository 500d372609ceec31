"""Tables: records, graphs and listings as pandas DataFrames, made of columns that anybody can add to."""

from lash_nb.frames._call_tokens import CallTokens, Numbers, Positions, call_tokens
from lash_nb.frames._calls import (
    LLM_CALL_COLUMNS,
    TOOL_CALL_COLUMNS,
    TURN_COLUMNS,
    USAGE_COLUMNS,
    llm_calls_df,
    tool_calls_df,
    turns_df,
    usage_df,
)
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
from lash_nb.frames._price import CallCosts, Price, Unpriced, call_costs
from lash_nb.frames._records import RECORD_COLUMNS, records_df
from lash_nb.frames._trace_rows import RecordRow, SpanRow
from lash_nb.frames._trace_tables import ERROR_COLUMNS, TRACE_TABLES, errors_df

__all__ = [
    "ATTACHMENT_COLUMNS",
    "COST_COLUMNS",
    "EFFECT_COLUMNS",
    "ERROR_COLUMNS",
    "LLM_CALL_COLUMNS",
    "MESSAGE_COLUMNS",
    "NODE_COLUMNS",
    "RECORD_COLUMNS",
    "TOOL_CALL_COLUMNS",
    "TRACE_TABLES",
    "TURN_COLUMNS",
    "USAGE_COLUMNS",
    "AttachmentTableRow",
    "CallCosts",
    "CallTokens",
    "Column",
    "ColumnError",
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
