"""How a turn ends: summed up, committed and told, or without any of it (lash 0.1.0-alpha.37, turns §5.2)."""

from collections.abc import Callable

from lash_nb.effects import ScopedEffectController
from lash_nb.errors import CallerError
from lash_nb.plugins import AbortTurn, OwnedEvent
from lash_nb.runtime._assembler import Assembly, TurnAssembler
from lash_nb.runtime._commits import TurnCommits
from lash_nb.runtime._context import TurnContext
from lash_nb.runtime._frames import switch_frame
from lash_nb.runtime._hook_desk import TurnHookDesk
from lash_nb.runtime._hook_turn import ask_after_turn, hook_messages, tell_persisted, turn_summary
from lash_nb.runtime._open_runtime import OpenRuntime
from lash_nb.runtime._queue_delivery import completed_record
from lash_nb.runtime._result import TurnResult, taken_back
from lash_nb.runtime._state_snapshots import snapshot_reader
from lash_nb.runtime._turn_again import note_finished
from lash_nb.runtime._turn_options import TurnOptions
from lash_nb.runtime._turn_stream import TurnStreamHub
from lash_nb.wire import (
    AttachmentRef,
    DoneEvent,
    ErrorEnvelope,
    ErrorEvent,
    StopReason,
    TokenUsage,
    TraceAgentFrameSwitch,
    TurnCompleted,
    TurnOutcome,
    TurnOutcomeEvent,
)

__all__ = ["TurnEnding"]


class TurnEnding:
    """Ends one turn, in one of several ways, and counts its time until then; made when the turn begins.

    Args:
        runtime: The session.
        turn_id: The turn.
        options: What the turn does differently.
        controller: Performs its effects.
        assembler: Sums it up.
        hub: Tells who listens.

    Attributes:
        pictures: What the model was given to look at, in order.
    """

    __slots__ = (
        "_assembler",
        "_controller",
        "_hub",
        "_options",
        "_runtime",
        "_started_ns",
        "_state",
        "_turn_id",
        "_waited_ns",
        "pictures",
    )

    def __init__(
        self,
        runtime: OpenRuntime,
        turn_id: str,
        options: TurnOptions,
        controller: ScopedEffectController,
        *,
        assembler: TurnAssembler,
        hub: TurnStreamHub,
    ) -> None:
        self._runtime = runtime
        self._state = runtime.state
        self._turn_id = turn_id
        self._options = options
        self._controller = controller
        self._assembler = assembler
        self._hub = hub
        self._started_ns = runtime.environment.clock.monotonic_ns()
        self._waited_ns = runtime.effect_host.control.waited_ns
        self.pictures: tuple[AttachmentRef, ...] = ()

    def refused(self, error: CallerError) -> TurnResult:
        """End before anything is traced or kept."""
        envelope = ErrorEnvelope(kind="input_validation", code=error.code, user_message=error.message)
        self._hub.emit(ErrorEvent(message=error.message, envelope=envelope))
        self._tell_stopped("invalid_input")
        return self._result(self._assembly(), TokenUsage.zero())

    def given_back(self, abort: AbortTurn, undo: Callable[[], None]) -> TurnResult:
        """End a turn that a plugin does not want: the result shows what it would have begun with, and nothing of it is kept."""
        envelope = ErrorEnvelope(kind="plugin", code=abort.code, user_message=abort.message)
        told = ErrorEvent(message=abort.message, envelope=envelope)
        self._assembler.on_event(told)  # the reference's own JSON has it twice, once from each stream
        self._hub.emit(told)
        self._tell_stopped("plugin_abort")
        self._state.turn_index -= 1
        return taken_back(self._result(self._assembly(), TokenUsage.zero()), undo)

    def _tell_stopped(self, reason: StopReason) -> None:
        self._hub.emit(TurnOutcomeEvent(outcome=TurnOutcome.stop(reason)))
        self._hub.emit(DoneEvent())

    def cut_off(self, turn: TurnContext) -> None:
        """Tell of a turn that is cancelled from outside, and has no result."""
        turn.trace.emit(TurnCompleted(status="failed", done_reason="cancelled"), turn.end_context(self._waited_ns))

    async def finished(self, turn: TurnContext, commits: TurnCommits, undo: Callable[[], None]) -> TurnResult:
        """Sum up, commit, tell that the turn is over; what an earlier run committed is taken back.

        Raises:
            LashRuntimeError: `store_commit_failed`; `plugin_finalize_turn`, a hook failed or wants what it may not.
        """
        phases, hooks = self._runtime.phases, turn.plugins.hooks
        with phases.within("finalize_turn"):
            assembly = self._assembly()
            is_asked = hooks.after_turn or hooks.lifecycle
            events = await self._asked_after(turn, assembly, commits.usage) if is_asked else ()
            switch = assembly.outcome.agent_frame_switch
            if switch is not None:
                switch_frame(self._state, switch.frame_id, assembly.tool_calls, turn.clock, turn.ids)
        completions = turn.claims.completions
        with phases.within("persist_turn"), phases.within("final_commit"):
            is_kept = await commits.final(assembly.outcome)
            if self._runtime.store is not None:
                await note_finished(self._state, self._controller, self._turn_id)
        if completions and is_kept:
            turn.trace.emit(completed_record(completions), turn.trace_context())
        if events:
            TurnHookDesk(turn).tell(events)
        if hooks.lifecycle:
            with phases.within("post_persist_hooks"):
                await tell_persisted(turn)
        turn.trace.emit(_completed(assembly.outcome), turn.end_context(self._waited_ns))
        result = self._result(assembly, commits.usage, turn.unasked)
        return result if is_kept else taken_back(result, undo)

    async def _asked_after(self, turn: TurnContext, assembly: Assembly, usage: TokenUsage) -> list[OwnedEvent]:
        """Ask the plugins before the turn is stored; return what they tell once it is."""
        wishes = await ask_after_turn(turn, turn_summary(assembly, usage))
        for message in hook_messages(wishes, turn):
            self._state.graph.append_message(message)
        return wishes.events

    def _assembly(self) -> Assembly:
        return self._assembler.assemble(
            self._state.graph.messages,
            cancelled=self._options.cancel.cancelled,
            missing_done_fails=self._runtime.environment.termination.treat_missing_done_as_failure,
        )

    def _result(self, assembly: Assembly, usage: TokenUsage, unasked: int = 0) -> TurnResult:
        runtime = self._runtime
        return TurnResult(
            session_id=self._state.session_id,
            turn_id=self._turn_id,
            turn_index=self._state.turn_index,
            assembly=assembly,
            usage=usage,
            duration_ms=(runtime.environment.clock.monotonic_ns() - self._started_ns) / 1e6,
            waited_ms=(runtime.effect_host.control.waited_ns - self._waited_ns) / 1e6,
            activities=tuple(self._assembler.activities),
            snapshot=snapshot_reader(self._state),
            unasked=unasked,
            pictures=self.pictures,
        )


def _completed(outcome: TurnOutcome) -> TurnCompleted:
    switch = outcome.agent_frame_switch
    return TurnCompleted(
        status="completed" if outcome.is_success else "failed",
        done_reason=outcome.reason,
        agent_frame_switch=TraceAgentFrameSwitch(frame_id=switch.frame_id) if switch else None,
    )
