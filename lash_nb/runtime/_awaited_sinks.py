"""Listeners of a turn that are coroutine functions: they are awaited one after the other, beside the turn, which is not over before they are."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Coroutine
from inspect import iscoroutine
from typing import Any, Final

from lash_nb.clock import CancellationToken
from lash_nb.runtime._writer import Writer
from lash_nb.tasks import brought_out, carrying, held, is_being_cancelled, on_this_loop

__all__ = ["AwaitedSinks", "report"]

_LAST_SECONDS: Final = 0.05
"""How long listeners of a cancelled turn, and those that are broken off, are waited for before they are left to themselves."""


class AwaitedSinks:
    """What listeners returned to be awaited, in the order in which they were told."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._waiting: deque[Awaitable[object]] = deque()
        self._is_hearing = False
        """Stays so when an interrupt ended it: nothing more is awaited then."""
        self._task: asyncio.Task[None] | None = None

    def add(self, heard: Awaitable[object]) -> None:
        """Await this after what waits already."""
        self._waiting.append(heard)
        if not self._is_hearing:
            self._is_hearing = True  # before it begins: a loop may let a task begin at once
            self._task = self._writer.inside(_begun, self._hear())

    async def settled(self, cancel: CancellationToken) -> None:
        """Wait until all have been awaited; once the turn is cancelled only for a moment. Who gives up meanwhile breaks off the rest.

        Raises:
            KeyboardInterrupt, SystemExit: a listener raised it.
        """
        task = self._task
        if task is None:
            return
        try:
            await self._heard(task, cancel)
        except asyncio.CancelledError:
            await _last_moment(task)
            raise
        await _last_moment(task)
        error = brought_out(task.exception()) if task.done() and not task.cancelled() else None
        if error is not None:
            raise error

    def break_off(self) -> None:
        """Await nothing more."""
        if self._task is not None and not self._task.cancelling():
            self._task.cancel()  # once: what a listener does at its end is left to it
        while self._waiting:
            left = self._waiting.popleft()
            if iscoroutine(left):
                left.close()

    async def _heard(self, task: "asyncio.Task[None]", cancel: CancellationToken) -> None:
        cancelled = asyncio.get_running_loop().create_future()
        unsubscribe = cancel.subscribe(on_this_loop(lambda: None if cancelled.done() else cancelled.set_result(None)))
        try:
            if not task.cancelling():
                await asyncio.wait({task, cancelled}, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait({task}, timeout=_LAST_SECONDS)
        finally:
            unsubscribe()
            self.break_off()

    async def _hear(self) -> None:
        while self._waiting:
            try:
                await self._waiting.popleft()
            except asyncio.CancelledError as error:
                if is_being_cancelled():
                    raise
                report(error)
            except (KeyboardInterrupt, SystemExit) as error:
                raise carrying(error) from None
            except Exception as error:  # noqa: BLE001 - whatever a listener raises, others wait for their turn
                report(error)
        self._is_hearing = False


def report(error: BaseException) -> None:
    """Let the loop's exception handler hear of a listener that raised; the turn goes on."""
    told = {"message": f"a listener of a turn raised {type(error).__name__}", "exception": error}
    asyncio.get_running_loop().call_exception_handler(told)


def _begun(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    return held(asyncio.ensure_future(work))


async def _last_moment(task: "asyncio.Task[None]") -> None:
    await asyncio.wait({task}, timeout=_LAST_SECONDS)
