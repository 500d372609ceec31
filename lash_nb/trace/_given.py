"""What tables, plots, views and reports of a trace were given, where that is none."""

import os
import reprlib
from typing import Final

from lash_nb.errors import CallerError, wrong_type
from lash_nb.trace._reader import Trace

__all__ = ["given_trace", "path_for"]

_NOT_KEPT: Final = (
    "a trace belongs here, not None: session.trace and core.trace are None on a core that keeps no records in memory; "
    "build it with .trace_sink(lash_nb.MemoryTraceSink()), as LashCore.notebook() does, "
    "or with .trace_jsonl_path(path) and give lash_nb.read_trace(path)"
)
"""What to do about the trace of a core that traces nowhere, or into a file alone."""


def given_trace(value: object) -> Trace:
    """Return a trace as it is.

    Raises:
        CallerError: it is none; of a path the message says how it is read, of None what makes a core keep records.
    """
    if isinstance(value, Trace):
        return value
    if value is None:
        raise CallerError(_NOT_KEPT)
    if isinstance(value, str | os.PathLike):
        raise path_for("a trace", value)
    raise wrong_type("a trace", value, instead="lash_nb.read_trace(…), or session.trace")


def path_for(wanted: str, value: str | os.PathLike[str]) -> CallerError:
    """Return the error of somebody who gave the path of a trace for what is made of one.

    Args:
        wanted: What belongs there, with its article.
        value: The path.
    """
    path = reprlib.repr(os.fspath(value))
    message = f"{wanted} belongs here, not the path {path}; read it first: lash_nb.read_trace({path})"
    return CallerError(message)
