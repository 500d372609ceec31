"""Listeners of a turn that are coroutine functions: they are awaited one after the other, beside the turn, which is not over before they are."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Coroutine
from inspect import iscoroutine
from typing import Any

from lash_nb.runtime._writer import Writer
from lash_nb.tasks import carried, is_being_cancelled, let_out

__all__ = ["AwaitedSinks", "report"]


class AwaitedSinks:
    """What listeners returned to be awaited, in the order in which they were told."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._waiting: deque[Awaitable[object]] = deque()
        self._task: asyncio.Task[None] | None = None

    def add(self, heard: Awaitable[object]) -> None:
        """Await this after what waits already."""
        self._waiting.append(heard)
        if self._task is None or self._task.done():
            self._task = self._writer.inside(_begun, carried(self._hear()))

    async def settled(self) -> None:
        """Wait until all have been awaited; who is cancelled meanwhile breaks off the rest."""
        if self._task is None:
            return
        try:
            await let_out(self._task)
        except asyncio.CancelledError:
            self.break_off()
            raise

    def break_off(self) -> None:
        """Await nothing more."""
        if self._task is not None:
            self._task.cancel()
        while self._waiting:
            left = self._waiting.popleft()
            if iscoroutine(left):
                left.close()

    async def _hear(self) -> None:
        while self._waiting:
            try:
                await self._waiting.popleft()
            except asyncio.CancelledError as error:
                if is_being_cancelled():
                    raise
                report(error)
            except Exception as error:  # noqa: BLE001 - whatever a listener raises, others wait for their turn
                report(error)


def report(error: BaseException) -> None:
    """Let the loop's exception handler hear of a listener that raised; the turn goes on."""
    told = {"message": f"a listener of a turn raised {type(error).__name__}", "exception": error}
    asyncio.get_running_loop().call_exception_handler(told)


def _begun(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    return asyncio.ensure_future(work)
