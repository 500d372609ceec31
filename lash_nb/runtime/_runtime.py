"""An opened session: how it comes to life, the turns that run on it, how it is put away (lash 0.1.0-alpha.37, sessions §14)."""

from typing import Self

import msgspec

from lash_nb.effects import ScopedEffectController
from lash_nb.errors import LashRuntimeError, PluginError, SessionError, StoreError
from lash_nb.plugins import PluginSession, SessionRestored
from lash_nb.runtime._config_ops import ConfigOps
from lash_nb.runtime._durability import check_durable_wiring
from lash_nb.runtime._environment import ProcessRegistry, Residency, RuntimeEnvironment
from lash_nb.runtime._frames import follow_up
from lash_nb.runtime._loading import load_persisted_session_state
from lash_nb.runtime._queue_claims import TurnClaims
from lash_nb.runtime._queue_drain import DrainOps
from lash_nb.runtime._result import TurnResult
from lash_nb.runtime._services import (
    EmbeddedRuntimeHost,
    ParkedSession,
    PersistentRuntimeServices,
    ProcessRuntimeHost,
    RuntimeServices,
)
from lash_nb.runtime._settle import bring_to_life, settle
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.runtime._state_commit import commit_to, state_commit
from lash_nb.runtime._state_snapshots import refresh_snapshots
from lash_nb.runtime._tool_trial import TrialOps
from lash_nb.runtime._turn import TurnRunner
from lash_nb.runtime._turn_options import TurnOptions
from lash_nb.runtime._turn_scope import turn_controller, turn_id_of
from lash_nb.stores import SessionStore
from lash_nb.wire import SessionPolicy, TurnInput, TurnScope

__all__ = ["LashRuntime"]


class LashRuntime(DrainOps, ConfigOps, TrialOps):
    """One live session. Turns run one after the other, on the loop of whoever awaits them; nothing is bound to a loop between turns."""

    @classmethod
    async def from_environment(
        cls,
        environment: RuntimeEnvironment,
        policy: SessionPolicy,
        state: RuntimeSessionState,
        store: SessionStore | None = None,
    ) -> Self:
        """Build the session's plugins and bring its state to life; the state is the runtime's from then on.

        Raises:
            SessionError: the environment has no plugin host, the session's id is in use there, or what `assemble_runtime` raises.
        """
        if environment.plugin_host is None:
            raise SessionError(
                "Protocol", "the environment has no plugin_host, which builds tools and protocol; give one"
            )
        if not state.session_id.strip():  # plugins are registered by it
            state.session_id = environment.ids.uuid()
        try:
            plugins = environment.plugin_host.build_session(state.session_id, state.plugin_snapshot)
        except PluginError as error:
            raise SessionError("Protocol", error.message) from error
        try:
            return await cls.assemble_runtime(
                policy,
                environment,
                plugins,
                state,
                store=store,
                process_registry=environment.process_registry,
                residency=environment.residency,
            )
        except BaseException:
            plugins.unregister()
            raise

    @classmethod
    async def assemble_runtime(
        cls,
        policy: SessionPolicy,
        environment: RuntimeEnvironment,
        plugins: PluginSession,
        state: RuntimeSessionState,
        *,
        store: SessionStore | None = None,
        process_registry: ProcessRegistry | None = None,
        residency: Residency = "keep_all",
    ) -> Self:
        """Bring a state to life; every way to open a session goes through here. The graph was healed when it was read, and is trimmed now.

        Raises:
            SessionError: the state names no model, asks for a residency without a store, its tools or plugins cannot be restored, or
                the protocol refuses the session.
        """
        if residency == "active_path_only" and store is None:
            raise SessionError(
                "Protocol", "active_path_only needs a store, or nodes off the path would be lost; give one"
            )
        if residency == "active_path_only":
            state.graph.trim()
        host = (
            EmbeddedRuntimeHost(environment)
            if process_registry is None
            else ProcessRuntimeHost(environment, process_registry)
        )
        services = RuntimeServices(plugins) if store is None else PersistentRuntimeServices(plugins, store)
        runtime = await cls._from_host_state(policy, host, services, state)
        runtime.residency = residency
        return runtime

    @classmethod
    async def from_embedded_state(
        cls, policy: SessionPolicy, host: EmbeddedRuntimeHost, services: RuntimeServices, state: RuntimeSessionState
    ) -> Self:
        """Bring a state to life that is not stored, on a host without background work. Errors as in `assemble_runtime`."""
        return await cls._from_host_state(policy, host, services, state)

    @classmethod
    async def from_background_state(
        cls, policy: SessionPolicy, host: ProcessRuntimeHost, services: RuntimeServices, state: RuntimeSessionState
    ) -> Self:
        """Bring a state to life that is not stored, on a host with background work. Errors as in `assemble_runtime`."""
        return await cls._from_host_state(policy, host, services, state)

    @classmethod
    async def from_persistent_embedded_state(
        cls,
        policy: SessionPolicy,
        host: EmbeddedRuntimeHost,
        services: PersistentRuntimeServices,
        state: RuntimeSessionState,
    ) -> Self:
        """Bring a stored state to life, on a host without background work. Errors as in `assemble_runtime`."""
        return await cls._from_host_state(policy, host, services, state)

    @classmethod
    async def from_persistent_background_state(
        cls,
        policy: SessionPolicy,
        host: ProcessRuntimeHost,
        services: PersistentRuntimeServices,
        state: RuntimeSessionState,
    ) -> Self:
        """Bring a stored state to life, on a host with background work. Errors as in `assemble_runtime`."""
        return await cls._from_host_state(policy, host, services, state)

    @classmethod
    async def _from_host_state(
        cls,
        policy: SessionPolicy,
        host: EmbeddedRuntimeHost | ProcessRuntimeHost,
        services: RuntimeServices | PersistentRuntimeServices,
        state: RuntimeSessionState,
    ) -> Self:
        environment = host.environment
        store = services.store if isinstance(services, PersistentRuntimeServices) else None
        settle(state, policy, environment)
        attachments = await bring_to_life(state, services.plugins, store, environment)
        if services.plugins.hooks.lifecycle:
            restored = SessionRestored(session_id=state.session_id, read_messages=lambda: state.graph.messages)
            await services.plugins.hooks.notify(restored)
        registry = host.process_registry if isinstance(host, ProcessRuntimeHost) else None
        return cls(environment, state, services.plugins, store, attachments, process_registry=registry)

    @classmethod
    async def resume(cls, parked: ParkedSession, environment: RuntimeEnvironment) -> Self:
        """Go on with a parked session, with as many nodes in memory as the environment's residency says.

        Raises:
            SessionError: the store cannot be read, holds another session by now, or cannot serve that residency; or what
                `from_environment` raises.
        """
        clock = environment.clock
        try:
            state = await load_persisted_session_state(parked.store, environment.residency, clock)
        except StoreError as error:
            raise SessionError(
                "Protocol", f"failed to load runtime state of session {parked.session_id}: {error.message}"
            ) from error
        if state is None:
            state = RuntimeSessionState.fresh(parked.session_id, parked.policy, clock)
        if state.session_id != parked.session_id:
            raise SessionError(
                "Protocol",
                f"the store of session {parked.session_id} holds {state.session_id} by now; put its own back, or open that one",
            )
        return await cls.from_environment(environment, parked.policy, state, parked.store)

    async def park(self) -> ParkedSession:
        """Store what is not stored yet and give everything back but the store; the runtime is closed, also when this fails.

        Raises:
            SessionError: there is no store, or it refuses the commit.
        """
        await self.keep_usage()
        async with self._exclusive(refreshed=False):
            store = self._required_store("park")
            try:
                await self._store_all(store)
            except BaseException:
                self.close()
                raise
            self._leave()
            store.rest()
            return ParkedSession(self.session_id, store, self.state.policy)

    async def _store_all(self, store: SessionStore) -> None:
        try:
            if self._stale:  # the last work broke off, and the store knows what it left
                await self._refresh()
            await self._refuse_overtaken(store)
            if self.state.stored_revision is not None:  # of a session that never began there is nothing to keep
                refresh_snapshots(self.state, self.plugins)
            await commit_to(store, self.state, state_commit(self.state))
        except (LashRuntimeError, StoreError) as error:
            raise SessionError(
                "Protocol",
                f"session {self.session_id} is not parked: failed to persist runtime state: {error.message}",
            ) from error

    async def _refuse_overtaken(self, store: SessionStore) -> None:
        """A branch commits without asking for a revision, so it is asked here."""
        state = self.state
        if state.head_revision is not None or state.stored_revision is None:
            return
        head = await store.load_head()
        actual = head.head_revision if head else 0
        if actual != state.stored_revision:
            raise StoreError(
                "HeadRevisionConflict",
                f"the session stands at revision {actual}, the branch was made at {state.stored_revision};"
                " open the session again and branch there",
                expected=state.stored_revision,
                actual=actual,
            )

    async def stream_turn(self, turn_input: TurnInput, options: TurnOptions) -> TurnResult:
        """Run one turn, after the commands that wait; a second turn waits until the first is over.

        A turn that switches the agent frame is followed by the next.

        Raises:
            LashRuntimeError: the turn ended without a result; what was committed stays, and the session takes the next turn. Or what a
                waiting command raises.
            CallerError: `session_closed`; `turn_inside_turn`, this work is part of a turn of the session.
        """
        self.writer.refuse_turn()
        root = turn_id_of(turn_input, options.controller, self.environment.ids.uuid)
        async with self._exclusive(), self._taking() as claims:
            scope = TurnScope(session_id=self.session_id, turn_id=root)
            controller = turn_controller(self.effect_host, options.controller, scope)
            await self._drain_commands(root)
            return await self._through_frames(turn_input, root, options, controller, claims)

    async def stream_next_queued_turn(self, options: TurnOptions, batch_ids: tuple[str, ...] = ()) -> TurnResult | None:
        """Run a turn of the queued work that comes first, or of exactly these batches; None when there is none, or when a command came first.

        What the turn does not complete stays in the queue, except input that can never run. Errors as in `stream_turn`.
        """
        if self.store is None:
            return None
        self.writer.refuse_turn()
        owner = self.environment.ids.uuid()
        async with self._exclusive(), self._taking() as claims:
            if await self._drain_command(owner, unless_held=True):
                return None
            drain = await self._next_drain(options, batch_ids, claims, owner)
            if drain is None:
                return None
            await self._refresh()  # until the work was taken another process may have gone on with the session
            result = await self._through_frames(drain.turn_input, drain.turn_id, options, drain.controller, claims)
            if claims.any_held and result.outcome.stopped != "plugin_abort":  # what a plugin puts off may run later
                await claims.drop()
            return result

    def _taking(self) -> TurnClaims:
        """Let a turn take queued work; a stepper is told when it is over."""
        lease_ms = self.environment.queue_lease_ms
        return TurnClaims(self.store, self.session_id, lease_ms, control=self.effect_host.control)

    async def _through_frames(
        self,
        turn_input: TurnInput,
        root: str,
        options: TurnOptions,
        controller: ScopedEffectController,
        claims: TurnClaims,
    ) -> TurnResult:
        """Run a turn, and those that follow it in other frames; all of them are effects of one scope."""
        check_durable_wiring(self, controller.durability_tier)
        self.effect_host.control.turn_begins(options.cancel)
        if options.plugin_inputs and self.store is not None:
            raise LashRuntimeError(
                "durable_effect_live_plugin_input",
                f"inputs for the plugins {', '.join(sorted(options.plugin_inputs))} cannot be stored with the turn; "
                "give them to a session without a store, or say them in the turn's input",
            )
        following: TurnInput | None = msgspec.structs.replace(turn_input, trace_turn_id=root)
        completed = 0
        while following is not None:
            async with TurnRunner(self, following, options, controller, claims) as turn:
                with self._whole_or_not() as take_back:
                    result = await turn.run(take_back)
                completed += 1
                if result.outcome.agent_frame_switch is not None:
                    await self._restore_protocol()
                following = follow_up(result, turn_input, root, completed)
                if following is None:  # who gives up waiting for listeners takes nothing back
                    self._publish()
        return result
