"""Collects what a core works with (lash 0.1.0-alpha.37, facade §2)."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

from lash_nb.clock import Clock, IdSource
from lash_nb.core._choices import chosen_model, chosen_provider, having
from lash_nb.core._core import LashCore
from lash_nb.core._core_draft import CoreDraft
from lash_nb.core._host_config import RuntimeHostConfig
from lash_nb.core._modes import ModeId, ModePreset
from lash_nb.core._process_work import InlineProcessWork, ProcessWorkDriver, QueuedWorkPoke
from lash_nb.core._prompt_layer_sink import PromptLayerSink
from lash_nb.core._session_spec import SessionSpec
from lash_nb.effects import EffectHost, InlineEffectHost
from lash_nb.plugins import (
    FunctionToolProvider,
    PluginFactory,
    PluginHost,
    PluginStack,
    ToolProvider,
)
from lash_nb.providers import LlmProvider, ProviderHandle
from lash_nb.runtime import Residency, TerminationPolicy
from lash_nb.stores import (
    AttachmentStore,
    HostEventStore,
    InMemoryAttachmentStore,
    InMemoryLashlangArtifactStore,
    InMemorySessionStoreFactory,
    LashlangArtifactStore,
    LiveReplayStore,
    ProcessRegistry,
    SessionStoreFactory,
    StoreFolder,
)
from lash_nb.trace import JsonlTraceSink, TraceSink
from lash_nb.wire import ModelSpec, PromptLayer, TraceContext, TraceLevel

__all__ = ["AdvancedLashCoreBuilder", "LashCoreBuilder"]


class LashCoreBuilder(PromptLayerSink):
    """Collects what a core works with; every setter returns the builder, and of what is set twice the last counts."""

    def __init__(self) -> None:
        self._draft = CoreDraft()

    def install_mode(self, preset: ModePreset) -> Self:
        """Offer a mode, in place of one of the same name; the first one is the default."""
        self._draft.modes[preset.mode_id] = preset
        self._draft.default_mode = self._draft.default_mode or preset.mode_id
        return self

    def default_mode(self, mode_id: ModeId) -> Self:
        """Use this mode where a session names none."""
        self._draft.default_mode = mode_id
        return self

    def in_memory(self) -> Self:
        """Perform effects here and keep everything in memory: effect host, session, attachment and artifact stores."""
        return (
            self.effect_host(InlineEffectHost())
            .store_factory(InMemorySessionStoreFactory(self._draft.clock))
            .attachment_store(InMemoryAttachmentStore())
            .lashlang_artifact_store(InMemoryLashlangArtifactStore())
        )

    def stored_in(self, folder: str | os.PathLike[str]) -> Self:
        """Perform effects here and keep everything in a folder: a database for each session, attachments, compiled code."""
        stores = StoreFolder(folder, self._draft.clock)
        return (
            self.effect_host(InlineEffectHost())
            .store_factory(stores.sessions)
            .attachment_store(stores.attachments)
            .lashlang_artifact_store(stores.artifacts)
        )

    def provider(self, provider: LlmProvider | ProviderHandle, *, because: str = "it was given") -> Self:
        """Let this provider answer model calls; `because` is what `LashCore.provider_choice` tells a person."""
        self._draft.because = because
        self._draft.provider = chosen_provider(provider)
        self._draft.spec = replace(self._draft.spec, provider_id=self._draft.provider.kind)
        return self

    def model(self, model: ModelSpec | str) -> Self:
        """Ask this model; an id alone gets the limits that are known of it, else a context window of `DEFAULT_CONTEXT_WINDOW` tokens."""
        self._draft.spec = replace(self._draft.spec, model=chosen_model(model))
        return self

    def max_turns(self, count: int | None) -> Self:
        """End a turn after this many iterations of the model loop; None for no limit."""
        self._draft.spec = replace(self._draft.spec, max_turns=count)
        return self

    def session_spec(self, spec: SessionSpec) -> Self:
        """Use this spec; what was said before about provider, model, limit or prompt of sessions is forgotten."""
        self._draft.spec = spec
        return self

    def store_factory(self, factory: SessionStoreFactory) -> Self:
        """Keep sessions in stores of this factory, each in the store of its own id."""
        self._draft.store_factory = factory
        return self

    def child_store_factory(self, factory: SessionStoreFactory) -> Self:
        """Keep the children of sessions, and what workers open again, in stores of this factory instead."""
        self._draft.child_store_factory = factory
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
        self._draft.host_event_store = store
        return self

    def process_registry(self, registry: ProcessRegistry) -> Self:
        """Let this registry know the background processes, and let this core run them; takes the place of a driver."""
        self._draft.process_work = InlineProcessWork(registry)
        return self

    def process_work_driver(self, driver: ProcessWorkDriver) -> Self:
        """Let somebody else run the background processes; takes the place of a registry."""
        self._draft.process_work = driver
        return self

    def queued_work_poke(self, poke: QueuedWorkPoke) -> Self:
        """Tell this handle when there is queued work for a session."""
        self._draft.queued_work_poke = poke
        return self

    def live_replay_store(self, store: LiveReplayStore) -> Self:
        """Keep what happens to sessions here, for watchers that come back; otherwise in memory, 2,048 events and two minutes of each."""
        self._draft.live_replay_store = store
        return self

    def tools(self, *tools: ToolProvider | Callable[..., Any]) -> Self:
        """Offer tools: functions made with `@tool`, or whole providers; what is neither is refused (`CallerError`)."""
        functions = [item for item in tools if callable(item)]
        if functions:
            self._draft.tool_providers.append(FunctionToolProvider(functions))
        self._draft.tool_providers.extend(
            having(item, "tool_manifests", wanted="a function made with @tool", instead=".tools(first, second)")
            for item in tools
            if not callable(item)
        )
        return self

    def plugin(self, factory: PluginFactory) -> Self:
        """Add a plugin at the end of the stack; what is none is refused (`CallerError`)."""
        instead = ".plugin(lash_nb.plugins.StaticPlugin('mine', register)), each in a call of its own"
        self._draft.plugins.push(having(factory, "id", "build", wanted="a plugin", instead=instead))
        return self

    def plugins(self, stack: PluginStack) -> Self:
        """Use this plugin stack instead; what is none is refused (`CallerError`)."""
        instead = ".plugins(PluginStack([first, second])), or .plugin(first) to add one"
        self._draft.plugins = having(stack, "__iter__", wanted="a PluginStack", instead=instead)
        return self

    def configure_plugins(self, configure: Callable[[PluginStack], None]) -> Self:
        """Let `configure` change the plugin stack in place."""
        configure(self._draft.plugins)
        return self

    def prompt_layer(self, layer: PromptLayer) -> Self:
        """Use this layer instead of all that was said about the prompt."""
        return self._set_host("prompt", layer)

    def trace_sink(self, sink: TraceSink) -> Self:
        """Send trace records there; what takes none is refused (`CallerError`)."""
        instead = ".trace_jsonl_path('run.jsonl') writes a file, .trace_sink(MemoryTraceSink()) keeps them"
        return self._set_host("trace_sink", having(sink, "record", wanted="a trace sink", instead=instead))

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
        self._draft.residency = residency
        return self

    def queue_lease_ms(self, milliseconds: int) -> Self:
        """Keep queued work for so long for a turn of which nobody knows whether it lives, a quarter of an hour otherwise; one that lives renews its lease.

        What a process of this machine held that is dead is free at once.
        """
        self._draft.queue_lease_ms = milliseconds
        return self

    def clock(self, clock: Clock) -> Self:
        """Read the time here; stores of `in_memory` and `stored_in` do so, too, when they are named after it."""
        self._draft.clock = clock
        return self

    def ids(self, ids: IdSource) -> Self:
        """Take identities from here."""
        self._draft.ids = ids
        return self

    def advanced(self) -> "AdvancedLashCoreBuilder":
        """Return what takes a whole host or plugin host, and then builds."""
        return AdvancedLashCoreBuilder(self._draft)

    def build(self) -> LashCore:
        """Return the core.

        Raises:
            EmbedError: something is missing or does not go together; its `variant` is the reference's, checked in its order.
        """
        return self._draft.core()

    def _set_host(self, name: str, value: object) -> Self:
        self._draft.host[name] = value
        return self

    def _held_prompt_layer(self) -> PromptLayer:
        held: PromptLayer = self._draft.host.get("prompt", PromptLayer())
        return held


class AdvancedLashCoreBuilder:
    """A builder that takes whole parts; made by `LashCoreBuilder.advanced`."""

    def __init__(self, draft: CoreDraft) -> None:
        self._draft = draft

    def runtime_host_config(self, config: RuntimeHostConfig) -> Self:
        """Begin with this host; what the builder was told about it takes the place of its parts."""
        self._draft.host_config = config
        return self

    def plugin_host(self, plugin_host: PluginHost) -> Self:
        """Use the plugins of this host, its own ones included; tools and plugins that the builder was given are ignored."""
        self._draft.plugin_host = plugin_host
        return self

    def build(self) -> LashCore:
        """Return the core. Errors as in `LashCoreBuilder.build`."""
        return self._draft.core()
