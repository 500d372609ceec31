"""The only file in which the machine meets the world (lash 0.1.0-alpha.37, turns §5.3).

The machine says what it wants; the loop makes an envelope of every nondeterministic step, hands it to the effect host, and gives the machine
the response. Nothing here knows whether the host performs, records, replays or waits for a person.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from lash_nb.errors import LashRuntimeError, RuntimeEffectControllerError
from lash_nb.machine import (
    Checkpoint,
    CheckpointDelivered,
    Done,
    Emit,
    ExecCode,
    ExecCompleted,
    ExecutionSurfaceSynced,
    LlmCall,
    LlmComplete,
    Log,
    PendingToolCall,
    Progress,
    SyncExecutionSurface,
    ToolCalls,
    ToolResults,
    TurnMachine,
)
from lash_nb.plugins import ToolDispatcher, ToolPrepareContext, tool_failure
from lash_nb.runtime._context import TurnContext
from lash_nb.runtime._executor import TurnEffectExecutor
from lash_nb.runtime._queue_checkpoint import hold_again
from lash_nb.wire import (
    AssistantProseDelta,
    CheckpointCommand,
    CheckpointDelivery,
    CheckpointOutcome,
    CompletedToolCall,
    DoneEvent,
    ErrorEnvelope,
    ErrorEvent,
    ExecCodeCommand,
    ExecOutcome,
    LlmCallCommand,
    LlmOutcome,
    LlmRequestSpec,
    LlmResponse,
    PreparedToolCall,
    PromptUsage,
    ReasoningDelta,
    RuntimeEffectCommand,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    RuntimeInvocation,
    SessionEvent,
    SurfaceOutcome,
    SyncExecutionSurfaceCommand,
    TokenUsage,
    TokenUsageEvent,
    ToolCallCommand,
    ToolCallCompleted,
    ToolCallStarted,
    ToolOutcome,
    TraceToolCallOutput,
    TurnEvent,
    TurnOutcome,
    child_tool_effect_invocations,
    completed_call,
    effect_kind,
    expect_outcome,
    turn_effect_invocation,
)

__all__ = ["TurnJournal", "TurnLoop"]


class TurnJournal(Protocol):
    """Who keeps what a turn reaches on its way."""

    def note_usage(self, cumulative: TokenUsage, prompt: PromptUsage | None) -> None:
        """Remember the turn's counters."""
        ...

    def progress(self, progress: Progress) -> Awaitable[None]:
        """Commit what there is so far, if a turn could go on from it."""
        ...


class TurnLoop:
    """Drives one machine until it is done."""

    def __init__(
        self, machine: TurnMachine, turn: TurnContext, dispatcher: ToolDispatcher, journal: TurnJournal
    ) -> None:
        self._machine = machine
        self._turn = turn
        self._dispatcher = dispatcher
        self._journal = journal
        self._executor = TurnEffectExecutor(turn, dispatcher)

    async def run(self) -> Done:
        """Perform each effect that the machine asks for.

        Raises:
            LashRuntimeError: a durable host failed; the machine asks for nothing and is not done.
        """
        while effects := self._machine.poll_effects():
            for effect in effects:
                if type(effect) is Emit:
                    self._emit(effect.event)
                elif type(effect) is Done:
                    return effect
                else:
                    try:
                        await _HANDLE[type(effect)](self, effect)
                    except RuntimeEffectControllerError as error:
                        self._fail(error)
        raise LashRuntimeError(
            "runtime", f"turn {self._turn.turn_id} stalled: its machine waits for nothing; report this"
        )

    def _fail(self, error: RuntimeEffectControllerError) -> None:
        """End the turn, or under a durable host leave it to be run again."""
        if self._turn.controller.durability_tier == "durable":
            raise LashRuntimeError(error.code, error.message) from error
        envelope = ErrorEnvelope(kind="runtime_effect_controller", code=error.code, user_message=error.message)
        self._machine.fail_turn(ErrorEvent(message=error.message, envelope=envelope))

    def _perform(self, invocation: RuntimeInvocation, command: RuntimeEffectCommand) -> Awaitable[RuntimeEffectOutcome]:
        envelope = RuntimeEffectEnvelope(invocation=invocation, command=command)
        return self._turn.controller.execute_effect(envelope, self._executor)

    def _invocation(self, effect_id: int, command: RuntimeEffectCommand) -> RuntimeInvocation:
        scope = self._turn.scope(self._machine.protocol_iteration)
        return turn_effect_invocation(scope, effect_id, effect_kind(command))

    def _emit(self, event: SessionEvent) -> None:
        if type(event) is TokenUsageEvent:
            self._journal.note_usage(event.cumulative, PromptUsage.from_usage(event.usage))
        self._turn.hub.emit(event)

    async def _ignore(self, _: Log) -> None:
        """Model calls are traced where they happen."""

    def _progress(self, effect: Progress) -> Awaitable[None]:
        return self._journal.progress(effect)

    async def _sync_surface(self, effect: SyncExecutionSurface) -> None:
        command = SyncExecutionSurfaceCommand(update_machine_config=effect.update_machine_config)
        outcome = expect_outcome(await self._perform(self._invocation(effect.id, command), command), SurfaceOutcome)
        self._machine.handle_response(ExecutionSurfaceSynced(id=effect.id, result=outcome.result))

    async def _llm_call(self, effect: LlmCall) -> None:
        if self._turn.cancel.cancelled:
            self._turn.unasked += 1
            self._turn.hub.emit(DoneEvent())
            self._machine.finish(TurnOutcome.stop("cancelled"))
            return
        command = LlmCallCommand(request=LlmRequestSpec.from_request(effect.request, self._turn.attachments.put))
        outcome = expect_outcome(await self._perform(self._invocation(effect.id, command), command), LlmOutcome)
        if isinstance(outcome.result.Ok, LlmResponse) and not outcome.text_streamed:
            for event, correlation_id in _activities(outcome.result.Ok):
                self._turn.hub.activity(event, correlation_id)
        self._machine.handle_response(
            LlmComplete(id=effect.id, result=outcome.result, text_streamed=outcome.text_streamed)
        )

    async def _tool_calls(self, effect: ToolCalls) -> None:
        """Run the calls of one reply one after the other; when the host fails, all have a result, for no model goes on without."""
        told_in = self._turn.trace_context(self._machine.protocol_iteration)
        started = (ToolCallStarted(call_id=call.call_id, name=call.tool_name, args=call.args) for call in effect.calls)
        self._turn.trace.emit_all(started, told_in)
        scope = self._turn.scope(self._machine.protocol_iteration)
        invocations = child_tool_effect_invocations(turn_effect_invocation(scope, effect.id, "tool_call"), effect.id)
        results: list[CompletedToolCall] = []
        waited_ns = self._turn.stops.waited_ns
        try:
            for call in effect.calls:
                results.append(await self._tool_call(call, invocations(call.call_id)))  # noqa: PERF401 - what is done counts when the next one fails
        except RuntimeEffectControllerError as error:
            failure = tool_failure("internal", error.code, error.message)
            not_run = (completed_call(call, failure) for call in effect.calls[len(results) :])
            self._complete_tool_calls(effect.id, [*results, *not_run], waited_ns)
            raise
        self._complete_tool_calls(effect.id, results, waited_ns)

    def _complete_tool_calls(self, effect_id: int, results: Sequence[CompletedToolCall], waited_ns: int) -> None:
        told_in = self._turn.end_context(waited_ns, self._machine.protocol_iteration)
        self._turn.trace.emit_all(map(_completion, results), told_in)
        self._machine.handle_response(ToolResults(id=effect_id, results=tuple(results)))

    async def _tool_call(self, pending: PendingToolCall, invocation: RuntimeInvocation) -> CompletedToolCall:
        prepared = self._dispatcher.ready(pending) or await self._prepared(pending)
        if not isinstance(prepared, PreparedToolCall):
            return prepared
        outcome = expect_outcome(await self._perform(invocation, ToolCallCommand(call=prepared)), ToolOutcome)
        if prepared.call_id not in self._executor.tool_calls and self._turn.controller.durability_tier == "inline":
            self._turn.hub.tool_started(prepared)  # a person answered: who watches sees the call all the same
            self._turn.hub.tool_completed(outcome.result)
        return outcome.result

    async def _prepared(self, pending: PendingToolCall) -> PreparedToolCall | CompletedToolCall:
        context = ToolPrepareContext(session_id=self._turn.session_id, call_id=pending.call_id)
        return await self._turn.writer.within(lambda: self._dispatcher.prepare(pending, context))

    async def _exec_code(self, effect: ExecCode) -> None:
        command = ExecCodeCommand(code=effect.code)
        outcome = expect_outcome(await self._perform(self._invocation(effect.id, command), command), ExecOutcome)
        self._machine.handle_response(ExecCompleted(id=effect.id, result=outcome.result))

    async def _checkpoint(self, effect: Checkpoint) -> None:
        command = CheckpointCommand(checkpoint=effect.checkpoint)
        invocation = self._invocation(effect.id, command)
        outcome = expect_outcome(await self._perform(invocation, command), CheckpointOutcome)
        if not isinstance(outcome.result.Ok, CheckpointDelivery):
            error = outcome.result.variant
            raise RuntimeEffectControllerError(error.code, error.message)
        await hold_again(self._turn, invocation, outcome.result.Ok)
        self._machine.handle_response(CheckpointDelivered(id=effect.id, delivery=outcome.result.Ok))


_HANDLE: Mapping[type, Callable[[TurnLoop, Any], Awaitable[None]]] = {
    Log: TurnLoop._ignore,  # noqa: SLF001 - the table of this module's own class
    Progress: TurnLoop._progress,  # noqa: SLF001 - as above
    SyncExecutionSurface: TurnLoop._sync_surface,  # noqa: SLF001 - as above
    LlmCall: TurnLoop._llm_call,  # noqa: SLF001 - as above
    ToolCalls: TurnLoop._tool_calls,  # noqa: SLF001 - as above
    ExecCode: TurnLoop._exec_code,  # noqa: SLF001 - as above
    Checkpoint: TurnLoop._checkpoint,  # noqa: SLF001 - as above
}
"""What the loop does with the effects of the machine, other than events to be told and its end."""


def _completion(call: CompletedToolCall) -> ToolCallCompleted:
    return ToolCallCompleted(
        call_id=call.call_id,
        name=call.tool_name,
        args=call.args,
        output=TraceToolCallOutput.of(call.output),
        duration_ms=call.duration_ms,
    )


def _activities(response: LlmResponse) -> Iterator[tuple[TurnEvent, str | None]]:
    """Yield what a response that was not streamed would have shown (turns §7.2)."""
    texts = [part.Text for part in response.parts if part.Text]
    by_item = any(text.response_meta and text.response_meta.id for text in texts)
    for part in response.parts:
        if part.Reasoning and part.Reasoning.text.strip():
            replay = part.Reasoning.replay
            yield ReasoningDelta(text=part.Reasoning.text), replay.item_id if replay else None
        if by_item and part.Text and part.Text.text:
            meta = part.Text.response_meta
            yield AssistantProseDelta(text=part.Text.text), meta.id if meta else None
    whole = response.full_text or "".join(text.text for text in texts)
    if whole and not by_item:
        yield AssistantProseDelta(text=whole), None
