"""The lanes of a session graph."""

from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lash_nb.plots import GraphLayout, lay_out
from tests.work import lines_run

Nodes = list[tuple[str, str | None]]

PARENTS: Final = st.lists(st.one_of(st.none(), st.integers(min_value=0)), max_size=40)


def graph_of(parents: list[int | None]) -> Nodes:
    """A forest: each node hangs on one that came before it, or is a root."""
    return [
        (f"n{number}", None if parent is None or number == 0 else f"n{parent % number}")
        for number, parent in enumerate(parents)
    ]


def test_a_branch_stands_beside_the_active_path() -> None:
    """The path to the leaf is lane 0; a branch has lane 1 from its tip to its parent; the next branch takes lane 1 again."""
    layout = lay_out([("a", None), ("b", "a"), ("x", "a"), ("c", "b"), ("d", "c"), ("y", "c"), ("e", "d")], "e")

    assert layout == GraphLayout(
        nodes=[6, 5, 4, 3, 2, 1, 0],
        lanes=[0, 1, 0, 0, 1, 0, 0],
        parents=[2, 3, 3, 5, 6, 6, -1],
        active=[True, False, True, True, False, True, True],
        width=2,
    )


def test_without_a_leaf_nothing_is_active() -> None:
    """A session that stands nowhere has no active path, and lane 0 is a lane like the others."""
    layout = lay_out([("a", None), ("b", "a"), ("c", "a")], None)

    assert (layout.lanes, layout.active, layout.width) == ([0, 1, 0], [False, False, False], 2)


def test_a_damaged_graph_is_laid_out() -> None:
    """Unknown parents, circles and ids used twice are drawn all the same."""
    layout = lay_out([("a", "b"), ("b", "a"), ("c", "nowhere"), ("c", "c")], "a")

    assert len(layout.lanes) == 4
    assert layout.active == [False, False, True, True]


@given(PARENTS, st.integers(min_value=-1, max_value=39))
@example([None, 0, 0, 0], 1)
def test_no_line_runs_through_another_branch(parents: list[int | None], leaf: int) -> None:
    """Whatever the forest, two nodes never share a place, and the lane below a node is its own down to its parent's row."""
    nodes = graph_of(parents)
    layout = lay_out(nodes, f"n{leaf}")
    held: dict[tuple[int, int], int] = {}
    for row, parent in enumerate(layout.parents):
        for between in range(row, max(parent, row + 1)):
            place = (layout.lanes[row], between)
            assert held.setdefault(place, row) == row or layout.lanes[row] == 0
    assert [nodes[number][0] for number in layout.nodes] == [node_id for node_id, _ in reversed(nodes)]
    assert all(layout.lanes[row] == 0 for row, active in enumerate(layout.active) if active)
    assert layout.width == max(layout.lanes, default=-1) + 1 or any(layout.active)


@pytest.mark.parametrize("width", [1, 2, 250])
def test_the_work_grows_with_the_nodes_alone(width: int) -> None:
    """Eight times the nodes are eight times the work, and not more for as much wider a graph."""

    def nodes(count: int, step: int) -> Nodes:
        return [(f"n{number}", f"n{number - step}" if number >= step else None) for number in range(count)]

    small, large = nodes(500, width), nodes(4_000, 8 * width if width > 2 else width)
    ratio = lines_run(lambda: lay_out(large, "n3999")) / lines_run(lambda: lay_out(small, "n499"))

    assert lay_out(small, "n499").width == width
    assert ratio < 9
