"""Where plugins bring what they have (lash 0.1.0-alpha.37, turns §14.2).

Many plugins may give to one point; they are asked in the order in which they registered. A singleton is given once.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

from lash_nb.errors import PluginError
from lash_nb.plugins._actions import PluginAction, PluginActionDef, PluginActionHandler
from lash_nb.plugins._discovery import ToolDiscoveryContributor
from lash_nb.plugins._history import HistoryRewriter
from lash_nb.plugins._hook_registrar import HookRegistrar
from lash_nb.plugins._protocol import ProtocolDriverPlugin, ProtocolSession
from lash_nb.plugins._surface import ToolSurface, ToolSurfaceContribution
from lash_nb.plugins._tool_projection import ToolResultProjector
from lash_nb.plugins._tool_provider import ToolProvider
from lash_nb.plugins._turn_transform import TurnContextTransform
from lash_nb.wire import PromptContribution

__all__ = ["PluginRegistrar", "PromptContext", "PromptContributor", "ToolSurfaceContributor"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptContext:
    """What a prompt contributor may know."""

    session_id: str
    """The session."""
    surface: ToolSurface
    """The tools of the turn."""
    plugin_inputs: Mapping[str, Any] = field(default_factory=dict)
    """What the turn brings for plugins, by plugin id."""


PromptContributor: TypeAlias = Callable[
    [PromptContext], Iterable[PromptContribution] | Awaitable[Iterable[PromptContribution]]
]
"""Adds text to the prompt; asked at the start of a turn and at each surface sync."""
ToolSurfaceContributor: TypeAlias = Callable[[str], ToolSurfaceContribution]
"""Changes which tools a session is offered; gets the session id, asked whenever the surface is built."""


class PluginRegistrar(HookRegistrar):
    """Collects what the plugins of one session bring."""

    def __init__(self) -> None:
        super().__init__()
        self.tool_providers: Final[list[ToolProvider]] = []
        """Tools of plugins."""
        self.prompt_contributors: Final[list[tuple[str, PromptContributor]]] = []
        """Texts for the prompt, with the id of the plugin."""
        self.tool_surface_contributors: Final[list[tuple[str, ToolSurfaceContributor]]] = []
        """Changes of the offered tools, with the id of the plugin."""
        self.tool_discovery_contributors: Final[list[tuple[str, ToolDiscoveryContributor]]] = []
        """Additions to the catalog of tools, with the id of the plugin."""
        self.plugin_actions: Final[dict[str, PluginAction]] = {}
        """What the host may have done, by name."""
        self.turn_context_transforms: Final[list[tuple[str, TurnContextTransform]]] = []
        """What changes what turns begin with, with the id of the plugin."""
        self.history_rewriters: Final[list[tuple[str, HistoryRewriter]]] = []
        """What may shorten the history, with the id of the plugin."""
        self.protocol_driver: tuple[str, ProtocolDriverPlugin] | None = None
        """The protocol's driver, with the id of the plugin."""
        self.protocol_session: tuple[str, ProtocolSession] | None = None
        """The protocol's session half, with the id of the plugin."""
        self.tool_result_projector: tuple[str, ToolResultProjector] | None = None
        """What decides how results are shown to the model, with the id of the plugin."""
        self._tool_owners: dict[str, str] = {}

    def add_tool_provider(self, provider: ToolProvider) -> None:
        """Bring tools.

        Raises:
            PluginError: a tool has the name of a tool of another plugin.
        """
        for manifest in provider.tool_manifests():
            owner = self._tool_owners.setdefault(manifest.name, self._plugin)
            if owner != self._plugin:
                raise PluginError(
                    "registration",
                    f"duplicate plugin tool name `{manifest.name}` of `{owner}` and `{self._plugin}`; rename one tool",
                )
        self.tool_providers.append(provider)

    def add_prompt_contributor(self, contributor: PromptContributor) -> None:
        """Bring text for the prompt."""
        self.prompt_contributors.append((self._plugin, contributor))

    def add_tool_surface_contributor(self, contributor: ToolSurfaceContributor) -> None:
        """Bring changes of the offered tools."""
        self.tool_surface_contributors.append((self._plugin, contributor))

    def add_tool_discovery_contributor(self, contributor: ToolDiscoveryContributor) -> None:
        """Bring additions to the catalog of tools."""
        self.tool_discovery_contributors.append((self._plugin, contributor))

    def add_plugin_action(self, definition: PluginActionDef, handler: PluginActionHandler) -> None:
        """Bring something that the host may have done.

        Raises:
            PluginError: an action of that name is there.
        """
        held = self.plugin_actions.setdefault(definition.name, PluginAction(self._plugin, definition, handler))
        if held.handler is not handler:
            raise PluginError(
                "registration",
                f"duplicate plugin action `{definition.name}` of `{held.plugin_id}` and `{self._plugin}`; rename one action",
            )

    def add_turn_context_transform(self, transform: TurnContextTransform) -> None:
        """Bring what changes what turns begin with; what fails there ends the turn with code `context_prepare_turn`."""
        self.turn_context_transforms.append((self._plugin, transform))

    def add_history_rewriter(self, rewriter: HistoryRewriter) -> None:
        """Bring what may shorten the history."""
        self.history_rewriters.append((self._plugin, rewriter))

    def set_protocol_driver(self, driver: ProtocolDriverPlugin) -> None:
        """Bring the protocol's driver.

        Raises:
            PluginError: another plugin brought one.
        """
        self.protocol_driver = self._once("protocol driver", self.protocol_driver, driver)

    def set_protocol_session(self, session: ProtocolSession) -> None:
        """Bring the protocol's session half.

        Raises:
            PluginError: another plugin brought one.
        """
        self.protocol_session = self._once("protocol session", self.protocol_session, session)

    def set_tool_result_projector(self, projector: ToolResultProjector) -> None:
        """Bring what decides how tool results are shown to the model.

        Raises:
            PluginError: another plugin brought one.
        """
        self.tool_result_projector = self._once("tool result projector", self.tool_result_projector, projector)

    def _once(self, kind: str, held: tuple[str, T] | None, given: T) -> tuple[str, T]:
        if held is not None:
            raise PluginError(
                "registration",
                f"duplicate {kind} for `{self._plugin}`: `{held[0]}` brought one; install one of the two",
            )
        return self._plugin, given
