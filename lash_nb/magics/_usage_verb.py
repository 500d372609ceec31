"""`%lash usage`: tokens and what they cost, by model, by who used them, or by turn."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from lash_nb import frames
from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._bench import Bench
from lash_nb.magics._namespace import price_names
from lash_nb.magics._open_session import OpenSession
from lash_nb.magics._table import Table
from lash_nb.magics._verb import Argument, Verb
from lash_nb.plots import token_count
from lash_nb.wire import UsageTotals

__all__ = ["USAGE_VERB"]

_BY: Final = ("model", "source", "turn")
_TOKENS: Final = {
    "input_tokens": "input",
    "cached_input_tokens": "of these cached",
    "output_tokens": "output",
    "reasoning_tokens": "reasoning",
    "total_tokens": "total",
}
_TURN_TOKENS: Final = {
    "input_tokens": "input",
    "cached_input_tokens": "cached",
    "output_tokens": "output, reasoning included",
}
_PRICED_TURN_TOKENS: Final = _TURN_TOKENS | {"input_tokens": "input, not cached"}
"""A price table counts what came from a cache apart."""
_COST: Final = {"total_usd": "cost", "not_counted": "not in the cost"}
_PREFERRED: Final = "prices"


def _usage(bench: Bench, asked: Namespace) -> Table:
    opened, prices = bench.session(), _prices(bench, asked.prices)
    return _by_turn(opened, prices) if asked.by == "turn" else _by_ledger(opened, asked.by, prices)


def _by_ledger(opened: OpenSession, by: Any, prices: Mapping[str, frames.Price] | None) -> Table:
    report = opened.session.usage_report()
    frame = frames.session_usage_df(report, by=by, prices=prices)
    ids = {name: name for name in ("source", "model") if by in (None, name)}
    columns = ids | _TOKENS | (_COST if prices is not None else {})
    return Table(frame, columns=columns, title=_title(opened), note=_sums(report.usage, frame, prices))


def _by_turn(opened: OpenSession, prices: Mapping[str, frames.Price] | None) -> Table:
    trace = opened.trace
    frame = frames.usage_df(trace) if prices is None else frames.cost_df(trace, prices)
    told = int(frame["input_tokens"].sum() + frame["output_tokens"].sum()) if len(frame) else 0
    if prices is not None:
        told += int(frame["cached_input_tokens"].fillna(0).sum())
    usage = opened.session.usage_report().usage
    earlier = max(usage.total_tokens - told, 0)
    note = _sums(usage, frame, prices)
    if earlier:
        note += f"; {token_count(earlier)} tokens of before this notebook opened it are told by model only: %lash usage"
    tokens = _TURN_TOKENS if prices is None else _PRICED_TURN_TOKENS | _COST
    columns = {"turn_index": "turn", "model": "model", "llm_calls": "calls"} | tokens
    return Table(frame, columns=columns, title=_title(opened), note=note)


def _title(opened: OpenSession) -> str:
    return f"Usage of {opened.session.session_id}"


def _sums(usage: UsageTotals, frame: pd.DataFrame, prices: Mapping[str, frames.Price] | None) -> str:
    tokens = (
        f"in all {token_count(usage.input_tokens)} in ({token_count(usage.cached_input_tokens)} cached), "
        f"{token_count(usage.output_tokens)} out"
        + (f", {token_count(usage.reasoning_tokens)} reasoning" if usage.reasoning_tokens else "")
    )
    if prices is None:
        return f"{tokens}; cost: %lash usage --prices VAR, a dict of lash_nb.frames.Price by model"
    known = frame["total_usd"].dropna()
    missing = "; ".join(dict.fromkeys(frame["not_counted"].dropna().astype(str)))
    cost = f"${known.sum():,.4f}" if len(known) else "cost not known"
    return f"{tokens} · {cost}{f', without {missing}' if missing else ''}"


def _prices(bench: Bench, name: str | None) -> Mapping[str, frames.Price] | None:
    """The price table that is named, else the variable `prices` if it is one."""
    known = price_names(bench.namespace)
    if name is None:
        return bench.namespace[_PREFERRED] if _PREFERRED in known else None
    if name not in known:
        reason = (
            f"{name} is a {type(bench.namespace[name]).__name__}" if name in bench.namespace else f"no variable {name}"
        )
        message = f"{reason}, and prices are a dict by model: {name} = {{'some-model': lash_nb.frames.Price(input=3, output=15)}}"
        raise CallerError(message, code="magics_prices")
    table: Mapping[str, frames.Price] = bench.namespace[name]
    return table


def _python(bench: Bench, asked: Namespace) -> str:
    prices = asked.prices or (_PREFERRED if _PREFERRED in price_names(bench.namespace) else None)
    if asked.by == "turn":
        return (
            f"lash_nb.frames.cost_df(session.trace, {prices})" if prices else "lash_nb.frames.usage_df(session.trace)"
        )
    given = [*([f"by={asked.by!r}"] if asked.by else []), *([f"prices={prices}"] if prices else [])]
    return f"lash_nb.frames.session_usage_df({', '.join(['session.usage_report()', *given])})"


USAGE_VERB: Final = Verb(
    name="usage",
    summary="what the session has used: tokens by source and model, with a price table also their cost",
    run=_usage,
    python=_python,
    arguments=(
        Argument(
            name="--by",
            help="one row per model, per source (turns, direct completions, tools …) or per turn",
            values=lambda _bench, _typed: _BY,
            settings={"choices": _BY},
        ),
        Argument(
            name="--prices",
            help="variable of the price table, a dict of lash_nb.frames.Price by model (default: prices, if there is one)",
            values=values.prices,
            settings={"metavar": "VAR"},
        ),
    ),
)
"""The verb."""
