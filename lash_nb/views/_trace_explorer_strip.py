"""The strip of the explorer: when models and tools were called, which of it was found, where the turns are. Small, however long the trace."""

from collections.abc import Iterator
from itertools import count as count_from
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lash_nb.views._strip import CELLS, DENSITY_FROM, busy_shares, covered_runs, to_cells
from lash_nb.views._trace_explorer_facts import Bars, TraceFacts

__all__ = ["strip", "strip_found", "turn_window"]

_NUMBERS: Final = 400
"""Turns that a density strip names."""


def strip(facts: TraceFacts) -> dict[str, Any]:
    """Return the tracks and the turns, places in cells from 0 to `cells`."""
    density = len(facts.turn_rows) > DENSITY_FROM
    return {
        "cells": CELLS,
        "density": density,
        "tracks": {name: _track(bars, facts, density) for name, bars in facts.bars.items()},
        "turns": _turns(facts),
    }


def strip_found(facts: TraceFacts, rows: NDArray[Any] | None) -> dict[str, Any]:
    """Return the tracks of the calls that were found, and the turns in which something was; nothing when everything is shown."""
    if rows is None:
        return {}
    found = np.zeros(facts.count + 1, dtype=bool)  # the last one stands for the record that a call does not have
    found[rows] = True
    density = len(facts.turn_rows) > DENSITY_FROM
    kept = {name: found[bars.first_rows] | found[bars.last_rows] for name, bars in facts.bars.items()}
    tracks = {
        name: _track(Bars(*(column[kept[name]] for column in bars)), facts, density)
        for name, bars in facts.bars.items()
    }
    turns = np.unique(facts.turn[rows])
    return {**tracks, "turns": turns[turns >= 0].tolist() if not density else []}


def turn_window(facts: TraceFacts, place: int) -> list[int]:
    """Return the cells of a turn and its place; nothing for none."""
    if place < 0:
        return []
    starts, ends = facts.turn_spans
    span = to_cells(np.array([starts[place], ends[place]]), facts.total_ms)
    return [int(span[0]), int(span[1]) + 1, place]


def _track(bars: Bars, facts: TraceFacts, density: bool) -> list[Any]:
    if density:
        return busy_shares(bars.starts, bars.ends, facts.total_ms)
    return covered_runs(bars.starts, bars.ends, facts.total_ms)


def _turns(facts: TraceFacts) -> list[tuple[int, int, str]]:
    """The turns with their labels; when there are too many, each hundredth, two hundredth, five hundredth …."""
    count = len(facts.turn_rows)
    every = 1 if count <= DENSITY_FROM else next(step for step in _steps() if count // step <= _NUMBERS)
    starts, ends = (to_cells(times, facts.total_ms).tolist() for times in facts.turn_spans)
    return [(starts[place], ends[place] + 1, facts.turn_labels[place]) for place in range(every - 1, count, every)]


def _steps() -> Iterator[int]:
    return (factor * 10**power for power in count_from(0) for factor in (1, 2, 5))
