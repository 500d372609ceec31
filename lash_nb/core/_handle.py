"""What the builders and controls of one opened session share."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Literal

from lash_nb.clock import CancellationToken
from lash_nb.core._around_turns import around_turn
from lash_nb.core._attending import WAS_STOPPED, TurnPauses
from lash_nb.core._awaited import AwaitedTurn
from lash_nb.core._live_session import LiveSession
from lash_nb.core._process_work import QueuedWorkPoke
from lash_nb.errors import CallerError
from lash_nb.runtime import LashRuntime, TurnResult
from lash_nb.stores import LiveReplayStore
from lash_nb.tasks import telling

__all__ = ["SessionHandle"]


class SessionHandle:
    """An opened runtime, the turns that run through this handle, and who is told of what happens.

    Attributes:
        runtime: The runtime.
        live: Keeps events for watchers.
        required_inputs: The plugins, by id, that every turn has to give something, in the order in which they were added.
        beside: What cancels the turns that run beside whoever started them, who may decide about their effects meanwhile.
        on_awaited: Is told of a turn that is awaited where it was begun, before it runs.
        on_over: Is told when a turn that ran is over, before the next one begins.
        last_result: What the turn gave that was over last; None when there was none.
        pauses: Where its turns stop, for whoever attends one that is awaited; None where nothing steps through them.
    """

    def __init__(
        self,
        runtime: LashRuntime,
        live_replay_store: LiveReplayStore,
        *,
        poke: QueuedWorkPoke | None = None,
        required_inputs: Sequence[str] = (),
    ) -> None:
        self.runtime = runtime
        self.live = LiveSession(runtime, live_replay_store)
        self.required_inputs = tuple(required_inputs)
        self.beside: Sequence[CancellationToken] = ()
        self._poke = poke
        self.on_awaited: Callable[[AwaitedTurn], None] | None = None
        self.on_over: Callable[[], None] | None = None
        self.pauses: TurnPauses | None = None
        self.last_result: TurnResult | None = None
        self._turns: list[AwaitedTurn] = []

    def turning(self, token: CancellationToken) -> "_Turning":
        """Let a turn be found as long as it runs; what it gives is to be noted as the `result` of what is yielded.

        Raises:
            CallerError: `step_mode`, the turn would stop, and whoever could let it go on waits for it.
        """
        is_awaited = token not in self.beside
        if is_awaited and self.runtime.effect_host.control.armed:
            raise self._stepped()
        turn = _Turning(token, self)
        if is_awaited and self.on_awaited is not None:
            self.on_awaited(turn)
        return turn

    def begun(self, turn: AwaitedTurn) -> None:
        """Let a turn be found."""
        self._turns.append(turn)

    def ended(self, turn: AwaitedTurn) -> None:
        """Let a turn be found no more, and what it gave."""
        ran = turn is self._turns[0]  # the others wait behind it
        self._turns.remove(turn)
        self.last_result = turn.result or self.last_result
        if ran and self.on_over is not None:
            self.on_over()

    @property
    def is_busy(self) -> bool:
        """Whether turns run or wait."""
        return bool(self._turns)

    @property
    def awaited(self) -> AwaitedTurn | None:
        """The turn that somebody awaits where it was begun; of several the first, behind which the others wait."""
        return next((turn for turn in self._turns if turn.cancellation not in self.beside), None)

    def cancel_turns(self, started: Iterable[CancellationToken]) -> int:
        """Cancel the turns that run, and those that were started and wait; return how many that are."""
        tokens = {id(token): token for token in (*(turn.cancellation for turn in self._turns), *started)}
        for token in tokens.values():
            token.cancel()
        return len(tokens)

    def queued(self, batch_id: str, reason: Literal["queued_turn_input", "session_command"]) -> None:
        """Tell watchers, and whoever runs queued turns, that there is work."""
        if reason == "queued_turn_input":
            self.live.record_queue("enqueued", batch_id)
        if self._poke is not None:
            self._poke.poke_session(self.runtime.session_id, reason)

    def _stepped(self) -> CallerError:
        return CallerError(
            f"session {self.runtime.session_id} is in step mode: who awaits this turn would wait for ever for a decision about its first"
            " effect. Begin it with session.step(…), which takes a text or a turn, or beside you with session.start(…); or leave step mode"
            " with session.stepper.disarm(), which performs what waits",
            code="step_mode",
        )


class _Turning(AwaitedTurn):
    """One that is found while it is entered."""

    def __init__(self, token: CancellationToken, handle: SessionHandle) -> None:
        super().__init__(token)
        self._handle = handle

    def __enter__(self) -> AwaitedTurn:
        self._around = around_turn(self)
        self._handle.begun(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        try:
            if self._around is not None:
                self._around.__exit__(kind, error, where)
        finally:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        self.error = error
        if isinstance(error, asyncio.CancelledError):
            telling(error, WAS_STOPPED)
        self._handle.ended(self)
        self.end()
