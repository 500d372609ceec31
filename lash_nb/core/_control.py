"""Administration of an opened session (lash 0.1.0-alpha.37, facade §7)."""

from lash_nb.runtime import LashRuntime, SessionReadView
from lash_nb.wire import SessionSnapshot

__all__ = ["SessionControl", "StateControl"]


class StateControl:
    """What a session is, as a value."""

    def __init__(self, runtime: LashRuntime) -> None:
        self._runtime = runtime

    def export(self) -> SessionSnapshot:
        """Return the public state: graph and counters, without frames, stored references and ledger."""
        return SessionReadView.of(self._runtime.state).to_snapshot()

    async def branch_to_node(self, node_id: str | None) -> SessionSnapshot:
        """Stand at this node, after the turn that runs: the next turn grows there, beside what followed. Return the session as it is then.

        None stands before the first node; an unknown node means the last message that was stored. The next commit keeps it.
        """
        return await self._runtime.branch_to(node_id)


class SessionControl:
    """The controls of a session, by subject."""

    def __init__(self, runtime: LashRuntime) -> None:
        self.state = StateControl(runtime)
