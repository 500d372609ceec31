"""How the calls of each tool ended, and how often they were tried again."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from matplotlib.axes import Axes

from lash_nb.plots._canvas import Bar, Sheet, sheet
from lash_nb.plots._format import counted, one_line
from lash_nb.plots._style import KIND_COLORS, MARKS
from lash_nb.trace import Trace

__all__ = ["tool_outcomes"]

_MAX_ROWS: Final = 40
"""Tools with a row of their own; a taller picture fits no page."""

_MARK_PIXELS: Final = 12
"""A bar that is narrower has no room for its mark."""


class _Look(NamedTuple):
    """How an outcome is drawn and called."""

    word: str
    mark: str = ""
    """Its sign, where it did not go well."""
    color: str = ""
    """Fill; that of the page when empty."""
    mark_color: str = ""
    """Color of the sign; that of text when empty."""


_LOOKS: Final = {
    "success": _Look("ok", color=KIND_COLORS["tool_call"]),
    "failure": _Look("failed", MARKS["failed"], KIND_COLORS["failure"], "#ffffff"),
    "cancelled": _Look("cancelled", MARKS["cancelled"]),
    "open": _Look("not finished", MARKS["running"]),
}
"""Each status of a tool call, in the order in which they are drawn."""


def tool_outcomes(trace: Trace, *, ax: Axes | None = None) -> Axes:
    """Draw how many calls of each tool succeeded, failed, were cancelled or have no end, and say it beside the bar.

    Args:
        trace: What `read_trace` gave.
        ax: Axes to draw into; a new figure by default.

    Returns:
        The axes, for labels and limits of your own.
    """
    tools = _tools(trace)
    shown = list(tools.items())[:_MAX_ROWS]
    with sheet(ax, size=(9, 1.3 + 0.36 * max(len(shown), 1))) as page:
        if not shown:
            page.blank("Tool outcomes and retries", "no tool call in this trace yet")
            return page.ax
        most = max(counts.total() for _, counts in shown)
        page.ax.set_ylim(len(shown) - 0.4, -0.6)
        page.ax.set_xlim(0, most * 1.45)
        _draw_outcomes(page, [counts for _, counts in shown], [_words(counts) for _, counts in shown])
        page.value_axis("x", most, lambda calls: f"{calls:,.0f}")
        page.name_rows([one_line(name or "unknown tool", limit=32) for name, _ in shown])
        page.heading("Tool outcomes and retries", "calls")
        rest = len(tools) - len(shown)
        page.footnote(
            f"{counted(rest, 'more tool')}, called less often, not shown: see tool_calls_df(trace)." if rest else ""
        )
    return page.ax


def _tools(trace: Trace) -> dict[str | None, Counter[str]]:
    """Count the outcomes of each tool, the one called most often first."""
    tools: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    for call in trace.tool_calls:
        tools[call.name][call.status] += 1
    return dict(sorted(tools.items(), key=lambda tool: -tool[1].total()))


def _draw_outcomes(page: Sheet, rows: Sequence[Counter[str]], words: Sequence[str]) -> None:
    bars: defaultdict[str, list[Bar]] = defaultdict(list)
    for row, counts in enumerate(rows):
        left = 0
        for status in _in_order(counts):
            bars[status].append((left, left + counts[status], row, 0.64))
            left += counts[status]
        page.beside(left, row, words[row])
    for status, mine in bars.items():
        _draw_status(page, _look(status), mine)


def _draw_status(page: Sheet, look: _Look, bars: Sequence[Bar]) -> None:
    """Draw the bars of one outcome, with its sign where there is room for it."""
    page.bars(bars, look.color or page.theme.surface, edge="" if look.color else page.theme.ink)
    room = _MARK_PIXELS / page.pixels()[0]
    for left, right, row, _ in bars:
        if look.mark and right - left >= room:
            page.write((left + right) / 2, row, look.mark, ha="center", color=look.mark_color or page.theme.ink)


def _in_order(counts: Counter[str]) -> list[str]:
    known = [status for status in _LOOKS if status in counts]
    return [*known, *sorted(status for status in counts if status not in _LOOKS)]


def _look(status: str) -> _Look:
    return _LOOKS.get(status, _Look(one_line(status, limit=24), MARKS["waiting"]))


def _words(counts: Counter[str]) -> str:
    return " · ".join(f"{counts[status]:,} {_look(status).word}" for status in _in_order(counts))
