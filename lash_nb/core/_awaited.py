"""A turn that is awaited where it was begun, for others: who steps through it, or wants to know how it ends."""

import asyncio
from collections.abc import Callable

from lash_nb.clock import CancellationToken
from lash_nb.errors import CallerError
from lash_nb.runtime import TurnResult
from lash_nb.tasks import own_copy

__all__ = ["AwaitedTurn"]


class AwaitedTurn:
    """Wait for it beside whoever awaits it, and cancel it.

    Attributes:
        cancellation: Cancels it.
        result: What it gave; None until then, and when there was nothing to run.
        error: Why it gave nothing.
        done: Whether the turn is over.
    """

    def __init__(self, cancellation: CancellationToken) -> None:
        self.cancellation = cancellation
        self.result: TurnResult | None = None
        self.error: BaseException | None = None
        self.done = False
        self._over: asyncio.Event | None = None
        """Wakes those who wait; of most turns nobody waits here."""
        self._callbacks: list[Callable[[], None]] = []

    async def wait(self) -> TurnResult:
        """Wait for the end. Errors as whoever awaits the turn gets them, to each who waits one of its own.

        Raises:
            CallerError: `queue_empty`, there was nothing to run.
        """
        await self.settled()
        if self.error is not None:
            raise own_copy(self.error)
        if self.result is None:
            raise CallerError("no turn was run: no input for it waited in the queue", code="queue_empty")
        return self.result

    async def settled(self) -> None:
        """Wait for the end, however the turn ends."""
        if self.done:
            return
        if self._over is None:
            self._over = asyncio.Event()
        await self._over.wait()

    def cancel(self) -> None:
        """End the turn the orderly way: what runs is told, the outcome is `cancelled`, and it is committed."""
        self.cancellation.cancel()

    def abort(self) -> None:
        """Leave it to whoever awaits it: its task is theirs."""

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Call `callback` at the end."""
        self._callbacks.append(callback)

    def end(self) -> None:
        """Say that it is over."""
        self.done = True
        if self._over is not None:
            self._over.set()
        for callback in self._callbacks:
            callback()
