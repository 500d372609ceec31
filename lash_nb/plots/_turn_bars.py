"""Turns side by side: what the plots of tokens, cost and cache share have in common.

The horizontal axis counts the turns of the trace from 1. Of very many turns several share a bar, which shows their mean.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from lash_nb.frames import Numbers, Positions
from lash_nb.plots._canvas import Bar, Sheet
from lash_nb.plots._format import counted
from lash_nb.trace import Trace, Turn

__all__ = ["TurnBars", "tallest"]

_MAX_BARS: Final = 120
"""More bars than this are no bars any more on a page's width."""

_LABEL_PIXELS: Final = 40
"""Room for the number of a turn."""

_STEPS: Final = (1, 5, *(lead * 10**power for power in range(1, 16) for lead in (1, 2, 5)))
"""How many turns apart numbers may stand."""

_SIZES: Final = tuple(lead * 10**power for power in range(15) for lead in (1, 2, 3, 4, 5, 6, 8))
"""How many turns may share a bar: numbers that one can count with."""


class TurnBars:
    """The turns of a trace, each a bar, or each bar some neighbors."""

    def __init__(self, trace: Trace, turn: Positions) -> None:
        self.turns: Final[Sequence[Turn]] = trace.turns
        self.size: Final = next(size for size in _SIZES if size * _MAX_BARS >= len(self.turns))
        """Turns in a bar."""
        self._turn = turn
        self._firsts = np.arange(0, len(self.turns), self.size)
        self._sizes = np.diff([*self._firsts, len(self.turns)])

    @property
    def words(self) -> str:
        """What a bar stands for."""
        return "per turn" if self.size == 1 else f"mean per turn, a bar is {counted(self.size, 'turn')}"

    def sums(self, values: Numbers) -> Numbers:
        """Add up by bar the values of calls; calls outside any turn and what is not known add nothing."""
        counts = (self._turn >= 0) & ~np.isnan(values)
        sums = np.bincount(self._turn[counts] // self.size, weights=values[counts], minlength=len(self._firsts))
        return sums.astype(np.float64)

    def means(self, values: Numbers) -> Numbers:
        """Add up the values of calls by turn, and take the mean of the turns in a bar."""
        return self.sums(values) / self._sizes

    def stack(self, layers: Sequence[Numbers]) -> list[list[Bar]]:
        """Return the bars of layers that stand one on the other; nothing is drawn of a layer where it is not above zero."""
        bottom = np.zeros(len(self._firsts))
        bars = []
        for layer in layers:
            top = bottom + np.maximum(layer, 0)
            bars.append(
                [self._bar(place, bottom[place], top[place]) for place in np.flatnonzero(top > bottom).tolist()]
            )
            bottom = top
        return bars

    def _bar(self, place: int, bottom: float, top: float) -> Bar:
        first, size = float(self._firsts[place]), float(self._sizes[place])
        return first + 0.5 + 0.14 * size, first + 0.5 + 0.86 * size, float(bottom + top) / 2, float(top - bottom)

    def name(self, page: Sheet) -> None:
        """Number the turns below the axis: as their session does where there is only one, else from the first of the trace."""
        count = len(self.turns)
        page.ax.set_xlim(0.4, max(count, 1) + 0.6)
        own = [turn.turn_index for turn in self.turns if turn.turn_index is not None]
        is_own = len(own) == count and own == list(range(own[0], own[0] + count)) if own else False
        first = own[0] if is_own else 1
        room = _LABEL_PIXELS / page.pixels()[0]
        every = next(step for step in _STEPS if step >= room)
        numbers = [first, *range(first - first % every + every, first + count, every)]
        if len(numbers) > 1 and numbers[1] - first < 0.7 * every:
            del numbers[0]
        page.ax.set_xticks([number - first + 1 for number in numbers], [f"{number:,}" for number in numbers])
        page.ax.set_xlabel("turn" if is_own else "turn, counted from the first in the trace", color=page.theme.muted)


def tallest(layers: Sequence[Numbers]) -> float:
    """Return how high the highest stack of layers is."""
    return float(np.maximum(np.array(layers), 0).sum(axis=0).max(initial=0))
