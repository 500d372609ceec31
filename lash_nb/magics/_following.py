"""Views of traces that still grow: while the kernel is idle, each looks every second whether more was written.

No thread: a task of the kernel's own loop sleeps between two looks, so a running cell holds it up and nothing else does. It ends when its view
is closed, when the file is gone or another one (the view says so), and with `%lash trace --stop`.
"""

import asyncio
from typing import Final

from lash_nb.errors import LashError
from lash_nb.views import TraceExplorerView

__all__ = ["Following"]

_BEAT: Final = 1.0
"""Seconds between two looks: as fast as a person follows lines."""

_IN_PYTHON: Final = " Read it again with read_trace()."
"""What to do next where no magic read the file."""


class Following:
    """The views that follow their traces."""

    def __init__(self, *, beat: float = _BEAT) -> None:
        self._beat: Final = beat
        self._tasks: Final[dict[TraceExplorerView, asyncio.Task[None]]] = {}

    def start(self, view: TraceExplorerView, *, again: str = "") -> None:
        """Keep a view up to date from now on; an event loop must run.

        Args:
            view: The view.
            again: The line that follows the file anew; the view says it when the file is another one.
        """
        view.is_following = True
        task = asyncio.get_running_loop().create_task(self._follow(view, again))
        self._tasks[view] = task
        task.add_done_callback(lambda _: self._tasks.pop(view, None))

    def stop(self) -> list[str]:
        """Follow nothing any more; return the names of the traces that were followed."""
        names = [view.title for view in self._tasks]
        for view, task in list(self._tasks.items()):
            view.is_following = False
            task.cancel()
        return names

    async def _follow(self, view: TraceExplorerView, again: str) -> None:
        while True:
            await asyncio.sleep(self._beat)
            if view.comm is None or not view.is_following:
                return
            try:
                view.refresh()
            except LashError as error:
                view.problem, view.is_following = _ended(error, again), False
                return


def _ended(error: LashError, again: str) -> str:
    """Say why a trace is no longer followed and, once, how it is again."""
    if not again:
        return error.message
    return f"{error.message.removesuffix(_IN_PYTHON)} To follow what is there now: {again}"
