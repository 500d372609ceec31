"""Ticks of a value axis: as many as there is room for when the picture is drawn, for only then an axis knows its length."""

from collections.abc import Callable, Sequence
from typing import Final, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import Locator, MaxNLocator

__all__ = ["TickPlaces"]

_LETTER: Final = 5.2
"""Points that a letter of the smallest text takes; an estimate, words are not measured."""
_GAP: Final = 8
_LINE: Final = 13
"""Points between two labels side by side, and from one line of them to the next."""


class TickPlaces(Locator):
    """Round places from 0 to the most of what there is, none beyond, so few that their labels do not touch.

    Args:
        axes: Where the axis is.
        along: Which one it is.
        most: The largest value.
        words: Writes a label.
        ticks: As many at most.
        whole: Only whole values.
    """

    def __init__(
        self,
        axes: Axes,
        along: Literal["x", "y"],
        most: float,
        words: Callable[[float], str],
        *,
        ticks: int,
        whole: bool,
    ) -> None:
        self._axes = axes
        self._along = along
        self._most = most
        self._words = words
        self._ticks = ticks
        self._whole = whole

    def __call__(self) -> Sequence[float]:
        """Return the places."""
        if not self._most:
            return []
        for ticks in range(self._ticks, 1, -1):
            places = self.tick_values(0, self._most, ticks)
            if self._fit(places):
                return places
        return self.tick_values(0, self._most, 1)

    def tick_values(self, vmin: float, vmax: float, ticks: int | None = None) -> Sequence[float]:
        """Return the places between two values, whatever room there is."""
        found = MaxNLocator(nbins=ticks or self._ticks, steps=[1, 2, 5, 10], integer=self._whole)
        return [float(place) for place in found.tick_values(vmin, vmax) if vmin <= place <= vmax]

    def _fit(self, places: Sequence[float]) -> bool:
        if len(places) < 2:
            return True
        first, last = self._axes.transData.transform([(place, place) for place in places[:2]])
        apart = float(np.abs(last - first)[0 if self._along == "x" else 1]) / self._axes.figure.dpi * 72
        if self._along == "y":
            return apart >= _LINE
        return apart >= max(len(self._words(place)) for place in places) * _LETTER + _GAP
