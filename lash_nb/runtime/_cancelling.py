"""Awaiting work that a turn's cancellation may end, whether the work listens or not."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from lash_nb.clock import CancellationToken, Clock
from lash_nb.tasks import brought_out, carried, on_this_loop

__all__ = ["TurnCancelledError", "ended_or_cancelled", "settling", "until_cancelled"]

T = TypeVar("T")

_STOP_SECONDS: Final = 0.05
"""How long work that was cancelled is waited for before it is left to itself."""

_LEFT: Final[set["asyncio.Future[Any]"]] = set()
"""Work that did not stop when it was told to; held so that it is not lost in the middle."""


class TurnCancelledError(Exception):
    """What was awaited was cancelled."""


async def until_cancelled(
    work: Coroutine[Any, Any, T], cancel: CancellationToken, clock: Clock, *, grace_seconds: float = 0
) -> T:
    """Await `work`; once the token is cancelled give it `grace_seconds` to end by itself, then stop it, then leave it.

    Work for a token that is cancelled already is not begun.

    Raises:
        TurnCancelledError: the work has no result.
    """
    if cancel.cancelled:
        work.close()  # it was never begun
        raise TurnCancelledError
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    task = loop.create_task(settling(work, over))

    def ended(_: object) -> None:
        work.close()  # a task that is cancelled before it begins has not touched it
        if not over.done():
            over.set_result(None)

    task.add_done_callback(ended)
    return await ended_or_cancelled(task, over, cancel, clock, grace_seconds=grace_seconds)


async def ended_or_cancelled(
    task: "asyncio.Task[T]",
    over: "asyncio.Future[None]",
    cancel: CancellationToken,
    clock: Clock,
    *,
    grace_seconds: float,
) -> T:
    """Await a task of `settling` work; what is cancelled and raised is as in `until_cancelled`."""
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Task[None]] = []

    def stop() -> None:
        stopping.append(loop.create_task(_stop(task, over, clock, grace_seconds)))

    unsubscribe = cancel.subscribe(on_this_loop(stop))
    try:
        await over
    except asyncio.CancelledError:  # the turn itself is aborted: nothing that it began goes on behind its back
        task.cancel()
        await asyncio.wait({task}, timeout=_STOP_SECONDS)
        raise
    finally:
        unsubscribe()
        for stopper in stopping:
            stopper.cancel()
        if not task.done():
            _leave(task)
    if not task.done() or (task.cancelled() and cancel.cancelled):
        raise TurnCancelledError
    error = brought_out(task.exception())
    if error is not None:
        raise error
    return task.result()


async def settling(work: Coroutine[Any, Any, T], over: "asyncio.Future[None]") -> T:
    """Do the work; who waits for its end learns of it in the same round of the loop."""
    try:
        return await carried(work)
    finally:
        if not over.done():
            over.set_result(None)


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
