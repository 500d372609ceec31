"""Calls as bars against time: what the overview of all turns and the waterfall of one turn share.

A bar is the time a call reports; the thin line goes on to the moment at which its end was recorded, because the two differ (calls of one
reply are recorded together) and nothing is drawn that was not recorded.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from lash_nb.plots._canvas import Bar, Sheet
from lash_nb.plots._style import KIND_COLORS
from lash_nb.trace import LlmCall, Span, ToolCall, Turn

__all__ = ["BAD_STATES", "MS", "began_ns", "call_kind", "draw_calls", "ended_ns", "kinds_of", "turn_ended_ns"]

MS: Final = 1_000_000
"""Nanoseconds in a millisecond."""

BAD_STATES: Final = {
    "failed": ("failed", "failed"),
    "failure": ("failed", "failed"),
    "cancelled": ("cancelled", "cancelled"),
    "open": ("running", "not finished"),
}
"""Mark and word of each status that is not the good one."""

_MIN_PIXELS: Final = 3
"""A call that took no time is drawn this wide, so that it is seen."""


def draw_calls(sheet: Sheet, calls: Sequence[tuple[int, int, Span]], *, high: float) -> None:
    """Draw calls, each with its row and the moment at which its row begins."""
    least = _MIN_PIXELS / sheet.pixels()[0]
    groups: dict[tuple[str, str], list[Bar]] = {}
    waits = []
    for row, start, call in calls:
        left, recorded = (began_ns(call) - start) / MS, (ended_ns(call) - start) / MS
        right = left + max(call.duration_ms or 0, least)
        state = BAD_STATES[call.status][0] if call.status in BAD_STATES else ""
        groups.setdefault((call_kind(call), state), []).append((left, right, row, high))
        if recorded - right > least:
            waits.append([(right, row), (recorded, row), (recorded, row + high / 4), (recorded, row - high / 4)])
    sheet.lines(waits, sheet.theme.line_strong, width=1.2)
    for (kind, state), bars in groups.items():
        bars.sort(key=lambda bar: bar[1] - bar[0])  # where calls of one reply overlap, the longest one is seen whole
        sheet.bars(bars, KIND_COLORS[kind], state=state)


def call_kind(call: Span) -> str:
    """Return the effect kind of a call."""
    if isinstance(call, ToolCall):
        return "tool_call"
    return "direct" if isinstance(call, LlmCall) and call.is_direct else "llm_call"


def kinds_of(calls: Iterable[Span]) -> list[str]:
    """Return the effect kinds that are there, in the order of the legend."""
    there = {call_kind(call) for call in calls}
    return [kind for kind in KIND_COLORS if kind in there]


def began_ns(span: Span) -> int:
    """Return when it began; without a start, what its end or its calls tell about that."""
    if span.started_ns is not None:
        return span.started_ns
    if isinstance(span, Turn):
        return min(map(began_ns, (*span.llm_calls, *span.tool_calls)), default=span.ended_ns or 0)
    return (span.ended_ns or 0) - round((span.duration_ms or 0) * MS)


def ended_ns(span: Span) -> int:
    """Return when its end was recorded; without one, when it began."""
    return began_ns(span) if span.ended_ns is None else span.ended_ns


def turn_ended_ns(turn: Turn) -> int:
    """Return the last moment of a turn: its end, or what came last in it."""
    calls = (*turn.llm_calls, *turn.tool_calls)
    last = [max(ended_ns(call), began_ns(call) + round((call.duration_ms or 0) * MS)) for call in calls]
    return max([ended_ns(turn), *last])
