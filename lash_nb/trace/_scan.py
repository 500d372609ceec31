"""Reading the bytes of a trace: front to back in pieces of whole lines, in one buffer that is used again and again; or records here and there.

A line ends at a line feed and nowhere else: text may hold U+2028 and U+0085 raw.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from lash_nb.trace._column import Ints

__all__ = ["LONGEST_LINE", "Block", "Piece", "Read", "fetch", "read_from", "scan"]

Read = Callable[[int, memoryview], int]
"""Takes an offset and a place in memory; fills that with the bytes there and gives their number, which is smaller at the end of the source."""

LONGEST_LINE: Final = 1 << 28
"""Bytes of the longest line that is read as a record; a longer one is a bad line, so that memory stays bounded."""

_PIECE: Final = 1 << 21
"""Bytes read at a time: still fits the processor's cache, and what each piece costs besides its records no longer counts."""
_BEGINNING: Final = 200
_NEAR: Final = 1 << 14
"""Records that lie no farther apart than this are read at once: a call costs as much as that many bytes."""
_AT_ONCE: Final = 1 << 20


class Block(NamedTuple):
    """Records that lie close to each other, with the bytes in which they lie."""

    data: bytes
    """Their bytes, and what stands between them."""
    starts: Ints
    """Where each begins in the bytes."""
    ends: Ints
    """Where each ends."""


class Piece(NamedTuple):
    """Lines of a source; the bytes are good until the next piece is asked for."""

    offset: int
    """Where it begins."""
    data: memoryview
    """Whole lines with their ends; or one line without an end, the last of the source; or the beginning of a line that is too long."""
    length: int
    """Its bytes in the source; more than there are in `data` when the line is too long."""
    is_whole: bool
    """Whether it ends with a line end."""

    @property
    def is_too_long(self) -> bool:
        """Whether it is a line longer than any record."""
        return self.length > len(self.data)


def scan(read: Read, offset: int) -> Iterator[Piece]:
    """Yield the pieces of a source from `offset` to its end."""
    buffer = bytearray(_PIECE)
    while count := read(offset, memoryview(buffer)):
        end = buffer.rfind(b"\n", 0, count) + 1
        if not end and count == len(buffer):  # one line longer than the piece: look further
            if len(buffer) < LONGEST_LINE:
                size = 2 * len(buffer)
                del buffer
                buffer = bytearray(size)
                continue
            piece = _beginning(read, offset, buffer)
        else:
            piece = Piece(offset, memoryview(buffer)[: end or count], end or count, end > 0)
        yield piece
        offset += piece.length
        if len(buffer) > _PIECE:
            del piece, buffer
            buffer = bytearray(_PIECE)


def _beginning(read: Read, offset: int, buffer: bytearray) -> Piece:
    """Look for the end of a line that is too long."""
    beginning, end, found = memoryview(bytes(buffer[:_BEGINNING])), offset + len(buffer), 0
    while not found and (count := read(end, memoryview(buffer))):
        found = buffer.find(b"\n", 0, count) + 1
        end += found or count
    return Piece(offset, beginning, end - offset, found > 0)


def read_from(file: Any) -> Read:
    """Return the function that reads an unbuffered file."""

    def read(offset: int, into: memoryview) -> int:
        file.seek(offset)
        return file.readinto(into) or 0

    return read


def fetch(read: Read, offsets: Ints, lengths: Ints) -> Iterator[Block]:
    """Yield records with the bytes around them; neighbors are read at once. At the end of the source there are fewer bytes than asked for."""
    ends = offsets + lengths
    gaps = offsets[1:] - ends[:-1]
    cuts = np.flatnonzero((gaps < 0) | (gaps > _NEAR) | (np.diff(offsets // _AT_ONCE) > 0)) + 1
    for few, their_ends in zip(np.split(offsets, cuts), np.split(ends, cuts), strict=True):
        begin = int(few[0])
        data = bytearray(int(their_ends[-1]) - begin)
        count = read(begin, memoryview(data))
        yield Block(bytes(data) if count == len(data) else bytes(data[:count]), few - begin, their_ends - begin)
