"""The plugins of one open session: their tools, their prompt texts, their state (lash 0.1.0-alpha.37, turns §14)."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias, TypeVar
from weakref import WeakValueDictionary

from msgspec.structs import replace

from lash_nb.errors import LashError, PluginError
from lash_nb.plugins._actions import PluginActionDef, invoke_action
from lash_nb.plugins._discovery import tool_catalog
from lash_nb.plugins._history import HistoryState, RewriteContext
from lash_nb.plugins._hooks import PluginHooks, asked, listed
from lash_nb.plugins._plugin import STATE, SessionPlugin, keeps_no_state
from lash_nb.plugins._protocol import ProtocolDriverPlugin, ProtocolSession
from lash_nb.plugins._registrar import PluginRegistrar, PromptContext
from lash_nb.plugins._registry import CONTEXT_SOURCE, PLUGINS_SOURCE, ToolRegistry
from lash_nb.plugins._surface import ToolSurface, ToolSurfaceContribution
from lash_nb.plugins._tool_projection import ToolResultProjector, default_projection
from lash_nb.plugins._tool_provider import ToolProvider
from lash_nb.plugins._turn_transform import PreparedContext, TurnContextTransform, TurnTransformContext
from lash_nb.wire import (
    Json,
    PluginMeta,
    PluginSessionSnapshot,
    PluginSnapshot,
    PromptContribution,
    SessionToolAccess,
    ToolCallOutput,
    ToolState,
)

__all__ = ["PluginSession", "revision_fingerprint"]

C = TypeVar("C")
T = TypeVar("T")
ContextTools: TypeAlias = tuple[tuple[ToolProvider, ...], bool]
"""Tools of a turn, and whether the session's own are there, too."""


class PluginSession:
    """What the plugins of a host are in one session; made by `PluginHost.build_session`."""

    def __init__(
        self,
        session_id: str,
        plugins: Sequence[SessionPlugin],
        registrar: PluginRegistrar,
        live: "WeakValueDictionary[str, PluginSession]",
        tool_access: SessionToolAccess,
    ) -> None:
        self.session_id = session_id
        """The session."""
        self.plugins = tuple(plugins)
        """The plugins in the order of the host."""
        self.driver: ProtocolDriverPlugin = _required("protocol driver", registrar.protocol_driver)
        """The protocol's driver."""
        self.protocol_session: ProtocolSession = _required("protocol session", registrar.protocol_session)
        """The protocol's session half."""
        self.hooks: PluginHooks = registrar.hooks
        """What the plugins have to say while the session runs."""
        self.registry = ToolRegistry()
        """The session's tools."""
        self.registry.upsert_source(PLUGINS_SOURCE, registrar.tool_providers)
        projector = registrar.tool_result_projector
        self.tool_result_projector: ToolResultProjector = default_projection if projector is None else projector[1]
        """Decides how tool results are shown to the model."""
        self._tool_access = tool_access
        self._prompt_contributors = tuple(registrar.prompt_contributors)
        self._surface_contributors = tuple(registrar.tool_surface_contributors)
        self._discovery_contributors = tuple(registrar.tool_discovery_contributors)
        self._actions = dict(registrar.plugin_actions)
        self.transforms = sorted(registrar.turn_context_transforms, key=lambda held: -held[1].priority)
        """What changes what turns begin with, those of higher priority first."""
        self._rewriters = sorted(registrar.history_rewriters, key=lambda held: -held[1].priority)
        self.context_contributions: tuple[PromptContribution, ...] = ()
        """What the last turn's transforms add to the prompt."""
        self._context_tools: ContextTools = ((), True)
        self._live = live
        asks_nobody = all(map(keeps_no_state, self.plugins))
        self._constant = _Constant(self._fingerprint(), self._states().plugins) if asks_nobody else None
        self._fields = list(map(vars, self.plugins)) if asks_nobody else []
        self._forked_from = self.registry.state()
        self._fork = self.registry.fork()
        self._surface: ToolSurface | None = None
        self._surface_of: tuple[ToolState, tuple[ToolSurfaceContribution, ...]] = (self._forked_from, ())

    def __repr__(self) -> str:
        return f"PluginSession({self.session_id!r}, plugins={[plugin.id for plugin in self.plugins]})"

    @property
    def surface_registry(self) -> ToolRegistry:
        """The registry over which turns run: a fork, so that a tool that is resolved on the way does not become state."""
        state = self.registry.state()
        if self._forked_from is not state:
            self._forked_from = state
            self._fork = self._composed(self._context_tools)
        return self._fork

    def _composed(self, context_tools: ContextTools) -> ToolRegistry:
        providers, include_base_tools = context_tools
        registry = self.registry.fork() if include_base_tools else ToolRegistry()
        if providers:
            registry.overlay_source(CONTEXT_SOURCE, providers)
        return registry

    def tool_surface(self) -> ToolSurface:
        """Return the tools that the session offers now; the same object as long as nothing changes.

        Raises:
            PluginError: a contributor failed.
            ToolRegistryError: two callable tools would be called the same way.
        """
        changes = tuple(_asked(*contributor, self.session_id) for contributor in self._surface_contributors)
        registry = self.surface_registry
        seen = (registry.state(), changes)
        if self._surface is None or self._surface_of[0] is not seen[0] or self._surface_of[1] != changes:
            self._surface = ToolSurface(registry, tool_access=self._tool_access, contributions=changes)
            self._surface_of = seen
        return self._surface

    async def prompt_contributions(
        self, surface: ToolSurface, plugin_inputs: Mapping[str, Any] = MappingProxyType({})
    ) -> tuple[PromptContribution, ...]:
        """Return what the plugins add to the prompt: no text twice in a slot, by slot name and priority.

        Raises:
            PluginError: a contributor failed.
        """
        if not self._prompt_contributors:
            return ()
        return tuple([one for _, one in await self.owned_prompt_contributions(surface, plugin_inputs)])

    async def owned_prompt_contributions(
        self, surface: ToolSurface, plugin_inputs: Mapping[str, Any] = MappingProxyType({})
    ) -> tuple[tuple[str, PromptContribution], ...]:
        """Return the same, each with the id of the plugin that adds it. Errors as in `prompt_contributions`."""
        context = PromptContext(session_id=self.session_id, surface=surface, plugin_inputs=plugin_inputs)
        unique: dict[tuple[str, int, str], tuple[str, PromptContribution]] = {}
        for plugin, contributor in self._prompt_contributors:
            for one in listed(plugin, PromptContribution, await asked(plugin, contributor, context)):
                unique.setdefault((one.slot, one.priority, one.content.strip()), (plugin, one))
        return tuple(sorted(unique.values(), key=lambda held: (held[1].slot, held[1].priority)))

    async def prepare_turn_context(self, context: TurnTransformContext, prepared: PreparedContext) -> PreparedContext:
        """Let every transform change what a turn begins with, and take over its tools and prompt texts.

        Raises:
            PluginError: a transform failed.
            ToolRegistryError: two of its tools clash.
        """
        prepared = await self.transformed(context, prepared)
        self._set_context_tools(prepared.tool_providers, prepared.include_base_tools)
        self.context_contributions = prepared.prompt_contributions
        return prepared

    async def transformed(self, context: TurnTransformContext, prepared: PreparedContext) -> PreparedContext:
        """Return what the transforms make of what a turn begins with, those of higher priority first; the session stays as it is.

        Raises:
            PluginError: a transform failed.
        """
        for plugin, transform in self.transforms:
            with self.hooks.phase("context_transform", plugin):
                answer = await asked(plugin, _onto(transform, context), prepared)
            if not isinstance(answer, PreparedContext):
                raise PluginError(
                    "session", f"`{plugin}` returned {type(answer).__name__} where a PreparedContext belongs"
                )
            prepared = answer
        return prepared

    def surface_of(self, prepared: PreparedContext) -> ToolSurface:
        """Return the tools that a turn with this beginning would have; the session stays as it is. Errors as in `tool_surface`."""
        registry = self._composed((prepared.tool_providers, prepared.include_base_tools))
        changes = [_asked(*contributor, self.session_id) for contributor in self._surface_contributors]
        return ToolSurface(registry, tool_access=self._tool_access, contributions=changes)

    def _set_context_tools(self, providers: tuple[ToolProvider, ...], include_base_tools: bool) -> None:
        before = self._context_tools
        if before != (providers, include_base_tools):
            self._context_tools = providers, include_base_tools
            try:
                self._fork = self._composed(self._context_tools)
            except BaseException:
                self._context_tools = before
                raise

    def tool_catalog(self) -> list[dict[str, Any]]:
        """Return an entry for every tool that can be found, with what plugins add to it. Errors as in `tool_surface`."""
        return tool_catalog(self.session_id, self.tool_surface(), self._discovery_contributors)

    @property
    def plugin_actions(self) -> tuple[PluginActionDef, ...]:
        """What the host may have done, by name."""
        return tuple(self._actions[name].definition for name in sorted(self._actions))

    async def invoke_plugin_action(self, name: str, args: Json, *, session_id: str | None) -> ToolCallOutput:
        """Do the action of that name.

        Raises:
            PluginActionError: there is none, or it wants a session, or wants none.
            PluginError: it raised, or gave what has no JSON form.
        """
        return await invoke_action(self._actions, name, args, session_id=session_id)

    async def rewrite_history(self, context: RewriteContext, state: HistoryState) -> HistoryState:
        """Let every rewriter that accepts the trigger change the history, those of higher priority first.

        Raises:
            PluginError: a rewriter failed.
        """
        for plugin, rewriter in self._rewriters:
            if _asked(plugin, rewriter.accepts, context.trigger):
                state = await _awaited(plugin, rewriter.rewrite(context, state))
        return state

    def capture(self) -> PluginSessionSnapshot:
        """Return the state of all plugins.

        Raises:
            PluginError: a plugin could not give its state.
        """
        return self._states() if self._constant is None or self._may_have_state() else self._constant.states()

    def state(self) -> tuple[int, Callable[[], PluginSessionSnapshot]]:
        """Return `revision()`, and what does as `capture` as long as nothing else happens: plugins without state are looked at once for both."""
        if self._constant is None or self._may_have_state():
            return self._fingerprint(), self._states
        return self._constant.revision, self._constant.states

    def _states(self) -> PluginSessionSnapshot:
        return PluginSessionSnapshot(plugins={plugin.id: _captured(plugin) for plugin in self.plugins})

    def revision(self) -> int:
        """Return the fingerprint of all plugins with their versions and revisions; equal means nothing to store.

        Raises:
            PluginError: a plugin could not tell its revision.
        """
        return self._fingerprint() if self._constant is None or self._may_have_state() else self._constant.revision

    def _may_have_state(self) -> bool:
        """Tell whether one of the plugins that kept no state got some of its own."""
        return not STATE.isdisjoint(chain.from_iterable(self._fields))

    def _fingerprint(self) -> int:
        return revision_fingerprint((plugin.id, plugin.version, _revision(plugin)) for plugin in self.plugins)

    def is_current(self, snapshot: PluginSessionSnapshot) -> bool:
        """Tell whether a stored state is of the same plugins, versions and revisions."""
        stored = {plugin: (one.meta.plugin_version, one.meta.revision) for plugin, one in snapshot.plugins.items()}
        return stored == {plugin.id: (plugin.version, plugin.snapshot_revision()) for plugin in self.plugins}

    def restore(self, snapshot: PluginSessionSnapshot) -> None:
        """Give every plugin its stored state, an empty one where none was stored.

        Raises:
            PluginError: a plugin could not take its state.
        """
        for plugin in self.plugins:
            stored = snapshot.plugins.get(plugin.id) or _empty(plugin)
            try:
                plugin.restore(stored)
            except LashError:
                raise
            except Exception as error:
                raise PluginError("snapshot", f"`{plugin.id}` cannot take its stored state: {error}") from error

    def unregister(self) -> None:
        """Give the session id free; calling it again does nothing."""
        if self._live.get(self.session_id) is self:
            del self._live[self.session_id]


def revision_fingerprint(plugins: Iterable[tuple[str, str, int]]) -> int:
    """Return the 64-bit fingerprint of plugins given as id, version, revision (turns §14.5)."""
    return _fingerprint(tuple(plugins))


@lru_cache(maxsize=256)
def _fingerprint(plugins: tuple[tuple[str, str, int], ...]) -> int:
    """Every commit asks for it, and as a rule nothing has changed since the last one."""
    digest = hashlib.sha256()
    for plugin, version, revision in plugins:
        digest.update(b"%b\0%b\0%b\xff" % (plugin.encode(), version.encode(), revision.to_bytes(8, "little")))
    return int.from_bytes(digest.digest()[:8], "little")


class _Constant(NamedTuple):
    """What plugins without state answer for it."""

    revision: int
    """Their fingerprint."""
    plugins: dict[str, PluginSnapshot]
    """Their empty states."""

    def states(self) -> PluginSessionSnapshot:
        """Return the states in a record of the caller's own."""
        return PluginSessionSnapshot(plugins=self.plugins.copy())


def _required(kind: str, held: tuple[str, T] | None) -> T:
    if held is None:
        raise PluginError(
            "registration", f"missing {kind} capability; give the host a protocol, e.g. standard_protocol()"
        )
    return held[1]


def _asked(plugin_id: str, contributor: Callable[[C], T], context: C) -> T:
    """What a contributor answers, or its failure as a `PluginError`."""
    try:
        return contributor(context)
    except LashError:
        raise
    except Exception as error:
        raise _raised(plugin_id, error) from error


async def _awaited(plugin_id: str, answer: Awaitable[T]) -> T:
    try:
        return await answer
    except LashError:
        raise
    except Exception as error:
        raise _raised(plugin_id, error) from error


def _onto(
    transform: TurnContextTransform, context: TurnTransformContext
) -> Callable[[PreparedContext], PreparedContext | Awaitable[PreparedContext]]:
    return lambda prepared: transform.transform(context, prepared)


def _raised(plugin_id: str, error: Exception) -> PluginError:
    return PluginError("invoke", f"`{plugin_id}` raised {type(error).__name__}: {error}")


def _revision(plugin: SessionPlugin) -> int:
    try:
        return plugin.snapshot_revision()
    except Exception as error:
        raise PluginError("snapshot", f"`{plugin.id}` cannot tell its revision: {error}") from error


def _captured(plugin: SessionPlugin) -> PluginSnapshot:
    """A record of its own: what is hashed of one is remembered, and a plugin may give the same again with another state in it."""
    try:
        return replace(plugin.snapshot())
    except LashError:
        raise
    except Exception as error:
        raise PluginError("snapshot", f"`{plugin.id}` cannot give its state: {error}") from error


def _empty(plugin: SessionPlugin) -> PluginSnapshot:
    return PluginSnapshot(meta=PluginMeta(plugin_id=plugin.id, plugin_version=plugin.version))
