"""Records out: where a running session writes its trace. A sink never disturbs the turn that it tells of."""

import contextlib
import io
import os
import warnings
import weakref
from collections import deque
from pathlib import Path
from typing import Final, Protocol

from lash_nb.trace._reader import Trace, read_trace
from lash_nb.trace._session_records import SessionRecords
from lash_nb.wire import TraceRecord

__all__ = ["JsonlTraceSink", "MemoryTraceSink", "TeeTraceSink", "TraceSink", "TraceSinkWarning"]

BATCH_BYTES: Final = 64 * 1024
"""As much waits in memory before it is written, unless the turn ends first."""
RETRY_BYTES: Final = 16 * 1024 * 1024
"""As much is kept for a file that cannot be written, in the hope that it can be later."""
KEPT_ERRORS: Final = 20
"""As many errors are kept: the newest."""


_CALL_ENDS: Final = frozenset({"llm_call_completed", "llm_call_failed"})


class TraceSinkWarning(UserWarning):
    """Trace records could not be written; given once per sink, the rest is in its `errors`."""


class TraceSink(Protocol):
    """Takes trace records as they are made."""

    def record(self, record: TraceRecord) -> None:
        """Take one record; called on the turn's event loop, so it returns soon and raises nothing."""
        ...


class MemoryTraceSink:
    """Keeps all records.

    Attributes:
        records: What came, in order.
    """

    def __init__(self) -> None:
        self.records: Final[list[TraceRecord]] = []
        self._traces: dict[str | None, Trace] = {}

    def record(self, record: TraceRecord) -> None:
        """Keep the record."""
        self.records.append(record)

    def trace(self, session_id: str | None = None) -> Trace:
        """Return the records so far as a trace to look into: always the same one, which grows with each call.

        Args:
            session_id: The session whose records are wanted, those that name it; None for all records.
        """
        if session_id not in self._traces:
            self._traces[session_id] = self._opened(session_id)
        trace = self._traces[session_id]
        trace.refresh()
        return trace

    def _opened(self, session_id: str | None) -> Trace:
        if session_id is None:
            return read_trace(self.records)
        return read_trace(SessionRecords(self.records, session_id), name=f"session {session_id}")


class JsonlTraceSink:
    """Appends records to a file, one JSON line each.

    Lines are written in batches, at the latest when a turn is over, or a model call beside the turns; the file is open only while a batch is written, so it may be moved away,
    shared between processes that append to it, or taken along through a fork. What cannot be written is kept and tried again.

    Attributes:
        path: The file; it and its folders are made with the first batch.
        errors: What went wrong lately, oldest first; the first one is also a `TraceSinkWarning`.
        dropped: Lines that were given up because too many waited.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Final = Path(path)
        self.errors: Final[deque[Exception]] = deque(maxlen=KEPT_ERRORS)
        self.dropped = 0
        self._lines: list[bytes] = []
        self._size = 0
        self._due = BATCH_BYTES
        self._owner = os.getpid()
        self._last_words = weakref.finalize(self, _write_last, self.path, self._lines, self._owner)

    def record(self, record: TraceRecord) -> None:
        """Take the record; write the batch when it is full or the turn is over."""
        if self._owner != os.getpid():
            self._leave_parent()
        try:
            line = record.to_json()
        except Exception as error:  # noqa: BLE001  # whatever the record holds must not end the turn
            self._failed(error)
        else:
            self._lines.append(line)
            self._size += len(line)
        if self._size > self._due or _is_end(record):
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if not self._lines:
            return
        try:
            _append(self.path, self._lines)
        except OSError as error:
            self._failed(error)
        self._shed()
        self._due = self._size + BATCH_BYTES

    def close(self) -> None:
        """Write what waits; a record that comes later is taken as before."""
        self.flush()

    def __repr__(self) -> str:
        return f"JsonlTraceSink({str(self.path)!r}, waiting={len(self._lines)}, errors={len(self.errors)})"

    def _leave_parent(self) -> None:
        """After a fork the waiting lines are the parent's, which writes them itself."""
        self._last_words.detach()
        self._lines, self._size, self._due, self._owner = [], 0, BATCH_BYTES, os.getpid()
        self._last_words = weakref.finalize(self, _write_last, self.path, self._lines, self._owner)

    def _shed(self) -> None:
        """Count what still waits, and give up the oldest lines when that is more than memory should hold."""
        self._size = sum(map(len, self._lines))
        while self._size > RETRY_BYTES:
            self._size -= len(self._lines.pop(0))
            self.dropped += 1

    def _failed(self, error: Exception) -> None:
        self.errors.append(error)
        if len(self.errors) == 1:
            _warn(
                f"trace records cannot be written to {self.path}: {error}; make the file writable, they are kept and tried again"
            )


class TeeTraceSink:
    """Gives every record to several sinks; one that raises does not keep it from the others.

    Attributes:
        sinks: The sinks, in the order in which they get records.
        errors: What sinks raised lately, oldest first; the first one is also a `TraceSinkWarning`.
    """

    def __init__(self, *sinks: TraceSink) -> None:
        self.sinks: Final = sinks
        self.errors: Final[deque[Exception]] = deque(maxlen=KEPT_ERRORS)

    def record(self, record: TraceRecord) -> None:
        """Give the record to every sink."""
        for sink in self.sinks:
            try:
                sink.record(record)
            except Exception as error:  # noqa: BLE001  # a sink of the user's own must not end the turn
                self.errors.append(error)
                if len(self.errors) == 1:
                    _warn(
                        f"{type(sink).__name__} failed on a trace record: {error!r}; see `errors` of the TeeTraceSink"
                    )


def _is_end(record: TraceRecord) -> bool:
    """Whether nothing may follow for long: a turn is over, or a model call that belongs to none."""
    return record.type == "turn_completed" or (record.type in _CALL_ENDS and record.context.turn_id is None)


def _append(path: Path, lines: list[bytes]) -> None:
    """Append whole lines and take them off the list, after the end of a line that a crash left half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b", buffering=0) as file:
        lead = b"" if _ends_whole(file) else b"\n"
        data = memoryview(lead + b"\n".join([*lines, b""]))
        written = 0
        try:
            while written < len(data):
                written += file.write(data[written:])
        finally:  # a full disk takes a part: what it took whole must not come twice
            done = len(lines) if written == len(data) else bytes(data[len(lead) : written]).count(b"\n")
            del lines[:done]


def _ends_whole(file: io.FileIO) -> bool:
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _write_last(path: Path, lines: list[bytes], owner: int) -> None:
    """Write what a forgotten sink still holds."""
    if lines and owner == os.getpid():
        with contextlib.suppress(OSError):
            _append(path, lines)


def _warn(message: str) -> None:
    with contextlib.suppress(TraceSinkWarning):  # where warnings are errors, this one still must not end the turn
        warnings.warn(message, TraceSinkWarning, stacklevel=4)
