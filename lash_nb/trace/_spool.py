"""What cannot be read at any place, because it is packed or comes as a stream, is copied once into a temporary file."""

import errno
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator
from typing import IO, Any, Final

from lash_nb.errors import CallerError
from lash_nb.locks import exclusively
from lash_nb.trace._column import Ints
from lash_nb.trace._scan import Block, Piece, Read, fetch, scan
from lash_nb.trace._unreadable import NO_ROOM, UNPACKING, not_open, unreadable

__all__ = ["Spool", "SpooledSource"]

_BLOCK: Final = 1 << 20
_SPARED: Final = 1 << 28
"""Bytes of the disk that are left to others: a packed file may hold a thousand times its own size."""


class Spool:
    """One temporary file for all that a trace unpacks; it vanishes with the trace."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._lock = threading.RLock()

    def copy(self, stream: Any) -> tuple[Read, int, Exception | None]:
        """Append a stream; return how it is read, its size, and what ended it early."""
        file = self._opened()
        base, fault = file.seek(0, os.SEEK_END), None
        read_some = getattr(stream, "read1", stream.read)  # `read` loses what came before an error
        try:
            while block := read_some(_BLOCK):
                _keep_room(len(block))
                file.write(block.encode(errors="surrogatepass") if isinstance(block, str) else block)
            file.flush()
        except UNPACKING as error:
            fault = error
        size = file.seek(0, os.SEEK_END) - base

        def read_here(offset: int, into: memoryview) -> int:
            file.seek(base + offset)
            return file.readinto(into[: max(size - offset, 0)])  # type: ignore[attr-defined,no-any-return]  # files have it

        def read(offset: int, into: memoryview) -> int:
            # a cell and a click may read at the same time, and a file has one place
            return exclusively(self._lock, read_here, offset, into)

        return read, size, fault

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="lash_nb-")  # noqa: SIM115 - as long as the trace
            weakref.finalize(self, self._file.close)
        return self._file


class SpooledSource:
    """A stream, copied; what comes after it was opened is not in it. Copies of it share the temporary file; another process cannot have it.

    Raises:
        TraceReadError: when it is made: nothing can be read from the stream, or there is no room for it.
    """

    def __init__(self, stream: Any, spool: Spool, *, name: str) -> None:
        self.name = name
        self._spool = spool  # which closes its file when nobody needs it any more
        if getattr(stream, "closed", False) or not getattr(stream, "readable", lambda: True)():
            raise not_open(name)
        self._read, size, fault = spool.copy(stream)
        if fault and (not size or getattr(fault, "errno", None) in NO_ROOM):
            raise unreadable(name, fault) from None
        self.fault = None if fault is None else _lost(fault)

    def __deepcopy__(self, memo: dict[int, Any]) -> "SpooledSource":
        return self  # nothing of it ever changes

    def __reduce__(self) -> str:
        message = f"The trace {self.name!r} is unpacked into a temporary file of this process and cannot be pickled: pass its path on and read it there with read_trace()."
        raise CallerError(message)

    def pieces(self, offset: int) -> Iterator[Piece]:
        """Yield what is there from `offset` on."""
        return scan(self._read, offset)

    def blocks(self, offsets: Ints, lengths: Ints) -> Iterator[Block]:
        """Yield records, in blocks of neighbors."""
        return fetch(self._read, offsets, lengths)


def _lost(fault: Exception) -> str:
    how = "cut off here" if isinstance(fault, EOFError) else f"damaged here ({fault})"
    return f"the rest is lost: the packed file is {how}"


def _keep_room(size: int) -> None:
    if shutil.disk_usage(tempfile.gettempdir()).free < _SPARED + size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
