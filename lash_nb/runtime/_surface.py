"""The execution surface: the system prompt and the tools that go with it (lash 0.1.0-alpha.37, turns §3.2, §11.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lash_nb.machine import contributions_layer, render_prompt
from lash_nb.plugins import PluginSession, ProtocolPreamble, ToolSurface
from lash_nb.wire import ExecutionSurfaceSync, LlmToolSpec, PromptLayer

__all__ = ["Surface", "SurfaceBuilder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """What the model gets beside the conversation."""

    system_prompt: str
    """The prompt."""
    tools: ToolSurface
    """The tools as the session offers them."""
    preamble: ProtocolPreamble
    """The protocol's part."""

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
        layers: The prompt layers of host, session and turn, lowest first.
        plugin_inputs: What plugins get for the turn alone, by plugin id.
    """

    def __init__(
        self, plugins: PluginSession, layers: Sequence[PromptLayer], plugin_inputs: Mapping[str, Any] | None = None
    ) -> None:
        self._plugins = plugins
        self._layers = tuple(layers)
        self._plugin_inputs = plugin_inputs or {}
        self._rendered: tuple[object, str] = (None, "")

    async def build(self) -> Surface:
        """Ask protocol and plugins what they offer now.

        Raises:
            PluginError: a plugin failed.
            ToolRegistryError: two callable tools would be called the same way.
        """
        tools = self._plugins.tool_surface()
        preamble = self._plugins.driver.preamble(tools)
        surface_layer = contributions_layer(
            (
                *self._plugins.context_contributions,
                *await self._plugins.prompt_contributions(tools, self._plugin_inputs),
            )
        )
        layers = (contributions_layer(preamble.prompt_contributions), surface_layer, *self._layers)
        made_of = (tools, preamble.execution_section, layers)
        if self._rendered[0] != made_of:
            prompt = render_prompt(layers, execution=preamble.execution_section, availability=tools.availability)
            self._rendered = (made_of, prompt)
        return Surface(system_prompt=self._rendered[1], tools=tools, preamble=preamble)
