"""How work within a task ends: who cancelled it, from which thread, and an interrupt or an exit on its way to whoever waits."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

__all__ = ["brought_out", "carried", "is_being_cancelled", "let_out", "on_this_loop"]

T = TypeVar("T")


def is_being_cancelled() -> bool:
    """Tell whether somebody cancels the current task: without that, a `CancelledError` comes from what the task awaited."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def on_this_loop(call: Callable[[], object]) -> Callable[[], None]:
    """Return what makes the call on the loop that runs now: at once from there, and soon from any other thread, which alone would not wake it."""
    loop, thread = asyncio.get_running_loop(), threading.get_ident()

    def made() -> None:
        if threading.get_ident() == thread:
            call()
        else:
            loop.call_soon_threadsafe(call)

    return made


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
    raise _CarriedError(ended)


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
