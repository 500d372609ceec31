"""Where the bytes of a trace lie: a file that stays on disk, or bytes that are already here.

A source is read front to back in pieces of whole lines, and then here and there, some records at a time. A file is never held in memory.
"""

import glob
import gzip
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Protocol

from lash_nb.errors import TraceReadError
from lash_nb.trace._ahead import Indexed, read_ahead
from lash_nb.trace._column import Ints
from lash_nb.trace._scan import Block, Piece, Read, fetch, read_from, scan
from lash_nb.trace._spool import Spool, SpooledSource
from lash_nb.trace._unreadable import unreadable
from lash_nb.words import printable

__all__ = ["BytesSource", "FileSource", "Source", "open_files"]

_GZIP: Final = b"\x1f\x8b"
_WILD: Final = frozenset("*?[")
_HEAD: Final = 128
"""Bytes by which a file is known again: they hold the id and the time of its first record."""


class Source(Protocol):
    """Bytes of one trace, wherever they are."""

    @property
    def name(self) -> str:
        """Return what a person calls it: the file's name."""
        ...

    @property
    def fault(self) -> str | None:
        """Return why its end is missing, when it is."""
        ...

    def pieces(self, offset: int) -> Iterator[Piece | Indexed]:
        """Yield what is there from `offset` on."""
        ...

    def blocks(self, offsets: Ints, lengths: Ints) -> Iterator[Block]:
        """Yield records, in blocks of neighbors; there are fewer bytes than asked for at the end of the source."""
        ...


class FileSource:
    """A trace file on disk, opened for each reading and never kept open; it may grow.

    Raises:
        TraceReadError: when it is made and from each reading: it cannot be read, is gone, or another one stands in its place.
    """

    fault: Final = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = printable(path.name or str(path))  # it may hold bytes that are no text, and orders to a terminal
        self.identity: tuple[int, int] | None = None
        """Its device and number there."""
        self.head = b""
        """Its first bytes."""
        self._seen = 0
        with self._opened():
            pass

    def pieces(self, offset: int) -> Iterator[Piece | Indexed]:
        """Yield what is there from `offset` on."""
        with self._opened() as (file, read):
            for piece in read_ahead(self.path, file, read, offset):
                self._seen = max(self._seen, piece.offset + piece.length)
                yield piece

    def blocks(self, offsets: Ints, lengths: Ints) -> Iterator[Block]:
        """Yield records, in blocks of neighbors."""
        with self._opened() as (_, read):
            yield from fetch(read, offsets, lengths)

    @contextmanager
    def _opened(self) -> Iterator[tuple[IO[bytes], Read]]:
        """Open the file, also for the function that reads it."""
        with self._open() as file:
            read = self._guarded(read_from(file))
            head = bytearray(_HEAD)
            head = head[: read(0, memoryview(head))]
            self._recognize(os.fstat(file.fileno()), bytes(head))
            yield file, read

    def _open(self) -> IO[bytes]:
        try:
            mode = self.path.stat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                message = f"The trace {str(self.path)!r} cannot be read: it is no file but a pipe or a device, which may never end; copy it into a file first."
                raise TraceReadError(message)
            return self.path.open("rb", buffering=0)
        except (OSError, ValueError) as error:
            raise unreadable(self.path, error) from None

    def _recognize(self, status: os.stat_result, head: bytes) -> None:
        """Refuse a file that is another one than before, or shorter."""
        identity = (status.st_dev, status.st_ino)
        same = self.identity in (None, identity)
        if not same or status.st_size < self._seen or not head.startswith(self.head):
            what = "was cut short" if same and status.st_size < self._seen else "was replaced"
            message = f"The trace {str(self.path)!r} {what} since it was read. Read it again with read_trace()."
            raise TraceReadError(message)
        self.identity, self.head = identity, head

    def _guarded(self, read: Read) -> Read:
        def guarded(offset: int, into: memoryview) -> int:
            try:
                return read(offset, into)
            except OSError as error:
                raise unreadable(self.path, error) from None

        return guarded


class BytesSource:
    """A trace that is in memory already."""

    fault: Final = None

    def __init__(self, data: bytes, *, name: str) -> None:
        self.name = name
        self._data = memoryview(data)

    def pieces(self, offset: int) -> Iterator[Piece]:
        """Yield what is there from `offset` on."""
        return scan(self._read, offset)

    def blocks(self, offsets: Ints, lengths: Ints) -> Iterator[Block]:
        """Yield records, in blocks of neighbors."""
        return fetch(self._read, offsets, lengths)

    def _read(self, offset: int, into: memoryview) -> int:
        found = self._data[offset : offset + len(into)]
        into[: len(found)] = found
        return len(found)


def open_files(paths: Iterable[Path]) -> list[Source]:
    """Return the sources of paths and of patterns, each file once.

    Raises:
        TraceReadError: nothing can be read at one of them.
    """
    files: dict[tuple[int, int] | None, FileSource] = {}
    for path in (one for each in paths for one in _matching(each)):
        source = FileSource(path)
        files.setdefault(source.identity, source)
    spool = Spool()
    return [_unpacked(source, spool) for source in files.values()]


def _matching(path: Path) -> list[Path]:
    """Return the path, its `~` replaced; or what matches it, when it is a pattern with `*`, `?` or `[` and no file has that very name."""
    try:
        path = path.expanduser()
        if _WILD.isdisjoint(str(path)) or path.exists():
            return [path]
        found = sorted(one for one in map(Path, glob.glob(str(path), recursive=True)) if not one.is_dir())  # noqa: PTH207 - the pattern may begin with a folder of its own
    except (OSError, ValueError, RuntimeError) as error:  # too long a name, no such home, too many folders
        raise unreadable(path, error) from None
    if not found:
        message = f"The traces {str(path)!r} cannot be read: no file matches; check the pattern."
        raise TraceReadError(message)
    return found


def _unpacked(source: FileSource, spool: Spool) -> Source:
    """Return the source itself, or what is packed in it: its first bytes tell."""
    if not source.head.startswith(_GZIP):
        return source
    with gzip.open(source.path) as stream:
        return SpooledSource(stream, spool, name=source.name)
