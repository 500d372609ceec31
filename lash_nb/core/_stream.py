"""The activities of a turn, for whoever reads them while it runs: the reader begins the turn, and leaving the loop ends it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self, TypeAlias

from lash_nb.clock import CancellationToken
from lash_nb.core._attending import GOES_ON, WAS_CANCELLED
from lash_nb.errors import CallerError
from lash_nb.runtime import ActivitySink, LashRuntime, TurnResult
from lash_nb.tasks import brought_out, carried, held, own_copy, telling
from lash_nb.wire import TurnActivity

__all__ = ["TurnStream"]

_Run: TypeAlias = Callable[[ActivitySink], Coroutine[Any, Any, TurnResult]]
"""Runs a turn and tells its activities."""

_READ: Final = "`async for activity in session.turn(…).stream():`"
_LAST_SECONDS: Final = 0.5
"""How long who was cancelled in the loop waits for the end of the turn, which may stand behind another one."""


class TurnStream:
    """The activities of one turn as they happen: `async for activity in session.turn("…").stream():`.

    An activity says what happened in its `event` (`lash_nb.wire.TurnEvent`). The text as it comes, and then the whole result:

        stream = session.turn("…").stream()
        async for activity in stream:
            if isinstance(activity.event, lash_nb.wire.AssistantProseDelta):
                print(activity.event.text, end="", flush=True)
        result = await stream.result()

    The turn begins when somebody first reads or asks for the result, and not before. At the end the loop raises what the turn raises;
    `await stream.result()` is the whole result.

    Who leaves the loop early ends the turn, be it by `break`, `return`, an error, a time limit or Ctrl-C: the turn is cancelled, what was said
    before is kept, and the session takes the next turn. So does the end of `async with session.turn("…").stream() as stream:`. To read a part
    and let the turn go on, read with `next_activity`, which only reads; a turn that needs no reader is begun with `session.start("…")`.
    """

    def __init__(self, run: _Run, cancellation: CancellationToken, runtime: LashRuntime) -> None:
        self._run = run
        self._cancellation = cancellation
        self._runtime = runtime
        self._queue: asyncio.Queue[TurnActivity | None] = asyncio.Queue()
        self._task: asyncio.Task[TurnResult] | None = None

    def __repr__(self) -> str:
        if self._task is None:
            return f"TurnStream(not begun: write {_READ})"
        return f"TurnStream({'over' if self._task.done() else 'running'})"

    if not TYPE_CHECKING:  # who checks types is told by them

        def __iter__(self) -> NoReturn:
            raise CallerError(f"activities are waited for: write {_READ}")

        def __await__(self) -> NoReturn:
            raise CallerError(
                f"a stream is read, not awaited: write {_READ}, or result = await session.turn(…) for the result alone"
            )

    async def __aenter__(self) -> Self:
        """Begin the turn. Errors as in `result`, of which none is the turn's own."""
        self._begun()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __aiter__(self) -> "AsyncIterator[TurnActivity]":
        """Return what reads to the end; the turn is cancelled when that is dropped before."""
        return _Loop(self)

    async def __anext__(self) -> TurnActivity:
        """Return the next activity, as `next_activity` does, and raise at the end what a loop does."""
        item = await self.next_activity()
        if item is not None:
            return item
        await self.result()
        raise StopAsyncIteration

    async def next_activity(self) -> TurnActivity | None:
        """Wait for the next activity; None when the turn is over, again and again. Who gives up waiting leaves the turn alone.

        Raises:
            CallerError: `turn_inside_turn`, there is none yet, and the turn waits for whoever waits here.
        """
        if self._queue.empty():
            self._begun()
        try:
            item = await self._queue.get()
        except asyncio.CancelledError as error:
            raise telling(error, GOES_ON) from None
        if item is None:
            self._queue.put_nowait(None)
        return item

    async def result(self) -> TurnResult:
        """Wait for the end of the turn and return its result. Errors as in `TurnBuilder.run`, to each who waits one of its own.

        Raises:
            CallerError: `turn_inside_turn`, the turn waits for whoever waits here.
        """
        task = self._begun()
        try:
            if not task.done():  # its loop may be closed since, and then nobody is told
                await asyncio.wait([task])
        except asyncio.CancelledError as error:
            raise telling(error, GOES_ON) from None
        raised = brought_out(None if task.cancelled() else task.exception())
        if raised is not None:
            raise own_copy(raised)
        return task.result()

    async def aclose(self) -> None:
        """Cancel the turn and wait until it is over; one that is over stays as it is, one that was not begun is over at its beginning."""
        if self.leave():
            await self.over()

    def leave(self) -> bool:
        """Cancel the turn without waiting; return whether it was not over here: one that Ctrl-C paused goes on from other cells."""
        if self._task is not None and (self._task.done() or self._task.get_loop().is_closed()):
            return False
        self._cancellation.cancel()
        return True

    async def over(self, seconds: float | None = None) -> None:
        """Wait until the turn is over, if it was begun, so many seconds at most."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=seconds)

    def _begun(self) -> "asyncio.Task[TurnResult]":
        """Return the turn, whose end can be waited for here; begin it if nobody has."""
        if self._task is None:
            self._runtime.writer.refuse_turn()
            self._task = held(asyncio.ensure_future(carried(self._run(self._queue.put_nowait))))
            self._task.add_done_callback(lambda _: self._queue.put_nowait(None))
        elif not self._task.done():
            self._runtime.writer.refuse_waiting()
        return self._task


class _Loop:
    """One `async for` over a stream: the loop alone holds it, so that it is dropped in the moment in which the loop is left."""

    def __init__(self, stream: TurnStream) -> None:
        self._stream = stream
        self._is_reading = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> TurnActivity:
        self._is_reading = True
        try:
            return await anext(self._stream)
        except asyncio.CancelledError as error:
            if self._stream.leave():
                await self._stream.over(_LAST_SECONDS)
                telling(error, WAS_CANCELLED)
            raise
        except Exception:  # the end of the turn, or whoever loops is refused: there is nothing to leave
            self._is_reading = False
            raise

    def __del__(self) -> None:
        if self._is_reading:
            self._stream.leave()
