"""What processes can say, and what they said (lash 0.1.0-alpha.37, effect wire format §10.4, §10.10, §10.11; processes §3)."""

from typing import Final, Literal, TypeAlias

from msgspec import UNSET, UnsetType, field

from lash_nb.wire._base import U64, External, Json, Wire, no_entries
from lash_nb.wire._invocation import CausalRef, ProcessEventSubject, RuntimeInvocation, RuntimeReplay, RuntimeScope
from lash_nb.wire._json import stable_hash
from lash_nb.wire._process_output import ProcessAwaitOutput, ProcessTerminalState
from lash_nb.wire._process_scope import ProcessScope, ProcessScopeId
from lash_nb.wire._schema import LashSchema
from lash_nb.wire._system_time import SystemTime

__all__ = [
    "CANCEL_REQUESTED",
    "CORE_EVENT_TYPES",
    "ProcessEvent",
    "ProcessEventAppendRequest",
    "ProcessEventAppendResult",
    "ProcessEventSemantics",
    "ProcessEventSemanticsSpec",
    "ProcessEventType",
    "ProcessTerminalSemantics",
    "ProcessTerminalSpec",
    "ProcessValueSelector",
    "ProcessWake",
    "ProcessWakeDedupeKey",
    "ProcessWakeDelivery",
    "ProcessWakeSpec",
    "TemplateSelector",
    "ValueSelector",
    "WakeDedupeKey",
    "process_event_payload_hash",
]

CANCEL_REQUESTED: Final = "process.cancel_requested"
"""The event that asks a process to stop; it changes no status."""
_WAKE: Final = "process.wake"


class TemplateSelector(Wire, frozen=True, kw_only=True):
    """Text with places to fill in."""

    template: str
    """The text; `{name}` is a place."""
    fields: "dict[str, ProcessValueSelector]" = field(default_factory=no_entries)
    """What goes where, filled in by name, one after another."""


class ValueSelector(External, frozen=True, kw_only=True):
    """A way from a payload to a value, other than the payload itself."""

    absent = UNSET

    pointer: str | UnsetType = UNSET
    """What stands at this JSON pointer."""
    const: Json = UNSET
    """This value, whatever the payload."""
    template: TemplateSelector | UnsetType = UNSET
    """Text made of other values."""
    present: str | UnsetType = UNSET
    """Whether anything, and be it null, stands at this JSON pointer."""


ProcessValueSelector: TypeAlias = Literal["payload"] | ValueSelector
"""A way from an event's payload to a value."""


class WakeDedupeKey(External, frozen=True, kw_only=True):
    """A key other than the event's identity, by which wakes are told apart."""

    absent = UNSET

    selector: ProcessValueSelector | UnsetType = UNSET
    """The text of a value of the payload."""
    const: str | UnsetType = UNSET
    """This text."""


ProcessWakeDedupeKey: TypeAlias = Literal["event_identity"] | WakeDedupeKey
"""By what wakes are told apart."""


class ProcessTerminalSpec(Wire, frozen=True, kw_only=True):
    """That an event ends its process."""

    state: ProcessTerminalState
    """How."""
    await_output: ProcessValueSelector | None = None
    """Where the payload tells what came of it; only `completed` does without, and means the whole payload."""


class ProcessWakeSpec(Wire, frozen=True, kw_only=True):
    """That an event wakes a session."""

    when: ProcessValueSelector | None = None
    """Only if this value holds."""
    input: ProcessValueSelector
    """What the session is told."""
    dedupe_key: ProcessWakeDedupeKey = field(default_factory=lambda: "event_identity")
    """By what its wakes are told apart."""


class ProcessEventSemanticsSpec(Wire, frozen=True, kw_only=True):
    """What events of a type mean beyond themselves."""

    terminal: ProcessTerminalSpec | None = None
    """Set when they end the process."""
    wake: ProcessWakeSpec | None = None
    """Set when they wake a session."""


class ProcessEventType(Wire, frozen=True, kw_only=True):
    """A type of event that a process declares."""

    name: str
    """Its name."""
    payload_schema: LashSchema
    """What payloads must be."""
    semantics: ProcessEventSemanticsSpec
    """What its events mean."""


class ProcessTerminalSemantics(Wire, frozen=True, kw_only=True):
    """How an event ended its process."""

    state: ProcessTerminalState
    """The state that its type declares, whatever kind of output it told."""
    await_output: ProcessAwaitOutput
    """What whoever waits gets."""


class ProcessWake(Wire, frozen=True, kw_only=True):
    """How an event wakes a session."""

    input: str
    """What the session is told."""
    dedupe_key: str
    """Tells it from other wakes."""


class ProcessEventSemantics(Wire, frozen=True, kw_only=True):
    """What one event means beyond itself."""

    terminal: ProcessTerminalSemantics | None = None
    """Set when it ended the process."""
    wake: ProcessWake | None = None
    """Set when it wakes a session."""


class ProcessEvent(Wire, frozen=True, kw_only=True):
    """One entry of a process's log."""

    process_id: str
    """The process."""
    sequence: U64
    """Its number, from 1."""
    event_type: str
    """Its declared type."""
    payload: Json
    """What happened."""
    invocation: RuntimeInvocation
    """Identity."""
    semantics: ProcessEventSemantics
    """What it means beyond itself."""
    occurred_at: SystemTime
    """When, in whole milliseconds."""


class ProcessEventAppendRequest(Wire, frozen=True, kw_only=True):
    """An event on its way into the log."""

    event_type: str
    """A type that the process declares."""
    payload: Json
    """What happened."""
    replay: RuntimeReplay | None = None
    """A second request with the same key is the first one."""
    wake_target_scope: ProcessScope | None = None
    """Whom to wake, when the event wakes."""

    @classmethod
    def cancel_requested(cls, process_id: str, reason: str | None = None) -> "ProcessEventAppendRequest":
        """Return the request that asks a process to stop; every reason is asked once."""
        payload = {"reason": reason}
        key = f"process:{process_id}:cancel_requested:{process_event_payload_hash(CANCEL_REQUESTED, payload)}"
        return cls(event_type=CANCEL_REQUESTED, payload=payload, replay=RuntimeReplay(key=key))


def _unknown_event() -> RuntimeInvocation:
    subject = ProcessEventSubject(process_id="", sequence=0, event_type=_WAKE)
    return RuntimeInvocation(scope=RuntimeScope(session_id=""), subject=subject)


class ProcessWakeDelivery(Wire, frozen=True, kw_only=True):
    """A wake on its way to a session."""

    wake_id: str
    """`wake:` and a hash of target and dedupe key."""
    target_session_id: str
    """Whom to wake."""
    target_scope_id: ProcessScopeId
    """Whom to wake, to the agent frame."""
    process_id: str
    """The process."""
    sequence: U64
    """Number of its event."""
    event_type: str = field(default_factory=lambda: _WAKE)
    """Type of its event."""
    event_invocation: RuntimeInvocation = field(default_factory=_unknown_event)
    """Identity of its event."""
    process_caused_by: CausalRef | None = None
    """What led to the process."""
    dedupe_key: str
    """Tells it from other wakes."""
    input: str
    """What the session is told."""
    created_at_ms: U64
    """When the event occurred, epoch milliseconds."""


class ProcessEventAppendResult(Wire, frozen=True, kw_only=True):
    """What came of appending an event."""

    event: ProcessEvent
    """The event as it stands in the log."""
    wake_delivery: ProcessWakeDelivery | None = None
    """Set when it wakes a session."""


def process_event_payload_hash(event_type: str, payload: Json) -> str:
    """Return what tells two events with the same replay key apart."""
    return stable_hash([event_type, payload])


def _event_type(name: str, state: ProcessTerminalState | None = None) -> ProcessEventType:
    output = ValueSelector(pointer="/await_output")
    terminal = ProcessTerminalSpec(state=state, await_output=output) if state else None
    semantics = ProcessEventSemanticsSpec(terminal=terminal)
    return ProcessEventType(name=name, payload_schema=LashSchema.any(), semantics=semantics)


CORE_EVENT_TYPES: Final = (
    _event_type(CANCEL_REQUESTED),
    _event_type("process.completed", "completed"),
    _event_type("process.failed", "failed"),
    _event_type("process.cancelled", "cancelled"),
)
"""What every process can say."""
