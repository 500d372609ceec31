"""Where plain functions run that take their time: in threads for which neither the event loop nor the end of the process waits for ever.

The executor that a loop has for such things has a handful of threads, looks up names and reads files in them, too, and is waited for at the end:
a few functions that never return would hold up everything, and nobody would be told.
"""

import asyncio
import atexit
import os
import sys
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import Context, copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any, Final

from lash_nb.plugins._plain_call import PlainCall, left_calls

__all__ = ["TOOL_THREADS", "NoThreadError", "ToolThreads"]

_MOST: Final = 64
"""Functions that run at a time; it is waiting that they do side by side, for Python computes in one thread at a time."""
_EXIT_SECONDS: Final = 3.0
"""How long the end of the process waits for functions that still run."""
_LOOK_SECONDS: Final = 0.02


class NoThreadError(Exception):
    """There is no thread for a function, and none is to be expected."""


class _ToolThread(threading.Thread):
    """A thread of plain functions, which may run event loops of their own."""


class ToolThreads:
    """Threads that are begun when they are needed and then kept; none of them keeps the process alive.

    Args:
        most: How many functions run at a time; beyond it each that another one waits for has a thread of its own.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._is_awaited_at_exit = False
        self.begin_afresh()

    def begin_afresh(self) -> None:
        """Know of no threads: those of a process that forked are not in the new one."""
        self._lock = threading.Lock()
        self._threads = 0
        self._news: SimpleQueue[None] = SimpleQueue()
        """One for each job that came; it wakes a thread and holds nothing: who leaves takes the job along."""
        self._waiting: OrderedDict[_Job, None] = OrderedDict()
        self._running: set[_Job] = set()

    async def run(self, call: PlainCall) -> Any:
        """Call a function in a thread and in the caller's context; who is cancelled leaves it there, and one that has not begun yet never does.

        Raises:
            NoThreadError: there is no thread for it, and none is to be expected.
        """
        job = _Job(call)
        self._take_in(job)
        try:
            return await job.ended
        except asyncio.CancelledError:
            self._leave(job)
            raise

    def _take_in(self, job: "_Job") -> None:
        with self._lock:
            if self._is_stuck():
                raise self._stuck()
            busy = len(self._running) + len(self._waiting)
            if busy >= self._most and isinstance(threading.current_thread(), _ToolThread):
                # functions that wait for each other: were they to wait for a thread, too, none would ever be free
                self._begin(partial(self._perform, job))
                self._running.add(job)
                return
            if self._threads < min(self._most, busy + 1):
                self._begin(self._work)
                self._threads += 1
            self._waiting[job] = None
        self._news.put(None)

    def _begin(self, work: Callable[[], None]) -> None:
        try:
            _ToolThread(target=work, name=f"lash-nb-tools-{self._threads + 1}", daemon=True).start()
        except RuntimeError as error:
            raise NoThreadError(
                f"{error}: the system refuses this process another one; let other work end first"
            ) from error
        if not self._is_awaited_at_exit:
            self._is_awaited_at_exit = True
            atexit.register(self._let_end)

    def _leave(self, job: "_Job") -> None:
        with self._lock:
            if job in self._running:
                job.call.leave()
            else:
                job.call.drop()
                self._waiting.pop(job, None)
            if self._is_stuck():
                for other in self._waiting:
                    other.tell(None, self._stuck())
                self._waiting.clear()

    def _is_stuck(self) -> bool:
        return len(self._running) >= self._most and all(job.call.is_left for job in self._running)

    def _stuck(self) -> NoThreadError:
        return NoThreadError(
            f"no thread is free: {len(self._running)} plain functions that were cancelled still run ({_counted(self._calls())})."
            " A function that looks at its context's cancellation.cancelled can end by itself; restart the process to be rid of these"
        )

    def _work(self) -> None:
        while True:
            with suppress(BaseException):  # thrown into an idle thread from outside: the call that woke it is not meant
                self._news.get()
            self._perform_next()

    def _perform_next(self) -> None:
        with self._lock:
            if not self._waiting:  # nobody waits for it any more
                return
            job, _ = self._waiting.popitem(last=False)
            self._running.add(job)
        self._perform(job)

    def _perform(self, job: "_Job") -> None:
        tell = job.performed()
        with self._lock:
            self._running.discard(job)
        tell()  # who waits may have the next call at once, and finds this thread free

    def _let_end(self) -> None:
        """Give what runs a moment at the end of the process, and say what is broken off."""
        until = time.monotonic() + _EXIT_SECONDS
        while (still := self._unfinished()) and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
        if still:
            print(f"lash_nb: broken off in their threads: {_counted(still)}", file=sys.stderr)  # noqa: T201 - the process ends

    def _unfinished(self) -> frozenset[PlainCall]:
        """The calls that run here, and those that run on elsewhere: a function that was quick before runs in a lane of its own."""
        with self._lock:
            return left_calls().union(self._calls())

    def _calls(self) -> Iterable[PlainCall]:
        return (job.call for job in self._running)


TOOL_THREADS: Final = ToolThreads()
"""Those of the process."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=TOOL_THREADS.begin_afresh)


class _Job:
    """A call and who waits for it."""

    __slots__ = ("_context", "_loop", "call", "ended")

    def __init__(self, call: PlainCall) -> None:
        self.call = call
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[Any] = self._loop.create_future()
        self._context: Context = copy_context()

    def performed(self) -> Callable[[], None]:
        """Call the function, and return what tells who waits."""
        try:
            return partial(self.tell, self._context.run(self.call), None)
        except BaseException as error:  # noqa: BLE001 - it is the caller's
            return partial(self.tell, None, error)

    def tell(self, value: Any, error: BaseException | None) -> None:
        """Say how it ended, from any thread."""
        with suppress(RuntimeError):  # the loop was closed meanwhile, so nobody waits
            self._loop.call_soon_threadsafe(_settle, self.ended, value, error)


def _settle(ended: "asyncio.Future[Any]", value: Any, error: BaseException | None) -> None:
    if ended.done():
        return
    if error is None:
        ended.set_result(value)
    else:
        ended.set_exception(error)


def _counted(calls: Iterable[PlainCall]) -> str:
    counts = Counter(call.tool for call in calls)
    return ", ".join(name if count == 1 else f"{name} ×{count}" for name, count in sorted(counts.items()))
