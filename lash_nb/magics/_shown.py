"""What stands on the page already: when it is also the value of its cell, it is not shown again."""

from typing import Final

from IPython.core.formatters import DisplayFormatter
from IPython.core.interactiveshell import InteractiveShell

from lash_nb.errors import CallerError

__all__ = ["ShownValues", "display_formatter"]


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
        formatter = display_formatter(shell).ipython_display_formatter
        self._printers: Final[dict[int, object]] = formatter.singleton_printers
        self._in_notebook = hasattr(shell, "kernel")
        self._values: Final[dict[int, object]] = {}

    def add(self, value: object) -> None:
        """Leave this value out for the rest of the cell."""
        self._values[id(value)] = value
        self._printers[id(value)] = _draw_nothing if self._in_notebook else _point_up

    def forget(self, *_: object) -> None:
        """The cell is over."""
        for key in self._values:
            self._printers.pop(key, None)
        self._values.clear()


def _draw_nothing(_value: object) -> None:
    """What is on the page already needs no drawing."""


def _point_up(_value: object) -> None:
    """A terminal has begun the line of the value by then."""
    print("as above")  # noqa: T201 - a terminal is written to
