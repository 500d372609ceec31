"""What claimed work is for a turn: its input when it begins, messages while it runs (lash 0.1.0-alpha.37, turns §8.3)."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from lash_nb.clock import IdSource
from lash_nb.runtime._input import input_part, normalized
from lash_nb.runtime._queue_again import opening_id
from lash_nb.stores import AttachmentStore
from lash_nb.wire import (
    AcceptedInjectedTurnInput,
    CheckpointDelivery,
    Custom,
    ImageRefItem,
    InputItem,
    Json,
    Message,
    Octets,
    Part,
    PluginMessage,
    PluginOrigin,
    ProcessWakePayload,
    QueuedWorkBatch,
    QueuedWorkClaim,
    QueuedWorkClaimBoundary,
    QueuedWorkCompletion,
    QueuedWorkStarted,
    TextItem,
    TurnCause,
    TurnInput,
    TurnInputPayload,
    process_wake_turn_cause,
    to_builtins,
)

__all__ = [
    "Delivered",
    "causes_of",
    "claimed_record",
    "completed_record",
    "delivery_of",
    "merged_input",
    "opening_messages",
    "started_activity",
]

_SOURCES: Final = ("host:", "injection:")
"""How source keys begin whose rest is the caller's own id."""
_HOST: Final = PluginOrigin(plugin_id="host")
"""Where an injected event or system message comes from."""


class Delivered(NamedTuple):
    """What a checkpoint brings into a running turn."""

    accepted: tuple[AcceptedInjectedTurnInput, ...]
    """The inputs as they were given."""
    delivery: CheckpointDelivery
    """What the machine takes in."""


def merged_input(claim: QueuedWorkClaim) -> TurnInput:
    """Return all that the user gives in a claim as one; pictures of the same name stay apart."""
    items: list[InputItem] = []
    blobs: dict[str, Octets] = {}
    inputs = [payload.input for _, payload in _inputs(claim) if payload.role is None]
    for given in inputs:
        renamed = {name: _free_name(name, data, blobs) for name, data in given.image_blobs.items()}
        items += (_renamed(item, renamed) for item in given.items)
        blobs |= {renamed[name]: data for name, data in given.image_blobs.items()}
    return TurnInput(
        items=tuple(items),
        image_blobs=blobs,
        protocol_turn_options=next((i.protocol_turn_options for i in inputs if i.protocol_turn_options), None),
        trace_turn_id=next((i.trace_turn_id for i in inputs if i.trace_turn_id), None),
    )


def causes_of(claim: QueuedWorkClaim) -> tuple[TurnCause, ...]:
    """Return the events among claimed work."""
    return tuple(
        process_wake_turn_cause(item.payload.wake)
        if isinstance(item.payload, ProcessWakePayload)
        else _event(item.item_id, item.payload)
        for batch in claim.batches
        for item in batch.items
        if isinstance(item.payload, ProcessWakePayload)
        or (isinstance(item.payload, TurnInputPayload) and item.payload.role == "Event")
    )


def opening_messages(claim: QueuedWorkClaim, ids: IdSource) -> tuple[Message, ...]:
    """Return what stands before the user's message in a turn that a claim begins: its events, and system messages."""
    told = (
        PluginMessage(role="System", content=_text_of(payload.input))
        for _, payload in _inputs(claim)
        if payload.role == "System"
    )
    return (
        *(cause.to_message() for cause in causes_of(claim)),
        *(message.to_message(opening_id(claim, ids), _HOST) for message in told),
    )


def delivery_of(claim: QueuedWorkClaim, attachments: AttachmentStore) -> Delivered:
    """Return what a claim brings into a running turn; an input without content brings nothing.

    Raises:
        CallerError: `invalid_turn_input`, a picture without bytes, or bytes that cannot be stored.
    """
    accepted: list[AcceptedInjectedTurnInput] = []
    messages: list[PluginMessage] = []
    for batch, payload in _inputs(claim):
        given, role = payload.input, payload.role or "User"
        parts = tuple(_parts(given, attachments))
        if not parts:
            continue
        text = _text_of(given)
        pictures = tuple(given.image_blobs[item.id] for item in given.items if isinstance(item, ImageRefItem))
        shown = PluginMessage(role=role, content=text, images=pictures)
        accepted.append(AcceptedInjectedTurnInput(id=_given_id(batch), message=shown))
        if role != "Event":
            messages.append(PluginMessage(role=role, content=text, parts=parts if pictures else ()))
    delivery = CheckpointDelivery(messages=(), transient_messages=tuple(messages), turn_causes=causes_of(claim))
    return Delivered(tuple(accepted), delivery)


def started_activity(claim: QueuedWorkClaim, boundary: QueuedWorkClaimBoundary) -> QueuedWorkStarted:
    """Return what tells that queued work came in."""
    return QueuedWorkStarted(boundary=boundary, batch_ids=_batch_ids(claim), causes=causes_of(claim))


def claimed_record(claim: QueuedWorkClaim, boundary: QueuedWorkClaimBoundary) -> Custom:
    """Return the trace record of a claim."""
    payload: dict[str, Json] = {
        "boundary": boundary,
        "claim_id": claim.claim_id,
        "owner_id": claim.owner_id,
        "batch_ids": list(_batch_ids(claim)),
        "payload_types": [item.payload.__struct_config__.tag for batch in claim.batches for item in batch.items],
        "causes": to_builtins(causes_of(claim)),
    }
    return Custom(name="queued_work.claimed", payload=payload)


def completed_record(completions: Sequence[QueuedWorkCompletion]) -> Custom:
    """Return the trace record of completed claims."""
    claims: list[Json] = [
        {"session_id": done.session_id, "claim_id": done.claim_id, "batch_ids": list(done.batch_ids)}
        for done in completions
    ]
    return Custom(name="queued_work.completed", payload={"claims": claims})


def _inputs(claim: QueuedWorkClaim) -> Iterator[tuple[QueuedWorkBatch, TurnInputPayload]]:
    for batch in claim.batches:
        for item in batch.items:
            if isinstance(item.payload, TurnInputPayload):
                yield batch, item.payload


def _text_of(given: TurnInput) -> str:
    return "\n".join(item.text for item in given.items if isinstance(item, TextItem))


def _batch_ids(claim: QueuedWorkClaim) -> tuple[str, ...]:
    return tuple(batch.batch_id for batch in claim.batches)


def _given_id(batch: QueuedWorkBatch) -> str | None:
    key = batch.source_key
    if key is None:
        return None
    return next((key.removeprefix(source) for source in _SOURCES if key.startswith(source)), key)


def _parts(given: TurnInput, attachments: AttachmentStore) -> Iterator[Part]:
    for index, item in enumerate(normalized(given, attachments)):
        yield input_part(f"queued.p{index}", item)


def _renamed(item: InputItem, names: dict[str, str]) -> InputItem:
    return ImageRefItem(id=names.get(item.id, item.id)) if isinstance(item, ImageRefItem) else item


def _free_name(name: str, data: Octets, taken: dict[str, Octets]) -> str:
    """Return a name under which a picture hides no other one."""
    free, number = name, 1
    while free in taken and taken[free] != data:
        number += 1
        free = f"{name}-{number}"
    return free


def _event(item_id: str, payload: TurnInputPayload) -> TurnCause:
    return TurnCause(id=f"event:{item_id}", event_type="injected", origin=_HOST, text=_text_of(payload.input))
