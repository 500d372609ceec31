"""Whose a process is (lash 0.1.0-alpha.37, processes §2.1)."""

from typing import TypeAlias

from lash_nb.wire._base import Wire
from lash_nb.wire._invocation import CausalRef

__all__ = ["ProcessProvenance", "ProcessScope", "ProcessScopeId"]

ProcessScopeId: TypeAlias = str
"""`session:S`, or `session:S/frame:F`."""


class ProcessScope(Wire, frozen=True, kw_only=True):
    """A session, or one agent frame of it."""

    session_id: str
    """The session."""
    agent_frame_id: str | None = None
    """The agent frame; an empty one counts as none."""

    @property
    def id(self) -> ProcessScopeId:
        """The scope in one word."""
        frame = f"/frame:{self.agent_frame_id}" if self.agent_frame_id else ""
        return f"session:{self.session_id}{frame}"


class ProcessProvenance(Wire, frozen=True, kw_only=True):
    """Who started a process, and why."""

    owner_scope: ProcessScope
    """Who."""
    host_profile_id: str
    """Profile of the host that it was started under."""
    caused_by: CausalRef | None = None
    """What led to it."""
