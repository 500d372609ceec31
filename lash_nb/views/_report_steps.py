"""What happened in one turn, in order, as the rows of a report: the question, then model calls, tool calls and blocks of code.

Bodies are read a few at a time and let go.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from lash_nb.plots import counted, one_line, recorded_duration
from lash_nb.trace import CodeBlock, LlmCall, Span, ToolCall, Trace, Turn
from lash_nb.views._markup import Html, el, filled, joined
from lash_nb.views._record_words import question_of
from lash_nb.views._report_numbers import Numbers, tokens_words
from lash_nb.views._report_said import block_parts, call_parts, cut, end_row

__all__ = ["Shown", "calls_html", "chosen_places", "steps_of"]

_STEPS: Final = 60
"""As many calls of one turn are shown: those that failed, then the first and the last."""
_BODY_BYTES: Final = 1_000_000
"""A longer record is not decoded: it would take more memory than the page is worth."""
_TOO_LONG: Final[Mapping[str, Any]] = {}

Scale = tuple[int, int]
"""When a turn began and how long it took, in nanoseconds."""


class Shown(NamedTuple):
    """A turn as the report shows it."""

    question: str
    """What was asked, on one line."""
    body: Html
    """What happened."""


class _Plan(NamedTuple):
    """What is shown of a turn."""

    turn: Turn
    """The turn."""
    calls: Sequence[Span]
    """Its calls that are shown, and its blocks of code."""
    left_out: int
    """How many more there are."""
    asked_in: int | None
    """The record that has its question."""
    rows: Sequence[int]
    """The records that are read for it, in this order."""


def steps_of(trace: Trace, turns: Iterable[tuple[Turn, Sequence[CodeBlock]]]) -> Iterator[Shown]:
    """Yield what happened in turns, their blocks of code included; the records of several turns are looked up at once."""
    plans = [_planned(turn, blocks) for turn, blocks in turns]
    bodies = _bodies(trace, [row for plan in plans for row in plan.rows])
    return (_shown(plan, bodies) for plan in plans)


def _planned(turn: Turn, blocks: Sequence[CodeBlock]) -> _Plan:
    calls = sorted((*turn.calls, *blocks), key=lambda call: call.order)
    shown = [calls[place] for place in chosen_places([call.has_failed for call in calls], _STEPS)]
    first = next((call.start_row for call in calls if isinstance(call, LlmCall) and call.start_row is not None), None)
    rows = ([] if first is None else [first]) + [row for call in shown for row in _rows(call)]
    return _Plan(turn, shown, len(calls) - len(shown), first, rows)


def _shown(plan: _Plan, bodies: Iterator[Mapping[str, Any]]) -> Shown:
    asked = question_of(next(bodies, {})) if plan.asked_in is not None else ""
    began = plan.turn.began_ns
    parts = [
        filled('<div class="said">{}</div>', cut(asked, f"trace[{plan.asked_in}]")) if asked else None,
        *_steps(plan.calls, bodies, (began, max(plan.turn.over_ns - began, 1))),
        _left_out(plan.left_out),
    ]
    return Shown(one_line(asked, 120), joined(*parts))


def calls_html(trace: Trace, calls: Sequence[Span], *, left_out: int) -> Html:
    """Return calls that belong to no turn, and how many more of them there are."""
    shown = sorted(calls, key=lambda call: call.order)
    return joined(
        *_steps(shown, _bodies(trace, [row for call in shown for row in _rows(call)]), None), _left_out(left_out)
    )


def chosen_places(failed: Sequence[bool] | Numbers, most: int) -> list[int]:
    """Return which calls are shown, in order: a failure is left out last, then what is near neither end."""
    end = len(failed) - 1
    if end < most:
        return list(range(end + 1))
    places = np.arange(end + 1)
    wanted = np.lexsort((np.minimum(places, 3 * (end - places)), ~np.asarray(failed, bool)))
    return sorted(wanted[:most].tolist())


def _left_out(count: int) -> Html | None:
    words = f"{counted(count, 'more call')} left out: trace.llm_calls and trace.tool_calls have them all"
    return el("p", words, class_="muted") if count else None


def _rows(call: Span) -> tuple[int, ...]:
    """Return the records that tell of a call: its end has it all; of a block of code the start has the code."""
    if isinstance(call, CodeBlock) and call.start_row is not None and call.start_row != call.end_row:
        return (call.start_row, end_row(call))[: 1 if call.end_row is None else 2]
    return (end_row(call),)


def _bodies(trace: Trace, rows: Sequence[int]) -> Iterator[Mapping[str, Any]]:
    """Return the records one by one; a very long one as nothing."""
    places = np.asarray(rows, np.int64)
    fit = trace.index.length[places] <= _BODY_BYTES
    readable = trace.bodies(places[fit].tolist())
    return readable if fit.all() else (next(readable) if is_readable else _TOO_LONG for is_readable in fit.tolist())


def _steps(calls: Sequence[Span], bodies: Iterator[Mapping[str, Any]], scale: Scale | None) -> Iterator[Html]:
    for call in calls:
        if isinstance(call, CodeBlock):
            told = [next(bodies) for _ in _rows(call)]
            yield _step(call, told[-1], block_parts(call, told), scale)
        else:
            body = next(bodies)
            yield _step(call, body, call_parts(call, body), scale)


def _step(call: Span, body: Mapping[str, Any], parts: Iterable[Html], scale: Scale | None) -> Html:
    what, *more = parts
    attempts = body.get("attempts")
    retried = len(attempts) if isinstance(attempts, list) else 0
    said = [filled('<div class="x">{}</div>', part) for part in more]
    if body is _TOO_LONG:
        said.append(filled('<div class="x muted">a record too long for this page: trace[{}]</div>', end_row(call)))
    words = (
        _kind(call),
        what,
        el("small", f" {counted(retried, 'attempt')}") if retried > 1 else "",
        tokens_words(getattr(call, "usage", None)),
        recorded_duration(call.duration_ms) if call.status != "open" else "open",
        joined(*said),
    )
    if scale is None:
        return filled(_OUTSIDE_STEP, *words)
    return filled(_FAILED_STEP if call.has_failed else _STEP, *words, *_place(call, *scale))


def _kind(call: Span) -> str:
    if isinstance(call, LlmCall):
        return "direct" if call.is_direct else "llm_call"
    return "tool_call" if isinstance(call, ToolCall) else "exec_code"


def _place(call: Span, zero: int, whole: int) -> tuple[float, float]:
    """Return where in its turn a call ran: its beginning and its length, in percent."""
    left = min(max((call.began_ns - zero) / whole * 100, 0), 99)
    return left, min(max(call.placed_ms * 100e6 / whole, 0), 100 - left)


_WHAT: Final = '<div class="step"><span class="k {0}">{0}</span><span>{1}{2}</span>'
_TOOK: Final = "<u>{3}</u><u>{4}</u>{5}</div>"
_AT: Final = 'style="left:{6:.1f}%;width:{7:.1f}%"></i></span>'
_STEP: Final = _WHAT + '<span class="track {0}"><i ' + _AT + _TOOK
_FAILED_STEP: Final = _WHAT + '<span class="track {0}"><i class="no" ' + _AT + _TOOK
_OUTSIDE_STEP: Final = _WHAT + "<span></span>" + _TOOK
