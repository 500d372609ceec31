"""What a protocol plugin brings: the driver of the turn machine and the session's half (lash 0.1.0-alpha.37, turns §9 and §14.2)."""

from dataclasses import dataclass
from typing import Protocol

from lash_nb.errors import SessionError
from lash_nb.machine import ProtocolDriver, RequestProjector
from lash_nb.plugins._surface import ToolSurface
from lash_nb.wire import LlmToolSpec, PromptContribution

__all__ = ["ProtocolDriverPlugin", "ProtocolPreamble", "ProtocolSession"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolPreamble:
    """What a turn needs of the protocol before its first iteration, and again at each surface sync."""

    driver: ProtocolDriver
    """Decides what the turn does next."""
    projector: RequestProjector
    """Makes model requests; the same object for the whole session, so that it may remember what it rendered."""
    sync_execution_surface: bool
    """Whether tools and prompt are brought up to date before each iteration."""
    tool_specs: tuple[LlmToolSpec, ...]
    """The tools that the model calls directly."""
    execution_section: str
    """The prompt's section on how to act."""
    prompt_contributions: tuple[PromptContribution, ...] = ()
    """What the protocol adds to the prompt, below every other layer."""


class ProtocolDriverPlugin(Protocol):
    """The driver capability of a protocol; one per session."""

    def preamble(self, surface: ToolSurface) -> ProtocolPreamble:
        """Return the protocol's part of a turn over these tools."""
        ...


class ProtocolSession:
    """The session capability of a protocol; as it stands it keeps nothing, which is right for a protocol without state."""

    async def initialize_session(self, session_id: str) -> None:
        """Learn that a session begins."""

    async def restore_session(self, session_id: str) -> None:
        """Learn that a session goes on from stored state, or in another agent frame."""

    async def apply_session_extension(self, extension: object) -> None:
        """Take over something of this process, which only the protocol knows how to use, for the rest of the session.

        Raises:
            SessionError: `Protocol`, it takes none.
        """
        raise SessionError(
            "Protocol",
            f"the protocol of this session does not accept session extensions, such as this {type(extension).__name__};"
            " give it to a session whose mode does",
        )
