"""A turn that runs as a task beside whoever started it."""

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, ClassVar

from lash_nb.core._attending import WAS_STOPPED, goes_on
from lash_nb.core._queue_builders import QueuedTurnBuilder
from lash_nb.core._turn_builder import TurnBuilder
from lash_nb.core._unawaited import Unawaited, names_of
from lash_nb.runtime import TurnResult
from lash_nb.tasks import brought_out, held, own_copy, telling
from lash_nb.wire import TurnActivity
from lash_nb.words import legible

__all__ = ["RunningTurn"]


class RunningTurn(Unawaited):
    """Watch it, wait for it, cancel it; it runs on whether anybody does. `await turn` is `await turn.wait()`."""

    _what_to_write: ClassVar[Mapping[str, str]] = names_of(TurnResult, "result = await turn")
    _how_to_read: ClassVar[str] = (
        "look at turn.activities, hear of each with turn.subscribe(…), or begin it with `async for activity in session.turn(…).stream():`"
    )

    def __init__(self, builder: TurnBuilder | QueuedTurnBuilder) -> None:
        self._activities: list[TurnActivity] = []
        self._callbacks: list[Callable[[], None]] = []
        self.cancellation = builder.cancellation
        self._session_id = builder.session_id
        self._refuse_waiting = builder.refuse_waiting
        self._task = held(builder.watched_by(self._on_activity).run_beside())
        self._task.add_done_callback(lambda _: self._notify())

    def __repr__(self) -> str:
        if not self.done:
            how = "runs: await ….wait() for its result, .activities so far"
        else:
            how = "over: see .result" if self.result else "over without a result: see .error"
        return f"<RunningTurn of session {legible(self._session_id, 60)}, {how}>"

    def __await__(self) -> Generator[Any, None, TurnResult]:
        return self.wait().__await__()

    @property
    def done(self) -> bool:
        """Whether the turn is over."""
        return self._task.done()

    @property
    def activities(self) -> Sequence[TurnActivity]:
        """What happened so far."""
        return self._activities

    @property
    def result(self) -> TurnResult | None:
        """The result, once the turn is over and has one; None while it runs, so await the turn first."""
        if not self._task.done() or self._task.cancelled() or self._task.exception():
            return None
        return self._task.result()

    @property
    def error(self) -> BaseException | None:
        """Why the turn has no result, once it is over."""
        if not self._task.done():
            return None
        if self._task.cancelled():
            return telling(asyncio.CancelledError(), WAS_STOPPED)
        return brought_out(self._task.exception())

    async def wait(self) -> TurnResult:
        """Wait for the end; cancelling the waiting does not cancel the turn. To each who waits an error is its own.

        Raises:
            LashRuntimeError: the turn ended without a result.
            CallerError: `turn_inside_turn`, the turn that is under way waits for whoever waits here; `queue_empty`, there was no
                queued input for it.
        """
        if not self.done:
            self._refuse_waiting()
        try:
            await self.settled()
        except asyncio.CancelledError as error:
            raise telling(error, goes_on(self._session_id)) from None
        if self.error is not None:
            raise own_copy(self.error)
        return self._task.result()

    async def settled(self) -> None:
        """Wait for the end, however the turn ends."""
        await asyncio.wait([self._task])

    def cancel(self) -> None:
        """End the turn the orderly way: what runs is told, the outcome is `cancelled`, and it is committed."""
        self.cancellation.cancel()

    def abort(self) -> None:
        """Stop the turn where it is; what is not committed is lost."""
        self._task.cancel()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` after each activity and at the end; return what takes it off again."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback) if callback in self._callbacks else None

    def _on_activity(self, item: TurnActivity) -> None:
        self._activities.append(item)
        self._notify()

    def _notify(self) -> None:
        for callback in list(self._callbacks):
            callback()
