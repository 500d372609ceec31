"""Where the bytes of a trace lie: a file that stays on disk, or bytes that are already here.

A source is read front to back in pieces of bounded size, and then here and there, one record at a time: both through the same function
`(offset, size) -> bytes`. A file is never held in memory.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, Protocol

from lash_nb.errors import TraceReadError

__all__ = ["BytesSource", "FileSource", "Read", "Source"]

Read = Callable[[int, int], bytes]
"""Takes an offset and a size; gives the bytes there, fewer at the end of the source."""

_HINTS: Final = {
    errno.ENOENT: "there is no such file; check the path, e.g. with `%ls`",
    errno.EISDIR: "it is a directory; name a trace file in it, or pass a list of files",
    errno.EACCES: "reading it is not permitted; change its mode or copy it to where you may read",
}


class Source(Protocol):
    """Bytes of one trace, wherever they are."""

    @property
    def name(self) -> str:
        """Return what a person calls it: the file's name."""
        ...

    def reader(self) -> AbstractContextManager[Read]:
        """Lend the function that reads it."""
        ...


class FileSource:
    """A trace file on disk, opened for each reading and never kept open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name or str(path)

    @contextmanager
    def reader(self) -> Iterator[Read]:
        """Lend a function that reads the opened file."""
        try:
            is_stream = self.path.exists() and not self.path.is_file() and not self.path.is_dir()
            file = None if is_stream else self.path.open("rb", buffering=0)
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from None
        if file is None:
            message = f"The trace {str(self.path)!r} cannot be read: it is no file but a pipe or a device, which may never end; copy it into a file first."
            raise TraceReadError(message)

        def read(offset: int, size: int) -> bytes:
            try:
                file.seek(offset)
                return file.read(size) or b""
            except OSError as error:
                raise self._unreadable(error) from None

        with file:
            yield read

    def _unreadable(self, error: OSError | ValueError) -> TraceReadError:
        code = error.errno if isinstance(error, OSError) else None
        hint = _HINTS.get(code or 0, f"{getattr(error, 'strerror', None) or error}; check the path")
        return TraceReadError(f"The trace {str(self.path)!r} cannot be read: {hint}.")


class BytesSource:
    """A trace that is in memory already."""

    def __init__(self, data: bytes, *, name: str) -> None:
        self.name = name
        self._data = data

    @contextmanager
    def reader(self) -> Iterator[Read]:
        """Lend a function that slices the bytes."""
        yield lambda offset, size: self._data[offset : offset + size]
