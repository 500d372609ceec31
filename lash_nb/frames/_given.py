"""What tables, plots and views were given, where that is not what they are made of."""

import os
import reprlib
from typing import Any

from lash_nb.errors import CallerError
from lash_nb.trace import Trace
from lash_nb.wire import SessionGraph

__all__ = ["given_graph", "given_trace", "wrong_type"]


def given_trace(value: object) -> Trace:
    """Return a trace as it is.

    Raises:
        CallerError: it is none; of a path the message says how it is read.
    """
    if isinstance(value, Trace):
        return value
    raise wrong_type("a trace", value)


def given_graph(value: object) -> SessionGraph:
    """Return a session graph as it is.

    Raises:
        CallerError: it is none.
    """
    if isinstance(value, SessionGraph):
        return value
    message = (
        f"a session graph belongs here, not {type(value).__name__}: session.graph, or lash_nb.open_store(…)[…].graph"
    )
    raise CallerError(message)


def wrong_type(wanted: str, value: Any) -> CallerError:
    """Return the error of somebody who gave something else, with what to write instead where that is plain."""
    if isinstance(value, str | os.PathLike):
        path = os.fspath(value)
        return CallerError(
            f"{wanted} belongs here, not the path {reprlib.repr(path)}; read it first: lash_nb.read_trace({reprlib.repr(path)})"
        )
    return CallerError(f"{wanted} belongs here, not {type(value).__name__}; see help(…) for what it takes")
