"""A large file is read from both ends: another process indexes its last blocks while this one indexes the first, until they meet.

Nothing depends on the other process, which may be slow, end at any time, or never begin: a block that is not there when its turn comes is read
here. A block with a line that is no record it leaves out, so that there is one place where bad lines are told.
"""

import gc
import os
import pickle
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path
from struct import Struct
from threading import Thread
from typing import Any, Final, NamedTuple

from lash_nb.spare import UNSTARTED, Interpreter, dismiss, has_room, hired
from lash_nb.trace._index import PackedIndex, TraceIndex
from lash_nb.trace._peek import PeekDecoder
from lash_nb.trace._room import with_room
from lash_nb.trace._scan import Piece, Read, read_from, scan

__all__ = ["BLOCK", "Indexed", "read_ahead", "serve"]

BLOCK: Final = 1 << 22
"""Bytes of a block: read in a moment, so that little is read twice where the two meet."""
_MOST: Final = 64
"""Blocks of a file, at most: each knows contexts and texts of its own, and what waits of many small ones takes more memory."""
_WORTH: Final = 16
"""A file of fewer blocks is read before another process has begun."""
_LINE: Final = 1 << 16
"""Bytes in which a line end is looked for where a block might end."""
_DEEPER: Final = 200
"""Calls by which the other process stands deeper than this one: what it refuses to read for its depth is read here."""
_HEAD: Final = Struct("<qq")
_LARGEST: Final = 1 << 32
"""Bytes of a block's index, at most."""


class Indexed(NamedTuple):
    """A block of lines that are all records, with their index."""

    offset: int
    """Where it begins."""
    length: int
    """Its bytes."""
    records: PackedIndex
    """Its records; their lines count from 1."""
    lines: int
    """How many lines it has."""


def read_ahead(path: Path, file: Any, read: Read, offset: int, *, block: int = BLOCK) -> Iterator[Piece | Indexed]:
    """Yield the pieces of a file from `offset` to its end; of a large one some blocks that another process has indexed.

    Args:
        path: The file.
        file: The same, open.
        read: Reads it.
        offset: Where to begin.
        block: Bytes of a block.
    """
    bounds = _bounds(read, offset, os.fstat(file.fileno()).st_size, block)
    with ExitStack() as stack:
        helper = _start(stack, path, file, bounds) if len(bounds) >= _WORTH and has_room() else None
        if helper:  # alone, what a block leaves behind its last whole piece would only be one more piece
            for begin, end in pairwise([offset, *bounds]):
                if found := helper.take(begin):
                    yield Indexed(begin, end - begin, *found)
                else:
                    yield from scan(_until(read, end), begin)
            offset = bounds[-1]
        yield from scan(read, offset)


def _bounds(read: Read, offset: int, size: int, block: int) -> list[int]:
    """Return where blocks of whole lines may begin; none of them at the end, which may still be written."""
    step, buffer = max(block, (size - offset) // _MOST), bytearray(_LINE)
    found = []
    for at in range(offset + step, size - step // 2, step):
        end = buffer.find(b"\n", 0, read(at, memoryview(buffer))) + 1
        if end:
            found.append(at + end)
    return found


def _until(read: Read, end: int) -> Read:
    return lambda offset, into: read(offset, into[: max(end - offset, 0)])


class _Helper:
    """The other process, and what it has found."""

    def __init__(self, process: Interpreter) -> None:
        self._process = process
        self._found: dict[int, bytes] = {}
        self._listener = Thread(target=self._listen, name="lash_nb-read-ahead", daemon=True)

    def begin(self, work: "_Work") -> None:
        """Give it its work, and begin to take in what it finds.

        Raises:
            OSError: it has ended.
            RuntimeError: there can be no further thread.
        """
        with self._process.stdin as stream:  # type: ignore[union-attr]  # it is a pipe
            pickle.dump(work, stream)
        self._listener.start()

    def take(self, begin: int) -> tuple[PackedIndex, int] | None:
        """Return the index of the block that begins there and the number of its lines, if it is there by now."""
        found = self._found.pop(begin, None)
        if found is None:
            return None
        self._process.kill()  # it comes from the end: what it does now is done here
        return pickle.loads(found)  # type: ignore[no-any-return]  # noqa: S301 - our own process wrote it

    def close(self) -> None:
        """End the process, and wait for that."""
        self._process.kill()
        if self._listener.is_alive():
            self._listener.join()
        dismiss(self._process)

    def _listen(self) -> None:
        stream: Any = self._process.stdout
        while len(head := stream.read(_HEAD.size)) == _HEAD.size:
            begin, size = _HEAD.unpack(head)
            if not 0 < size <= _LARGEST:  # somebody else wrote: a `sitecustomize` may
                return
            found = stream.read(size)
            if len(found) == size:
                self._found[begin] = found


class _Work(NamedTuple):
    """What the other process is asked for."""

    path: str
    """The file."""
    identity: tuple[int, int]
    """Its device and number there: it may be another one by then."""
    limit: int
    """How deep calls may go."""
    depth: int
    """How deep they go here."""
    bounds: list[int]
    """Where blocks begin, and where the last one ends."""


def _start(stack: ExitStack, path: Path, file: Any, bounds: list[int]) -> _Helper | None:
    """Start the other process, if the system lets us."""
    status, depth = os.fstat(file.fileno()), sum(1 for _ in traceback.walk_stack(None))
    with suppress(*UNSTARTED):
        helper = _Helper(hired(__name__))
        stack.callback(helper.close)
        helper.begin(_Work(str(path), (status.st_dev, status.st_ino), sys.getrecursionlimit(), depth, bounds))
        return helper
    return None


def serve() -> None:
    """Be the other process: index the blocks that the standard input names, the last one first, and write what is found to the standard output."""
    gc.disable()  # nothing here makes cycles
    work: _Work = pickle.load(sys.stdin.buffer)  # noqa: S301 - our own process wrote it
    sys.setrecursionlimit(work.limit)
    with Path(work.path).open("rb", buffering=0) as file, suppress(BrokenPipeError):
        status = os.fstat(file.fileno())
        if (status.st_dev, status.st_ino) == work.identity:
            with_room(lambda: _serve(read_from(file), work.bounds), work.depth + _DEEPER)


def _serve(read: Read, bounds: list[int]) -> None:
    decode = PeekDecoder()
    for begin, end in reversed(list(pairwise(bounds))):
        if found := _indexed(read, begin, end, decode):
            data = pickle.dumps(found, pickle.HIGHEST_PROTOCOL)
            sys.stdout.buffer.write(_HEAD.pack(begin, len(data)) + data)
            sys.stdout.buffer.flush()


def _indexed(read: Read, begin: int, end: int, decode: PeekDecoder) -> tuple[PackedIndex, int] | None:
    """Return the index of a block and the number of its lines; None when there is anything in it that is no record."""
    index, lines, bad = TraceIndex(decode), 0, list[int]()
    for piece in scan(_until(read, end), begin):
        if piece.is_too_long or not piece.is_whole:
            return None
        lines += index.add(piece.data, piece.offset, 1 + lines, lambda count, _: bad.append(count))
        if bad:
            return None
    return index.packed(), lines
