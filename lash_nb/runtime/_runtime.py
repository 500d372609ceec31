"""An opened session: state, tools, store, and the turns that run on them (lash 0.1.0-alpha.37, sessions §14)."""

from collections.abc import Sequence

import msgspec

from lash_nb.effects import JournalEffectHost, ScopedEffectController, StepEffectHost
from lash_nb.errors import CallerError, LashRuntimeError, PluginError, SessionError, StoreError, ToolRegistryError
from lash_nb.machine import TurnMachine
from lash_nb.plugins import PluginSession
from lash_nb.runtime._environment import RuntimeEnvironment
from lash_nb.runtime._frames import follow_up
from lash_nb.runtime._ledger import usage_report
from lash_nb.runtime._llm_trace import LlmTraceMapper
from lash_nb.runtime._result import TurnResult
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.runtime._trace_emitter import TraceEmitter
from lash_nb.runtime._turn import TurnOptions, TurnRunner
from lash_nb.runtime._writer import Writer
from lash_nb.stores import AttachmentStore, FullGraph, SessionScopedAttachmentStore, SessionStore
from lash_nb.wire import Message, SessionPolicy, SessionSnapshot, SessionUsageReport, TurnInput, TurnScope

__all__ = ["LashRuntime"]


class LashRuntime:
    """One live session. Turns run one after the other, on the loop of whoever awaits them; nothing is bound to a loop between turns."""

    def __init__(
        self,
        environment: RuntimeEnvironment,
        state: RuntimeSessionState,
        plugins: PluginSession,
        store: SessionStore | None,
        attachments: AttachmentStore,
    ) -> None:
        self.environment = environment
        self.state = state
        self.plugins = plugins
        self.store = store
        self.attachments = attachments
        self.journal = JournalEffectHost(environment.effect_host, environment.clock)
        self.effect_host = StepEffectHost(self.journal, environment.clock)
        self.mapper = LlmTraceMapper()
        self.trace = TraceEmitter(
            environment.trace_sink,
            clock=environment.clock,
            ids=environment.ids,
            level=environment.trace_level,
            base=environment.trace_context,
        )
        self.machine: TurnMachine | None = None
        self.writer = Writer()
        self._closed = False
        self._stale = False

    @classmethod
    async def from_environment(
        cls,
        environment: RuntimeEnvironment,
        policy: SessionPolicy,
        state: RuntimeSessionState,
        store: SessionStore | None = None,
    ) -> "LashRuntime":
        """Bring a state to life, in the reference's own order (sessions §14.2).

        Raises:
            SessionError: the state names no model, asks for a residency without a store, its tools or plugins cannot be restored, or
                the protocol refuses the session.
        """
        if environment.residency == "active_path_only" and store is None:
            raise SessionError(
                "Protocol", "active_path_only needs a store, or nodes off the path would be lost; give one"
            )
        _settle(state, policy, environment)
        attachments = environment.attachment_store
        if store is not None:
            attachments = SessionScopedAttachmentStore(attachments, store, state.session_id, environment.clock)
        plugins = _restored_plugins(environment, state)
        await _greet_protocol(plugins)
        state.discard_snapshots()
        return cls(environment, state, plugins, store, attachments)

    async def stream_turn(self, turn_input: TurnInput, options: TurnOptions) -> TurnResult:
        """Run one turn; a second one waits until the first is over. A turn that switches the agent frame is followed by the next.

        Raises:
            LashRuntimeError: the turn ended without a result; what was committed stays, and the session takes the next turn.
            CallerError: `session_closed`.
        """
        async with self.writer.turn():
            if self._closed:
                raise CallerError(f"session {self.state.session_id} is closed; open it again", code="session_closed")
            await self._refresh()
            try:
                return await self._through_frames(turn_input, options)
            finally:
                self.effect_host.control.turn_over()

    async def _through_frames(self, turn_input: TurnInput, options: TurnOptions) -> TurnResult:
        """Run a turn, and those that follow it in other frames; all of them are effects of one scope."""
        root = turn_input.trace_turn_id or self.environment.ids.uuid()
        controller = self.effect_host.scoped(TurnScope(session_id=self.state.session_id, turn_id=root))
        following: TurnInput | None = msgspec.structs.replace(turn_input, trace_turn_id=root)
        completed = 0
        while following is not None:
            result = await self._one_turn(following, options, controller)
            completed += 1
            await self._follow_frame(result)
            following = follow_up(result, turn_input, root, completed)
        return result

    async def _follow_frame(self, result: TurnResult) -> None:
        """Tell the protocol that the session goes on in another frame."""
        if result.outcome.agent_frame_switch is None:
            return
        try:
            await self.plugins.protocol_session.restore_session(self.state.session_id)
        except Exception as error:
            raise LashRuntimeError(
                "protocol_restore_session",
                f"the protocol cannot go on in frame {self.state.current_agent_frame_id}: {error}; the turn before is kept",
            ) from error

    async def _one_turn(
        self, turn_input: TurnInput, options: TurnOptions, controller: ScopedEffectController
    ) -> TurnResult:
        """Run a turn; of one that is aborted, forget what it did not commit: with a store, the next turn asks it what that is."""
        take_back = self.state.undo_point()
        try:
            with options.cancel.calling(self.effect_host.control.run_to):  # a cancelled turn waits for no decision
                return await TurnRunner(self, turn_input, options, controller).run()
        except BaseException:
            take_back()
            self._stale = self.store is not None
            raise

    async def branch_to(self, node_id: str | None) -> SessionSnapshot:
        """Move the leaf between two turns; the next commit stores it."""
        async with self.writer.turn():
            await self._refresh()
            self.state.graph.branch_to(node_id)
            return self.state.snapshot_reader()()

    async def _refresh(self) -> None:
        """Take over what others committed since (sessions §13.1); costs nothing while the head has not moved."""
        state = self.state
        if self.store is None or (state.graph_replace_required and state.head_revision is None):
            return
        try:
            head = await self.store.load_head()
            if head is None or (head.head_revision == state.head_revision and not self._stale):
                return
            read = await self.store.load_session(FullGraph())
        except StoreError as error:
            raise LashRuntimeError("session_head_refresh", error.message) from error
        if read is not None:
            fresh = RuntimeSessionState.from_read(read, self.environment.clock)
            fresh.policy = state.policy.replace(model=read.config.model, provider_id=read.config.provider_id)
            fresh.discard_snapshots()
            self.state = fresh
        self._stale = False

    def conversation(self) -> Sequence[Message]:
        """Return what the model knows at this moment: in a running turn that is more than what the graph has."""
        return tuple(self.machine.messages) if self.machine else tuple(self.state.graph.messages)

    def usage_report(self) -> SessionUsageReport:
        """Return what the session has used over its life."""
        return usage_report(self.state.token_ledger)

    def close(self) -> None:
        """Free the session's id for another opening; no turn begins after this."""
        self._closed = True
        self.plugins.unregister()


def _settle(state: RuntimeSessionState, policy: SessionPolicy, environment: RuntimeEnvironment) -> None:
    """Give the state an id, a policy and a frame; what the frame says wins."""
    if not state.session_id.strip():
        state.session_id = environment.ids.uuid()
    if state.policy.is_unconfigured:
        state.policy = policy
    state.ensure_frame(environment.clock)
    if state.effective_policy().is_unconfigured:
        state.adopt_policy(state.policy)
    state.policy = state.effective_policy()
    if not state.policy.model.id:
        raise SessionError("Protocol", f"session {state.session_id} names no model; give the core one with .model(…)")


def _restored_plugins(environment: RuntimeEnvironment, state: RuntimeSessionState) -> PluginSession:
    try:
        plugins = environment.plugin_host.build_session(state.session_id, state.plugin_snapshot)
    except PluginError as error:
        raise SessionError("Protocol", error.message) from error
    if state.tool_state_snapshot is None:
        return plugins
    try:
        plugins.registry.restore_state(state.tool_state_snapshot)
    except ToolRegistryError as error:
        plugins.unregister()
        raise SessionError("Protocol", error.message) from error
    return plugins


async def _greet_protocol(plugins: PluginSession) -> None:
    """Tell the protocol that the session begins, then what it goes on from."""
    protocol = plugins.protocol_session
    try:
        await protocol.initialize_session(plugins.session_id)
        await protocol.restore_session(plugins.session_id)
    except BaseException as error:
        plugins.unregister()
        if isinstance(error, Exception):
            raise SessionError("Protocol", f"the protocol refuses session {plugins.session_id}: {error}") from error
        raise
