"""Files that rest: a few of those that were used last stay open, so that who comes back soon finds them so.

Closing a database writes its journal into it, which takes a disk tens of milliseconds; a session that is parked and resumed at once need not
wait for that. Thousands of parked sessions still hold no more than these few.
"""

import atexit
from collections import OrderedDict
from threading import RLock
from typing import Final, Protocol

from lash_nb.locks import exclusively

__all__ = ["RESTING", "Resting"]

_MOST: Final = 16
"""How many files rest at once."""


class _File(Protocol):
    path: str

    def release(self) -> None: ...


class Resting:
    """Open files that nobody uses at the moment, the longest resting first.

    Args:
        most: How many there are at most; the one that rests longest is closed for another.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._files: OrderedDict[int, _File] = OrderedDict()
        self._lock = RLock()

    def lay_down(self, file: _File) -> None:
        """Let a file rest."""
        tired = exclusively(self._lock, self._put_last, file)
        if tired is not None:
            tired.release()

    def wake(self, file: _File) -> None:
        """Note that a file is used again, or closed."""
        if self._files:
            exclusively(self._lock, self._files.pop, id(file), None)

    def close(self, path: str | None = None) -> None:
        """Close all that rest, or those of one path."""
        for file in exclusively(self._lock, tuple, self._files.values()):
            if path in (None, file.path):
                file.release()

    def _put_last(self, file: _File) -> _File | None:
        """Put a file behind all others; return the one that is too many."""
        self._files[id(file)] = file
        self._files.move_to_end(id(file))
        return self._files.popitem(last=False)[1] if len(self._files) > self._most else None


RESTING: Final = Resting()
"""The files of this process."""
atexit.register(RESTING.close)
