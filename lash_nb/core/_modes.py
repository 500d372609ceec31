"""Modes: which protocol a session speaks (lash 0.1.0-alpha.37, facade §3)."""

from dataclasses import dataclass
from typing import Final, TypeAlias

from lash_nb.plugins import PluginFactory, standard_protocol

__all__ = ["STANDARD", "ModeId", "ModePreset"]

ModeId: TypeAlias = str
"""Name of a mode."""

STANDARD: Final[ModeId] = "standard"
"""Tools are called directly, answers are prose."""


@dataclass(frozen=True, slots=True)
class ModePreset:
    """A mode and the plugin that speaks its protocol."""

    mode_id: ModeId
    """Its name."""
    factory: PluginFactory
    """Its plugin."""

    @classmethod
    def standard(cls) -> "ModePreset":
        """Return the standard mode."""
        return cls(STANDARD, standard_protocol())
