"""The verb that opens a trace: its records to search, one of its tables, a report, or a file that is still written to."""

import sys
from argparse import Namespace
from typing import Final

import pandas as pd

from lash_nb import frames, plots
from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._bench import Bench
from lash_nb.magics._look_verbs import open_trace
from lash_nb.magics._verb import Argument, Verb
from lash_nb.trace import Trace
from lash_nb.views import TraceExplorerView, write_trace_report

__all__ = ["TRACE_VERB"]


def _trace(bench: Bench, asked: Namespace) -> TraceExplorerView | pd.DataFrame | None:
    if asked.stop:
        _stop(bench)
        return None
    if asked.file is None:
        raise CallerError("which trace? %lash trace FILE", code="magics_usage")
    trace = open_trace(bench, asked.file)
    if asked.report:
        size = write_trace_report(asked.report, trace, files=[asked.file])
        print(plots.printable(f"Wrote {asked.report}, {plots.byte_size(size)}"))  # noqa: T201 - said in the cell
        return None
    if asked.table:
        return _whole_table(trace, asked.table)
    view = TraceExplorerView(trace)
    if asked.follow:
        _follow(bench, view)
    return view


def _whole_table(trace: Trace, name: str) -> pd.DataFrame:
    """Return a table with empty cells for what does not fit, and say how many there are."""
    frame, problems = frames.TRACE_TABLES[name](trace, strict=False)
    cells = [problem for problem in problems if isinstance(problem, frames.ColumnError)]
    if cells:
        words = f"{plots.counted(len(cells), 'cell')} left empty, the first: column {cells[0].column!r}, row {cells[0].row}: {cells[0].reason}"
        print(plots.printable(words), file=sys.stderr)  # noqa: T201 - said in the cell
    return frame


def _follow(bench: Bench, view: TraceExplorerView) -> None:
    if not hasattr(bench.shell, "kernel"):
        raise CallerError(
            "--follow needs a notebook; here, view.refresh() reads what was written since", code="magics_usage"
        )
    bench.following.start(view)


def _stop(bench: Bench) -> None:
    names = bench.following.stop()
    print(plots.printable(f"No longer followed: {', '.join(names)}" if names else "No trace is followed."))  # noqa: T201 - said in the cell


def _python(_bench: Bench, asked: Namespace) -> str:
    if asked.stop or asked.file is None:
        return "view.close()"
    opened = f"trace = lash_nb.read_trace({asked.file!r})"
    if asked.report:
        return f"{opened}\nlash_nb.views.write_trace_report({asked.report!r}, trace, files=[{asked.file!r}])"
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
        Argument(name="FILE", help="the file, plain or gzip", values=values.files, settings={"nargs": "?"}),
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
            name="--follow",
            help="show what is written to it from now on, while no cell runs: until the view is closed (view.close()), the file is gone, or --stop",
            settings={"action": "store_true"},
        ),
        Argument(name="--stop", help="follow no trace any more", settings={"action": "store_true"}),
    ),
)
