"""Steps through the turns of a session: what a stepper view, a magic and a program drive alike."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, TypeAlias, overload

from lash_nb.core._attending import attended, goes_on
from lash_nb.core._awaited import AwaitedTurn
from lash_nb.core._handle import SessionHandle
from lash_nb.core._queue_builders import QueuedTurnBuilder
from lash_nb.core._running import RunningTurn
from lash_nb.core._stepped_turn import SteppedTurn
from lash_nb.core._turn_builder import TurnBuilder
from lash_nb.effects import EffectEntries
from lash_nb.errors import CallerError
from lash_nb.runtime import TurnResult
from lash_nb.tasks import telling
from lash_nb.wire import (
    AttachmentId,
    EffectEntry,
    Json,
    Message,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    TurnInput,
    Wire,
    outcome_from,
)

__all__ = ["Stepper"]

Startable: TypeAlias = TurnInput | str | TurnBuilder | QueuedTurnBuilder
"""What a stepped turn begins with."""

_INSIDE: Final = (
    "cannot wait for the next stop of that turn, which comes after it; step through the turn where it was begun"
)
_STEP_ON: Final = "step on, continue or cancel it first"


class Stepper:
    """One session, one effect at a time; every waiting returns at the next stop or at the end of the turn.

    It follows the turn that was started last, whoever started it, and one that is awaited where it was begun when no other is under way.
    """

    def __init__(self, handle: SessionHandle, start: Callable[[Startable], RunningTurn]) -> None:
        self._handle = handle
        self._runtime = runtime = handle.runtime
        self._start = start
        self._control = runtime.effect_host.control
        self._turn: RunningTurn | AwaitedTurn | None = None
        self._stepped: SteppedTurn | None = None
        self._first_order = 1
        handle.on_awaited = self._follow
        handle.on_over = self._on_over
        handle.pauses = self

    @property
    def session_id(self) -> str:
        """The session whose turns are stepped through."""
        return self._runtime.state.session_id

    @property
    def running(self) -> RunningTurn | None:
        """The turn that is followed, when it runs beside whoever started it."""
        return self._turn if isinstance(self._turn, RunningTurn) else None

    @property
    def turn(self) -> "SteppedTurn | Stepper":
        """The turn that is followed, for a view that stays with it when the session goes on; the stepper itself when there is none."""
        if self._turn is None:
            return self
        if self._stepped is None or self._stepped.turn is not self._turn:
            self._stepped = SteppedTurn(self, self._turn)
        return self._stepped

    @property
    def is_kept(self) -> bool:
        """Never: it goes on with the next turn."""
        return False

    @property
    def state(self) -> Literal["idle", "running", "paused", "finished"]:
        """What the turn does now; `idle` when none was begun."""
        if self._control.pending is not None:
            return "paused"
        if self._turn is None:
            return "idle"
        return "finished" if self._turn.done else "running"

    @property
    def armed(self) -> bool:
        """Whether the session is in step mode: turns stop before their effects."""
        return self._control.armed

    @property
    def entries(self) -> EffectEntries:
        """The session's effects in order, the pending one last."""
        pending = self.pending
        return self._runtime.journal.entries if pending is None else _Appended(self._runtime.journal.entries, pending)

    @property
    def first_order(self) -> int:
        """The order that the first effect behind the turns that are over has, or will have."""
        return self._first_order

    @property
    def pending(self) -> EffectEntry | None:
        """The effect that waits for a decision."""
        waiting = self._control.pending
        return None if waiting is None else waiting.as_entry(self._runtime.journal.next_order)

    @property
    def stop_at(self) -> frozenset[str]:
        """Effect kinds before which a stepped turn stops."""
        return self._control.stop_at

    @stop_at.setter
    def stop_at(self, kinds: frozenset[str]) -> None:
        self._control.stop_at = kinds

    @property
    def result(self) -> TurnResult | None:
        """The result of the turn that is followed, once it is over."""
        return self._turn.result if self._turn else None

    @property
    def error(self) -> BaseException | None:
        """Why the turn that is followed ended without a result."""
        return self._turn.error if self._turn else None

    def conversation(self) -> Sequence[Message]:
        """Return what the model knows at this moment."""
        return self._runtime.conversation()

    def tool_schema(self, name: str) -> dict[str, Any] | None:
        """Return the JSON Schema of a tool's arguments; None when there is no such tool."""
        contract = self._runtime.plugins.registry.resolve_contract(name)
        return contract.input_schema if contract else None

    def attachment_data(self, attachment_id: AttachmentId) -> bytes:
        """Return the bytes of an attachment.

        Raises:
            AttachmentStoreError: the store does not have it.
        """
        return self._runtime.attachments.get(attachment_id).data

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` on the loop after each change of the turn; return what takes it off again."""
        offs = (self._control.subscribe(callback), self._runtime.journal.subscribe(callback))

        def unsubscribe() -> None:
            for off in offs:
                off()

        return unsubscribe

    def before_effects(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` at each effect, before it is known whether the turn stops there; return what takes it off again."""
        return self._control.before_effects(callback)

    def arm(self) -> None:
        """Let the next turn stop before its effects: it is begun with `begin` or as a `RunningTurn`, for nobody else could let it go on."""
        self._control.arm()

    def disarm(self) -> None:
        """Leave step mode: nothing stops any more, and what waits is performed."""
        self._control.disarm()

    def pause(self) -> None:
        """Let the running turn stop before its next effect, also one that is awaited elsewhere."""
        if self._handle.awaited is not None:
            self._follow(self._handle.awaited)
        self._control.pause_next()

    def adopt(self, turn: RunningTurn | AwaitedTurn) -> None:
        """Follow a turn of the session."""
        self._turn = turn
        turn.subscribe(self._on_end)

    def _follow(self, awaited: AwaitedTurn) -> None:
        """One that comes while another is under way waits for that, or is refused because that waits for it."""
        if self._turn is None or self._turn.done:
            self.adopt(awaited)

    def _on_over(self) -> None:
        """A stepped turn that is over leaves the next one alone, also one that waits already."""
        self._first_order = self._runtime.journal.next_order
        if self._control.armed:
            self._control.disarm()

    def _on_end(self) -> None:
        """So does one that was over before it could run; while another is stepped through, that goes on."""
        if self._turn and self._turn.done and not self._handle.is_busy:
            self._control.disarm()

    async def begin_or_step(self, turn_input: Startable | None) -> EffectEntry | TurnResult | None:
        """Begin a turn, perform what waits, or (None) see to it that the next turn stops."""
        if turn_input is not None:
            return await self.begin(turn_input)
        if self.state in ("paused", "running"):
            return await self.step()
        self.arm()
        return None

    async def begin(self, turn_input: Startable) -> EffectEntry | TurnResult:
        """Start a turn that stops before its effects.

        Raises:
            CallerError: `turn_running`, a turn is under way.
        """
        await self.cancelled()
        if self.state in ("paused", "running"):
            edited = isinstance(turn_input, RuntimeEffectEnvelope)
            step_on = "perform what waits edited: session.stepper.step(envelope)" if edited else _STEP_ON
            raise CallerError(f"a turn of session {self.session_id} is under way; {step_on}", code="turn_running")
        self.arm()
        self._start(turn_input)
        return await self.stopped()

    async def step(self, edited: RuntimeEffectEnvelope | None = None) -> EffectEntry | TurnResult:
        """Perform the waiting effect, or `edited` in its place, and go on to the next stop."""
        if self._control.pending is not None:
            self._control.perform(edited)
        return await self.stopped()

    async def continue_(self, to: str | None = None) -> EffectEntry | TurnResult:
        """Perform what waits and go on to the next effect of kind `to`, or to the end."""
        if self.state not in ("paused", "running"):
            raise CallerError("no turn is under way; begin one with step(…)", code="step_nothing_pending")
        self._control.run_to(to)
        return await self.stopped()

    async def inject(self, outcome: RuntimeEffectOutcome | Json) -> EffectEntry | TurnResult:
        """Answer the waiting effect with `outcome` and go on to the next stop."""
        waiting = self._control.pending
        if waiting is not None and not isinstance(outcome, Wire):
            outcome = outcome_from(waiting.envelope, outcome)
        self._control.inject(outcome)
        return await self.stopped()

    async def fail(self, code: str, message: str) -> EffectEntry | TurnResult:
        """Let the waiting effect fail as if the host could not perform it, and go on to the next stop."""
        self._control.fail(code, message)
        return await self.stopped()

    async def cancel(self) -> TurnResult | None:
        """Cancel the turn, whatever waits, and return how it ended."""
        turn = self._turn
        if turn is None or turn.done:
            return self.result
        turn.cancel()
        self._control.disarm()
        await turn.settled()
        return turn.result

    async def cancelled(self) -> None:
        """Wait for a turn that is being cancelled, which takes a moment; return at once where none is."""
        if self._turn is not None and self._turn.cancellation.cancelled:
            await self._turn.settled()

    async def stopped(self) -> EffectEntry | TurnResult:
        """Wait until an effect waits for a decision or the turn is over.

        Raises:
            LashRuntimeError: the turn ended without a result.
            CallerError: `step_nothing_pending`, no turn was begun; `turn_inside_turn`, the turn waits for whoever waits here.
        """
        turn = self._turn
        if turn is None:
            raise CallerError("no turn is under way; begin one with step(…)", code="step_nothing_pending")
        return await attended(self, turn.cancellation, self._stopped(turn), turn.abort)

    async def _stopped(self, turn: RunningTurn | AwaitedTurn) -> EffectEntry | TurnResult:
        while self.pending is None and not turn.done:  # another one who waited may have gone on already
            try:
                await self._next_stop(turn)
            except asyncio.CancelledError as error:
                raise telling(error, goes_on(self.session_id)) from None
        return self.pending or await turn.wait()

    async def _next_stop(self, turn: RunningTurn | AwaitedTurn) -> None:
        self._runtime.writer.refuse_inside(_INSIDE)
        arrival = asyncio.ensure_future(self._control.wait_pending())
        ending = asyncio.ensure_future(turn.settled())
        try:
            await asyncio.wait({arrival, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            arrival.cancel()
            ending.cancel()


class _Appended(EffectEntries):
    """A live sequence with one more entry behind it, without a copy of what may be long."""

    def __init__(self, entries: Sequence[EffectEntry], last: EffectEntry) -> None:
        self._entries = entries
        self._last = last

    def __len__(self) -> int:
        return len(self._entries) + 1

    @overload
    def __getitem__(self, index: int) -> EffectEntry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[EffectEntry]: ...
    def __getitem__(self, index: int | slice) -> EffectEntry | Sequence[EffectEntry]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        return self._last if at == len(self._entries) else self._entries[at]
