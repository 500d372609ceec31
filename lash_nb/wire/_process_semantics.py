"""What a process's event means, and how it enters the log (lash 0.1.0-alpha.37, processes §3.2 to §4.2).

Rule 1: a request whose replay key is known gives the event that is there, before anything else of it is looked at.
Rule 2: the meaning is worked out once, when the event enters, and is kept with it.
"""

from typing import Any

from msgspec import UNSET

from lash_nb.errors import PluginError, WireError
from lash_nb.wire._base import U64, Json, Wire
from lash_nb.wire._identity import process_event_invocation
from lash_nb.wire._json import from_builtins, stable_hash, to_json
from lash_nb.wire._message import ProcessOrigin, TurnCause
from lash_nb.wire._pointer import pointed_at
from lash_nb.wire._process import ProcessRecord, ProcessStatus, process_status
from lash_nb.wire._process_event import (
    CANCEL_REQUESTED,
    ProcessEvent,
    ProcessEventAppendRequest,
    ProcessEventSemantics,
    ProcessEventSemanticsSpec,
    ProcessEventType,
    ProcessTerminalSemantics,
    ProcessTerminalSpec,
    ProcessValueSelector,
    ProcessWake,
    ProcessWakeDedupeKey,
    ProcessWakeDelivery,
    ProcessWakeSpec,
    TemplateSelector,
    process_event_payload_hash,
)
from lash_nb.wire._process_output import ProcessAwaitOutput, ProcessAwaitSuccess, await_output_of_value
from lash_nb.wire._process_scope import ProcessScope
from lash_nb.wire._system_time import SystemTime

__all__ = [
    "PreparedProcessEventAppend",
    "materialize_process_event_semantics",
    "prepare_process_event_append",
    "process_wake_input_from_event_payload",
    "process_wake_turn_cause",
    "process_wake_turn_text",
]


class PreparedProcessEventAppend(Wire, frozen=True, kw_only=True):
    """An event that is fit to enter the log, and what follows from it."""

    event: ProcessEvent
    """The event."""
    payload_hash: str
    """Tells it from another event with the same replay key."""
    status_update: ProcessStatus | None
    """How the process stands from now on, when that changes."""
    wake_delivery: ProcessWakeDelivery | None
    """Whom to wake, if anybody."""
    occurred_at_ms: U64
    """When it was asked for, epoch milliseconds."""
    replayed: bool
    """Whether it is in the log already."""


def prepare_process_event_append(
    record: ProcessRecord,
    request: ProcessEventAppendRequest,
    *,
    sequence: int,
    stored: tuple[str, ProcessEvent] | None = None,
    occurred_at_ms: int,
) -> PreparedProcessEventAppend:
    """Return the event that `request` makes, or the one that it made before.

    Args:
        record: The process.
        request: What is to be appended.
        sequence: Number of a new event.
        stored: Payload hash and event that the log has under the request's replay key.
        occurred_at_ms: Now, epoch milliseconds.

    Raises:
        PluginError: the replay key belongs to another event; the type is not declared, wants a replay key or another payload; the
            process has ended already; there is nobody to wake.
    """
    payload_hash = process_event_payload_hash(request.event_type, request.payload)
    replayed = stored is not None and request.replay is not None
    if stored is not None and request.replay is not None:
        event = _replayed(record, request.replay.key, payload_hash, stored)
    else:
        event = _new_event(record, request, sequence, occurred_at_ms)
    terminal = None if replayed else event.semantics.terminal
    return PreparedProcessEventAppend(
        event=event,
        payload_hash=payload_hash,
        status_update=process_status(terminal) if terminal else None,
        wake_delivery=_wake_delivery(record, event, request.wake_target_scope),
        occurred_at_ms=occurred_at_ms,
        replayed=replayed,
    )


def _replayed(record: ProcessRecord, key: str, payload_hash: str, stored: tuple[str, ProcessEvent]) -> ProcessEvent:
    known_hash, event = stored
    if known_hash != payload_hash:
        told = f"replay key `{key}` of process `{record.id}` conflicts with its event {event.sequence}"
        raise PluginError("session", f"{told}; send the same type and payload, or take another key")
    return event


def _new_event(
    record: ProcessRecord, request: ProcessEventAppendRequest, sequence: int, occurred_at_ms: int
) -> ProcessEvent:
    declared = _declared(record, request)
    semantics = materialize_process_event_semantics(record.id, sequence, request.payload, declared.semantics)
    if semantics.terminal and record.is_terminal:
        raise PluginError(
            "session", f"process `{record.id}` is already terminal; it takes no `{declared.name}` any more"
        )
    return ProcessEvent(
        process_id=record.id,
        sequence=sequence,
        event_type=request.event_type,
        payload=request.payload,
        invocation=process_event_invocation(
            record.provenance.owner_scope.session_id, record.id, sequence, request.event_type, request.replay
        ),
        semantics=semantics,
        occurred_at=SystemTime.from_epoch_ms(occurred_at_ms),
    )


def _declared(record: ProcessRecord, request: ProcessEventAppendRequest) -> ProcessEventType:
    """Return the declared type of a request that is fit for it."""
    event_type, told = request.event_type, f"process `{record.id}` and event type `{request.event_type}`"
    declared = next((known for known in record.event_types if known.name == event_type), None)
    if declared is None:
        raise PluginError("session", f"{told}: it is not declared; declare it when the process is registered")
    wants_key = declared.semantics.terminal is not None or event_type == CANCEL_REQUESTED
    if wants_key and not (request.replay and request.replay.key):
        raise PluginError("session", f"{told}: it is told once and so needs a replay key; give `replay`")
    fault = declared.payload_schema.fault(request.payload)
    if fault is not None:
        raise PluginError("session", f"{told}: the payload does not fit its schema: {fault}")
    return declared


def _wake_delivery(
    record: ProcessRecord, event: ProcessEvent, scope: ProcessScope | None
) -> ProcessWakeDelivery | None:
    wake = event.semantics.wake
    if wake is None:
        return None
    if scope is None:
        told = f"process `{record.id}` emitted wake event `{event.event_type}` without a wake target scope"
        raise PluginError("session", f"{told}; say in the request whom to wake")
    return ProcessWakeDelivery(
        wake_id=f"wake:{stable_hash([scope.id, wake.dedupe_key])}",
        target_session_id=scope.session_id,
        target_scope_id=scope.id,
        process_id=record.id,
        sequence=event.sequence,
        event_type=event.event_type,
        event_invocation=event.invocation,
        process_caused_by=record.provenance.caused_by,
        dedupe_key=wake.dedupe_key,
        input=wake.input,
        created_at_ms=event.occurred_at.epoch_ms,
    )


def materialize_process_event_semantics(
    process_id: str, sequence: int, payload: Json, spec: ProcessEventSemanticsSpec
) -> ProcessEventSemantics:
    """Return what an event with this payload means beyond itself.

    Raises:
        PluginError: a selector finds nothing, or an event that ends its process in failure does not say where its output is.
    """
    return ProcessEventSemantics(
        terminal=_terminal(payload, spec.terminal) if spec.terminal else None,
        wake=_wake(process_id, sequence, payload, spec.wake) if spec.wake else None,
    )


def _terminal(payload: Json, spec: ProcessTerminalSpec) -> ProcessTerminalSemantics:
    if spec.await_output is not None:
        output = _await_output(spec, _selected(payload, spec.await_output))
    elif spec.state == "completed":
        output = ProcessAwaitSuccess(value=payload)
    else:
        raise PluginError("session", f"an event that ends a process as {spec.state} must declare await_output")
    return ProcessTerminalSemantics(state=spec.state, await_output=output)


def _await_output(spec: ProcessTerminalSpec, value: Json) -> ProcessAwaitOutput:
    try:
        output: ProcessAwaitOutput = from_builtins(value, ProcessAwaitOutput)
    except WireError:  # not an output but words of the process's own
        return await_output_of_value(spec.state, value, _text(value))
    return output


def _wake(process_id: str, sequence: int, payload: Json, spec: ProcessWakeSpec) -> ProcessWake | None:
    if spec.when is not None and not _is_truthy(_selected(payload, spec.when)):
        return None
    told = _text(_selected(payload, spec.input))
    return ProcessWake(input=told, dedupe_key=_dedupe_key(spec.dedupe_key, payload, f"{process_id}:{sequence}"))


def _dedupe_key(key: ProcessWakeDedupeKey, payload: Json, event_identity: str) -> str:
    if key == "event_identity":
        return event_identity
    return str(key.const) if key.tag == "const" else _text(_selected(payload, key.variant))


def _selected(payload: Json, selector: ProcessValueSelector) -> Json:
    if selector == "payload":
        return payload
    content: Any = selector.variant
    match selector.tag:
        case "const":
            return content
        case "present":
            return pointed_at(payload, content) is not UNSET
        case "template":
            return _rendered(payload, content)
    found = pointed_at(payload, content)
    if found is UNSET:
        raise PluginError("session", f"payload pointer `{content}` did not match; mend the selector or the payload")
    return found


def _rendered(payload: Json, selector: TemplateSelector) -> str:
    """Fill places in by name; what was filled in may hold the places of later names."""
    text = selector.template
    for name, inner in sorted(selector.fields.items()):
        text = text.replace(f"{{{name}}}", _text(_selected(payload, inner)))
    return text


def _text(value: Json) -> str:
    return value if isinstance(value, str) else to_json(value).decode()


def _is_truthy(value: Json) -> bool:
    """Whether a condition holds: every number does, even 0."""
    return bool(value) or (isinstance(value, int | float) and not isinstance(value, bool))


def process_wake_input_from_event_payload(payload: Json) -> str:
    """Return what a wake's raw payload tells the model: its text, else its value, else all of it as JSON."""
    found = (pointed_at(payload, pointer) for pointer in ("/text", "/value"))
    told = next((value for value in found if value is not UNSET), UNSET)
    return to_json(payload).decode() if told is UNSET else _text(told)


def process_wake_turn_text(wake: ProcessWakeDelivery) -> str:
    """Return what the model reads of a wake."""
    return (
        f"Background process wake\nProcess: {wake.process_id}\nEvent: {wake.event_type} #{wake.sequence}\n"
        f"Wake input:\n{wake.input}"
    )


def process_wake_turn_cause(wake: ProcessWakeDelivery) -> TurnCause:
    """Return the wake as a cause of the turn that it starts or joins."""
    origin = ProcessOrigin(
        process_id=wake.process_id,
        event_type=wake.event_type,
        sequence=wake.sequence,
        wake_id=wake.wake_id,
        caused_by=wake.process_caused_by,
    )
    return TurnCause(id=wake.wake_id, event_type=wake.event_type, origin=origin, text=process_wake_turn_text(wake))
