"""What a host gives to every session that it opens (lash 0.1.0-alpha.37, sessions §14.4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from lash_nb.clock import Clock, IdSource, RandomIds, SystemClock
from lash_nb.effects import EffectHost, InlineEffectHost
from lash_nb.errors import LashRuntimeError
from lash_nb.plugins import PluginHost
from lash_nb.providers import ProviderHandle
from lash_nb.stores import (
    QUEUED_WORK_CLAIM_TTL_MS,
    AttachmentStore,
    InMemoryAttachmentStore,
    InMemoryLashlangArtifactStore,
    LashlangArtifactStore,
    ProcessRegistry,
)
from lash_nb.trace import TraceSink
from lash_nb.wire import PromptLayer, TraceContext, TraceLevel

__all__ = ["ProcessRegistry", "Residency", "RuntimeEnvironment", "TerminationPolicy"]

Residency: TypeAlias = Literal["keep_all", "active_path_only"]
"""Which nodes of the graph an open session keeps in memory."""


@dataclass(frozen=True, slots=True)
class TerminationPolicy:
    """What counts as a proper end."""

    treat_missing_done_as_failure: bool = True
    """Whether a turn that ends without a done event has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeEnvironment:
    """The host's side of a session; what is not given is kept in memory and performed here."""

    plugin_host: PluginHost | None = None
    """Builds tools and protocol; a session cannot be opened without."""
    effect_host: EffectHost = field(default_factory=InlineEffectHost)
    """Performs effects."""
    attachment_store: AttachmentStore = field(default_factory=InMemoryAttachmentStore)
    """Keeps bytes."""
    artifact_store: LashlangArtifactStore = field(default_factory=InMemoryLashlangArtifactStore)
    """Keeps compiled code."""
    process_registry: ProcessRegistry | None = None
    """Knows the background processes."""
    providers: Mapping[str, ProviderHandle] = field(default_factory=dict)
    """Who answers model calls, by kind."""
    prompt: PromptLayer = field(default_factory=PromptLayer)
    """The host's own prompt layer."""
    trace_sink: TraceSink | None = None
    """Where trace records go."""
    trace_level: TraceLevel = "standard"
    """How much is traced."""
    trace_context: TraceContext = field(default_factory=TraceContext)
    """What every record says."""
    termination: TerminationPolicy = field(default_factory=TerminationPolicy)
    """What counts as a proper end."""
    residency: Residency = "keep_all"
    """Which nodes stay in memory."""
    queue_lease_ms: int = QUEUED_WORK_CLAIM_TTL_MS
    """How long queued work stays with a turn that no longer renews its claim, in milliseconds."""
    clock: Clock = field(default_factory=SystemClock)
    """Time."""
    ids: IdSource = field(default_factory=RandomIds)
    """Identities."""

    def provider(self, provider_id: str, session_id: str) -> ProviderHandle:
        """Return who answers for a session.

        Raises:
            LashRuntimeError: `llm_provider`, nobody does.
        """
        if not provider_id:
            raise LashRuntimeError(
                "llm_provider", f"session {session_id} has no provider; give one to the core with .provider(…)"
            )
        found = self.providers.get(provider_id)
        if found is None:
            known = ", ".join(self.providers) or "none"
            raise LashRuntimeError(
                "llm_provider",
                f"session {session_id} wants provider {provider_id}, this core has {known}; open it with a core that has {provider_id}",
            )
        return found
