"""Tokens by turn: what the models read and what they wrote, each on a scale of its own."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from lash_nb.frames import CallTokens, call_tokens
from lash_nb.plots._canvas import Sheet, sheet
from lash_nb.plots._format import counted, token_count
from lash_nb.plots._style import TOKEN_COLORS
from lash_nb.plots._turn_bars import TurnBars, tallest
from lash_nb.trace import Trace, given_trace

__all__ = ["left_out", "tokens"]

_LOWER: Final = 0.28
"""Share of the height that output has."""

_GAP: Final = 0.12
"""Share of the height between the two, and above each of them, for its legend."""


def tokens(trace: Trace, *, ax: Axes | None = None) -> Axes:
    """Draw the tokens of each turn: input above (cached and not), output below (reasoning hatched), in tokens.

    Output has a scale of its own, or it would vanish beside the input: the axes returned is that of the input, `ax.figure.axes[-1]` that
    of the output. Of more than 120 turns several share a bar, which shows their mean.

    Args:
        trace: What `read_trace` gave.
        ax: Axes to draw into; a new figure by default.

    Returns:
        The axes, for labels and limits of your own.
    """
    given_trace(trace)
    counts = call_tokens(trace)
    with sheet(ax, size=(9, 4.6)) as page:
        if not len(counts.call):
            page.blank(f"Tokens by turn · {trace.name}", "no model call of this trace has reported tokens yet")
            return page.ax
        bars = TurnBars(trace, counts.turn)
        _draw_input(page, bars, counts)
        _draw_output(page.twin(), bars, counts)
        bars.name(page)
        page.heading(f"Tokens by turn · {trace.name}", f"{bars.words}; input and output on their own scale")
        page.footnote(*left_out(counts), *_doubts(counts))
    return page.ax


def _draw_input(page: Sheet, bars: TurnBars, counts: CallTokens) -> None:
    layers = [bars.means(values) for values in (counts.cache_read, counts.cache_write, counts.uncached_input)]
    cached, written, uncached = bars.stack(layers)
    ink = page.theme.ink
    page.bars(uncached, TOKEN_COLORS["input"])
    page.bars(written, TOKEN_COLORS["cached"], edge=ink, hatched=True)
    page.bars(cached, TOKEN_COLORS["cached"])
    most = tallest(layers)
    page.ax.set_ylim(*_upper(most))
    page.value_axis("y", most, token_count, ticks=6, whole=True)
    keys = [page.patch("cached", TOKEN_COLORS["cached"]), page.patch("input, not cached", TOKEN_COLORS["input"])]
    if written:
        keys.insert(1, page.patch("written to the cache", TOKEN_COLORS["cached"], edge=ink))
    page.key(keys, inside=(0, 1))


def _draw_output(page: Sheet, bars: TurnBars, counts: CallTokens) -> None:
    plain = bars.means(counts.output - counts.reasoning)
    reasoning = bars.means(counts.reasoning)
    lower, upper = bars.stack([plain, reasoning])
    page.bars(lower, TOKEN_COLORS["output"])
    page.bars(upper, page.theme.surface, edge=page.theme.ink, hatched=True)
    most = tallest([plain, reasoning])
    page.ax.set_ylim(0, (most or 1) / _LOWER)
    page.value_axis("y", most, token_count, ticks=3, whole=True)
    keys = [page.patch("output", TOKEN_COLORS["output"])]
    if upper:
        keys.append(page.patch("reasoning", page.theme.surface, edge=page.theme.ink))
    page.key(keys, inside=(0, _LOWER + _GAP * 0.8))


def _upper(most: float) -> tuple[float, float]:
    """Return the limits of an axis on which 0 to `most` fills what output leaves."""
    start = _LOWER + _GAP
    unit = (most or 1) / (1 - start - _GAP)
    return -start * unit, (1 - start) * unit


def left_out(counts: CallTokens) -> Iterator[str]:
    """Say which calls are in no bar."""
    outside = counts.turn < 0
    if outside.any():
        read, wrote = token_count(counts.input[outside].sum()), token_count(counts.output[outside].sum())
        yield f"{counted(int(outside.sum()), 'call')} outside any turn not shown: {read} tokens in, {wrote} out."
    if counts.silent:
        yield f"{counted(counts.silent, 'finished call')} reported no tokens."


def _doubts(counts: CallTokens) -> Iterator[str]:
    if counts.approximate.any():
        calls = counted(int(counts.approximate.sum()), "call")
        yield f"Output is approximate in {calls}: this release of lash did not say whether it held the reasoning already."
    negative = sum(getattr(counts, name) < 0 for name in ("uncached_input", "cache_read", "output", "reasoning"))
    if np.any(negative):
        yield f"{counted(int(np.count_nonzero(negative)), 'call')} with a negative number of tokens, as recorded; see usage_df(trace)."
