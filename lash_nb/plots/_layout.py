"""Where the nodes of a session graph stand: one row each, newest first, in lanes as a version control log draws them.

The path to the current leaf is lane 0. Every other branch has a lane of its own to the right, from its tip down to the row of the
parent it grew from; then the lane is free and the next branch takes it. Pure arithmetic, O(n log w) for w lanes, no drawing library.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

__all__ = ["GraphLayout", "lay_out"]


@dataclass(frozen=True, slots=True)
class GraphLayout:
    """Coordinates of a graph: four lists with one entry per row, row 0 on top."""

    nodes: list[int]
    """Position of the row's node in the sequence that was laid out."""
    lanes: list[int]
    """The row's lane, 0 at the left."""
    parents: list[int]
    """Row of the parent; -1 for a root and for a node whose parent is missing."""
    active: list[bool]
    """Whether the node is on the path to the current leaf."""
    width: int
    """Number of lanes."""


def lay_out(nodes: Sequence[tuple[str, str | None]], leaf: str | None) -> GraphLayout:
    """Lay out `nodes`, pairs of node id and parent id with the oldest first, around the path to `leaf`.

    A graph that is damaged is drawn all the same: an unknown parent is no parent, of two nodes with one id the later one counts as parent.
    """
    count = len(nodes)
    row_of = {node_id: count - 1 - position for position, (node_id, _) in enumerate(nodes)}
    parents = [-1 if parent is None else row_of.get(parent, -1) for _, parent in reversed(nodes)]
    active = _path(parents, -1 if leaf is None else row_of.get(leaf, -1))
    lanes, width = _assign_lanes(parents, active)
    return GraphLayout(list(range(count - 1, -1, -1)), lanes, parents, active, width)


def _path(parents: list[int], row: int) -> list[bool]:
    """Mark the rows from `row` up to its root; a circle is walked once."""
    active = [False] * len(parents)
    while row >= 0 and not active[row]:
        active[row] = True
        row = parents[row]
    return active


def _assign_lanes(parents: list[int], active: list[bool]) -> tuple[list[int], int]:
    first = 1 if any(active) else 0  # lane 0 is kept for the active path where there is one
    lanes = [0] * len(parents)
    waiting: list[list[int]] = [[] for _ in parents]  # lanes that lead down to each row
    free: list[int] = []
    width = first
    for row, parent in enumerate(parents):
        arriving = waiting[row]
        if active[row]:
            lane = 0
        elif arriving:
            lane = min(arriving)
        elif free:
            lane = heappop(free)
        else:
            lane, width = width, width + 1
        lanes[row] = lane
        for other in arriving:
            if other != lane:
                heappush(free, other)
        if lane >= first:
            if parent > row:
                waiting[parent].append(lane)
            else:
                heappush(free, lane)
    return lanes, width
