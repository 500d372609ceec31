"""A tool called by a person, beside the conversation: checked, tried again and measured as when the model calls it."""

from lash_nb.clock import CancellationToken
from lash_nb.effects import loosened
from lash_nb.errors import CallerError, RuntimeEffectControllerError
from lash_nb.machine import PendingToolCall
from lash_nb.plugins import DirectCompletions, ToolContext, ToolDispatcher, ToolPrepareContext
from lash_nb.runtime._direct_ops import DirectOps
from lash_nb.wire import (
    CompletedToolCall,
    EffectOrigin,
    EffectSubject,
    Json,
    PreparedToolCall,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    RuntimeInvocation,
    RuntimeOperationScope,
    RuntimeReplay,
    RuntimeScope,
    ToolCallCommand,
    ToolOutcome,
    expect_outcome,
)

__all__ = ["TrialOps"]


class TrialOps(DirectOps):
    """Calls tools for a person; no turn waits for it, it waits for no turn, and the conversation does not hear of it."""

    async def try_tool(
        self, name: str, args: Json, *, cancellation: CancellationToken | None = None
    ) -> CompletedToolCall:
        """Call a tool and return what a model would get; a call that fails is a result too. The arguments are copied: a tool may change its own.

        It is an effect of an operation of its own, and passes by the stepper and by the hooks around the tool calls of turns.

        Raises:
            CallerError: `session_closed`.
            RuntimeEffectControllerError: the effect host failed.
        """
        if self._closed:
            raise CallerError(f"session {self.session_id} is closed; open it again", code="session_closed")
        call_id = f"trial-{self.environment.ids.hex()}"
        pending = PendingToolCall(call_id=call_id, tool_name=name, args=loosened(args))
        plugins = self.plugins
        dispatcher = ToolDispatcher(
            plugins.tool_surface(),
            plugins.surface_registry,
            clock=self.environment.clock,
            project=plugins.tool_result_projector,
        )
        about = ToolPrepareContext(session_id=self.session_id, call_id=pending.call_id)
        prepared = await dispatcher.prepare(pending, about)
        if not isinstance(prepared, PreparedToolCall):
            return prepared
        executor = _TrialExecutor(dispatcher, self._trial_context(prepared, cancellation))
        controller = self.journal.scoped(RuntimeOperationScope(operation_id=f"{self.session_id}:{pending.call_id}"))
        outcome = expect_outcome(await controller.execute_effect(self._trial(prepared), executor), ToolOutcome)
        await self.keep_usage()
        return outcome.result

    def _trial(self, call: PreparedToolCall) -> RuntimeEffectEnvelope:
        invocation = RuntimeInvocation(
            scope=RuntimeScope(session_id=self.session_id),
            subject=EffectSubject(effect_id=call.call_id, kind="tool_call"),
            replay=RuntimeReplay(key=f"{self.session_id}:tool_call:{call.call_id}"),
        )
        return RuntimeEffectEnvelope(invocation=invocation, command=ToolCallCommand(call=call))

    def _trial_context(self, call: PreparedToolCall, cancellation: CancellationToken | None) -> ToolContext:
        state = self.state
        return ToolContext.of_call(
            call,
            session_id=self.session_id,
            agent_frame_id=state.current_agent_frame_id,
            cancellation=cancellation or CancellationToken(),
            attachments=self.attachments,
            direct=DirectCompletions(
                ask=self.complete_directly, model=lambda: state.effective_policy().model, usage_source="tool"
            ),
        )


class _TrialExecutor:
    """Runs one tool call, and nothing else."""

    origin: EffectOrigin = "executed"

    def __init__(self, dispatcher: ToolDispatcher, context: ToolContext) -> None:
        self._dispatcher = dispatcher
        self._context = context

    async def execute(self, envelope: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        """Perform the envelope.

        Raises:
            RuntimeEffectControllerError: `runtime_effect_local_executor_mismatch`, the envelope asks for something else.
        """
        if not isinstance(envelope.command, ToolCallCommand):
            raise RuntimeEffectControllerError(
                "runtime_effect_local_executor_mismatch",
                f"only a tool call can be performed here, not {envelope.kind}; report this",
            )
        return ToolOutcome(result=await self._dispatcher.execute(envelope.command.call, self._context))
