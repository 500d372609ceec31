"""How a turn goes on: what each answer and each action of the driver leads to (lash 0.1.0-alpha.37, turns §2.2, §2.4, §2.6).

Two tables say it all: `ANSWERS` by waiting state and kind of answer, `ACTIONS` by kind of action. How states follow each other:

    from                       when                                         to
    PreparingProtocol          the protocol syncs                           WaitingExecutionSurface
    PrepareIteration           it syncs and the iteration advanced          WaitingExecutionSurface
    either                     otherwise                                    where the driver leads
    WaitingExecutionSurface    synced                                       PrepareIteration
    WaitingLlm, Tools, Exec    answered                                     where the driver leads
    WaitingCheckpoint          something came in                            PrepareIteration
    WaitingCheckpoint          nothing came in                              PrepareIteration or Finished, as the driver said
    any                        finish, a failure, a model call ended badly  Finished
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from lash_nb.machine._driver import (
    AdvanceProtocolIteration,
    AppendEvents,
    DriverAction,
    Finish,
    ScheduleTurnLimitFinal,
    StartCheckpoint,
    StartExec,
    StartLlm,
    StartTools,
)
from lash_nb.machine._effects import (
    CheckpointDelivered,
    Emit,
    ExecCompleted,
    ExecutionSurfaceSynced,
    LlmComplete,
    LlmDebug,
    LlmError,
    LogEvent,
    ToolResults,
)
from lash_nb.machine._errors import error_event, llm_call_failed, llm_ended_badly, refined, stop_of
from lash_nb.machine._state import (
    FinishOnEmpty,
    WaitingCheckpoint,
    WaitingExec,
    WaitingExecutionSurface,
    WaitingLlm,
    WaitingTools,
)
from lash_nb.machine._turn import Turn
from lash_nb.wire import (
    ErrorEvent,
    LlmCallError,
    LlmRequestEvent,
    LlmResponse,
    LlmResponseEvent,
    StopReason,
    TextDeltaEvent,
    TokenUsageEvent,
    ToolCallEvent,
    TurnOutcome,
)

__all__ = ["ACTIONS", "ANSWERS", "apply_actions", "fail", "go_on"]


def go_on(turn: Turn) -> None:
    """Do what the present state does when nothing is queued; a waiting state does nothing."""
    state = turn.state
    if not isinstance(state, str):
        if turn.owed_again:
            turn.wait(state)
    elif state == "PreparingProtocol":
        _prepare(turn, sync=turn.config.sync_execution_surface, update=False)
    elif state == "PrepareIteration":
        behind = turn.synced_iteration != turn.iteration
        _prepare(turn, sync=turn.config.sync_execution_surface and behind, update=True)


def _prepare(turn: Turn, *, sync: bool, update: bool) -> None:
    if sync:
        turn.wait(WaitingExecutionSurface(effect_id=turn.take_effect_id(), update_machine_config=update))
    else:
        apply_actions(turn, turn.config.protocol_driver.prepare_protocol_iteration(turn.context()))


def fail(turn: Turn, event: ErrorEvent, reason: StopReason) -> None:
    """Tell of an error and stop the turn."""
    turn.emit(event)
    turn.finish(TurnOutcome.stop(reason))


def _surface_synced(turn: Turn, _state: WaitingExecutionSurface, response: ExecutionSurfaceSynced) -> None:
    result = response.result
    if isinstance(result.Err, str):
        fail(turn, error_event("execution_surface", result.Err, code="reconfigure_failed"), "runtime_error")
        return
    turn.synced(result.Ok or None)
    turn.rest("PrepareIteration")


def _llm_completed(turn: Turn, state: WaitingLlm, response: LlmComplete) -> None:
    given = response.result.Ok
    if not isinstance(given, LlmResponse):
        _llm_failed(turn, response.result.variant)
        return
    answer = refined(given, window=turn.config.max_context_tokens)
    if turn.config.emit_llm_trace:
        turn.log(LogEvent(llm_debug=LlmDebug(protocol_iteration=turn.iteration, response=answer)))
    usage = answer.usage.to_token_usage()
    turn.count(usage)
    turn.emit(TokenUsageEvent(protocol_iteration=turn.iteration, usage=usage, cumulative=turn.usage))
    stop = stop_of(answer.terminal_reason)
    if stop is not None:
        _stop_at_response(turn, answer, stop, text_streamed=response.text_streamed)
        return
    driver = turn.config.protocol_driver
    actions = driver.handle_llm_success(turn.context(), state, answer, text_streamed=response.text_streamed)
    apply_actions(turn, actions)


def _llm_failed(turn: Turn, error: LlmCallError) -> None:
    if turn.config.emit_llm_trace:
        turn.log(LogEvent(llm_error=LlmError(protocol_iteration=turn.iteration, error=error)))
    fail(turn, llm_call_failed(error), "provider_error")


def _stop_at_response(turn: Turn, response: LlmResponse, stop: StopReason, *, text_streamed: bool) -> None:
    """Show what the model said before it ended badly; its tool calls are not run and its text is no message."""
    if response.full_text and not text_streamed:
        turn.emit(TextDeltaEvent(content=response.full_text))
    turn.emit(LlmResponseEvent(protocol_iteration=turn.iteration, content=response.full_text, duration_ms=0))
    fail(turn, llm_ended_badly(response), stop)


def _tools_completed(turn: Turn, _state: WaitingTools, response: ToolResults) -> None:
    for call in response.results:
        turn.emit(
            ToolCallEvent(
                call_id=call.call_id,
                name=call.tool_name,
                args=call.args,
                output=call.output,
                duration_ms=call.duration_ms,
            )
        )
    apply_actions(turn, turn.config.protocol_driver.handle_tool_results(turn.context(), response.results))


def _exec_completed(turn: Turn, state: WaitingExec, response: ExecCompleted) -> None:
    apply_actions(turn, turn.config.protocol_driver.handle_exec_result(turn.context(), state, response.result))


def _checkpoint_delivered(turn: Turn, state: WaitingCheckpoint, response: CheckpointDelivered) -> None:
    if not response.delivery.is_empty:
        turn.deliver(response.delivery)
        _after_delivery(turn, completing=state.checkpoint == "before_completion")
    elif isinstance(state.on_empty, FinishOnEmpty):
        turn.finish(state.on_empty.variant)
    else:
        turn.rest("PrepareIteration")


def _after_delivery(turn: Turn, *, completing: bool) -> None:
    """Go on with what came in; where the turn would have been complete that costs an iteration, the last one a grace."""
    grace_is_used_up = completing and turn.grace_given
    if completing:
        turn.advance()
        limit = turn.context().turn_limit_final_to_schedule
        if limit is not None:
            turn.give_grace(turn.config.turn_limit_final_message(turn.take_message_id("turn_limit"), limit))
    turn.rest("PrepareIteration")
    turn.progress()
    if grace_is_used_up:
        turn.finish(TurnOutcome.stop("max_turns"))


def apply_actions(turn: Turn, actions: Sequence[DriverAction]) -> None:
    """Apply the actions in order; a batch that changed what is worth storing ends with one `Progress`, `Finish` ends it early."""
    changed = False
    for action in actions:
        if type(action) is Finish:
            if changed:
                turn.progress()
            turn.finish(action.outcome)
            return
        changed |= ACTIONS[type(action)](turn, action)
    if changed:
        turn.progress()


def _emit(turn: Turn, action: Emit) -> bool:
    turn.emit(action.event)
    return False


def _append(turn: Turn, action: AppendEvents) -> bool:
    turn.append(action.records)
    return bool(action.records)


def _start_llm(turn: Turn, action: StartLlm) -> bool:
    turn.emit(
        LlmRequestEvent(
            protocol_iteration=turn.iteration,
            message_count=len(turn.messages),
            tool_list=", ".join([tool.name for tool in turn.config.tool_specs]),
        )
    )
    turn.wait(WaitingLlm(effect_id=turn.take_effect_id(), request=action.request, driver_state=action.driver_state))
    return False


def _start_tools(turn: Turn, action: StartTools) -> bool:
    turn.wait(WaitingTools(effect_id=turn.take_effect_id(), calls=action.calls))
    return False


def _start_exec(turn: Turn, action: StartExec) -> bool:
    turn.wait(WaitingExec(effect_id=turn.take_effect_id(), code=action.code, driver_state=action.driver_state))
    return False


def _start_checkpoint(turn: Turn, action: StartCheckpoint) -> bool:
    turn.wait(
        WaitingCheckpoint(effect_id=turn.take_effect_id(), checkpoint=action.checkpoint, on_empty=action.on_empty)
    )
    return False


def _advance(turn: Turn, _action: AdvanceProtocolIteration) -> bool:
    turn.advance()
    return True


def _schedule_turn_limit_final(turn: Turn, action: ScheduleTurnLimitFinal) -> bool:
    due = turn.context().turn_limit_final_to_schedule is not None
    if due:
        turn.give_grace(action.message)
    return due


ANSWERS: Final[Mapping[tuple[type, type], Callable[[Turn, Any, Any], None]]] = {
    (WaitingExecutionSurface, ExecutionSurfaceSynced): _surface_synced,
    (WaitingLlm, LlmComplete): _llm_completed,
    (WaitingTools, ToolResults): _tools_completed,
    (WaitingExec, ExecCompleted): _exec_completed,
    (WaitingCheckpoint, CheckpointDelivered): _checkpoint_delivered,
}
"""Which answer each waiting state takes, and what it leads to."""

ACTIONS: Final[Mapping[type, Callable[[Turn, Any], bool]]] = {
    Emit: _emit,
    AppendEvents: _append,
    StartLlm: _start_llm,
    StartTools: _start_tools,
    StartExec: _start_exec,
    StartCheckpoint: _start_checkpoint,
    AdvanceProtocolIteration: _advance,
    ScheduleTurnLimitFinal: _schedule_turn_limit_final,
}
"""What each action does, and whether the turn is then worth storing; `Finish` is no entry, for it ends the batch."""
