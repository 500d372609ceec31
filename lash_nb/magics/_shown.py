"""Results that stand on the page already: when one of them is also the value of its cell, it is not shown again."""

from typing import Final

from IPython.core.formatters import DisplayFormatter
from IPython.core.interactiveshell import InteractiveShell

from lash_nb.errors import CallerError
from lash_nb.runtime import TurnResult

__all__ = ["ShownResults", "display_formatter"]


def display_formatter(shell: InteractiveShell) -> DisplayFormatter:
    """Return what makes the faces of values; every shell has one once it is made."""
    formatter = shell.display_formatter
    if formatter is None:
        raise CallerError("this shell shows no values; use a notebook or a terminal", code="magics_shell")
    return formatter


class ShownResults:
    """Knows them until their cell is over; in any later cell a result is shown like every other value.

    The shell still keeps the value (`_`, `Out`): only drawing it is left out, by a printer for this one object.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        formatter = display_formatter(shell).ipython_display_formatter
        self._printers: Final[dict[int, object]] = formatter.singleton_printers
        self._in_notebook = hasattr(shell, "kernel")
        self._results: Final[dict[int, TurnResult]] = {}

    def add(self, result: TurnResult) -> None:
        """Leave this result out for the rest of the cell."""
        self._results[id(result)] = result
        self._printers[id(result)] = _draw_nothing if self._in_notebook else _point_up

    def forget(self, *_: object) -> None:
        """The cell is over."""
        for key in self._results:
            self._printers.pop(key, None)
        self._results.clear()


def _draw_nothing(_result: TurnResult) -> None:
    """What is on the page already needs no drawing."""


def _point_up(_result: TurnResult) -> None:
    """A terminal has begun the line of the value by then."""
    print("the turn above")  # noqa: T201 - a terminal is written to
