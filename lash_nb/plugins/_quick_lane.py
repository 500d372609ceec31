"""Where plain functions run that are done in no time: a thread of their own, for whose answer the event loop waits a moment.

To hand a call to an executor and be woken by it costs some 100 µs, far more than many a tool itself. Whoever waits at once is answered in a
tenth of that. So that no tool holds up the loop, only calls come here that are expected to be quick, and the wait is bounded.

Most of what it takes to wake a thread is the wake-up of the processor that idles until then. So the thread waits on the processor of the loop,
where the system lets it, and the loop gives way to it there and does not go to sleep either. While it works the thread may run anywhere.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Any, Final

from lash_nb.clock import SystemClock
from lash_nb.plugins._processor import Processor

__all__ = ["QuickLane"]

_CLOCK: Final = SystemClock()
_PATIENCE_NS: Final = 200_000
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
        self._find: Callable[[], Processor | None] = _nowhere
        self._begun = False

    def take(self) -> bool:
        """Tell whether the lane is free and has its thread, and if so, take it: the next one to `run` is the caller."""
        return self._free.acquire(blocking=False) and (self._begun or self._begin())

    def _begin(self) -> bool:
        self._find = Processor.finder() or _nowhere
        try:
            threading.Thread(target=self._work, name="lash-nb-quick-tools", daemon=True).start()
        except RuntimeError:  # the system refuses a thread now, and may give one later
            self._free.release()
            return False
        self._begun = True
        return True

    async def run(self, function: Callable[[], Any]) -> Any:
        """Run `function` in the lane, which the caller took, and in the caller's context; what it raises is raised here."""
        self._job = job = _Job(function, copy_context(), self._free, self._find())
        self._news.put(None)
        return await job.result()

    def _work(self) -> None:
        beside: Processor | None = None
        while True:
            # thrown into the idle thread from outside: the call that woke it is not meant
            with suppress(BaseException):
                self._wait(beside)
            job = self._job
            if job is not None:
                self._job = None
                beside = job.called_on
                job.perform()
            del job  # an idle thread holds nobody's arguments

    def _wait(self, beside: Processor | None) -> None:
        """Wait for a job where the last one came from; what it starts itself must not be bound to that place."""
        if beside is None or not beside.stay():
            self._news.get()
            return
        try:
            self._news.get()
        finally:
            beside.leave()


class _Job:
    """A function on its way through the lane."""

    __slots__ = ("_asked", "_context", "_done", "_error", "_free", "_function", "_guard", "_value", "called_on")

    def __init__(
        self, function: Callable[[], Any], context: Context, free: threading.Lock, called_on: Processor | None
    ) -> None:
        self.called_on = called_on
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
        if not self._is_done_soon():
            with self._guard:
                if not self._done.acquire(blocking=False):
                    self._asked = asyncio.get_running_loop().create_future()
            if self._asked is not None:
                await self._asked
        if self._error is not None:
            raise self._error
        return self._value

    def _is_done_soon(self) -> bool:
        if self.called_on is None:
            return self._done.acquire(timeout=_PATIENCE_NS / 1e9)
        until = _CLOCK.monotonic_ns() + _PATIENCE_NS
        while not (is_done := self._done.acquire(blocking=False)) and _CLOCK.monotonic_ns() < until:
            os.sched_yield()  # to who waits on this processor; a thread that sleeps has to be woken in turn
        return is_done

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


def _nowhere() -> None:
    """Tell of no processor."""
