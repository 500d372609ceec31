"""Pictures as the value of a cell: a plot, and an SVG without a widget."""

from typing import Final

from IPython.display import display
from matplotlib import get_backend, pyplot
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.registry import BackendFilter, backend_registry

from lash_nb.magics._bench import Bench
from lash_nb.magics._drawn import show_in_both_themes

__all__ = ["Svg", "drawn"]

_DRAWS_TO_FILES: Final = frozenset(
    backend_registry.list_builtin(BackendFilter.NON_INTERACTIVE)  # type: ignore[no-untyped-call]  # matplotlib leaves it untyped
)
"""Backends of matplotlib that show no figure, neither at the end of a cell nor in a window."""


class Svg:
    """A picture that is shown as it is."""

    def __init__(self, source: str, words: str) -> None:
        self._source = source
        self._words = words

    def __repr__(self) -> str:
        return self._words

    def _repr_svg_(self) -> str:
        return self._source


def drawn(bench: Bench, axes: Axes) -> Axes:
    """A notebook shows the figure at the end of the cell, or at once where matplotlib would not; its axes have nothing to add."""
    if hasattr(bench.shell, "kernel"):
        bench.shown.add(axes)
        figure = axes.get_figure(root=True)
        pictures = show_in_both_themes(figure) if figure is not None else None
        if figure is not None and pictures is not None:
            bench.shown.add_picture(figure, pictures.png)
            if type(figure.canvas) is FigureCanvasAgg:
                figure.stale = (
                    False  # else pyplot draws it at the end of the cell, too, on this canvas that nobody sees
                )
        if figure is not None and get_backend().lower() in _DRAWS_TO_FILES:
            display(figure)  # type: ignore[no-untyped-call]  # IPython types half of its functions
            pyplot.close(figure)  # as a notebook does with those that it has shown
    return axes
