"""Queued work: what waits for a session (lash 0.1.0-alpha.37, sessions §9)."""

from typing import Literal, TypeAlias

from msgspec import field

from lash_nb.wire._base import U64, External, Wire
from lash_nb.wire._process_event import ProcessWakeDelivery
from lash_nb.wire._turn import TurnInput

__all__ = [
    "DeliveryPolicy",
    "MergeGroup",
    "MergeKey",
    "ProcessWakePayload",
    "QueuedWorkBatch",
    "QueuedWorkBatchDraft",
    "QueuedWorkClaim",
    "QueuedWorkClaimBoundary",
    "QueuedWorkCompletion",
    "QueuedWorkItem",
    "QueuedWorkPayload",
    "RefreshToolSurface",
    "ResetSession",
    "SessionCommand",
    "SessionCommandPayload",
    "SlotPolicy",
    "TurnInputPayload",
]

DeliveryPolicy: TypeAlias = Literal["earliest_safe_boundary", "after_current_turn_commit"]
"""When work may come in."""
SlotPolicy: TypeAlias = Literal["join", "exclusive"]
"""Whether work may share a turn with other work."""
QueuedWorkClaimBoundary: TypeAlias = Literal["active_turn_checkpoint", "idle"]
"""Where work is claimed."""


class MergeGroup(External, frozen=True, kw_only=True):
    """Work that joins others of its group."""

    group: str | None = None
    """The group."""


MergeKey: TypeAlias = Literal["never", "payload_default"] | MergeGroup
"""What work joins with."""


class TurnInputPayload(Wire, frozen=True, kw_only=True, tag_field="type", tag="turn_input"):
    """Input for a turn."""

    input: TurnInput
    """The input."""
    role: Literal["System", "Event"] | None = None
    """Who speaks, when it is not the user; our own field, which the reference does not know: there the user always speaks."""


class ProcessWakePayload(Wire, frozen=True, kw_only=True, tag_field="type", tag="process_wake"):
    """A process wants to be heard."""

    wake: ProcessWakeDelivery
    """The wake delivery."""


class RefreshToolSurface(Wire, frozen=True, kw_only=True, tag_field="kind", tag="refresh_tool_surface"):
    """Bring the session's tools up to date."""

    reason: str
    """Why."""
    expected_generation: U64 | None = None
    """The state of the tools to change, when only that one is meant."""


class ResetSession(Wire, frozen=True, kw_only=True, tag_field="kind", tag="reset_session"):
    """Begin the session anew."""

    reason: str
    """Why."""


SessionCommand: TypeAlias = RefreshToolSurface | ResetSession
"""A change of the session itself."""


class SessionCommandPayload(Wire, frozen=True, kw_only=True, tag_field="type", tag="session_command"):
    """A change of the session itself."""

    command: SessionCommand
    """The command."""


QueuedWorkPayload: TypeAlias = TurnInputPayload | ProcessWakePayload | SessionCommandPayload
"""What waits."""


class QueuedWorkItem(Wire, frozen=True, kw_only=True):
    """One item of a batch."""

    item_id: str
    """`BATCH:item:N`."""
    payload: QueuedWorkPayload
    """What waits."""


class QueuedWorkBatchDraft(Wire, frozen=True, kw_only=True):
    """Work on its way into the queue."""

    session_id: str
    """The session that it waits for."""
    source_key: str | None = None
    """A second batch with the same key is the first one."""
    delivery_policy: DeliveryPolicy
    """When it may come in."""
    slot_policy: SlotPolicy
    """Whether it may share a turn."""
    merge_key: MergeKey = field(default_factory=lambda: "never")
    """What it joins with."""
    available_at_ms: U64 = field(default_factory=int)
    """Not before this time, epoch milliseconds."""
    payloads: tuple[QueuedWorkPayload, ...]
    """What waits."""


class QueuedWorkBatch(Wire, frozen=True, kw_only=True):
    """Work in the queue."""

    batch_id: str
    """Its id."""
    session_id: str
    """The session that it waits for."""
    enqueue_seq: U64
    """Its place in the queue."""
    source_key: str | None = None
    """The caller's own key."""
    delivery_policy: DeliveryPolicy
    """When it may come in."""
    slot_policy: SlotPolicy
    """Whether it may share a turn."""
    merge_key: MergeKey
    """What it joins with."""
    available_at_ms: U64
    """Not before this time, epoch milliseconds."""
    enqueued_at_ms: U64
    """When it came, epoch milliseconds."""
    items: tuple[QueuedWorkItem, ...]
    """What waits."""


class QueuedWorkClaim(Wire, frozen=True, kw_only=True):
    """Work that one owner holds for a while."""

    session_id: str
    """The session."""
    claim_id: str
    """The claim."""
    owner_id: str
    """Who holds it."""
    lease_token: str
    """Proof of holding it."""
    fencing_token: U64
    """Counts the claims of the head batch."""
    claimed_at_epoch_ms: U64
    """Since when."""
    expires_at_epoch_ms: U64
    """Until when."""
    batches: tuple[QueuedWorkBatch, ...]
    """The work."""


class QueuedWorkCompletion(Wire, frozen=True, kw_only=True):
    """Claimed work that a commit completes."""

    session_id: str
    """The session."""
    claim_id: str
    """The claim."""
    lease_token: str
    """Proof of holding it."""
    batch_ids: tuple[str, ...]
    """The batches."""
