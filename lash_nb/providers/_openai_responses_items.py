"""The items of an answer of OpenAI's Responses API while they come: messages, reasoning, tool calls (lash 0.1.0-alpha.37, turns §15.5).

Rule: an item stands where it began, and pieces find it by its id, else by its place; so items may come interleaved, and told twice they are
one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

import msgspec

from lash_nb.providers._answer import CallPieces, call_parts, records_at, text_at
from lash_nb.wire import (
    LlmOutputPart,
    ProviderReasoningReplay,
    ProviderReplayMeta,
    ReasoningPart,
    ResponseTextMeta,
    TextPart,
)

__all__ = ["CallItem", "Items", "MessageItem", "ReasoningItem"]

_BETWEEN_PARAGRAPHS: Final = "\n\n"


@dataclass(slots=True)
class MessageItem:
    """A message."""

    pieces: list[str] = field(default_factory=list)
    """Its text so far."""
    meta: ResponseTextMeta | None = None
    """What the provider wants back."""

    def finish(self, item: Mapping[str, Any]) -> str:
        """Take the whole item, and return what of its text had not come yet."""
        self.meta = ResponseTextMeta(
            id=_text_or_none(item, "id"),
            status=_text_or_none(item, "status") or "completed",
            phase=_text_or_none(item, "phase"),
        )
        return _caught_up(self.pieces, "".join(map(_said, records_at(item, "content"))))

    def part(self) -> LlmOutputPart | None:
        """Return it as a part; None when it says nothing."""
        text = "".join(self.pieces)
        return LlmOutputPart(Text=TextPart(text=text, response_meta=self.meta)) if text else None


@dataclass(slots=True)
class ReasoningItem:
    """Reasoning: paragraphs of a summary, and what only the provider can read."""

    pieces: list[str] = field(default_factory=list)
    """Its text so far, the blank lines between paragraphs included."""
    paragraph: list[str] = field(default_factory=list)
    """The paragraph so far."""
    replay: ProviderReasoningReplay | None = None
    """What the provider wants back."""

    def begin_paragraph(self) -> None:
        """Let what follows be a paragraph of its own."""
        self.paragraph = []

    def add(self, piece: str) -> str:
        """Take the next piece, and return it as it is told: a new paragraph with a blank line before."""
        told = piece if self.paragraph or not self.pieces else _BETWEEN_PARAGRAPHS + piece
        self.paragraph.append(piece)
        self.pieces.append(told)
        return told

    def finish(self, item: Mapping[str, Any]) -> str:
        """Take the whole item, and return what of its text had not come yet."""
        summary = tuple(text_at(entry, "text") for entry in records_at(item, "summary"))
        self.replay = ProviderReasoningReplay(
            item_id=_text_or_none(item, "id"),
            encrypted_content=_text_or_none(item, "encrypted_content"),
            summary=summary,
        )
        return _caught_up(self.pieces, _BETWEEN_PARAGRAPHS.join(summary))

    def part(self) -> LlmOutputPart | None:
        """Return it as a part; None when there is nothing to see of it."""
        text = "".join(self.pieces)
        return LlmOutputPart(Reasoning=ReasoningPart(text=text, replay=self.replay)) if text.strip() else None


@dataclass(slots=True)
class CallItem:
    """A tool call."""

    item_id: str = ""
    """Its id as an item."""
    call_id: str = ""
    """Its id as a call."""
    name: str = ""
    """The tool."""
    pieces: list[str] = field(default_factory=list)
    """Its arguments so far."""
    made: LlmOutputPart | None = None
    """The call, once it is whole."""

    def describe(self, item: Mapping[str, Any]) -> None:
        """Take what an item says of it, as far as it says anything."""
        self.item_id = text_at(item, "id") or self.item_id
        self.call_id = text_at(item, "call_id") or self.call_id
        self.name = text_at(item, "name") or self.name
        arguments = item.get("arguments")
        if isinstance(arguments, dict | list):
            arguments = msgspec.json.encode(arguments).decode()
        if isinstance(arguments, str) and arguments:
            self.pieces = [arguments]

    def part(self) -> LlmOutputPart | None:
        """Return it as a part; None until it is whole."""
        return self.made

    def pieces_of_call(self) -> CallPieces:
        """Return it as all protocols tell a call."""
        replay = ProviderReplayMeta(item_id=self.item_id) if self.item_id else None
        return CallPieces(call_id=self.call_id, tool_name=self.name, arguments="".join(self.pieces), replay=replay)


Item = MessageItem | ReasoningItem | CallItem
T = TypeVar("T", MessageItem, ReasoningItem, CallItem)


class Items:
    """The items of one answer, in the order in which they began."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._known: dict[tuple[type[Item], str | int], Item] = {}
        """Items by their ids and by their places."""

    def find(self, kind: type[T], id: str, place: int | None) -> T:
        """Return the item with that id, else the one at that place; where neither is told, the last of its kind. A new one when there is none.

        Args:
            kind: What it is.
            id: The provider's id of it; empty when the event names none.
            place: Its number in the answer, from 0; None when the event tells none.
        """
        if id and (kind, id) in self._known and (place is None or (kind, place) in self._known):
            return cast("T", self._known[kind, id])
        names: list[str | int] = [name for name in (id, place) if name not in {"", None}]
        candidates = (self._known.get((kind, name)) for name in names) if names else reversed(self._items)
        found = next((item for item in candidates if isinstance(item, kind)), None) or self._new(kind)
        for name in names:
            self._known.setdefault((kind, name), found)
        return found

    @property
    def call_ids(self) -> frozenset[str]:
        """The provider's ids of the calls that are whole."""
        return frozenset(call.call_id for call in self._calls() if call.made is not None and call.call_id)

    def finish_call(self, call: CallItem) -> LlmOutputPart | None:
        """Make a call whole; return it the first time, and None when it is whole already or names no tool."""
        if call.made is not None:
            return None
        others = [item.made.ToolCall.call_id for item in self._calls() if item.made and item.made.ToolCall]
        call.made = next(iter(call_parts([call.pieces_of_call()], others)), None)
        return call.made

    def parts(self) -> tuple[LlmOutputPart, ...]:
        """Return what there is to see, in order."""
        made = (item.part() for item in self._items)
        return tuple(part for part in made if part is not None)

    def _calls(self) -> Iterator[CallItem]:
        return (item for item in self._items if isinstance(item, CallItem))

    def _new(self, kind: type[T]) -> T:
        item = kind()
        self._items.append(item)
        return item


def _caught_up(pieces: list[str], whole: str) -> str:
    """Make `pieces` say `whole`, if that says anything, and return what is new at its end; a text that changed is replaced in silence."""
    known = "".join(pieces)
    if not whole or whole == known:
        return ""
    pieces[:] = [whole]
    return whole.removeprefix(known) if whole.startswith(known) else ""


def _said(content: Mapping[str, Any]) -> str:
    kind = text_at(content, "type")
    if kind == "refusal":
        return text_at(content, "refusal") or text_at(content, "text")
    return text_at(content, "text") if kind == "output_text" else ""


def _text_or_none(value: Mapping[str, Any], key: str) -> str | None:
    return text_at(value, key) or None
