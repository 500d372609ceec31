"""A session graph as a version control log draws it: newest first, the path to the current leaf at the left."""

from collections.abc import Iterator, Sequence
from typing import Final

from matplotlib.axes import Axes

from lash_nb.frames import given_graph
from lash_nb.plots._canvas import Points, Sheet, sheet
from lash_nb.plots._format import counted, one_line
from lash_nb.plots._labels import node_label, node_role
from lash_nb.plots._layout import GraphLayout, lay_out
from lash_nb.wire import SessionGraph

__all__ = ["session_graph"]

_MAX_LABELS: Final = 64
"""More lines of text than this do not fit a page."""

_LANE_PIXELS: Final = 18
_LETTER_PIXELS: Final = 6.2
_ROWS_PER_RING: Final = 140
"""As many rows of a full page are as high as the ring around the leaf, which is not to be cut where rows are narrow."""
_DOTS_PER_PIXEL: Final = 2
"""More of them look the same, and take their time."""
_CURVE: Final = [(step / 8, (step / 8) ** 2 * (3 - 2 * step / 8)) for step in range(9)]
"""A smooth step from 0 to 1: how a branch bends into the lane of its parent."""


def session_graph(graph: SessionGraph, *, ax: Axes | None = None) -> Axes:
    """Draw the nodes of a session graph, one row each, newest first.

    The path to the current leaf is the thick line at the left, other branches are thin lines beside it; the leaf has a ring.

    Args:
        graph: As in `session.graph`.
        ax: Axes to draw into; a new figure by default.

    Returns:
        The axes, for labels and limits of your own.
    """
    given_graph(graph)
    layout = lay_out([(node.node_id, node.parent_node_id) for node in graph.nodes], graph.leaf_node_id)
    rows = len(layout.nodes)
    with sheet(ax, size=(9, 1.1 + 0.22 * min(max(rows, 2), _MAX_LABELS))) as page:
        page.ax.set_ylim(max(rows, 1) - 0.4, -max(0.6, rows / _ROWS_PER_RING))
        page.ax.set_xlim(-0.7, page.ax.get_window_extent().width / _LANE_PIXELS)
        page.ax.set_xticks([])
        page.ax.set_yticks([])
        lane = min(1.0, 24 / max(layout.width, 1))
        xs = [number * lane for number in layout.lanes]
        every = max(1, -(-rows // _MAX_LABELS))
        _draw_edges(page, layout, xs)
        _draw_nodes(page, layout, xs, graph)
        _write_labels(page, graph, layout, left=(layout.width - 1) * lane + 1.2, every=every)
        page.heading("Session graph", _words(graph, layout, every))
    return page.ax


def _words(graph: SessionGraph, layout: GraphLayout, every: int) -> str:
    if not graph.nodes:
        return "no nodes yet: a turn makes the first"
    parents = set(layout.parents)
    tips = sum(row not in parents for row in range(len(layout.nodes)))
    branches = counted(tips, "branch", "branches")
    rest = "" if every == 1 else " · rows too narrow to label all: see nodes_df(graph)"
    return f"{counted(len(graph.nodes), 'node')}, {branches} · newest first{rest}"


def _draw_edges(page: Sheet, layout: GraphLayout, xs: Sequence[float]) -> None:
    edges: dict[bool, list[Points]] = {True: [], False: []}
    straight: dict[tuple[bool, float], list[tuple[float, float]]] = {}
    for row, parent in enumerate(layout.parents):
        if parent < 0:
            continue
        active, x = layout.active[row], xs[row]
        run = straight.get((active, x))
        if run and run[-1][1] == row and xs[parent] == x and parent > row:
            run[-1] = (x, parent)  # one long line: thousands of short ones take their time
            continue
        edge = _edge(x, row, xs[parent], parent)
        edges[active].append(edge)
        if xs[parent] == x:
            straight[active, x] = edge
    page.lines(edges[False], page.theme.line_strong, width=1.2)
    page.lines(edges[True], page.theme.ink, width=2.2)


def _edge(x: float, row: int, to_x: float, to_row: int) -> list[tuple[float, float]]:
    """Go straight down the lane, then bend into the lane of the parent within the last row."""
    if x == to_x:
        return [(x, row), (to_x, to_row)]
    bend = to_row - 1 if to_row > row else to_row + 1
    return [(x, row), *((x + (to_x - x) * across, bend + (to_row - bend) * down) for down, across in _CURVE)]


def _draw_nodes(page: Sheet, layout: GraphLayout, xs: Sequence[float], graph: SessionGraph) -> None:
    size = 26 if len(xs) <= 4 * _MAX_LABELS else 8
    for active, color in ((False, page.theme.muted), (True, page.theme.ink)):
        rows = _seen(page, layout, active=active)
        page.ax.scatter([xs[row] for row in rows], rows, s=size, color=color, zorder=2, linewidths=0)
    leaf = [row for row, node in enumerate(layout.nodes) if graph.nodes[node].node_id == graph.leaf_node_id]
    at = [xs[row] for row in leaf]
    page.ax.scatter(at, leaf, s=90, facecolors="none", edgecolors=page.theme.accent, linewidths=1.8, zorder=3)


def _seen(page: Sheet, layout: GraphLayout, *, active: bool) -> list[int]:
    """Return the rows whose dots are drawn: of those of one lane that lie within half a pixel, one."""
    dots = min(1, _DOTS_PER_PIXEL * page.pixels()[1])
    rows = enumerate(zip(layout.lanes, layout.active, strict=True))
    return list({(lane, int(row * dots)): row for row, (lane, is_active) in rows if is_active is active}.values())


def _write_labels(page: Sheet, graph: SessionGraph, layout: GraphLayout, *, left: float, every: int) -> None:
    text_at = left + 4
    room = max(20, int((page.ax.get_xlim()[1] - text_at) * _LANE_PIXELS / _LETTER_PIXELS))
    for row, (role, said) in _labels(graph, layout, every):
        color = page.theme.ink if layout.active[row] else page.theme.muted
        page.write(left, row, role, color=page.theme.muted)
        weight = "bold" if role == "user" else "normal"
        # Its room is an estimate: wide letters go over the edge of the picture rather than push everything else aside.
        page.write(text_at, row, one_line(said, limit=room), color=color, fontweight=weight, in_layout=False)


def _labels(graph: SessionGraph, layout: GraphLayout, every: int) -> Iterator[tuple[int, tuple[str, str]]]:
    """Yield the labels there is room for, none nearer than `every` rows to another; what the user said goes first."""
    nodes = [graph.nodes[node] for node in layout.nodes]
    taken = bytearray(len(nodes) + 2 * every)
    for is_first in (True, False):
        for row, node in enumerate(nodes):
            if not taken[row + every] and (node_role(node) == "user") == is_first:
                taken[row + 1 : row + 2 * every] = b"\1" * (2 * every - 1)
                yield row, node_label(node)
