"""The shared factory of sessions (lash 0.1.0-alpha.37, facade §1 and §2.7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lash_nb.clock import Clock, IdSource
from lash_nb.core._modes import ModeId, ModePreset
from lash_nb.core._session import LashSession
from lash_nb.core._session_builder import SessionBuilder
from lash_nb.effects import EffectHost
from lash_nb.errors import EmbedError, StoreError
from lash_nb.plugins import PluginHost, PluginStack, ToolProvider, embed_tools
from lash_nb.providers import ProviderHandle
from lash_nb.runtime import ParkedSession, Residency, RuntimeEnvironment, TerminationPolicy
from lash_nb.stores import AttachmentStore, LashlangArtifactStore, SessionStoreFactory
from lash_nb.trace import TraceSink
from lash_nb.wire import (
    ProcessSessionDeleteReport,
    PromptLayer,
    SessionDeleteScope,
    SessionPolicy,
    TraceContext,
    TraceLevel,
)

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
    store_factory: SessionStoreFactory | None
    """Where sessions are kept."""
    effect_host: EffectHost
    """Who performs effects."""
    artifact_store: LashlangArtifactStore
    """Where compiled code is kept."""
    attachment_store: AttachmentStore
    """Where bytes are kept."""
    provider: ProviderHandle | None
    """Who answers model calls."""
    tool_providers: tuple[ToolProvider, ...]
    """Tools."""
    plugins: PluginStack
    """Plugins."""
    prompt: PromptLayer
    """The host's prompt layer."""
    trace_sink: TraceSink | None
    """Where trace records go."""
    trace_level: TraceLevel
    """How much is traced."""
    trace_context: TraceContext
    """What every record says."""
    termination: TerminationPolicy
    """What counts as a proper end."""
    residency: Residency
    """Which nodes stay in memory."""
    clock: Clock
    """Time."""
    ids: IdSource
    """Identities."""


@dataclass(frozen=True, slots=True)
class SessionDeleteReport:
    """What deleting a session did."""

    session_id: str
    """The session."""
    process: ProcessSessionDeleteReport | None = None
    """What became of its background processes, on a host that has any."""


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
        from lash_nb.core._builder import standard  # noqa: PLC0415 - the builder makes this class

        return standard()

    @property
    def parts(self) -> CoreParts:
        """What the core works with."""
        return self._parts

    def installed_modes(self) -> tuple[ModeId, ...]:
        """Return the modes on offer, sorted."""
        return tuple(sorted(self._parts.modes))

    def effect_host(self) -> EffectHost:
        """Return who performs effects."""
        return self._parts.effect_host

    def session(self, session_id: str) -> SessionBuilder:
        """Return what opens the session of this id; a blank one stands for a new session with a random id."""
        return SessionBuilder(self, session_id if session_id.strip() else self._parts.ids.uuid())

    async def resume(self, parked: ParkedSession) -> LashSession:
        """Go on with a parked session in the default mode; `session(…).mode(…).resume(parked)` speaks another one.

        Raises:
            SessionError: the store cannot be read, or cannot serve the core's residency, or the session cannot be brought to life.
        """
        return await self.session(parked.session_id).resume(parked)

    async def delete_session(self, session_id: str) -> SessionDeleteReport:
        """Delete a stored session; open handles are not told.

        Raises:
            EmbedError: `MissingSessionStoreFactory`, `StoreFactory`.
        """
        self._parts.effect_host.scoped(SessionDeleteScope(session_id=session_id))
        factory = self._parts.store_factory
        if factory is None:
            raise EmbedError(
                "MissingSessionStoreFactory", "this core keeps no sessions; give it one with .store_factory(…)"
            )
        try:
            await factory.delete_session(session_id)
        except StoreError as error:
            raise EmbedError(
                "StoreFactory", f"session {session_id} cannot be deleted: {error.message}", session_id=session_id
            ) from error
        return SessionDeleteReport(session_id)

    def environment(self, mode: ModePreset, provider: ProviderHandle | None) -> RuntimeEnvironment:
        """Return what a session of this mode gets; each opening builds its plugins anew."""
        parts = self._parts
        tools = [embed_tools(parts.tool_providers)] if parts.tool_providers else []
        answering = provider or parts.provider
        return RuntimeEnvironment(
            plugin_host=PluginHost([mode.factory, *tools, *parts.plugins]),
            effect_host=parts.effect_host,
            attachment_store=parts.attachment_store,
            artifact_store=parts.artifact_store,
            providers={answering.kind: answering} if answering else {},
            prompt=parts.prompt,
            trace_sink=parts.trace_sink,
            trace_level=parts.trace_level,
            trace_context=parts.trace_context,
            termination=parts.termination,
            residency=parts.residency,
            clock=parts.clock,
            ids=parts.ids,
        )
