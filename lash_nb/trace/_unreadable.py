"""Why the bytes of a trace cannot be had, in words that say what to do."""

import errno
import gzip
import zlib
from pathlib import Path
from typing import Final

from lash_nb.errors import TraceReadError

__all__ = ["NO_ROOM", "UNPACKING", "not_open", "unreadable"]

UNPACKING: Final = (OSError, EOFError, zlib.error)
"""What reading a packed stream raises when the stream is damaged, or its bytes have no place."""

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
"""What the system says when a disk, or a share of it, is full."""

_NO_ROOM: Final = "there is no room on the disk for its unpacked bytes; unpack it elsewhere and read that"
_HINTS: Final = {
    errno.ENOENT: "there is no such file; check the path",
    errno.ENOTDIR: "there is no such file; check the path",
    errno.EISDIR: "it is a directory; name the traces in it, e.g. with `DIR/*.jsonl`",
    errno.EACCES: "reading it is not permitted; change its mode or copy it to where you may read",
    errno.EPERM: "reading it is not permitted; change its mode or copy it to where you may read",
    **dict.fromkeys(NO_ROOM, _NO_ROOM),
}

_DAMAGED: Final = (EOFError, zlib.error, gzip.BadGzipFile)


def not_open(name: str) -> TraceReadError:
    """Return the error of an open file that is not open for reading."""
    return TraceReadError(
        f"The trace {name!r} cannot be read: it is closed, or open for writing alone; open it with open(path, 'rb'), or pass its path."
    )


def unreadable(path: Path | str, error: Exception) -> TraceReadError:
    """Return the error that says why a trace cannot be read."""
    code = error.errno if isinstance(error, OSError) else None
    if isinstance(error, _DAMAGED):
        return TraceReadError(
            f"The trace {str(path)!r} cannot be read: it is packed and damaged from its beginning on; copy it once more."
        )
    hint = _HINTS.get(code or 0, f"{getattr(error, 'strerror', None) or str(error).rstrip('.')}; check the path")
    return TraceReadError(f"The trace {str(path)!r} cannot be read: {hint}.")
