"""Where plain functions run that are done in no time: a thread of their own, for whose answer the event loop waits a moment.

To hand a call to an executor and be woken by it costs some 100 µs, far more than many a tool itself. Whoever waits at once is answered in a
tenth of that. So that no tool holds up the loop, only calls come here that are expected to be quick, and the wait is bounded.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Any, Final

__all__ = ["QuickLane"]

_PATIENCE_SECONDS: Final = 0.0002
"""How long the event loop may be held up: about as long as by the rest of a tool call."""


class QuickLane:
    """One thread that runs one function at a time; it begins with the first one and ends with the process."""

    def __init__(self) -> None:
        self.begin_afresh()

    def begin_afresh(self) -> None:
        """Know of no thread: that of a process that forked is not in the new one."""
        self._free = threading.Lock()
        self._news: SimpleQueue[None] = SimpleQueue()
        self._job: _Job | None = None
        self._begun = False

    def take(self) -> bool:
        """Tell whether the lane is free and has its thread, and if so, take it: the next one to `run` is the caller."""
        return self._free.acquire(blocking=False) and (self._begun or self._begin())

    def _begin(self) -> bool:
        try:
            threading.Thread(target=self._work, name="lash-nb-quick-tools", daemon=True).start()
        except RuntimeError:  # the system refuses a thread now, and may give one later
            self._free.release()
            return False
        self._begun = True
        return True

    async def run(self, function: Callable[[], Any]) -> Any:
        """Run `function` in the lane, which the caller took, and in the caller's context; what it raises is raised here."""
        self._job = job = _Job(function, copy_context(), self._free)
        self._news.put(None)
        return await job.result()

    def _work(self) -> None:
        while True:
            # thrown into the idle thread from outside: the call that woke it is not meant
            with suppress(BaseException):
                self._news.get()
            job = self._job
            if job is not None:
                self._job = None
                job.perform()
            del job  # an idle thread holds nobody's arguments


class _Job:
    """A function on its way through the lane."""

    __slots__ = ("_asked", "_context", "_done", "_error", "_free", "_function", "_guard", "_value")

    def __init__(self, function: Callable[[], Any], context: Context, free: threading.Lock) -> None:
        self._function = function
        self._context = context
        self._free = free
        self._value: Any = None
        self._error: BaseException | None = None
        self._done = threading.Lock()
        self._done.acquire()
        self._guard = threading.Lock()
        self._asked: asyncio.Future[None] | None = None

    async def result(self) -> Any:
        """Wait a moment for the thread, and then without holding up anybody."""
        if not self._done.acquire(timeout=_PATIENCE_SECONDS):
            with self._guard:
                if not self._done.acquire(blocking=False):
                    self._asked = asyncio.get_running_loop().create_future()
            if self._asked is not None:
                await self._asked
        if self._error is not None:
            raise self._error
        return self._value

    def perform(self) -> None:
        """Run the function, let the next one in, and tell who waits."""
        try:
            self._value = self._context.run(self._function)
        except BaseException as error:  # noqa: BLE001 - it is the caller's
            self._error = error
        self._free.release()
        with self._guard:
            self._done.release()
            asked = self._asked
        if asked is not None:
            with suppress(RuntimeError):  # the loop was closed meanwhile, so nobody waits
                asked.get_loop().call_soon_threadsafe(_settle, asked)


def _settle(asked: "asyncio.Future[None]") -> None:
    if not asked.done():
        asked.set_result(None)
