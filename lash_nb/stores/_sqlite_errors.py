"""What SQLite complains about, as errors that name the file and say what to do next."""

import sqlite3
from typing import Final

from lash_nb.errors import StoreError

__all__ = ["is_busy", "store_error"]

_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_CAUSES: Final = {
    sqlite3.SQLITE_NOTADB: "is no SQLite database; give another path, or move the file away",
    sqlite3.SQLITE_CORRUPT: "is damaged ({error}); put a copy in its place, or save what can be read with `sqlite3 FILE .recover`",
    sqlite3.SQLITE_FULL: "could not grow, nothing of this was written; make room on the disk, or raise its limit, and try again",
    sqlite3.SQLITE_READONLY: "cannot be written ({error}); make the file and its folder writable, or open it with read_only=True",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened ({error}); see whether its folder exists and may be read and written,"
    " and where many sessions are open, of which each holds three files, park or close some",
    sqlite3.SQLITE_PERM: "cannot be opened ({error}); see who may read and write it",
    sqlite3.SQLITE_IOERR: "could not be read or written ({error}); see whether its disk is there and healthy, then open it again",
    sqlite3.SQLITE_BUSY: "is in use by another process; wait until that one is done, or end it, and try again",
}
"""By SQLite's primary result code."""
_UNSTORABLE: Final = "cannot keep this ({error}), nothing of it was written; give a text without half surrogate pairs, a number of 64 bits"
_OTHERWISE: Final = "failed ({error}); see whether it is a whole database of this kind"


def is_busy(error: sqlite3.Error) -> bool:
    """Tell whether somebody else holds a lock, so that the same may work a moment later."""
    return _code(error) in _BUSY


def store_error(path: str, error: sqlite3.Error | UnicodeError | OverflowError) -> StoreError:
    """Return what SQLite says as an error of the store: `Backend`, with `path` and SQLite's own `reason`.

    Python cannot even read the message when it quotes a damaged file.
    """
    if isinstance(error, UnicodeEncodeError | OverflowError):
        told = _UNSTORABLE.format(error=error)
    elif isinstance(error, UnicodeError):
        told = _CAUSES[sqlite3.SQLITE_CORRUPT].format(error=error)
    else:
        code = sqlite3.SQLITE_BUSY if is_busy(error) else _code(error)
        told = _CAUSES.get(code, _OTHERWISE).format(error=error)
    return StoreError("Backend", f"{path} {told}", path=path, reason=getattr(error, "sqlite_errorname", str(error)))


def _code(error: sqlite3.Error) -> int:
    """Return the primary code; an error of Python's own module has none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
