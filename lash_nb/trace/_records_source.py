"""Records that are in memory already, as the source of a trace: their bytes are made when they are asked for.

Each request of a session holds the whole conversation before it, which is in memory once: written out, the requests of a long session would be as
large as its square. The index looks at none of their messages, so it gets lines without them, and is told how long the whole lines are.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from lash_nb.errors import TraceReadError, WireError, exception_text
from lash_nb.trace._ahead import Indexed
from lash_nb.trace._column import Grown, Ints
from lash_nb.trace._index import TraceIndex
from lash_nb.trace._peek import PeekDecoder
from lash_nb.trace._scan import Block, Piece
from lash_nb.wire import LlmCallStarted, TraceLlmRequest, TraceRecord, TupleLike, json_lines, json_size
from lash_nb.words import counted

__all__ = ["RecordsSource"]

_BATCH: Final = 1024
"""Records that are told together, at most."""
_TOGETHER: Final = 64
"""Records encoded at a time: nobody knows beforehand how large they are."""
_AT_ONCE: Final = 1 << 20
"""Bytes of records that are encoded at a time, unless one alone has more."""
_LONG: Final = 64
"""Messages of a request from which it pays to leave them out."""


class _Line(NamedTuple):
    """A record as the index gets it."""

    record: Any
    """The record."""
    data: bytes
    """Its line with the end; the messages of a long request are left out."""
    size: int
    """Bytes of the whole line."""


class RecordsSource:
    """Records in memory, whose bytes are made when they are asked for; the list may grow at its end.

    What JSON cannot hold, as an object of some class or a ring, is a line that is no record: it tells why.
    """

    fault: Final = None

    def __init__(self, records: Sequence[Any], *, name: str) -> None:
        self.name = name
        self._records = records
        self._ends = Grown("i8")
        self._decode = PeekDecoder()

    def pieces(self, offset: int) -> Iterator[Piece | Indexed]:
        """Yield the lines of the records that came since."""
        while lines := self._next_lines():
            self._ends.extend(np.cumsum([line.size for line in lines]) + offset)
            yield from self._pieces(offset, lines)
            offset += sum(line.size for line in lines)

    def blocks(self, offsets: Ints, lengths: Ints) -> Iterator[Block]:
        """Yield records, each made again.

        Raises:
            TraceReadError: the list has fewer of them than before.
        """
        numbers = np.searchsorted(self._ends.values, offsets, "right").tolist()
        if len(numbers) and max(numbers) >= len(self._records):
            message = f"The list had {counted(len(self._ends), 'record')} when it was read and has {len(self._records):,} now. Read it again with read_trace()."
            raise TraceReadError(message)
        marks = offsets - np.append(0, self._ends.values)[numbers]  # a byte order mark is no part of the first record
        for first, last in _together(lengths.tolist()):
            lines = _whole_lines([self._records[number] for number in numbers[first:last]])
            ends = np.cumsum([len(line) for line in lines])
            yield Block(b"".join(lines), np.append(0, ends[:-1]) + marks[first:last], ends - 1)

    def _next_lines(self) -> list[_Line]:
        lines, size = list[_Line](), 0
        begin = len(self._ends)
        for first in range(begin, begin + _BATCH, _TOGETHER):
            few = _lines(self._records[first : first + _TOGETHER])
            lines += few
            size += sum(len(line.data) for line in few)
            if len(few) < _TOGETHER or size > _AT_ONCE:
                break
        return lines

    def _pieces(self, offset: int, lines: Sequence[_Line]) -> Iterator[Piece | Indexed]:
        if all(len(line.data) == line.size for line in lines):
            yield _piece(offset, b"".join(line.data for line in lines))
        elif indexed := self._indexed(offset, lines):
            yield indexed
        else:  # there is one place where bad lines are told, and it wants whole ones
            for line in lines:
                yield _piece(offset, _whole_line(line.record))
                offset += line.size

    def _indexed(self, offset: int, lines: Sequence[_Line]) -> Indexed | None:
        """Return what the index makes of lines, each in the place of the whole one; None when one of them is no record."""
        index, bad = TraceIndex(self._decode), list[int]()
        index.add(b"".join(line.data for line in lines), 0, 1, lambda count, _: bad.append(count))
        packed, sizes = index.packed(), np.array([line.size for line in lines])
        rows = packed.numbers["line"] - 1
        places = {"offset": offset + (np.cumsum(sizes) - sizes)[rows], "length": sizes[rows] - 1}
        records = packed._replace(numbers=packed.numbers | places)
        return None if bad else Indexed(offset, int(sizes.sum()), records, len(lines))


def _piece(offset: int, data: bytes) -> Piece:
    return Piece(offset, memoryview(data), len(data), is_whole=True)


def _together(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield where records that are made together begin and end: few, if they are large."""
    first = size = 0
    for place, length in enumerate(lengths):
        if place > first and (size + length > _AT_ONCE or place - first == _BATCH):
            yield first, place
            first, size = place, 0
        size += length
    if lengths:
        yield first, len(lengths)


def _lines(records: Sequence[Any]) -> list[_Line]:
    """Return the lines of records; each by itself where one of them is no good one."""
    if all(isinstance(record, TraceRecord) for record in records):
        with suppress(WireError):  # the whole line tells what is wrong
            return _written(records)
    if len(records) > 1:
        return [line for record in records for line in _lines([record])]
    data = _whole_line(records[0])
    return [_Line(records[0], data, len(data))]


def _written(records: Sequence[TraceRecord]) -> list[_Line]:
    kept = list(map(_without_messages, records))
    data = json_lines([short for short, _ in kept])
    left_out = [
        json_size(messages) - len("[]") if messages else 0 for _, messages in reversed(kept)
    ]  # the longest first, which writes what all share
    sizes = [len(one) + 1 + size for one, size in zip(data, reversed(left_out), strict=True)]
    return [_Line(record, one + b"\n", size) for record, one, size in zip(records, data, sizes, strict=True)]


def _without_messages(record: TraceRecord) -> tuple[TraceRecord, Sequence[Any] | None]:
    """Return a record without the messages of a long request, and those."""
    match record.event:
        case LlmCallStarted(request=TraceLlmRequest(messages=TupleLike() as messages) as request) as event if (
            len(messages) >= _LONG
        ):
            return replace(record, event=replace(event, request=replace(request, messages=()))), messages
    return record, None


def _whole_lines(records: Sequence[Any]) -> list[bytes]:
    if all(isinstance(record, TraceRecord) for record in records):
        with suppress(WireError):
            return [line + b"\n" for line in json_lines(records)]
    return list(map(_whole_line, records))


def _whole_line(record: Any) -> bytes:
    """Write one record as a line; between the tokens of JSON a line feed means no more than a space."""
    try:
        data = _record_bytes(record)
    except (WireError, TypeError, ValueError, RecursionError) as error:
        data = msgspec.json.encode(f"{type(record).__name__} that JSON cannot hold: {exception_text(error)}")
    return data.rstrip().replace(b"\n", b" ") + b"\n"


def _record_bytes(record: Any) -> bytes:
    if isinstance(record, bytes):
        return record
    if isinstance(record, str):
        return record.encode(errors="surrogatepass")  # what is no text then is a bad line, as in a file
    return record.to_json() if isinstance(record, TraceRecord) else msgspec.json.encode(record)
