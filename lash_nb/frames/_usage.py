"""Tokens of a trace by turn and model."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from lash_nb.frames._column import Column
from lash_nb.frames._ids import SPAN_IDS, SPAN_PLACE
from lash_nb.frames._table import Rows, table
from lash_nb.frames._tokens import token_columns
from lash_nb.trace import LlmCall, Trace, Turn, Usage, total_usage

__all__ = ["USAGE_COLUMNS", "usage_df"]

USAGE_COLUMNS: Final = (
    *SPAN_PLACE,
    Column("model", "model", "category", "The model that was asked."),
    Column("llm_calls", "llm_calls", "Int64", "Model calls that reported tokens."),
    *token_columns("usage"),
)
"""Tokens, added up by turn and model."""


@table(USAGE_COLUMNS, always=SPAN_IDS)
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
