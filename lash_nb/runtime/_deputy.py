"""Work that is begun at once: what never waits needs no task of its own, which costs more than most tools do.

Python 3.12 calls such tasks eager. Here a task stands ready: work begins in its name, in the midst of whoever waits for it, and only what has
to wait is handed over. So `asyncio.current_task()` is the same from the first step to the last, as timeouts and task groups need it.
"""

import asyncio
import types
from asyncio.tasks import _enter_task, _leave_task  # the way in for tasks of one's own: asyncio's page "Extending"
from collections.abc import Coroutine, Generator
from contextvars import Context, copy_context
from functools import partial
from typing import Any, TypeVar, cast

from lash_nb.clock import CancellationToken, Clock
from lash_nb.runtime._cancelling import TurnCancelledError, ended_or_cancelled, settling

__all__ = ["Deputies"]

T = TypeVar("T")


class Deputies:
    """Does the work of a turn, one after the other; a deputy is used up by work that waits, and serves all work that does not."""

    def __init__(self) -> None:
        self._idle: _Deputy | None = None

    async def until_cancelled(
        self, work: Coroutine[Any, Any, T], cancel: CancellationToken, clock: Clock, *, grace_seconds: float = 0
    ) -> T:
        """Await `work`, as `until_cancelled` does it.

        Raises:
            TurnCancelledError: the work has no result.
        """
        deputy, self._idle = self._idle or _Deputy(), None
        try:
            await asyncio.sleep(0)  # whatever else the loop has to do comes between two calls
            while not deputy.stands_ready:  # who cancelled it meant the work before
                deputy = _Deputy()
                await asyncio.sleep(0)
        except BaseException:
            work.close()  # it was never begun
            deputy.let_go()
            raise
        if cancel.cancelled:
            work.close()
            deputy.let_go()
            raise TurnCancelledError
        try:
            waits_for, inside = deputy.begin(work)
        except StopIteration as ended:
            self._idle = deputy
            await _heard()
            return ended.value  # type: ignore[no-any-return]  # what the work returned
        except BaseException as error:
            deputy.let_go()
            await _heard()
            if isinstance(error, asyncio.CancelledError) and cancel.cancelled:
                raise TurnCancelledError from error
            raise
        over = asyncio.get_running_loop().create_future()
        deputy.take_over(settling(_rest(work, inside, waits_for), over))
        return await ended_or_cancelled(deputy.task, over, cancel, clock, grace_seconds=grace_seconds)

    def let_go(self) -> None:
        """End the task that stands ready."""
        deputy, self._idle = self._idle, None
        if deputy is not None:
            deputy.let_go()


async def _heard() -> None:
    """Let in who cancelled the task that waits, be it the work itself: what the work gave does not count then."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        await asyncio.sleep(0)


class _Deputy:
    """A task that stands ready."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._called: asyncio.Future[None] = loop.create_future()
        self._rest: Coroutine[Any, Any, Any] | None = None
        self.task = loop.create_task(self._finish())

    @property
    def stands_ready(self) -> bool:
        """Whether it was neither called nor cancelled; one that takes its cancellation back has ended all the same."""
        return not (self._called.done() or self.task.done())

    def begin(self, work: Coroutine[Any, Any, Any]) -> tuple[Any, Context]:
        """Do the first step in this task's name; return what the work waits for, and its context.

        Raises:
            StopIteration: the work is over, with what it returned.
            CancelledError: it is over, and cancelled the task that it had.
        """
        loop, here, inside = self.task.get_loop(), cast("asyncio.Task[Any]", asyncio.current_task()), copy_context()
        _leave_task(loop, here)
        _enter_task(loop, self.task)
        try:
            return inside.run(work.send, None), inside
        except StopIteration:
            if self._called.done():
                raise asyncio.CancelledError from None
            raise
        finally:
            _leave_task(loop, self.task)
            _enter_task(loop, here)

    def take_over(self, rest: Coroutine[Any, Any, Any]) -> None:
        """Go on with the work."""
        self._rest = rest
        if self.task.done():  # it was cancelled while the first step ran a loop within the loop, as notebooks do
            loop = self.task.get_loop()
            self.task = loop.create_task(rest)
            loop.call_soon(self.task.cancel)
        self.let_go()

    def let_go(self) -> None:
        """Stand ready no longer."""
        if not self._called.done():
            self._called.set_result(None)

    async def _finish(self) -> Any:
        try:
            await self._called
        except asyncio.CancelledError as told:
            if self._rest is None:
                raise
            self.task.uncancel()  # or the one cancellation would count twice
            self.task.cancel(*told.args)  # it was told before it took over, and what it takes over has to hear of it
        return None if self._rest is None else await self._rest


@types.coroutine
def _rest(work: Coroutine[Any, Any, T], inside: Context, waits_for: Any) -> Generator[Any, Any, T]:
    """Go on with work that waits, in its own context."""
    while True:
        try:
            yield waits_for
        except BaseException as error:  # noqa: BLE001 - it is the work's
            step = partial(work.throw, error)
        else:
            step = partial(work.send, None)
        try:
            waits_for = inside.run(step)
        except StopIteration as ended:
            return ended.value  # type: ignore[no-any-return]  # what the work returned
