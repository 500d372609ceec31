"""The execution surface: the system prompt and the tools that go with it (lash 0.1.0-alpha.37, turns §3.2, §11.2)."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

from msgspec import Struct

from lash_nb.machine import contributions_layer, render_prompt
from lash_nb.plugins import PluginSession, ProtocolPreamble, ToolSurface
from lash_nb.wire import (
    ExecutionSurfaceSync,
    LlmToolSpec,
    PromptBuilt,
    PromptContribution,
    PromptLayer,
    TracePromptComponent,
)

__all__ = ["PromptRenderer", "Surface", "SurfaceBuilder", "SystemPrompt"]


class SystemPrompt(NamedTuple):
    """What a model is told before the conversation."""

    text: str
    """The whole text."""
    built: PromptBuilt
    """What a trace tells of it, its fingerprint for one."""

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the prompt of a text."""
        digest, chars = hashlib.sha256(text.encode()).hexdigest(), len(text)
        component = TracePromptComponent(id="system_prompt", kind="rendered_prompt", hash=digest, chars=chars)
        return cls(text, PromptBuilt(prompt_hash=digest, prompt_chars=chars, components=(component,)))


class PromptRenderer:
    """Renders the system prompts of a session, of which few turns change anything."""

    def __init__(self) -> None:
        self._made_of: object = None
        self._last = SystemPrompt.of("")

    def rendered(
        self,
        tools: ToolSurface,
        execution: str,
        contributions: tuple[tuple[PromptContribution, ...], ...],
        layers: tuple[PromptLayer, ...],
    ) -> SystemPrompt:
        """Return the prompt over these tools.

        Args:
            tools: The tools.
            execution: The protocol's section.
            contributions: What makes a layer each, lowest first.
            layers: The layers above those.
        """
        made_of = (tools, execution, contributions, layers)
        if self._made_of != made_of:
            every = (*map(contributions_layer, contributions), *layers)
            self._last = SystemPrompt.of(render_prompt(every, execution=execution, availability=tools.availability))
            self._made_of = made_of
        return self._last


class Surface(Struct, frozen=True, kw_only=True):
    """What the model gets beside the conversation."""

    prompt: SystemPrompt
    """The prompt."""
    tools: ToolSurface
    """The tools as the session offers them."""
    preamble: ProtocolPreamble
    """The protocol's part."""

    @property
    def system_prompt(self) -> str:
        """The prompt's text."""
        return self.prompt.text

    @property
    def tool_specs(self) -> tuple[LlmToolSpec, ...]:
        """The tools as the model sees them."""
        return self.preamble.tool_specs

    def sync(self) -> ExecutionSurfaceSync:
        """Return the surface as an effect's outcome carries it."""
        return ExecutionSurfaceSync(system_prompt=self.system_prompt, tool_specs=self.tool_specs)


class SurfaceBuilder:
    """Makes the surface of a turn, again at every sync.

    Args:
        plugins: The session's plugins.
        renderer: Renders the session's prompts.
        layers: The prompt layers of host, session and turn, lowest first.
        plugin_inputs: What plugins get for the turn alone, by plugin id.
    """

    def __init__(
        self,
        plugins: PluginSession,
        renderer: PromptRenderer,
        layers: Sequence[PromptLayer],
        plugin_inputs: Mapping[str, Any] | None = None,
    ) -> None:
        self._plugins = plugins
        self._renderer = renderer
        self._layers = tuple(layers)
        self._plugin_inputs = plugin_inputs or {}

    async def build(self) -> Surface:
        """Ask protocol and plugins what they offer now.

        Raises:
            PluginError: a plugin failed.
            ToolRegistryError: two callable tools would be called the same way.
        """
        tools = self._plugins.tool_surface()
        preamble = self._plugins.driver.preamble(tools)
        added = await self._plugins.prompt_contributions(tools, self._plugin_inputs)
        contributions = (preamble.prompt_contributions, self._plugins.context_contributions + added)
        prompt = self._renderer.rendered(tools, preamble.execution_section, contributions, self._layers)
        return Surface(prompt=prompt, tools=tools, preamble=preamble)
