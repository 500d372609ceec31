"""Awaiting work that a turn's cancellation may end, whether the work listens or not."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from lash_nb.clock import Clock
from lash_nb.runtime._context import TurnContext
from lash_nb.tasks import brought_out, carried, on_this_loop

__all__ = ["TurnCancelledError", "until_cancelled"]

T = TypeVar("T")

_STOP_SECONDS: Final = 0.05
"""How long work that was cancelled is waited for before it is left to itself."""

_LEFT: Final[set["asyncio.Future[Any]"]] = set()
"""Work that did not stop when it was told to; held so that it is not lost in the middle."""


class TurnCancelledError(Exception):
    """What was awaited was cancelled."""


async def until_cancelled(work: Coroutine[Any, Any, T], turn: TurnContext, *, grace_seconds: float = 0) -> T:
    """Await work of a turn in a task of its own; once the turn is cancelled give it `grace_seconds` to end by itself, then stop it, then leave it.

    Whatever else the loop has to do comes first. Work that nobody wants any more by then is not begun.

    Raises:
        TurnCancelledError: the work has no result.
    """
    cancel = turn.cancel
    if cancel.cancelled:
        work.close()  # it was never begun
        raise TurnCancelledError
    loop = asyncio.get_running_loop()
    over, waiting = loop.create_future(), asyncio.current_task()
    told = waiting.cancelling() if waiting else 0

    async def begun() -> T:
        if cancel.cancelled or (waiting and waiting.cancelling() > told):
            raise asyncio.CancelledError
        try:
            return await carried(work)
        finally:  # who waits for the end learns of it in the same round of the loop
            _settle(over)

    task = loop.create_task(begun(), context=turn.writer.inside())
    try:
        await asyncio.sleep(0)  # the task's first step comes before: work that never waits is over then
        if not task.done():
            await _ended_or_stopped(task, over, turn, grace_seconds)
    except asyncio.CancelledError:  # the turn itself is aborted: nothing that it began goes on behind its back
        _leave(task)
        task.cancel()
        await asyncio.wait({task}, timeout=_STOP_SECONDS)
        raise
    finally:
        if task.done():
            work.close()  # a task that is cancelled before its first step has not touched it
    if not task.done() or (task.cancelled() and cancel.cancelled):
        raise TurnCancelledError
    error = brought_out(task.exception())
    if error is not None:
        raise error
    return task.result()


async def _ended_or_stopped(
    task: "asyncio.Task[Any]", over: "asyncio.Future[None]", turn: TurnContext, grace_seconds: float
) -> None:
    """Wait until the task's work is over, or was cancelled and given its time."""
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Task[None]] = []

    def stop() -> None:
        stopping.append(loop.create_task(_stop(task, over, turn.clock, grace_seconds)))

    unsubscribe = turn.cancel.subscribe(on_this_loop(stop))
    try:
        await over
    finally:
        unsubscribe()
        for stopper in stopping:
            stopper.cancel()
        if not task.done():
            _leave(task)


async def _stop(task: "asyncio.Future[T]", over: "asyncio.Future[None]", clock: Clock, grace_seconds: float) -> None:
    if grace_seconds:
        await clock.sleep(grace_seconds)
    task.cancel()
    await clock.sleep(_STOP_SECONDS)
    _settle(over)


def _settle(over: "asyncio.Future[None]") -> None:
    if not over.done():
        over.set_result(None)


def _leave(task: "asyncio.Future[Any]") -> None:
    _LEFT.add(task)
    task.add_done_callback(_forget)


def _forget(task: "asyncio.Future[Any]") -> None:
    _LEFT.discard(task)
    if not task.cancelled():
        task.exception()  # nobody is left to hear of it
