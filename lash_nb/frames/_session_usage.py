"""What a session has used over its life, by who used it and of which model, and what that costs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd

from lash_nb.errors import CallerError, wrong_type
from lash_nb.frames._call_tokens import CallTokens
from lash_nb.frames._column import Column
from lash_nb.frames._price import CallCosts, Price, costs_of, gap_words
from lash_nb.frames._table import Rows, table
from lash_nb.wire import SessionUsageReport, UsageReportRow

__all__ = ["SESSION_USAGE_COLUMNS", "UsageGrouping", "session_usage_df"]

UsageGrouping: TypeAlias = Literal["model", "source"]
"""What rows stand for: a model, or who used it."""

_IDS: Final = (
    Column("order", "order", "Int64", "Position in the table, from 0."),
    Column(
        "source",
        "source",
        "category",
        "Who used them: `turn`, `direct`, `tool` and so on; empty where all are one row.",
    ),
    Column("model", "model", "category", "The model's id; empty where all are one row."),
)


def _tokens(name: str, doc: str) -> Column:
    return Column(f"{name}_tokens", f"tokens.{name}", "Int64", doc)


SESSION_USAGE_COLUMNS: Final = (
    *_IDS,
    _tokens("input", "Tokens sent, cached ones included."),
    _tokens("cached_input", "Of these, tokens that the provider had cached."),
    _tokens("output", "Tokens received, reasoning excluded."),
    _tokens("reasoning", "Tokens of hidden reasoning."),
    _tokens("total", "Input, output and reasoning."),
    Column("total_usd", "usd", "Float64", "What they cost, in USD; empty without prices, and where none is known."),
    Column("not_counted", "not_counted", "string", "What is not in the cost and why; empty where nothing is."),
)
"""Tokens and their cost."""


def session_usage_df(
    report: SessionUsageReport, *, by: UsageGrouping | None = None, prices: Mapping[str, Price] | None = None
) -> pd.DataFrame:
    """One row per source and model of what a session has used, e.g. of `session.usage_report()`.

    Tokens written to a provider's cache are not told apart in a session's ledger: they cost what input costs.

    Args:
        report: What the session has used.
        by: Only `model` or only `source`; both without it.
        prices: Prices by model, in USD per million tokens.

    Raises:
        CallerError: `by` is neither, or the prices hold what is no price.
    """
    if by not in (None, "model", "source"):
        raise CallerError(f"by={by!r} is no grouping; use 'model', 'source' or nothing")
    if not isinstance(report, SessionUsageReport):
        raise wrong_type("a usage report", report, instead="session_usage_df(session.usage_report())")
    return _session_usage((report.by_source_model, by, prices))


@dataclass(frozen=True, slots=True)
class _Used:
    """One row."""

    order: int
    source: str | None
    model: str | None
    tokens: Mapping[str, int]
    usd: float | None
    not_counted: str | None


_Asked: TypeAlias = tuple[Sequence[UsageReportRow], UsageGrouping | None, Mapping[str, Price] | None]
_COUNTERS: Final = ("input", "cached_input", "output", "reasoning", "total")


@table(SESSION_USAGE_COLUMNS, always=_IDS)
def _session_usage(asked: _Asked) -> Rows:
    rows, by, prices = asked
    costs = None if prices is None else costs_of(_call_tokens(rows), prices)
    groups: dict[tuple[str | None, str | None], list[int]] = {}
    for place, row in enumerate(rows):
        key = (None if by == "model" else row.source, None if by == "source" else row.model)
        groups.setdefault(key, []).append(place)
    return Rows(
        [
            _Used(
                order,
                source,
                model,
                {name: sum(getattr(rows[place].usage, f"{name}_tokens") for place in places) for name in _COUNTERS},
                *(_cost(costs, places) if costs else (None, None)),
            )
            for order, ((source, model), places) in enumerate(groups.items())
        ]
    )


def _call_tokens(rows: Sequence[UsageReportRow]) -> CallTokens:
    """The ledger's rows as if each were one call; its output excludes reasoning, which is paid as output."""
    models: dict[str | None, int] = {}
    place = np.array([models.setdefault(row.model, len(models)) for row in rows], dtype=np.int64)

    def numbers(values: Iterator[int]) -> Any:
        return np.array(list(values), dtype=np.float64)

    return CallTokens(
        call=np.arange(len(rows), dtype=np.int64),
        turn=np.full(len(rows), -1, dtype=np.int64),
        model=place,
        models=tuple(models),
        uncached_input=numbers(max(row.usage.input_tokens - row.usage.cached_input_tokens, 0) for row in rows),
        cache_read=numbers(row.usage.cached_input_tokens for row in rows),
        cache_write=np.zeros(len(rows)),
        output=numbers(row.usage.output_tokens + row.usage.reasoning_tokens for row in rows),
        reasoning=numbers(row.usage.reasoning_tokens for row in rows),
        approximate=np.zeros(len(rows), dtype=np.bool_),
        silent=0,
    )


def _cost(costs: CallCosts, places: list[int]) -> tuple[float | None, str | None]:
    total = costs.total[places]
    words = dict.fromkeys(
        gap_words(costs.tokens.models[costs.tokens.model[place]], what, reason)
        for what, reason, which in costs.gaps()
        for place in places
        if which[place]
    )
    known = total[~np.isnan(total)]
    return (float(known.sum()) if len(known) else None), "; ".join(words) or None
