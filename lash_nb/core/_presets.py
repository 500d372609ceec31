"""Builders that have begun already (lash 0.1.0-alpha.37, facade §2.1). None of them says where anything is kept."""

from lash_nb.core._builder import LashCoreBuilder
from lash_nb.core._modes import RLM, STANDARD, ModePreset
from lash_nb.plugins import PluginStack, tool_output_budget

__all__ = ["rlm", "standard"]


def standard() -> LashCoreBuilder:
    """Return a builder with the standard mode and the default plugins."""
    return LashCoreBuilder().install_mode(ModePreset.standard()).default_mode(STANDARD).plugins(_runtime_stack())


def rlm() -> LashCoreBuilder:
    """Return a builder with the rlm mode and the default plugins."""
    return LashCoreBuilder().install_mode(ModePreset.rlm()).default_mode(RLM).plugins(_runtime_stack())


def _runtime_stack() -> PluginStack:
    return PluginStack([tool_output_budget()])
