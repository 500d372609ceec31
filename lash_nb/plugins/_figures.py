"""What pyplot knows, for each tool call apart: the figures that a call makes, and which of them is the current one, are its own until it ends.

pyplot has one list of figures for all threads. A notebook shows and closes all of them whenever a cell or a message of a widget is done, in the
middle of what a tool draws, and two tools would draw into each other's figures.
"""

import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator, MutableMapping, ValuesView
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import Any, Final

__all__ = ["CallFigures", "close_figures"]

_Managers = OrderedDict[Any, Any]
_OWN: Final[ContextVar[_Managers | None]] = ContextVar("lash_nb_call_figures", default=None)


class _Figures(MutableMapping[Any, Any]):
    """Stands where pyplot keeps its figures by number: those of the call that asks, else those of everybody.

    Args:
        everybody: What pyplot had there.
    """

    def __init__(self, everybody: _Managers) -> None:
        self.everybody = everybody

    def _asked(self) -> _Managers:
        own = _OWN.get()
        return self.everybody if own is None else own

    def __getitem__(self, number: Any) -> Any:
        return self._asked()[number]

    def __setitem__(self, number: Any, manager: Any) -> None:
        self._asked()[number] = manager

    def __delitem__(self, number: Any) -> None:
        del self._asked()[number]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._asked())

    def __len__(self) -> int:
        return len(self._asked())

    def values(self) -> ValuesView[Any]:
        """Return the managers, the current one at the end; they can be read from there, too."""
        return self._asked().values()

    def move_to_end(self, number: Any) -> None:
        """Make a figure the current one."""
        self._asked().move_to_end(number)


class CallFigures:
    """Gives a call figures of its own while it is entered; what it has not closed by then is everybody's, and a notebook shows it."""

    __slots__ = ("_own", "_token")

    def __init__(self) -> None:
        self._own: _Managers | None = None
        self._token: Token[_Managers | None] | None = None

    def __enter__(self) -> None:
        helpers = sys.modules.get("matplotlib._pylab_helpers")
        if helpers is not None:  # nobody has figures before
            if type(helpers.Gcf.figs) is OrderedDict:
                helpers.Gcf.figs = _Figures(helpers.Gcf.figs)
            self._own = OrderedDict()
            self._token = _OWN.set(self._own)

    def __exit__(self, kind: object, *_: object) -> None:
        if self._token is None:
            return
        with suppress(ValueError):  # whoever closes a coroutine does so in a context of his own
            _OWN.reset(self._token)
        if self._own and kind is None:  # a call that was cancelled may still be drawing in its thread
            _hand_over(self._own)


def close_figures(drawn: Iterable[Any]) -> None:
    """Let pyplot forget the figures of a call in which these were drawn, so that a notebook does not show them once more below its cell.

    They stay what they are for whoever holds them. What the call has not made is somebody else's, who may want to see it.
    """
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    for one in drawn:
        figure = one.get_figure(root=True) if hasattr(one, "get_figure") else None
        if figure is not None:
            pyplot.close(figure)


def _hand_over(own: _Managers) -> None:
    """Give the figures that a call leaves open to everybody, under numbers that are free there."""
    pyplot, known = sys.modules["matplotlib.pyplot"], sys.modules["matplotlib._pylab_helpers"].Gcf
    for manager in own.values():
        if "inline" in pyplot.get_backend():
            pyplot.close(pyplot.figure())  # tells a notebook that there is something to show below the cell
        manager.num = max([0, *pyplot.get_fignums()]) + 1
        known._set_new_active_manager(manager)  # noqa: SLF001 - pyplot has no other way to take in a figure that has a manager
