"""`%lash usage`: tokens and what they cost, by model, by who used them, or by turn."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import pandas as pd

from lash_nb import frames, plots, views
from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._arguments import SESSION
from lash_nb.magics._bench import Bench
from lash_nb.magics._namespace import price_names
from lash_nb.magics._open_session import OpenSession
from lash_nb.magics._table import Table
from lash_nb.magics._verb import Argument, Verb
from lash_nb.plots import token_count
from lash_nb.wire import SessionUsageReport, UsageTotals

__all__ = ["USAGE_VERB", "report_table"]

Prices: TypeAlias = Mapping[str, frames.Price]
"""Prices by model."""

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
_PRICED: Final = {"total_usd": "cost"}
_UNPRICED: Final = {"not_counted": "not in the cost"}
_NOTHING: Final = "Nothing was used yet. Write a prompt below %%lash."
_PREFERRED: Final = "prices"


def _usage(bench: Bench, asked: Namespace) -> Table:
    opened, prices = bench.session(asked.session), _prices(bench, asked.prices)
    line = bench.line(opened, "usage")
    return _by_turn(opened, prices, line) if asked.by == "turn" else _by_ledger(opened, asked.by, prices, line)


def _by_ledger(opened: OpenSession, by: Any, prices: Prices | None, line: str) -> Table:
    hint = _hint(prices, line, f"by turn: {line} --by turn")
    return report_table(opened.session.usage_report(), by=by, prices=prices, title=_title(opened), hint=hint)


def report_table(
    report: SessionUsageReport,
    *,
    by: Any = None,
    prices: Prices | None = None,
    title: str = "Usage",
    hint: str = "as a DataFrame: lash_nb.frames.session_usage_df(…)",
) -> Table:
    """Return one row per source and model of a report, or per one of them.

    Args:
        report: What was used.
        by: `source` or `model`; both when None.
        prices: Prices by model.
        title: Whose it is.
        hint: What to type next.
    """
    frame = frames.session_usage_df(report, by=by, prices=prices)
    face = views.FrameFace(
        columns={name: name for name in ("source", "model") if by in (None, name)} | _TOKENS | _cost_columns(frame),
        title=title,
        note=_sums(report.usage, frame, prices),
        empty=_NOTHING,
        hint=hint,
        sums=(*_TOKENS, *_PRICED),
        shares=_shares(cached_in_input=True, reasoning_in_output=False),
    )
    return Table(frame, face)


def _by_turn(opened: OpenSession, prices: Prices | None, line: str) -> Table:
    trace = opened.trace
    frame = frames.usage_df(trace) if prices is None else frames.cost_df(trace, prices)
    tokens = _TURN_TOKENS if prices is None else _PRICED_TURN_TOKENS
    usage = opened.session.usage_report().usage
    face = views.FrameFace(
        columns={"turn_index": "turn", "model": "model", "llm_calls": "calls"} | tokens | _cost_columns(frame),
        title=_title(opened),
        note=_sums(usage, frame, prices) + _earlier(usage, frame, prices, line),
        empty=_NOTHING,
        hint=_hint(prices, line, f"by source and model: {line}"),
        sums=("llm_calls", *tokens, *_PRICED),
        is_latest=True,
        shares=_shares(cached_in_input=prices is None, reasoning_in_output=True),
    )
    return Table(frame, face)


def _earlier(usage: UsageTotals, frame: pd.DataFrame, prices: Prices | None, line: str) -> str:
    """What no trace of this kernel tells."""
    counted = ("input_tokens", "output_tokens", *(() if prices is None else ("cached_input_tokens",)))
    told = sum(int(frame[name].fillna(0).sum()) for name in counted)
    earlier = max(usage.total_tokens - told, 0)
    if not earlier:
        return ""
    return f"; {token_count(earlier)} tokens of before this notebook opened it are told by model only: {line}"


def _cost_columns(frame: pd.DataFrame) -> dict[str, str]:
    """What is known of the cost, and what is not in it where something is not."""
    missing = "not_counted" in frame and frame["not_counted"].notna().any()
    cost = _PRICED if "total_usd" in frame and (missing or frame["total_usd"].notna().any()) else {}
    return {**cost, **(_UNPRICED if missing else {})}


def _hint(prices: Prices | None, line: str, other: str) -> str:
    if prices is not None:
        return other
    return f"{other} · cost: {line} --prices VAR, a dict of lash_nb.frames.Price by model"


def _shares(*, cached_in_input: bool, reasoning_in_output: bool) -> tuple[views.Share, ...]:
    """Tokens as parts of a bar, none of them drawn twice."""

    def fresh(frame: pd.DataFrame) -> pd.Series:
        return frame["input_tokens"] - (frame["cached_input_tokens"].fillna(0) if cached_in_input else 0)

    def output(frame: pd.DataFrame) -> pd.Series:
        return frame["output_tokens"] + (0 if reasoning_in_output else frame["reasoning_tokens"].fillna(0))

    return (
        views.Share("input", plots.TOKEN_COLORS["input"], fresh),
        views.Share("cached", plots.TOKEN_COLORS["cached"], lambda frame: frame["cached_input_tokens"]),
        views.Share("output", plots.TOKEN_COLORS["output"], output),
    )


def _title(opened: OpenSession) -> str:
    return f"Usage of {opened.session.session_id}"


def _sums(usage: UsageTotals, frame: pd.DataFrame, prices: Prices | None) -> str:
    tokens = (
        f"in all {token_count(usage.input_tokens)} in ({token_count(usage.cached_input_tokens)} cached), "
        f"{token_count(usage.output_tokens)} out"
        + (f", {token_count(usage.reasoning_tokens)} reasoning" if usage.reasoning_tokens else "")
    )
    if prices is None:
        return tokens
    known = frame["total_usd"].dropna()
    missing = "; ".join(dict.fromkeys(frame["not_counted"].dropna().astype(str)))
    cost = f"${known.sum():,.4f}" if len(known) else "cost not known"
    return f"{tokens} · {cost}{f', without {missing}' if missing else ''}"


def _prices(bench: Bench, name: str | None) -> Prices | None:
    """The price table that is named, else the variable `prices` if it is one."""
    known = price_names(bench.namespace)
    if name is None:
        return bench.namespace[_PREFERRED] if _PREFERRED in known else None
    if name not in known:
        message = f"{_no_prices(bench, name)}, and prices are a dict by model: {name} = {{'some-model': lash_nb.frames.Price(input=3, output=15)}}"
        raise CallerError(message, code="magics_prices")
    table: Prices = bench.namespace[name]
    return table


def _no_prices(bench: Bench, name: str) -> str:
    if name not in bench.namespace:
        return f"no variable {name}"
    given = bench.namespace[name]
    if not isinstance(given, dict):
        return f"{name} is of type {type(given).__name__}"
    wrong = (
        f"{name}[{model!r}] is of type {type(price).__name__}"
        for model, price in given.items()
        if not isinstance(price, frames.Price)
    )
    return next(wrong, f"{name} is empty")


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
        SESSION,
    ),
)
"""The verb."""
