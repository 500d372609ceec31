"""What needs running background processes: it can be asked for, and says that nothing runs them yet (lash 0.1.0-alpha.37, facade §7).

Who knows the processes and where triggers are kept is said to the builder already, and is checked there; deletion asks the registry.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from lash_nb.errors import PluginError
from lash_nb.runtime import LashRuntime
from lash_nb.wire import ProcessScope

__all__ = [
    "ChildrenControl",
    "DefaultProcessCancelAbility",
    "ProcessCancelAbility",
    "ProcessControl",
    "TriggersControl",
    "unavailable",
]


def unavailable(what: str) -> PluginError:
    """Return the error of what only somebody who runs processes could do."""
    return PluginError(
        "session",
        f"{what} is unavailable in this runtime: this release has the registry of processes and nobody who runs them;"
        " do the work in a tool, or in a session of its own",
    )


class ProcessCancelAbility(Protocol):
    """How background processes are asked to stop, where a host wants a say in it."""

    async def cancel(self, request: Any) -> Any:
        """Ask the process of a request to stop."""
        ...


class DefaultProcessCancelAbility:
    """Asks whoever runs them, which nobody does so far."""

    async def cancel(self, request: Any) -> Any:
        """Ask a process to stop.

        Raises:
            PluginError: always, so far.
        """
        raise unavailable(f"cancelling background process {getattr(request, 'process_id', request)!r}")


class ProcessControl:
    """The background processes that one session sees."""

    def __init__(self, runtime: LashRuntime) -> None:
        self._runtime = runtime

    @property
    def scope(self) -> ProcessScope:
        """The scope that they are seen from."""
        return ProcessScope(session_id=self._runtime.session_id)

    async def start(self, request: Any) -> Any:
        """Start a process.

        Raises:
            PluginError: always, so far.
        """
        raise unavailable(f"starting background process {getattr(request, 'id', request)!r}")

    async def list(self) -> Sequence[Any]:
        """Return the processes that have not ended; none without a registry.

        Raises:
            PluginError: there is a registry.
        """
        return self._listed("listing background processes")

    async def list_all(self) -> Sequence[Any]:
        """Return all processes that the session sees; none without a registry. Errors as in `list`."""
        return self._listed("listing background processes")

    async def await_all(self) -> None:
        """Do what the reference does without anything that runs beside the session: nothing. It waits for no process."""

    async def cancel(self, process_id: str) -> Any:
        """Ask a process to stop. Errors as in `start`."""
        return await DefaultProcessCancelAbility().cancel(process_id)

    async def cancel_all(self) -> Sequence[Any]:
        """Ask all processes of the session to stop; without a registry there are none. Errors as in `list`."""
        return self._listed("cancelling background processes")

    def _listed(self, what: str) -> Sequence[Any]:
        if self._runtime.process_registry is not None:
            raise unavailable(what)
        return ()


class TriggersControl:
    """What starts processes of one session when something happens at the host."""

    async def list_all(self) -> Sequence[Any]:
        """Return all triggers of the session.

        Raises:
            PluginError: always, so far.
        """
        raise unavailable("listing triggers")

    async def by_source_type(self, source_type: str) -> Sequence[Any]:
        """Return the triggers of one sort of event. Errors as in `list_all`."""
        raise unavailable(f"listing triggers of {source_type!r}")


class ChildrenControl:
    """Sessions under one session."""

    async def create_session(self, request: Any) -> Any:
        """Create a child session.

        Raises:
            PluginError: always, so far.
        """
        raise unavailable(f"creating child session {getattr(request, 'session_id', request)!r}")

    async def close_session(self, session_id: str) -> None:
        """Close a child session. Errors as in `create_session`."""
        raise unavailable(f"closing child session {session_id!r}")

    async def activate_managed_session(self, session_id: str) -> None:
        """Go on in a child session. Errors as in `create_session`."""
        raise unavailable(f"activating child session {session_id!r}")

    async def start_turn(self, session_id: str, turn_id: str, turn_input: Any) -> Any:  # noqa: ARG002 - as the reference asks
        """Run a turn of a child session. Errors as in `create_session`."""
        raise unavailable(f"a turn of child session {session_id!r}")
