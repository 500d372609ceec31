"""Who knows the background processes of a host (lash 0.1.0-alpha.37, processes §5)."""

from typing import Protocol

from lash_nb.errors import PluginError
from lash_nb.wire import DurabilityTier, ProcessEvent, ProcessEventAppendRequest, ProcessSessionDeleteReport

__all__ = ["InMemoryProcessRegistry", "ProcessRegistry", "unknown_process"]


class ProcessRegistry(Protocol):
    """Keeps processes and who holds a handle of which; so far only what the facade needs of it."""

    @property
    def durability_tier(self) -> DurabilityTier:
        """Whether what it knows outlives the process."""
        ...

    async def delete_session_process_state(self, session_id: str) -> ProcessSessionDeleteReport:
        """Take all handles of a session away, and say which processes nobody sees any more; nothing is cancelled here.

        Raises:
            StoreError: it cannot be read or written.
        """
        ...

    async def append_event(self, process_id: str, request: ProcessEventAppendRequest) -> ProcessEvent:
        """Let a process say something, or be told; a request that was made before gives the event that it made then.

        Raises:
            PluginError: there is no such process, or the event does not fit it.
            StoreError: as above.
        """
        ...


def unknown_process(process_id: str) -> PluginError:
    """Return the error of a process that nobody knows."""
    return PluginError("session", f"unknown process `{process_id}`; list the processes that there are")


class InMemoryProcessRegistry:
    """A registry as long as the process lives. Nothing starts a process yet, so it knows none."""

    durability_tier: DurabilityTier = "inline"

    async def delete_session_process_state(self, session_id: str) -> ProcessSessionDeleteReport:
        """Report that the session had no handles."""
        return ProcessSessionDeleteReport(
            session_id=session_id,
            revoked_handle_count=0,
            deleted_wake_count=0,
            cancel_process_ids=(),
            preserved_process_ids=(),
        )

    async def append_event(self, process_id: str, request: ProcessEventAppendRequest) -> ProcessEvent:  # noqa: ARG002 - as the port asks
        """Know no process."""
        raise unknown_process(process_id)
