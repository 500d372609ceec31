"""The shared factory of sessions (lash 0.1.0-alpha.37, facade §1 and §2.7)."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lash_nb.clock import Clock, IdSource
from lash_nb.core._host_config import RuntimeHostConfig
from lash_nb.core._host_events import HostEventsControl
from lash_nb.core._memory import memory_of
from lash_nb.core._modes import ModeId, ModePreset
from lash_nb.core._process_work import (
    DurableProcessWorkerConfig,
    ProcessWorkObserver,
    ProcessWorkPoke,
    ProcessWorkSource,
    QueuedWorkPoke,
)
from lash_nb.core._session import LashSession
from lash_nb.core._session_builder import SessionBuilder
from lash_nb.core._session_delete import (
    SessionDeleteReport,
    delete_process_state,
    delete_stored_session,
    own_controller,
)
from lash_nb.effects import EffectHost, ScopedEffectController
from lash_nb.errors import EmbedError
from lash_nb.plugins import PluginFactory, PluginHost
from lash_nb.providers import LlmProvider, ProviderHandle
from lash_nb.runtime import ParkedSession, Residency, RuntimeEnvironment
from lash_nb.stores import AttachmentStore, HostEventStore, LiveReplayStore, ProcessRegistry, SessionStoreFactory
from lash_nb.trace import Trace, TraceSink
from lash_nb.wire import ModelSpec, SessionPolicy

if TYPE_CHECKING:
    from lash_nb.core._builder import LashCoreBuilder

__all__ = ["CoreParts", "LashCore", "SessionDeleteReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreParts:
    """What a core works with."""

    policy: SessionPolicy
    """What sessions do unless they say otherwise."""
    modes: Mapping[ModeId, ModePreset]
    """The protocols on offer."""
    default_mode: ModeId
    """The one for sessions that name none."""
    host: RuntimeHostConfig
    """Effects, bytes, code, providers, prompt, trace."""
    store_factory: SessionStoreFactory | None
    """Where sessions are kept."""
    child_store_factory: SessionStoreFactory | None
    """Where children of sessions are kept; the same unless it was given."""
    host_event_store: HostEventStore
    """Triggers, one store for sessions and workers."""
    process_work: ProcessWorkSource | None
    """Background processes, if there may be any."""
    queued_work_poke: QueuedWorkPoke | None
    """Who is told of queued work."""
    live_replay_store: LiveReplayStore
    """Where watchers that come back find what they missed."""
    provider: ProviderHandle | None
    """Who answers model calls."""
    provider_because: str
    """Why this one, in words for a person."""
    plugins: tuple[PluginFactory, ...]
    """The plugins that all modes share: the core's tools, then the others."""
    residency: Residency
    """Which nodes stay in memory."""
    queue_lease_ms: int
    """How long queued work stays with a turn whose process died, in milliseconds."""
    clock: Clock
    """Time."""
    ids: IdSource
    """Identities."""

    @property
    def attachment_store(self) -> AttachmentStore:
        """Where bytes are kept."""
        return self.host.attachment_store

    @property
    def process_registry(self) -> ProcessRegistry | None:
        """Who knows the background processes."""
        return self.process_work.process_registry if self.process_work else None


class LashCore:
    """One per application: builds sessions that share stores, tools, provider and trace."""

    def __init__(self, parts: CoreParts) -> None:
        self._parts = parts

    def __repr__(self) -> str:
        provider = self._parts.provider.kind if self._parts.provider else "no provider"
        return f"LashCore({self._parts.policy.model.id} on {provider}, modes: {', '.join(self.installed_modes())})"

    @staticmethod
    def builder() -> "LashCoreBuilder":
        """Return an empty builder."""
        from lash_nb.core._builder import LashCoreBuilder  # noqa: PLC0415 - the builder makes this class

        return LashCoreBuilder()

    @staticmethod
    def standard() -> "LashCoreBuilder":
        """Return a builder with the standard mode and the default plugins; stores, provider and model are still to be given."""
        from lash_nb.core._presets import standard  # noqa: PLC0415 - the builder makes this class

        return standard()

    @staticmethod
    def rlm() -> "LashCoreBuilder":
        """Return a builder with the rlm mode and the default plugins. Its sessions open; their turns say what they still lack."""
        from lash_nb.core._presets import rlm  # noqa: PLC0415 - the builder makes this class

        return rlm()

    @staticmethod
    def notebook(
        provider: LlmProvider | ProviderHandle | str | None = None,
        model: ModelSpec | str | None = None,
        store: str | os.PathLike[str] | None = None,
        trace: TraceSink | str | os.PathLike[str] | None = None,
    ) -> "LashCoreBuilder":
        """Return a builder that needs nothing more: `core = LashCore.notebook().tools(…).build()`, then `print(core.provider_choice)`.

        It has the standard mode, performs effects in this process, and traces into memory, so that sessions have a `trace`.

        Args:
            provider: Who answers: a provider, or a name of `MODEL_SERVICES` (`openai`, `anthropic`, `ollama` …). Absent means whoever the
                environment has the key of: `OPENAI_BASE_URL`, `OPENAI_API_KEY`, `ANTHROPIC_API_KEY`, `OPENROUTER_API_KEY`; else the offline
                demo, which has no model.
            model: The model, or the id of one whose limits are known (`known_models()`). Absent means a usual one of the provider.
            store: A folder that keeps sessions, attachments and compiled code; in memory when absent.
            trace: A file or sink that gets the trace, too.

        Raises:
            CallerError: `provider`, nobody has that name; `model`, the provider's models are not known, so name one; `unknown_model`, its
                limits are not known, so give `model_spec(id, window=…)`; or what the provider raises.
        """
        from lash_nb.core._notebook import notebook  # noqa: PLC0415 - the builder makes this class

        return notebook(provider, model, store, trace)

    @property
    def provider_choice(self) -> str:
        """One line for a person: who answers, with which model, and why."""
        parts = self._parts
        if parts.provider is None:
            return "nobody answers yet; give the core a provider, or a session, or a turn"
        return f"{parts.provider.kind} answers with {parts.policy.model.id}: {parts.provider_because}"

    @property
    def parts(self) -> CoreParts:
        """What the core works with."""
        return self._parts

    @property
    def trace(self) -> Trace | None:
        """The records of all its sessions, when it traces into memory, alone or beside other sinks: always the same trace, as `session.trace` is.

        None without `.trace_sink(MemoryTraceSink())`, which `LashCore.notebook()` has.
        """
        memory = memory_of(self._parts.host.trace_sink)
        return memory.trace() if memory else None

    def installed_modes(self) -> tuple[ModeId, ...]:
        """Return the modes on offer, sorted."""
        return tuple(sorted(self._parts.modes))

    def effect_host(self) -> EffectHost:
        """Return who performs effects."""
        return self._parts.host.effect_host

    def host_events(self) -> HostEventsControl:
        """Return what tells the triggers of all sessions what happens here."""
        return HostEventsControl(self._parts.host_event_store, self.effect_host())

    def process_registry(self) -> ProcessRegistry | None:
        """Return who knows the background processes; None on a core without any."""
        return self._parts.process_registry

    def process_observer(self) -> ProcessWorkObserver | None:
        """Return what looks at the background processes; None on a core without any."""
        registry = self._parts.process_registry
        return None if registry is None else ProcessWorkObserver(registry)

    def process_work_poke(self) -> ProcessWorkPoke | None:
        """Return what wakes whoever runs the background processes: the driver's, else this core's own, which cannot run any yet and says so.

        None on a core without any.
        """
        work = self._parts.process_work
        return None if work is None else work.poke_handle

    def durable_process_worker_config(self) -> DurableProcessWorkerConfig:
        """Return all that a worker needs to run the processes of this core in another place.

        Raises:
            EmbedError: `MissingProcessRegistry`, else `MissingProcessWorkerStoreFactory`.
        """
        return self.durable_process_worker_config_with_plugins(())

    def durable_process_worker_config_with_plugins(self, extra: Iterable[PluginFactory]) -> DurableProcessWorkerConfig:
        """Return the same with more plugins, after those of the core. Errors as there."""
        parts = self._parts
        if parts.process_registry is None:
            raise EmbedError(
                "MissingProcessRegistry", "this core runs no background processes; give it .process_registry(…)"
            )
        if parts.store_factory is None:
            raise EmbedError(
                "MissingProcessWorkerStoreFactory",
                "a worker opens sessions again, and this core keeps none; give it .store_factory(…)",
            )
        return DurableProcessWorkerConfig(
            plugin_host=self._plugin_host(parts.modes[parts.default_mode], extra),
            runtime_host=parts.host,
            session_policy=parts.policy,
            session_store_factory=parts.store_factory,
            process_registry=parts.process_registry,
            host_event_store=parts.host_event_store,
            residency=parts.residency,
        )

    def session(self, session_id: str) -> SessionBuilder:
        """Return what opens the session of this id; a blank one stands for a new session with a random id."""
        return SessionBuilder(self, session_id if session_id.strip() else self._parts.ids.uuid())

    async def resume(self, parked: ParkedSession) -> LashSession:
        """Go on with a parked session in the default mode; `session(…).mode(…).resume(parked)` speaks another one.

        Raises:
            SessionError: the store cannot be read, or cannot serve the core's residency, or the session cannot be brought to life.
        """
        return await self.session(parked.session_id).resume(parked)

    async def delete_session(
        self, session_id: str, scoped_effect_controller: ScopedEffectController | None = None
    ) -> SessionDeleteReport:
        """Delete a stored session: its handles of background processes, then what is stored. Open handles are not told; it may be tried again.

        Args:
            session_id: The session.
            scoped_effect_controller: The scope of which this is part; by default one of its own, on a host that records nothing.

        Raises:
            EmbedError: `MissingSessionStoreFactory`, `DurableEffectHostRequiresHandlerContext`, `SessionDeleteProcess`, `StoreFactory`.
        """
        controller = scoped_effect_controller or own_controller(self.effect_host(), session_id)
        factory, registry = self._parts.store_factory, self._parts.process_registry
        if factory is None:
            raise EmbedError(
                "MissingSessionStoreFactory", "this core keeps no sessions; give it one with .store_factory(…)"
            )
        process = None if registry is None else await delete_process_state(session_id, registry, controller)
        await delete_stored_session(session_id, factory)
        return SessionDeleteReport(session_id=session_id, process=process)

    def environment(
        self, mode: ModePreset, provider: ProviderHandle | None, extra: Iterable[PluginFactory] = ()
    ) -> RuntimeEnvironment:
        """Return what a session of this mode gets; each opening builds its plugins anew."""
        parts, host = self._parts, self._parts.host
        answering = provider or parts.provider
        return RuntimeEnvironment(
            plugin_host=self._plugin_host(mode, extra),
            effect_host=host.effect_host,
            attachment_store=host.attachment_store,
            artifact_store=host.lashlang_artifact_store,
            process_registry=parts.process_registry,
            providers={answering.kind: answering} if answering else host.providers,
            prompt=host.prompt,
            trace_sink=host.trace_sink,
            trace_level=host.trace_level,
            trace_context=host.trace_context,
            termination=host.termination,
            residency=parts.residency,
            queue_lease_ms=parts.queue_lease_ms,
            clock=parts.clock,
            ids=parts.ids,
        )

    def _plugin_host(self, mode: ModePreset, extra: Iterable[PluginFactory]) -> PluginHost:
        return PluginHost([mode.factory, *self._parts.plugins, *extra])
