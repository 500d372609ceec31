"""Walking through the bytes of a trace in pieces of whole lines, in one buffer that is used again and again.

A line ends at a line feed and nowhere else: text may hold U+2028 and U+0085 raw.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

__all__ = ["LONGEST_LINE", "Piece", "Read", "scan"]

Read = Callable[[int, memoryview], int]
"""Takes an offset and a place in memory; fills that with the bytes there and gives their number, which is smaller at the end of the source."""

LONGEST_LINE: Final = 1 << 28
"""Bytes of the longest line that is read as a record; a longer one is a bad line, so that memory stays bounded."""

_PIECE: Final = 1 << 20
"""Bytes read at a time: stays in the processor's cache (measured: 128 kB to 512 kB are equally fast, 2 MB is a sixth slower)."""
_BEGINNING: Final = 200


class Piece(NamedTuple):
    """Lines of a source; the bytes are good until the next piece is asked for."""

    offset: int
    """Where it begins."""
    data: memoryview
    """Whole lines with their ends; or one line without an end, the last of the source; or the beginning of a line that is too long."""
    length: int
    """Its bytes in the source; more than there are in `data` when the line is too long."""

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
                buffer = bytearray(2 * len(buffer))
                continue
            piece = _beginning(read, offset, buffer)
        else:
            piece = Piece(offset, memoryview(buffer)[: end or count], end or count)
        yield piece
        offset += piece.length
        if len(buffer) > _PIECE:
            buffer = bytearray(_PIECE)


def _beginning(read: Read, offset: int, buffer: bytearray) -> Piece:
    """Look for the end of a line that is too long."""
    beginning, end = memoryview(bytes(buffer[:_BEGINNING])), offset + len(buffer)
    while count := read(end, memoryview(buffer)):
        found = buffer.find(b"\n", 0, count) + 1
        end += found or count
        if found:
            break
    return Piece(offset, beginning, end - offset)
