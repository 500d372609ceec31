"""Where plain functions run that take their time: in threads for which neither the event loop nor the end of the process waits for ever.

The executor that a loop has for such things has a handful of threads, looks up names and reads files in them, too, and is waited for at the end:
a few functions that never return would hold up everything, and nobody would be told.
"""

import atexit
import logging
import os
import sys
import threading
import time
from asyncio import AbstractEventLoop
from collections import Counter, OrderedDict
from collections.abc import Iterable
from itertools import count
from queue import SimpleQueue
from typing import Any, Final

from lash_nb.locks import give_back
from lash_nb.plugins._plain_call import PlainCall, left_calls
from lash_nb.plugins._tool_jobs import Job, Seat

__all__ = ["TOOL_THREADS", "NoThreadError", "ToolThreads"]

_LOG = logging.getLogger(__name__)

_MOST: Final = 64
"""Functions that run at a time; it is waiting that they do side by side, for Python computes in one thread at a time."""
_PATIENCE_SECONDS: Final = 30.0
"""How long a call waits for a thread before that is told."""
_EXIT_SECONDS: Final = 3.0
"""How long the end of the process waits for functions that still run."""
_LOOK_SECONDS: Final = 0.02

_WAITS: Final = (
    "tool %s has waited %g s for a thread; all are taken, by %s. If one of these waits for this call, it does so for ever: let it make"
    " the call in its own context, as asyncio.to_thread and contextvars.copy_context().run do"
)


class NoThreadError(Exception):
    """There is no thread for a function, and none is to be expected."""


class ToolThreads:
    """Threads that are begun when they are needed and then kept; none of them keeps the process alive.

    A function that calls others gives its place to one of them until they are answered, or else none might ever be free; they go first, so
    that no more functions than have places begin to call others. Its calls are those made in its context: by event loops of its own, by
    `asyncio.to_thread`, by `asyncio.run_coroutine_threadsafe` in another loop. Threads that it begins by hand have another context; but of each
    event loop one function runs in any case, so that the loops of such threads go on. A call that waits long for a thread is told of in the log.

    Args:
        most: How many functions run at a time, but for those that wait for others, and one of each loop.
        patience: After how many seconds a waiting call is told of.
    """

    def __init__(self, most: int = _MOST, patience: float = _PATIENCE_SECONDS) -> None:
        self._most = most
        self._patience = patience
        self._is_awaited_at_exit = False
        self.begin_afresh()

    def begin_afresh(self) -> None:
        """Know of no threads: those of a process that forked are not in the new one."""
        self._lock = threading.RLock()
        self._threads = 0
        self._news: SimpleQueue[None] = SimpleQueue()
        """One for each job that came; it wakes a thread and holds nothing: who leaves takes the job along."""
        self._waiting: OrderedDict[Job, None] = OrderedDict()
        self._running: dict[object, Job] = {}
        """By their places."""
        self._asked: dict[object, int] = {}
        """How many calls the functions wait for that wait for others, by their places."""
        self._own: set[object] = set()
        """The places beyond the most that loops have of which nothing else runs."""
        self._numbers = count(1)

    async def run(self, call: PlainCall) -> Any:
        """Call a function in a thread and in the caller's context; who is cancelled leaves it there, and one that has not begun yet never does.

        Raises:
            NoThreadError: there is no thread for it, and none is to be expected.
        """
        job = Job(call)
        try:
            self._take_in(job)
            return await job.ended
        except GeneratorExit:
            # the collector may close it while this thread holds the lock for another call, which gives it back itself
            self._leave(job)
            raise
        except BaseException:  # be it an interrupt
            give_back(self._lock)
            self._leave(job)
            raise

    def _take_in(self, job: Job) -> None:
        with self._lock:
            busy = len(self._running) + len(self._waiting)
            self._waiting[job] = None
            if job.asker in self._running:
                self._asked[job.asker] = self._asked.get(job.asker, 0) + 1
                self._waiting.move_to_end(job, last=False)
            elif busy >= self._places():
                self._let_one_run(job.loop)
                self._watch(job)
            self._give_up_if_stuck()
            if self._waiting and self._threads < min(self._places(), busy + 1):
                self._begin()
            self._news.put(None)

    def _places(self) -> int:
        return self._most + len(self._asked) + len(self._own)

    def _let_one_run(self, loop: AbstractEventLoop) -> None:
        """See that a function of this loop runs, or is the next one: those that run may wait for the loop, in threads that they began by hand."""
        if any(job.loop is loop for job in self._running.values()):
            return
        first = next((job for job in self._waiting if job.loop is loop), None)
        if first is not None:
            if len(self._running) >= self._places():
                self._own.add(first.place)
            self._waiting.move_to_end(first, last=False)

    def _watch(self, job: Job) -> None:
        later = job.loop.call_later(self._patience, self._tell_that_it_waits, job)
        job.ended.add_done_callback(lambda _: later.cancel())

    def _tell_that_it_waits(self, job: Job) -> None:
        with self._lock:
            running = tuple(self._calls()) if job in self._waiting else ()
        if running:
            _LOG.warning(_WAITS, job.call.tool, self._patience, _counted(running))

    def _begin(self) -> None:
        try:
            threading.Thread(
                target=self._work, args=(Seat(),), name=f"lash-nb-tools-{next(self._numbers)}", daemon=True
            ).start()
        except RuntimeError as error:
            raise NoThreadError(
                f"{error}: the system refuses this process another one; let other work end first"
            ) from error
        self._threads += 1
        if not self._is_awaited_at_exit:
            self._is_awaited_at_exit = True
            atexit.register(self._let_end)

    def _leave(self, job: Job) -> None:
        with self._lock:
            self._answer(job)
            if job.place in self._running:
                job.call.leave()
            else:
                job.call.drop()
                self._waiting.pop(job, None)
                self._own.discard(job.place)
                self._let_one_run(job.loop)
            self._give_up_if_stuck()

    def _answer(self, job: Job) -> None:
        """Let who asked for it go on, who may be over."""
        asker, job.asker = job.asker, None
        if asker in self._asked:
            self._asked[asker] -= 1
            if not self._asked[asker]:
                del self._asked[asker]

    def _give_up_if_stuck(self) -> None:
        """Tell those that wait for a thread if all that run were left, but for those that wait for others."""
        if len(self._running) < self._places():
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

    def _work(self, seat: Seat) -> None:
        while seat.is_wanted or seat.is_taken:
            try:
                while seat.is_wanted or seat.is_taken:
                    self._serve(seat)
            except BaseException as error:  # noqa: BLE001 - thrown from outside: what is in hand goes on from there
                seat.thrown = error
                give_back(self._lock)

    def _serve(self, seat: Seat) -> None:
        """Take a call through its steps, from where it stands."""
        if not seat.is_taken:
            self._take(seat)
        if seat.job is not None:
            seat.job.perform(seat.thrown)
            self._end(seat, seat.job)
        if seat.over is not None:
            seat.over.tell_end()  # who waits may have the next call at once, and finds this thread free
            seat.over = None

    def _take(self, seat: Seat) -> None:
        """Wait for a call and take it; who was thrown out of an idle moment looks at once, for the news may be lost with it."""
        thrown, seat.thrown = seat.thrown, None
        if thrown is None:
            self._news.get()
        with self._lock:
            job = next(iter(self._waiting), None)
            if job is not None:  # else nobody waits for it any more
                seat.job = job
                del self._waiting[job]
                self._running[job.place] = job

    def _end(self, seat: Seat, job: Job) -> None:
        """Free the place of a call, and let the thread end where nobody needs it: a place that a waiting function gave away is taken back."""
        with self._lock:
            job.call.end()
            self._running.pop(job.place, None)
            self._asked.pop(job.place, None)
            self._own.discard(job.place)
            self._answer(job)
            if self._waiting:
                self._let_one_run(job.loop)
                self._give_up_if_stuck()
            places = self._places()
            seat.job, seat.over = None, job
            seat.is_wanted = self._threads <= places
            self._threads -= not seat.is_wanted

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


def _counted(calls: Iterable[PlainCall]) -> str:
    counts = Counter(call.tool for call in calls)
    return ", ".join(name if count == 1 else f"{name} ×{count}" for name, count in sorted(counts.items()))
