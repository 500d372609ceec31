"""Cache hits: how much of what the models read came from the provider's cache."""

import numpy as np
from matplotlib.axes import Axes

from lash_nb.frames import CallTokens, call_tokens
from lash_nb.plots._canvas import Sheet, sheet
from lash_nb.plots._format import counted
from lash_nb.plots._style import TOKEN_COLORS
from lash_nb.plots._tokens import left_out
from lash_nb.plots._turn_bars import TurnBars
from lash_nb.trace import Trace, given_trace

__all__ = ["cache_share"]


def cache_share(trace: Trace, *, ax: Axes | None = None) -> Axes:
    """Draw how much of each turn's input came from the provider's cache, in percent of its tokens, and a line at the share of all turns.

    A turn without input has no bar. Of more than 120 turns several share a bar, which shows the share of all their tokens.

    Args:
        trace: What `read_trace` gave.
        ax: Axes to draw into; a new figure by default.

    Returns:
        The axes, for labels and limits of your own.
    """
    given_trace(trace)
    counts = call_tokens(trace)
    with sheet(ax, size=(9, 3.2)) as page:
        if not counts.input.sum() > 0:
            page.blank(f"Cache hits · {trace.name}", "no model call of this trace has reported input tokens yet")
            return page.ax
        bars = TurnBars(trace, counts.turn)
        read, every = bars.sums(counts.cache_read), bars.sums(counts.input)
        share = np.divide(100 * read, every, out=np.zeros_like(read), where=every > 0)
        page.bars(bars.stack([share])[0], TOKEN_COLORS["cached"])
        page.ax.set_ylim(0, 104)
        page.value_axis("y", 100, lambda percent: f"{percent:.0f} %", ticks=5)
        bars.name(page)
        _draw_overall(page, counts)
        among = "" if bars.size == 1 else f"; a bar is {counted(bars.size, 'turn')}"
        page.heading(f"Cache hits · {trace.name}", f"share of input tokens read from the cache{among}")
        empty = int(np.count_nonzero(every <= 0))
        noun = "turn" if bars.size == 1 else "bar"
        page.footnote(f"{counted(empty, noun)} without input tokens: no share." if empty else "", *left_out(counts))
    return page.ax


def _draw_overall(page: Sheet, counts: CallTokens) -> None:
    """Draw a line at the share of all tokens of the trace, and say it at its end."""
    overall = 100 * counts.cache_read.sum() / counts.input.sum()
    left, right = page.ax.get_xlim()
    page.lines([[(left, overall), (right, overall)]], page.theme.ink, width=1.2, above=True)
    page.beside(right, overall, f"all: {overall:.0f} %", xytext=(4, 0), color=page.theme.ink)
