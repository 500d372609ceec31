"""What can be seen of a session between two changes, without waiting for its turn (lash 0.1.0-alpha.37, facade §5)."""

from collections.abc import Callable
from functools import cached_property, partial

from msgspec import Struct

from lash_nb.plugins import PluginSession
from lash_nb.runtime._graph import ResidentGraph
from lash_nb.runtime._ledger import usage_report
from lash_nb.runtime._read_view import SessionReadView
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.runtime._state_snapshots import stamp_snapshots
from lash_nb.wire import SessionPolicy, SessionUsageReport, TokenLedgerEntry, ToolState

__all__ = ["RuntimeObservation", "persisted_state_forker"]


def persisted_state_forker(state: RuntimeSessionState, plugins: PluginSession) -> Callable[[], RuntimeSessionState]:
    """Return what makes the whole state of this moment, with the state of tools and plugins; plugins are asked at once, the rest is free."""
    kept = state.fixed()
    stamp_snapshots(kept, plugins)
    return partial(_detached, kept, kept.graph.forker())


def _detached(kept: RuntimeSessionState, fork_graph: Callable[[], ResidentGraph]) -> RuntimeSessionState:
    return kept.detached(fork_graph())


class RuntimeObservation(Struct, frozen=True, dict=True):
    """A session after its last change."""

    read_view: SessionReadView
    """What it says."""
    tool_state: ToolState
    """What it offers; not to be changed, as the session stores it."""
    token_ledger: tuple[TokenLedgerEntry, ...]
    """What it has used."""
    fork_state: Callable[[], RuntimeSessionState]
    """Makes `persisted_state`."""

    @classmethod
    def of(cls, state: RuntimeSessionState, plugins: PluginSession) -> "RuntimeObservation":
        """Look at a session now."""
        return cls(
            read_view=SessionReadView.of(state),
            tool_state=plugins.registry.state(),
            token_ledger=state.token_ledger,
            fork_state=persisted_state_forker(state, plugins),
        )

    @property
    def session_id(self) -> str:
        """The session."""
        return self.read_view.session_id

    @property
    def policy(self) -> SessionPolicy:
        """Model, provider, limits."""
        return self.read_view.policy

    @cached_property
    def persisted_state(self) -> RuntimeSessionState:
        """The whole state, with the state of tools and plugins."""
        return self.fork_state()

    def usage_report(self) -> SessionUsageReport:
        """Return what the session has used over its life."""
        return usage_report(self.token_ledger)
