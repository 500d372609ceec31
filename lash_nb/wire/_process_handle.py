"""Who sees a process, who runs it, and what becomes of it with its session (lash 0.1.0-alpha.37, effect wire format §10.5, §10.7, §10.8)."""

from typing import Literal, TypeAlias

from lash_nb.wire._base import U32, U64, Wire
from lash_nb.wire._invocation import RuntimeInvocation
from lash_nb.wire._process import ProcessRecord
from lash_nb.wire._process_scope import ProcessScope

__all__ = [
    "ProcessExecutionContext",
    "ProcessHandleDescriptor",
    "ProcessHandleGrant",
    "ProcessHandleGrantEntry",
    "ProcessLease",
    "ProcessLeaseCompletion",
    "ProcessListMode",
    "ProcessSessionDeleteReport",
    "ProcessStartGrant",
]

ProcessListMode: TypeAlias = Literal["live", "all"]
"""`live`: only processes that have not ended."""


class ProcessHandleDescriptor(Wire, frozen=True, kw_only=True):
    """How a handle shows itself."""

    kind: str | None = None
    """What sort of process."""
    label: str | None = None
    """A name for people."""


class ProcessStartGrant(Wire, frozen=True, kw_only=True):
    """The handle that a starter gets."""

    owner_scope: ProcessScope
    """Who sees the process."""
    descriptor: ProcessHandleDescriptor
    """How the handle shows itself."""


class ProcessExecutionContext(Wire, frozen=True, kw_only=True):
    """What a start knows and no record keeps."""

    causal_invocation: RuntimeInvocation | None = None
    """What led to the start."""
    wake_target_scope: ProcessScope | None = None
    """Whom its wakes go to."""


class ProcessHandleGrant(Wire, frozen=True, kw_only=True):
    """That a session sees a process."""

    session_id: str
    """The session."""
    process_id: str
    """The process."""
    descriptor: ProcessHandleDescriptor
    """How the handle shows itself."""


ProcessHandleGrantEntry: TypeAlias = tuple[ProcessHandleGrant, ProcessRecord]
"""A handle and its process."""


class ProcessSessionDeleteReport(Wire, frozen=True, kw_only=True):
    """What became of a deleted session's processes."""

    session_id: str
    """The session."""
    revoked_handle_count: U64
    """Handles that it had."""
    deleted_wake_count: U64
    """Wakes that waited for it."""
    cancel_process_ids: tuple[str, ...]
    """Processes that nobody sees any more, sorted."""
    preserved_process_ids: tuple[str, ...]
    """Processes that others see, sorted."""


class ProcessLease(Wire, frozen=True, kw_only=True):
    """That one worker runs a process for a while."""

    schema_version: U32
    """1."""
    process_id: str
    """The process."""
    owner_id: str
    """The worker."""
    lease_token: str
    """Proof of holding it."""
    fencing_token: U64
    """Counts the leases of the process."""
    claimed_at_epoch_ms: U64
    """Since when."""
    expires_at_epoch_ms: U64
    """Until when."""


class ProcessLeaseCompletion(Wire, frozen=True, kw_only=True):
    """That a worker is done with a process."""

    process_id: str
    """The process."""
    lease_token: str
    """Proof of holding it."""
