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
from contextvars import Context, ContextVar, copy_context
from functools import partial
from itertools import count
from queue import SimpleQueue
from typing import Any, Final

from lash_nb.plugins._plain_call import PlainCall, left_calls

__all__ = ["TOOL_THREADS", "NoThreadError", "ToolThreads"]

_MOST: Final = 64
"""Functions that run at a time; it is waiting that they do side by side, for Python computes in one thread at a time."""
_EXIT_SECONDS: Final = 3.0
"""How long the end of the process waits for functions that still run."""
_LOOK_SECONDS: Final = 0.02
_INSIDE: "Final[ContextVar[object]]" = ContextVar("lash_nb_tool_thread", default=None)
"""The place of the function that asks."""


class NoThreadError(Exception):
    """There is no thread for a function, and none is to be expected."""


class ToolThreads:
    """Threads that are begun when they are needed and then kept; none of them keeps the process alive.

    A function that calls others gives its place to one of them until they are answered, or else none might ever be free; they go first, so
    that no more functions than have places begin to call others. Its calls are those made in its context: by event loops of its own, by
    `asyncio.to_thread`, by `asyncio.run_coroutine_threadsafe` in another loop; not those made in threads that it begins by hand.

    Args:
        most: How many functions run at a time, but for those that wait for others.
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
        self._running: dict[object, _Job] = {}
        """By their places."""
        self._asked: Counter[object] = Counter()
        """How many calls the functions wait for that wait for others, by their places."""
        self._numbers = count(1)

    async def run(self, call: PlainCall) -> Any:
        """Call a function in a thread and in the caller's context; who is cancelled leaves it there, and one that has not begun yet never does.

        Raises:
            NoThreadError: there is no thread for it, and none is to be expected.
        """
        job = _Job(call)
        try:
            self._take_in(job)
            return await job.ended
        except BaseException:  # be it an interrupt, or the end of the coroutine
            self._leave(job)
            raise

    def _take_in(self, job: "_Job") -> None:
        with self._lock:
            busy = len(self._running) + len(self._waiting)
            self._waiting[job] = None
            if job.asker in self._running:
                self._asked[job.asker] += 1
                self._waiting.move_to_end(job, last=False)
            self._give_up_if_stuck()
            if self._waiting and self._threads < min(self._places(), busy + 1):
                self._begin()
            self._news.put(None)

    def _places(self) -> int:
        return self._most + len(self._asked)

    def _begin(self) -> None:
        try:
            threading.Thread(target=self._work, name=f"lash-nb-tools-{next(self._numbers)}", daemon=True).start()
        except RuntimeError as error:
            raise NoThreadError(
                f"{error}: the system refuses this process another one; let other work end first"
            ) from error
        self._threads += 1
        if not self._is_awaited_at_exit:
            self._is_awaited_at_exit = True
            atexit.register(self._let_end)

    def _leave(self, job: "_Job") -> None:
        with self._lock:
            self._answer(job)
            if job.place in self._running:
                job.call.leave()
            else:
                job.call.drop()
                self._waiting.pop(job, None)
            self._give_up_if_stuck()

    def _answer(self, job: "_Job") -> None:
        """Let who asked for it go on, who may be over."""
        asker, job.asker = job.asker, None
        if asker in self._asked:
            self._asked[asker] -= 1
            if not self._asked[asker]:
                del self._asked[asker]

    def _give_up_if_stuck(self) -> None:
        """Tell those that wait for a thread if all that run were left, but for those that wait for others."""
        if len(self._running) - len(self._asked) < self._most:
            return
        if all(job.call.is_left for place, job in self._running.items() if place not in self._asked):
            for other in self._waiting:
                other.tell(None, self._stuck())
            self._waiting.clear()

    def _stuck(self) -> NoThreadError:
        left = [call for call in self._calls() if call.is_left]
        return NoThreadError(
            f"no thread is free: {len(left)} plain functions that were cancelled still run ({_counted(left)})."
            " A function that looks at its context's cancellation.cancelled can end by itself; restart the process to be rid of these"
        )

    def _work(self) -> None:
        is_wanted = True
        while is_wanted:
            with suppress(BaseException):  # thrown into an idle thread from outside: the call that woke it is not meant
                self._news.get()
            is_wanted = self._perform_next()

    def _perform_next(self) -> bool:
        """Return whether the thread is still wanted: the place that a waiting function gave away is taken back."""
        with self._lock:
            if not self._waiting:  # nobody waits for it any more
                return True
            job, _ = self._waiting.popitem(last=False)
            self._running[job.place] = job
        tell = job.performed()
        with self._lock:
            is_wanted = self._end(job)
        with suppress(BaseException):  # as above: while it tells, it may be taken for idle
            tell()  # who waits may have the next call at once, and finds this thread free
        return is_wanted

    def _end(self, job: "_Job") -> bool:
        del self._running[job.place]
        self._asked.pop(job.place, None)
        self._answer(job)
        self._give_up_if_stuck()
        is_wanted = self._threads <= self._places()
        self._threads -= not is_wanted
        return is_wanted

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
        return (job.call for job in self._running.values())


TOOL_THREADS: Final = ToolThreads()
"""Those of the process."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=TOOL_THREADS.begin_afresh)


class _Job:
    """A call and who waits for it."""

    __slots__ = ("_context", "_loop", "asker", "call", "ended", "place")

    def __init__(self, call: PlainCall) -> None:
        self.call = call
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[Any] = self._loop.create_future()
        self._context: Context = copy_context()
        self.asker = _INSIDE.get()
        self.place = object()
        """What its context holds of it, which must not hold its arguments."""

    def performed(self) -> Callable[[], None]:
        """Call the function, and return what tells who waits."""
        try:
            self._context.run(_INSIDE.set, self.place)
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
