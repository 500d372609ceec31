"""What tables and views were given, where that is not what they are made of."""

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from lash_nb.errors import wrong_type
from lash_nb.trace import Trace, given_trace, path_for
from lash_nb.wire import SessionGraph

__all__ = ["given_graph", "given_source"]


def given_graph(value: object) -> SessionGraph:
    """Return a session graph as it is.

    Raises:
        CallerError: it is none.
    """
    if isinstance(value, SessionGraph):
        return value
    raise wrong_type("a session graph", value, instead="session.graph, or lash_nb.open_store(…)[…].graph")


def given_source(value: object, kind: Any, *, instead: str) -> None:
    """Look at what a table is to be made of.

    Args:
        value: What was given.
        kind: The type of the table's source: a trace, a graph, or anything with items.
        instead: What to write where the source is a listing, as in `session.effects`.

    Raises:
        CallerError: it is none of these.
    """
    if kind in _GIVEN:
        _GIVEN[kind](value)
    elif isinstance(value, str | os.PathLike):
        raise path_for("a listing", value)
    else:
        _check_items(value, instead)


def _check_items(value: Any, instead: str) -> None:
    try:
        iter(value)
    except TypeError:
        raise wrong_type("a listing", value, instead=instead) from None


_GIVEN: Final[Mapping[Any, Callable[[object], object]]] = {Trace: given_trace, SessionGraph: given_graph}
