"""The rlm protocol as far as it is there: sessions open in it, and each turn says what it still lacks (lash 0.1.0-alpha.37, facade §3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lash_nb.machine import STANDARD_EXECUTION_SECTION, ChatProjector, StandardDriver
from lash_nb.plugins import (
    AbortTurn,
    PluginFactory,
    PluginRegistrar,
    ProtocolPreamble,
    ProtocolSession,
    StaticPlugin,
    ToolSurface,
    TurnHookContext,
)

__all__ = ["RLM_PROTOCOL", "RLM_UNAVAILABLE", "RlmProtocolPluginConfig", "rlm_protocol"]

RLM_PROTOCOL: Final = "rlm_protocol"
"""Id of the plugin."""
RLM_UNAVAILABLE: Final = "rlm_unavailable"
"""Code of the issue with which its turns end."""
_MISSING: Final = (
    "mode rlm cannot run turns yet: its language, lashlang, is not part of this release;"
    " open the session with .standard(), where tools are called directly"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RlmProtocolPluginConfig:
    """Settings of the rlm protocol."""

    max_output_chars: int = 10_000
    """How much of what a program prints the model reads, in characters."""
    continue_as_soft_warn_tokens: int | None = 100_000
    """From how many tokens on the model is told to go on in a new frame; None never tells it."""
    bound_variables_inline_char_limit: int = 1_024
    """Up to which length a variable is shown by its value, in characters of JSON; longer ones are shown by type and size."""


class _PendingDriver:
    """The driver capability that a session needs to be opened; no turn gets as far as using it."""

    def preamble(self, surface: ToolSurface) -> ProtocolPreamble:
        return ProtocolPreamble(
            driver=StandardDriver(),
            projector=ChatProjector(),
            sync_execution_surface=True,
            tool_specs=surface.model_tool_specs(),
            execution_section=STANDARD_EXECUTION_SECTION,
        )


def rlm_protocol(config: RlmProtocolPluginConfig, resolver: object = None) -> PluginFactory:
    """Return the plugin of the rlm protocol: it lets sessions open and gives every turn back, with nothing stored."""
    del config, resolver  # nothing reads them before turns run

    def register(registrar: PluginRegistrar) -> None:
        registrar.set_protocol_session(ProtocolSession())
        registrar.set_protocol_driver(_PendingDriver())
        registrar.before_turn(_give_back)

    return StaticPlugin(RLM_PROTOCOL, register)


def _give_back(_turn: TurnHookContext) -> Sequence[AbortTurn]:
    return (AbortTurn(code=RLM_UNAVAILABLE, message=_MISSING),)
