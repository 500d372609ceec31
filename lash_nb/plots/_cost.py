"""Cost by turn, by the user's own prices."""

import math
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from lash_nb.frames import CallCosts, Price, Unpriced, call_costs
from lash_nb.plots._canvas import Sheet, sheet
from lash_nb.plots._format import counted, one_line, token_count
from lash_nb.plots._style import TOKEN_COLORS
from lash_nb.plots._tokens import left_out
from lash_nb.plots._turn_bars import TurnBars, tallest
from lash_nb.trace import Trace, given_trace
from lash_nb.words import NO_MODEL

__all__ = ["cost"]

_HEADROOM: Final = 1.16
"""Height of the axis in heights of the tallest bar: the legend stands above it."""

_MAX_GAPS: Final = 6
"""Models without a price that are named one by one."""

_MOST_DIGITS: Final = 12
"""Nothing costs less than a millionth of a millionth."""


def cost(trace: Trace, *, prices: Mapping[str, Price], ax: Axes | None = None) -> Axes:
    """Draw what each turn cost, in USD, by a price table.

        cost(trace, prices={"some-model": Price(input=3, cached_input=0.3, cache_write=3.75, output=15)})

    What the table does not price, and what the trace does not tell, is named below the plot and is in no bar; it is never counted as
    zero. Of more than 120 turns several share a bar, which shows their mean. `cost_df` has the numbers.

    Args:
        trace: What `read_trace` gave.
        prices: Prices by model, in USD per million tokens.
        ax: Axes to draw into; a new figure by default.

    Returns:
        The axes, for labels and limits of your own.

    Raises:
        CallerError: the table holds what is no price.
    """
    given_trace(trace)
    costs = call_costs(trace, prices)
    with sheet(ax, size=(9, 3.6)) as page:
        if not len(costs.tokens.call):
            page.blank(f"Cost by turn · {trace.name}", "no model call of this trace has reported tokens yet")
            return page.ax
        bars = TurnBars(trace, costs.tokens.turn)
        _draw_parts(page, bars, costs)
        bars.name(page)
        page.heading(f"Cost by turn · {trace.name}", f"USD, {bars.words} · {_total(costs)}")
        page.footnote(*_gaps(costs.unpriced()), *left_out(costs.tokens))
    return page.ax


def _draw_parts(page: Sheet, bars: TurnBars, costs: CallCosts) -> None:
    ink = page.theme.ink
    looks = {
        "cached_input": ("cached input", TOKEN_COLORS["cached"], ""),
        "cache_write": ("cache write", TOKEN_COLORS["cached"], ink),
        "input": ("input", TOKEN_COLORS["input"], ""),
        "output": ("output", TOKEN_COLORS["output"], ""),
    }
    layers = {part: bars.means(costs.parts[part]) for part in looks}
    keys = []
    for part, stacked in zip(looks, bars.stack(list(layers.values())), strict=True):
        label, color, edge = looks[part]
        if stacked:
            page.bars(stacked, color, edge=edge, hatched=bool(edge))
            keys.append(page.patch(label, color, edge=edge))
    most = tallest(list(layers.values()))
    page.ax.set_ylim(0, (most or 1) * _HEADROOM)
    page.value_axis("y", most, _usd, ticks=6)
    page.key(keys, inside=(0, 1))


def _total(costs: CallCosts) -> str:
    """Say what all turns cost, and by model where there are a few."""
    inside = (costs.tokens.turn >= 0) & ~np.isnan(costs.total)
    if not inside.any():
        return "nothing here has a price"
    model, total = costs.tokens.model[inside], costs.total[inside]
    by_model = np.bincount(model, weights=total)
    is_whole = not costs.tokens.silent and not any(
        (rows & (costs.tokens.turn >= 0)).any() for _, _, rows in costs.gaps()
    )
    words = f"{'in all' if is_whole else 'at least'} {_usd(total.sum())}"
    priced = np.unique(model).tolist()
    if 1 < len(priced) <= 3:
        words += " (" + ", ".join(f"{_name(costs.tokens.models[each])} {_usd(by_model[each])}" for each in priced) + ")"
    return words


def _gaps(gaps: list[Unpriced]) -> Iterator[str]:
    for gap in gaps[:_MAX_GAPS]:
        calls = counted(gap.calls, "call")
        if gap.what == "tokens":
            yield f"No price for {_name(gap.model)}: {token_count(gap.tokens)} tokens of {calls} are not in the cost."
        elif gap.reason == "no price":
            what = _WORDS[gap.what]
            yield f"No price for {what} of {_name(gap.model)}: {token_count(gap.tokens)} tokens of {calls} are not in the cost."
        else:
            yield f"Cache writes of {_name(gap.model)} are not recorded in {calls} and not in the cost; cache_write=0 if they are free."
    if gaps[_MAX_GAPS:]:
        yield f"{len(gaps) - _MAX_GAPS:,} more like these: see not_counted in cost_df(trace, prices)."


_WORDS: Final = {"input": "input", "cached_input": "cached input", "cache_write": "cache writes", "output": "output"}
"""What the members of a price are called in a sentence."""


def _name(model: str | None) -> str:
    return one_line(model or NO_MODEL, limit=32)


def _usd(amount: float) -> str:
    """Write an amount as `$12.30`, a small one with two digits that say something: `$0.0042`."""
    if amount == 0:
        return "$0"
    if abs(amount) >= 0.995:
        return f"${amount:,.2f}"
    digits = min(1 - math.floor(math.log10(abs(amount))), _MOST_DIGITS)
    return f"${amount:.{digits}f}".rstrip("0").rstrip(".")
