"""What of a commit is hashed: random ids and times do not count (lash 0.1.0-alpha.37, sessions §8.6)."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

from lash_nb.wire._base import Wire
from lash_nb.wire._json import sorted_json, to_builtins, to_json
from lash_nb.wire._message import Message
from lash_nb.wire._written import HOLE

__all__ = ["Hashed", "hashed_pieces"]

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
        return b"".join(hashed_pieces(self))

    def hasher_behind(self, before: bytes) -> "hashlib._Hash":
        """Return a hasher that was given `before` and what is hashed of the record; where both are as last time, that is not done again."""
        known = self.__dict__.get("_hasher")
        if known is None or known[0] != before:
            known = self.__dict__["_hasher"] = before, hashlib.sha256(before + self.hashed_json)
        hasher: hashlib._Hash = known[1].copy()
        return hasher


def hashed_pieces(
    record: Wire, marked: Wire | None = None, made: Sequence[Hashed] = (), messages: Sequence[Message] = ()
) -> list[bytes]:
    """Return what is hashed of a record, in pieces: every other one is of one of the records `made`, if all of them can be left as they are.

    Args:
        record: The record.
        marked: The record without ids and times that are not hashed, `HOLE` in the place of each record `made`.
        made: Records in it of which is remembered what is hashed, in the order in which they are written.
        messages: All messages that it holds otherwise.
    """
    data = sorted_json(record if marked is None else marked)
    if _holds_more(data, messages):
        return [to_json(_scrubbed(to_builtins(record)))]
    pieces = [b""] * (2 * len(made) + 1)
    pieces[::2], pieces[1::2] = data.split(_HOLE), [part.hashed_json for part in made]
    return pieces


def _holds_more(data: bytes, messages: Sequence[Message]) -> bool:
    """Tell whether free values may hold what is not hashed: an id or a time of a node, a message or a part."""
    if data.find(_NODE_ID) >= 0 or data.find(_TIMESTAMP) >= 0:  # faster than `in`
        return True
    parts = sum([len(message.parts) for message in messages])
    return data.count(b'"parts":') != len(messages) or data.count(b'"prune_state":') != parts


def _scrubbed(value: Any) -> Any:
    """Return what is hashed of a plain value."""
    if isinstance(value, dict):
        has_own_id = value.keys() >= _MESSAGE_KEYS or value.keys() >= _PART_KEYS
        dropped = _VOLATILE_WITH_ID if has_own_id else _VOLATILE
        return {
            key: item if type(item) in _SCALARS else _scrubbed(item)
            for key, item in value.items()
            if key not in dropped
        }
    if isinstance(value, list | tuple):
        return [item if type(item) in _SCALARS else _scrubbed(item) for item in value]
    return value
