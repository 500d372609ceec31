"""What messages and replies are made of, told alike for all releases."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from lash_nb.trace._facts import read_fact
from lash_nb.trace._told import plain_attachment, plain_part

__all__ = ["Message", "Piece", "latest_messages", "read_messages", "read_reply"]

_ATTACHMENTS: Final = ("attachment", "image")


class Piece(NamedTuple):
    """A block of a message, or a part of a reply."""

    kind: str
    """`text`, `reasoning`, `tool_call`, `tool_result` or `attachment`; what the record calls it where it is none of these."""
    text: Any
    """What it says: of a call its arguments; of a result what came of it, as text or pieces; of anything unknown the whole."""
    name: str | None = None
    """The tool, or the name or media type of an attachment."""


class Message(NamedTuple):
    """A message of a request."""

    role: str | None
    """Who says it."""
    pieces: tuple[Piece, ...]
    """What is said."""


def read_messages(body: Mapping[str, Any]) -> list[Message]:
    """Return the messages of a request, none where the record has none."""
    messages = read_fact("messages", body)
    return [_message(one) for one in messages] if isinstance(messages, list) else []


def latest_messages(body: Mapping[str, Any]) -> Iterator[Message]:
    """Yield the messages of a request, the last one first; those that nobody asks for are not taken apart, and a request may hold a whole session."""
    messages = read_fact("messages", body)
    return map(_message, reversed(messages)) if isinstance(messages, list) else iter(())


def read_reply(body: Mapping[str, Any]) -> tuple[Piece, ...]:
    """Return what a model said: the parts of its reply, else its text."""
    text = read_fact("text", body)
    return tuple(_pieces(read_fact("parts", body))) or ((Piece("text", text),) if text else ())


def _message(message: Any) -> Message:
    if not isinstance(message, dict):
        return Message(None, (Piece("", message),))
    role, content = message.get("role"), message.get("content")
    found = tuple(_pieces(message.get("blocks"))) or ((Piece("text", content),) if content is not None else ())
    return Message(role if isinstance(role, str) else None, found)


def _pieces(parts: Any) -> Iterator[Piece]:
    return map(_piece, parts) if isinstance(parts, list) else iter(())


def _piece(raw: Any) -> Piece:
    part = plain_part(raw)
    if not isinstance(part, dict):
        return Piece("text" if isinstance(part, str) else "", part)
    kind = str(part.get("kind") or part.get("type") or "")
    name = part.get("tool_name")
    if kind in _ATTACHMENTS:
        told = plain_attachment(part.get("source") or part.get("reference") or part)
        return Piece("attachment", None, str(told.get("filename") or told.get("mime") or "attachment"))
    match kind:
        case "text":
            text = part.get("text")
        case "reasoning":
            text = part.get("text") or part.get("summary")
        case "tool_call":
            text = part.get("input_json")
        case "tool_result":
            content = part.get("content")
            text = tuple(_pieces(content)) if isinstance(content, list) else content
        case _:
            text = part
    return Piece(kind, text, name if isinstance(name, str) else None)
