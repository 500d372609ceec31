"""The port of session stores: what a session keeps beyond a turn (lash 0.1.0-alpha.37, sessions §8 and §9; there RuntimePersistence).

One store holds one session. Commits are all-or-nothing: after an error nothing has changed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from lash_nb.stores._attachment_manifest import AttachmentManifest
from lash_nb.wire import (
    DurabilityTier,
    PersistedSessionRead,
    QueuedWorkBatch,
    QueuedWorkBatchDraft,
    QueuedWorkClaim,
    QueuedWorkClaimBoundary,
    RuntimeCommit,
    RuntimeCommitResult,
    SessionHeadMeta,
    SessionMeta,
    SessionNodeRecord,
    SessionPolicy,
    SessionRelation,
)

__all__ = [
    "QUEUED_WORK_CLAIM_TTL_MS",
    "ActivePath",
    "ClaimNote",
    "FullGraph",
    "GcReport",
    "SessionReadScope",
    "SessionStore",
    "SessionStoreCreateRequest",
    "SessionStoreFactory",
    "VacuumReport",
]

QUEUED_WORK_CLAIM_TTL_MS: Final = 900_000
"""How long claimed work stays claimed, in milliseconds, unless renewed."""


ClaimNote: TypeAlias = Callable[[QueuedWorkClaim], object]
"""Gets a claim that is about to be made."""


@dataclass(frozen=True)
class FullGraph:
    """Read all nodes that are not hidden, in the order in which they were stored."""


@dataclass(frozen=True)
class ActivePath:
    """Read the ancestry of one node only."""

    leaf_node_id: str | None = None
    """The node; None for the leaf of the last commit."""


SessionReadScope: TypeAlias = FullGraph | ActivePath
"""How much of a session is read."""


@dataclass(frozen=True, kw_only=True)
class VacuumReport:
    """What a vacuum did."""

    removed_node_count: int
    """Hidden nodes that are gone for good."""


@dataclass(frozen=True, kw_only=True)
class GcReport:
    """What a garbage collection did."""

    root_count: int = 0
    """Where it started from."""
    retained_blob_count: int = 0
    """Blobs that are still needed."""
    deleted_blob_count: int = 0
    """Blobs that are gone."""


@dataclass(frozen=True, kw_only=True)
class SessionStoreCreateRequest:
    """Which session a store is for."""

    session_id: str
    """The session."""
    relation: SessionRelation
    """How it stands to others."""
    policy: SessionPolicy
    """Its policy; the model is noted in the store's meta."""


class SessionStore(AttachmentManifest, Protocol):
    """Keeps one session: head, graph, checkpoint, ledger, queue, attachment manifest."""

    @property
    def durability_tier(self) -> DurabilityTier:
        """Whether it outlives the process."""
        ...

    def rest(self) -> None:
        """Be ready for whoever comes back soon, and hold nothing once many others rest. A session that is parked holds a store that rests."""
        ...

    def release(self) -> None:
        """Give back what is held open; the next use opens it again."""
        ...

    async def load_head(self) -> SessionHeadMeta | None:
        """Return where the session stands, without its nodes; None before the first commit.

        An open session asks this before each turn, so it costs the same however long the session is.
        """
        ...

    async def load_session(self, scope: SessionReadScope) -> PersistedSessionRead | None:
        """Read the session; None before the first commit (meta alone does not count).

        Raises:
            StoreError: `UnsupportedReadScope`, when the store cannot serve that scope.
        """
        ...

    async def load_node(self, node_id: str) -> SessionNodeRecord | None:
        """Return one node; None when there is none or it is hidden."""
        ...

    async def commit_runtime_state(self, commit: RuntimeCommit, *, begins: bool = False) -> RuntimeCommitResult:
        """Commit (sessions §8.4); a commit whose stamp is known with the same hash gives the first result and writes nothing.

        Args:
            commit: The commit.
            begins: Whether the session was new to whoever commits: it is refused when somebody else has begun that session. On the wire
                such a commit expects no revision, which alone says nothing.

        Raises:
            StoreError: `SessionBindingMismatch`, `RuntimeTurnCommitConflict`, `HeadRevisionConflict`, `QueuedWorkClaimExpired`, or
                `Backend`, e.g. when an appended node is stored already or hangs on one that is gone.
        """
        ...

    async def save_session_meta(self, meta: SessionMeta) -> None:
        """Write the whole meta record."""
        ...

    async def load_session_meta(self) -> SessionMeta | None:
        """Read the meta record."""
        ...

    async def tombstone_nodes(self, node_ids: Sequence[str], *, expected_head_revision: int | None = None) -> None:
        """Hide nodes from every read; unknown ids are ignored.

        Args:
            node_ids: Which nodes.
            expected_head_revision: Where whoever chose the nodes saw the session; None hides them wherever it stands.

        Raises:
            StoreError: `HeadRevisionConflict`, and nothing is hidden: somebody may have gone on from one of the nodes since.
        """
        ...

    async def vacuum(self) -> VacuumReport:
        """Delete hidden nodes."""
        ...

    async def gc_unreachable(self) -> GcReport:
        """Delete blobs that neither the last checkpoint nor an artifact needs."""
        ...

    async def enqueue_work(self, draft: QueuedWorkBatchDraft) -> QueuedWorkBatch:
        """Put work into the queue; while a batch with the same source key waits, that one is returned unchanged."""
        ...

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
        """Claim the first ready batch, and those that may join it; None when nothing may be claimed at this boundary.

        With `unless_held` nothing may be while anybody holds work of the session; otherwise what is held is passed over. `note` gets the
        claim before it is made for good, maybe several times: whoever is interrupted right afterwards can give it back.
        """
        ...

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
        """Claim exactly these batches in this order; None when the queue would give anything else, asked as in `claim_ready_work`."""
        ...

    async def renew_claim(
        self, claim: QueuedWorkClaim, *, lease_ttl_ms: int = QUEUED_WORK_CLAIM_TTL_MS
    ) -> QueuedWorkClaim:
        """Return the claim with a later expiry; an expired claim that nobody else took can still be renewed.

        Raises:
            StoreError: `QueuedWorkClaimExpired`, when any of its batches is gone or belongs to somebody else.
        """
        ...

    async def abandon_claim(self, claim: QueuedWorkClaim) -> None:
        """Give claimed work back; silent when it is no longer claimed."""
        ...

    async def cancel_work(self, *, session_id: str, batch_id: str) -> QueuedWorkBatch | None:
        """Take work out of the queue; None when there is none or somebody holds it."""
        ...

    async def is_queued(self, *, session_id: str, batch_id: str) -> bool:
        """Tell whether a batch is in the queue, claimed or not, without reading what it holds."""
        ...

    async def list_queued_work(self, session_id: str) -> tuple[QueuedWorkBatch, ...]:
        """Return all batches in order, claimed ones too."""
        ...

    async def list_pending_queued_work(self, session_id: str) -> tuple[QueuedWorkBatch, ...]:
        """Return the batches that nobody holds, in order."""
        ...


class SessionStoreFactory(Protocol):
    """Gives each session its store."""

    @property
    def durability_tier(self) -> DurabilityTier:
        """Whether its stores outlive the process."""
        ...

    async def create_store(self, request: SessionStoreCreateRequest) -> SessionStore:
        """Return the session's store, made at the first call.

        Raises:
            StoreError: the store cannot be opened.
        """
        ...

    async def delete_session(self, session_id: str) -> None:
        """Delete everything that the session's store holds; nothing happens for an unknown session."""
        ...
