"""What can be done to the graph and the state of an open session between its turns (lash 0.1.0-alpha.37, sessions §13.5, §14.6 and §14.9)."""

import dataclasses
from collections.abc import Sequence

from lash_nb.errors import LashRuntimeError, PluginError, SessionError, StoreError, ToolRegistryError
from lash_nb.runtime._append import append_node
from lash_nb.runtime._observation import persisted_state_forker
from lash_nb.runtime._open_calls import refuse_open_calls
from lash_nb.runtime._open_runtime import OpenRuntime
from lash_nb.runtime._read_view import SessionReadView
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.runtime._state_snapshots import snapshot_reader
from lash_nb.stores import ActivePath, FullGraph, SessionStore
from lash_nb.wire import (
    AppendedNodes,
    AppendSessionNodesRequest,
    AppendSessionNodesResult,
    PluginSessionSnapshot,
    SessionNodeRecord,
    SessionSnapshot,
    StaleBranch,
    orphaned_node_ids,
)

__all__ = ["OrphanVacuum", "SessionOps"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OrphanVacuum:
    """What a vacuum of orphans did, or would do."""

    node_ids: tuple[str, ...]
    """The nodes that are on no way to the leaf, in the order in which they were stored."""
    dry_run: bool
    """Whether nothing was changed."""
    removed_node_count: int = 0
    """Nodes that are gone for good; those that were hidden before, too."""
    deleted_blob_count: int = 0
    """Blobs that nothing needed any more."""


class SessionOps(OpenRuntime):
    """Appending, branching, replacing and exporting; each waits until the running turn is over."""

    def export_state(self) -> SessionSnapshot:
        """Return the session as a value, without the live snapshots of tools, plugins and code."""
        return snapshot_reader(self.state)()

    def export_persisted_state(self) -> RuntimeSessionState:
        """Return an independent copy of the state, with the state of tools and plugins as it is now."""
        return persisted_state_forker(self.state, self.plugins)()

    async def settled_state(self) -> RuntimeSessionState:
        """Return what `export_persisted_state` does, once nobody works on the session."""
        async with self._exclusive(refreshed=False):
            return self.export_persisted_state()

    def read_view(self) -> SessionReadView:
        """Return the session as it is now, fixed."""
        return SessionReadView.of(self.state)

    async def append_session_nodes(self, request: AppendSessionNodesRequest) -> AppendSessionNodesResult:
        """Append nodes at the leaf, in the current agent frame, and commit them; an empty request commits, too.

        Raises:
            LashRuntimeError: `store_commit_failed`, and nothing was appended; `session_head_refresh`.
        """
        async with self._exclusive():
            graph, required = self.state.graph, request.requires_ancestor_node_id
            if required is not None and not graph.is_on_path(required):
                return StaleBranch(current_leaf_node_id=graph.leaf_node_id)
            with self._whole_or_not():
                node_ids = tuple(append_node(graph, node, self.environment.ids) for node in request.nodes)
                await self._commit()
            self._publish()
            return AppendedNodes(node_ids=node_ids, leaf_node_id=graph.leaf_node_id or "")

    async def branch_to_node(self, node_id: str | None, *, commit: bool = False) -> SessionSnapshot:
        """Stand at this node: the next turn grows there, beside what followed. Return the session as it is then.

        None stands before the first node; an unknown node means the last message that was stored. With `commit` the store knows it at once.
        Otherwise the next commit tells it, and asks for no revision unless a refresh came between.

        Raises:
            LashRuntimeError: `session_head_refresh`; `protocol_restore_session` or `store_commit_failed`, and the session stands where it stood.
            CallerError: `open_tool_call`, the node stands between a tool call and its result.
        """
        async with self._exclusive():
            with self._whole_or_not():
                await self._make_resident(node_id)
                self.state.graph.branch_to(node_id)
                refuse_open_calls(self.state.graph.path, self.state.graph.snapshot().nodes)
                await self._restore_protocol()
                if commit or self.store is None:
                    await self._commit()
                else:
                    self.state.head_revision = None
            self._trim()
            self._publish()
            return self.export_state()

    async def _make_resident(self, node_id: str | None) -> None:
        """Load the way to a node that is stored and not in memory."""
        if node_id is None or self.store is None or self.state.graph.find(node_id) is not None:
            return
        try:
            read = await self.store.load_session(ActivePath(node_id))
        except StoreError as error:
            raise LashRuntimeError("session_head_refresh", error.message) from error
        if read is not None:
            self.state.graph.absorb(read.graph.nodes)

    async def _restore_protocol(self) -> None:
        try:
            await self.plugins.protocol_session.restore_session(self.state.session_id)
        except Exception as error:
            raise LashRuntimeError(
                "protocol_restore_session",
                f"the protocol cannot go on in frame {self.state.current_agent_frame_id}: {error}; what is stored is kept",
            ) from error

    async def apply_protocol_session_extension(self, extension: object) -> None:
        """Give the protocol something of this process for the rest of the session; it is not stored.

        Raises:
            SessionError: the protocol does not take it.
            CallerError: `session_closed`.
        """
        async with self._exclusive(refreshed=False):
            await self.plugins.protocol_session.apply_session_extension(extension)

    async def persist(self) -> None:
        """Commit what is not stored yet: a branch, a rewritten history, changed tools. Without a store it is simply kept.

        Raises:
            LashRuntimeError: `store_commit_failed`, and it stays in memory.
        """
        async with self._exclusive():
            with self._whole_or_not():
                await self._commit()
            self._publish()

    async def set_persisted_state(self, state: RuntimeSessionState) -> None:
        """Replace the state by a copy of this one, tools and plugins too; plugins without a state in it begin anew.

        Where the store has moved on since, the next operation goes on from the store.

        Raises:
            SessionError: the state is of another session, names tools that nobody offers, or a plugin cannot take its state.
        """
        if state.session_id != self.session_id:
            raise SessionError(
                "Protocol",
                f"the state is of session {state.session_id}, this is {self.session_id}; open that one with open_with_state(…)",
            )
        async with self._exclusive(refreshed=False):
            taken = state.copy()
            try:
                if taken.tool_state_snapshot is not None:
                    self.plugins.registry.restore_state(taken.tool_state_snapshot)
                self.plugins.restore(taken.plugin_snapshot or PluginSessionSnapshot())
                revision = self.plugins.revision()
            except (ToolRegistryError, PluginError) as error:
                raise SessionError("Protocol", error.message) from error
            taken.ensure_frame(self.environment.clock)
            self.state = dataclasses.replace(taken, plugin_snapshot_revision=revision)
            self._publish()

    async def get_historic_node(self, node_id: str) -> SessionNodeRecord | None:
        """Return a node, in memory or in the store; None when there is none.

        Raises:
            SessionError: the node is not in memory and there is no store, or it cannot be read.
        """
        resident = self.state.graph.find(node_id)
        if resident is not None:
            return resident
        store = self._required_store("get_historic_node")
        try:
            return await store.load_node(node_id)
        except StoreError as error:
            raise SessionError("Protocol", f"failed to load historic node {node_id}: {error.message}") from error

    async def orphaned_node_ids(self) -> Sequence[str]:
        """Return the stored nodes that are not on the way to the stored leaf, in the order in which they were stored.

        Raises:
            SessionError: there is no store, or it cannot be read.
        """
        store = self._required_store("orphaned_node_ids")
        try:
            read = await store.load_session(FullGraph())
        except StoreError as error:
            raise SessionError("Protocol", f"failed to load full graph: {error.message}") from error
        return () if read is None else orphaned_node_ids(read.graph)

    async def vacuum_orphans(self, *, dry_run: bool = False) -> OrphanVacuum:
        """Delete the nodes that are on no way to the leaf, other branches too, from the store and from memory.

        Raises:
            SessionError: there is no store, it cannot be read or written, or somebody else went on with the session meanwhile.
            LashRuntimeError: `store_commit_failed`, and nothing was deleted; `session_head_refresh`.
        """
        if not dry_run:
            await self.persist()
        async with self._exclusive():
            store = self._required_store("vacuum_orphans")
            orphans = tuple(node for node in await self.orphaned_node_ids() if not self.state.graph.is_on_path(node))
            if dry_run:
                return OrphanVacuum(node_ids=orphans, dry_run=True)
            self._stale = True  # until memory says what the store does, also after an interrupt
            try:
                await store.tombstone_nodes(orphans, expected_head_revision=self.state.stored_revision)
                removed, swept = await store.vacuum(), await store.gc_unreachable()
            except StoreError as error:
                raise SessionError("Protocol", f"failed to vacuum: {error.message}") from error
            self.state.graph.trim()
            self._stale = False
            self._publish()
            return OrphanVacuum(
                node_ids=orphans,
                dry_run=False,
                removed_node_count=removed.removed_node_count,
                deleted_blob_count=swept.deleted_blob_count,
            )

    def _required_store(self, operation: str) -> SessionStore:
        if self.store is None:
            raise SessionError(
                "Protocol",
                f"{operation} asks the store of session {self.state.session_id}, which has none; open it with a store",
            )
        return self.store
