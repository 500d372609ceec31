"""How a trace and a session graph look when they are the value of a cell: as their views do, without a widget."""

from collections.abc import Sequence
from typing import Final

from lash_nb.plots import counted, one_line
from lash_nb.trace import Trace, TraceError, Turn
from lash_nb.views._graph_rows import graph_rows, title_counts
from lash_nb.views._graph_static import graph_html, graph_svg, graph_text
from lash_nb.views._markup import CODE, FAILURE, MUTED, RIGHT, Html, el, joined, table
from lash_nb.views._small_pictures import AttachmentBytes
from lash_nb.views._text import clipped
from lash_nb.views._timeline_static import timeline_html, timeline_svg, timeline_text
from lash_nb.wire import SessionGraph

__all__ = ["session_graph_html", "session_graph_svg", "session_graph_text", "trace_html", "trace_svg", "trace_text"]

_BAD_LINES: Final = 5


def trace_html(trace: Trace) -> str:
    """Return a trace as its timeline, with the lines that could not be read and why."""
    if not trace.errors:
        return timeline_html(trace, None)
    shown = trace.errors[:_BAD_LINES]
    rows = [[str(error.line), one_line(error.reason, 160)] for error in shown]
    more = trace.bad_lines - len(shown)
    bad = el(
        "details",
        el("summary", f"What is wrong with {counted(trace.bad_lines, 'line')}", style=FAILURE),
        table([("line", RIGHT), ("reason", f"{CODE}width:100%;")], rows),
        el("div", f"{more} more: %lash trace … --table errors", style=MUTED) if more else None,
        open="",
    )
    return joined(Html(timeline_html(trace, None)), bad)


def trace_text(trace: Trace) -> str:
    """Return a trace as aligned text: its turns, then the lines that could not be read."""
    lines = timeline_text(trace).splitlines()
    return (
        clipped([*lines[:-1], *map(_bad_line, trace.errors[:_BAD_LINES]), *lines[-1:]])
        if trace.errors
        else "\n".join(lines)
    )


def session_graph_html(graph: SessionGraph, *, attachment_data: AttachmentBytes | None = None) -> str:
    """Return a session graph as a picture, below it the small pictures of its turns.

    Args:
        graph: The graph.
        attachment_data: Gives the bytes of attachments; without it there are none.
    """
    rows = graph_rows(graph, None)
    counts = title_counts(graph, rows)
    return graph_html(rows, {}, title="session graph", counts=counts, attachment_data=attachment_data)


def session_graph_text(graph: SessionGraph, *, title: str = "", turns: Trace | Sequence[Turn] | None = None) -> str:
    """Return a session graph as text with ASCII lanes.

    Args:
        graph: The graph.
        title: What it belongs to, e.g. `session main`.
        turns: Its trace, or the turns of it: gives numbers.
    """
    rows = graph_rows(graph, turns)
    words = " · ".join(filter(None, (title, title_counts(graph, rows))))
    return graph_text(rows, {}, title=f"SessionGraph  {words}")


def session_graph_svg(graph: SessionGraph, *, turns: Trace | Sequence[Turn] | None = None) -> str:
    """Return a session graph as an SVG picture; no widget is made for it, and nothing sent to the page.

    Args:
        graph: The graph.
        turns: Its trace, or the turns of it: gives numbers.
    """
    return graph_svg(graph_rows(graph, turns), {})


def trace_svg(trace: Trace) -> str:
    """Return a trace as an SVG picture of its turns; no widget is made for it, and nothing sent to the page."""
    return timeline_svg(trace)


def _bad_line(error: TraceError) -> str:
    return f"! line {error.line}: {one_line(error.reason, 80)}"
