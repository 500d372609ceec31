"""From a plain call to a coroutine: for magics in `def` bodies, in `%%time` and in scripts, where nothing can be awaited."""

import asyncio
import importlib
from collections.abc import Coroutine
from typing import Any, Final, TypeVar, cast

from IPython.core.async_helpers import get_asyncio_loop

from lash_nb.errors import CallerError
from lash_nb.tasks import Begun

__all__ = ["run_sync"]

T = TypeVar("T")

_PATCHES: Final = ("nest_asyncio2", "nest_asyncio")
"""The maintained successor first; both patch asyncio for the whole process, so this is done on first need only."""


def run_sync(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and return what it returns.

    Where no loop runs it is the shell's own one, on which turns that are paused between two cells live too. A running loop is entered again,
    but only if there is something to wait for: most verbs end at once, and then nothing is patched.

    Raises:
        CallerError: the running loop cannot be entered again.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        own: asyncio.AbstractEventLoop = get_asyncio_loop()  # type: ignore[no-untyped-call]  # IPython types half of its functions
        return own.run_until_complete(coroutine)
    try:
        first = coroutine.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    try:
        _make_reentrant(loop)
    except CallerError:
        coroutine.close()
        raise
    return loop.run_until_complete(_rest(Begun(coroutine, first)))


async def _rest(begun: Begun[T]) -> T:
    return await begun


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
