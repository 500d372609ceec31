"""A plugin as a list of what it brings, without a class of its own (lash 0.1.0-alpha.37, turns §14.1)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lash_nb.plugins._actions import PluginActionDef, PluginActionHandler
from lash_nb.plugins._discovery import ToolDiscoveryContributor
from lash_nb.plugins._history import HistoryRewriter
from lash_nb.plugins._hooks import (
    AfterToolCallHook,
    AfterTurnHook,
    AssistantResponseHook,
    AssistantStreamHook,
    BeforeToolCallHook,
    BeforeTurnHook,
    CheckpointHook,
    PluginLifecycleHook,
    SessionConfigMutator,
)
from lash_nb.plugins._plugin import PluginBuildContext, SessionPlugin, StaticPlugin
from lash_nb.plugins._registrar import PluginRegistrar, PromptContributor, ToolSurfaceContributor
from lash_nb.plugins._tool_projection import ToolResultProjector
from lash_nb.plugins._tool_provider import ToolProvider
from lash_nb.plugins._turn_transform import TurnContextTransform

__all__ = ["PluginSpec", "PluginSpecFactory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginSpec:
    """What a plugin brings; `register` brings it in the order in which the fields stand here."""

    tool_providers: tuple[ToolProvider, ...] = ()
    """Tools."""
    prompt_contributors: tuple[PromptContributor, ...] = ()
    """Texts for the prompt."""
    tool_surface_contributors: tuple[ToolSurfaceContributor, ...] = ()
    """Changes of the offered tools."""
    tool_discovery_contributors: tuple[ToolDiscoveryContributor, ...] = ()
    """Additions to the catalog of tools."""
    before_turn: tuple[BeforeTurnHook, ...] = ()
    """Asked before a turn begins."""
    before_tool_call: tuple[BeforeToolCallHook, ...] = ()
    """Asked before a tool runs."""
    after_tool_call: tuple[AfterToolCallHook, ...] = ()
    """Asked before the model sees a result."""
    after_turn: tuple[AfterTurnHook, ...] = ()
    """Asked before a turn is stored."""
    checkpoint: tuple[CheckpointHook, ...] = ()
    """Asked where more may come into a turn."""
    assistant_stream: tuple[AssistantStreamHook, ...] = ()
    """Change streamed text."""
    assistant_response: tuple[AssistantResponseHook, ...] = ()
    """Change responses."""
    tool_result_projector: tuple[ToolResultProjector] | tuple[()] = ()
    """Decides how results are shown to the model; one plugin of a session may bring one."""
    lifecycle: tuple[PluginLifecycleHook, ...] = ()
    """Follow the session."""
    session_config_mutators: tuple[SessionConfigMutator, ...] = ()
    """Change what a session is about to work with."""
    plugin_actions: tuple[tuple[PluginActionDef, PluginActionHandler], ...] = ()
    """What the host may have done."""
    turn_context_transforms: tuple[TurnContextTransform, ...] = ()
    """Change what turns begin with."""
    history_rewriters: tuple[HistoryRewriter, ...] = ()
    """Change histories for good."""

    def register(self, registrar: PluginRegistrar) -> None:
        """Bring it all.

        Raises:
            PluginError: another plugin has a tool or action of the same name, or what a session has once.
        """
        for field, bring in _BRING.items():
            for one in getattr(self, field):
                bring(registrar, one)

    def plugin(self, id: str) -> StaticPlugin:
        """Return a plugin that brings this into every session."""
        return StaticPlugin(id, self.register)


_BRING: Final[dict[str, Callable[..., None]]] = {
    "tool_providers": PluginRegistrar.add_tool_provider,
    "prompt_contributors": PluginRegistrar.add_prompt_contributor,
    "tool_surface_contributors": PluginRegistrar.add_tool_surface_contributor,
    "tool_discovery_contributors": PluginRegistrar.add_tool_discovery_contributor,
    "before_turn": PluginRegistrar.before_turn,
    "before_tool_call": PluginRegistrar.before_tool_call,
    "after_tool_call": PluginRegistrar.after_tool_call,
    "after_turn": PluginRegistrar.after_turn,
    "checkpoint": PluginRegistrar.checkpoint,
    "assistant_stream": PluginRegistrar.assistant_stream,
    "assistant_response": PluginRegistrar.assistant_response,
    "tool_result_projector": PluginRegistrar.set_tool_result_projector,
    "lifecycle": PluginRegistrar.lifecycle,
    "session_config_mutators": PluginRegistrar.session_config_mutator,
    "plugin_actions": lambda registrar, one: registrar.add_plugin_action(*one),
    "turn_context_transforms": PluginRegistrar.add_turn_context_transform,
    "history_rewriters": PluginRegistrar.add_history_rewriter,
}
"""The points in the reference's order."""


@dataclass(frozen=True, slots=True)
class PluginSpecFactory:
    """Makes a spec for each session, for plugins whose hooks remember something of theirs."""

    id: str
    """Names the plugin."""
    spec: Callable[[PluginBuildContext], PluginSpec]
    """Makes what it brings."""

    def build(self, context: PluginBuildContext) -> SessionPlugin:
        """Return the plugin of one session."""
        return self.spec(context).plugin(self.id)
