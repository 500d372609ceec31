"""How the calls of each tool ended, and how often they were tried again."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from matplotlib.axes import Axes

from lash_nb.plots._call_bars import attempts_of
from lash_nb.plots._canvas import Bar, Sheet, sheet
from lash_nb.plots._format import counted, one_line
from lash_nb.plots._style import KIND_COLORS, MARKS
from lash_nb.trace import Trace, given_trace
from lash_nb.words import NO_TOOL

__all__ = ["tool_outcomes"]

_MAX_ROWS: Final = 40
"""Tools with a row of their own; a taller picture fits no page."""

_FIRST_WITH_ATTEMPTS: Final = 3
"""The schema version since which a tool call that was tried again tells of its attempts."""

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
    "unknown": _Look("unknown", MARKS["waiting"]),
}
"""Each status of a tool call, in the order in which they are drawn."""


def tool_outcomes(trace: Trace, *, ax: Axes | None = None) -> Axes:
    """Draw how many calls of each tool succeeded, failed, were cancelled or have no end; say it beside the bar.

    Retries too, where the trace records them: a release before schema version 3 does not, and the title names none then.

    Args:
        trace: What `read_trace` gave.
        ax: Axes to draw into; a new figure by default.

    Returns:
        The axes, for labels and limits of your own.
    """
    given_trace(trace)
    tools = _tools(trace)
    shown = list(tools.items())[:_MAX_ROWS]
    with sheet(ax, size=(9, 1.3 + 0.36 * max(len(shown), 1))) as page:
        if not shown:
            page.blank(f"Tool outcomes · {trace.name}", "no tool call in this trace yet")
            return page.ax
        most = max(counts.total() for _, counts in shown)
        page.ax.set_ylim(len(shown) - 0.4, -0.6)
        page.ax.set_xlim(0, most * 1.5)
        retries, silent = _retries(trace)
        _draw_outcomes(page, [counts for _, counts in shown], [_words(counts, retries[name]) for name, counts in shown])
        page.value_axis("x", most, lambda calls: f"{calls:,.0f}", whole=True)
        page.name_rows([one_line(name or NO_TOOL, limit=32) for name, _ in shown])
        told = " and retries" if silent < len(trace.tool_calls) else ""
        page.heading(f"Tool outcomes{told} · {trace.name}", "calls")
        page.footnote(*_left_out(len(tools) - len(shown), silent if told else 0))
    return page.ax


def _left_out(rest: int, silent: int) -> Iterator[str]:
    if rest:
        yield f"{counted(rest, 'more tool')}, called less often, not shown: see tool_calls_df(trace)."
    if silent:
        yield f"Retries of {counted(silent, 'call')} are not recorded."


def _retries(trace: Trace) -> tuple[Counter[str | None], int]:
    """Count the retries of each tool, and the calls that were recorded by a release that did not tell them."""
    versions = trace.index.text("schema_version")
    ended = [
        (call.name, call.end_row)
        for call in trace.tool_calls
        if call.end_row is not None and (versions[call.end_row] or 0) >= _FIRST_WITH_ATTEMPTS
    ]
    retries: Counter[str | None] = Counter()
    for (name, _), body in zip(ended, trace.bodies(row for _, row in ended), strict=True):
        retries[name] += attempts_of(body) - 1
    return retries, len(trace.tool_calls) - len(ended)


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


def _words(counts: Counter[str], retries: int) -> str:
    words = [f"{counts[status]:,} {_look(status).word}" for status in _in_order(counts)]
    if retries:
        words.append(counted(retries, "retry", "retries"))
    return " · ".join(words)
