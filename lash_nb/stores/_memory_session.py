"""Sessions in memory (lash 0.1.0-alpha.37, sessions §10, with the corrections of §17.3).

A commit costs what it brings: nodes lie in one index, the head moves, nothing is copied.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from lash_nb.clock import Clock, SystemClock
from lash_nb.stores._attachment_manifest import MemoryAttachmentManifest
from lash_nb.stores._commit_rules import (
    check_stands_at,
    checked_revision,
    new_nodes,
    next_head,
    node_is_stored,
    repeated_result,
)
from lash_nb.stores._memory_queue import MemoryQueue
from lash_nb.stores._session_store import (
    QUEUED_WORK_CLAIM_TTL_MS,
    ActivePath,
    ClaimNote,
    GcReport,
    SessionReadScope,
    SessionStore,
    SessionStoreCreateRequest,
    VacuumReport,
)
from lash_nb.wire import (
    DurabilityTier,
    GraphCommitDelta,
    HydratedSessionCheckpoint,
    PersistedSessionRead,
    QueuedWorkBatch,
    QueuedWorkBatchDraft,
    QueuedWorkClaim,
    QueuedWorkClaimBoundary,
    RuntimeCommit,
    RuntimeCommitResult,
    RuntimeTurnCommitStamp,
    SessionCheckpoint,
    SessionGraph,
    SessionHeadMeta,
    SessionMeta,
    SessionNodeRecord,
    TokenLedgerEntry,
    active_path,
    merged_ledger,
)

__all__ = ["InMemorySessionStore", "InMemorySessionStoreFactory"]


class InMemorySessionStore(MemoryAttachmentManifest):
    """Keeps one session as long as the process lives; bound to its session by the first commit."""

    durability_tier: DurabilityTier = "inline"

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock or SystemClock())
        self._head: SessionHeadMeta | None = None
        self._meta: SessionMeta | None = None
        self._nodes: dict[str, SessionNodeRecord] = {}
        self._hidden: set[str] = set()
        self._checkpoint: HydratedSessionCheckpoint | None = None
        self._ledger: tuple[TokenLedgerEntry, ...] = ()
        self._turns: dict[str, tuple[str, RuntimeCommitResult]] = {}
        self._queue = MemoryQueue(self._clock)

    async def load_head(self) -> SessionHeadMeta | None:
        """Return where the session stands."""
        return self._head

    async def load_session(self, scope: SessionReadScope) -> PersistedSessionRead | None:
        """Read the session."""
        head = self._head
        if head is None:
            return None
        return PersistedSessionRead(
            session_id=head.session_id,
            head_revision=head.head_revision,
            config=head.config,
            agent_frames=head.agent_frames,
            current_agent_frame_id=head.current_agent_frame_id,
            graph=self._read_graph(scope, head.leaf_node_id),
            checkpoint_ref=head.checkpoint_ref,
            checkpoint=self._checkpoint,
            token_ledger=self._ledger,
        )

    async def load_node(self, node_id: str) -> SessionNodeRecord | None:
        """Return a node that is not hidden."""
        return self._nodes[node_id] if self._is_live(node_id) else None

    async def commit_runtime_state(self, commit: RuntimeCommit, *, begins: bool = False) -> RuntimeCommitResult:
        """Check everything, then change everything."""
        known = repeated_result(commit, self._head, self._find_turn)
        if known is not None:
            return known
        revision = checked_revision(commit, self._head, begins=begins)
        completed = self._queue.checked(commit.completed_queue_claims, commit.session_id)
        self._store_graph(commit.graph, new_nodes(commit.graph, self._is_stored, self._is_live))
        if commit.usage_deltas:
            self._ledger = merged_ledger((*self._ledger, *commit.usage_deltas))
        result = self._store_head(commit, revision)
        self._queue.remove(completed)
        self.commit_refs(commit.session_id, commit.committed_attachment_ids)
        if commit.turn_commit is not None:
            self._turns[commit.turn_commit.turn_id] = (commit.turn_commit.turn_commit_hash, result)
        return result

    async def save_session_meta(self, meta: SessionMeta) -> None:
        """Write the meta record."""
        self._meta = meta

    async def load_session_meta(self) -> SessionMeta | None:
        """Read the meta record."""
        return self._meta

    async def tombstone_nodes(self, node_ids: Sequence[str], *, expected_head_revision: int | None = None) -> None:
        """Hide nodes."""
        check_stands_at(expected_head_revision, self._head, "hiding nodes", "choose them again")
        self._hidden.update(node_id for node_id in node_ids if node_id in self._nodes)

    async def vacuum(self) -> VacuumReport:
        """Delete hidden nodes."""
        for node_id in self._hidden:
            del self._nodes[node_id]
        removed = len(self._hidden)
        self._hidden.clear()
        return VacuumReport(removed_node_count=removed)

    async def gc_unreachable(self) -> GcReport:
        """Report that there are no blobs: the checkpoint is kept whole."""
        return GcReport()

    async def enqueue_work(self, draft: QueuedWorkBatchDraft) -> QueuedWorkBatch:
        """Put work into the queue."""
        return self._queue.enqueue(draft)

    async def claim_ready_work(
        self,
        *,
        session_id: str,
        boundary: QueuedWorkClaimBoundary,
        owner: str,
        lease_ttl_ms: int = QUEUED_WORK_CLAIM_TTL_MS,
        max_batches: int = 1,
        unless_held: bool = False,
        note: ClaimNote | None = None,
    ) -> QueuedWorkClaim | None:
        """Claim ready work."""
        if unless_held and self._queue.any_held(session_id):
            return None
        return self._queue.claim(session_id, boundary, owner, lease_ttl_ms, max_batches, note=note)

    async def claim_by_ids(
        self,
        *,
        session_id: str,
        batch_ids: Sequence[str],
        boundary: QueuedWorkClaimBoundary,
        owner: str,
        lease_ttl_ms: int = QUEUED_WORK_CLAIM_TTL_MS,
        unless_held: bool = False,
        note: ClaimNote | None = None,
    ) -> QueuedWorkClaim | None:
        """Claim exactly these batches."""
        if unless_held and self._queue.any_held(session_id):
            return None
        return self._queue.claim_by_ids(session_id, batch_ids, boundary, owner, lease_ttl_ms, note=note)

    async def renew_claim(
        self, claim: QueuedWorkClaim, *, lease_ttl_ms: int = QUEUED_WORK_CLAIM_TTL_MS
    ) -> QueuedWorkClaim:
        """Move the expiry of a claim."""
        return self._queue.renew(claim, lease_ttl_ms)

    async def abandon_claim(self, claim: QueuedWorkClaim) -> None:
        """Give claimed work back."""
        self._queue.abandon(claim)

    async def cancel_work(self, *, session_id: str, batch_id: str) -> QueuedWorkBatch | None:
        """Take work out of the queue."""
        return self._queue.cancel(session_id, batch_id)

    async def is_queued(self, *, session_id: str, batch_id: str) -> bool:
        """Tell whether a batch is in the queue."""
        return self._queue.holds(session_id, batch_id)

    async def list_queued_work(self, session_id: str) -> tuple[QueuedWorkBatch, ...]:
        """Return all batches."""
        return self._queue.listed(session_id, only_free=False)

    async def list_pending_queued_work(self, session_id: str) -> tuple[QueuedWorkBatch, ...]:
        """Return the batches that nobody holds."""
        return self._queue.listed(session_id, only_free=True)

    def rest(self) -> None:
        """Do nothing: memory is all there is."""

    def release(self) -> None:
        """Do nothing, either."""

    def _find_turn(self, stamp: RuntimeTurnCommitStamp) -> tuple[str, RuntimeCommitResult] | None:
        return self._turns.get(stamp.turn_id)

    def _is_live(self, node_id: str) -> bool:
        return node_id in self._nodes and node_id not in self._hidden

    def _is_stored(self, node: SessionNodeRecord) -> bool:
        known = self._nodes.get(node.node_id)
        if known is not None and (known != node or node.node_id in self._hidden):
            raise node_is_stored(node.node_id)
        return known is not None

    def _store_graph(self, delta: GraphCommitDelta, nodes: dict[str, SessionNodeRecord]) -> None:
        if delta.ReplaceFull:
            self._nodes.clear()
            self._hidden.clear()
        self._nodes.update(nodes)

    def _store_head(self, commit: RuntimeCommit, revision: int) -> RuntimeCommitResult:
        old = None if commit.graph.ReplaceFull else self._checkpoint
        self._checkpoint = commit.checkpoint if old is None else _carried(commit.checkpoint, old)
        ref = f"recording-checkpoint-{revision}"
        live = len(self._nodes) - len(self._hidden)
        self._head = next_head(commit, revision=revision, checkpoint_ref=ref, graph_node_count=live)
        return RuntimeCommitResult(head_revision=revision, checkpoint_ref=ref, manifest=_manifest(commit.checkpoint))

    def _read_graph(self, scope: SessionReadScope, leaf: str | None) -> SessionGraph:
        nodes = self._nodes
        if self._hidden:
            nodes = {node_id: node for node_id, node in nodes.items() if node_id not in self._hidden}
        if isinstance(scope, ActivePath):
            leaf = leaf if scope.leaf_node_id is None else scope.leaf_node_id
            return SessionGraph(nodes=tuple(active_path(nodes, leaf)), leaf_node_id=leaf)
        return SessionGraph(nodes=tuple(nodes.values()), leaf_node_id=leaf)


class InMemorySessionStoreFactory:
    """Gives each session an in-memory store; the stores live as long as the factory."""

    durability_tier: DurabilityTier = "inline"

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._stores: dict[str, SessionStore] = {}

    async def create_store(self, request: SessionStoreCreateRequest) -> SessionStore:
        """Return the session's store."""
        store = self._stores.get(request.session_id)
        if store is None:
            store = self._stores[request.session_id] = InMemorySessionStore(self._clock)
            await store.save_session_meta(
                SessionMeta(
                    session_id=request.session_id,
                    session_name=request.session_id,
                    created_at="1970-01-01T00:00:00Z",
                    model=request.policy.model.id,
                    relation=request.relation,
                )
            )
        return store

    async def delete_session(self, session_id: str) -> None:
        """Forget the session's store."""
        self._stores.pop(session_id, None)


def _carried(new: HydratedSessionCheckpoint, old: HydratedSessionCheckpoint) -> HydratedSessionCheckpoint:
    """Keep the snapshots that a commit leaves out because they have not changed since the last one.

    A commit that replaces the graph begins anew and keeps nothing: without blobs there is no other sign of a reset.
    """
    kept = {
        name: getattr(old, name)
        for name, ref in _SNAPSHOTS
        if getattr(new, name) is None and getattr(old, name) is not None and getattr(new, ref) == getattr(old, ref)
    }
    return replace(new, **kept) if kept else new


_SNAPSHOTS: Final = (
    ("tool_state", "tool_state_ref"),
    ("plugin_snapshot", "plugin_snapshot_ref"),
    ("execution_state", "execution_state_ref"),
)


def _manifest(checkpoint: HydratedSessionCheckpoint) -> SessionCheckpoint:
    return SessionCheckpoint(
        turn_state=checkpoint.turn_state,
        tool_state_ref=checkpoint.tool_state_ref,
        plugin_snapshot_ref=checkpoint.plugin_snapshot_ref,
        plugin_snapshot_revision=checkpoint.plugin_snapshot_revision,
        execution_state_ref=checkpoint.execution_state_ref,
    )
