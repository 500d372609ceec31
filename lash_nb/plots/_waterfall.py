"""One turn, call by call, against time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from matplotlib.axes import Axes

from lash_nb.clock import NS_PER_MS
from lash_nb.plots._call_bars import BAD_STATES, attempts_of, call_kind, draw_calls, kinds_of
from lash_nb.plots._canvas import Sheet, sheet
from lash_nb.plots._format import counted, one_line, recorded_duration, short_id
from lash_nb.plots._labels import argument_hint, first_token_ms, turn_name
from lash_nb.plots._style import MARKS
from lash_nb.trace import LlmCall, Span, ToolCall, Trace, Turn, read_fact
from lash_nb.words import NO_MODEL, NO_TOOL

__all__ = ["draw_waterfall"]

_MAX_CALLS: Final = 100
"""As many calls have a row of their own each; a taller picture is none any more."""
_FIRST: Final = 40
"""Of more calls so many have one: all are found in tables, and every word of a tall picture is placed and drawn for each theme."""


def draw_waterfall(trace: Trace, turn: Turn, ax: Axes | None) -> Axes:
    """Draw the calls of one turn, one row each, in the order in which they began; calls of one reply under a bracket."""
    lines = list(_lines(trace, turn))
    with sheet(ax, size=(9, 1.6 + 0.27 * len(lines))) as page:
        start = turn.began_ns
        length = (turn.over_ns - start) / NS_PER_MS
        page.ax.set_ylim(len(lines) - 0.4, -0.7)
        page.ax.set_xlim(0, (length or 1) * (1.4 if any(line.trouble or line.attempts > 1 for line in lines) else 1.2))
        calls = [(row, start, line.call) for row, line in enumerate(lines) if line.call]
        draw_calls(page, calls, high=0.5)
        _draw_brackets(page, lines, start)
        _draw_first_tokens(page, lines, start)
        _write_beside(page, lines, start)
        _name_rows(page, lines)
        page.time_axis(length)
        session = f" of {short_id(turn.session_id)}" if len(trace.sessions) > 1 else ""
        page.heading(
            f"Turn {turn_name(turn)}{session} · {trace.name}", "time from its start; thin line: until it was recorded"
        )
        page.footnote("Sleeps, checkpoints and commits are not shown.", _left_out(turn))
        page.legend(kinds_of(call for _, _, call in calls))
    return page.ax


def _most(turn: Turn) -> int:
    return _FIRST if len(turn.calls) > _MAX_CALLS else _MAX_CALLS


def _left_out(turn: Turn) -> str:
    if len(turn.calls) <= _MAX_CALLS:
        return ""
    return f"The first {_FIRST} of {counted(len(turn.calls), 'call')}; llm_calls_df(trace) and tool_calls_df(trace) have all."


@dataclass(frozen=True, kw_only=True)
class _Line:
    """One row: a call, or a bracket around several."""

    label: str
    begin: int
    end: int
    """When it began and when its end was recorded, in nanoseconds."""
    duration_ms: float | None
    trouble: tuple[str, str] | None = None
    """Mark and words of what went wrong."""
    call: Span | None = None
    """The call; none for a bracket."""
    first_token_ms: float | None = None
    attempts: int = 1
    """How often it was tried, as far as its record tells."""
    is_head: bool = False
    """Whether it stands for the turn itself."""


def _lines(trace: Trace, turn: Turn) -> Iterator[_Line]:
    bad = "cancelled" if turn.is_cancelled else turn.status
    yield _Line(
        label=f"turn {turn_name(turn)}",
        begin=turn.began_ns,
        end=max(turn.over_ns, turn.began_ns),
        duration_ms=turn.duration_ms,
        trouble=_trouble(bad, "" if turn.is_cancelled else turn.done_reason),
        is_head=True,
    )
    made = sorted(turn.calls, key=lambda call: call.order)
    most = _most(turn)
    calls, more = made[:most], made[most:]
    for is_tools, group in groupby(calls, lambda call: isinstance(call, ToolCall)):
        members = list(group)
        if is_tools and len(members) > 1:
            begin, end = min(call.began_ns for call in members), max(call.recorded_ns for call in members)
            label = f"{len(members)} tools of one reply"
            worked = (end - begin) / NS_PER_MS - max(call.waited_ms for call in members)
            yield _Line(label=label, begin=begin, end=end, duration_ms=worked)
        yield from (_call_line(call, body) for call, body in zip(members, _bodies(trace, members), strict=True))
    if more:
        begin, end = min(call.began_ns for call in more), max(call.recorded_ns for call in more)
        failed = sum(call.has_failed for call in more)
        yield _Line(
            label=counted(len(more), "more call"),
            begin=begin,
            end=end,
            duration_ms=(end - begin) / NS_PER_MS,
            trouble=("failed", f"{failed:,} of them failed") if failed else None,
        )


def _bodies(trace: Trace, calls: Sequence[Span]) -> Iterator[dict[str, Any]]:
    """Yield the record of the end of each call, else of its start."""
    rows = [call.start_row if call.end_row is None else call.end_row for call in calls]
    return trace.bodies(row for row in rows if row is not None)


def _call_line(call: Span, body: dict[str, Any]) -> _Line:
    return _Line(
        label=_label(call, body),
        begin=call.began_ns,
        end=max(call.recorded_ns, call.began_ns),
        duration_ms=call.duration_ms,
        trouble=_trouble(call.status, read_fact("error_code", body)),
        call=call,
        first_token_ms=first_token_ms(body),
        attempts=attempts_of(body),
    )


def _label(call: Span, body: dict[str, Any]) -> str:
    if isinstance(call, ToolCall):
        hint = argument_hint(body.get("args"))
        name = one_line(call.name or NO_TOOL, limit=32)
        return f"{name} · {hint}" if hint else name
    model = call.model if isinstance(call, LlmCall) else None
    return f"{call_kind(call)} · {one_line(model or NO_MODEL, limit=32)}"


def _trouble(status: str, cause: Any) -> tuple[str, str] | None:
    if status not in BAD_STATES:
        return None
    mark, word = BAD_STATES[status]
    return mark, one_line(cause if isinstance(cause, str) and cause else word, limit=24)


def _draw_brackets(page: Sheet, lines: Sequence[_Line], start: int) -> None:
    brackets = []
    for row, line in enumerate(lines):
        if line.call is None:
            left, right = (line.begin - start) / NS_PER_MS, (line.end - start) / NS_PER_MS
            brackets.append([(left, row + 0.22), (left, row), (right, row), (right, row + 0.22)])
    page.lines(brackets, page.theme.line_strong, width=1.4)


def _draw_first_tokens(page: Sheet, lines: Sequence[_Line], start: int) -> None:
    """Mark in a model's bar when the first visible text came."""
    ticks = []
    for row, line in enumerate(lines):
        if line.first_token_ms is not None:
            at = (line.begin - start) / NS_PER_MS + line.first_token_ms
            ticks.append([(at, row - 0.34), (at, row + 0.34)])
    page.lines(ticks, page.theme.ink, width=1.6, above=True)


def _write_beside(page: Sheet, lines: Sequence[_Line], start: int) -> None:
    """Write what went wrong beside the bar, and how long it took in one column at the right."""
    right = page.ax.get_xlim()[1]
    for row, line in enumerate(lines):
        color = page.theme.muted if line.call else page.theme.ink
        page.write(right, row, recorded_duration(line.duration_ms), ha="right", color=color)
        words = [line.trouble] if line.trouble else []
        if line.attempts > 1:
            words.append(("retried", counted(line.attempts, "attempt")))
        color = page.theme.failure_text if line.trouble and line.trouble[0] == "failed" else page.theme.ink
        text = "".join(f"  {MARKS[mark]} {word}" for mark, word in words)
        if text:
            page.write((line.end - start) / NS_PER_MS, row, text, color=color)


def _name_rows(page: Sheet, lines: Sequence[_Line]) -> None:
    page.name_rows([line.label for line in lines])
    for label, line in zip(page.ax.get_yticklabels(), lines, strict=True):
        label.set_fontweight("bold" if line.is_head else "normal")
