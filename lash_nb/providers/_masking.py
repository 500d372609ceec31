"""Keeps a key that a model or its server repeats out of the answer: what is told on the way, and what is kept.

Rule 1: a key is found however it is cut into pieces, so text that may be the beginning of one waits for the next piece.
Rule 2: keys are plain text only where nothing of others runs: a traceback that shows variables shows none.
"""

import json
from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec
from pydantic import SecretStr

from lash_nb.providers._stream import DeltaEvent, LlmStreamEvent, PartEvent, ReasoningDeltaStream, StreamSink
from lash_nb.wire import LlmOutputPart, LlmResponse, from_json, to_json

__all__ = ["HIDDEN", "AnswerMask", "without_keys"]

HIDDEN: Final = "[secret]"
"""Stands where a key was."""
T = TypeVar("T", LlmOutputPart, LlmResponse)
_Text = DeltaEvent | ReasoningDeltaStream


class AnswerMask:
    """Stands before somebody who listens to an answer, and tells the same without the keys."""

    def __init__(self, tell: StreamSink, keys: Sequence[SecretStr]) -> None:
        """Listen for `tell`; `keys` are never told."""
        self._tell = tell
        self._keys = keys
        self._held: dict[type[_Text], str] = {}
        """By kind, the end of what was heard, where it may begin a key: reasoning between two texts does not part them."""

    def hear(self, event: LlmStreamEvent) -> None:
        """Take the next event, and tell it as far as it is no part of a key."""
        if isinstance(event, DeltaEvent | ReasoningDeltaStream):
            self._hear_text(event)
            return
        if isinstance(event, PartEvent):
            self.end()
            event = PartEvent(without_keys(event.part, LlmOutputPart, self._keys))
        self._tell(event)

    def end(self) -> None:
        """Tell what was kept back: no more text belongs to it."""
        held, self._held = self._held, {}
        for kind, text in held.items():
            self._tell(kind(text))

    def _hear_text(self, event: _Text) -> None:
        kind = type(event)
        text = _hidden(self._held.pop(kind, "") + event.text, [key.get_secret_value() for key in self._keys])
        end = min(_open_end(text, key.get_secret_value()) for key in self._keys)
        if end < len(text):
            self._held[kind] = text[end:]
        if end:
            self._tell(kind(text[:end]))


def without_keys(told: T, kind: type[T], keys: Sequence[SecretStr]) -> T:
    """Return a part of an answer, or the whole, with `[secret]` in place of each key, wherever it stands."""
    if not _says(msgspec.json.encode(told), keys):
        return told
    cleaned: T = from_json(_hidden(to_json(told).decode(), _spellings(keys)), kind)
    return cleaned


def _says(plain: bytes, keys: Sequence[SecretStr]) -> bool:
    return any(way.encode() in plain for way in _spellings(keys))


def _hidden(text: str, spellings: Sequence[str]) -> str:
    for way in spellings:
        text = text.replace(way, HIDDEN)
    return text


def _spellings(keys: Sequence[SecretStr]) -> list[str]:
    return [way for key in keys for way in _in_json(key.get_secret_value())]


def _in_json(key: str) -> tuple[str, ...]:
    """How a key is written in a text of an answer, and in the arguments of a call, which are JSON within a text."""
    once = json.dumps(key)[1:-1]
    return (key,) if once == key else (json.dumps(once)[1:-1], once)


def _open_end(text: str, key: str) -> int:
    """Where the end of a text that begins a key begins; the text's length when none does."""
    place = text.find(key[0], max(0, len(text) - len(key) + 1))
    while place >= 0 and not key.startswith(text[place:]):
        place = text.find(key[0], place + 1)
    return len(text) if place < 0 else place
