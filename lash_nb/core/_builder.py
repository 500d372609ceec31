"""Puts a core together and refuses what cannot work (lash 0.1.0-alpha.37, facade §2)."""

import os
from collections.abc import Callable, Iterable
from typing import Any, Self

from lash_nb.clock import Clock, IdSource, RandomIds, SystemClock
from lash_nb.core._core import CoreParts, LashCore
from lash_nb.core._modes import ModeId, ModePreset
from lash_nb.effects import EffectHost, InlineEffectHost
from lash_nb.errors import EmbedError
from lash_nb.plugins import (
    FunctionToolProvider,
    PluginFactory,
    PluginStack,
    ToolProvider,
    tool_output_budget,
)
from lash_nb.providers import LlmProvider, ProviderHandle
from lash_nb.runtime import Residency, TerminationPolicy
from lash_nb.stores import (
    TIER_OF_PERSISTENCE,
    AttachmentStore,
    InMemoryAttachmentStore,
    InMemoryLashlangArtifactStore,
    InMemorySessionStoreFactory,
    LashlangArtifactStore,
    SessionStoreFactory,
    StoreFolder,
)
from lash_nb.trace import JsonlTraceSink, TraceSink
from lash_nb.wire import (
    ModelSpec,
    PromptContribution,
    PromptLayer,
    PromptSlot,
    PromptTemplate,
    SessionPolicy,
    TraceContext,
    TraceLevel,
)

__all__ = ["DEFAULT_CONTEXT_WINDOW", "LashCoreBuilder"]

DEFAULT_CONTEXT_WINDOW = 200_000
"""Context window, in tokens, of a model that is given by its id alone."""


class LashCoreBuilder:
    """Collects what a core works with; every setter returns the builder, and of what is set twice the last counts."""

    def __init__(self) -> None:
        self._modes: dict[ModeId, ModePreset] = {}
        self._default_mode: ModeId | None = None
        self._provider: ProviderHandle | None = None
        self._model: ModelSpec | None = None
        self._max_turns: int | None = None
        self._store_factory: SessionStoreFactory | None = None
        self._attachment_store: AttachmentStore | None = None
        self._artifact_store: LashlangArtifactStore | None = None
        self._effect_host: EffectHost | None = None
        self._tool_providers: list[ToolProvider] = []
        self._plugins = PluginStack()
        self._prompt = PromptLayer()
        self._trace_sink: TraceSink | None = None
        self._trace_level: TraceLevel = "standard"
        self._trace_context = TraceContext()
        self._termination = TerminationPolicy()
        self._residency: Residency = "keep_all"
        self._clock: Clock = SystemClock()
        self._ids: IdSource = RandomIds()

    def install_mode(self, preset: ModePreset) -> Self:
        """Offer a mode; the first one is the default."""
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

    def provider(self, provider: LlmProvider | ProviderHandle) -> Self:
        """Let this provider answer model calls."""
        self._provider = provider if isinstance(provider, ProviderHandle) else ProviderHandle(provider)
        return self

    def model(self, model: ModelSpec | str) -> Self:
        """Ask this model; an id alone gets a context window of `DEFAULT_CONTEXT_WINDOW` tokens."""
        if isinstance(model, str):
            model = ModelSpec.from_token_limits(model, context_window_tokens=DEFAULT_CONTEXT_WINDOW)
        self._model = model
        return self

    def max_turns(self, count: int | None) -> Self:
        """End a turn after this many iterations of the model loop; None for no limit."""
        self._max_turns = count
        return self

    def store_factory(self, factory: SessionStoreFactory) -> Self:
        """Keep sessions in stores of this factory."""
        self._store_factory = factory
        return self

    def attachment_store(self, store: AttachmentStore) -> Self:
        """Keep attachment bytes here."""
        self._attachment_store = store
        return self

    def lashlang_artifact_store(self, store: LashlangArtifactStore) -> Self:
        """Keep compiled code here."""
        self._artifact_store = store
        return self

    def effect_host(self, host: EffectHost) -> Self:
        """Let this host perform effects."""
        self._effect_host = host
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

    def prompt_template(self, template: PromptTemplate) -> Self:
        """Order the system prompt by this template."""
        return self.prompt_layer(self._prompt.with_template(template))

    def prompt_contribution(self, contribution: PromptContribution) -> Self:
        """Add a piece of text to the system prompt."""
        return self.prompt_layer(self._prompt.add(contribution))

    def replace_prompt_slot(self, slot: PromptSlot, contributions: Iterable[PromptContribution]) -> Self:
        """Fill a slot of the system prompt with these pieces only."""
        return self.prompt_layer(self._prompt.replace_slot(slot, tuple(contributions)))

    def clear_prompt_slot(self, slot: PromptSlot) -> Self:
        """Leave a slot of the system prompt empty."""
        return self.prompt_layer(self._prompt.replace_slot(slot))

    def prompt_layer(self, layer: PromptLayer) -> Self:
        """Use this layer instead of all that was said about the prompt."""
        self._prompt = layer
        return self

    def trace_sink(self, sink: TraceSink) -> Self:
        """Send trace records there."""
        self._trace_sink = sink
        return self

    def trace_jsonl_path(self, path: str | os.PathLike[str]) -> Self:
        """Append trace records to this JSONL file."""
        return self.trace_sink(JsonlTraceSink(path))

    def trace_level(self, level: TraceLevel) -> Self:
        """Trace this much."""
        self._trace_level = level
        return self

    def trace_context(self, context: TraceContext) -> Self:
        """Say this in every trace record."""
        self._trace_context = context
        return self

    def termination(self, policy: TerminationPolicy) -> Self:
        """Say what counts as a proper end of a turn."""
        self._termination = policy
        return self

    def residency(self, residency: Residency) -> Self:
        """Say which nodes an open session keeps in memory."""
        self._residency = residency
        return self

    def clock(self, clock: Clock) -> Self:
        """Read the time here."""
        self._clock = clock
        return self

    def ids(self, ids: IdSource) -> Self:
        """Take identities from here."""
        self._ids = ids
        return self

    def build(self) -> LashCore:
        """Return the core.

        Raises:
            EmbedError: something is missing or does not go together; its `variant` is the reference's, checked in its order.
        """
        mode_id = self._checked_mode()
        model = _given(self._model, "MissingModelSpec", "no model; give one with .model(…)")
        effect_host = _given(
            self._effect_host, "MissingEffectHost", "no effect host; use .in_memory(), or give one with .effect_host(…)"
        )
        artifacts = _given(
            self._artifact_store,
            "MissingLashlangArtifactStore",
            "no artifact store; use .in_memory(), or give one with .lashlang_artifact_store(…)",
        )
        attachments = _given(
            self._attachment_store,
            "MissingAttachmentStore",
            "no attachment store; use .in_memory(), or give one with .attachment_store(…)",
        )
        kind = self._provider.kind if self._provider else ""
        return LashCore(
            CoreParts(
                policy=SessionPolicy(model=model, provider_id=kind, max_turns=self._max_turns),
                modes=dict(self._modes),
                default_mode=mode_id,
                store_factory=self._store_factory,
                effect_host=effect_host,
                artifact_store=artifacts,
                attachment_store=attachments,
                provider=self._provider,
                tool_providers=tuple(self._tool_providers),
                plugins=PluginStack(self._plugins),
                prompt=self._prompt,
                trace_sink=self._trace_sink,
                trace_level=self._trace_level,
                trace_context=self._trace_context,
                termination=self._termination,
                residency=self._residency,
                clock=self._clock,
                ids=self._ids,
            )
        )

    def _checked_mode(self) -> ModeId:
        if not self._modes or self._default_mode is None:
            raise EmbedError(
                "NoModesInstalled", "no mode; start with LashCore.standard(), or install one with .install_mode(…)"
            )
        self._check_durability()
        if self._default_mode not in self._modes:
            known = ", ".join(sorted(self._modes))
            raise EmbedError(
                "DefaultModeNotInstalled",
                f"mode {self._default_mode!r} is not installed; installed: {known}",
                mode=self._default_mode,
            )
        return self._default_mode

    def _check_durability(self) -> None:
        """Sessions that outlive the process need bytes and code that do (facade §2.3, rules 1 and 2)."""
        if self._store_factory is None or self._store_factory.durability_tier != "durable":
            return
        attachments = self._attachment_store and TIER_OF_PERSISTENCE[self._attachment_store.persistence]
        artifacts = self._artifact_store and self._artifact_store.durability_tier
        for facet, tier in (("attachment store", attachments), ("artifact store", artifacts)):
            if tier == "inline":
                raise EmbedError(
                    "DurableStorePeerRequired", f"durable sessions need a durable {facet}; give one", facet=facet
                )


def _given(value: Any, variant: str, message: str) -> Any:
    if value is None:
        raise EmbedError(variant, message)
    return value


def standard() -> LashCoreBuilder:
    """Return a builder with the standard mode and the default plugins."""
    stack = PluginStack()
    stack.push(tool_output_budget())
    return LashCoreBuilder().install_mode(ModePreset.standard()).plugins(stack)
