"""A turn as it stands: the only mutable object of this package, and every way in which it changes.

Rule 1: a turn changes through the methods of `Turn` and nowhere else; drivers, projector and transitions only compute and call them.
Rule 2: effects leave in the order in which they were queued, so a `Progress` follows the effect of its own batch of actions and shows
the turn as it was when it was queued.
Rule 3: a finished turn asks for nothing more; effects that want an answer leave the queue when it finishes.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from lash_nb.machine._checkpoint import (
    TurnCheckpoint,
    effect_record,
    state_of,
    state_record,
)
from lash_nb.machine._config import TurnMachineConfig
from lash_nb.machine._driver import DriverContext
from lash_nb.machine._effects import Done, Emit, Log, LogEvent, MachineEffect, Progress
from lash_nb.machine._state import IdleState, MachineState, WaitingState
from lash_nb.wire import (
    CheckpointDelivery,
    DoneEvent,
    ExecutionSurfaceSync,
    Message,
    MessageOrigin,
    MessageRole,
    PluginMessage,
    PluginOrigin,
    SessionEvent,
    SessionEventRecord,
    SharedSequence,
    TokenUsage,
    TurnCause,
    TurnOutcome,
    TurnOutcomeEvent,
    TurnTerminationPolicyState,
)

__all__ = ["Turn"]

_NOTES: Final = (Log, Emit, Progress, Done)
"""Effects that want no answer."""
_DELIVERABLE: Final[frozenset[MessageRole]] = frozenset({"User", "System"})
"""Roles in which work may come in at a checkpoint; nobody speaks for the model."""


class Turn(Struct, kw_only=True):
    """All that is known of a turn."""

    config: TurnMachineConfig
    """The setup, with prompt and tool specs of the last surface sync."""
    messages: SharedSequence[Message]
    """All messages, those before the turn included."""
    events: list[SessionEventRecord]
    """All records, those before the turn included."""
    turn_causes: tuple[TurnCause, ...]
    """Events that woke the turn or arrived in it."""
    run_offset: int
    """Iteration with which the turn began."""
    iteration: int
    """Iteration of the model loop."""
    next_synthetic_id: int
    """Number of the next message that the machine makes itself; never reset in a turn."""
    event_cursor: int
    """Number of records that a `Progress` has told of already."""
    state: MachineState = "PreparingProtocol"
    """Where the turn stands."""
    queue: list[MachineEffect] = field(default_factory=list)
    """Effects that were not polled yet."""
    next_effect_id: int = 1
    """Id of the next effect that wants an answer."""
    usage: TokenUsage = field(default_factory=TokenUsage.zero)
    """Tokens so far."""
    grace_given: bool = False
    """Whether the model was told that the turn limit is reached."""
    synced_iteration: int | None = None
    """The iteration for which tools and prompt are up to date."""
    owed_again: bool = False
    """Whether the effect of the present state was given out by another machine and is to be given out once more."""

    @classmethod
    def begin(
        cls,
        config: TurnMachineConfig,
        *,
        messages: Iterable[Message],
        events: Iterable[SessionEventRecord],
        turn_causes: Iterable[TurnCause],
        run_offset: int,
    ) -> "Turn":
        """Return a turn that has not begun."""
        held, recorded = SharedSequence.of(messages), list(events)
        return cls(
            config=config,
            messages=held,
            events=recorded,
            turn_causes=tuple(turn_causes),
            run_offset=run_offset,
            iteration=run_offset,
            next_synthetic_id=len(held),
            event_cursor=len(recorded),
        )

    @classmethod
    def restore(cls, config: TurnMachineConfig, saved: TurnCheckpoint) -> "Turn":
        """Return the turn that `saved` tells of."""
        state = state_of(saved.state)
        queue = [record.variant for record in saved.pending_effects]
        return cls(
            config=config,
            messages=SharedSequence.of(saved.messages),
            events=list(saved.events),
            turn_causes=tuple(saved.turn_causes),
            run_offset=saved.protocol_run_offset,
            iteration=saved.protocol_iteration,
            next_synthetic_id=saved.next_synthetic_message_id,
            event_cursor=saved.progress_event_cursor,
            state=state,
            queue=queue,
            next_effect_id=saved.next_effect_id,
            usage=saved.cumulative_usage,
            grace_given=saved.termination.turn_limit_final_scheduled,
            synced_iteration=saved.synced_protocol_iteration,
            owed_again=not isinstance(state, str) and state.effect() not in queue,
        )

    def checkpoint(self) -> TurnCheckpoint:
        """Return the turn as data."""
        return TurnCheckpoint(
            state=state_record(self.state),
            pending_effects=tuple(map(effect_record, self.queue)),
            next_effect_id=self.next_effect_id,
            next_synthetic_message_id=self.next_synthetic_id,
            messages=self.messages,
            events=tuple(self.events),
            turn_causes=self.turn_causes,
            progress_event_cursor=self.event_cursor,
            protocol_iteration=self.iteration,
            protocol_run_offset=self.run_offset,
            cumulative_usage=self.usage,
            termination=TurnTerminationPolicyState(turn_limit_final_scheduled=self.grace_given),
            synced_protocol_iteration=self.synced_iteration,
        )

    def context(self) -> DriverContext:
        """Return what a driver may see now."""
        return DriverContext(
            config=self.config,
            protocol_iteration=self.iteration,
            protocol_run_offset=self.run_offset,
            turn_limit_final_scheduled=self.grace_given,
            messages=self.messages,
            events=self.events,
            turn_causes=self.turn_causes,
        )

    def take_effect_id(self) -> int:
        """Return a fresh effect id."""
        effect_id = self.next_effect_id
        self.next_effect_id += 1
        return effect_id

    def take_message_id(self, scope: str) -> str:
        """Return a fresh id for a message that the machine makes itself."""
        number = self.next_synthetic_id
        self.next_synthetic_id += 1
        return f"m_sansio_{self.run_offset}_{scope}_{number}"

    def wait(self, state: WaitingState) -> None:
        """Give out the effect of `state`, be it the present one once more, and wait for its answer."""
        self.state = state
        self.owed_again = False
        self.queue.append(state.effect())

    def rest(self, state: IdleState) -> None:
        """Go where no answer is owed."""
        self.state = state

    def is_queued(self, effect_id: int) -> bool:
        """Tell whether the effect of that id was not even given out yet."""
        queue = self.queue
        return bool(queue) and any(effect.id == effect_id for effect in queue if not isinstance(effect, _NOTES))

    def emit(self, event: SessionEvent) -> None:
        """Queue a session event."""
        self.queue.append(Emit(event=event))

    def log(self, event: LogEvent) -> None:
        """Queue a note for a log; who makes one has asked `config.emit_llm_trace`."""
        self.queue.append(Log(event=event))

    def append(self, records: tuple[SessionEventRecord, ...]) -> None:
        """Add records; the model sees the messages among them."""
        self.events.extend(records)
        self._take(*[record.Conversation for record in records if record.Conversation is not None])

    def _take(self, *messages: Message) -> None:
        self.messages = self.messages.extended(messages)

    def advance(self) -> None:
        """Count one more iteration."""
        self.iteration += 1
        self.synced_iteration = None

    def synced(self, surface: ExecutionSurfaceSync | None) -> None:
        """Take a new prompt and new tool specs, if there are any; the present iteration is now up to date."""
        if surface is not None:
            self.config = replace(self.config, system_prompt=surface.system_prompt, tool_specs=surface.tool_specs)
        self.synced_iteration = self.iteration

    def count(self, usage: TokenUsage) -> None:
        """Add the tokens of a call."""
        self.usage += usage

    def give_grace(self, message: Message) -> None:
        """Tell the model that the limit is reached."""
        self._take(message)
        self.grace_given = True

    def deliver(self, delivery: CheckpointDelivery) -> None:
        """Take in the work of a checkpoint; a cause that is known already is not taken twice."""
        for message in delivery.messages:
            self._deliver(message, message.origin or PluginOrigin(plugin_id="plugin"))
        for message in delivery.transient_messages:
            self._deliver(message, _transient(message.origin))
        known = {cause.id for cause in self.turn_causes}
        for cause in delivery.turn_causes:
            if cause.id not in known:
                known.add(cause.id)
                self._take(cause.to_message())
                self.turn_causes += (cause,)

    def _deliver(self, message: PluginMessage, origin: MessageOrigin) -> None:
        if message.role in _DELIVERABLE:
            told = replace(message, origin=origin)
            self._take(told.to_message(self.take_message_id("checkpoint"), origin))

    def progress(self) -> None:
        """Queue a note that the turn may be stored as it stands now."""
        self.queue.append(
            Progress(messages=self.messages, event_delta=self._take_events(), protocol_iteration=self.iteration)
        )

    def finish(self, outcome: TurnOutcome) -> None:
        """End the turn; a finished one stays as it is."""
        if self.state == "Finished":
            return
        self.queue = [effect for effect in self.queue if type(effect) in _NOTES]
        self.emit(TurnOutcomeEvent(outcome=outcome))
        self.emit(DoneEvent())
        self.state = "Finished"
        self.queue.append(
            Done(messages=self.messages, event_delta=self._take_events(), protocol_iteration=self.iteration)
        )

    def _take_events(self) -> tuple[SessionEventRecord, ...]:
        delta = tuple(self.events[self.event_cursor :])
        self.event_cursor = len(self.events)
        return delta


def _transient(origin: MessageOrigin | None) -> PluginOrigin:
    """Return who injected a message of the running turn only: a plugin, since nothing else is ever transient."""
    return PluginOrigin(plugin_id=origin.plugin_id if isinstance(origin, PluginOrigin) else "plugin", transient=True)
