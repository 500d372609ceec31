"""What a builder was told, and what becomes of it: a core, or the refusal of what cannot work (lash 0.1.0-alpha.37, facade §2.2)."""

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from lash_nb.clock import Clock, IdSource, RandomIds, SystemClock
from lash_nb.core._coherence import StoreTiers, ensure_coherent
from lash_nb.core._core import CoreParts, LashCore
from lash_nb.core._host_config import RuntimeHostConfig, resolved_host
from lash_nb.core._modes import ModeId, ModePreset
from lash_nb.core._process_work import InlineProcessWork, ProcessWorkSource, QueuedWorkPoke
from lash_nb.core._session_spec import SessionSpec
from lash_nb.errors import EmbedError
from lash_nb.plugins import PluginFactory, PluginHost, PluginStack, ToolProvider, embed_tools
from lash_nb.providers import ProviderHandle
from lash_nb.runtime import Residency
from lash_nb.stores import (
    QUEUED_WORK_CLAIM_TTL_MS,
    TIER_OF_PERSISTENCE,
    AttachmentStore,
    HostEventStore,
    InMemoryHostEventStore,
    InMemoryLiveReplayStore,
    LiveReplayStore,
    SessionStoreFactory,
)
from lash_nb.wire import DurabilityTier, SessionPolicy

__all__ = ["CoreDraft"]


@dataclass(slots=True)
class CoreDraft:
    """A core to come."""

    modes: dict[ModeId, ModePreset] = field(default_factory=dict)
    """The protocols on offer."""
    default_mode: ModeId | None = None
    """The one for sessions that name none."""
    spec: SessionSpec = field(default_factory=SessionSpec)
    """What sessions do unless they say otherwise."""
    provider: ProviderHandle | None = None
    """Who answers model calls."""
    because: str = ""
    """Why this one, in words for a person."""
    host_config: RuntimeHostConfig | None = None
    """A whole host to begin with."""
    host: dict[str, Any] = field(default_factory=dict)
    """What takes the place of its parts, or makes one of its own, by field."""
    store_factory: SessionStoreFactory | None = None
    """Where sessions are kept."""
    child_store_factory: SessionStoreFactory | None = None
    """Where their children are kept; in the same place when None."""
    host_event_store: HostEventStore | None = None
    """Triggers and what they saw; in memory when None."""
    process_work: ProcessWorkSource | None = None
    """Background processes, if there may be any."""
    queued_work_poke: QueuedWorkPoke | None = None
    """Who is told of queued work."""
    live_replay_store: LiveReplayStore | None = None
    """What happened, for watchers that come back; in memory when None."""
    tool_providers: list[ToolProvider] = field(default_factory=list)
    """The core's own tools."""
    plugins: PluginStack = field(default_factory=PluginStack)
    """The plugins behind them."""
    plugin_host: PluginHost | None = None
    """Whose plugins are used instead of tools and stack."""
    residency: Residency = "keep_all"
    """Which nodes stay in memory."""
    queue_lease_ms: int = QUEUED_WORK_CLAIM_TTL_MS
    """How long queued work is kept for a turn of which nobody knows whether it lives, in milliseconds."""
    clock: Clock = field(default_factory=SystemClock)
    """Time."""
    ids: IdSource = field(default_factory=RandomIds)
    """Identities."""

    def core(self) -> LashCore:
        """Put the core together.

        Raises:
            EmbedError: something is missing or does not go together; its `variant` is the reference's, checked in its order.
        """
        mode_id = self._checked_mode()
        policy = self._policy()
        host = resolved_host(self.host_config, self.host)
        if self.provider is not None:
            host = replace(host, providers={self.provider.kind: self.provider})
        self._check_worker_stores()
        return LashCore(
            CoreParts(
                policy=policy,
                modes=dict(self.modes),
                default_mode=mode_id,
                host=host,
                store_factory=self.store_factory,
                child_store_factory=self.child_store_factory or self.store_factory,
                host_event_store=self.host_event_store or InMemoryHostEventStore(self.clock),
                process_work=self.process_work,
                queued_work_poke=self.queued_work_poke,
                live_replay_store=self.live_replay_store or InMemoryLiveReplayStore(clock=self.clock),
                provider=self.provider,
                provider_because=self.because,
                plugins=self._factories(),
                residency=self.residency,
                queue_lease_ms=self.queue_lease_ms,
                clock=self.clock,
                ids=self.ids,
            )
        )

    def _checked_mode(self) -> ModeId:
        if not self.modes or self.default_mode is None:
            raise EmbedError(
                "NoModesInstalled", "no mode; start with LashCore.standard(), or install one with .install_mode(…)"
            )
        ensure_coherent(self._tiers())
        if self.default_mode not in self.modes:
            known = ", ".join(sorted(self.modes))
            raise EmbedError(
                "DefaultModeNotInstalled",
                f"mode {self.default_mode!r} is not installed; installed: {known}",
                mode=self.default_mode,
            )
        return self.default_mode

    def _tiers(self) -> StoreTiers:
        attachments: AttachmentStore | None = self.host.get("attachment_store")
        return StoreTiers(
            sessions=_tier_of(self.child_store_factory or self.store_factory),
            attachments=None if attachments is None else TIER_OF_PERSISTENCE[attachments.persistence],
            artifacts=_tier_of(self.host.get("lashlang_artifact_store")),
            processes=_tier_of(self.process_work.process_registry if self.process_work else None),
            host_events=_tier_of(self.host_event_store),
        )

    def _policy(self) -> SessionPolicy:
        if self.spec.model is None:
            raise EmbedError("MissingModelSpec", "no model; give one with .model(…)")
        kind = self.provider.kind if self.provider else ""
        return self.spec.resolve_against(SessionPolicy(provider_id=kind))

    def _check_worker_stores(self) -> None:
        """A core that runs processes itself opens sessions again to do so."""
        is_inline = isinstance(self.process_work, InlineProcessWork)
        if is_inline and self.child_store_factory is None and self.store_factory is None:
            raise EmbedError(
                "ProcessRegistryRequiresStoreFactory",
                "background processes open sessions again, and this core keeps none; give it .store_factory(…),"
                " or let somebody else run them with .process_work_driver(…)",
            )

    def _factories(self) -> tuple[PluginFactory, ...]:
        """The plugins that all modes share; those of a whole plugin host are used instead of tools and stack."""
        if self.plugin_host is not None:
            return self.plugin_host.factories
        tools = [embed_tools(self.tool_providers)] if self.tool_providers else []
        return (*tools, *self.plugins)


class _Tiered(Protocol):
    """A store that says how durable it is."""

    @property
    def durability_tier(self) -> DurabilityTier: ...


def _tier_of(store: _Tiered | None) -> DurabilityTier | None:
    return None if store is None else store.durability_tier
