"""Verbs that look: effects, attachments, traces, timelines. Each is a table, a plot or a view of a record."""

import shlex
from argparse import Namespace
from collections.abc import Sequence
from typing import Any, Final

from lash_nb import plots
from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._arguments import SESSION
from lash_nb.magics._bench import Bench
from lash_nb.magics._effects_table import effects_table
from lash_nb.magics._pictures import Svg, drawn
from lash_nb.magics._table import Table
from lash_nb.magics._verb import Argument, Verb
from lash_nb.trace import Trace, read_trace, refuse_other_file
from lash_nb.views import TraceTimelineView, trace_svg, trace_text
from lash_nb.wire import EffectEntry
from lash_nb.words import printable

__all__ = ["LOOK_VERBS", "TRACE_OF", "asked_trace", "open_trace", "read_python", "trace_python"]


def _timeline(bench: Bench, asked: Namespace) -> Any:
    trace = asked_trace(bench, asked, line="timeline")
    if asked.plot:
        return drawn(bench, plots.timeline(trace))
    return (
        Svg(trace_svg(trace), trace_text(trace))
        if asked.svg
        else TraceTimelineView(trace, before=_before(bench, asked))
    )


def _before(bench: Bench, asked: Namespace) -> str:
    """What shows what came before a session's own trace."""
    parent = "" if bench.trace else bench.session(asked.session or None).forked_from
    return f"%lash timeline --session {shlex.quote(parent)}" if parent else ""


def asked_trace(bench: Bench, asked: Namespace, *, line: str) -> Trace:
    """Return the trace of the file or of the session that is named, else the one opened last, which is said, else that of the session.

    Args:
        bench: Where they lie.
        asked: The arguments `TRACE_OF`.
        line: What is typed after `%lash` to see it.
    """
    if asked.file and asked.session is not None:
        message = f"{asked.file} and a session cannot be shown together; leave one of them out: %lash {line} --session"
        raise CallerError(message, code="magics_usage")
    if asked.file:
        return open_trace(bench, [asked.file])
    if asked.session is not None:
        bench.trace = None
    if bench.trace is None:
        return bench.session(asked.session or None).trace
    own = f"; of the session: %lash {line} --session" if bench.current else ""
    print(printable(f"{bench.trace.name}, which was opened last{own}"))  # noqa: T201 - said in the cell
    return bench.trace


def open_trace(bench: Bench, files: Sequence[str], *, with_bad_lines: bool = False) -> Trace:
    """Read the trace of files and patterns; it is the one that is meant from now on.

    Args:
        bench: Where it will lie.
        files: What is read as one trace.
        with_bad_lines: What is shown of it tells of bad lines one by one, so that it may have nothing else.

    Raises:
        CallerError: `no_trace`, no line is a record.
    """
    trace = read_trace(files[0] if len(files) == 1 else files)
    if not with_bad_lines:
        refuse_other_file(trace)
    bench.trace, bench.trace_files = trace, tuple(files)
    return trace


def _effects(bench: Bench, asked: Namespace) -> Table:
    opened = bench.session(asked.session)
    session, entries = opened.session, opened.session.stepper.entries
    of_turn = "" if asked.turn is None else f", turn {asked.turn}"
    one = bench.line(opened, "envelope", "EFFECT" if asked.turn is None else f"{asked.turn}:EFFECT")
    earlier = ", of an earlier turn TURN:EFFECT" if asked.turn is None else ""
    return effects_table(
        entries if asked.turn is None else _of_turn(entries, asked.turn, session.session_id),
        title=f"Effects of {session.session_id}{of_turn}",
        hint=f"one in full: {one}{earlier}",
        attachment_data=session.attachment_data,
        is_all=asked.turn is None,
    )


def _of_turn(entries: Sequence[EffectEntry], number: int, session_id: str) -> Sequence[EffectEntry]:
    """Return the effects of one turn.

    Raises:
        CallerError: there are none of it; the message says of which turns there are.
    """
    turns = [entry.envelope.invocation.scope.turn_index for entry in entries]
    own = [entry for entry, turn in zip(entries, turns, strict=True) if turn == number]
    if own:
        return own
    known = sorted({turn for turn in turns if turn is not None})
    told = " to ".join(map(str, dict.fromkeys([*known[:1], *known[-1:]])))
    there = f"there are those of turn{'s' * (len(known) > 1)} {told}" if known else "nothing happened here yet"
    message = f"no effects of turn {number} of {printable(session_id)} are kept here; {there}: %lash effects"
    raise CallerError(message, code="magics_turn")


def _effects_python(_bench: Bench, asked: Namespace) -> str:
    table = "lash_nb.frames.effects_df(session.effects)"
    return table if asked.turn is None else f"effects = {table}\neffects[effects.turn_index == {asked.turn}]"


def trace_python(bench: Bench, asked: Namespace) -> str:
    """Return the Python for the trace that `asked_trace` finds."""
    if asked.file:
        return read_python([asked.file])
    if asked.session is not None:
        return f"sessions[{asked.session!r}].trace" if asked.session else "session.trace"
    return read_python(bench.trace_files) if bench.trace else "session.trace"


def read_python(files: Sequence[str]) -> str:
    """Return the Python that reads files and patterns as `open_trace` does."""
    return f"lash_nb.read_trace({(files[0] if len(files) == 1 else list(files))!r})"


def _timeline_python(bench: Bench, asked: Namespace) -> str:
    trace = trace_python(bench, asked)
    if asked.plot:
        return f"lash_nb.plots.timeline({trace})"
    return f"lash_nb.views.{'trace_svg' if asked.svg else 'TraceTimelineView'}({trace})"


_PLOT: Final = Argument(name="--plot", help="as a matplotlib plot", settings={"action": "store_true"})
_SVG: Final = Argument(name="--svg", help="as a picture without a widget", settings={"action": "store_true"})

TRACE_OF: Final = (
    Argument(
        name="FILE",
        help="a trace file (default: the one opened last, which is said, until the next prompt; else the session's own trace)",
        values=values.files,
        settings={"nargs": "?"},
    ),
    Argument(
        name="--session",
        help="the session's own trace, whatever was opened; with a name that of another one",
        values=values.sessions,
        settings={"nargs": "?", "const": "", "metavar": "NAME"},
    ),
)
"""Whose trace is shown, as `asked_trace` takes it."""

LOOK_VERBS: Final = (
    Verb(
        name="effects",
        summary="every effect of the session, or of one of its turns, as a table",
        run=_effects,
        instead="%lash envelope {}",
        python=_effects_python,
        arguments=(
            Argument(
                name="--turn",
                help="of this turn only, by its number",
                values=values.turns,
                settings={"metavar": "N", "type": int},
            ),
            SESSION,
        ),
    ),
    Verb(
        name="timeline",
        summary="when each model and tool call ran",
        run=_timeline,
        python=_timeline_python,
        arguments=(
            *TRACE_OF,
            _PLOT,
            _SVG,
        ),
    ),
)
