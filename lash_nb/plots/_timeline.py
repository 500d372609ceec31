"""The turns of a trace against time: all of them, one row each, or one of them call by call."""

from collections.abc import Iterator, Sequence
from typing import Final

from matplotlib.axes import Axes

from lash_nb.clock import NS_PER_MS
from lash_nb.errors import CallerError
from lash_nb.plots._call_bars import BAD_STATES, draw_calls, kinds_of
from lash_nb.plots._canvas import Sheet, drawable, sheet
from lash_nb.plots._folded import draw_folded
from lash_nb.plots._format import counted, one_line, short_id
from lash_nb.plots._labels import turn_name
from lash_nb.plots._style import MARKS
from lash_nb.plots._waterfall import draw_waterfall
from lash_nb.trace import GOOD_STATUSES, Trace, Turn, given_trace

__all__ = ["timeline"]

_MAX_ROWS: Final = 300
"""Rows of fewer than three pixels are no bars any more: of more turns than this, several share a row."""

_MAX_CALLS: Final = 5_000
"""More bars than this cover each other, and take seconds to draw."""


def timeline(trace: Trace, *, ax: Axes | None = None, turn: int | str | None = None) -> Axes:
    """Draw when the calls of a trace ran.

    Args:
        trace: What `read_trace` gave.
        ax: Axes to draw into; a new figure by default.
        turn: Number or id of one turn, for its waterfall; by default all turns one below the other, or the only one there is.

    Returns:
        The axes, for labels and limits of your own.

    Raises:
        CallerError: there is no such turn, or several sessions have it.
    """
    given_trace(trace)
    if turn is not None:
        return draw_waterfall(trace, _chosen(trace, turn), ax)
    if len(trace.turns) == 1:
        return draw_waterfall(trace, trace.turns[0], ax)
    return _draw_overview(trace, ax)


def _chosen(trace: Trace, wanted: int | str) -> Turn:
    found = [turn for turn in trace.turns if wanted in (turn.turn_index, turn.turn_id)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(repr(turn.turn_id) for turn in found[:4])
        message = f"{len(found)} turns of {trace.name!r} are called {wanted!r}: name one by its id, e.g. {ids}."
        raise CallerError(message)
    there = [turn.turn_index for turn in trace.turns if turn.turn_index is not None]
    hint = f"its turns are {min(there)} to {max(there)}" if there else "it has no turns"
    message = f"There is no turn {wanted!r} in {trace.name!r}: {hint}."
    raise CallerError(message)


def _draw_overview(trace: Trace, ax: Axes | None) -> Axes:
    """Draw one row per turn; of very many turns, or calls, rows of mean times."""
    outside = _outside(trace)
    if len(trace.turns) > _MAX_ROWS or len(trace.llm_calls) + len(trace.tool_calls) - outside > _MAX_CALLS:
        return draw_folded(trace, ax, outside)
    turns = trace.turns
    with sheet(ax, size=(9, 1.4 + min(0.2 * len(turns), 12))) as page:
        lengths = [max(turn.over_ns - turn.began_ns, 0) / NS_PER_MS for turn in turns]
        page.ax.set_ylim(max(len(turns), 1) - 0.4, -0.6)
        page.ax.set_xlim(0, (max(lengths, default=0) or 1) * 1.16)
        calls = [(row, turn.began_ns, call) for row, turn in enumerate(turns) for call in turn.calls]
        draw_calls(page, calls, high=0.64)
        _draw_ends(page, turns, lengths)
        _number_turns(page, turns)
        page.time_axis(max(lengths, default=0))
        page.heading(f"Timeline · {trace.name}", _words(trace))
        page.legend(kinds_of(call for _, _, call in calls))
        page.footnote(f"{counted(outside, 'call')} outside any turn not shown." if outside else "")
    return page.ax


def _words(trace: Trace) -> str:
    return (
        "time from the start of each turn; thin line: until it was recorded; tick: end of the turn"
        if trace.turns
        else "no turns in this trace yet"
    )


def _outside(trace: Trace) -> int:
    inside = sum(len(turn.llm_calls) + len(turn.tool_calls) for turn in trace.turns)
    return len(trace.llm_calls) + len(trace.tool_calls) - inside


def _draw_ends(page: Sheet, turns: Sequence[Turn], lengths: Sequence[float]) -> None:
    """Say at the end of a row what went wrong; a turn that went well gets no more than a tick."""
    ticks = []
    for row, (turn, length) in enumerate(zip(turns, lengths, strict=True)):
        words = list(_complaints(turn))
        if not words:
            ticks.append([(length, row - 0.32), (length, row + 0.32)])
            continue
        failed = any(mark == MARKS["failed"] for mark, _ in words)
        color = page.theme.failure_text if failed else page.theme.ink
        page.write(length, row, "  " + "  ".join(f"{mark} {word}" for mark, word in words), color=color)
    page.lines(ticks, page.theme.muted, width=1.2)


def _complaints(turn: Turn) -> Iterator[tuple[str, str]]:
    if turn.is_cancelled:
        yield MARKS["cancelled"], "cancelled"
    elif turn.status not in GOOD_STATUSES:
        mark, word = BAD_STATES.get(turn.status, ("failed", one_line(turn.status, limit=32)))
        yield MARKS[mark], one_line(turn.done_reason or word, limit=32)
    for calls, noun in ((turn.llm_calls, "model call"), (turn.tool_calls, "tool")):
        failed = sum(call.has_failed for call in calls)
        if failed:
            yield MARKS["failed"], f"{noun} failed" if failed == 1 else f"{failed} {noun}s failed"


def _number_turns(page: Sheet, turns: Sequence[Turn]) -> None:
    """Number the rows; where they are narrow only every fifth, tenth, …; several sessions are told apart by their id."""
    row_pixels = page.pixels()[1]
    every = next((step for step in (1, 5, 10, 50, 100, 500) if step * row_pixels >= 13), 1000)
    numbers = [row + 1 if turn.turn_index is None else turn.turn_index for row, turn in enumerate(turns)]
    labeled = [row for row, number in enumerate(numbers) if row == 0 or number % every == 0]
    many = len({turn.session_id for turn in turns}) > 1
    names = [(f"{short_id(turns[row].session_id)} · " if many else "") + turn_name(turns[row]) for row in labeled]
    page.ax.set_yticks(labeled, [drawable(name) for name in names], parse_math=False)
    if turns:
        page.ax.set_ylabel("session · turn" if many else "turn", color=page.theme.muted)
