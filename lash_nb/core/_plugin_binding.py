"""Plugins that a session brings itself, with settings of its own (lash 0.1.0-alpha.37, facade §7)."""

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

from lash_nb.plugins import PluginFactory

__all__ = ["PluginBinding"]

ConfigT = TypeVar("ConfigT")


class PluginBinding(ABC, Generic[ConfigT]):
    """Ties a plugin to the settings that a session gives and to the input that its turns give; it is used as a class."""

    id: ClassVar[str]
    """Names the plugin; unique in a session."""

    @classmethod
    @abstractmethod
    def factory(cls, config: ConfigT) -> PluginFactory:
        """Return the plugin with these settings."""

    @classmethod
    def requires_turn_input(cls, config: ConfigT) -> bool:  # noqa: ARG003 - for those that override it
        """Tell whether every turn has to give it something."""
        return False
