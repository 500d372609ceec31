"""What is wrong with a trace, before anything else: failures by cause, lines that are no records, records that nobody knows, open ends."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from lash_nb.plots import MARKS, counted, one_line
from lash_nb.trace import LlmCall, Span, Trace, Turn
from lash_nb.views._markup import Html, el, joined
from lash_nb.views._record_words import cause_of
from lash_nb.views._report_numbers import blocks_by_turn, unknowns
from lash_nb.views._report_tables import plain_table
from lash_nb.views._report_turns import anchor, turn_label

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

    for place, turn in enumerate(trace.turns, 1):
        if turn.status == "failed":
            note("turn", turn.done_reason or "no reason recorded", "", "", place)
    for call, place, (code, message) in _failed_calls(trace):
        is_model = isinstance(call, LlmCall)
        who = getattr(call, "model" if is_model else "name", None) or "not recorded"
        note("model call" if is_model else "tool call", who, one_line(code, 60), one_line(message, 240), place)
    owners = {block.order: order for order, blocks in blocks_by_turn(trace).items() for block in blocks}
    places = {turn.order: place for place, turn in enumerate(trace.turns, 1)} if owners else {}
    for block in trace.code_blocks:
        if block.error is not None:
            kind = block.error_kind or ""
            note("code", kind or "code", "", one_line(block.error, 240), places.get(owners.get(block.order, -1), 0))
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
    open_ends = [
        counted(sum(one.status == "open" for one in spans), noun)
        for noun, spans in (("turn", trace.turns), ("model call", trace.llm_calls), ("tool call", trace.tool_calls))
        if any(one.status == "open" for one in spans)
    ]
    if open_ends:
        yield el(
            "p",
            f"{MARKS['running']} {', '.join(open_ends)} without an end in the file: still running, or the process ended",
        )
    if not (found or trace.errors or unknown):
        yield el("p", f"{MARKS['success']} no failure, no bad line, no unknown record", class_="muted")


def _failed_calls(trace: Trace) -> Iterator[tuple[Span, int, tuple[str, str]]]:
    """Yield each failed call with the place of its turn, and code and message of its failure."""
    calls: list[Span] = [call for call in (*trace.llm_calls, *trace.tool_calls) if call.has_failed]
    if not calls:
        return
    place_of = {call.order: place for place, turn in enumerate(trace.turns, 1) for call in turn.calls}
    calls.sort(key=lambda call: call.order)
    lengths = trace.index.length
    read = [call for call in calls if call.end_row is not None and lengths[call.end_row] <= _BODY_BYTES][:_READ]
    bodies = trace.bodies([call.end_row for call in read if call.end_row is not None])
    said = {call.order: cause_of(body) for call, body in zip(read, bodies, strict=True)}
    for call in calls:
        yield call, place_of.get(call.order, 0), said.get(call.order, ("", ""))


def _causes_html(trace: Trace, found: Sequence[Cause], is_shown: Callable[[int], bool]) -> Html:
    several = len(trace.sessions) > 1
    rows = [
        [
            el("span", f"{MARKS['failed']} {cause.what}", class_="bad"),
            one_line(cause.who, 60),
            el("code", cause.code),
            joined(cause.message),
            f"{len(cause.places):,}",
            joined(*_links(cause.places, trace.turns, is_shown, several=several)),
        ]
        for cause in found[:_CAUSES]
    ]
    heads = ("failed~", "which", "code", "said, the first time!", "times#", "where~")
    return joined(plain_table(heads, rows), _more(len(found) - _CAUSES, "cause"))


def _links(
    places: Sequence[int], turns: Sequence[Turn], is_shown: Callable[[int], bool], *, several: bool
) -> Iterator[Html | str]:
    """Yield where failures are: turns that the page holds before others."""
    different = list(dict.fromkeys(places))
    if 0 in different:
        different.remove(0)
        yield "outside any turn "
    if different:
        yield "turn " if len(different) == 1 else "turns "
    for place in sorted(different, key=lambda place: not is_shown(place))[:_LINKS]:
        name = turn_label(turns[place - 1], place, several=several)
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
        plain_table(("file" if several else "", "line#", "byte#", "why!", "it begins"), rows),
        _more(trace.bad_lines - _LINES, "line"),
    )


def _more(count: int, noun: str) -> Html | None:
    return el("p", f"and {counted(count, f'more {noun}')}", class_="muted") if count > 0 else None
