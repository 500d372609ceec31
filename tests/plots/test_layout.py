"""The lanes of a session graph."""

import time
from typing import Final

from hypothesis import example, given
from hypothesis import strategies as st

from lash_nb.plots import GraphLayout, lay_out

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


def test_a_large_graph_is_quick() -> None:
    """A hundred thousand nodes are laid out in well under a second, however wide the graph is."""
    for step in (1, 2, 50_000):
        nodes: Nodes = [(f"n{number}", f"n{number - step}" if number >= step else None) for number in range(100_000)]
        began = time.process_time()
        layout = lay_out(nodes, "n99999")

        assert layout.width == step
        assert time.process_time() - began < 1.5
