"""From a plain call to a coroutine: for magics in `def` bodies, in `%%time` and in scripts, where nothing can be awaited."""

import asyncio
import importlib
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from IPython.core.async_helpers import get_asyncio_loop

from lash_nb.errors import CallerError

__all__ = ["run_sync"]

T = TypeVar("T")

_PATCHES: Final = ("nest_asyncio2", "nest_asyncio")
"""The maintained successor first; both patch asyncio for the whole process, so this is done on first need only."""


def run_sync(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and return what it returns.

    Where no loop runs it is the shell's own one, on which turns that are paused between two cells live too; a running loop is entered again.

    Raises:
        CallerError: the running loop cannot be entered again.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = get_asyncio_loop()  # type: ignore[no-untyped-call]  # IPython types half of its functions
    else:
        try:
            _make_reentrant(loop)
        except CallerError:
            coroutine.close()
            raise
    return loop.run_until_complete(coroutine)


def _make_reentrant(loop: asyncio.AbstractEventLoop) -> None:
    if hasattr(loop, "_nest_patched"):
        return
    for name in _PATCHES:
        try:
            importlib.import_module(name).apply(loop)
        except (ImportError, ValueError):  # not installed, or a loop of a type that it cannot patch (uvloop)
            continue
        return
    message = f"%lash cannot run here: the loop {type(loop).__name__} cannot be entered again; use %lash at the top level of a cell"
    raise CallerError(message, code="magics_loop")
