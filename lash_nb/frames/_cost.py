"""What the model calls of a trace cost, as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, overload

import numpy as np
import pandas as pd

from lash_nb.frames._call_tokens import Numbers
from lash_nb.frames._column import Column, ColumnError
from lash_nb.frames._ids import SPAN_IDS
from lash_nb.frames._price import PRICED_TOKENS, CallCosts, Price, call_costs, gap_words
from lash_nb.frames._table import Rows, table
from lash_nb.trace import LlmCall, Trace, TraceError, Turn, given_trace

__all__ = ["COST_COLUMNS", "cost_df"]


def _tokens(name: str, doc: str) -> Column:
    return Column(f"{name}_tokens", f"tokens.{name}", "integer", doc)


def _usd(name: str, doc: str) -> Column:
    return Column(f"{name}_usd", f"usd.{name}", "Float64", f"{doc}, in USD; empty where price or tokens are not known.")


COST_COLUMNS: Final = (
    Column("order", "span.order", "Int64", "Number of its first record in the trace, from 0."),
    Column("session_id", "span.session_id", "category", "The session."),
    Column("turn_index", "span.turn_index", "Int64", "Number of the turn in its session."),
    Column("model", "model", "category", "The model that was asked."),
    Column("llm_calls", "llm_calls", "Int64", "Model calls that reported tokens."),
    _tokens("input", "Tokens that the model read and no cache had."),
    _tokens("cached_input", "Tokens read from the provider's cache."),
    _tokens("cache_write", "Tokens written to the provider's cache; empty where the trace does not tell."),
    _tokens("output", "Tokens that the model wrote, reasoning included."),
    _usd("input", "What the tokens cost that no cache had"),
    _usd("cached_input", "What the tokens cost that were read from the cache"),
    _usd("cache_write", "What the tokens cost that were written to the cache"),
    _usd("output", "What the tokens cost that the model wrote"),
    Column("total_usd", "total_usd", "Float64", "The known parts together, in USD; empty where none is known."),
    Column("not_counted", "not_counted", "category", "What is not in the total and why; empty where nothing is."),
)
"""What the calls of each model cost in each turn."""


@overload
def cost_df(
    trace: Trace, prices: Mapping[str, Price], *, columns: Sequence[Column] = ..., strict: Literal[True] = True
) -> pd.DataFrame: ...


@overload
def cost_df(
    trace: Trace, prices: Mapping[str, Price], *, columns: Sequence[Column] = ..., strict: Literal[False]
) -> tuple[pd.DataFrame, list[TraceError | ColumnError]]: ...


def cost_df(
    trace: Trace, prices: Mapping[str, Price], *, columns: Sequence[Column] = COST_COLUMNS, strict: bool = True
) -> Any:
    """One row per turn and model with what its calls cost, in USD; direct completions count in the turn that made them.

        cost_df(trace, {"some-model": Price(input=3, cached_input=0.3, cache_write=3.75, output=15)})

    Tokens without a price, and tokens that the trace does not tell, are in no sum: `not_counted` names them. `COST_COLUMNS` says what
    each column means.

    Args:
        trace: What `read_trace` gave.
        prices: Prices by model, in USD per million tokens.
        columns: Another choice of columns; ids and order are always there. A column's function gets a row with `span` (the `Turn`, or
            the call itself outside any turn), `model`, `llm_calls` `tokens` and `usd` (dicts by member of `Price`).
        strict: Whether a column that fails raises; else it leaves an empty cell, and the result is `(frame, errors)`.

    Raises:
        CallerError: the table holds what is no price.
    """
    costs = call_costs(given_trace(trace), prices)
    if strict:
        return _cost_table((trace, costs), columns=columns)
    return _cost_table((trace, costs), columns=columns, strict=False)


@table(COST_COLUMNS, always=SPAN_IDS)
def _cost_table(source: tuple[Trace, CallCosts]) -> Rows:
    """One row per turn and model; calls outside any turn by model."""
    trace, costs = source
    turns, calls = trace.turns, trace.llm_calls
    tokens = costs.tokens
    _, firsts, group = np.unique([tokens.turn, tokens.model], axis=1, return_index=True, return_inverse=True)
    counts = np.bincount(group, minlength=len(firsts)).tolist()
    read = {what: _sums(getattr(tokens, column), group, len(firsts)) for what, column in PRICED_TOKENS.items()}
    usd = {what: _sums(cost, group, len(firsts)) for what, cost in costs.parts.items()}
    total = _sums(costs.total, group, len(firsts), partly=True)
    missing = _missing(costs, group, len(firsts))
    rows = [
        _CostRow(
            span=calls[tokens.call[first]] if tokens.turn[first] < 0 else turns[tokens.turn[first]],
            model=tokens.models[tokens.model[first]],
            llm_calls=counts[number],
            tokens={what: sums[number] for what, sums in read.items()},
            usd={what: sums[number] for what, sums in usd.items()},
            total_usd=total[number],
            not_counted=missing[number],
        )
        for number, first in sorted(enumerate(firsts.tolist()), key=lambda pair: pair[1])
    ]
    return Rows(rows, errors=trace.errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class _CostRow:
    span: Turn | LlmCall
    model: str | None
    llm_calls: int
    tokens: Mapping[str, float | None]
    usd: Mapping[str, float | None]
    total_usd: float | None
    not_counted: str | None


def _sums(values: Numbers, group: Any, groups: int, *, partly: bool = False) -> list[float | None]:
    """Add up by group; None where one of its values is not known, or all of them are not where a part is enough."""
    known = ~np.isnan(values)
    sums = np.bincount(group[known], weights=values[known], minlength=groups)
    counts, wanted = np.bincount(group[known], minlength=groups), np.bincount(group, minlength=groups)
    is_known = counts > 0 if partly else counts == wanted
    return [value if known else None for value, known in zip(sums.tolist(), is_known.tolist(), strict=True)]


def _missing(costs: CallCosts, group: Any, groups: int) -> list[str | None]:
    """Say by group, which is of one model, what is in no sum."""
    words: list[list[str]] = [[] for _ in range(groups)]
    models = costs.tokens.model
    for what, reason, rows in costs.gaps():
        numbers, firsts = np.unique(group[rows], return_index=True)
        for number, model in zip(numbers.tolist(), models[rows][firsts].tolist(), strict=True):
            words[number].append(gap_words(costs.tokens.models[model], what, reason))
    return ["; ".join(each) or None for each in words]
