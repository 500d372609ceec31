"""Opening a trace and walking through it: an index of every record, bodies read from their place on demand."""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from itertools import islice, pairwise
from os import PathLike
from pathlib import Path
from typing import IO, Any, Final, overload

import msgspec
import numpy as np

from lash_nb.errors import CallerError, TraceReadError
from lash_nb.trace._ahead import Indexed
from lash_nb.trace._bad_lines import BadLines, TraceError
from lash_nb.trace._column import Ints
from lash_nb.trace._index import BadLine, TraceIndex
from lash_nb.trace._line_faults import fault_of
from lash_nb.trace._meaning import Meaning
from lash_nb.trace._peek import decode_body
from lash_nb.trace._records_source import RecordsSource
from lash_nb.trace._room import with_room
from lash_nb.trace._scan import LONGEST_LINE, Block, Piece
from lash_nb.trace._session_records import SessionRecords
from lash_nb.trace._source import BytesSource, Source, open_files
from lash_nb.trace._spool import Spool, SpooledSource
from lash_nb.trace._summary import TraceSummary, summarize
from lash_nb.words import printable

__all__ = ["Trace", "TraceInput", "read_trace"]

TraceInput = str | PathLike[str] | bytes | IO[Any] | Iterable[Any]
"""What `read_trace` takes: a path or pattern, an open file, the bytes of a trace, several paths, or records (bytes, text, dicts or `TraceRecord`s)."""

_BATCH: Final = 512
"""Records whose places are looked up at once."""
_SHOWN: Final = 80
"""Bytes of a bad line that its row shows."""


class _Part:
    """One source of a trace, and how far it is read."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.offset = 0
        self.size = 0
        self.line = 1
        self.unfinished: TraceError | None = None

    def bad_line(self, row: int, offset: int, beginning: bytes, reason: str) -> TraceError:
        """Tell of a line that is no record, `row` lines behind those that are read."""
        text = beginning[:_SHOWN].decode(errors="replace").rstrip()
        return TraceError(source=self.source.name, line=self.line + row, offset=offset, reason=reason, text=text)


class Trace(Meaning):
    """The records of one or several trace files, in the order in which they were written.

    `trace[3]` is the fourth record as a plain dict, `for record in trace` walks through all of them; only the index is in memory.
    A line that is no record is in `errors`, everything else is here. `read_trace` makes one.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        """What a person calls it: the file's name."""
        self.index = TraceIndex()
        """One entry per record in each column: `index.text("type")[3]` needs no body."""
        self._bad = BadLines()
        self._parts: list[_Part] = []
        self._firsts: list[int] = []
        self._runs: list[_Part] = []

    @property
    def errors(self) -> tuple[TraceError, ...]:
        """The lines that are no records, with number, offset and reason; of very many the first, and a row that tells the rest."""
        return (*self._bad.rows, *(part.unfinished for part in self._parts if part.unfinished))

    @property
    def bad_lines(self) -> int:
        """How many lines are no records, an unfinished last one included."""
        return self._bad.count + sum(part.unfinished is not None for part in self._parts)

    @property
    def unknown(self) -> int:
        """How many records are of a type or schema version that this release does not describe; they are shown raw."""
        return len(self) - int(self.index.is_known.sum())

    def is_known(self, row: int) -> bool:
        """Return whether this release describes the type and schema version of that record."""
        return bool(self.index.is_known[row])

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of its files."""
        return tuple(part.source.name for part in self._parts)

    @property
    def size(self) -> int:
        """How many bytes were read, unpacked, bad lines included."""
        return sum(part.size for part in self._parts)

    def source_of(self, row: int) -> str:
        """Return the name of the file in which that record stands; line numbers begin anew in each."""
        run = int(np.searchsorted(self._firsts, range(len(self))[row], "right"))
        return self._runs[run - 1].source.name

    def summary(self) -> TraceSummary:
        """Return its numbers: records, turns, calls, failures, tokens, bad lines, first and last time."""
        return summarize(self)

    def bodies(self, rows: Iterable[int]) -> Iterator[dict[str, Any]]:
        """Yield the whole records of these row numbers; neighbors are read at once.

        Raises:
            TraceReadError: the file is gone or was changed after it was read.
        """
        waiting = iter(rows)
        while batch := list(islice(waiting, _BATCH)):
            places = iter(batch)
            for block in self.blocks(batch):
                data = memoryview(block.data)
                for start, end in zip(block.starts.tolist(), block.ends.tolist(), strict=True):
                    yield self._body(next(places), data[start:end])

    def blocks(self, rows: Sequence[int] | Ints) -> Iterator[Block]:
        """Yield the bytes of records; such as lie close to each other, a megabyte at most, come as one block. Errors as in `bodies`."""
        places = np.asarray(rows, np.int64)
        offsets, lengths = self.index.offset[places], self.index.length[places]
        runs = np.searchsorted(self._firsts, places, "right")
        edges = [0, *(np.flatnonzero(np.diff(runs)) + 1).tolist(), len(places)]
        for begin, end in pairwise(edges if len(places) else ()):
            part = self._runs[int(runs[begin]) - 1]
            yield from part.source.blocks(offsets[begin:end], lengths[begin:end])

    def raw(self, row: int) -> bytes:
        """Return the bytes of a record, as they were written; errors as in `bodies`."""
        data, starts, ends = next(self.blocks([range(len(self))[row]]))
        return data[int(starts[0]) : int(ends[0])]

    def refresh(self) -> int:
        """Read what was written since, and return the number of new records.

        A whole record at the end of a file is one before its line end is there; should something else follow on its line, that is a bad
        line of its own.

        Raises:
            TraceReadError: a file is gone, was replaced or was cut short; what was read of it before is still there.
        """
        before = len(self)
        for part in self._parts:
            self._read(part)
        return len(self) - before

    def called(self, name: str) -> "Trace":
        """Return the same trace under another name: when one of the two reads on, both have grown."""
        other = copy(self)
        other.name, other._known = name, {}  # noqa: SLF001 - its own
        return other

    def __len__(self) -> int:
        return len(self.index)

    @overload
    def __getitem__(self, row: int | None) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, row: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, row: int | slice | None) -> dict[str, Any] | list[dict[str, Any]]:
        if row is None:  # what `view.selection` is before the first click
            message = "no record is chosen: click one in the view, or give the number of a record, counted from 0"
            raise CallerError(message)
        rows = range(len(self))[row]
        return list(self.bodies(rows)) if isinstance(rows, range) else next(self.bodies([rows]))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self.bodies(range(len(self)))

    def __repr__(self) -> str:
        return f"<Trace {self.summary()}>"

    def _body(self, row: int, data: bytes | memoryview) -> dict[str, Any]:
        try:
            body = decode_body(data)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            message = f"Record {row} of {self.name!r} is no longer where it was: the file has changed. Read it again with read_trace()."
            raise TraceReadError(message)
        return body

    def _add(self, source: Source) -> None:
        part = _Part(source)
        self._parts.append(part)
        self._read(part)

    def _read(self, part: _Part) -> None:
        """Index what a source holds behind the place up to which it was read."""
        first = len(self)
        try:
            with_room(lambda: self._read_pieces(part))
            if fault := part.source.fault:  # which is also why its last line is no record
                last = part.unfinished or part.bad_line(0, part.offset, b"", fault)
                part.unfinished = msgspec.structs.replace(last, reason=fault, in_progress=False)
        finally:
            self.index.settle()
            if len(self) > first and self._runs[-1:] != [part]:
                self._firsts.append(first)
                self._runs.append(part)

    def _read_pieces(self, part: _Part) -> None:
        for piece in part.source.pieces(part.offset):
            part.size = piece.offset + piece.length
            if isinstance(piece, Indexed):
                self.index.take(piece.records, part.line)
                lines = piece.lines
            else:
                lines, part.unfinished = self._read_piece(part, piece)
            if part.unfinished:
                break
            part.line += lines
            part.offset = piece.offset + piece.length

    def _read_piece(self, part: _Part, piece: Piece) -> tuple[int, TraceError | None]:
        """Index the lines of a piece; return how many have ended, and what is wrong with one that has not."""
        data, offset, errors = piece.data, piece.offset, list[TraceError]()
        if not offset and bytes(data[: len(BOM_UTF8)]) == BOM_UTF8:
            data, offset = data[len(BOM_UTF8) :], len(BOM_UTF8)

        def note(count: int, tell: Callable[[int], TraceError]) -> None:
            if piece.is_whole:
                self._bad.add(count, tell)
            else:
                errors.extend(map(tell, range(count)))

        def told(row: int, at: int, line: bytes) -> TraceError:
            return part.bad_line(row, offset + at, line, fault_of(line))

        def note_lines(count: int, line_of: Callable[[int], BadLine]) -> None:
            note(count, lambda number: told(*line_of(number)))

        lines = 1
        if piece.is_too_long:
            note(1, lambda _: part.bad_line(0, offset, bytes(data), _too_long(piece)))
        else:
            lines = self.index.add(data, offset, part.line, note_lines)
        return (lines, None) if piece.is_whole else (0, _unfinished(errors[0]) if errors else None)


def read_trace(source: TraceInput, *, name: str | None = None) -> Trace:
    """Read a trace: one pass that notes where each record lies and what it is, and keeps no body.

    Args:
        source: A path, plain or gzip; a pattern such as `runs/*.jsonl`; an open file; the bytes of a trace; several paths (read as one
            trace); or records (bytes, text, dicts or `TraceRecord`s). A list of records may grow, `Trace.refresh` reads on.
        name: What to call it; the file's name by default.

    Raises:
        TraceReadError: a file is missing, is a directory, or may not be read. A bad line is never an error but a row in `Trace.errors`.
    """
    sources = _sources(source)
    trace = Trace(name or _common_name(sources))
    for one in sources:
        trace._add(one)  # noqa: SLF001 - only this function may fill a trace
    return trace


def _sources(source: TraceInput) -> list[Source]:
    if isinstance(source, bytes | bytearray | memoryview):
        return [BytesSource(bytes(source), name="trace")]
    if isinstance(source, str | PathLike):
        return open_files([Path(source)])
    if hasattr(source, "read"):
        stream = getattr(source, "buffer", source)  # a text file may hold bytes that are no text
        return [SpooledSource(stream, Spool(), name=printable(Path(str(getattr(source, "name", "trace"))).name))]
    if isinstance(source, Mapping) or not isinstance(source, Iterable):
        message = f"read_trace() reads a path, an open file, bytes, several paths or records, not {type(source).__name__}; wrap one record in a list."
        raise CallerError(message)
    items = source if isinstance(source, list | SessionRecords) else list(source)
    if items and all(isinstance(item, PathLike) or (isinstance(item, str) and item[:1] != "{") for item in items):
        return open_files(map(Path, items))
    return [RecordsSource(items, name="records")]


def _too_long(piece: Piece) -> str:
    return f"longer than {LONGEST_LINE >> 20} MiB, which is no record: {piece.length:,} bytes"


def _unfinished(error: TraceError) -> TraceError:
    reason = f"unfinished last line, still being written or cut off ({error.reason})"
    return msgspec.structs.replace(error, reason=reason, in_progress=True)


def _common_name(sources: Sequence[Source]) -> str:
    if not sources:
        return "records"
    rest = len(sources) - 1
    return f"{sources[0].name} and {rest} more" if rest else sources[0].name
