"""Whether a database file is the one that it was, and whether anybody writes it.

SQLite makes two files beside a database that it reads in WAL mode, and may leave them there. While nobody writes they are not needed: a
quiet database is read as one that does not change, and read again should it have changed meanwhile.
"""

import os
from typing import NamedTuple

__all__ = ["FileState", "file_state", "inode_of", "is_quiet"]


class FileState(NamedTuple):
    """What stands under a name."""

    inode: tuple[int, int] | None = None
    """Device and number of the file; None when there is none."""
    written: tuple[int, int] = (0, 0)
    """When it was last written, in nanoseconds, and its size."""
    pending: int = 0
    """Size of the log beside it, from which changes have yet to be brought in."""


def inode_of(path: str) -> tuple[int, int] | None:
    """Return device and number of a file, None when there is none; cheap, as it is done before each transaction."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a path object costs more than the look
    except OSError:
        return None
    return found.st_dev, found.st_ino


def file_state(path: str) -> FileState:
    """Look at a file and at the log beside it."""
    try:
        found = os.stat(path)  # noqa: PTH116 - as above
    except OSError:
        return FileState()
    try:
        pending = os.stat(f"{path}-wal").st_size  # noqa: PTH116 - as above
    except OSError:
        pending = 0
    return FileState((found.st_dev, found.st_ino), (found.st_mtime_ns, found.st_size), pending)


def is_quiet(path: str, found: FileState) -> bool:
    """Tell whether a file holds all that was written: whoever writes has a log or a journal beside it."""
    return not found.pending and not os.path.exists(f"{path}-journal")  # noqa: PTH110 - as above
