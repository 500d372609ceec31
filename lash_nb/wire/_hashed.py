"""What of a commit is hashed: random ids and times do not count (lash 0.1.0-alpha.37, sessions §8.6)."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from operator import is_
from typing import Any, Final, TypeAlias, TypeVar

from lash_nb.wire._base import Wire
from lash_nb.wire._json import sorted_json, to_builtins, to_json
from lash_nb.wire._message import Message
from lash_nb.wire._written import HOLE

__all__ = ["Hashed", "Hasher", "hashed_entries", "hashed_text", "text_around"]

T = TypeVar("T")
Hasher: TypeAlias = "hashlib._Hash"  # noqa: SLF001 - as typeshed names it
"""Takes more of a text."""

_HOLE: Final = bytes(HOLE)
_VOLATILE: Final = frozenset({"node_id", "parent_node_id", "leaf_node_id", "timestamp"})
_VOLATILE_WITH_ID: Final = _VOLATILE | {"id"}
_MESSAGE_KEYS: Final = frozenset({"role", "parts"})
_PART_KEYS: Final = frozenset({"kind", "content", "prune_state"})
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_NODE_ID: Final = b'node_id":'
"""How three of the keys that are not hashed end in JSON; in a text the quotes are escaped."""
_TIMESTAMP: Final = b'timestamp":'
"""The fourth one."""


class Hashed(Wire, frozen=True, kw_only=True, dict=True, gc=True):  # what has a dictionary has to be looked at
    """A record that is part of many commits: what is hashed of it is made once."""

    @cached_property
    def hashed_json(self) -> bytes:
        """What is hashed of the record."""
        return hashed_text(self)

    def hasher_of(self, objects: tuple[Any, ...], text: Callable[[], bytes]) -> Hasher:
        """Return a hasher that was given a text, which is made of this record and other objects; where they are those of last time, not again."""
        known = self.__dict__.get("_hasher")
        if known is None or len(known[0]) != len(objects) or not all(map(is_, known[0], objects)):
            known = self.__dict__["_hasher"] = objects, hashlib.sha256(text())
        hasher: Hasher = known[1].copy()
        return hasher


def hashed_text(record: Wire, messages: Sequence[Message] = ()) -> bytes:
    """Return what is hashed of a record.

    Args:
        record: The record; ids and times of its messages and their nodes are left out already.
        messages: All messages that it holds otherwise than in free values.
    """
    data = sorted_json(record)
    return to_json(_scrubbed(to_builtins(record))) if _holds_more(data, messages) else data


def text_around(made: Sequence[Hashed], value: Any) -> bytes:
    """Return the canonical JSON of a free value, what is hashed of the records `made` in the places of each `HOLE`, in the order of the text."""
    around = sorted_json(value).split(_HOLE)
    pieces = [b""] * (len(around) + len(made))
    pieces[::2], pieces[1::2] = around, [record.hashed_json for record in made]
    return b"".join(pieces)


def _holds_more(data: bytes, messages: Sequence[Message]) -> bool:
    """Tell whether free values may hold what is not hashed: an id or a time of a node, a message or a part."""
    if data.find(_NODE_ID) >= 0 or data.find(_TIMESTAMP) >= 0:  # faster than `in`
        return True
    parts = sum([len(message.parts) for message in messages])
    return data.count(b'"parts":') != len(messages) or data.count(b'"prune_state":') != parts


def hashed_entries(entries: Mapping[str, T]) -> dict[str, T]:
    """Return what is hashed of a plain object: the entries that are no ids and times."""
    has_own_id = entries.keys() >= _MESSAGE_KEYS or entries.keys() >= _PART_KEYS
    dropped = _VOLATILE_WITH_ID if has_own_id else _VOLATILE
    return {key: item for key, item in entries.items() if key not in dropped}


def _scrubbed(value: Any) -> Any:
    """Return what is hashed of a plain value."""
    if isinstance(value, dict):
        kept = hashed_entries(value)
        return {key: item if type(item) in _SCALARS else _scrubbed(item) for key, item in kept.items()}
    if isinstance(value, list | tuple):
        return [item if type(item) in _SCALARS else _scrubbed(item) for item in value]
    return value
