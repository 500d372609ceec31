"""Operations on background processes and what they give (lash 0.1.0-alpha.37, effect wire format §5, §6.2)."""

from typing import TypeAlias

from msgspec import field

from lash_nb.wire._base import Settled, Wire, none
from lash_nb.wire._json import stable_hash
from lash_nb.wire._process import ProcessRecord, ProcessRegistration
from lash_nb.wire._process_event import ProcessEvent, ProcessEventAppendRequest
from lash_nb.wire._process_handle import (
    ProcessExecutionContext,
    ProcessHandleGrantEntry,
    ProcessListMode,
    ProcessSessionDeleteReport,
    ProcessStartGrant,
)
from lash_nb.wire._process_output import ProcessAwaitOutput
from lash_nb.wire._process_scope import ProcessScope

__all__ = [
    "ProcessAwaitCommand",
    "ProcessAwaitOutcome",
    "ProcessCancelCommand",
    "ProcessCancelOutcome",
    "ProcessCommand",
    "ProcessDeleteSessionCommand",
    "ProcessDeleteSessionOutcome",
    "ProcessEffectOutcome",
    "ProcessListCommand",
    "ProcessListOutcome",
    "ProcessSignalCommand",
    "ProcessSignalOutcome",
    "ProcessStartCommand",
    "ProcessStartOutcome",
    "ProcessTransferCommand",
    "ProcessTransferOutcome",
]


class ProcessStartCommand(Settled, frozen=True, kw_only=True, tag_field="op", tag="start"):
    """Start a process."""

    registration: ProcessRegistration
    """The process."""
    grant: ProcessStartGrant | None = None
    """The handle that the starter gets."""
    execution_context: ProcessExecutionContext = ProcessExecutionContext()
    """What the start knows."""

    @property
    def effect_id(self) -> str:
        """Id of the effect."""
        return f"process:start:{self.registration.id}"


class ProcessListCommand(Wire, frozen=True, kw_only=True, tag_field="op", tag="list"):
    """List the processes that a scope sees."""

    owner_scope: ProcessScope
    """The scope."""
    mode: ProcessListMode = field(default_factory=lambda: "live")
    """Which of them."""

    @property
    def effect_id(self) -> str:
        """Id of the effect."""
        return f"process:list:{self.owner_scope.id}:{self.mode}"


class ProcessTransferCommand(Wire, frozen=True, kw_only=True, tag_field="op", tag="transfer"):
    """Hand handles from one scope to another."""

    from_scope: ProcessScope
    """Who has them."""
    to_scope: ProcessScope
    """Who gets them."""
    process_ids: tuple[str, ...]
    """The processes."""

    @property
    def effect_id(self) -> str:
        """Id of the effect."""
        return f"process:transfer:{self.from_scope.id}:{self.to_scope.id}:{stable_hash(self.process_ids)}"


class ProcessDeleteSessionCommand(Wire, frozen=True, kw_only=True, tag_field="op", tag="delete_session"):
    """Take a deleted session's handles away."""

    session_id: str
    """The session."""

    @property
    def effect_id(self) -> str:
        """Id of the effect."""
        return f"process:delete-session:{self.session_id}"


class ProcessAwaitCommand(Wire, frozen=True, kw_only=True, tag_field="op", tag="await"):
    """Wait for a process to end."""

    process_id: str
    """The process."""

    @property
    def effect_id(self) -> str:
        """Id of the effect."""
        return f"process:await:{self.process_id}"


class ProcessCancelCommand(Wire, frozen=True, kw_only=True, tag_field="op", tag="cancel"):
    """Ask a process to stop."""

    process_id: str
    """The process."""
    reason: str | None = field(default_factory=none)
    """Why."""

    @property
    def effect_id(self) -> str:
        """Id of the effect."""
        return f"process:cancel:{self.process_id}"


class ProcessSignalCommand(Wire, frozen=True, kw_only=True, tag_field="op", tag="signal"):
    """Tell a process something."""

    process_id: str
    """The process."""
    signal_id: str
    """The signal; the same one is told once."""
    request: ProcessEventAppendRequest
    """What it is told."""

    @property
    def effect_id(self) -> str:
        """Id of the effect."""
        return f"process:signal:{self.process_id}:{self.signal_id}"


ProcessCommand: TypeAlias = (
    ProcessStartCommand
    | ProcessListCommand
    | ProcessTransferCommand
    | ProcessDeleteSessionCommand
    | ProcessAwaitCommand
    | ProcessCancelCommand
    | ProcessSignalCommand
)
"""An operation on processes."""


class ProcessStartOutcome(Wire, frozen=True, kw_only=True, tag_field="op", tag="start"):
    """The process is registered."""

    record: ProcessRecord
    """How it stands."""


class ProcessListOutcome(Wire, frozen=True, kw_only=True, tag_field="op", tag="list"):
    """What the scope sees."""

    entries: tuple[ProcessHandleGrantEntry, ...]
    """Handles and processes, by process id."""


class ProcessTransferOutcome(Wire, frozen=True, kw_only=True, tag_field="op", tag="transfer"):
    """The handles are handed over."""


class ProcessDeleteSessionOutcome(Wire, frozen=True, kw_only=True, tag_field="op", tag="delete_session"):
    """The handles are taken away."""

    report: ProcessSessionDeleteReport
    """What became of the processes."""


class ProcessAwaitOutcome(Wire, frozen=True, kw_only=True, tag_field="op", tag="await"):
    """The process has ended."""

    output: ProcessAwaitOutput
    """What came of it."""


class ProcessCancelOutcome(Wire, frozen=True, kw_only=True, tag_field="op", tag="cancel"):
    """The process was asked to stop."""

    record: ProcessRecord
    """How it stands; usually it still runs."""


class ProcessSignalOutcome(Wire, frozen=True, kw_only=True, tag_field="op", tag="signal"):
    """The process was told."""

    event: ProcessEvent
    """The event in its log."""


ProcessEffectOutcome: TypeAlias = (
    ProcessStartOutcome
    | ProcessListOutcome
    | ProcessTransferOutcome
    | ProcessDeleteSessionOutcome
    | ProcessAwaitOutcome
    | ProcessCancelOutcome
    | ProcessSignalOutcome
)
"""What an operation on processes gave."""
