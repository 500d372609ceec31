"""How work within a task begins and ends: beside whom and held by whom, who cancelled it, and an interrupt or an exit on its way to whoever waits."""

import asyncio
import copy
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final, Generic, TypeVar, cast

__all__ = [
    "NEXT_ROUND",
    "Begun",
    "begun_beside",
    "brought_out",
    "carried",
    "carrying",
    "held",
    "is_being_cancelled",
    "is_beside",
    "let_out",
    "on_this_loop",
    "own_copy",
    "telling",
]

T = TypeVar("T")

_HELD: "Final[set[asyncio.Task[Any]]]" = set()
_IS_BESIDE: Final[ContextVar[bool]] = ContextVar("lash_nb_is_beside", default=False)


def is_being_cancelled() -> bool:
    """Tell whether somebody cancels the current task: without that, a `CancelledError` comes from what the task awaited."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def on_this_loop(call: Callable[[], object]) -> Callable[[], None]:
    """Return what makes the call on the loop that runs now: at once from there, and soon from any other thread, which alone would not wake it.

    Once the loop is closed, nothing on it goes on, and no call is made.
    """
    return _OnItsLoop(call)


class _OnItsLoop:
    """A call of one loop; no closure, as each turn holds one and the garbage collector would look at four more objects."""

    __slots__ = ("_call", "_loop", "_thread")

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()

    def __call__(self) -> None:
        if self._loop.is_closed():
            return
        if threading.get_ident() == self._thread:
            self._call()
        else:
            self._loop.call_soon_threadsafe(self._call)


class _NextRound:
    def __await__(self) -> Generator[None, None, None]:
        yield


NEXT_ROUND: Final = _NextRound()
"""Awaited, it lets the loop do first what it has to do already; `asyncio.sleep(0)` without a coroutine of its own."""


class Begun(Generic[T]):
    """A coroutine that waits for something already, to be awaited by a task.

    Args:
        work: The coroutine.
        waits_for: What its last step gave.
    """

    def __init__(self, work: Coroutine[Any, Any, T], waits_for: Any) -> None:
        self._work = work
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, T]:
        wanted = self._waits_for
        try:
            while True:
                try:
                    got = yield wanted
                except BaseException as error:  # noqa: BLE001 - handed on as it is, as `await` does
                    wanted = self._work.throw(error)
                else:
                    wanted = self._work.send(got)
        except StopIteration as end:
            return cast("T", end.value)


def begun_beside(work: Coroutine[Any, Any, T], context: Context | None = None) -> "asyncio.Task[T]":
    """Begin work as a task, in this context or a copy of the present one; Ctrl-C in the cell that began it does not mean the turns that it awaits."""
    context = context or copy_context()
    context.run(_IS_BESIDE.set, True)
    return context.run(asyncio.ensure_future, work)


def is_beside() -> bool:
    """Tell whether the current work is part of what was begun beside."""
    return _IS_BESIDE.get()


def held(task: "asyncio.Task[T]") -> "asyncio.Task[T]":
    """Return a task that runs to its end although nobody may hold it or ask how it ended; a loop alone may lose it in the middle."""
    _HELD.add(task)
    task.add_done_callback(_let_go)
    return task


def _let_go(task: "asyncio.Task[Any]") -> None:
    _HELD.discard(task)
    if not task.cancelled():
        task.exception()  # it was asked for: a loop complains of errors that nobody did


class _CarriedError(Exception):
    """An interrupt or an exit on its way through a task: as itself it would end the event loop, and a notebook's kernel with it."""

    def __init__(self, error: KeyboardInterrupt | SystemExit) -> None:
        super().__init__(f"{type(error).__name__} within a task")
        self.error = error


async def carried(work: Awaitable[T]) -> T:
    """Await `work` within a task; `let_out` gives an interrupt or an exit of it to whoever waits for the task."""
    try:
        return await work
    except (KeyboardInterrupt, SystemExit) as error:
        ended = error
    raise carrying(ended)


def carrying(error: KeyboardInterrupt | SystemExit) -> Exception:
    """Return what brings an interrupt or an exit through a task; `brought_out` gives it back."""
    return _CarriedError(error)


def brought_out(error: BaseException | None) -> BaseException | None:
    """Return what a task of `carried` work failed with: an interrupt or an exit as itself."""
    return error.error if isinstance(error, _CarriedError) else error


async def let_out(task: Awaitable[T]) -> T:
    """Wait for a task of `carried` work, which ends as the work ended."""
    try:
        return await task
    except _CarriedError as carrying:
        ended = carrying.error
    raise ended


def own_copy(error: BaseException) -> BaseException:
    """Return an error for one of several waiters to raise, so that none adds to the traceback of another; one that cannot be copied is itself."""
    try:
        made: BaseException = copy.copy(error)
    except Exception:  # noqa: BLE001 - the constructor of somebody else's own
        return error
    if type(made) is not type(error) or list(map(id, made.args)) != list(map(id, error.args)):
        return error
    made.__cause__, made.__context__ = error.__cause__, error.__context__
    made.__suppress_context__ = error.__suppress_context__
    return made.with_traceback(error.__traceback__)


def telling(error: BaseException, words: str) -> BaseException:
    """Return a cancellation that a notebook shows as these words, in place of a traceback; it stays what it is to everybody else.

    Its frames until here are left out: they tell where it was waited inside, in tens of lines, and nothing of who cancelled it.
    """
    vars(error)["_render_traceback_"] = words.splitlines
    return error.with_traceback(None)
