"""The ground that all operations on an open session stand on: one at a time, on what the store says, whole or not at all."""

import logging
from collections.abc import Callable, Sequence
from functools import partial

from lash_nb.clock import IdSource
from lash_nb.effects import JournalEffectHost, StepEffectHost
from lash_nb.errors import CallerError, LashRuntimeError, StoreError
from lash_nb.machine import TurnMachine
from lash_nb.plugins import PluginSession
from lash_nb.runtime._direct_usage import PendingUsage
from lash_nb.runtime._environment import ProcessRegistry, Residency, RuntimeEnvironment
from lash_nb.runtime._ledger import merged, usage_report
from lash_nb.runtime._loading import load_persisted_session_state
from lash_nb.runtime._observation import RuntimeObservation
from lash_nb.runtime._phases import RuntimeTurnPhaseProbe, TurnPhases
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.runtime._state_commit import commit_to, state_commit
from lash_nb.runtime._state_snapshots import discard_snapshots, refresh_snapshots
from lash_nb.runtime._surface import PromptRenderer
from lash_nb.runtime._trace_emitter import TraceEmitter
from lash_nb.runtime._turn_stream import ActivitySink
from lash_nb.runtime._writer import Writer
from lash_nb.stores import AttachmentStore, SessionStore
from lash_nb.trace import LlmTraceMapper
from lash_nb.wire import Message, QueuedWorkCompletion, SessionUsageReport
from lash_nb.words import counted

__all__ = ["OpenRuntime"]

_LOG = logging.getLogger(__name__)


class OpenRuntime:
    """A live session: its state, its plugins, its store, and who is at work on it. Nothing is bound to a loop between two operations."""

    def __init__(
        self,
        environment: RuntimeEnvironment,
        state: RuntimeSessionState,
        plugins: PluginSession,
        store: SessionStore | None,
        attachments: AttachmentStore,
        *,
        process_registry: ProcessRegistry | None = None,
        residency: Residency = "keep_all",
    ) -> None:
        self.environment = environment
        self.state = state
        self.plugins = plugins
        self.store = store
        self.attachments = attachments
        self.process_registry = process_registry
        self.residency: Residency = residency
        self.journal = JournalEffectHost(environment.effect_host, environment.clock)
        self.effect_host = StepEffectHost(self.journal, environment.clock)
        self.mapper = LlmTraceMapper()
        self.pending_usage = PendingUsage()
        self.prompts = PromptRenderer()
        self.new_message_id = partial(_message_id, environment.ids)
        self.trace = TraceEmitter(
            environment.trace_sink,
            clock=environment.clock,
            ids=environment.ids,
            level=environment.trace_level,
            base=environment.trace_context,
        )
        self.machine: TurnMachine | None = None
        self.writer = Writer()
        self.phases = TurnPhases()
        plugins.hooks.within = self.phases.named
        self.activity_sinks: tuple[ActivitySink, ...] = ()
        """Get every activity of a turn before whoever watches the turn itself."""
        self.on_publish: Callable[[], None] | None = None
        """Told when there is a new observation."""
        self._observation: RuntimeObservation | None = None
        self._closed = False
        self._stale = False

    @property
    def session_id(self) -> str:
        """The session."""
        return self.state.session_id

    def set_turn_phase_probe(self, probe: RuntimeTurnPhaseProbe | None) -> None:
        """Tell this probe when the phases of turns begin and end; None tells nobody."""
        self.phases.probe = probe

    @property
    def turn_phase_probe(self) -> RuntimeTurnPhaseProbe | None:
        """Who is told when the phases of turns begin and end."""
        return self.phases.probe

    def _exclusive(self, *, refreshed: bool = True) -> "_Exclusive":
        """Wait until nobody else works on the session, and stand on what the store says."""
        return _Exclusive(self, refreshed=refreshed)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise CallerError(f"session {self.state.session_id} is closed; open it again", code="session_closed")

    def _whole_or_not(self) -> "_WholeOrNot":
        """Take back what was not committed when the work within fails; with a store, the next work asks it what that is.

        Gives what takes it back, for work that does so without failing.
        """
        return _WholeOrNot(self)

    async def _refresh(self) -> None:
        """Take over what others committed since (sessions §13.1); costs nothing while the head has not moved.

        What is here and was never committed, a branch for instance, stays.
        """
        state = self.state
        if self.store is None or (state.graph_replace_required and state.head_revision is None):
            return
        try:
            head = await self.store.load_head()
            if head is None:
                return
            if head.head_revision == state.stored_revision and not self._stale:
                state.head_revision = state.stored_revision
                return
            fresh = await load_persisted_session_state(self.store, self.residency, self.environment.clock)
        except StoreError as error:
            raise LashRuntimeError("session_head_refresh", error.message) from error
        if fresh is not None:
            self._go_on_from(fresh)
        self._stale = False

    def _go_on_from(self, fresh: RuntimeSessionState) -> None:
        """Replace the state by what was loaded; a store that holds another session by now refuses the next commit."""
        old = self.state
        fresh.session_id = old.session_id
        fresh.policy = old.policy.replace(model=fresh.policy.model, provider_id=fresh.policy.provider_id)
        discard_snapshots(fresh)
        if (
            old.tool_state_snapshot is not None
        ):  # tools that were restored may be of the generation that is stored, so nothing else tells of them
            fresh.tool_state_snapshot = self.plugins.registry.state()
        if old.stored_revision is not None and not old.graph.is_committed:
            left_out = fresh.graph.adopt_pending(old.graph)
            if left_out:
                _LOG.warning(
                    "session %s: %s not stored, for its parents are gone", self.session_id, counted(left_out, "node")
                )
        self.state = fresh

    async def _commit(self, completing: tuple[QueuedWorkCompletion, ...] = ()) -> None:
        """Store what is not stored yet, and complete queued work with it; without a store it is simply kept.

        Raises:
            LashRuntimeError: `store_commit_failed`.
        """
        with self.pending_usage.taken() as used:
            self.state.token_ledger = merged(self.state.token_ledger, used)
            if self.store is None:
                self.state.graph.mark_committed()
                return
            refresh_snapshots(self.state, self.plugins)
            await commit_to(self.store, self.state, state_commit(self.state, usage_deltas=used, completing=completing))

    def _trim(self) -> None:
        """Keep of the graph what the residency says, after the path was left."""
        if self.residency == "active_path_only":
            self.state.graph.trim()

    def observe(self) -> RuntimeObservation:
        """Return the session as it was after its last change; a change under way does not show."""
        if self._observation is None:
            self._observation = RuntimeObservation.of(self.state, self.plugins)
        return self._observation

    def _publish(self) -> None:
        """Show the session as it is now to those who observe it, if anybody ever did."""
        if self._observation is not None:
            self._observation = RuntimeObservation.of(self.state, self.plugins)
        if self.on_publish is not None:
            self.on_publish()

    def conversation(self) -> Sequence[Message]:
        """Return what the model knows at this moment: in a running turn that is more than what the graph has."""
        return tuple(self.machine.messages) if self.machine else tuple(self.state.graph.messages)

    def usage_report(self) -> SessionUsageReport:
        """Return what the session has used over its life."""
        return usage_report((*self.state.token_ledger, *self.pending_usage.rows))

    def unregister_plugin_session(self) -> None:
        """Give the session's id free at its plugin host; calling it again does nothing."""
        self.plugins.unregister()

    def close(self) -> None:
        """Free the session's id for another opening, and give back what its store holds open; no turn begins after this."""
        self._leave()
        if self.store is not None:
            self.store.release()

    def _leave(self) -> None:
        self._closed = True
        self.unregister_plugin_session()


def _message_id(ids: IdSource) -> str:
    return f"m{ids.hex()}"


class _Exclusive:
    """Work on a session that nobody else works on."""

    __slots__ = ("_is_refreshed", "_runtime")

    def __init__(self, runtime: OpenRuntime, *, refreshed: bool) -> None:
        self._runtime = runtime
        self._is_refreshed = refreshed

    async def __aenter__(self) -> None:
        runtime = self._runtime
        await runtime.writer.__aenter__()
        try:
            runtime._refuse_closed()  # noqa: SLF001 - the same module
            if self._is_refreshed:
                await runtime._refresh()  # noqa: SLF001 - as above
        except BaseException:
            runtime.writer.leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._runtime.writer.leave()


class _WholeOrNot:
    """Work that leaves nothing behind when it fails."""

    __slots__ = ("_runtime", "_take_back")

    def __init__(self, runtime: OpenRuntime) -> None:
        self._runtime = runtime
        self._take_back = runtime.state.undo_point()

    def __enter__(self) -> Callable[[], None]:
        return self._take_back

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is not None:
            self._take_back()
            self._runtime._stale = self._runtime.store is not None  # noqa: SLF001 - the same module
