"""Where the bytes of a trace lie: a file that stays on disk, or bytes that are already here.

A source is read front to back in pieces of whole lines, and then here and there, one record at a time. A file is never held in memory; a
compressed one is unpacked once into a temporary file that vanishes with its trace.
"""

import errno
import glob
import gzip
import os
import tempfile
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import accumulate
from pathlib import Path
from typing import IO, Any, Final, Protocol

import msgspec

from lash_nb.errors import TraceReadError
from lash_nb.trace._scan import Piece, Read, scan
from lash_nb.wire import TraceRecord

__all__ = ["BytesSource", "Fetch", "FileSource", "RecordsSource", "Source", "SpooledSource", "open_file", "open_files"]

Fetch = Callable[[int, int], bytes]
"""Takes an offset and a size; gives the bytes there, fewer at the end of the source."""

_GZIP: Final = b"\x1f\x8b"
_WILD: Final = frozenset("*?[")
_BATCH: Final = 256
"""Records encoded at a time."""
_HINTS: Final = {
    errno.ENOENT: "there is no such file; check the path, e.g. with `%ls`",
    errno.EISDIR: "it is a directory; name the traces in it, e.g. with `DIR/*.jsonl`",
    errno.EACCES: "reading it is not permitted; change its mode or copy it to where you may read",
    errno.ENOSPC: "there is no room on the disk for its unpacked bytes; unpack it elsewhere and read that",
}


class Source(Protocol):
    """Bytes of one trace, wherever they are."""

    @property
    def name(self) -> str:
        """Return what a person calls it: the file's name."""
        ...

    def pieces(self, offset: int) -> Iterator[Piece]:
        """Yield what is there from `offset` on."""
        ...

    def fetcher(self) -> AbstractContextManager[Fetch]:
        """Lend the function that reads single records."""
        ...


class FileSource:
    """A trace file on disk, opened for each reading and never kept open; it may grow.

    Raises:
        TraceReadError: from each reading, when the file is gone, or when another one stands in its place.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name or str(path)
        self._identity: tuple[int, int] | None = None
        self._seen = 0

    def pieces(self, offset: int) -> Iterator[Piece]:
        """Yield what is there from `offset` on."""
        with self._opened() as file:
            for piece in scan(self._reading(file), offset):
                self._seen = max(self._seen, piece.offset + piece.length)
                yield piece

    @contextmanager
    def fetcher(self) -> Iterator[Fetch]:
        """Lend a function that reads the opened file."""
        with self._opened() as file:
            yield _fetch(self._reading(file))

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        try:
            if self.path.exists() and not self.path.is_file() and not self.path.is_dir():
                message = f"The trace {str(self.path)!r} cannot be read: it is no file but a pipe or a device, which may never end; copy it into a file first."
                raise TraceReadError(message)
            file = self.path.open("rb", buffering=0)
        except (OSError, ValueError) as error:
            raise _unreadable(self.path, error) from None
        with file:
            self._recognize(os.fstat(file.fileno()))
            yield file

    def _recognize(self, status: os.stat_result) -> None:
        """Refuse a file that is another one than before, or shorter."""
        identity = (status.st_dev, status.st_ino)
        if self._identity not in (None, identity) or status.st_size < self._seen:
            what = "was cut short" if self._identity == identity else "was replaced"
            message = f"The trace {str(self.path)!r} {what} since it was read. Read it again with read_trace()."
            raise TraceReadError(message)
        self._identity = identity

    def _reading(self, file: IO[bytes]) -> Read:
        read = _read_from(file)

        def guarded(offset: int, into: memoryview) -> int:
            try:
                return read(offset, into)
            except OSError as error:
                raise _unreadable(self.path, error) from None

        return guarded


class SpooledSource:
    """A stream, copied into a temporary file; what comes after it was opened is not in it."""

    def __init__(self, stream: Any, *, name: str) -> None:
        self.name = name
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="lash_nb-")  # noqa: SIM115 - as long as the trace
        try:
            while block := stream.read(1 << 20):
                self._file.write(block.encode() if isinstance(block, str) else block)
            self._file.flush()
        except (OSError, EOFError, zlib.error) as error:
            self._file.flush()
            if not os.fstat(self._file.fileno()).st_size or getattr(error, "errno", None) == errno.ENOSPC:
                raise _unreadable(name, error) from None

    def pieces(self, offset: int) -> Iterator[Piece]:
        """Yield what is there from `offset` on."""
        yield from scan(_read_from(self._file), offset)

    @contextmanager
    def fetcher(self) -> Iterator[Fetch]:
        """Lend a function that reads the copy."""
        yield _fetch(_read_from(self._file))


class BytesSource:
    """A trace that is in memory already."""

    def __init__(self, data: bytes, *, name: str) -> None:
        self.name = name
        self._data = memoryview(data)

    def pieces(self, offset: int) -> Iterator[Piece]:
        """Yield what is there from `offset` on."""
        yield from scan(self._read, offset)

    @contextmanager
    def fetcher(self) -> Iterator[Fetch]:
        """Lend a function that copies the bytes."""
        yield lambda offset, size: bytes(self._data[offset : offset + size])

    def _read(self, offset: int, into: memoryview) -> int:
        found = self._data[offset : offset + len(into)]
        into[: len(found)] = found
        return len(found)


class RecordsSource:
    """Records in memory, whose bytes are made when they are asked for; the list may grow at its end."""

    def __init__(self, records: Sequence[Any], *, name: str) -> None:
        self.name = name
        self._records = records
        self._ends: list[int] = []

    def pieces(self, offset: int) -> Iterator[Piece]:
        """Yield the lines of the records that came since."""
        while new := self._records[len(self._ends) : len(self._ends) + _BATCH]:
            lines = [_record_line(record) for record in new]
            self._ends += list(accumulate(map(len, lines), initial=offset))[1:]
            data = memoryview(b"".join(lines))
            yield Piece(offset, data, len(data))
            offset += len(data)

    @contextmanager
    def fetcher(self) -> Iterator[Fetch]:
        """Lend a function that encodes a record again."""
        yield lambda offset, size: _record_line(self._records[bisect_right(self._ends, offset)])[:size]


def open_files(path: Path) -> list[Source]:
    """Return the sources of a path, or of a pattern with `*`, `?` or `[` where no file has that very name.

    Raises:
        TraceReadError: nothing can be read there.
    """
    if _WILD.isdisjoint(str(path)) or path.exists():
        return [open_file(path)]
    found = sorted(one for one in map(Path, glob.glob(str(path), recursive=True)) if not one.is_dir())  # noqa: PTH207 - the pattern may begin with a folder of its own
    if not found:
        message = f"The traces {str(path)!r} cannot be read: no file matches; check the pattern, e.g. with `%ls`."
        raise TraceReadError(message)
    return [open_file(one) for one in found]


def open_file(path: Path) -> Source:
    """Return the source of a file, compressed or not: its first bytes tell."""
    source = FileSource(path)
    with source.fetcher() as fetch:
        packed = fetch(0, len(_GZIP)) == _GZIP
    if not packed:
        return source
    with gzip.open(path) as stream:
        return SpooledSource(stream, name=source.name)


def _read_from(file: Any) -> Read:
    def read(offset: int, into: memoryview) -> int:
        file.seek(offset)
        return file.readinto(into) or 0

    return read


def _fetch(read: Read) -> Fetch:
    def fetch(offset: int, size: int) -> bytes:
        block = bytearray(size)
        return bytes(memoryview(block)[: read(offset, memoryview(block))])

    return fetch


def _record_line(record: Any) -> bytes:
    """Write one record as a line; between the tokens of JSON a line feed means no more than a space."""
    if isinstance(record, str):
        record = record.encode()
    if isinstance(record, TraceRecord):
        record = record.to_json()
    if not isinstance(record, bytes):
        record = msgspec.json.encode(record)
    return bytes(record).rstrip().replace(b"\n", b" ") + b"\n"


def _unreadable(path: Path | str, error: Exception) -> TraceReadError:
    code = error.errno if isinstance(error, OSError) else None
    hint = _HINTS.get(code or 0, f"{getattr(error, 'strerror', None) or error}; check the path")
    return TraceReadError(f"The trace {str(path)!r} cannot be read: {hint}.")
