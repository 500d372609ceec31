"""When a trace was busy, as an inline picture: a track of model calls, a track of tool calls, failures above, time below.

A few hundred turns are drawn as bars that run together where they touch; of more, how busy each moment was. The picture is as small for a
million calls as for a thousand.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

import numpy as np

from lash_nb.plots import MARKS, counted, duration
from lash_nb.trace import Span, Trace, Turn
from lash_nb.views._markup import Html, el, joined, svg_text
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


def timeline_picture(trace: Trace, wrong: Mapping[int, str]) -> Html:
    """Return the picture of a trace, with what it shows in words.

    Args:
        trace: The trace.
        wrong: What is wrong with each turn, by its order.
    """
    calls = {"llm_call": trace.llm_calls, "tool_call": trace.tool_calls}
    zero, last = _bounds(trace)
    scale = _ROOM / max(last - zero, 1)
    is_dense = len(trace.turns) > DENSITY_FROM
    tracks = [
        joined(
            svg_text(_LEFT - 8, y + 17, name, text_anchor="end"),
            el("path", d=f"M{_LEFT} {y + _HEIGHT}H{_WIDTH}", class_="grid"),
            el(
                "path",
                d="".join(_bars(calls[kind], zero, max(last - zero, 1), y, is_dense=is_dense)),
                class_=f"fill {kind}",
            ),
        )
        for name, kind, y in _TRACKS
    ]
    shapes = [
        *tracks,
        *(_numbers(trace.turns, zero, scale) if len(trace.sessions) <= 1 else ()),
        *_marks(trace.turns, wrong, zero, scale),
        *_axis((last - zero) / 1e6),
    ]
    label = f"timeline of {counted(len(trace.turns), 'turn')}, {duration((last - zero) / 1e6)}"
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


def _bounds(trace: Trace) -> tuple[int, int]:
    """The first and the last moment: a call that began before the file did is part of it."""
    spans = (*trace.llm_calls, *trace.tool_calls)
    times = trace.index.time_ns
    first, last = (int(times.min()), int(times.max())) if len(times) else (0, 0)
    return min([first, *(call.began_ns for call in spans)]), max([last, *map(_end, spans)])


def _end(call: Span) -> int:
    return call.began_ns + round(call.placed_ms * 1_000_000)


def _bars(calls: Sequence[Span], zero: int, total: int, y: float, *, is_dense: bool) -> Iterator[str]:
    """Yield the path of a track: what calls cover, or where there are many how busy each moment was."""
    starts = np.array([call.began_ns - zero for call in calls], dtype=np.float64)
    ends = np.array([_end(call) - zero for call in calls], dtype=np.float64)
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


def _marks(turns: Sequence[Turn], wrong: Mapping[int, str], zero: int, scale: float) -> Iterator[Html]:
    """Yield a mark for each turn that failed or was cancelled; those that stand together share one, that of a failure where there is one."""
    found = [((turn.began_ns - zero) * scale, wrong[turn.order]) for turn in turns if wrong[turn.order] in _WORDS]
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


def _numbers(turns: Sequence[Turn], zero: int, scale: float) -> Iterator[Html]:
    """Yield the numbers of turns where they began, as many as there is room for; of one session only, in another they mean another turn."""
    free = 0.0
    for turn in turns:
        x = round(_LEFT + min(max((turn.began_ns - zero) * scale, 0), _ROOM), 1)
        if turn.turn_index is not None and x >= free:
            free = x + _DIGIT * (len(str(turn.turn_index)) + 2)
            yield el("path", d=f"M{x} {_BOTTOM - 2}v4", class_="tick")
            yield svg_text(x, _BOTTOM + 13, str(turn.turn_index))


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
            svg_text(x, _BOTTOM + 30, duration(number * step), text_anchor=_anchor(x)),
        )


def _anchor(x: float) -> str:
    """Keep a label of the time inside the picture."""
    return "start" if x < _LEFT + _EDGE else "end" if x > _WIDTH - _EDGE else "middle"
