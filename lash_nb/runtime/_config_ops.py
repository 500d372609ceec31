"""Changing what an open session works with: provider, model, prompt, tools, and a history that has to fit (lash 0.1.0-alpha.37, sessions §14.9, facade §7)."""

import contextlib
import dataclasses
import logging
from collections.abc import AsyncIterator, Mapping
from copy import deepcopy
from typing import Final

from msgspec.structs import replace

from lash_nb.errors import LashError, SessionError, ToolRegistryError
from lash_nb.plugins import (
    HistoryState,
    ManualRewrite,
    PeriodicRewrite,
    RewriteContext,
    RewriteTrigger,
    SessionConfigChanged,
    ToolProvider,
    ToolRegistry,
    WindowShrinkRewrite,
)
from lash_nb.providers import ProviderHandle
from lash_nb.runtime._open_runtime import OpenRuntime
from lash_nb.runtime._state_snapshots import stamp_snapshots
from lash_nb.wire import Availability, ModelSpec, PromptLayer, RuntimeOperationScope, SessionPolicy, ToolState

__all__ = ["ConfigOps"]

_LOG = logging.getLogger(__name__)
_REWRITES: Final[Mapping[type, str]] = {
    ManualRewrite: "manual",
    WindowShrinkRewrite: "window-shrink",
    PeriodicRewrite: "periodic",
}
"""How the scope of a rewriting names its trigger."""


class ConfigOps(OpenRuntime):
    """Setters; each waits until the running turn is over, and the next commit stores what it set."""

    async def update_session_config(
        self,
        *,
        provider: ProviderHandle | None = None,
        model: ModelSpec | None = None,
        prompt: PromptLayer | None = None,
    ) -> None:
        """Set what is given on the session and its current agent frame; a smaller context window lets the history be rewritten.

        Rewriters that fail are told in the log; the setting stands.
        """
        async with self._exclusive(refreshed=False):
            previous = self.state.effective_policy()
            before = previous.model.limits.context_window_tokens
            if provider is not None:
                self.environment = dataclasses.replace(self.environment, providers={provider.kind: provider})
            given = {"provider_id": provider and provider.kind, "model": model, "prompt": prompt}
            changes = {name: value for name, value in given.items() if value is not None}
            self.state.adopt_policy(previous.replace(**changes))
            now = self.state.effective_policy().model.limits.context_window_tokens
            if now < before:
                await self._rewrite_for_window(WindowShrinkRewrite(before, now))
            await self._tell_of_change(previous)
            self._publish()

    async def _tell_of_change(self, previous: SessionPolicy) -> None:
        """Let the plugins change what the session works with now, then tell them what it came to."""
        hooks, policy = self.plugins.hooks, self.state.effective_policy()
        if policy == previous or not (hooks.config_mutators or hooks.lifecycle):
            return
        change = SessionConfigChanged(session_id=self.session_id, previous=previous, current=policy)
        mutated = await self.writer.within(lambda: hooks.mutated(change))
        self.state.adopt_policy(mutated.replace(session_id=policy.session_id))
        current = self.state.effective_policy()
        if current != previous:
            told = SessionConfigChanged(session_id=self.session_id, previous=previous, current=current)
            await self.writer.within(lambda: hooks.notify(told))

    async def _rewrite_for_window(self, trigger: WindowShrinkRewrite) -> None:
        try:
            await self._rewrite(trigger)
        except LashError as error:
            _LOG.warning("the history of session %s is as long as it was: %s", self.session_id, error)

    async def rewrite_history(self, trigger: RewriteTrigger) -> bool:
        """Let the plugins rewrite the history for good, and commit it; return whether they changed anything.

        What they took out stays in the graph, off the path.

        Raises:
            PluginError: a rewriter failed.
            LashRuntimeError: `store_commit_failed`; `session_head_refresh`. In all cases the history is what it was.
        """
        async with self._exclusive():
            changed = await self._rewrite(trigger)
            self._publish()
            return changed

    async def _rewrite(self, trigger: RewriteTrigger) -> bool:
        state = self.state
        operation = f"{state.session_id}:rewrite-history:{_REWRITES[type(trigger)]}:{state.turn_index}"
        context = RewriteContext(
            session_id=state.session_id,
            trigger=trigger,
            turn_index=state.turn_index,
            effect_controller=self.effect_host.scoped(RuntimeOperationScope(operation_id=operation)),
        )
        history = HistoryState(messages=tuple(state.graph.messages))
        made = await self.plugins.rewrite_history(context, history)
        if len(made.messages) == len(history.messages) and not made.metadata.produced_summary:
            return False
        with self._whole_or_not():
            state.graph.replace_read_state(made.messages)
            await self._commit()
        self._trim()
        return True

    def tool_state(self) -> ToolState:
        """Return what the session's tools are, as a value of the caller's own."""
        return deepcopy(self.plugins.registry.state())

    @contextlib.asynccontextmanager
    async def _changing_tools(self, doing: str) -> AsyncIterator[ToolRegistry]:
        async with self._exclusive(refreshed=False):
            try:
                yield self.plugins.registry
            except ToolRegistryError as error:
                raise SessionError("Protocol", f"{doing} failed: {error.message}") from error
            stamp_snapshots(self.state, self.plugins)
            self._publish()

    async def apply_tool_state(self, state: ToolState) -> int:
        """Take over an edited tool state; return the new generation.

        Raises:
            SessionError: the state was made of another generation, or names a tool that no source has.
        """
        async with self._changing_tools("tool reconfigure") as registry:
            return registry.apply_state(deepcopy(state))

    async def restore_tool_state(self, state: ToolState) -> int:
        """Take over a stored tool state with its generation, which is returned.

        Raises:
            SessionError: the state names a tool that no source has.
        """
        async with self._changing_tools("tool restore") as registry:
            registry.restore_state(deepcopy(state))
            return registry.generation

    async def set_tool_availability(self, changes: Mapping[str, Availability | None]) -> int:
        """Override how far tools are offered, or with None take the override back; all of them or none. Return the new generation.

        Raises:
            SessionError: there is no such tool.
        """
        async with self._changing_tools("tool reconfigure") as registry:
            return registry.apply_state(_overridden(registry.state(), changes))

    async def add_tool_provider(self, provider: ToolProvider) -> str:
        """Add tools to the running session; return the name of the source that they make, `live:1` and so on.

        Raises:
            SessionError: a name or id is blank, twice there, or another source's.
        """
        async with self._changing_tools("adding tools") as registry:
            return registry.add_live_source(provider)

    async def remove_tool_source(self, source: str) -> int:
        """Remove a source with its tools; return the generation that this made.

        Raises:
            SessionError: there is no such source.
        """
        async with self._changing_tools("removing tools") as registry:
            return registry.remove_source(source)

    async def refresh_session_tool_surface(self) -> int:
        """Ask the tool sources again what they offer; return the generation.

        Raises:
            SessionError: two tools clash.
        """
        async with self._changing_tools("tool refresh") as registry:
            registry.refresh_sources()
            return registry.generation


def _overridden(state: ToolState, changes: Mapping[str, Availability | None]) -> ToolState:
    tools = dict(state.tools)
    for name, availability in changes.items():
        if name not in tools:
            raise ToolRegistryError(f"unknown tool `{name}`; there are {', '.join(tools) or 'none'}")
        manifest = replace(tools[name].manifest, availability_override=availability)
        tools[name] = replace(tools[name], manifest=manifest)
    return replace(state, tools=tools)
