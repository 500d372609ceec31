"""Many bars on a strip as few numbers: what a screen can show of them, however many there are.

A strip has `CELLS` cells from its first moment to its last. Bars that touch the same cells merge, so a trace of a million calls is no more
to draw than one of a thousand; above `DENSITY_FROM` turns the strip shows how busy each moment was.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "CELLS", "DENSITY_FROM", "busy_shares", "covered_runs", "to_cells"]

CELLS: Final = 2_400
"""Cells of a strip: finer than the pixels of any screen that it is drawn on."""
BINS: Final = 600
"""Moments of a density strip."""
DENSITY_FROM: Final = 2_000
"""With more turns than this a strip shows density."""

Numbers = NDArray[Any]


def busy_shares(starts: Numbers, ends: Numbers, total: float) -> list[float]:
    """Return how much of each of 600 equal moments from 0 to `total` is covered, from 0 to 1."""
    edges = np.linspace(0.0, total, BINS + 1)
    spent = _passed(np.sort(starts), edges) - _passed(np.sort(np.maximum(starts, ends)), edges)
    shares: list[float] = np.round(np.clip(np.diff(spent) / (total / BINS), 0.0, 1.0), 3).tolist()
    return shares


def _passed(moments: Numbers, edges: Numbers) -> Numbers:
    """For each edge the time since every moment before it, summed up."""
    sums = np.concatenate([[0.0], np.cumsum(moments)])
    before = np.searchsorted(moments, edges)
    passed: Numbers = before * edges - sums[before]
    return passed


def to_cells(moments: Numbers, total: float) -> Numbers:
    """Return the cell of each moment between 0 and `total`."""
    return np.clip(np.floor(moments * (CELLS / total)), 0, CELLS - 1).astype(np.int64)


def covered_runs(starts: Numbers, ends: Numbers, total: float) -> list[list[int]]:
    """Return the runs of cells that the bars cover, each as its first cell and the one after its last; a bar covers at least one."""
    change = np.zeros(CELLS + 1, dtype=np.int64)
    np.add.at(change, to_cells(starts, total), 1)
    np.add.at(change, to_cells(ends, total) + 1, -1)
    covered = np.concatenate([[False], np.cumsum(change[:-1]) > 0, [False]])
    edges = np.flatnonzero(covered[1:] != covered[:-1])
    runs: list[list[int]] = edges.reshape(-1, 2).tolist()
    return runs
