"""Opening a trace and walking through it: an index of every record, bodies read from their place on demand."""

from bisect import bisect_right
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from os import PathLike
from pathlib import Path
from typing import Any, Final, overload

import msgspec

from lash_nb.errors import CallerError, TraceReadError
from lash_nb.trace._calls import Calls, LlmCall, ToolCall, Turn, find_calls
from lash_nb.trace._index import TraceError, TraceIndex
from lash_nb.trace._peek import KNOWN_TYPES, KNOWN_VERSIONS, decode_body
from lash_nb.trace._source import BytesSource, FileSource, Read, Source
from lash_nb.trace._summary import TraceSummary, summarize
from lash_nb.wire import TraceRecord

__all__ = ["Trace", "TraceInput", "read_trace"]

TraceInput = str | PathLike[str] | bytes | Iterable[Any]
"""What `read_trace` takes: a path, the bytes of a trace, several paths, or records (bytes, text, dicts or `TraceRecord`s)."""

_PIECE: Final = 1 << 18
"""Bytes read at a time: stays in the processor's cache (measured: 128 kB to 512 kB are equally fast, 2 MB is a sixth slower)."""


class Trace:
    """The records of one or several trace files, in the order in which they were written.

    `trace[3]` is the fourth record as a plain dict, `for record in trace` walks through all of them; only the index is in memory.
    A line that is no record is in `errors`, everything else is here. `read_trace` makes one.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        """What a person calls it: the file's name."""
        self.index = TraceIndex()
        """One entry per record in each column: `index.text("type")[3]` needs no body."""
        self._errors: list[TraceError] = []
        self._sources: list[Source] = []
        self._first_rows: list[int] = []
        self._calls: tuple[int, Calls] | None = None

    @property
    def errors(self) -> tuple[TraceError, ...]:
        """The lines that are no records, with number, offset and reason."""
        return tuple(self._errors)

    @property
    def sessions(self) -> tuple[str, ...]:
        """The ids of the sessions that wrote into it, in order of appearance."""
        return tuple(self.index.text("session_id").values)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Its turns, in the order in which they began."""
        return self._paired().turns

    @property
    def llm_calls(self) -> tuple[LlmCall, ...]:
        """Its model calls, direct completions included, in the order in which they began."""
        return self._paired().llm_calls

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """Its tool calls, in the order in which they began."""
        return self._paired().tool_calls

    @property
    def unknown(self) -> int:
        """How many records are of a type or schema version that this release does not describe; they are shown raw."""
        types, versions = self.index.text("type"), self.index.text("schema_version")
        if KNOWN_TYPES.issuperset(types.values) and KNOWN_VERSIONS.issuperset(versions.values):
            return 0
        return sum(not self.is_known(row) for row in range(len(self)))

    def is_known(self, row: int) -> bool:
        """Return whether this release describes the type and schema version of that record."""
        index = self.index
        return index.text("type")[row] in KNOWN_TYPES and index.text("schema_version")[row] in KNOWN_VERSIONS

    def summary(self) -> TraceSummary:
        """Return its numbers: records, turns, calls, failures, tokens, bad lines, first and last time."""
        return summarize(self)

    def bodies(self, rows: Iterable[int]) -> Iterator[dict[str, Any]]:
        """Yield the whole records of these row numbers; the file is opened once for all neighbours.

        Raises:
            TraceReadError: the file is gone or was changed after it was read.
        """
        for part, group in groupby(rows, lambda row: bisect_right(self._first_rows, row) - 1):
            with self._sources[part].reader() as read:
                for row in group:
                    yield self._body(read, row)

    def __len__(self) -> int:
        return len(self.index)

    @overload
    def __getitem__(self, row: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, row: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, row: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        rows = range(len(self))[row]
        return list(self.bodies(rows)) if isinstance(rows, range) else next(self.bodies([rows]))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self.bodies(range(len(self)))

    def __repr__(self) -> str:
        return f"<Trace {self.summary()}>"

    def _paired(self) -> Calls:
        if self._calls is None or self._calls[0] != len(self):
            self._calls = (len(self), find_calls(self.index))
        return self._calls[1]

    def _body(self, read: Read, row: int) -> dict[str, Any]:
        data = read(self.index.offset[row], self.index.length[row])
        try:
            body = decode_body(data)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            message = f"Record {row} of {self.name!r} is no longer where it was: the file has changed. Read it again with read_trace()."
            raise TraceReadError(message)
        return body

    def _add(self, source: Source) -> None:
        """Index all that `source` holds."""
        self._sources.append(source)
        self._first_rows.append(len(self))
        line, size = 1, _PIECE
        with source.reader() as read:
            offset = len(BOM_UTF8) if read(0, len(BOM_UTF8)) == BOM_UTF8 else 0
            while piece := read(offset, size):
                end = piece.rfind(b"\n") + 1
                if not end and len(piece) == size:  # one line longer than the piece: look further
                    size *= 2
                    continue
                count, errors = self.index.add(piece[:end] or piece + b"\n", offset, line, source=source.name)
                self._errors += errors if end else map(_unfinished, errors)
                offset, line, size = offset + (end or len(piece)), line + count, _PIECE


def read_trace(source: TraceInput, *, name: str | None = None) -> Trace:
    """Read a trace: one pass that notes where each record lies and what it is, and keeps no body.

    Args:
        source: A path, the bytes of a trace, several paths (read as one trace), or records (bytes, text, dicts or `TraceRecord`s).
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
        return [FileSource(Path(source).expanduser())]
    if isinstance(source, Mapping) or not isinstance(source, Iterable):
        message = f"read_trace() reads a path, bytes, several paths or records, not {type(source).__name__}; wrap one record in a list."
        raise CallerError(message)
    items = list(source)
    if items and all(isinstance(item, PathLike) or (isinstance(item, str) and item[:1] != "{") for item in items):
        return [FileSource(Path(item).expanduser()) for item in items]
    return [BytesSource(b"".join(map(_record_line, items)), name="records")]


def _record_line(record: Any) -> bytes:
    """Write one record as a line; between the tokens of JSON a line feed means no more than a space."""
    if isinstance(record, str):
        record = record.encode()
    if isinstance(record, TraceRecord):
        record = record.to_json()
    if not isinstance(record, bytes):
        record = msgspec.json.encode(record)
    return bytes(record).rstrip().replace(b"\n", b" ") + b"\n"


def _unfinished(error: TraceError) -> TraceError:
    reason = f"unfinished last line, still being written or cut off ({error.reason})"
    return msgspec.structs.replace(error, reason=reason, in_progress=True)


def _common_name(sources: Sequence[Source]) -> str:
    if not sources:
        return "records"
    rest = len(sources) - 1
    return f"{sources[0].name} and {rest} more" if rest else sources[0].name
