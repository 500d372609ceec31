"""The turns of a report: as many as there is room for, failures and both ends of the trace first, and aloud what was left out."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from lash_nb.plots import MARKS, counted, duration, one_line, short_id, turn_name
from lash_nb.trace import Span, Trace, Turn
from lash_nb.views._markup import Html, el, filled, joined
from lash_nb.views._report_numbers import blocks_by_turn, tokens_words
from lash_nb.views._report_steps import Shown, calls_html, turn_html
from lash_nb.views._timeline_rows import status_word

__all__ = ["Told", "anchor", "outside_html", "tell_turns", "turn_label", "turns_html"]

_WHOLE: Final = 2_000
"""A trace of as many turns is shown whole, where there is room."""
_DIGEST: Final = 1_000
"""Of a longer one as many turns are shown: nobody reads more of them on one page, and writing them would take longer than reading the file."""
_EDGE: Final = 20
"""As many turns at either end of the trace come before all others."""
_GAP_BYTES: Final = 240
"""What a line about turns that were left out may cost."""
_GIVE_UP: Final = 8
"""After as many turns that do not fit, no further one is tried."""
_OUTSIDE: Final = 20
"""As many calls outside any turn are shown."""

_ENTRY: Final = (
    '<details class="turn" id="{}"><summary><b>{}</b><span class="{}">{}</span><span><small>{}</small>{}</span>'
    "<u>{}</u><u>{}</u><u>{}</u><u>{}</u></summary><div>{}<small>{}</small></div></details>"
)
_NO_QUESTION: Final = el("span", "no question recorded", class_="muted")


class Told(NamedTuple):
    """The turns of a report."""

    turns: Sequence[Turn]
    """All that were asked for, in order."""
    first: int
    """Place of the first of them in the trace, from 1."""
    shown: Mapping[int, Html]
    """What is shown, by place."""
    wrong: Mapping[int, str]
    """What is wrong with each turn, by its order."""


def anchor(place: int) -> str:
    """Return the name of a turn on the page: made of its place in the trace, whatever the trace calls it."""
    return f"t{place}"


def turn_label(turn: Turn, place: int, *, several: bool) -> str:
    """Return what a turn is called: its number, or where several sessions number theirs its place in the trace."""
    return f"#{place}" if several or turn.turn_index is None else turn_name(turn)


def tell_turns(trace: Trace, wanted: range | None, wrong: Mapping[int, str], room: int) -> Told:
    """Choose and write the turns that fit into `room` bytes.

    Args:
        trace: The trace.
        wanted: Places of turns in the trace, from 1; all when there is none.
        wrong: What is wrong with each turn, by its order.
        room: Bytes.
    """
    every = trace.turns
    places = range(1, len(every) + 1) if wanted is None else range(wanted.start, min(wanted.stop, len(every) + 1))
    several = len(trace.sessions) > 1
    blocks = blocks_by_turn(trace)
    shown: dict[int, Html] = {}
    missed = 0
    most = _WHOLE if len(places) <= _WHOLE else _DIGEST
    for place in _by_rank(every, places, wrong)[:most]:
        turn = every[place - 1]
        found = turn_html(trace, turn, blocks.get(turn.order, ()))
        entry = _entry(turn, found, place, several=several, is_bad=wrong[turn.order] == "failed")
        cost = len(entry.encode()) + _GAP_BYTES
        if cost > room:
            missed += 1
            if missed == _GIVE_UP:
                break
            continue
        room -= cost
        shown[place] = entry
    return Told(every[places.start - 1 : places.stop - 1], places.start, shown, wrong)


def turns_html(told: Told) -> Iterator[Html]:
    """Yield the turns in order, and a line wherever some were left out."""
    places = range(told.first, told.first + len(told.turns))
    for is_shown, run in groupby(places, key=told.shown.__contains__):
        if is_shown:
            yield from (told.shown[place] for place in run)
        else:
            yield _gap(told, list(run))


def outside_html(trace: Trace) -> Html | None:
    """Return the calls that belong to no turn, such as direct completions of a host."""
    inside = {call.order for turn in trace.turns for call in turn.calls}
    calls = [call for call in (*trace.llm_calls, *trace.tool_calls) if call.order not in inside]
    if not calls:
        return None
    return joined(el("h2", f"{counted(len(calls), 'call')} outside any turn"), calls_html(trace, calls, _OUTSIDE))


def _by_rank(turns: Sequence[Turn], places: range, wrong: Mapping[int, str]) -> list[int]:
    """Return places, the most telling first: both ends, then one failure of each sort, a second one of each …, then what is quiet."""
    seen: Counter[tuple[str, ...]] = Counter()
    ranks = {}
    for place in places:
        turn = turns[place - 1]
        rank = (_TIERS[wrong[turn.order]], 0)
        if rank == _FAILED_TIER:
            sort = (turn.done_reason or "", *sorted({_called(call) for call in turn.calls if call.has_failed}))
            rank = (rank[0], seen[sort])
            seen[sort] += 1
        is_edge = place - places.start < _EDGE or places.stop - place <= _EDGE
        ranks[place] = (0, 0) if is_edge else rank
    return sorted(places, key=lambda place: (ranks[place], place))


_TIERS: Final = {"failed": 1, "cancelled": 2, "open": 2, "": 3}
_FAILED_TIER: Final = (_TIERS["failed"], 0)


def _called(call: Span) -> str:
    return getattr(call, "name", None) or getattr(call, "model", None) or ""


def _entry(turn: Turn, found: Shown, place: int, *, several: bool, is_bad: bool) -> Html:
    known = (("session", turn.session_id), ("turn id", turn.turn_id))
    ids = [*(f"{name} {one_line(value, 80)}" for name, value in known if value), f"records from trace[{turn.order}] on"]
    return filled(
        _ENTRY,
        anchor(place),
        turn_label(turn, place, several=several),
        "bad" if is_bad else "quiet",
        _status(turn),
        short_id(turn.session_id) + " " if several else "",
        found.question or _NO_QUESTION,
        str(len(turn.llm_calls)),
        str(len(turn.tool_calls)),
        tokens_words(turn.usage),
        duration(turn.duration_ms),
        found.body,
        " · ".join(ids),
    )


def _status(turn: Turn) -> str:
    status = status_word(turn)
    reason = f", {one_line(turn.done_reason or '', 32)}" if status == "failed" and turn.done_reason else ""
    failed = sum(call.has_failed for call in turn.calls)
    calls = f", {failed} failed" if failed and status != "failed" else ""
    mark = {"failed": "failed", "cancelled": "cancelled", "open": "running"}.get(
        status, "failed" if failed else "success"
    )
    return f"{MARKS[mark]} {status}{reason}{calls}"


def _gap(told: Told, places: Sequence[int]) -> Html:
    failed = sum(told.wrong[told.turns[place - told.first].order] == "failed" for place in places)
    words = f"{counted(len(places), 'turn')} left out here{f', {failed:,} with a failure' if failed else ''}: "
    return el(
        "div",
        words,
        el("code", f"--turns {places[0]}-{places[-1]}" if len(places) > 1 else f"--turns {places[0]}"),
        class_="gap",
    )
