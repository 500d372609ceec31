"""Puts a core together and refuses what cannot work (lash 0.1.0-alpha.37, facade §2)."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, Self

from lash_nb.clock import Clock, IdSource, RandomIds, SystemClock
from lash_nb.core._choices import chosen_model, chosen_provider
from lash_nb.core._coherence import StoreTiers, ensure_coherent
from lash_nb.core._core import CoreParts, LashCore
from lash_nb.core._host_config import RuntimeHostConfig, resolved_host
from lash_nb.core._modes import ModeId, ModePreset
from lash_nb.core._process_work import InlineProcessWork, ProcessWorkDriver, ProcessWorkSource, QueuedWorkPoke
from lash_nb.core._prompt_layer_sink import PromptLayerSink
from lash_nb.core._session_spec import SessionSpec
from lash_nb.effects import EffectHost, InlineEffectHost
from lash_nb.errors import EmbedError
from lash_nb.plugins import (
    FunctionToolProvider,
    PluginFactory,
    PluginHost,
    PluginStack,
    ToolProvider,
    embed_tools,
)
from lash_nb.providers import LlmProvider, ProviderHandle
from lash_nb.runtime import Residency, TerminationPolicy
from lash_nb.stores import (
    QUEUED_WORK_CLAIM_TTL_MS,
    TIER_OF_PERSISTENCE,
    AttachmentStore,
    HostEventStore,
    InMemoryAttachmentStore,
    InMemoryHostEventStore,
    InMemoryLashlangArtifactStore,
    InMemoryLiveReplayStore,
    InMemorySessionStoreFactory,
    LashlangArtifactStore,
    LiveReplayStore,
    ProcessRegistry,
    SessionStoreFactory,
    StoreFolder,
)
from lash_nb.trace import JsonlTraceSink, TraceSink
from lash_nb.wire import DurabilityTier, ModelSpec, PromptLayer, SessionPolicy, TraceContext, TraceLevel

__all__ = ["AdvancedLashCoreBuilder", "LashCoreBuilder"]


class LashCoreBuilder(PromptLayerSink):
    """Collects what a core works with; every setter returns the builder, and of what is set twice the last counts."""

    def __init__(self) -> None:
        self._modes: dict[ModeId, ModePreset] = {}
        self._default_mode: ModeId | None = None
        self._spec = SessionSpec()
        self._provider: ProviderHandle | None = None
        self._because = ""
        self._host_config: RuntimeHostConfig | None = None
        self._host: dict[str, Any] = {}
        self._store_factory: SessionStoreFactory | None = None
        self._child_store_factory: SessionStoreFactory | None = None
        self._host_event_store: HostEventStore | None = None
        self._process_work: ProcessWorkSource | None = None
        self._queued_work_poke: QueuedWorkPoke | None = None
        self._live_replay_store: LiveReplayStore | None = None
        self._tool_providers: list[ToolProvider] = []
        self._plugins = PluginStack()
        self._plugin_host: PluginHost | None = None
        self._residency: Residency = "keep_all"
        self._queue_lease_ms = QUEUED_WORK_CLAIM_TTL_MS
        self._clock: Clock = SystemClock()
        self._ids: IdSource = RandomIds()

    def install_mode(self, preset: ModePreset) -> Self:
        """Offer a mode, in place of one of the same name; the first one is the default."""
        self._modes[preset.mode_id] = preset
        self._default_mode = self._default_mode or preset.mode_id
        return self

    def default_mode(self, mode_id: ModeId) -> Self:
        """Use this mode where a session names none."""
        self._default_mode = mode_id
        return self

    def in_memory(self) -> Self:
        """Perform effects here and keep everything in memory: effect host, session, attachment and artifact stores."""
        return (
            self.effect_host(InlineEffectHost())
            .store_factory(InMemorySessionStoreFactory(self._clock))
            .attachment_store(InMemoryAttachmentStore())
            .lashlang_artifact_store(InMemoryLashlangArtifactStore())
        )

    def stored_in(self, folder: str | os.PathLike[str]) -> Self:
        """Perform effects here and keep everything in a folder: a database for each session, attachments, compiled code."""
        stores = StoreFolder(folder, self._clock)
        return (
            self.effect_host(InlineEffectHost())
            .store_factory(stores.sessions)
            .attachment_store(stores.attachments)
            .lashlang_artifact_store(stores.artifacts)
        )

    def provider(self, provider: LlmProvider | ProviderHandle, *, because: str = "it was given") -> Self:
        """Let this provider answer model calls; `because` is what `LashCore.provider_choice` tells a person."""
        self._because = because
        self._provider = chosen_provider(provider)
        self._spec = replace(self._spec, provider_id=self._provider.kind)
        return self

    def model(self, model: ModelSpec | str) -> Self:
        """Ask this model; an id alone gets the limits that are known of it, else a context window of `DEFAULT_CONTEXT_WINDOW` tokens."""
        self._spec = replace(self._spec, model=chosen_model(model))
        return self

    def max_turns(self, count: int | None) -> Self:
        """End a turn after this many iterations of the model loop; None for no limit."""
        self._spec = replace(self._spec, max_turns=count)
        return self

    def session_spec(self, spec: SessionSpec) -> Self:
        """Use this spec; what was said before about provider, model, limit or prompt of sessions is forgotten."""
        self._spec = spec
        return self

    def store_factory(self, factory: SessionStoreFactory) -> Self:
        """Keep sessions in stores of this factory, each in the store of its own id."""
        self._store_factory = factory
        return self

    def child_store_factory(self, factory: SessionStoreFactory) -> Self:
        """Keep the children of sessions, and what workers open again, in stores of this factory instead."""
        self._child_store_factory = factory
        return self

    def attachment_store(self, store: AttachmentStore) -> Self:
        """Keep attachment bytes here."""
        return self._set_host("attachment_store", store)

    def lashlang_artifact_store(self, store: LashlangArtifactStore) -> Self:
        """Keep compiled code here."""
        return self._set_host("lashlang_artifact_store", store)

    def effect_host(self, host: EffectHost) -> Self:
        """Let this host perform effects."""
        return self._set_host("effect_host", host)

    def host_event_store(self, store: HostEventStore) -> Self:
        """Keep triggers and what they saw here; otherwise in memory, in one store for sessions and workers."""
        self._host_event_store = store
        return self

    def process_registry(self, registry: ProcessRegistry) -> Self:
        """Let this registry know the background processes, and let this core run them; takes the place of a driver."""
        self._process_work = InlineProcessWork(registry)
        return self

    def process_work_driver(self, driver: ProcessWorkDriver) -> Self:
        """Let somebody else run the background processes; takes the place of a registry."""
        self._process_work = driver
        return self

    def queued_work_poke(self, poke: QueuedWorkPoke) -> Self:
        """Tell this handle when there is queued work for a session."""
        self._queued_work_poke = poke
        return self

    def live_replay_store(self, store: LiveReplayStore) -> Self:
        """Keep what happens to sessions here, for watchers that come back; otherwise in memory, 2,048 events and two minutes of each."""
        self._live_replay_store = store
        return self

    def tools(self, *tools: ToolProvider | Callable[..., Any]) -> Self:
        """Offer tools: functions made with `@tool`, or whole providers."""
        functions = [item for item in tools if callable(item)]
        if functions:
            self._tool_providers.append(FunctionToolProvider(functions))
        self._tool_providers.extend(item for item in tools if not callable(item))
        return self

    def plugin(self, factory: PluginFactory) -> Self:
        """Add a plugin at the end of the stack."""
        self._plugins.push(factory)
        return self

    def plugins(self, stack: PluginStack) -> Self:
        """Use this plugin stack instead."""
        self._plugins = stack
        return self

    def configure_plugins(self, configure: Callable[[PluginStack], None]) -> Self:
        """Let `configure` change the plugin stack in place."""
        configure(self._plugins)
        return self

    def prompt_layer(self, layer: PromptLayer) -> Self:
        """Use this layer instead of all that was said about the prompt."""
        return self._set_host("prompt", layer)

    def trace_sink(self, sink: TraceSink) -> Self:
        """Send trace records there."""
        return self._set_host("trace_sink", sink)

    def trace_jsonl_path(self, path: str | os.PathLike[str]) -> Self:
        """Append trace records to this JSONL file."""
        return self.trace_sink(JsonlTraceSink(path))

    def lashlang_execution_sink(self, sink: TraceSink) -> Self:
        """Send the records of programs there."""
        return self._set_host("lashlang_execution_sink", sink)

    def lashlang_execution_jsonl_path(self, path: str | os.PathLike[str]) -> Self:
        """Append the records of programs to this JSONL file."""
        return self.lashlang_execution_sink(JsonlTraceSink(path))

    def trace_level(self, level: TraceLevel) -> Self:
        """Trace this much."""
        return self._set_host("trace_level", level)

    def trace_context(self, context: TraceContext) -> Self:
        """Say this in every trace record."""
        return self._set_host("trace_context", context)

    def termination(self, policy: TerminationPolicy) -> Self:
        """Say what counts as a proper end of a turn."""
        return self._set_host("termination", policy)

    def residency(self, residency: Residency) -> Self:
        """Say which nodes an open session keeps in memory."""
        self._residency = residency
        return self

    def queue_lease_ms(self, milliseconds: int) -> Self:
        """Keep queued work for so long for a turn of which nobody knows whether it lives, a quarter of an hour otherwise; one that lives renews its lease.

        What a process of this machine held that is dead is free at once.
        """
        self._queue_lease_ms = milliseconds
        return self

    def clock(self, clock: Clock) -> Self:
        """Read the time here."""
        self._clock = clock
        return self

    def ids(self, ids: IdSource) -> Self:
        """Take identities from here."""
        self._ids = ids
        return self

    def advanced(self) -> "AdvancedLashCoreBuilder":
        """Return what takes a whole host or plugin host, and then builds."""
        return AdvancedLashCoreBuilder(self)

    def build(self) -> LashCore:
        """Return the core.

        Raises:
            EmbedError: something is missing or does not go together; its `variant` is the reference's, checked in its order.
        """
        mode_id = self._checked_mode()
        policy = self._policy()
        host = resolved_host(self._host_config, self._host)
        if self._provider is not None:
            host = replace(host, providers={self._provider.kind: self._provider})
        self._check_worker_stores()
        return LashCore(
            CoreParts(
                policy=policy,
                modes=dict(self._modes),
                default_mode=mode_id,
                host=host,
                store_factory=self._store_factory,
                child_store_factory=self._child_store_factory or self._store_factory,
                host_event_store=self._host_event_store or InMemoryHostEventStore(self._clock),
                process_work=self._process_work,
                queued_work_poke=self._queued_work_poke,
                live_replay_store=self._live_replay_store or InMemoryLiveReplayStore(clock=self._clock),
                provider=self._provider,
                provider_because=self._because,
                plugins=self._factories(),
                residency=self._residency,
                queue_lease_ms=self._queue_lease_ms,
                clock=self._clock,
                ids=self._ids,
            )
        )

    def _set_host(self, name: str, value: object) -> Self:
        self._host[name] = value
        return self

    def _held_prompt_layer(self) -> PromptLayer:
        held: PromptLayer = self._host.get("prompt", PromptLayer())
        return held

    def _checked_mode(self) -> ModeId:
        if not self._modes or self._default_mode is None:
            raise EmbedError(
                "NoModesInstalled", "no mode; start with LashCore.standard(), or install one with .install_mode(…)"
            )
        ensure_coherent(self._tiers())
        if self._default_mode not in self._modes:
            known = ", ".join(sorted(self._modes))
            raise EmbedError(
                "DefaultModeNotInstalled",
                f"mode {self._default_mode!r} is not installed; installed: {known}",
                mode=self._default_mode,
            )
        return self._default_mode

    def _tiers(self) -> StoreTiers:
        attachments: AttachmentStore | None = self._host.get("attachment_store")
        return StoreTiers(
            sessions=_tier_of(self._child_store_factory or self._store_factory),
            attachments=None if attachments is None else TIER_OF_PERSISTENCE[attachments.persistence],
            artifacts=_tier_of(self._host.get("lashlang_artifact_store")),
            processes=_tier_of(self._process_work.process_registry if self._process_work else None),
            host_events=_tier_of(self._host_event_store),
        )

    def _policy(self) -> SessionPolicy:
        if self._spec.model is None:
            raise EmbedError("MissingModelSpec", "no model; give one with .model(…)")
        kind = self._provider.kind if self._provider else ""
        return self._spec.resolve_against(SessionPolicy(provider_id=kind))

    def _check_worker_stores(self) -> None:
        """A core that runs processes itself opens sessions again to do so."""
        is_inline = isinstance(self._process_work, InlineProcessWork)
        if is_inline and self._child_store_factory is None and self._store_factory is None:
            raise EmbedError(
                "ProcessRegistryRequiresStoreFactory",
                "background processes open sessions again, and this core keeps none; give it .store_factory(…),"
                " or let somebody else run them with .process_work_driver(…)",
            )

    def _factories(self) -> tuple[PluginFactory, ...]:
        """The plugins that all modes share; those of a whole plugin host are used instead of tools and stack."""
        if self._plugin_host is not None:
            return self._plugin_host.factories
        tools = [embed_tools(self._tool_providers)] if self._tool_providers else []
        return (*tools, *self._plugins)


class _Tiered(Protocol):
    """A store that says how durable it is."""

    @property
    def durability_tier(self) -> DurabilityTier: ...


def _tier_of(store: _Tiered | None) -> DurabilityTier | None:
    return None if store is None else store.durability_tier


class AdvancedLashCoreBuilder:
    """A builder that takes whole parts; made by `LashCoreBuilder.advanced`."""

    def __init__(self, builder: LashCoreBuilder) -> None:
        self._builder = builder

    def runtime_host_config(self, config: RuntimeHostConfig) -> Self:
        """Begin with this host; what the builder was told about it takes the place of its parts."""
        self._builder._host_config = config  # noqa: SLF001 - one builder in two classes, as the reference has it
        return self

    def plugin_host(self, plugin_host: PluginHost) -> Self:
        """Use the plugins of this host, its own ones included; tools and plugins that the builder was given are ignored."""
        self._builder._plugin_host = plugin_host  # noqa: SLF001 - as above
        return self

    def build(self) -> LashCore:
        """Return the core. Errors as in `LashCoreBuilder.build`."""
        return self._builder.build()
