"""How deep a record may nest: as deep as the decoder goes from some way down the stack.

The decoder shares its limit with the calls of Python. A record that it could only just read when the trace was opened would be unreadable
for whoever asks from a deeper place, as a table or a report does.
"""

from collections.abc import Callable
from typing import Final, TypeVar

__all__ = ["with_room"]

T = TypeVar("T")

_CALLS: Final = 250
"""Calls by which a later reader may stand deeper than the first one."""


def with_room(read: Callable[[], T], calls: int = _CALLS) -> T:
    """Return what a function returns, called from so many calls down."""
    return with_room(read, calls - 1) if calls else read()
