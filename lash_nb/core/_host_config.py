"""What a host gives to all runtimes (lash 0.1.0-alpha.37, facade §2.2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lash_nb.core._background import DefaultProcessCancelAbility, ProcessCancelAbility
from lash_nb.effects import EffectHost, InlineEffectHost
from lash_nb.errors import EmbedError
from lash_nb.providers import ProviderHandle
from lash_nb.runtime import TerminationPolicy
from lash_nb.stores import (
    AttachmentStore,
    InMemoryAttachmentStore,
    InMemoryLashlangArtifactStore,
    LashlangArtifactStore,
)
from lash_nb.trace import TraceSink
from lash_nb.wire import PromptLayer, TraceContext, TraceLevel

__all__ = ["RuntimeHostConfig", "resolved_host"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeHostConfig:
    """Who performs effects, who keeps bytes and code, who answers, what is traced; the three facets that decide about durability have no default."""

    effect_host: EffectHost
    """Performs effects."""
    lashlang_artifact_store: LashlangArtifactStore
    """Keeps compiled code."""
    attachment_store: AttachmentStore
    """Keeps bytes."""
    host_profile_id: str = "default"
    """Names the host in the records of its background processes."""
    process_cancel_ability: ProcessCancelAbility = field(default_factory=DefaultProcessCancelAbility)
    """How background processes are asked to stop: no core runs any so far, so that none of a host's own is asked."""
    providers: Mapping[str, ProviderHandle] = field(default_factory=dict)
    """Who answers model calls, by kind; a provider of the core or of a session takes the place of all of them."""
    prompt: PromptLayer = field(default_factory=PromptLayer)
    """The host's own prompt layer."""
    trace_sink: TraceSink | None = None
    """Where trace records go."""
    lashlang_execution_sink: TraceSink | None = None
    """Where the records of programs go."""
    trace_level: TraceLevel = "standard"
    """How much is traced."""
    trace_context: TraceContext = field(default_factory=TraceContext)
    """What every record says."""
    termination: TerminationPolicy = field(default_factory=TerminationPolicy)
    """What counts as a proper end of a turn."""

    @classmethod
    def in_memory(cls) -> "RuntimeHostConfig":
        """Return a host that performs effects here and keeps everything in memory."""
        return cls(
            effect_host=InlineEffectHost(),
            lashlang_artifact_store=InMemoryLashlangArtifactStore(),
            attachment_store=InMemoryAttachmentStore(),
        )


_FACETS: Final = (
    ("effect_host", "MissingEffectHost", "no effect host; use .in_memory(), or give one with .effect_host(…)"),
    (
        "lashlang_artifact_store",
        "MissingLashlangArtifactStore",
        "no artifact store; use .in_memory(), or give one with .lashlang_artifact_store(…)",
    ),
    (
        "attachment_store",
        "MissingAttachmentStore",
        "no attachment store; use .in_memory(), or give one with .attachment_store(…)",
    ),
)
"""What a host must say, in the order in which it is asked: field, variant, message."""


def resolved_host(base: RuntimeHostConfig | None, given: Mapping[str, Any]) -> RuntimeHostConfig:
    """Return `base` with what is given, by field, in place of its own; without a base, a host of what is given alone.

    Raises:
        EmbedError: there is no base, and a facet is not given.
    """
    if base is not None:
        return replace(base, **given)
    for name, variant, message in _FACETS:
        if name not in given:
            raise EmbedError(variant, message)
    return RuntimeHostConfig(**given)
