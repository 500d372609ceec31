"""From a store to a state, with as many nodes as the host wants in memory (lash 0.1.0-alpha.37, sessions §7.5, §14.3 and §14.10)."""

from lash_nb.clock import Clock
from lash_nb.runtime._environment import Residency
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.stores import ActivePath, FullGraph, SessionStore
from lash_nb.wire import PersistedSessionRead

__all__ = ["load_persisted_session_state"]


async def load_persisted_session_state(
    store: SessionStore, residency: Residency, clock: Clock
) -> RuntimeSessionState | None:
    """Return the stored session, healed and then trimmed; None when nothing was ever committed.

    Raises:
        StoreError: it cannot be read; `UnsupportedReadScope` when the store cannot serve the active path alone, for which the whole graph
            is never read instead.
    """
    read = await (store.load_session(FullGraph()) if residency == "keep_all" else _active_path(store))
    if read is None:
        return None
    state = RuntimeSessionState.from_read(read, clock)
    if residency == "active_path_only":
        state.graph.trim()
    return state


async def _active_path(store: SessionStore) -> PersistedSessionRead | None:
    """Read the path; all nodes if its leaf is missing, as no other node can then be found without them."""
    read = await store.load_session(ActivePath())
    if read is None or read.graph.nodes or read.graph.leaf_node_id is None:
        return read
    return await store.load_session(FullGraph())
