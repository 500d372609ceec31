"""The turn machine: one turn as a pure function of its answers (lash 0.1.0-alpha.37, turns §2).

Rule 1: the host polls until it gets None or `Done`. None means that an answer is owed; after `Done` nothing comes.
Rule 2: an effect with an `id` is owed exactly one answer, with that id. Every other effect is a note.
Rule 3: an answer that the present state does not wait for, by kind or by id, or whose effect was not polled yet, changes nothing.
Rule 4: a machine restored from a checkpoint goes on as the one that it was taken of; an effect that was polled but not answered is
given out once more, with its old id.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from lash_nb.machine._checkpoint import TurnCheckpoint
from lash_nb.machine._config import TurnMachineConfig
from lash_nb.machine._effects import MachineEffect, MachineResponse
from lash_nb.machine._transitions import ANSWERS, fail, go_on
from lash_nb.machine._turn import Turn
from lash_nb.wire import ErrorEvent, Message, SessionEventRecord, TokenUsage, TurnCause, TurnOutcome

__all__ = ["TurnMachine"]


class TurnMachine:
    """One turn. Poll it for effects, answer them; it never waits, reads a clock, or fails.

    Args:
        config: The setup.
        messages: The conversation up to and with the turn's input.
        events: Records that the session holds already.
        turn_causes: Events that woke the turn; their messages are among `messages`.
        protocol_run_offset: Iteration to count from.
    """

    def __init__(
        self,
        config: TurnMachineConfig,
        *,
        messages: Iterable[Message],
        events: Iterable[SessionEventRecord] = (),
        turn_causes: Iterable[TurnCause] = (),
        protocol_run_offset: int = 0,
    ) -> None:
        self._turn = Turn.begin(
            config, messages=messages, events=events, turn_causes=turn_causes, run_offset=protocol_run_offset
        )

    @classmethod
    def restore(cls, config: TurnMachineConfig, checkpoint: TurnCheckpoint) -> "TurnMachine":
        """Return a machine that goes on from `checkpoint`; prompt and tool specs are those of `config`."""
        machine = cls(config, messages=())
        machine._turn = Turn.restore(config, checkpoint)
        return machine

    def checkpoint(self) -> TurnCheckpoint:
        """Return the machine as data."""
        return self._turn.checkpoint()

    @property
    def config(self) -> TurnMachineConfig:
        """The configuration, with prompt and tool specs of the last surface sync."""
        return self._turn.config

    @property
    def messages(self) -> Sequence[Message]:
        """All messages so far, those before the turn included; only to be read."""
        return self._turn.messages

    @property
    def protocol_iteration(self) -> int:
        """Iteration of the model loop."""
        return self._turn.iteration

    @property
    def cumulative_usage(self) -> TokenUsage:
        """Tokens of the turn so far."""
        return self._turn.usage

    @property
    def is_finished(self) -> bool:
        """Whether the outcome is decided; notes may still be queued."""
        return self._turn.state == "Finished"

    def poll_effect(self) -> MachineEffect | None:
        """Return the next effect, or None while an answer is owed and after `Done`."""
        turn = self._turn
        if not turn.queue:
            go_on(turn)
        return turn.queue.pop(0) if turn.queue else None

    def poll_effects(self) -> Sequence[MachineEffect]:
        """Return all effects that `poll_effect` would give one after the other; one of them at most is owed an answer."""
        turn = self._turn
        if not turn.queue:
            go_on(turn)
        effects, turn.queue = turn.queue, []
        return effects

    def handle_response(self, response: MachineResponse) -> None:
        """Take the answer to an effect."""
        turn = self._turn
        state: Any = turn.state
        handler = ANSWERS.get((type(state), type(response)))
        if handler is None or response.id != state.effect_id or turn.is_queued(response.id):
            return
        handler(turn, state, response)

    def finish(self, outcome: TurnOutcome) -> None:
        """End the turn here with `outcome`, whatever it waits for."""
        self._turn.finish(outcome)

    def fail_turn(self, event: ErrorEvent) -> None:
        """End the turn here because the runtime failed."""
        fail(self._turn, event, "runtime_error")
