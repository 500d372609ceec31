"""The verb that opens a trace: its records to search, one of its tables, a report, or a file that is still written to."""

import shlex
import sys
from argparse import Namespace
from typing import Final

import pandas as pd

from lash_nb import frames, plots, views
from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._bench import Bench
from lash_nb.magics._look_verbs import open_trace, read_python
from lash_nb.magics._table import Table
from lash_nb.magics._verb import Argument, Verb
from lash_nb.trace import Trace
from lash_nb.views import TraceExplorerView, summary_text, turn_places, write_trace_report

__all__ = ["TRACE_VERB"]


def _trace(bench: Bench, asked: Namespace) -> TraceExplorerView | pd.DataFrame | None:
    if asked.stop:
        _stop(bench)
        return None
    if not asked.file:
        raise CallerError("which trace? %lash trace FILE", code="magics_usage")
    if asked.turns and not asked.report:
        message = f"--turns is for a report: add --report report.html, or see all turns: {_again(asked)} --table turns"
        raise CallerError(message, code="magics_usage")
    turns = turn_places(asked.turns)
    is_whole = not (asked.report or asked.summary or asked.table)
    trace = open_trace(bench, asked.file, with_bad_lines=is_whole or asked.table == "errors")
    if asked.report:
        size = write_trace_report(asked.report, trace, files=asked.file, turns=turns)
        print(plots.printable(f"Wrote {asked.report}, {plots.byte_size(size)}"))  # noqa: T201 - said in the cell
        return None
    if asked.summary:
        print(summary_text(trace))  # noqa: T201 - said in the cell
        return None
    if asked.table:
        return _whole_table(trace, asked.table)
    view = TraceExplorerView(trace)
    if asked.follow:
        _follow(bench, view, f"{_again(asked)} --follow")
    return view


def _again(asked: Namespace) -> str:
    """Return the line that opens the same trace."""
    return f"%lash trace {shlex.join(asked.file)}"


def _whole_table(trace: Trace, name: str) -> pd.DataFrame:
    """Return a table with empty cells for what does not fit, and say how many there are."""
    frame, problems = frames.TRACE_TABLES[name](trace, strict=False)
    cells = [problem for problem in problems if isinstance(problem, frames.ColumnError)]
    if cells:
        words = f"{plots.counted(len(cells), 'cell')} left empty, the first: column {cells[0].column!r}, row {cells[0].row}: {cells[0].reason}"
        print(plots.printable(words), file=sys.stderr)  # noqa: T201 - said in the cell
    face = views.FrameFace(
        columns={column: column for column in frames.first_columns(frame)},
        title=f"{name} of {trace.name}",
        empty="The trace has none.",
        whole=("status",),
    )
    return Table(frame, face)


def _follow(bench: Bench, view: TraceExplorerView, again: str) -> None:
    if not hasattr(bench.shell, "kernel"):
        raise CallerError(
            "--follow needs a notebook; here, view.refresh() reads what was written since", code="magics_usage"
        )
    bench.following.start(view, again=again)


def _stop(bench: Bench) -> None:
    names = bench.following.stop()
    print(plots.printable(f"No longer followed: {', '.join(names)}" if names else "No trace is followed."))  # noqa: T201 - said in the cell


def _python(_bench: Bench, asked: Namespace) -> str:
    if asked.stop:
        return "view.is_following = False  # of each view that follows a trace"
    if not asked.file:
        return "# which trace? %lash trace FILE"
    opened = f"trace = {read_python(asked.file)}"
    if asked.report:
        places = turn_places(asked.turns)
        turns = f", turns={places}" if places else ""
        return f"{opened}\nlash_nb.views.write_trace_report({asked.report!r}, trace, files={asked.file!r}{turns})"
    if asked.summary:
        return f"{opened}\nprint(lash_nb.views.summary_text(trace))"
    if asked.table:
        return f"{opened}\nlash_nb.frames.{asked.table}_df(trace)"
    view = f"{opened}\nview = lash_nb.views.TraceExplorerView(trace)"
    return f"{view}\nview.refresh()  # again and again" if asked.follow else view


TRACE_VERB: Final = Verb(
    name="trace",
    summary="open a trace (JSONL), of this runtime or of lash itself: every record, to search and filter",
    run=_trace,
    python=_python,
    arguments=(
        Argument(
            name="FILE",
            help="the file, plain or gzip; several, and patterns as 'run-*.jsonl', are read as one trace. To go on in Python with "
            "what is selected: `view = %%lash trace FILE`, `view` below it, then `view.trace[view.selection]`",
            values=values.files,
            settings={"nargs": "*"},
        ),
        Argument(name="--summary", help="print its numbers", settings={"action": "store_true"}),
        Argument(
            name="--table",
            help=f"one table of it: {', '.join(frames.TRACE_TABLES)}",
            values=lambda _bench, _typed: frames.TRACE_TABLES,
            settings={"choices": tuple(frames.TRACE_TABLES), "metavar": "TABLE"},
        ),
        Argument(
            name="--report",
            help="write a page about it that needs no network and no script to be read",
            values=values.files,
            settings={"metavar": "HTML"},
        ),
        Argument(
            name="--turns",
            help="with --report: these turns only, by their place in the trace, as 41-60 or 7",
            settings={"metavar": "A-B"},
        ),
        Argument(
            name="--follow",
            help="show what is written to it from now on, while no cell runs: until the view is closed (view.close()), the file is gone, or --stop",
            settings={"action": "store_true"},
        ),
        Argument(name="--stop", help="follow no trace any more", settings={"action": "store_true"}),
    ),
)
