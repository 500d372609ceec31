"""A session in the order in which it happened: what was said, and what protocols noted (lash 0.1.0-alpha.37, sessions §4.1)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from lash_nb.wire._base import Json, Wire
from lash_nb.wire._graph import SessionEventRecord
from lash_nb.wire._message import Message, MessageOrigin, MessageRole, Part

__all__ = [
    "ChronologicalEntry",
    "ChronologicalMessage",
    "ChronologicalPayload",
    "ChronologicalProjection",
    "ChronologicalProtocolEvent",
    "chronological_projection",
]


class ChronologicalMessage(Wire, frozen=True, kw_only=True, tag_field="kind", tag="message"):
    """A message, field by field."""

    id: str
    """Its id."""
    role: MessageRole
    """Who speaks."""
    parts: tuple[Part, ...]
    """What is said."""
    origin: MessageOrigin | None = None
    """Who injected it."""


class ChronologicalProtocolEvent(Wire, frozen=True, kw_only=True, tag_field="kind", tag="protocol_event"):
    """A note of a protocol, field by field."""

    plugin_id: str
    """The protocol's plugin."""
    payload: Json
    """Its own object."""


ChronologicalPayload: TypeAlias = ChronologicalMessage | ChronologicalProtocolEvent
"""What an entry shows."""


class ChronologicalEntry(Wire, frozen=True, kw_only=True):
    """One thing that happened."""

    index: int
    """Its place, counted from 0."""
    payload: ChronologicalPayload
    """What it was."""


class ChronologicalProjection(Wire, frozen=True, kw_only=True):
    """All that happened, in order."""

    entries: tuple[ChronologicalEntry, ...]
    """The entries."""


def chronological_projection(
    active_events: Sequence[SessionEventRecord], messages: Iterable[Message]
) -> ChronologicalProjection:
    """Return the events in order, each message once and no transient one, then the messages that only a running turn knows."""
    payloads = _payloads(active_events, messages) if active_events else _kept(messages)
    entries = (ChronologicalEntry(index=index, payload=payload) for index, payload in enumerate(payloads))
    return ChronologicalProjection(entries=tuple(entries))


def _payloads(events: Iterable[SessionEventRecord], messages: Iterable[Message]) -> Iterator[ChronologicalPayload]:
    seen: set[str] = set()
    for event in events:
        if event.Protocol is not None:
            yield ChronologicalProtocolEvent(plugin_id=event.Protocol.plugin_id, payload=event.Protocol.payload)
        elif event.Conversation is not None:
            yield from _unseen(event.Conversation, seen)
    for message in messages:
        yield from _unseen(message, seen)


def _unseen(message: Message, seen: set[str]) -> Iterator[ChronologicalMessage]:
    if not message.is_transient and message.id not in seen:
        seen.add(message.id)
        yield _payload(message)


def _kept(messages: Iterable[Message]) -> Iterator[ChronologicalMessage]:
    return (_payload(message) for message in messages if not message.is_transient)


def _payload(message: Message) -> ChronologicalMessage:
    return ChronologicalMessage(id=message.id, role=message.role, parts=message.parts, origin=message.origin)
