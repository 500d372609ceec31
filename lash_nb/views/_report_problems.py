"""What is wrong with a trace, before anything else: failures by cause, lines that are no records, records that nobody knows, open ends."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from lash_nb.plots import MARKS, counted, one_line
from lash_nb.trace import Trace
from lash_nb.views._markup import Html, el, joined
from lash_nb.views._record_words import cause_of
from lash_nb.views._report_numbers import Numbers, blocks_by_turn, unknowns
from lash_nb.views._report_tables import plain_table
from lash_nb.views._report_turns import anchor, turn_namer

__all__ = ["Cause", "causes", "problems_html"]

_CAUSES: Final = 40
"""As many causes have a row."""
_LINES: Final = 20
"""As many bad lines, and types of unknown record, have a row."""
_READ: Final = 5_000
"""Of as many failed calls the record is read for its cause; of the others only who failed is told."""
_BODY_BYTES: Final = 200_000
_LINKS: Final = 5


class Cause(NamedTuple):
    """Failures alike."""

    what: str
    """What failed: a turn, a model call, a tool call."""
    who: str
    """The model or tool; for a turn why it ended."""
    code: str
    """Machine-readable cause."""
    message: str
    """What the first of them said."""
    places: list[int]
    """Where, once for each failure: places of turns in the trace, from 1; zero for a call outside any turn."""


def causes(trace: Trace) -> list[Cause]:
    """Return the failures of a trace by cause: turns, then calls, the most frequent first."""
    found: dict[tuple[str, str, str], Cause] = {}

    def note(what: str, who: str, code: str, message: str, place: int) -> None:
        found.setdefault((what, who, code), Cause(what, who, code, message, [])).places.append(place)

    failed, reasons = np.flatnonzero(trace.outcomes.turns.has_failed), trace.index.text("done_reason")
    ends = trace.pairs.turns.end[failed]
    for turn, code in zip(failed.tolist(), reasons.codes[ends].tolist(), strict=True):
        note("turn", reasons.at([code])[0] or "no reason recorded", "", "", turn + 1)
    for call in _failed_calls(trace):
        note(call.what, call.who, one_line(call.code, 60), one_line(call.message, 240), call.place)
    owners = {block.order: turn + 1 for turn, blocks in blocks_by_turn(trace).items() for block in blocks}
    for block in trace.code_blocks:
        if block.error is not None:
            note("code", block.error_kind or "code", "", one_line(block.error, 240), owners.get(block.order, 0))
    return sorted(found.values(), key=lambda cause: (cause.what != "turn", -len(cause.places)))


def problems_html(trace: Trace, found: Sequence[Cause], is_shown: Callable[[int], bool]) -> Iterator[Html]:
    """Yield what is wrong; a turn that the page holds is linked."""
    if found:
        yield _causes_html(trace, found, is_shown)
    if trace.errors:
        yield _bad_lines(trace)
    unknown = unknowns(trace)
    if unknown:
        words = f"{counted(sum(one.records for one in unknown), 'record')} of a type or version that this release does not describe: counted, and kept raw in trace[…]"
        rows = [
            [one_line(one.type, 60), one_line(one.version, 24), f"{one.records:,}", f"{one.line:,}"]
            for one in unknown[:_LINES]
        ]
        yield joined(
            el("p", words),
            plain_table(("type", "schema version", "records#", "first line#"), rows),
            _more(len(unknown) - _LINES, "type"),
        )
    went = trace.outcomes
    open_ends = [
        counted(count, noun)
        for noun, one in (("turn", went.turns), ("model call", went.llm_calls), ("tool call", went.tool_calls))
        if (count := one.status.count("open"))
    ]
    if open_ends:
        yield el(
            "p",
            f"{MARKS['running']} {', '.join(open_ends)} without an end in the file: still running, or the process ended",
        )
    if not (found or trace.errors or unknown):
        yield el("p", f"{MARKS['success']} no failure, no bad line, no unknown record", class_="muted")


class _Failed(NamedTuple):
    """A call that failed."""

    what: str
    """A model call or a tool call."""
    who: str
    """The model or tool."""
    place: int
    """Place of its turn, from 1; zero outside any turn."""
    code: str
    """Machine-readable cause."""
    message: str
    """What its record says."""


def _failed_calls(trace: Trace) -> Iterator[_Failed]:
    """Yield each failed call, in the order of the trace."""
    kinds = (
        ("model call", trace.pairs.llm_calls, trace.outcomes.llm_calls),
        ("tool call", trace.pairs.tool_calls, trace.outcomes.tool_calls),
    )
    failed = [np.flatnonzero(went.has_failed) for _, _, went in kinds]
    firsts, ends, turns, codes, is_tool = (
        np.concatenate(columns)
        for columns in zip(
            *(
                (rows.first[at], rows.end[at], rows.turn[at], went.name.codes[at], np.full(len(at), place))
                for place, (at, (_, rows, went)) in enumerate(zip(failed, kinds, strict=True))
            ),
            strict=True,
        )
    )
    order = np.argsort(firsts)
    said = _said(trace, ends[order])
    for at in order.tolist():
        what, _, went = kinds[is_tool[at]]
        name = went.name.at([codes[at]])[0] or "not recorded"
        yield _Failed(what, name, int(turns[at]) + 1, *said.get(int(ends[at]), ("", "")))


def _said(trace: Trace, ends: Numbers) -> dict[int, tuple[str, str]]:
    """Return code and message of failures by the records of their ends; of the first ones, and of such as are not too long to be read."""
    read = ends[(ends >= 0) & (trace.index.length[ends] <= _BODY_BYTES)][:_READ].tolist()
    return {row: cause_of(body) for row, body in zip(read, trace.bodies(read), strict=True)}


def _causes_html(trace: Trace, found: Sequence[Cause], is_shown: Callable[[int], bool]) -> Html:
    name_of = turn_namer(trace)
    rows = [
        [
            el("span", f"{MARKS['failed']} {cause.what}", class_="bad"),
            one_line(cause.who, 60),
            el("code", cause.code),
            joined(cause.message),
            f"{len(cause.places):,}",
            joined(*_links(cause.places, name_of, is_shown)),
        ]
        for cause in found[:_CAUSES]
    ]
    heads = ("failed~", "which", "code", "said, the first time!", "times#", "where~")
    return joined(plain_table(heads, rows), _more(len(found) - _CAUSES, "cause"))


def _links(
    places: Sequence[int], name_of: Callable[[int], str], is_shown: Callable[[int], bool]
) -> Iterator[Html | str]:
    """Yield where failures are: turns that the page holds before others."""
    different = list(dict.fromkeys(places))
    if 0 in different:
        different.remove(0)
        yield "outside any turn "
    if different:
        yield "turn " if len(different) == 1 else "turns "
    for place in sorted(different, key=lambda place: not is_shown(place))[:_LINKS]:
        name = name_of(place)
        yield el("a", name, href=f"#{anchor(place)}") if is_shown(place) else name
        yield " "
    if len(different) > _LINKS:
        yield f"and {len(different) - _LINKS:,} more"


def _bad_lines(trace: Trace) -> Html:
    several = len({error.source for error in trace.errors}) > 1
    rows = [
        [
            joined(one_line(error.source, 40) if several else None),
            f"{error.line:,}",
            f"{error.offset:,}",
            one_line(error.reason, 200),
            el("code", one_line(error.text, 80)),
        ]
        for error in trace.errors[:_LINES]
    ]
    head = el(
        "div",
        el("b", counted(trace.bad_lines, "bad line"), class_="bad"),
        f" skipped, the other {counted(len(trace), 'record')} are here",
        class_="bar",
    )
    return joined(
        head,
        plain_table(("file" if several else "", "line#", "byte#", "why", "it begins"), rows),
        _more(trace.bad_lines - _LINES, "line"),
    )


def _more(count: int, noun: str) -> Html | None:
    return el("p", f"and {counted(count, f'more {noun}')}", class_="muted") if count > 0 else None
