"""The turn machine: one turn as a pure function of its answers (lash 0.1.0-alpha.37, turns §2).

Rule 1: everything that changes the state of a turn is in this file; drivers, projector and policy only compute.
Rule 2: the host polls until it gets None or `Done`; an effect with an `id` is owed exactly one answer with that id.
Rule 3: an answer that the present state does not wait for, by kind or by id, is ignored.
Rule 4: effects leave in the order in which they were queued, so a `Progress` follows the effect of its own batch of actions and
shows the turn as it was when it was queued.

How states follow each other:

    PreparingProtocol ─(sync)─► WaitingExecutionSurface ─► PrepareIteration ─(sync, when the iteration advanced)─┐
            └─(no sync)───────────── driver ◄──────────────────────┘  ▲    ◄── WaitingExecutionSurface ◄─────────┘
    driver ─► WaitingLlm | WaitingTools | WaitingExec ─► driver       │
    driver ─► WaitingCheckpoint ─(nothing came in)─► on_empty: PrepareIteration | Finished
                                └(work came in)───────────────────────┘
    any ─► Finished
"""

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from lash_nb.machine._checkpoint import (
    TurnCheckpoint,
    TurnTerminationPolicyState,
    effect_record,
    state_of,
    state_record,
)
from lash_nb.machine._config import TurnMachineConfig
from lash_nb.machine._driver import (
    AdvanceProtocolIteration,
    AppendEvents,
    DriverAction,
    DriverContext,
    Finish,
    ScheduleTurnLimitFinal,
    StartCheckpoint,
    StartExec,
    StartLlm,
    StartTools,
)
from lash_nb.machine._effects import (
    CheckpointDelivered,
    Done,
    Emit,
    ExecCompleted,
    ExecutionSurfaceSynced,
    LlmComplete,
    LlmDebug,
    LlmError,
    Log,
    LogEvent,
    MachineEffect,
    MachineResponse,
    Progress,
    ToolResults,
)
from lash_nb.machine._errors import error_event, llm_call_failed, llm_ended_badly, refined, stop_of
from lash_nb.machine._state import (
    FinishOnEmpty,
    MachineState,
    OnEmpty,
    WaitingCheckpoint,
    WaitingExec,
    WaitingExecutionSurface,
    WaitingLlm,
    WaitingState,
    WaitingTools,
)
from lash_nb.wire import (
    CheckpointDelivery,
    DoneEvent,
    ErrorEvent,
    LlmRequestEvent,
    LlmResponse,
    LlmResponseEvent,
    Message,
    MessageOrigin,
    MessageRole,
    PluginOrigin,
    SessionEvent,
    SessionEventRecord,
    TextDeltaEvent,
    TokenUsage,
    TokenUsageEvent,
    ToolCallEvent,
    TurnCause,
    TurnOutcome,
    TurnOutcomeEvent,
)

__all__ = ["TurnMachine"]

_NOTES: Final = (Log, Emit, Progress, Done)
"""Effects that want no answer."""
_DELIVERABLE: Final[frozenset[MessageRole]] = frozenset({"User", "System"})
"""Roles in which work may come in at a checkpoint; nobody speaks for the model."""


class TurnMachine:
    """One turn. Poll it for effects, answer them; it never waits, reads a clock, or fails.

    Args:
        config: The setup; a surface sync may replace its prompt and tool specs, see `config`.
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
        self._config = config
        self._messages = list(messages)
        self._events = list(events)
        self._turn_causes = list(turn_causes)
        self._run_offset = protocol_run_offset
        self._iteration = protocol_run_offset
        self._state: MachineState = "PreparingProtocol"
        self._queue: deque[MachineEffect] = deque()
        self._redeliver = False
        self._next_effect_id = 1
        self._next_synthetic_id = len(self._messages)
        self._event_cursor = len(self._events)
        self._usage = TokenUsage.zero()
        self._grace_given = False
        self._synced_iteration: int | None = None

    @property
    def config(self) -> TurnMachineConfig:
        """The configuration, with prompt and tool specs of the last surface sync."""
        return self._config

    @property
    def messages(self) -> Sequence[Message]:
        """All messages so far, those before the turn included."""
        return self._messages

    @property
    def protocol_iteration(self) -> int:
        """Iteration of the model loop."""
        return self._iteration

    @property
    def cumulative_usage(self) -> TokenUsage:
        """Tokens of the turn so far."""
        return self._usage

    @property
    def is_finished(self) -> bool:
        """Whether the outcome is decided; effects may still be queued."""
        return self._state == "Finished"

    def poll_effect(self) -> MachineEffect | None:
        """Return the next effect, or None while an answer is owed and after `Done`."""
        if not self._queue:
            self._advance()
        return self._queue.popleft() if self._queue else None

    def handle_response(self, response: MachineResponse) -> None:
        """Take the answer to an effect; one that is not waited for, late or of the wrong kind, changes nothing."""
        state = self._state
        if isinstance(state, str) or response.id != state.effect_id:
            return
        handler = _ANSWERS.get((type(state), type(response)))
        if handler is not None:
            self._redeliver = False
            handler(self, state, response)

    def finish(self, outcome: TurnOutcome) -> None:
        """End the turn here with `outcome`; what it waits for is no longer asked for or listened to."""
        if self.is_finished:
            return
        self._queue = deque(effect for effect in self._queue if isinstance(effect, _NOTES))
        self._emit(TurnOutcomeEvent(outcome=outcome))
        self._emit(DoneEvent())
        self._state = "Finished"
        self._queue.append(
            Done(
                messages=tuple(self._messages),
                event_delta=self._event_delta(),
                protocol_iteration=self._iteration,
            )
        )

    def fail_turn(self, event: ErrorEvent) -> None:
        """End the turn here because the runtime failed."""
        self._emit(event)
        self.finish(TurnOutcome.stop("runtime_error"))

    def checkpoint(self) -> TurnCheckpoint:
        """Return the machine as data."""
        return TurnCheckpoint(
            state=state_record(self._state),
            pending_effects=tuple(map(effect_record, self._queue)),
            next_effect_id=self._next_effect_id,
            next_synthetic_message_id=self._next_synthetic_id,
            messages=tuple(self._messages),
            events=tuple(self._events),
            turn_causes=tuple(self._turn_causes),
            progress_event_cursor=self._event_cursor,
            protocol_iteration=self._iteration,
            protocol_run_offset=self._run_offset,
            cumulative_usage=self._usage,
            termination=TurnTerminationPolicyState(turn_limit_final_scheduled=self._grace_given),
            synced_protocol_iteration=self._synced_iteration,
        )

    @classmethod
    def restore(cls, config: TurnMachineConfig, checkpoint: TurnCheckpoint) -> "TurnMachine":
        """Return a machine that goes on from `checkpoint`.

        An effect that was polled but not answered is given out once more, with its old id. Prompt and tool specs are those of `config`.
        """
        machine = cls(
            config,
            messages=checkpoint.messages,
            events=checkpoint.events,
            turn_causes=checkpoint.turn_causes,
            protocol_run_offset=checkpoint.protocol_run_offset,
        )
        machine._iteration = checkpoint.protocol_iteration
        machine._state = state_of(checkpoint.state)
        machine._queue.extend(record.variant for record in checkpoint.pending_effects)
        machine._next_effect_id = checkpoint.next_effect_id
        machine._next_synthetic_id = checkpoint.next_synthetic_message_id
        machine._event_cursor = checkpoint.progress_event_cursor
        machine._usage = checkpoint.cumulative_usage
        machine._grace_given = checkpoint.termination.turn_limit_final_scheduled
        machine._synced_iteration = checkpoint.synced_protocol_iteration
        state = machine._state
        machine._redeliver = not isinstance(state, str) and state.effect() not in machine._queue
        return machine

    # What happens when nothing is queued

    def _advance(self) -> None:
        if self._redeliver and not isinstance(self._state, str):
            self._redeliver = False
            self._queue.append(self._state.effect())
        elif self._state == "PreparingProtocol":
            self._prepare(sync=self._config.sync_execution_surface, update=False)
        elif self._state == "PrepareIteration":
            behind = self._synced_iteration != self._iteration
            self._prepare(sync=self._config.sync_execution_surface and behind, update=True)

    def _prepare(self, *, sync: bool, update: bool) -> None:
        if sync:
            self._wait(WaitingExecutionSurface(effect_id=self._take_effect_id(), update_machine_config=update))
        else:
            self._apply(self._config.protocol_driver.prepare_protocol_iteration(self._context()))

    # Answers

    def _on_surface(self, _state: WaitingExecutionSurface, response: ExecutionSurfaceSynced) -> None:
        if not response.result.is_ok:
            self.fail_turn(error_event("execution_surface", str(response.result.Err), code="reconfigure_failed"))
            return
        surface = response.result.Ok
        if surface:
            self._config = dataclasses.replace(
                self._config, system_prompt=surface.system_prompt, tool_specs=surface.tool_specs
            )
        self._synced_iteration = self._iteration
        self._state = "PrepareIteration"

    def _on_llm(self, state: WaitingLlm, response: LlmComplete) -> None:
        if response.result.is_ok:
            answer = refined(response.result.variant, window=self._config.max_context_tokens)
            self._log(LogEvent(llm_debug=LlmDebug(protocol_iteration=self._iteration, response=answer)))
            self._on_llm_response(state, answer, text_streamed=response.text_streamed)
            return
        error = response.result.variant
        self._log(LogEvent(llm_error=LlmError(protocol_iteration=self._iteration, error=error)))
        self._emit(llm_call_failed(error))
        self.finish(TurnOutcome.stop("provider_error"))

    def _on_llm_response(self, state: WaitingLlm, response: LlmResponse, *, text_streamed: bool) -> None:
        usage = response.usage.to_token_usage()
        self._usage += usage
        self._emit(TokenUsageEvent(protocol_iteration=self._iteration, usage=usage, cumulative=self._usage))
        stop = stop_of(response.terminal_reason)
        if stop is None:
            driver = self._config.protocol_driver
            self._apply(driver.handle_llm_success(self._context(), state, response, text_streamed=text_streamed))
            return
        if response.full_text and not text_streamed:
            self._emit(TextDeltaEvent(content=response.full_text))
        self._emit(LlmResponseEvent(protocol_iteration=self._iteration, content=response.full_text, duration_ms=0))
        self._emit(llm_ended_badly(response))
        self.finish(TurnOutcome.stop(stop))

    def _on_tools(self, _state: WaitingTools, response: ToolResults) -> None:
        for call in response.results:
            self._emit(
                ToolCallEvent(
                    call_id=call.call_id,
                    name=call.tool_name,
                    args=call.args,
                    output=call.output,
                    duration_ms=call.duration_ms,
                )
            )
        self._apply(self._config.protocol_driver.handle_tool_results(self._context(), response.results))

    def _on_exec(self, state: WaitingExec, response: ExecCompleted) -> None:
        self._apply(self._config.protocol_driver.handle_exec_result(self._context(), state, response.result))

    def _on_checkpoint(self, state: WaitingCheckpoint, response: CheckpointDelivered) -> None:
        if response.delivery.is_empty:
            self._go_on(state.on_empty)
            return
        self._take_in(response.delivery)
        grace_used_up = False
        if state.checkpoint == "before_completion":
            grace_used_up = self._grace_given
            self._iteration += 1
            limit = self._context().turn_limit_final_to_schedule
            if limit is not None:
                self._give_grace(self._config.turn_limit_final_message(self._synthetic_id("turn_limit"), limit))
        self._state = "PrepareIteration"
        self._progress()
        if grace_used_up:
            self.finish(TurnOutcome.stop("max_turns"))

    def _go_on(self, on_empty: OnEmpty) -> None:
        match on_empty:
            case FinishOnEmpty(Finish=TurnOutcome() as outcome):
                self.finish(outcome)
            case _:
                self._state = "PrepareIteration"

    def _take_in(self, delivery: CheckpointDelivery) -> None:
        kept = ((message, False) for message in delivery.messages)
        transient = ((message, True) for message in delivery.transient_messages)
        for message, is_transient in (*kept, *transient):
            if message.role in _DELIVERABLE:
                origin = _delivery_origin(message.origin, transient=is_transient)
                told = msgspec.structs.replace(message, origin=origin)
                self._messages.append(told.to_message(self._synthetic_id("checkpoint"), origin))
        known = {cause.id for cause in self._turn_causes}
        for cause in delivery.turn_causes:
            if cause.id not in known:
                known.add(cause.id)
                self._messages.append(cause.to_message())
                self._turn_causes.append(cause)

    # Actions of the driver; each handler tells whether the turn is now worth storing

    def _apply(self, actions: Sequence[DriverAction]) -> None:
        dirty = False
        for action in actions:
            if isinstance(action, Finish):
                if dirty:
                    self._progress()
                self.finish(action.outcome)
                return
            dirty |= _ACTIONS[type(action)](self, action)
        if dirty:
            self._progress()

    def _do_emit(self, action: Emit) -> bool:
        self._queue.append(action)
        return False

    def _do_append(self, action: AppendEvents) -> bool:
        self._events.extend(action.records)
        self._messages.extend(record.Conversation for record in action.records if record.Conversation)
        return bool(action.records)

    def _do_llm(self, action: StartLlm) -> bool:
        self._emit(
            LlmRequestEvent(
                protocol_iteration=self._iteration,
                message_count=len(action.request.messages),
                tool_list=", ".join(tool.name for tool in self._config.tool_specs),
            )
        )
        state = WaitingLlm(effect_id=self._take_effect_id(), request=action.request, driver_state=action.driver_state)
        return self._wait(state)

    def _do_tools(self, action: StartTools) -> bool:
        return self._wait(WaitingTools(effect_id=self._take_effect_id(), calls=action.calls))

    def _do_exec(self, action: StartExec) -> bool:
        return self._wait(
            WaitingExec(effect_id=self._take_effect_id(), code=action.code, driver_state=action.driver_state)
        )

    def _do_checkpoint(self, action: StartCheckpoint) -> bool:
        return self._wait(
            WaitingCheckpoint(effect_id=self._take_effect_id(), checkpoint=action.checkpoint, on_empty=action.on_empty)
        )

    def _do_advance(self, _action: AdvanceProtocolIteration) -> bool:
        self._iteration += 1
        self._synced_iteration = None
        return True

    def _do_turn_limit(self, action: ScheduleTurnLimitFinal) -> bool:
        if self._context().turn_limit_final_to_schedule is None:
            return False
        self._give_grace(action.message)
        return True

    # Small steps

    def _context(self) -> DriverContext:
        return DriverContext(
            config=self._config,
            protocol_iteration=self._iteration,
            protocol_run_offset=self._run_offset,
            turn_limit_final_scheduled=self._grace_given,
            messages=self._messages,
            events=self._events,
            turn_causes=self._turn_causes,
        )

    def _wait(self, state: WaitingState) -> bool:
        self._state = state
        self._queue.append(state.effect())
        return False

    def _give_grace(self, message: Message) -> None:
        self._messages.append(message)
        self._grace_given = True

    def _progress(self) -> None:
        self._queue.append(
            Progress(
                messages=tuple(self._messages),
                event_delta=self._event_delta(),
                protocol_iteration=self._iteration,
            )
        )

    def _event_delta(self) -> tuple[SessionEventRecord, ...]:
        delta = tuple(self._events[self._event_cursor :])
        self._event_cursor = len(self._events)
        return delta

    def _emit(self, event: SessionEvent) -> None:
        self._queue.append(Emit(event=event))

    def _log(self, event: LogEvent) -> None:
        if self._config.emit_llm_trace:
            self._queue.append(Log(event=event))

    def _take_effect_id(self) -> int:
        effect_id = self._next_effect_id
        self._next_effect_id += 1
        return effect_id

    def _synthetic_id(self, scope: str) -> str:
        number = self._next_synthetic_id
        self._next_synthetic_id += 1
        return f"m_sansio_{self._run_offset}_{scope}_{number}"


def _delivery_origin(origin: MessageOrigin | None, *, transient: bool) -> MessageOrigin:
    if not transient:
        return origin or PluginOrigin(plugin_id="plugin")
    plugin_id = origin.plugin_id if isinstance(origin, PluginOrigin) else "plugin"
    return PluginOrigin(plugin_id=plugin_id, transient=True)


_ANSWERS: Final[Mapping[tuple[type, type], Callable[[TurnMachine, Any, Any], None]]] = {
    (WaitingExecutionSurface, ExecutionSurfaceSynced): TurnMachine._on_surface,
    (WaitingLlm, LlmComplete): TurnMachine._on_llm,
    (WaitingTools, ToolResults): TurnMachine._on_tools,
    (WaitingExec, ExecCompleted): TurnMachine._on_exec,
    (WaitingCheckpoint, CheckpointDelivered): TurnMachine._on_checkpoint,
}
"""Which answer each waiting state takes, and what it leads to."""

_ACTIONS: Final[Mapping[type, Callable[[TurnMachine, Any], bool]]] = {
    Emit: TurnMachine._do_emit,
    AppendEvents: TurnMachine._do_append,
    StartLlm: TurnMachine._do_llm,
    StartTools: TurnMachine._do_tools,
    StartExec: TurnMachine._do_exec,
    StartCheckpoint: TurnMachine._do_checkpoint,
    AdvanceProtocolIteration: TurnMachine._do_advance,
    ScheduleTurnLimitFinal: TurnMachine._do_turn_limit,
}
"""What each action but `Finish`, which ends the batch, does."""
