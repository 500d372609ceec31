"""What looks otherwise until its cell is over: what stands on the page already is not shown again as the cell's value."""

from collections.abc import Callable
from typing import Any, Final

from IPython.core.formatters import BaseFormatter, DisplayFormatter
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.figure import Figure

from lash_nb.errors import CallerError

__all__ = ["ShownValues", "display_formatter"]

_PLAIN: Final = {"fmt": "png", "base64": True, "bbox_inches": "tight"}
"""How a notebook draws figures as PNG unless it is told otherwise."""


def display_formatter(shell: InteractiveShell) -> DisplayFormatter:
    """Return what makes the faces of values; every shell has one once it is made."""
    formatter = shell.display_formatter
    if formatter is None:
        raise CallerError("this shell shows no values; use a notebook or a terminal", code="magics_shell")
    return formatter


class ShownValues:
    """Knows it until the cell is over; in any later cell the same object is shown like every other value.

    The shell still keeps the value (`_`, `Out`): only drawing it is left out, by a printer for this one object.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        display = display_formatter(shell)
        self._display: Final = display.ipython_display_formatter
        self._png: Final = display.formatters["image/png"]
        self._in_notebook = hasattr(shell, "kernel")
        self._values: Final[list[tuple[dict[Any, Any], object]]] = []

    def add(self, value: object) -> None:
        """Leave this value out for the rest of the cell."""
        self._print(self._display, value, _draw_nothing if self._in_notebook else _point_up)

    def add_picture(self, figure: object, png: Callable[[], str | None]) -> None:
        """Take this PNG of a figure for the rest of the cell, where the notebook would draw the same: not in another format, and not larger."""
        printer = self._png.type_printers.get(Figure)
        if getattr(printer, "keywords", None) == _PLAIN:
            self._print(self._png, figure, lambda _: png())

    def _print(self, formatter: BaseFormatter, value: object, printer: Callable[[Any], Any]) -> None:
        printers: dict[Any, Any] = formatter.singleton_printers
        printers[id(value)] = printer
        self._values.append((printers, value))

    def forget(self, *_: object) -> None:
        """The cell is over."""
        for printers, value in self._values:
            printers.pop(id(value), None)
        self._values.clear()


def _draw_nothing(_value: object) -> None:
    """What is on the page already needs no drawing."""


def _point_up(_value: object) -> None:
    """A terminal has begun the line of the value by then."""
    print("as above")  # noqa: T201 - a terminal is written to
