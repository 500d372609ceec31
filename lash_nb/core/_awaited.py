"""A turn that is awaited where it was begun, for others: who steps through it, or wants to know how it ends."""

import asyncio
from collections.abc import Callable

from lash_nb.clock import CancellationToken
from lash_nb.errors import CallerError
from lash_nb.runtime import TurnResult

__all__ = ["AwaitedTurn"]


class AwaitedTurn:
    """Wait for it beside whoever awaits it, and cancel it.

    Attributes:
        cancellation: Cancels it.
        result: What it gave; None until then, and when there was nothing to run.
        error: Why it gave nothing.
    """

    def __init__(self, cancellation: CancellationToken) -> None:
        self.cancellation = cancellation
        self.result: TurnResult | None = None
        self.error: BaseException | None = None
        self._over = asyncio.Event()
        self._callbacks: list[Callable[[], None]] = []

    @property
    def done(self) -> bool:
        """Whether the turn is over."""
        return self._over.is_set()

    async def wait(self) -> TurnResult:
        """Wait for the end. Errors as whoever awaits the turn gets them.

        Raises:
            CallerError: `queue_empty`, there was nothing to run.
        """
        await self.settled()
        if self.error is not None:
            raise self.error
        if self.result is None:
            raise CallerError("no turn was run: no input for it waited in the queue", code="queue_empty")
        return self.result

    async def settled(self) -> None:
        """Wait for the end, however the turn ends."""
        await self._over.wait()

    def cancel(self) -> None:
        """End the turn the orderly way: what runs is told, the outcome is `cancelled`, and it is committed."""
        self.cancellation.cancel()

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Call `callback` at the end."""
        self._callbacks.append(callback)

    def end(self) -> None:
        """Say that it is over."""
        self._over.set()
        for callback in self._callbacks:
            callback()
