"""The plugins that every host has or may have, apart from the protocols (lash 0.1.0-alpha.37, turns §14.1)."""

from collections.abc import Iterable

from lash_nb.plugins._plugin import PluginFactory, StaticPlugin
from lash_nb.plugins._registrar import PluginRegistrar
from lash_nb.plugins._tool_provider import ToolProvider

__all__ = ["embed_tools", "lash_triggers"]


def embed_tools(providers: Iterable[ToolProvider]) -> PluginFactory:
    """Return the plugin that brings the tools given to a core."""
    given = tuple(providers)

    def register(registrar: PluginRegistrar) -> None:
        for provider in given:
            registrar.add_tool_provider(provider)

    return StaticPlugin("embed_tools", register)


def lash_triggers() -> PluginFactory:
    """Return the plugin of background triggers; sessions carry it from their first snapshot on."""
    return StaticPlugin("lash.triggers", _nothing)


def _nothing(registrar: PluginRegistrar) -> None:
    """Bring nothing: the plugin has a place in the snapshot alone."""
