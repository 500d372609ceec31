"""Background processes: what they run, who registered them, how they stand (lash 0.1.0-alpha.37, effect wire format §10.2, §10.3, §10.6)."""

from typing import TypeAlias

from msgspec import field

from lash_nb.errors import PluginError
from lash_nb.wire._base import U32, U64, Json, Wire, no_entries, no_items, none, trimmed
from lash_nb.wire._child_session import SessionCreateRequest
from lash_nb.wire._json import stable_hash
from lash_nb.wire._process_event import CORE_EVENT_TYPES, ProcessEventType, ProcessTerminalSemantics
from lash_nb.wire._process_output import ProcessAwaitOutput
from lash_nb.wire._process_scope import ProcessProvenance
from lash_nb.wire._tool import PreparedToolCall
from lash_nb.wire._tool_definition import ToolOutputContract
from lash_nb.wire._turn import TurnInput

__all__ = [
    "ProcessCancelled",
    "ProcessCompleted",
    "ProcessExternalInput",
    "ProcessExternalRef",
    "ProcessFailed",
    "ProcessInput",
    "ProcessLashlangInput",
    "ProcessRecord",
    "ProcessRef",
    "ProcessRegistration",
    "ProcessRunning",
    "ProcessSessionTurnInput",
    "ProcessStatus",
    "ProcessToolCallInput",
    "process_status",
]


class ProcessToolCallInput(Wire, frozen=True, kw_only=True, tag_field="type", tag="tool_call"):
    """Run a tool call."""

    call: PreparedToolCall
    """The call."""


class ProcessRef(Wire, frozen=True, kw_only=True):
    """Where a process is defined in a lashlang module."""

    component: str
    """Content hash of the component."""
    pos: U32
    """Place in the component."""


class ProcessLashlangInput(Wire, frozen=True, kw_only=True, tag_field="type", tag="lashlang_process"):
    """Run a process of a lashlang module."""

    module_ref: str
    """`lashlang:v1:sha256:HEX`."""
    process_ref: ProcessRef
    """Where it is defined."""
    required_surface_ref: str
    """`lashlang-surface:v1:sha256:HEX`."""
    process_name: str
    """Its name."""
    args: dict[str, Json] = field(default_factory=no_entries)
    """Its arguments."""


class ProcessSessionTurnInput(Wire, frozen=True, kw_only=True, tag_field="type", tag="session_turn"):
    """Run a turn of a new session."""

    create_request: SessionCreateRequest
    """The session."""
    turn_input: TurnInput
    """What the turn is about."""
    output_contract: ToolOutputContract
    """What it must give."""


class ProcessExternalInput(Wire, frozen=True, kw_only=True, tag_field="type", tag="external"):
    """Something that runs elsewhere."""

    metadata: Json = field(default_factory=none)
    """What it is, in its own words."""


ProcessInput: TypeAlias = ProcessToolCallInput | ProcessLashlangInput | ProcessSessionTurnInput | ProcessExternalInput
"""What a process runs."""


class ProcessRegistration(Wire, frozen=True, kw_only=True):
    """A process to be started, or to be found again."""

    id: str
    """Its id."""
    input: ProcessInput
    """What it runs."""
    event_types: tuple[ProcessEventType, ...] = field(default_factory=no_items)
    """What it can say."""
    provenance: ProcessProvenance
    """Who starts it."""

    def prepare(self) -> "ProcessRegistration":
        """Return the registration with the core event types that it does not declare itself.

        Raises:
            PluginError: id, owner, host profile or an event type is not fit to be registered.
        """
        declared = {event_type.name for event_type in self.event_types}
        missing = tuple(core for core in CORE_EVENT_TYPES if core.name not in declared)
        prepared = ProcessRegistration(
            id=self.id, input=self.input, event_types=self.event_types + missing, provenance=self.provenance
        )
        _refuse_unfit(prepared)
        return prepared

    def hash(self) -> str:
        """Return the registration hash; that of a prepared registration is the one that registries keep."""
        return stable_hash(self)


def _refuse_unfit(registration: ProcessRegistration) -> None:
    named = f"process `{registration.id}`"
    if not trimmed(registration.id):
        raise PluginError("session", f"process id {registration.id!r} is blank; give it a name")
    if not registration.provenance.owner_scope.session_id:
        raise PluginError("session", f"{named} has an owner without a session id; name the session")
    if not trimmed(registration.provenance.host_profile_id):
        raise PluginError("session", f"{named} has a blank host profile id; name the profile")
    names: set[str] = set()
    for event_type in registration.event_types:
        terminal = event_type.semantics.terminal
        if not trimmed(event_type.name):
            raise PluginError("session", f"{named} declares an event type without a name; give it one")
        if event_type.name in names:
            raise PluginError("session", f"{named} declares event type `{event_type.name}` twice; keep one of them")
        if terminal and terminal.state != "completed" and terminal.await_output is None:
            told = f"{named} declares `{event_type.name}` as {terminal.state} but not where its output is"
            raise PluginError("session", f"{told}; give terminal.await_output")
        names.add(event_type.name)


class ProcessExternalRef(Wire, frozen=True, kw_only=True):
    """Where a process runs, when that is elsewhere."""

    backend: str
    """What runs it."""
    id: str
    """Its id there."""
    metadata: Json = None
    """What the backend says of it."""


class ProcessRunning(Wire, frozen=True, kw_only=True, tag_field="state", tag="running"):
    """The process has not ended."""


class ProcessCompleted(Wire, frozen=True, kw_only=True, tag_field="state", tag="completed"):
    """The process has done its work."""

    await_output: ProcessAwaitOutput
    """What whoever waits gets."""


class ProcessFailed(Wire, frozen=True, kw_only=True, tag_field="state", tag="failed"):
    """The process has failed."""

    await_output: ProcessAwaitOutput
    """What whoever waits gets."""


class ProcessCancelled(Wire, frozen=True, kw_only=True, tag_field="state", tag="cancelled"):
    """The process was stopped."""

    await_output: ProcessAwaitOutput
    """What whoever waits gets."""


ProcessStatus: TypeAlias = ProcessRunning | ProcessCompleted | ProcessFailed | ProcessCancelled
"""How a process stands."""


def process_status(terminal: ProcessTerminalSemantics) -> ProcessStatus:
    """Return how a process stands after the event that ended it."""
    return _ENDED[terminal.state](await_output=terminal.await_output)


_ENDED: dict[str, type[ProcessCompleted | ProcessFailed | ProcessCancelled]] = {
    "completed": ProcessCompleted,
    "failed": ProcessFailed,
    "cancelled": ProcessCancelled,
}


class ProcessRecord(Wire, frozen=True, kw_only=True):
    """A process as its registry keeps it."""

    id: str
    """Its id."""
    registration_hash: str
    """Hash of its prepared registration."""
    input: ProcessInput
    """What it runs."""
    event_types: tuple[ProcessEventType, ...] = field(default_factory=no_items)
    """What it can say."""
    provenance: ProcessProvenance
    """Who started it."""
    created_at_ms: U64 = field(default_factory=int)
    """When it was registered, epoch milliseconds."""
    updated_at_ms: U64 = field(default_factory=int)
    """When it last said something, epoch milliseconds."""
    external_ref: ProcessExternalRef | None = None
    """Where it runs, when that is elsewhere."""
    status: ProcessStatus = field(default_factory=ProcessRunning)
    """How it stands."""

    @property
    def is_terminal(self) -> bool:
        """Whether it has ended."""
        return not isinstance(self.status, ProcessRunning)
