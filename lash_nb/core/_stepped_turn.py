"""One turn of a stepper: what a cell shows of it stays that turn, whatever the session does next."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from lash_nb.core._awaited import AwaitedTurn
from lash_nb.core._running import RunningTurn
from lash_nb.errors import CallerError
from lash_nb.runtime import TurnResult
from lash_nb.wire import AttachmentId, EffectEntry, Json, Message, RuntimeEffectEnvelope, RuntimeEffectOutcome

if TYPE_CHECKING:
    from lash_nb.core._stepper import Stepper

__all__ = ["SteppedTurn"]


class SteppedTurn:
    """The stepper itself while the turn is under way; then what that turn was: its effects, what the model knew, its result.

    Attributes:
        turn: The turn.
    """

    def __init__(self, stepper: "Stepper", turn: RunningTurn | AwaitedTurn) -> None:
        self.turn = turn
        self._stepper = stepper
        self._first_order = 0 if turn.done else stepper.first_order
        self._entries: Sequence[EffectEntry] = ()
        self._said: Sequence[Message] = ()
        self._stop_at = stepper.stop_at
        self._kept = False
        self._callbacks: dict[Callable[[], None], Callable[[], None]] = {}
        turn.subscribe(self._on_change)

    @property
    def session_id(self) -> str:
        """The session whose turn it is."""
        return self._stepper.session_id

    @property
    def is_kept(self) -> bool:
        """Whether the turn is over, and kept as it was at its end."""
        if self.turn.done and not self._kept:
            self._keep()
        return self._kept

    @property
    def state(self) -> Literal["idle", "running", "paused", "finished"]:
        """What the turn does now."""
        return "finished" if self.is_kept else self._stepper.state

    @property
    def entries(self) -> Sequence[EffectEntry]:
        """The session's effects in order, the pending one last; of a turn that is over its own."""
        return self._entries if self.is_kept else self._stepper.entries

    @property
    def first_order(self) -> int:
        """The order of the turn's first effect."""
        return self._first_order if self.is_kept else self._stepper.first_order

    @property
    def pending(self) -> EffectEntry | None:
        """The effect that waits for a decision."""
        return None if self.is_kept else self._stepper.pending

    @property
    def stop_at(self) -> frozenset[str]:
        """Effect kinds before which it stops, or stopped."""
        return self._stop_at if self.is_kept else self._stepper.stop_at

    @stop_at.setter
    def stop_at(self, kinds: frozenset[str]) -> None:
        self._under_way().stop_at = kinds

    @property
    def result(self) -> TurnResult | None:
        """The result of the turn, once it is over."""
        return self.turn.result

    @property
    def error(self) -> BaseException | None:
        """Why the turn ended without a result."""
        return self.turn.error

    def conversation(self) -> Sequence[Message]:
        """Return what the model knows, or knew at the end of the turn."""
        return self._said if self.is_kept else self._stepper.conversation()

    def tool_schema(self, name: str) -> dict[str, Any] | None:
        """Return the JSON Schema of a tool's arguments; None when there is no such tool."""
        return self._stepper.tool_schema(name)

    def attachment_data(self, attachment_id: AttachmentId) -> bytes:
        """Return the bytes of an attachment.

        Raises:
            AttachmentStoreError: the store does not have it.
        """
        return self._stepper.attachment_data(attachment_id)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` on the loop after each change of the turn, the last time at its end; return what takes it off again."""
        if not self.is_kept:
            self._callbacks[callback] = self._stepper.subscribe(callback)

        def unsubscribe() -> None:
            off = self._callbacks.pop(callback, None)
            if off is not None:
                off()

        return unsubscribe

    async def step(self, edited: RuntimeEffectEnvelope | None = None) -> EffectEntry | TurnResult:
        """Perform the waiting effect, or `edited` in its place, and go on to the next stop."""
        return await self._under_way().step(edited)

    async def continue_(self, to: str | None = None) -> EffectEntry | TurnResult:
        """Perform what waits and go on to the next effect of kind `to`, or to the end."""
        return await self._under_way().continue_(to)

    async def inject(self, outcome: RuntimeEffectOutcome | Json) -> EffectEntry | TurnResult:
        """Answer the waiting effect with `outcome` and go on to the next stop."""
        return await self._under_way().inject(outcome)

    async def cancel(self) -> TurnResult | None:
        """Cancel the turn and return how it ended; one that is over ended already."""
        return self.result if self.is_kept else await self._stepper.cancel()

    def _under_way(self) -> "Stepper":
        if self.is_kept:
            message = f"this turn of {self.session_id} is over; step on in the cell of the one that is under way"
            raise CallerError(message, code="step_nothing_pending")
        return self._stepper

    def _keep(self) -> None:
        """Only its own effects: the journal lets go of old ones, and a page that stays must not hold them."""
        self._kept = True
        self._entries = self._own(self._stepper.entries)
        self._said = tuple(self._stepper.conversation())
        self._stop_at = self._stepper.stop_at

    def _own(self, entries: Sequence[EffectEntry]) -> Sequence[EffectEntry]:
        since = []
        for entry in reversed(entries):
            if entry.order < self._first_order:
                break
            since.append(entry)
        ids = [entry.envelope.invocation.scope.turn_id for entry in reversed(since)]
        own = self.result.turn_id if self.result else next(filter(None, ids), None)
        return [entry for entry, turn_id in zip(reversed(since), ids, strict=True) if turn_id == own]

    def _on_change(self) -> None:
        """Tell of the end when whoever ended it has gone on: a view that cannot be drawn must not reach the turn."""
        if not self.is_kept:
            return
        loop = asyncio.get_running_loop()
        for callback, unsubscribe in self._callbacks.items():
            unsubscribe()
            loop.call_soon(callback)
        self._callbacks.clear()
