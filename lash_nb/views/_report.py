"""A trace as one page that reads anywhere: no script, no network, light and dark, on paper too.

What is wrong stands first. The page is bounded: beyond `max_bytes` turns are left out, aloud and with the command that shows them; the
failed ones and both ends of the trace are left out last. Bodies are read for what is shown only.
"""

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from lash_nb.errors import CallerError
from lash_nb.plots import byte_size, counted, duration, one_line
from lash_nb.trace import Trace, given_trace
from lash_nb.views._markup import Html, el, joined
from lash_nb.views._record_words import WITHHELD, WITHHELD_HINT
from lash_nb.views._report_numbers import troubles, turn_statuses, versions, written_by
from lash_nb.views._report_problems import Cause, causes, problems_html
from lash_nb.views._report_style import STYLE
from lash_nb.views._report_tables import numbers_html
from lash_nb.views._report_text import moment
from lash_nb.views._report_timeline import timeline_picture
from lash_nb.views._report_turns import Told, outside_html, tell_turns, turns_html

__all__ = ["trace_report"]

MAX_BYTES: Final = 5_000_000
_LEAST: Final = 1_000_000
"""What stands on every page may take as much."""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""Even a text that found a way to become markup could load and run nothing."""
_END: Final = Html("</body></html>\n")
_FILES: Final = 20
"""As many files are named."""


def trace_report(
    trace: Trace,
    *,
    title: str | None = None,
    files: Iterable[str | os.PathLike[str]] = (),
    turns: range | None = None,
    max_bytes: int = MAX_BYTES,
) -> Iterator[str]:
    """Yield the parts of a self-contained HTML page about a trace.

    Args:
        trace: The trace.
        title: Heading of the page; the trace's name by default.
        files: The files that it was read from; their sizes are told, and the commands on the page name them.
        turns: Places of the turns to show, from 1; all by default.
        max_bytes: The page is never larger, and says what it leaves out; at least 1,000,000.

    Raises:
        CallerError: it is no trace, `max_bytes` is too small, the range is none of places, or the trace has none of these turns.
        TraceReadError: a file is gone or was changed after it was read.
    """
    given_trace(trace)
    if max_bytes < _LEAST:
        message = f"max_bytes is {max_bytes:,}: a report takes at least {_LEAST:,} bytes."
        raise CallerError(message)
    if turns is not None:
        _check_places(turns, len(trace.pairs.turns))
    return _parts(trace, title or trace.name, list(map(Path, files)), turns, max_bytes)


def _check_places(turns: range, count: int) -> None:
    if turns.step != 1 or not 1 <= turns.start < turns.stop:
        message = f"{turns} is no range of places of turns: they count from 1, one by one, as in range(41, 61)."
        raise CallerError(message)
    if turns.start > count:
        message = f"The trace has {counted(count, 'turn')}, none at place {turns.start:,}."
        raise CallerError(message)


def _parts(trace: Trace, title: str, files: list[Path], turns: range | None, max_bytes: int) -> Iterator[str]:
    found, wrong = causes(trace), troubles(trace)
    fixed = [*_head(trace, title, files), *_numbers(trace, wrong)]
    outside = outside_html(trace)
    tail = joined(outside, _END)
    widest = joined(*fixed, *_problems(trace, found, lambda _: True), tail)
    told = tell_turns(trace, turns, wrong, max_bytes - len(widest.encode()) - 2_000)
    yield fixed[0]
    yield from _problems(trace, found, told.shown.__contains__)
    yield from fixed[1:]
    yield _turns_head(told, files)
    yield from turns_html(told)
    yield tail


def _head(trace: Trace, title: str, files: list[Path]) -> Iterator[Html]:
    """Yield the beginning of the page: what the trace is."""
    told = trace.summary()
    facts = {
        "file" if len(files) <= 1 else "files": ", ".join(map(_file_words, files[:_FILES])) or one_line(trace.name),
        "records": f"{counted(told.records, 'record')}, {byte_size(int(trace.index.length.sum()) + len(trace))}",
        "time": "no record"
        if told.first_ns is None or told.last_ns is None
        else f"{moment(told.first_ns)} to {moment(told.last_ns)}, {duration(told.duration_ms)}",
        "schema versions": ", ".join(f"{name}: {counted(count, 'record')}" for name, count in versions(trace)),
        "written by": written_by(trace),
        "turns": ", ".join(f"{count:,} {one_line(name, 24)}" for name, count in turn_statuses(trace).most_common())
        or "none",
        "calls": f"{counted(told.llm_calls, 'model call')}, {counted(told.tool_calls, 'tool call')} in {counted(told.sessions, 'session')}",
    }
    if told.remarks:
        facts["odd"] = "; ".join(told.remarks)
    if told.withheld:
        facts[WITHHELD] = f"{counted(told.withheld, 'record')}: {WITHHELD_HINT}"
    if len(files) > _FILES:
        facts["files"] += f" and {len(files) - _FILES} more"
    listed = el("dl", *(joined(el("dt", name), el("dd", words)) for name, words in facts.items()), class_="facts")
    name = one_line(title, 160)
    meta = Html(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">'
    )
    yield joined(
        meta, el("title", name), Html(f"<style>{STYLE}</style></head><body>"), el("h1", name), listed, Html("\n")
    )


def _file_words(file: Path) -> str:
    try:
        return f"{one_line(str(file), 120)} ({byte_size(file.stat().st_size)})"
    except (OSError, ValueError):
        return one_line(str(file), 120)


def _problems(trace: Trace, found: list[Cause], is_shown: Callable[[int], bool]) -> Iterator[Html]:
    yield el("h2", "What is wrong")
    yield from problems_html(trace, found, is_shown)


def _numbers(trace: Trace, wrong: Sequence[str]) -> Iterator[Html]:
    yield el("h2", "Numbers")
    yield from numbers_html(trace, wrong)
    yield el("h2", "Timeline")
    yield timeline_picture(trace, wrong)


def _turns_head(told: Told, files: list[Path]) -> Html:
    """Return the heading of the turns, with what is left out and how it can be seen."""
    note = el(
        "p",
        _turns_words(told, files),
        " Open a turn to see what happened in it. ",
        el("code", "trace[12]"),
        " is a whole record, after ",
        el("code", "trace = lash_nb.read_trace(FILE)"),
        ".",
        class_="muted",
    )
    heads = ("turn", "status", "question", "model", "tools", "tokens", "took")
    row = el("div", *(el("u" if place > 2 else "span", name) for place, name in enumerate(heads)), class_="head")
    return joined(el("h2", "Turns"), note, row if told.places else None)


def _turns_words(told: Told, files: list[Path]) -> Html:
    every = counted(len(told.places), "turn")
    if len(told.shown) == len(told.places):
        return joined(
            f"{every}, {'all' if len(told.places) > 1 else 'it is'} on this page."
            if told.places
            else "The trace has no turn."
        )
    command = f"lash-nb trace {' '.join(shlex.quote(str(file)) for file in files) or 'FILE'}"
    return joined(
        f"{len(told.shown):,} of {every} are on this page: the first and the last, failures of every sort, then others as there is room. ",
        "The others: ",
        el("code", f"{command} -o part.html --turns A-B"),
        " with the places that each gap below tells, or all in a table: ",
        el("code", f"{command} --table turns"),
        ".",
    )
