"""Verbs that look: graph, effects, attachments, traces, timelines. Each is a table, a plot or a view of a record."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes

from lash_nb import frames, plots
from lash_nb.errors import CallerError
from lash_nb.magics import _values as values
from lash_nb.magics._bench import Bench
from lash_nb.magics._drawn import show_in_both_themes
from lash_nb.magics._verb import Argument, Verb
from lash_nb.trace import Trace, read_trace
from lash_nb.views import AttachmentsView, SessionGraphView, TraceTimelineView, static_svg

__all__ = ["LOOK_VERBS", "asked_trace", "drawn", "open_trace", "read_python", "trace_python"]


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
    return open_trace(bench, [asked.file]) if asked.file else bench.trace or bench.session().trace


def drawn(bench: Bench, axes: Axes) -> Axes:
    """A notebook shows the figure at the end of the cell; its axes have nothing to add."""
    if hasattr(bench.shell, "kernel"):
        bench.shown.add(axes)
        figure = axes.get_figure(root=True)
        if figure is not None:
            show_in_both_themes(figure)
    return axes


def open_trace(bench: Bench, files: Sequence[str]) -> Trace:
    """Read the trace of files and patterns; it is the one that is meant from now on."""
    bench.trace, bench.trace_files = read_trace(files[0] if len(files) == 1 else files), tuple(files)
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


def trace_python(bench: Bench, asked: Namespace) -> str:
    """Return the Python for the trace that `asked_trace` finds."""
    if asked.file:
        return read_python([asked.file])
    return read_python(bench.trace_files) if bench.trace else "session.trace"


def read_python(files: Sequence[str]) -> str:
    """Return the Python that reads files and patterns as `open_trace` does."""
    return f"lash_nb.read_trace({(files[0] if len(files) == 1 else list(files))!r})"


def _timeline_python(bench: Bench, asked: Namespace) -> str:
    trace = trace_python(bench, asked)
    if asked.plot:
        return f"lash_nb.plots.timeline({trace})"
    view = f"lash_nb.views.TraceTimelineView({trace})"
    return f"lash_nb.views.static_svg({view})" if asked.svg else view


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
