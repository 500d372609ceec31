"""Latency by model and by tool: half of the calls, all but the slowest twentieth, all but the slowest hundredth."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lash_nb.frames import Numbers
from lash_nb.plots._call_bars import call_kind
from lash_nb.plots._canvas import Sheet, sheet
from lash_nb.plots._format import counted, duration, one_line, recorded_duration
from lash_nb.plots._style import KIND_COLORS
from lash_nb.trace import Trace, given_trace
from lash_nb.words import NO_MODEL, NO_TOOL

__all__ = ["latency"]

_FEW: Final = 3
"""Of fewer calls than this each one is drawn."""

_MAX_ROWS: Final = 40
"""Models and tools with a row of their own; a taller picture fits no page."""

_WIDE: Final = 100
"""When the slowest row takes so many times as long as the quickest, only a logarithmic axis shows both."""

_PERCENTILES: Final = (50, 95, 99)


def latency(trace: Trace, *, ax: Axes | None = None) -> Axes:
    """Draw how long the calls of each model and of each tool took: p50 as a disc, p95 as a tick, p99 as a diamond, in milliseconds.

    All calls count that have ended and say how long they took, failed ones too; how many that are stands beside the name. Of fewer than
    three calls each is a ring. Percentiles between two calls lie between them in proportion. The axis is logarithmic where the rows lie
    far apart, and says so.

    Args:
        trace: What `read_trace` gave.
        ax: Axes to draw into; a new figure by default.

    Returns:
        The axes, for labels and limits of your own.
    """
    given_trace(trace)
    rows = _rows(trace)
    shown = _most_called(rows)
    with sheet(ax, size=(9, 1.3 + 0.36 * max(len(shown), 1))) as page:
        if not shown:
            page.blank(f"Latency · {trace.name}", "no call of this trace has ended and says how long it took")
            return page.ax
        page.ax.set_ylim(len(shown) - 0.4, -0.6)
        is_log = _set_scale(page, shown)
        _draw_many(page, [(place, row) for place, row in enumerate(shown) if len(row.times) >= _FEW])
        _draw_few(page, [(place, row) for place, row in enumerate(shown) if len(row.times) < _FEW])
        page.name_rows([f"{row.name}  ({len(row.times):,})" for row in shown])
        few = (
            "; of a row with fewer than 3 calls, each call is a ring"
            if any(len(row.times) < _FEW for row in shown)
            else ""
        )
        page.heading(f"Latency · {trace.name}", f"p50 · p95 · p99{', logarithmic' if is_log else ''}{few}")
        _draw_key(page)
        page.footnote(*_left_out(trace, rows, shown))
    return page.ax


@dataclass(frozen=True, kw_only=True)
class _Row:
    """The calls of one model or tool."""

    name: str
    kind: str
    times: Numbers
    """Milliseconds, ascending."""
    marks: tuple[float, float, float]
    """p50, p95 and p99 in milliseconds."""


def _rows(trace: Trace) -> list[_Row]:
    """Return models, then tools, the slowest first."""
    times: defaultdict[tuple[str, str | None], list[float]] = defaultdict(list)
    named = [(call, call.model) for call in trace.llm_calls] + [(call, call.name) for call in trace.tool_calls]
    for call, name in named:
        took = call.duration_ms
        if took is not None and took >= 0:
            times[call_kind(call), name].append(took)
    rows = [_row(kind, name, np.sort(np.array(each))) for (kind, name), each in times.items()]
    return sorted(rows, key=lambda row: (list(KIND_COLORS).index(row.kind), -row.marks[0]))


def _row(kind: str, name: str | None, times: Numbers) -> _Row:
    known = one_line(name or (NO_TOOL if kind == "tool_call" else NO_MODEL), limit=32)
    p50, p95, p99 = np.percentile(times, _PERCENTILES)
    return _Row(name=f"{known}, direct" if kind == "direct" else known, kind=kind, times=times, marks=(p50, p95, p99))


def _most_called(rows: Sequence[_Row]) -> list[_Row]:
    """Keep the rows that there is room for, in their order."""
    kept = sorted(range(len(rows)), key=lambda place: -len(rows[place].times))[:_MAX_ROWS]
    return [rows[place] for place in sorted(kept)]


def _set_scale(page: Sheet, rows: Sequence[_Row]) -> bool:
    """Make room for all marks and for the numbers beside them; return whether the axis is logarithmic."""
    least, most = min(row.marks[0] for row in rows), max(row.marks[2] for row in rows)
    shown = min(row.times[0] if len(row.times) < _FEW else row.marks[0] for row in rows)
    is_log = min(least, shown) > 0 and most / least > _WIDE
    if not is_log:
        page.ax.set_xlim(-0.015 * (most or 1), (most or 1) * 1.32)
        page.time_axis(most)
        return False
    first, last = shown / 1.6, most
    page.ax.set_xscale("log")
    page.ax.set_xlim(first, last * (last / first) ** 0.32)
    ticks = [place for place in _ROUND_TIMES if first <= place <= last]
    page.ax.set_xticks(ticks, [duration(tick) for tick in ticks])
    page.ax.set_xticks([], minor=True)
    page.ax.grid(axis="x", color=page.theme.line, linewidth=0.8)
    return True


_ROUND_TIMES: Final = (0.1, 1, 10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000)
"""Where a logarithmic axis has its ticks, in milliseconds."""


def _draw_many(page: Sheet, rows: Sequence[tuple[int, _Row]]) -> None:
    page.lines(
        [[(row.marks[1], at - 0.2), (row.marks[1], at + 0.2)] for at, row in rows], page.theme.ink, width=2, above=True
    )
    for kind in KIND_COLORS:
        mine = [(at, row) for at, row in rows if row.kind == kind]
        if mine:
            ats, color = [at for at, _ in mine], KIND_COLORS[kind]
            page.lines([[(row.marks[0], at), (row.marks[2], at)] for at, row in mine], f"{color}80", width=4)
            page.ax.scatter(
                [row.marks[0] for _, row in mine],
                ats,
                s=64,
                c=color,
                edgecolors=page.theme.ink,
                linewidths=0.8,
                zorder=2,
            )
    if rows:
        ends, ats = [row.marks[2] for _, row in rows], [at for at, _ in rows]
        surface, ink = page.theme.surface, page.theme.ink
        page.ax.scatter(ends, ats, s=30, marker="D", c=surface, edgecolors=ink, linewidths=1.2, zorder=3)
    for at, row in rows:
        page.beside(row.marks[2], at, _together(row.marks))


def _draw_few(page: Sheet, rows: Sequence[tuple[int, _Row]]) -> None:
    for kind in KIND_COLORS:
        mine = [(time, at) for at, row in rows if row.kind == kind for time in row.times]
        if mine:
            times, ats = zip(*mine, strict=True)
            page.ax.scatter(
                times, ats, s=34, facecolors="none", edgecolors=KIND_COLORS[kind], linewidths=2, zorder=2, clip_on=False
            )
    for at, row in rows:
        page.beside(row.times[-1], at, _together(row.times))


def _together(times: Iterable[float]) -> str:
    """Write times in a row, their unit once where they share it."""
    words = [recorded_duration(time) for time in times]
    units = {word.removeprefix("< ").partition(" ")[2] for word in words}
    if len(units) == 1 and units <= {"ms", "s"}:
        words = [*(word.removesuffix(" ms").removesuffix(" s") for word in words[:-1]), words[-1]]
    return " · ".join(words)


def _draw_key(page: Sheet) -> None:
    theme = page.theme
    looks = (
        ("p50", {"marker": "o", "markersize": 8, "markerfacecolor": theme.muted}),
        ("p95", {"marker": "|", "markersize": 11, "markeredgewidth": 2}),
        ("p99", {"marker": "D", "markersize": 5.5, "markerfacecolor": theme.surface}),
    )
    page.key([Line2D([], [], linestyle="", color=theme.ink, label=label, **look) for label, look in looks])  # type: ignore[arg-type]  # properties of a line


def _left_out(trace: Trace, rows: Sequence[_Row], shown: Sequence[_Row]) -> Iterator[str]:
    if len(shown) < len(rows):
        rest = len(rows) - len(shown)
        yield f"{rest:,} more models and tools, called less often, not shown: see llm_calls_df(trace), tool_calls_df(trace)."
    times = [call.duration_ms for call in (*trace.llm_calls, *trace.tool_calls)]
    timeless, negative = sum(time is None for time in times), sum(time is not None and not time >= 0 for time in times)
    if timeless:
        yield f"{counted(timeless, 'call')} not finished, or without a time, not counted."
    if negative:
        yield f"{counted(negative, 'call')} with a negative time not counted."
