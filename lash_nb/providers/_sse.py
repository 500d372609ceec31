"""Server-sent events: bytes in, the data of events out; no socket (lash 0.1.0-alpha.37, turns §15.3).

Rule: how the bytes are cut into chunks never changes the events. A line ends with CR, LF or both, as the WHATWG's rule for event streams has it, so the
bytes of one character are never parted.
"""

from typing import Final

from lash_nb.errors import LlmTransportError

__all__ = ["EVENT_BYTES_LIMIT", "SseParser"]

EVENT_BYTES_LIMIT: Final = 64 * 1024 * 1024
"""Most bytes of one event: more than any answer with its pictures, less than what harms a notebook."""

_DATA: Final = b"data:"
_MARK: Final = b"\xef\xbb\xbf"
"""May stand before a stream, and says nothing."""
_CR: Final = 13
_ENDS: Final = b"\r\n"
_HELD: Final = 64
"""Bytes that a line or piece takes beside its own, about: lines without text fill the memory, too."""


class SseParser:
    """Cuts a stream into events; the data of one is its `data:` lines, trimmed, joined by line feeds. All other fields are ignored."""

    def __init__(self, limit: int = EVENT_BYTES_LIMIT) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        """The last line, as far as it has come."""
        self._data: list[bytes] = []
        """What the event has so far."""
        self._open = 0
        """Bytes that the pieces take."""
        self._size = 0
        """Bytes that the counted lines of the event take."""
        self._counted = 0
        """How many of its lines are counted."""
        self._is_begun = False
        """Whether a line has come."""
        self._is_parted = False
        """Whether the last byte was a CR: an LF that comes now belongs to it."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes and return the events that they complete.

        Raises:
            LlmTransportError: `sse_event_too_large`.
        """
        if not chunk:
            return []
        lines = (chunk.removeprefix(b"\n") if self._is_parted else chunk).splitlines()
        last = chunk[-1]
        self._is_parted = last == _CR
        rest = b"" if last in _ENDS else lines.pop()
        if not lines:
            self._keep(rest)
            return []
        if self._pieces:
            lines[0] = b"".join((*self._pieces, lines[0]))
            self._pieces.clear()
            self._open = 0
        events = self._events(lines)
        if self._data:
            self._size += sum(_HELD + len(line) for line in self._data[self._counted :])
            self._counted = len(self._data)
        self._keep(rest)
        return events

    def close(self) -> list[bytes]:
        """Return the event that the end of the stream completes, if there is one."""
        events = self._events([b"".join(self._pieces), b""])
        self._pieces.clear()
        return events

    def _events(self, lines: list[bytes]) -> list[bytes]:
        if not self._is_begun:
            lines[0], self._is_begun = lines[0].removeprefix(_MARK), True
        data, events = self._data, []
        for line in lines:
            if line.startswith(_DATA):
                data.append(line[5:].strip())
            elif data and (not line or line.isspace()):
                event = data[0] if len(data) == 1 else b"\n".join(data)
                data.clear()
                self._size = self._counted = 0
                if event:  # one without data is a heartbeat
                    events.append(event)
        return events

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
            self._open += _HELD + len(piece)
        if self._size + self._open > self._limit:
            raise LlmTransportError(
                f"an event of the stream is larger than {self._limit:,} bytes, so nothing of it was read; ask the model for less at once",
                kind="stream",
                code="sse_event_too_large",
            )
