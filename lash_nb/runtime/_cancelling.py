"""Awaiting work that a turn's cancellation may end, whether the work listens or not."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from typing import Any, Final, TypeVar, cast

from lash_nb.clock import CancellationToken, Clock
from lash_nb.runtime._context import TurnContext
from lash_nb.tasks import NEXT_ROUND, Begun, brought_out, carrying, held, on_this_loop

__all__ = [
    "TurnCancelledError",
    "WorkCancelledError",
    "at_once_or_until_cancelled",
    "here_until_cancelled",
    "until_cancelled",
]

T = TypeVar("T")

_STOP_SECONDS: Final = 0.05
"""How long work that was cancelled is waited for before it is left to itself."""
_HEARTBEAT_SECONDS: Final = 0.1
"""How long a loop sleeps at most while work is waited for."""


class TurnCancelledError(Exception):
    """What was awaited was cancelled."""


class WorkCancelledError(Exception):
    """What was awaited was cancelled, by itself or by what others left behind: nobody cancels the turn, nor who waits for it."""


async def until_cancelled(work: Coroutine[Any, Any, T], turn: TurnContext, *, grace_seconds: float = 0) -> T:
    """Await work of a turn in a task of its own; once the turn is cancelled give it `grace_seconds` to end by itself, then stop it, then leave it.

    Whatever else the loop has to do comes first. Work that nobody wants any more by then is not begun.

    Raises:
        TurnCancelledError: the work has no result.
        WorkCancelledError: neither has it, and the turn goes on.
    """
    cancel = turn.cancel
    if cancel.cancelled:
        work.close()  # it was never begun
        raise TurnCancelledError
    loop = asyncio.get_running_loop()
    over, waiting = loop.create_future(), asyncio.current_task(loop)
    begun = _begun(work, over, cancel, waiting, waiting.cancelling() if waiting else 0)
    task = turn.writer.inside(loop.create_task, begun)
    return await _result(task, work, over, turn, grace_seconds)


async def at_once_or_until_cancelled(work: Coroutine[Any, Any, T], turn: TurnContext, *, grace_seconds: float = 0) -> T:
    """The same for work that seldom waits, and looks for its task after a wait alone: it gets one where it waits.

    Raises:
        TurnCancelledError: as above.
        WorkCancelledError: as above.
    """
    try:
        await NEXT_ROUND
    except BaseException:
        work.close()
        raise
    if turn.cancel.cancelled:
        work.close()  # it was never begun
        raise TurnCancelledError
    context = turn.writer.inside(lambda _: copy_context(), work)
    try:
        waits_for = context.run(work.send, None)
    except StopIteration as end:
        return cast("T", end.value)
    except asyncio.CancelledError as error:  # its own: nobody else had a step since
        raise WorkCancelledError from error
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    rest = _ending(Begun(work, waits_for), over)
    task = loop.create_task(rest, context=context)  # no copy: variables are put back where they were set
    return await _result(task, work, over, turn, grace_seconds)


async def here_until_cancelled(work: Callable[[], Awaitable[T]], turn: TurnContext) -> T:
    """Await work in the turn's own task, so that the turn sees what it sets in its context; once the turn is cancelled so is the work, and it is waited for.

    Raises:
        TurnCancelledError: the work has no result.
    """
    breaker = _Breaker(asyncio.get_running_loop())
    unsubscribe = turn.cancel.subscribe(on_this_loop(breaker.ask))
    heart = _Heart(breaker.loop)
    try:
        return await turn.writer.within(work)
    except asyncio.CancelledError:
        if breaker.is_alone:
            raise TurnCancelledError from None
        raise
    finally:
        heart.end()
        unsubscribe()
        breaker.end()


class _Breaker:
    """Cancels what the current task awaits, as `asyncio.timeout` does: in a later round of the loop, and with the task as it was afterwards."""

    __slots__ = ("_before", "_has_cancelled", "_is_over", "_task", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._task = asyncio.current_task(loop)
        self._before = self._task.cancelling() if self._task else 0
        self._is_over = self._has_cancelled = False

    @property
    def is_alone(self) -> bool:
        """Whether nobody else cancelled the task meanwhile."""
        return self._has_cancelled and self._task is not None and self._task.cancelling() == self._before + 1

    def ask(self) -> None:
        """Cancel soon: the work itself may ask, and may be over before."""
        self.loop.call_soon(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None and not self._is_over:
            self._has_cancelled = True
            self._task.cancel()

    def end(self) -> None:
        """Leave the task alone."""
        self._is_over = True
        if self._has_cancelled and self._task is not None:
            self._task.uncancel()


async def _result(
    task: "asyncio.Task[T]",
    work: Coroutine[Any, Any, T],
    over: "asyncio.Future[None]",
    turn: TurnContext,
    grace_seconds: float,
) -> T:
    """Wait for the task of work, and return what that gives; it is stopped with the turn."""
    try:
        await NEXT_ROUND  # the task's first step comes before: work that never waits is over then
        if not task.done():
            await _ended_or_stopped(task, over, turn, grace_seconds)
    except asyncio.CancelledError:  # the turn itself is aborted: nothing that it began goes on behind its back
        held(task).cancel()
        await asyncio.wait({task}, timeout=_STOP_SECONDS)
        raise
    except GeneratorExit:  # so is one that is closed, which can wait for nothing
        held(task).cancel()
        raise
    finally:
        if task.done():
            work.close()  # a task that is cancelled before its first step has not touched it
    if not task.done() or (task.cancelled() and turn.cancel.cancelled):
        raise TurnCancelledError
    if task.cancelled():
        raise WorkCancelledError
    error = brought_out(task.exception())
    if error is not None:
        raise error
    return task.result()


async def _begun(
    work: Coroutine[Any, Any, T],
    over: "asyncio.Future[None]",
    cancel: CancellationToken,
    waiting: "asyncio.Task[Any] | None",
    told: int,
) -> T:
    """Do the work, unless the turn or who waits for it was cancelled meanwhile."""
    if cancel.cancelled or (waiting and waiting.cancelling() > told):
        raise asyncio.CancelledError
    return await _ending(work, over)


async def _ending(work: Awaitable[T], over: "asyncio.Future[None]") -> T:
    """Do the work, and tell when it is over; an interrupt or an exit is carried."""
    try:
        return await work
    except (KeyboardInterrupt, SystemExit) as error:
        raise carrying(error) from None
    finally:  # who waits for the end learns of it in the same round of the loop
        if not over.done():
            over.set_result(None)


async def _ended_or_stopped(
    task: "asyncio.Task[Any]", over: "asyncio.Future[None]", turn: TurnContext, grace_seconds: float
) -> None:
    """Wait until the task's work is over, or was cancelled and given its time."""
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Task[None]] = []

    def stop() -> None:
        stopping.append(loop.create_task(_stop(task, over, turn.clock, grace_seconds)))

    unsubscribe = turn.cancel.subscribe(on_this_loop(stop))
    heart = _Heart(loop)
    try:
        await over
    finally:
        heart.end()
        unsubscribe()
        for stopper in stopping:
            stopper.cancel()
        if not task.done():
            held(task)


class _Heart:
    """Lets the loop not sleep on: the interrupt of a kernel (ipykernel 7.4) ends a cell when its loop does something next, and no sooner."""

    __slots__ = ("_beat", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._go_on()

    def _go_on(self) -> None:
        self._beat = self._loop.call_later(_HEARTBEAT_SECONDS, self._go_on)

    def end(self) -> None:
        """Let the loop sleep."""
        self._beat.cancel()


async def _stop(task: "asyncio.Future[T]", over: "asyncio.Future[None]", clock: Clock, grace_seconds: float) -> None:
    if grace_seconds:
        await clock.sleep(grace_seconds)
    task.cancel()
    await clock.sleep(_STOP_SECONDS)
    if not over.done():
        over.set_result(None)
