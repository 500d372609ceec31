"""Calls as bars against time: what the overview of all turns and the waterfall of one turn share.

A bar is the time a call reports; the thin line goes on to the moment at which its end was recorded, because the two differ (calls of one
reply are recorded together) and nothing is drawn that was not recorded.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from lash_nb.clock import NS_PER_MS
from lash_nb.plots._canvas import Bar, Sheet
from lash_nb.plots._style import KIND_COLORS
from lash_nb.trace import FAILED_STATUSES, OPEN_STATUSES, LlmCall, Span, ToolCall, read_fact

__all__ = ["BAD_STATES", "attempts_of", "call_kind", "draw_calls", "kinds_of"]


BAD_STATES: Final = {
    **dict.fromkeys(FAILED_STATUSES, ("failed", "failed")),
    "cancelled": ("cancelled", "cancelled"),
    **dict.fromkeys(OPEN_STATUSES, ("running", "not finished")),
}
"""Mark and word of each status that is not a good one."""

_MIN_PIXELS: Final = 3
"""A call that took no time is drawn this wide, so that it is seen."""


def draw_calls(sheet: Sheet, calls: Sequence[tuple[int, int, Span]], *, high: float) -> None:
    """Draw calls, each with its row and the moment at which its row begins."""
    least = _MIN_PIXELS / sheet.pixels()[0]
    groups: dict[tuple[str, str], list[Bar]] = {}
    waits = []
    for row, start, call in calls:
        left, recorded = (call.began_ns - start) / NS_PER_MS, (call.recorded_ns - start) / NS_PER_MS
        right = left + max(call.placed_ms, least)
        state = BAD_STATES[call.status][0] if call.status in BAD_STATES else ""
        groups.setdefault((call_kind(call), state), []).append((left, right, row, high))
        if recorded - right > least:
            waits.append([(right, row), (recorded, row), (recorded, row + high / 4), (recorded, row - high / 4)])
    sheet.lines(waits, sheet.theme.line_strong, width=1.2)
    for (kind, state), bars in groups.items():
        bars.sort(key=lambda bar: bar[1] - bar[0])  # where calls of one reply overlap, the longest one is seen whole
        edge = KIND_COLORS["failure"] if state == "failed" else sheet.theme.ink
        sheet.bars(bars, KIND_COLORS[kind], edge=edge if state else "", hatched=bool(state))


def call_kind(call: Span) -> str:
    """Return the effect kind of a call."""
    if isinstance(call, ToolCall):
        return "tool_call"
    return "direct" if isinstance(call, LlmCall) and call.is_direct else "llm_call"


def kinds_of(calls: Iterable[Span]) -> list[str]:
    """Return the effect kinds that are there, in the order of the legend."""
    there = {call_kind(call) for call in calls}
    return [kind for kind in KIND_COLORS if kind in there]


def attempts_of(body: Mapping[str, Any]) -> int:
    """Return how often a call was tried, as the record of its end tells; once where it does not."""
    attempts = read_fact("attempts", body)
    return max(len(attempts), 1) if isinstance(attempts, list) else 1
