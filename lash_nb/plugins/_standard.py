"""The standard protocol as a plugin: the model calls tools by itself (lash 0.1.0-alpha.37, turns §9)."""

from typing import Final

from lash_nb.machine import STANDARD_EXECUTION_SECTION, ChatProjector, StandardDriver
from lash_nb.plugins._batch import BatchToolProvider
from lash_nb.plugins._plugin import PluginFactory, StaticPlugin
from lash_nb.plugins._protocol import ProtocolPreamble, ProtocolSession
from lash_nb.plugins._registrar import PluginRegistrar
from lash_nb.plugins._surface import ToolSurface

__all__ = ["STANDARD_PROTOCOL", "StandardProtocolDriver", "standard_protocol"]

STANDARD_PROTOCOL: Final = "standard_protocol"
"""Id of the plugin."""


class StandardProtocolDriver:
    """The driver capability; keeps the projector of its session."""

    def __init__(self) -> None:
        self._driver = StandardDriver()
        self._projector = ChatProjector()
        self._last: tuple[ToolSurface, ProtocolPreamble] | None = None

    def preamble(self, surface: ToolSurface) -> ProtocolPreamble:
        """Return the standard protocol over these tools: all callable ones go to the model. The same tools give the same object."""
        if self._last is None or self._last[0] is not surface:
            self._last = (surface, self._over(surface))
        return self._last[1]

    def _over(self, surface: ToolSurface) -> ProtocolPreamble:
        return ProtocolPreamble(
            driver=self._driver,
            projector=self._projector,
            sync_execution_surface=True,
            tool_specs=surface.model_tool_specs(),
            execution_section=STANDARD_EXECUTION_SECTION,
        )


def standard_protocol() -> PluginFactory:
    """Return the plugin of the standard protocol."""
    return StaticPlugin(STANDARD_PROTOCOL, _register)


def _register(registrar: PluginRegistrar) -> None:
    registrar.set_protocol_session(ProtocolSession())
    registrar.set_protocol_driver(StandardProtocolDriver())
    registrar.add_tool_provider(BatchToolProvider())
