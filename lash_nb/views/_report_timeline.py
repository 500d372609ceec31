"""When a trace was busy, as an inline picture: a track of model calls, a track of tool calls, failures above, time below.

A few hundred turns are drawn as bars that run together where they touch; of more, how busy each moment was. The picture is as small for a
million calls as for a thousand.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

import numpy as np

from lash_nb.plots import MARKS, counted, duration, tick_time
from lash_nb.trace import NO_INT, Outcome, SpanRows, Trace
from lash_nb.views._markup import Html, el, joined, svg_text
from lash_nb.views._report_numbers import Numbers
from lash_nb.views._strip import BINS, CELLS, DENSITY_FROM, busy_shares, covered_runs

__all__ = ["timeline_picture"]

_WIDTH: Final = 1072
_LEFT: Final = 44
_ROOM: Final = _WIDTH - _LEFT
_HEIGHT: Final = 26
_TRACKS: Final = (("model", "llm_call", 24), ("tool", "tool_call", 56))
_BOTTOM: Final = 86
_EDGE: Final = 30
_DIGIT: Final = 7
"""Room of a digit of a turn's number below the tracks; where turns are nearer only some have one."""
_WORDS: Final = {"failed": "with a failure", "cancelled": "cancelled"}
"""What is wrong with a turn that has a mark, in words."""
_MARK: Final = 22
"""Marks nearer than this become one with a number."""


def timeline_picture(trace: Trace, wrong: Sequence[str]) -> Html:
    """Return the picture of a trace, with what it shows in words.

    Args:
        trace: The trace.
        wrong: What is wrong with each turn.
    """
    times = _Times(trace)
    scale = _ROOM / max(times.total, 1)
    is_dense = len(wrong) > DENSITY_FROM
    tracks = [
        joined(
            svg_text(_LEFT - 8, y + 17, name, text_anchor="end"),
            el("path", d=f"M{_LEFT} {y + _HEIGHT}H{_WIDTH}", class_="grid"),
            el(
                "path",
                d="".join(_bars(*times.calls[kind], max(times.total, 1), y, is_dense=is_dense)),
                class_=f"fill {kind}",
            ),
        )
        for name, kind, y in _TRACKS
    ]
    shapes = [
        *tracks,
        *(_numbers(trace, times.turns * scale) if len(trace.sessions) <= 1 else ()),
        *_marks(wrong, times.turns * scale),
        *_axis(times.total / 1e6),
    ]
    label = f"timeline of {counted(len(wrong), 'turn')}, {duration(times.total / 1e6)}"
    picture = el("svg", *shapes, viewBox=f"0 0 {_WIDTH} {_BOTTOM + 34}", role="img", aria_label=label)
    height = "height: how busy the moment was" if is_dense else "a bar: at least one call ran"
    return joined(
        picture,
        el(
            "p",
            f"{height}; {MARKS['failed']} turns with a failure, {MARKS['cancelled']} cancelled ones, a number where several stand together",
            class_="muted",
        ),
    )


class _Times:
    """When turns and calls ran, in nanoseconds from the first moment: a call that began before the file did is part of it.

    Attributes:
        calls: Beginnings and ends of the calls, by kind.
        turns: Beginnings of the turns.
        total: The last moment.
    """

    def __init__(self, trace: Trace) -> None:
        index, pairs, went = trace.index, trace.pairs, trace.outcomes
        self._recorded = np.zeros(len(index) + 1)
        if len(index):
            since = index.time_ns - index.time_ns.min()
            self._recorded[:-1] = since.view(np.uint64)  # centuries fit without a sign
        calls = {
            "llm_call": self._spans(pairs.llm_calls, went.llm_calls),
            "tool_call": self._spans(pairs.tool_calls, went.tool_calls),
        }
        turns = self._spans(pairs.turns, went.turns)[0]
        for rows, kind in ((pairs.llm_calls, "llm_call"), (pairs.tool_calls, "tool_call")):
            _widen(turns, pairs.turns.start < 0, rows.turn, calls[kind][0])
        zero = min([0.0, *(starts.min(initial=0.0) for starts, _ in calls.values())])
        last = max([self._recorded.max(), *(ends.max(initial=0.0) for _, ends in calls.values())])
        self.calls: Final = {kind: (starts - zero, ends - zero) for kind, (starts, ends) in calls.items()}
        self.turns: Final = turns - zero
        self.total: Final = float(last - zero)

    def _spans(self, rows: SpanRows, went: Outcome) -> tuple[Numbers, Numbers]:
        """Return beginnings and ends; without a start, what the end tells about that."""
        placed = went.placed_ms * 1e6
        began = np.where(rows.start >= 0, self._recorded[rows.start], self._recorded[rows.end] - placed)
        return began, began + placed


def _widen(turns: Numbers, is_headless: Numbers, of_call: Numbers, starts: Numbers) -> None:
    """Begin turns that have no start with the first of their calls."""
    inside = np.flatnonzero(np.append(is_headless, False)[of_call])
    fresh = np.full(len(turns), np.inf)
    np.minimum.at(fresh, of_call[inside], starts[inside])
    known = np.isfinite(fresh)
    turns[known] = fresh[known]


def _bars(starts: Numbers, ends: Numbers, total: float, y: float, *, is_dense: bool) -> Iterator[str]:
    """Yield the path of a track: what calls cover, or where there are many how busy each moment was."""
    if not is_dense:
        for first, end in covered_runs(starts, ends, total):
            yield _column(first / CELLS, end / CELLS, y + 6, 13)
        return
    heights = [max(round(share * _HEIGHT), 2) if share else 0 for share in busy_shares(starts, ends, total)]
    for height, run in groupby(enumerate(heights), key=itemgetter(1)):
        places = [place for place, _ in run]
        if height:
            yield _column(places[0] / BINS, (places[-1] + 1) / BINS, y + _HEIGHT - height, height)


def _column(start: float, end: float, top: float, height: float) -> str:
    left, width = round(_LEFT + start * _ROOM, 1), round(max((end - start) * _ROOM, 1), 1)
    return f"M{left} {top:g}h{width}v{height}h{-width}z"


def _marks(wrong: Sequence[str], places: Numbers) -> Iterator[Html]:
    """Yield a mark for each turn that failed or was cancelled; those that stand together share one, that of a failure where there is one."""
    marked = [turn for turn, word in enumerate(wrong) if word in _WORDS]
    found = [(place, wrong[turn]) for place, turn in zip(places[marked].tolist(), marked, strict=True)]
    groups: list[list[tuple[float, str]]] = []
    for place, trouble in sorted(found):
        if groups and place - groups[-1][0][0] < _MARK:
            groups[-1].append((place, trouble))
        else:
            groups.append([(place, trouble)])
    for group in groups:
        number = f"{len(group):,}" if len(group) > 1 else ""
        counts = Counter(trouble for _, trouble in group)
        title = ", ".join(
            f"{counted(counts[trouble], 'turn')} {words}" for trouble, words in _WORDS.items() if counts[trouble]
        )
        x = round(_LEFT + min(max(group[0][0], 0), _ROOM), 1)
        sign, style = ("failed", "bad") if counts["failed"] else ("cancelled", None)
        mark = svg_text(x, 18, MARKS[sign], el("title", title), class_=style)
        yield joined(svg_text(x, 8, number, class_=style, font_size=8), mark) if number else mark


def _numbers(trace: Trace, places: Numbers) -> Iterator[Html]:
    """Yield the numbers of turns where they began, as many as there is room for; of one session only, in another they mean another turn."""
    numbers = trace.index.turn_index[trace.pairs.turns.speaker]
    known = np.flatnonzero(numbers != NO_INT)
    tenths = np.round(_LEFT + np.clip(places[known], 0, _ROOM), 1)
    latest = np.flatnonzero(
        np.diff(np.maximum.accumulate(tenths), prepend=0.0)
    )  # at a place that one has reached no later one stands
    free = 0.0
    for x, number in zip(tenths[latest].tolist(), numbers[known[latest]].tolist(), strict=True):
        if x >= free:
            free = x + _DIGIT * (len(str(number)) + 2)
            yield el("path", d=f"M{x} {_BOTTOM - 2}v4", class_="tick")
            yield svg_text(x, _BOTTOM + 13, str(number))


def _axis(total_ms: float) -> Iterator[Html]:
    step = next(
        factor * 10.0**power
        for power in range(-3, 15)
        for factor in (1, 2, 5)
        if total_ms / (factor * 10.0**power) <= 8
    )
    for number in range(int(total_ms / step) + 1 if total_ms else 0):
        x = round(_LEFT + number * step / total_ms * _ROOM, 1)
        yield joined(
            el("path", d=f"M{x} 24V{_BOTTOM}", class_="grid"),
            svg_text(x, _BOTTOM + 30, tick_time(number * step), text_anchor=_anchor(x)),
        )


def _anchor(x: float) -> str:
    """Keep a label of the time inside the picture."""
    return "start" if x < _LEFT + _EDGE else "end" if x > _WIDTH - _EDGE else "middle"
