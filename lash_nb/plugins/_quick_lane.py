"""Where plain functions run that are done in no time: a thread of their own, for whose answer the event loop waits a moment.

To hand a call to an executor and be woken by it costs some 100 µs, far more than many a tool itself. Whoever waits at once is answered in a
tenth of that. So that no tool holds up the loop, only calls come here that are expected to be quick, and the wait is bounded.

Most of what it takes to wake a thread is the wake-up of the processor that idles until then. So the thread wakes on the processor of the loop,
where the system lets it, and the loop gives way to it there and does not go to sleep either. While it works the thread may run anywhere.

As in other threads of tools, a call ends whatever is thrown into the thread: each step on its way may be taken again.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from queue import Empty, SimpleQueue
from typing import Any, Final

from lash_nb.clock import SystemClock
from lash_nb.locks import give_back
from lash_nb.plugins._plain_call import PlainCall
from lash_nb.plugins._waker import Waker, new_waker

__all__ = ["QuickJob", "QuickLane"]

_CLOCK: Final = SystemClock()
_PATIENCE_NS: Final = 200_000
"""How long the event loop may be held up: about as long as by the rest of a tool call."""
_TAKEN: Final = (None, None)
"""Stands for an outcome that somebody has, or that nobody wants."""


class QuickLane:
    """One thread that runs one function at a time; it begins with the first one and ends with the process.

    Args:
        waker: Makes what wakes it.
    """

    def __init__(self, waker: Callable[[], Waker] = new_waker) -> None:
        self._new_waker = waker
        self._waker: Waker | None = None
        self.begin_afresh()

    def begin_afresh(self) -> None:
        """Know of no thread: that of a process that forked is not in the new one."""
        if self._waker is not None:
            self._waker.close()
        self._taking = threading.RLock()
        """Held by who looks whether the lane is free, never by its thread."""
        self._job: QuickJob | None = None
        self._waker = None
        self._is_idle = True
        self._thrown: BaseException | None = None

    def begin(self, call: PlainCall) -> "QuickJob | None":
        """Let the lane make a call, in the caller's context; None when the lane is taken, or has no thread."""
        job: QuickJob | None = None
        try:
            with self._taking:
                waker = self._waker if self._waker is not None and self._waker.is_whole() else self._begin()
                if waker is None or (self._job is not None and not self._job.is_told):
                    return None
                self._job = job = QuickJob(call, is_near=waker.follow())
                waker.wake()
        except BaseException as error:  # an interrupt, after which nobody may have woken the thread
            if job is not None:
                job.is_told = True
            give_back(self._taking)
            if isinstance(error, OSError):  # somebody closed what it is woken by
                return None
            raise
        return job

    def _begin(self) -> Waker | None:
        waker = self._new_waker()
        try:
            threading.Thread(target=self._work, args=(waker,), name="lash-nb-quick-tools", daemon=True).start()
        except RuntimeError:  # the system refuses a thread now, and may give one later
            waker.close()
            return None
        self._waker = waker
        return waker

    def _work(self, waker: Waker) -> None:
        while waker.is_whole():
            try:
                while True:
                    self._serve(waker)
            except BaseException as error:  # noqa: BLE001 - thrown from outside: what is in hand goes on from there
                self._thrown = None if self._is_idle else error

    def _serve(self, waker: Waker) -> None:
        """Take a job through its steps, from where it stands; without one, wait for one."""
        job = self._job
        if job is None or job.is_told:
            self._is_idle, self._thrown = True, None
            del job
            waker.wait()
            return
        self._is_idle = False
        waker.leave()  # threads and processes that the function begins stay where it is
        job.perform(self._thrown)
        job.tell()


class QuickJob:
    """A call on its way through the lane.

    Attributes:
        is_over: Whether it has an outcome.
        is_told: Whether who waits knows that, so that nothing is left to be done.
    """

    __slots__ = ("_asked", "_call", "_context", "_is_left", "_news", "_outcome", "is_over", "is_told")

    def __init__(self, call: PlainCall, *, is_near: bool) -> None:
        self.is_over = self.is_told = False
        self._call: PlainCall | None = call
        self._context: Context | None = copy_context()
        self._outcome: tuple[Any, BaseException | None] | None = None
        self._asked: asyncio.Future[None] | None = None
        self._news: SimpleQueue[None] | None = None if is_near else SimpleQueue()
        self._is_left = False

    async def result(self) -> Any:
        """Wait a moment for the thread, and then without holding up anybody; what the function raises is raised here."""
        try:
            if not self._is_over_soon():
                self._asked = asyncio.get_running_loop().create_future()
                if not self.is_over:  # as the thread looks who asked only when it is
                    await self._asked
            value, error = self._outcome or _TAKEN
        finally:
            self._is_left = True
            if self.is_over:
                self._outcome = _TAKEN
        if error is not None:
            raise error
        return value

    def _is_over_soon(self) -> bool:
        if self._news is not None:
            with suppress(Empty):
                self._news.get(timeout=_PATIENCE_NS / 1e9)
            return self.is_over
        os.sched_yield()  # to who waits on this processor; whoever sleeps has to be woken in turn
        until = 0 if self.is_told else _CLOCK.monotonic_ns() + _PATIENCE_NS
        while not self.is_told and _CLOCK.monotonic_ns() < until:  # else the lane would not be free for the next call
            os.sched_yield()
        return self.is_over

    def perform(self, thrown: BaseException | None) -> None:
        """Call the function, once; what was thrown into the thread meanwhile is the end of it."""
        if self._outcome is None and thrown is not None:
            self._outcome = (None, thrown)
        if self._outcome is None and self._call is not None and self._context is not None:
            try:
                self._outcome = (self._context.run(self._call), None)
            except BaseException as error:  # noqa: BLE001 - it is the caller's
                self._outcome = (None, error)

    def tell(self) -> None:
        """Say that it is over."""
        if self._call is not None:
            self._call.end()
        self._call = self._context = None  # an idle thread holds nobody's arguments
        self.is_over = True
        if self._news is not None:
            self._news.put(None)
        if self._asked is not None:
            with suppress(RuntimeError):  # the loop was closed meanwhile, so nobody waits
                self._asked.get_loop().call_soon_threadsafe(_settle, self._asked)
        if self._is_left:
            self._outcome = _TAKEN
        self.is_told = True


def _settle(asked: "asyncio.Future[None]") -> None:
    if not asked.done():
        asked.set_result(None)
