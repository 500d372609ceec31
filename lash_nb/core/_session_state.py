"""A session for those who serve it: its snapshot, its tools and their catalog, by its id (lash 0.1.0-alpha.37, facade §7)."""

from collections.abc import Iterable
from typing import Any

from lash_nb.errors import PluginError, SessionError
from lash_nb.runtime import LashRuntime
from lash_nb.wire import Availability, SessionSnapshot, ToolState

__all__ = ["SessionStateService"]


class SessionStateService:
    """Reads and changes sessions by id; it knows the session that it is of, and would know the ones under it.

    Reads wait for no turn; changes wait until the running turn is over.
    """

    def __init__(self, runtime: LashRuntime) -> None:
        self._runtime = runtime

    async def snapshot_current(self) -> SessionSnapshot:
        """Return the session that this is of."""
        return self._runtime.observe().read_view.to_snapshot()

    async def snapshot_session(self, session_id: str) -> SessionSnapshot:
        """Return a session.

        Raises:
            PluginError: it is not known here.
        """
        self._check(session_id)
        return await self.snapshot_current()

    async def tool_catalog(self, session_id: str) -> list[dict[str, Any]]:
        """Return an entry for every tool that can be found, with what plugins add to it.

        Raises:
            PluginError: the session is not known here, or a plugin failed to say which tools there are.
            ToolRegistryError: two callable tools would be called the same way.
        """
        self._check(session_id)
        return self._runtime.plugins.tool_catalog()

    async def tool_state(self, session_id: str) -> ToolState:
        """Return all tools with their generation, as a value. Errors as in `snapshot_session`."""
        self._check(session_id)
        return self._runtime.tool_state()

    async def apply_tool_state(self, session_id: str, state: ToolState) -> int:
        """Take over an edited tool state of the present generation; return the new generation.

        Raises:
            PluginError: the session is not known here, the state was made of another generation, or names a tool that no source has.
        """
        self._check(session_id)
        try:
            return await self._runtime.apply_tool_state(state)
        except SessionError as error:
            raise PluginError("session", error.message) from error

    async def set_tools_availability(
        self, session_id: str, names: Iterable[str], availability: Availability | None
    ) -> int:
        """Override how far tools are offered, all of them or none; with None as their sources say again. Return the new generation.

        Raises:
            PluginError: the session is not known here, or there is no such tool.
        """
        self._check(session_id)
        try:
            return await self._runtime.set_tool_availability(dict.fromkeys(names, availability))
        except SessionError as error:
            raise PluginError("session", error.message) from error

    async def set_tool_availability(self, session_id: str, name: str, availability: Availability | None) -> int:
        """Override how far one tool is offered. Errors as in `set_tools_availability`."""
        return await self.set_tools_availability(session_id, (name,), availability)

    def _check(self, session_id: str) -> None:
        if session_id != self._runtime.session_id:
            raise PluginError(
                "session",
                f"unknown session `{session_id}`; this service is of session {self._runtime.session_id}: ask the one of that session",
            )
