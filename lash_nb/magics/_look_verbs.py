"""Verbs that look: graph, effects, attachments, traces, timelines. Each is a table, a plot or a view of a record."""

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes

from lash_nb import frames, plots
from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._bench import Bench
from lash_nb.magics._verb import Argument, Verb
from lash_nb.trace import Trace, read_trace
from lash_nb.views import AttachmentsView, SessionGraphView, TraceTimelineView, static_svg

__all__ = ["LOOK_VERBS", "asked_trace", "drawn", "trace_python"]


def _whole(trace: Trace, name: str) -> pd.DataFrame:
    """Return a table with empty cells for what does not fit, and say how many there are."""
    frame, problems = frames.TRACE_TABLES[name](trace, strict=False)
    cells = [problem for problem in problems if isinstance(problem, frames.ColumnError)]
    if cells:
        words = f"{plots.counted(len(cells), 'cell')} left empty, the first: column {cells[0].column!r}, row {cells[0].row}: {cells[0].reason}"
        print(plots.printable(words), file=sys.stderr)  # noqa: T201 - said in the cell
    return frame


class _Svg:
    """A picture that is shown as it is."""

    def __init__(self, source: str, words: str) -> None:
        self._source = source
        self._words = words

    def __repr__(self) -> str:
        return self._words

    def _repr_svg_(self) -> str:
        return self._source


def _graph(bench: Bench, asked: Namespace) -> Any:
    opened = bench.session()
    graph = opened.session.graph
    if asked.table:
        return frames.nodes_df(graph)
    if asked.plot:
        return drawn(bench, plots.session_graph(graph))
    view = SessionGraphView(graph, title=f"session {bench.current}", turns=opened.trace)
    return _Svg(static_svg(view), view.text()) if asked.svg else view


def _timeline(bench: Bench, asked: Namespace) -> Any:
    trace = asked_trace(bench, asked)
    if asked.plot:
        return drawn(bench, plots.timeline(trace))
    view = TraceTimelineView(trace)
    return _Svg(static_svg(view), view.text()) if asked.svg else view


def asked_trace(bench: Bench, asked: Namespace) -> Trace:
    """Return the trace of the file that is named, else the one opened last, else that of the session."""
    return _open_trace(bench, asked.file) if asked.file else bench.trace or bench.session().trace


def drawn(bench: Bench, axes: Axes) -> Axes:
    """A notebook shows the figure at the end of the cell; its axes have nothing to add."""
    if hasattr(bench.shell, "kernel"):
        bench.shown.add(axes)
    return axes


def _trace(bench: Bench, asked: Namespace) -> Trace | pd.DataFrame:
    trace = _open_trace(bench, asked.file)
    return _whole(trace, asked.table) if asked.table else trace


def _open_trace(bench: Bench, file: str) -> Trace:
    bench.trace = read_trace(file)
    return bench.trace


def _effects(bench: Bench, _asked: Namespace) -> pd.DataFrame:
    return frames.effects_df(bench.session().session.stepper.entries)


def _attachments(bench: Bench, asked: Namespace) -> AttachmentsView:
    session = bench.session().session
    listing = session.attachments
    if asked.id is None:
        if asked.save is not None:
            known = listing[0].ref.id[:8] if len(listing) else "ID"
            message = f"which attachment? %lash attachments {known} --save {asked.save}"
            raise CallerError(message, code="magics_attachment")
        return AttachmentsView(listing, title=f"in session {bench.current}")
    row = listing.find(asked.id)
    if asked.save is not None:
        saved = session.save_attachment(row.ref.id, Path(asked.save).expanduser())
        print(f"Saved {row.ref.id[:8]}, {plots.byte_size(row.ref.byte_len)}, to {saved}")  # noqa: T201 - said in the cell
    view = AttachmentsView(listing, title=f"in session {bench.current}")
    view.select(row.ref.id)
    return view


def _graph_python(_bench: Bench, asked: Namespace) -> str:
    if asked.table:
        return "lash_nb.frames.nodes_df(session.graph)"
    if asked.plot:
        return "lash_nb.plots.session_graph(session.graph)"
    view = "lash_nb.views.SessionGraphView(session.graph, turns=session.trace)"
    return f"lash_nb.views.static_svg({view})" if asked.svg else view


def trace_python(asked: Namespace) -> str:
    """Return the Python for the trace that a line names."""
    return f"lash_nb.read_trace({asked.file!r})" if asked.file else "session.trace"


def _timeline_python(_bench: Bench, asked: Namespace) -> str:
    trace = trace_python(asked)
    if asked.plot:
        return f"lash_nb.plots.timeline({trace})"
    view = f"lash_nb.views.TraceTimelineView({trace})"
    return f"lash_nb.views.static_svg({view})" if asked.svg else view


def _trace_python(_bench: Bench, asked: Namespace) -> str:
    opened = f"trace = lash_nb.read_trace({asked.file!r})"
    return f"{opened}\nlash_nb.frames.{asked.table}_df(trace)" if asked.table else opened


def _attachments_python(_bench: Bench, asked: Namespace) -> str:
    if asked.save is not None:
        return f"session.save_attachment({asked.id!r}, {asked.save!r})"
    view = "lash_nb.views.AttachmentsView(session.attachments)"
    return f"view = {view}\nview.select(session.attachments.find({asked.id!r}).ref.id)" if asked.id else view


_PLOT: Final = Argument(name="--plot", help="as a matplotlib plot", settings={"action": "store_true"})
_SVG: Final = Argument(name="--svg", help="as a picture without a widget", settings={"action": "store_true"})

LOOK_VERBS: Final = (
    Verb(
        name="graph",
        summary="the session graph",
        run=_graph,
        python=_graph_python,
        arguments=(
            Argument(name="--table", help="as a table of its nodes", settings={"action": "store_true"}),
            _PLOT,
            _SVG,
        ),
    ),
    Verb(
        name="effects",
        summary="every effect of the session as a table",
        run=_effects,
        python=lambda _bench, _asked: "lash_nb.frames.effects_df(session.effects)",
    ),
    Verb(
        name="attachments",
        summary="the session's attachments: content id, size, type, who refers to them, a preview",
        run=_attachments,
        python=_attachments_python,
        arguments=(
            Argument(
                name="ID",
                help="select this one; the beginning of its id",
                values=values.attachments,
                settings={"nargs": "?"},
            ),
            Argument(
                name="--save", help="write its bytes to a new file", values=values.files, settings={"metavar": "PATH"}
            ),
        ),
    ),
    Verb(
        name="trace",
        summary="open a trace (JSONL), of this runtime or of lash itself",
        run=_trace,
        python=_trace_python,
        arguments=(
            Argument(name="FILE", help="the file", values=values.files),
            Argument(
                name="--table",
                help=f"one table of it: {', '.join(frames.TRACE_TABLES)}",
                values=lambda _bench, _typed: frames.TRACE_TABLES,
                settings={"choices": tuple(frames.TRACE_TABLES), "metavar": "TABLE"},
            ),
        ),
    ),
    Verb(
        name="timeline",
        summary="when each model and tool call ran",
        run=_timeline,
        python=_timeline_python,
        arguments=(
            Argument(
                name="FILE",
                help="a trace file (default: the one opened last, else the session's own trace)",
                values=values.files,
                settings={"nargs": "?"},
            ),
            _PLOT,
            _SVG,
        ),
    ),
)
