"""Input for later, and the turns that take it (lash 0.1.0-alpha.37, facade §5 and §6.5)."""

import asyncio
import logging
from collections.abc import Generator, Iterable, Mapping
from typing import Any, ClassVar, Self

import msgspec

from lash_nb.clock import CancellationToken
from lash_nb.core._attending import attended
from lash_nb.core._handle import SessionHandle
from lash_nb.core._turn_builder import checked_input
from lash_nb.core._unawaited import Unawaited, names_of
from lash_nb.effects import ScopedEffectController
from lash_nb.errors import CallerError
from lash_nb.runtime import ActivitySink, TurnOptions, TurnResult
from lash_nb.tasks import begun_beside, carried
from lash_nb.wire import DeliveryPolicy, QueuedWorkBatch, SlotPolicy, TurnInput

__all__ = ["QueueInputBuilder", "QueuedTurnBuilder"]

_LOG = logging.getLogger(__name__)


class QueueInputBuilder(Unawaited):
    """Input on its way into the queue; every setter returns the builder. `await builder` is `await builder.send()`."""

    _what_to_write: ClassVar[Mapping[str, str]] = {
        **names_of(QueuedWorkBatch, "batch = await session.queue(…)"),
        "image": "give it the input of a turn: session.queue(session.turn('…').image(picture).turn_input)",
    }
    _how_to_read: ClassVar[str] = "write batch = await session.queue(…), then result = await session.next_queued_turn()"

    def __init__(self, handle: SessionHandle, turn_input: TurnInput | str) -> None:
        self._handle = handle
        self._input = checked_input(turn_input)
        self._source_key: str | None = None
        self._delivery_policy: DeliveryPolicy = "after_current_turn_commit"
        self._slot_policy: SlotPolicy = "exclusive"

    def __repr__(self) -> str:
        return (
            "<QueueInputBuilder, an input that is not queued yet: await session.queue(…); .id(…) and others add to it>"
        )

    def __await__(self) -> Generator[Any, None, QueuedWorkBatch]:
        return self.send().__await__()

    def id(self, input_id: str) -> Self:
        """Name the input: while one of this name waits, it is not queued again. Without a name every input is another one."""
        self._source_key = f"host:{input_id}"
        return self

    def delivery_policy(self, policy: DeliveryPolicy) -> Self:
        """Say when it may come in: by itself after the turn that runs, or at the next safe point of that turn, if it may join."""
        self._delivery_policy = policy
        return self

    def slot_policy(self, policy: SlotPolicy) -> Self:
        """Say whether it may share a turn with other input."""
        self._slot_policy = policy
        return self

    async def send(self) -> QueuedWorkBatch:
        """Queue the input and return its batch; does not wait for the turn that runs.

        Raises:
            LashRuntimeError: `store_commit_failed`, there is no store, or it refuses.
            CallerError: `invalid_turn_input`, a picture without bytes; `session_closed`.
        """
        batch = await self._handle.runtime.enqueue_turn_input(
            self._input,
            delivery_policy=self._delivery_policy,
            slot_policy=self._slot_policy,
            source_key=self._source_key,
        )
        self._handle.queued(batch.batch_id, "queued_turn_input")
        return batch


class QueuedTurnBuilder(Unawaited):
    """A turn of queued work; every setter returns the builder. `await builder` is `await builder.run()`."""

    _how_to_read: ClassVar[str] = (
        "write await session.next_queued_turn().stream_to(heard.append), or turn = session.start(session.next_queued_turn())"
        " and look at turn.activities"
    )
    _what_to_write: ClassVar[Mapping[str, str]] = {
        **names_of(TurnResult, "result = await session.next_queued_turn(), which is None when nothing waits"),
        "stream": _how_to_read,
    }

    def __init__(self, handle: SessionHandle, batch_ids: Iterable[str] = ()) -> None:
        self._handle = handle
        self._runtime = handle.runtime
        self._batch_ids = tuple(batch_ids)
        self._options = TurnOptions()

    def __repr__(self) -> str:
        return "<QueuedTurnBuilder, a turn that is not begun, and nothing left the queue: await session.next_queued_turn()>"

    def __await__(self) -> Generator[Any, None, TurnResult | None]:
        return self.run().__await__()

    def batch_ids(self, batch_ids: Iterable[str]) -> Self:
        """Take exactly these batches, in this order, which have to come first; none of them means whatever comes first."""
        self._batch_ids = tuple(batch_ids)
        return self

    @property
    def session_id(self) -> str:
        """The session whose turn it is."""
        return self._runtime.session_id

    @property
    def cancellation(self) -> CancellationToken:
        """What cancels this turn."""
        return self._options.cancel

    def cancel(self, token: CancellationToken) -> Self:
        """Cancel the turn when this token is cancelled."""
        return self._set(cancel=token)

    def effects(self, controller: ScopedEffectController) -> Self:
        """Let the turn's effects be part of this scope; a turn's scope gives it its id."""
        return self._set(controller=controller)

    def drain_id(self, drain_id: str) -> Self:
        """Name the turn and the scope of its effects, so that a durable host goes on with what an earlier process of that name broke off.

        It does so at once, for whoever names it says that the earlier one is over; a finished one has the same result again. Without a name
        the first batch is the name, and the earlier process has to be dead or its lease to end. Another host names the scope so, and nothing else.
        """
        return self._set(drain_id=drain_id)

    def watched_by(self, sink: ActivitySink) -> Self:
        """Send the turn's activities to `sink` too."""
        return self._set(activities=(*self._options.activities, sink))

    def run_beside(self) -> "asyncio.Task[TurnResult]":
        """Run the turn as a task that nobody has to wait for; it fails with `queue_empty` when there is no input for it."""
        return begun_beside(carried(self._run_or_fail()), self._runtime.writer.outside())

    def refuse_waiting(self) -> None:
        """Raise where waiting for this turn, which was begun, would never end.

        Raises:
            CallerError: `turn_inside_turn`, a turn of the same session waits for whoever asks.
        """
        self._runtime.writer.refuse_waiting()

    async def _run_or_fail(self) -> TurnResult:
        result = await self._attended()
        if result is None:
            why = await self._why_none() or "no input waits in it; commands that waited are done"
            raise CallerError(f"queue of session {self._runtime.session_id}: {why}", code="queue_empty")
        return result

    async def run(self) -> TurnResult | None:
        """Run the turn; None when there was nothing to run, or a command came first, one at each call.

        None, too, while another process has a turn of this queue, whose next one may run once that is over: whoever drains a queue beside
        others asks again while `queued_work()` or the store's `list_queued_work()` has something. And None when the queue would give anything
        else than the batches that were named: nothing passes what comes first. The log says why.

        Raises:
            LashRuntimeError: the turn ended without a result; its input is in the queue again.
        """
        result = await self._attended()
        if result is None and self._batch_ids and (why := await self._why_none()):
            _LOG.warning("no turn was run on session %s: %s", self._runtime.session_id, why)
        return result

    async def _why_none(self) -> str:
        """Say why the batches that were named, or any, were not run; nothing when none wait, or nothing can be queued."""
        if self._runtime.store is None:
            return ""
        return await self._runtime.why_not_next(self._batch_ids)

    async def _attended(self) -> TurnResult | None:
        return await attended(self._handle.pauses, self._options.cancel, self._run())

    async def _run(self) -> TurnResult | None:
        with self._handle.turning(self._options.cancel) as turn:
            turn.result = await self._runtime.stream_next_queued_turn(self._options, self._batch_ids)
        return turn.result

    async def stream_to(self, sink: ActivitySink) -> TurnResult | None:
        """Run the turn and send its activities to `sink` as they happen. Errors as in `run`."""
        return await self.watched_by(sink).run()

    def _set(self, **changes: Any) -> Self:
        self._options = msgspec.structs.replace(self._options, **changes)
        return self
