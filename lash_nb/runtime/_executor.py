"""Performs the effects of a turn for real: the local executor behind every envelope (lash 0.1.0-alpha.37, effect wire format §15.4)."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from lash_nb.clock import NS_PER_MS
from lash_nb.errors import LashError, RuntimeEffectControllerError
from lash_nb.plugins import DirectCompletions, ToolContext, ToolDispatcher, tool_cancelled, tool_failure
from lash_nb.runtime._cancelling import (
    TurnCancelledError,
    WorkCancelledError,
    at_once_or_until_cancelled,
    until_cancelled,
)
from lash_nb.runtime._context import TurnContext
from lash_nb.runtime._direct import DirectDesk
from lash_nb.runtime._hook_desk import started_activity
from lash_nb.runtime._hook_turn import checkpoint_with_hooks
from lash_nb.runtime._llm_call import perform_llm_call
from lash_nb.wire import (
    CausalRef,
    CheckpointCommand,
    CompletedToolCall,
    DirectRequest,
    EffectOrigin,
    LlmCallCommand,
    LlmResponse,
    ModelSpec,
    PreparedToolCall,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    RuntimeInvocation,
    SleepCommand,
    SleepOutcome,
    SurfaceOutcome,
    SurfaceResult,
    SyncExecutionSurfaceCommand,
    ToolCallCommand,
    ToolOutcome,
    completed_call,
    tool_retry_sleep_invocation,
)

__all__ = ["TurnEffectExecutor"]

_TOOL_CANCEL_GRACE_SECONDS: Final = 0.05
_SURFACE_STAYS: Final = SurfaceOutcome(result=SurfaceResult(Ok=None))
_CANCELLED_ITSELF: Final = (
    "CancelledError: the task in which the tool ran was cancelled, and nobody cancelled the turn; a tool that stops work of its own cancels"
    " the tasks that it began, never asyncio.current_task() or asyncio.all_tasks()"
)


class TurnEffectExecutor:
    """Knows how to do what a turn asks for; an effect host decides whether it is asked."""

    origin: EffectOrigin = "executed"

    def __init__(self, turn: TurnContext, dispatcher: ToolDispatcher) -> None:
        self._turn = turn
        self._dispatcher = dispatcher
        asker = _ToolsAsker(turn)
        self._direct = DirectCompletions(ask=asker.ask, model=asker.model, usage_source="tool")
        self.tool_calls: set[str] = set()
        """Ids of the tool calls that came here; the others were answered elsewhere, by a person or from a record."""

    def execute(self, envelope: RuntimeEffectEnvelope) -> Coroutine[Any, Any, RuntimeEffectOutcome]:
        """Perform the envelope.

        Raises:
            RuntimeEffectControllerError: `runtime_effect_local_executor_mismatch`, a turn cannot perform this kind;
                `runtime_effect_sleep_cancelled`.
        """
        perform = _PERFORM.get(type(envelope.command))
        if perform is None:
            raise RuntimeEffectControllerError(
                "runtime_effect_local_executor_mismatch",
                f"a turn of this session cannot perform {envelope.kind}; inject its outcome, or leave it out of the turn",
            )
        return perform(self, envelope, envelope.command)

    def _llm_call(
        self, envelope: RuntimeEffectEnvelope, command: LlmCallCommand
    ) -> Coroutine[Any, Any, RuntimeEffectOutcome]:
        return perform_llm_call(envelope, command, self._turn)

    async def _tool_call(self, envelope: RuntimeEffectEnvelope, command: ToolCallCommand) -> RuntimeEffectOutcome:
        """Run the tool; when the turn is cancelled, tell it, wait a moment, then give up on it."""
        turn, call = self._turn, command.call
        self.tool_calls.add(call.call_id)
        if turn.cancel.cancelled:  # a tool that nobody waits for any more must not act on the world
            return ToolOutcome(result=_cut_off(call))
        show_start = started_activity(turn, call)
        sleep, waited_ns = partial(self._retry_sleep, envelope.invocation, call), turn.stops.waited_ns
        context = self._tool_context(call)
        wait = at_once_or_until_cancelled if self._dispatcher.is_quick(call) else until_cancelled
        work = self._dispatcher.execute(call, context, sleep)
        try:
            completed = await wait(work, turn, grace_seconds=_TOOL_CANCEL_GRACE_SECONDS)
        except TurnCancelledError:
            show_start()
            return ToolOutcome(result=_cut_off(call))
        except (asyncio.CancelledError, GeneratorExit):  # aborted or closed: a thread hears of it by its token alone
            if context.cancellation is not None:
                context.cancellation.cancel()
            raise
        except WorkCancelledError:
            completed = completed_call(call, tool_failure("execution", "tool_error", _CANCELLED_ITSELF, source="tool"))
        if turn.stops.waited_ns > waited_ns:  # for a decision about an effect within the call
            completed = _shortened(completed, turn.stops.waited_ns - waited_ns)
        show_start()
        turn.hub.tool_completed(completed)
        return ToolOutcome(result=completed)

    async def _retry_sleep(
        self, invocation: RuntimeInvocation, call: PreparedToolCall, failed: PreparedToolCall, attempt: int, ms: int
    ) -> None:
        """Wait as an effect of its own; calls that `call` makes of other tools have their own ids in it, so that no two are one."""
        name = call.tool_name if failed is call else f"{failed.call_id}:{failed.tool_name}"
        sleep = tool_retry_sleep_invocation(invocation, name, attempt)
        envelope = RuntimeEffectEnvelope(invocation=sleep, command=SleepCommand(duration_ms=ms))
        await self._turn.controller.execute_effect(envelope, self)

    def _tool_context(self, call: PreparedToolCall) -> ToolContext:
        return ToolContext.of_call(
            call,
            session_id=self._turn.session_id,
            agent_frame_id=self._turn.agent_frame_id,
            cancellation=self._turn.cancel.child(),
            attachments=self._turn.attachments,
            direct=self._direct,
        )

    def _checkpoint(
        self, envelope: RuntimeEffectEnvelope, command: CheckpointCommand
    ) -> Coroutine[Any, Any, RuntimeEffectOutcome]:
        return checkpoint_with_hooks(envelope, command, self._turn)

    async def _sync(self, _: RuntimeEffectEnvelope, command: SyncExecutionSurfaceCommand) -> RuntimeEffectOutcome:
        if not command.update_machine_config:
            return _SURFACE_STAYS
        try:
            surface = await self._turn.surface.build()
        except LashError as error:
            return SurfaceOutcome(result=SurfaceResult(Err=str(error)))
        self._dispatcher.surface = surface.tools
        return SurfaceOutcome(result=SurfaceResult(Ok=surface.sync()))

    async def _sleep(self, _: RuntimeEffectEnvelope, command: SleepCommand) -> RuntimeEffectOutcome:
        try:
            wait = self._turn.clock.sleep(command.duration_ms / 1000)
            await until_cancelled(wait, self._turn)
        except TurnCancelledError:
            raise RuntimeEffectControllerError(
                "runtime_effect_sleep_cancelled", "runtime effect sleep was cancelled"
            ) from None
        except WorkCancelledError:
            raise RuntimeEffectControllerError("runtime_effect_sleep_cancelled", "its task was cancelled") from None
        return SleepOutcome()


_PERFORM: Mapping[
    type, Callable[[TurnEffectExecutor, RuntimeEffectEnvelope, Any], Coroutine[Any, Any, RuntimeEffectOutcome]]
] = {
    LlmCallCommand: TurnEffectExecutor._llm_call,  # noqa: SLF001 - the table of this module's own class
    ToolCallCommand: TurnEffectExecutor._tool_call,  # noqa: SLF001 - as above
    CheckpointCommand: TurnEffectExecutor._checkpoint,  # noqa: SLF001 - as above
    SyncExecutionSurfaceCommand: TurnEffectExecutor._sync,  # noqa: SLF001 - as above
    SleepCommand: TurnEffectExecutor._sleep,  # noqa: SLF001 - as above
}
"""How each kind of effect is performed; kinds that are not here are refused."""


class _ToolsAsker:
    """Asks a model for a turn's tools."""

    __slots__ = ("_turn",)

    def __init__(self, turn: TurnContext) -> None:
        self._turn = turn

    def model(self) -> ModelSpec:
        return self._turn.model

    async def ask(self, request: DirectRequest, usage_source: str, caused_by: CausalRef | None, /) -> LlmResponse:
        turn = self._turn
        desk = DirectDesk.of_turn(turn, turn_id=turn.scope_id, controller=turn.controller, provider=turn.provider)
        return await desk.ask(request, usage_source, caused_by)


def _shortened(completed: CompletedToolCall, waited_ns: int) -> CompletedToolCall:
    """Return a call as if nothing had been waited for."""
    return replace(completed, duration_ms=max(completed.duration_ms - waited_ns // NS_PER_MS, 0))


def _cut_off(call: PreparedToolCall) -> CompletedToolCall:
    return completed_call(call, tool_cancelled("tool call cancelled"))
