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


class SessionControl:
    """The controls of a session, by subject."""

    def __init__(self, runtime: LashRuntime) -> None:
        self.state = StateControl(runtime)
