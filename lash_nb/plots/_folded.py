"""The timeline of a trace with very many turns or calls: a row shows the mean of some turns, and no failure is folded away."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes

from lash_nb.plots._call_bars import call_kind
from lash_nb.plots._canvas import Bar, Sheet, sheet
from lash_nb.plots._format import counted
from lash_nb.plots._style import KIND_COLORS, MARKS
from lash_nb.trace import GOOD_STATUSES, Trace, Turn

__all__ = ["draw_folded"]

_ROWS: Final = 50


def draw_folded(trace: Trace, ax: Axes | None, outside: int) -> Axes:
    """Draw one row per block of turns: the mean time that their calls of each kind report, and how many turns did not go well."""
    size = -(-len(trace.turns) // _ROWS)
    blocks = [trace.turns[first : first + size] for first in range(0, len(trace.turns), size)]
    with sheet(ax, size=(9, 1.6 + 0.2 * len(blocks))) as page:
        page.ax.set_ylim(len(blocks) - 0.4, -0.6)
        means = [_mean_times(block) for block in blocks]
        longest = max(sum(mean.values()) for mean in means)
        page.ax.set_xlim(0, (longest or 1) * 1.3)
        _draw_means(page, means)
        for row, (block, mean) in enumerate(zip(blocks, means, strict=True)):
            _write_troubles(page, block, row, sum(mean.values()))
        firsts = range(0, len(trace.turns), size)
        page.ax.set_yticks(range(len(blocks)), [f"{first + 1:,}" for first in firsts])
        page.ax.set_ylabel("from turn, counted from the first in the trace", color=page.theme.muted)
        page.time_axis(longest)
        page.heading(f"Timeline · {trace.name}", f"mean time in calls per turn; a row is {counted(size, 'turn')}")
        page.legend(kind for kind in KIND_COLORS if any(kind in mean for mean in means))
        page.footnote(
            f"{_too_many(trace)} do not fit: timeline(trace, turn=…) draws one turn, turns_df(trace) has all.",
            f"{counted(outside, 'call')} outside any turn not shown." if outside else "",
        )
    return page.ax


def _too_many(trace: Trace) -> str:
    return f"{counted(len(trace.turns), 'turn')} with {counted(len(trace.llm_calls) + len(trace.tool_calls), 'call')}"


def _mean_times(block: Sequence[Turn]) -> dict[str, float]:
    times: defaultdict[str, float] = defaultdict(float)
    for turn in block:
        for call in turn.calls:
            times[call_kind(call)] += max(call.duration_ms or 0, 0) / len(block)
    return times


def _draw_means(page: Sheet, means: Sequence[dict[str, float]]) -> None:
    bars: defaultdict[str, list[Bar]] = defaultdict(list)
    for row, mean in enumerate(means):
        left = 0.0
        for kind in KIND_COLORS:
            if kind in mean:
                bars[kind].append((left, left + mean[kind], row, 0.64))
                left += mean[kind]
    for kind, rows in bars.items():
        page.bars(rows, KIND_COLORS[kind])


def _write_troubles(page: Sheet, block: Sequence[Turn], row: int, at: float) -> None:
    troubles = Counter(state for turn in block if (state := _state(turn)))
    if troubles:
        words = "  ".join(f"{MARKS[mark]} {troubles[mark, word]:,} {word}" for mark, word in sorted(troubles))
        color = page.theme.failure_text if any(mark == "failed" for mark, _ in troubles) else page.theme.ink
        page.write(at, row, f"  {words}", color=color)


def _state(turn: Turn) -> tuple[str, str] | None:
    """Return mark and word of a turn that did not go well, or in which something failed."""
    if turn.is_cancelled:
        return "cancelled", "cancelled"
    if turn.status == "open":
        return "running", "not finished"
    if turn.status not in GOOD_STATUSES:
        return "failed", "failed"
    return ("failed", "with a failed call") if any(call.has_failed for call in turn.calls) else None
