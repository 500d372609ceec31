"""The turns of a report: as many as there is room for, failures and both ends of the trace first, and aloud what was left out."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np

from lash_nb.plots import MARKS, counted, one_line, recorded_duration, short_id
from lash_nb.trace import NO_INT, Trace, Turn
from lash_nb.views._markup import Html, el, filled, joined
from lash_nb.views._report_numbers import Numbers, blocks_by_turn, tokens_words
from lash_nb.views._report_steps import Shown, calls_html, chosen_places, steps_of
from lash_nb.views._timeline_rows import status_word

__all__ = ["Told", "anchor", "outside_html", "tell_turns", "turn_namer", "turns_html"]

_WHOLE: Final = 2_000
"""A trace of as many turns is shown whole, where there is room."""
_DIGEST: Final = 800
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

    places: range
    """The places in the trace of all that were asked for, from 1."""
    shown: Mapping[int, Html]
    """What is shown, by place."""
    wrong: Sequence[str]
    """What is wrong with each turn of the trace."""


def anchor(place: int) -> str:
    """Return the name of a turn on the page: made of its place in the trace, whatever the trace calls it."""
    return f"t{place}"


def turn_namer(trace: Trace) -> Callable[[int], str]:
    """Return what tells what a turn is called, by its place: its number, or where several sessions number theirs its place in the trace."""
    several = len(trace.sessions) > 1
    numbers = trace.index.turn_index[trace.pairs.turns.speaker]

    def name(place: int) -> str:
        """Return what a turn is called."""
        number = int(numbers[place - 1])
        return f"#{place}" if several or number == NO_INT else str(number)

    return name


def tell_turns(trace: Trace, wanted: range | None, wrong: Sequence[str], room: int) -> Told:
    """Choose and write the turns that fit into `room` bytes.

    Args:
        trace: The trace.
        wanted: Places of turns in the trace, from 1; all when there is none.
        wrong: What is wrong with each turn.
        room: Bytes.
    """
    count = len(wrong)
    places = range(1, count + 1) if wanted is None else range(wanted.start, min(wanted.stop, count + 1))
    blocks, name_of = blocks_by_turn(trace), turn_namer(trace)
    several = len(trace.sessions) > 1
    shown: dict[int, Html] = {}
    missed = 0
    ranked = _by_rank(trace, places, wrong, _WHOLE if len(places) <= _WHOLE else _DIGEST)
    written = steps_of(trace, ((turn, blocks.get(place - 1, ())) for place, turn in ranked))
    for (place, turn), found in zip(ranked, written, strict=True):
        entry = _entry(turn, found, place, name_of(place), several=several, is_bad=wrong[place - 1] == "failed")
        cost = len(entry.encode()) + _GAP_BYTES
        if cost > room:
            missed += 1
            if missed == _GIVE_UP:
                break
            continue
        room -= cost
        shown[place] = entry
    return Told(places, shown, wrong)


def turns_html(told: Told) -> Iterator[Html]:
    """Yield the turns in order, and a line wherever some were left out."""
    for is_shown, run in groupby(told.places, key=told.shown.__contains__):
        if is_shown:
            yield from (told.shown[place] for place in run)
        else:
            yield _gap(told, range(first := next(run), first + 1 + sum(1 for _ in run)))


def outside_html(trace: Trace) -> Html | None:
    """Return the calls that belong to no turn, such as direct completions of a host."""
    pairs, went = trace.pairs, trace.outcomes
    llm, tools = (np.flatnonzero(rows.turn < 0) for rows in (pairs.llm_calls, pairs.tool_calls))
    if not len(llm) + len(tools):
        return None
    firsts = np.concatenate([pairs.llm_calls.first[llm], pairs.tool_calls.first[tools]])
    failed = np.concatenate([went.llm_calls.has_failed[llm], went.tool_calls.has_failed[tools]])
    order = np.argsort(firsts)
    chosen = order[chosen_places(failed[order], _OUTSIDE)]
    calls = trace.calls_at(llm[chosen[chosen < len(llm)]], tools[chosen[chosen >= len(llm)] - len(llm)])
    heading = el("h2", f"{counted(len(firsts), 'call')} outside any turn")
    return joined(heading, calls_html(trace, calls, left_out=len(firsts) - len(calls)))


def _by_rank(trace: Trace, places: range, wrong: Sequence[str], most: int) -> list[tuple[int, Turn]]:
    """Return turns with their places, the most telling first: both ends, then one failure of each sort, a second one of each …, then what is quiet."""
    every = np.arange(places.start, places.stop)
    tiers = np.fromiter((_TIERS[wrong[place - 1]] for place in places), np.int64, len(places))
    tiers[:_EDGE] = tiers[len(places) - min(_EDGE, len(places)) :] = 0
    orders = np.zeros(len(places), np.int64)
    failed = np.flatnonzero(tiers == _TIERS["failed"])
    seen: Counter[Hashable] = Counter()
    sorts = _failure_sorts(trace, every[failed] - 1)
    for at, sort in zip(failed.tolist(), sorts, strict=True):
        orders[at] = seen[sort]
        seen[sort] += 1
    best = every[np.lexsort((every, orders, tiers))[:most]]
    made = dict(zip(np.sort(best).tolist(), trace.turns_at(best - 1), strict=True))
    return [(place, made[place]) for place in best.tolist()]


def _failure_sorts(trace: Trace, turns: Numbers) -> Iterator[Hashable]:
    """Yield for each of these turns what its failure has in common with others: why it ended, and what failed in it."""
    called: dict[int, set[tuple[int, int]]] = {}
    for kind, (rows, went) in enumerate(
        (
            (trace.pairs.llm_calls, trace.outcomes.llm_calls),
            (trace.pairs.tool_calls, trace.outcomes.tool_calls),
        )
    ):
        failed = np.flatnonzero(went.has_failed)
        for turn, code in zip(rows.turn[failed].tolist(), went.name.codes[failed].tolist(), strict=True):
            called.setdefault(turn, set()).add((kind, code))
    reasons = trace.index.text("done_reason").codes[trace.pairs.turns.end[turns]]
    for turn, reason in zip(turns.tolist(), reasons.tolist(), strict=True):
        yield reason, frozenset(called.get(turn, ()))


_TIERS: Final = {"failed": 1, "cancelled": 2, "open": 2, "": 3}


def _entry(turn: Turn, found: Shown, place: int, name: str, *, several: bool, is_bad: bool) -> Html:
    known = (("session", turn.session_id), ("turn id", turn.turn_id))
    ids = [*(f"{name} {one_line(value, 80)}" for name, value in known if value), f"records from trace[{turn.order}] on"]
    return filled(
        _ENTRY,
        anchor(place),
        name,
        "bad" if is_bad else "quiet",
        _status(turn),
        short_id(turn.session_id) + " " if several else "",
        found.question or _NO_QUESTION,
        str(len(turn.llm_calls)),
        str(len(turn.tool_calls)),
        tokens_words(turn.usage),
        recorded_duration(turn.duration_ms),
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


def _gap(told: Told, places: range) -> Html:
    failed = sum(told.wrong[place - 1] == "failed" for place in places)
    words = f"{counted(len(places), 'turn')} left out here{f', {failed:,} with a failure' if failed else ''}: "
    return el(
        "div",
        words,
        el("code", f"--turns {places[0]}-{places[-1]}" if len(places) > 1 else f"--turns {places[0]}"),
        class_="gap",
    )
