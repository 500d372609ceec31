"""Modes: which protocol a session speaks (lash 0.1.0-alpha.37, facade §3)."""

from dataclasses import dataclass
from typing import Final, TypeAlias

from lash_nb.core._rlm import RlmProtocolPluginConfig, rlm_protocol
from lash_nb.plugins import PluginFactory, standard_protocol

__all__ = ["RLM", "STANDARD", "ModeId", "ModePreset"]


ModeId: TypeAlias = str
"""Name of a mode."""

STANDARD: Final[ModeId] = "standard"
"""Tools are called directly, answers are prose."""
RLM: Final[ModeId] = "rlm"
"""The model writes programs that call tools, and submits what they find."""


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

    @classmethod
    def rlm(cls) -> "ModePreset":
        """Return the rlm mode. Sessions open in it; its turns are refused until its language is there."""
        return cls.rlm_with_config(RlmProtocolPluginConfig())

    @classmethod
    def rlm_with_config(cls, config: RlmProtocolPluginConfig) -> "ModePreset":
        """Return the rlm mode with settings of its own."""
        return cls(RLM, rlm_protocol(config))

    @classmethod
    def rlm_with_projection_resolver(cls, resolver: object) -> "ModePreset":
        """Return the rlm mode with values of the host's own in its programs."""
        return cls.rlm_with_config_and_projection_resolver(RlmProtocolPluginConfig(), resolver)

    @classmethod
    def rlm_with_config_and_projection_resolver(cls, config: RlmProtocolPluginConfig, resolver: object) -> "ModePreset":
        """Return the rlm mode with both."""
        return cls(RLM, rlm_protocol(config, resolver))
