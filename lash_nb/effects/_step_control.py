"""The controls of a stepped turn: where it stops, what waits, and what becomes of it.

Rules that this file keeps:

1. One effect waits at a time (`pending`), in the order of arrival. The next one shows when what was let go is over, unless it arose inside it.
2. Every decision goes to the effect that was pending when it was made. A decision that is refused changes nothing.
3. An effect that waits awaits one future; nothing polls, no thread, no lock. A turn cancelled while it waits takes its effect with it.
4. Everything happens on the turn's event loop; the controls are plain calls that return at once.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextvars import ContextVar
from typing import Any, Final, Literal, TypeAlias, get_args

from lash_nb.clock import CancellationToken, Clock, rfc3339
from lash_nb.effects._decision import Decision, PendingEffect, answer, edit, refuse
from lash_nb.effects._fixed import Fixer
from lash_nb.effects._host import LocalExecutor, ScopedEffectController
from lash_nb.effects._journal import JournalController
from lash_nb.effects._listeners import Listeners
from lash_nb.errors import CallerError
from lash_nb.tasks import on_this_loop
from lash_nb.wire import RuntimeEffectEnvelope, RuntimeEffectKind, RuntimeEffectOutcome

__all__ = ["DEFAULT_STOPS", "StepControl", "StepMode"]

StepMode: TypeAlias = Literal["free", "step", "to"]
"""`free`: stops nowhere. `step`: stops before each kind of `stop_at`. `to`: stops before the one kind it runs to."""

DEFAULT_STOPS: Final[frozenset[str]] = frozenset({"llm_call", "tool_call", "exec_code", "process"})
"""Where the world answers; the runtime's own bookkeeping (checkpoint, surface, sleep) passes."""

_KINDS: Final[tuple[str, ...]] = get_args(RuntimeEffectKind)


class _Stop:
    """An effect that waits, or was let go and is not over yet."""

    def __init__(
        self, asked: RuntimeEffectEnvelope, pending: PendingEffect, controller: ScopedEffectController
    ) -> None:
        self.asked = asked
        self.pending = pending
        self.controller = controller
        self.scope = controller.scope
        self.inside = _INSIDE.get()
        self.decision: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()


_INSIDE: ContextVar[frozenset[_Stop]] = ContextVar("lash_nb_inside_effects", default=frozenset())
"""The effects inside which the current task works; tasks that it starts inherit them."""


class StepControl:
    """Stops a session's turns before their effects, and decides what becomes of each.

    Armed or not is the session's standing wish; `run_to` and `pause_next` bend it until the turn is over (`turn_over`).

    Attributes:
        waited_ns: How long a decision was waited for until now, in nanoseconds, over all turns.
    """

    def __init__(self, clock: Clock) -> None:
        self.waited_ns = 0
        self._asked: _Stop | None = None
        self._asked_ns = 0
        self._clock = clock
        self._armed = False
        self._mode: StepMode = "free"
        self._target: str | None = None
        self._stop_at = DEFAULT_STOPS
        self._between_turns = self._cancellation = CancellationToken()
        self._waiting: list[_Stop] = []
        self._released: set[_Stop] = set()
        self._shown: _Stop | None = None
        self._arrivals: set[asyncio.Future[PendingEffect]] = set()
        self._listeners = Listeners()
        self._before_effects: tuple[Callable[[], None], ...] = ()
        self._fix = Fixer()

    @property
    def armed(self) -> bool:
        """Whether turns of this session are stepped through."""
        return self._armed

    @property
    def mode(self) -> StepMode:
        """What the running turn does now."""
        return self._mode

    @property
    def target(self) -> str | None:
        """The kind that it runs to, in mode `to`."""
        return self._target

    @property
    def stop_at(self) -> frozenset[str]:
        """Effect kinds before which a stepped turn stops."""
        return self._stop_at

    @stop_at.setter
    def stop_at(self, kinds: Iterable[str]) -> None:
        chosen = frozenset(kinds)
        for kind in chosen:
            _check_kind(kind)
        self._stop_at = chosen
        self._changed()

    @property
    def pending(self) -> PendingEffect | None:
        """The effect that waits for a decision."""
        stop = self._shown
        return None if stop is None or stop.decision.done() else stop.pending

    @property
    def waiting(self) -> tuple[PendingEffect, ...]:
        """All effects that are held back, the pending one among them, in order of arrival."""
        return tuple(stop.pending for stop in self._waiting)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` on the event loop after each change; return what takes it off again."""
        return self._listeners.subscribe(callback)

    def before_effects(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` at each effect, before it is known whether that stops; return what takes it off again.

        For what may have come while the loop was blocked, when nobody could pause or cancel the turn.
        """
        self._before_effects = (*self._before_effects, callback)

        def take_off() -> None:
            self._before_effects = tuple(one for one in self._before_effects if one is not callback)

        return take_off

    async def wait_pending(self) -> PendingEffect:
        """Return the pending effect, now or as soon as there is one."""
        if self.pending is not None:
            return self.pending
        arrival: asyncio.Future[PendingEffect] = asyncio.get_running_loop().create_future()
        self._arrivals.add(arrival)
        try:
            return await arrival
        finally:
            self._arrivals.discard(arrival)

    def arm(self) -> None:
        """Step through this and the following turns."""
        self._armed = True
        self._go("step")

    def disarm(self) -> None:
        """Stop no more; what waits is performed."""
        self._armed = False
        self._go("free")

    def pause_next(self) -> None:
        """Stop before the next effect of a kind in `stop_at`, and go on stepping until the turn is over."""
        self._go("step")

    def run_to(self, kind: str | None = None, *, at: PendingEffect | None = None) -> None:
        """Perform what waits and go on to the next effect of `kind` (any of the eight), or to the end of the turn when None.

        Raises:
            CallerError: `step_unknown_kind`; `step_stale` when `at` no longer waits.
        """
        if kind is not None:
            _check_kind(kind)
        if at is not None:
            self._current(at)
        self._go("free" if kind is None else "to", kind)

    def perform(self, edited: RuntimeEffectEnvelope | None = None, *, at: PendingEffect | None = None) -> None:
        """Perform the pending effect, or `edited` in its place.

        Args:
            edited: The same effect with another command.
            at: The effect that the decision is meant for; without it, whichever is pending.

        Raises:
            CallerError: `step_nothing_pending`, `step_stale`, `step_identity`.
            RuntimeEffectControllerError: the edited envelope is not valid. In all cases the effect goes on waiting.
        """
        stop = self._current(at)
        self._release(stop, Decision(stop.asked) if edited is None else edit(stop.asked, edited))

    def inject(self, outcome: RuntimeEffectOutcome, *, at: PendingEffect | None = None) -> None:
        """Answer the pending effect with `outcome` instead of performing it.

        Raises:
            CallerError: `step_nothing_pending`, `step_stale`.
            RuntimeEffectControllerError: `runtime_effect_wrong_outcome`. In all cases the effect goes on waiting.
        """
        stop = self._current(at)
        self._release(stop, answer(stop.asked, outcome))

    def fail(self, code: str, message: str, *, at: PendingEffect | None = None) -> None:
        """Let the pending effect fail as if the host could not perform it.

        Raises:
            CallerError: `step_nothing_pending`, `step_stale`.
        """
        stop = self._current(at)
        self._release(stop, refuse(stop.asked, code, message))

    def turn_begins(self, cancellation: CancellationToken) -> None:
        """Let a turn that is cancelled wait for no decision."""
        self._cancellation = cancellation

    def turn_over(self) -> None:
        """Forget how far the last turn was to run: the next one steps if the session is armed."""
        self._cancellation = self._between_turns
        self._go("step" if self._armed else "free", keep_waiting=True)

    def pass_through(
        self, controller: ScopedEffectController, envelope: RuntimeEffectEnvelope, local: LocalExecutor
    ) -> Coroutine[Any, Any, RuntimeEffectOutcome]:
        """Perform an effect, after a decision when it is one to stop at."""
        for callback in self._before_effects:
            callback()
        if self._mode == "free" or self._cancellation.cancelled or not self._stops_at(envelope.kind):
            return controller.execute_effect(envelope, local)
        return self._held_back(envelope, controller, local)

    async def _held_back(
        self, envelope: RuntimeEffectEnvelope, controller: ScopedEffectController, local: LocalExecutor
    ) -> RuntimeEffectOutcome:
        pending = PendingEffect(self._fix(envelope), rfc3339(self._clock.now_ns()))
        stop = _Stop(envelope, pending, controller)
        self._waiting.append(stop)
        self._show()
        unsubscribe = self._cancellation.subscribe(on_this_loop(self.run_to))
        try:
            decision = await stop.decision
            token = _INSIDE.set(stop.inside | {stop})
            try:
                return await decision.carry_out(controller, local)
            finally:
                _INSIDE.reset(token)
        finally:
            unsubscribe()
            self._forget(stop)

    def _stops_at(self, kind: str) -> bool:
        return kind == self._target if self._mode == "to" else kind in self._stop_at

    def _current(self, at: PendingEffect | None) -> _Stop:
        if self._shown is None or self._shown.decision.done():
            running = ", ".join(sorted(str(stop.pending.envelope.invocation.effect_id) for stop in self._released))
            reason = (
                f"effect {running} is still running; wait for the next stop"
                if running
                else "start a stepped turn first"
            )
            raise CallerError(f"no effect waits for a decision: {reason}", code="step_nothing_pending")
        if at is not None and at is not self._shown.pending:
            raise CallerError(
                f"effect {at.envelope.invocation.effect_id} no longer waits, {self._shown.pending.envelope.invocation.effect_id} does;"
                " look at the pending effect and decide again",
                code="step_stale",
            )
        return self._shown

    def _go(self, mode: StepMode, target: str | None = None, *, keep_waiting: bool = False) -> None:
        self._mode, self._target = mode, target
        if not self._waiting:
            self._changed()
            return
        if mode != "step" and not keep_waiting:
            for stop in list(self._waiting):
                if mode == "free" or stop is self._shown or not self._stops_at(stop.pending.envelope.kind):
                    self._let_go(stop, Decision(stop.asked))
        self._show()

    def _release(self, stop: _Stop, decision: Decision) -> None:
        self._let_go(stop, decision)
        self._show()

    def _let_go(self, stop: _Stop, decision: Decision) -> None:
        self._waiting.remove(stop)
        self._released.add(stop)
        if not stop.decision.done():  # done when its turn was cancelled in this very round of the loop
            stop.decision.set_result(decision)

    def _forget(self, stop: _Stop) -> None:
        """The effect is over, or its turn was cancelled while it waited."""
        if stop in self._waiting:
            self._waiting.remove(stop)
        self._released.discard(stop)
        self._show()

    def _show(self) -> None:
        """Choose the effect to decide on: the first whose predecessors are over, those around it left out."""
        self._shown = next((stop for stop in self._waiting if not self._held_by(stop)), None)
        if self._shown is not None:
            if self._mode == "to":  # arrived: from here on the turn is stepped
                self._mode, self._target = "step", None
            for arrival in self._arrivals:
                if not arrival.done():
                    arrival.set_result(self._shown.pending)
        self._count_waiting()
        self._changed()

    def _count_waiting(self) -> None:
        """Count how long a decision was waited for, of all turns and of the scope that waited."""
        asked = None if self.pending is None else self._shown
        if asked is self._asked:
            return
        now = self._clock.monotonic_ns()
        if self._asked is not None:
            waited = now - self._asked_ns
            self.waited_ns += waited
            if isinstance(self._asked.controller, JournalController):
                self._asked.controller.waited_ns += waited
        self._asked, self._asked_ns = asked, now

    def _held_by(self, stop: _Stop) -> set[_Stop]:
        """Effects that must be over before `stop` shows; those of other scopes run beside it, and may even wait for it."""
        return {other for other in self._released - stop.inside if other.scope == stop.scope}

    def _changed(self) -> None:
        self._listeners.notify()


def _check_kind(kind: str) -> None:
    if kind not in _KINDS:
        raise CallerError(
            f"{kind} is no kind of effect; take one of {', '.join(_KINDS)}",
            code="step_unknown_kind",
        )
