"""The event loop on which the sessions live, and the way there from other threads.

JupyterLab routes the messages of widgets, and the cells of its subshell consoles, over threads with loops of their own, so that they are heard
while a cell runs. What they do with a session is done on the session's own loop, in the context of whoever asked: what is printed there
stands where it was asked for.
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from lash_nb.tasks import carried, let_out

__all__ = ["Home"]

T = TypeVar("T")


class Home:
    """Knows the loop of the main thread once it has been there."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def come_by(self) -> None:
        """Remember the loop that runs here, if this is the main thread."""
        if threading.current_thread() is threading.main_thread():
            self._loop = _running_loop() or self._loop

    @property
    def is_elsewhere(self) -> bool:
        """Whether sessions live on another thread than this one, and can be reached there."""
        return (
            threading.current_thread() is not threading.main_thread()
            and self._loop is not None
            and self._loop.is_running()
        )

    async def run(self, doing: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine where the sessions live."""
        self.come_by()
        if not self.is_elsewhere or self._loop is None:
            return await doing
        return await let_out(asyncio.wrap_future(asyncio.run_coroutine_threadsafe(carried(doing), self._loop)))

    def wait_for(self, doing: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there from this other thread, and block this thread until it is done."""
        if self._loop is None:
            raise RuntimeError("ask is_elsewhere first")
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
