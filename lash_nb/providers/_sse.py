"""Server-sent events: bytes in, the data of events out; no socket (lash 0.1.0-alpha.37, turns §15.3).

Rule: how the bytes are cut into chunks never changes the events. Lines end at a line feed, so the bytes of one character are never parted.
"""

from typing import Final

from lash_nb.errors import LlmTransportError

__all__ = ["EVENT_BYTES_LIMIT", "SseParser"]

EVENT_BYTES_LIMIT: Final = 64 * 1024 * 1024
"""Most bytes of one event: more than any answer with its pictures, less than what harms a notebook."""

_DATA: Final = b"data:"


class SseParser:
    """Cuts a stream into events; the data of one is its `data:` lines, trimmed, joined by line feeds. All other fields are ignored."""

    def __init__(self, limit: int = EVENT_BYTES_LIMIT) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        """The last line, as far as it has come."""
        self._data: list[bytes] = []
        """What the event has so far."""
        self._size = 0
        """Bytes in both."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes and return the events that they complete.

        Raises:
            LlmTransportError: `sse_event_too_large`.
        """
        end = chunk.rfind(b"\n")
        if end < 0:
            self._keep(chunk)
            return []
        lines = b"".join((*self._pieces, chunk[:end])).split(b"\n")
        self._pieces.clear()
        events = self._events(lines)
        self._size = sum(map(len, self._data))
        self._keep(chunk[end + 1 :])
        return events

    def close(self) -> list[bytes]:
        """Return the event that the end of the stream completes, if there is one."""
        events = self._events([b"".join(self._pieces), b""])
        self._pieces.clear()
        return events

    def _events(self, lines: list[bytes]) -> list[bytes]:
        data, events = self._data, []
        for line in lines:
            if line.startswith(_DATA):
                data.append(line[5:].strip())
            elif data and not line.strip():
                event = data[0] if len(data) == 1 else b"\n".join(data)
                data.clear()
                if event:  # one without data is a heartbeat
                    events.append(event)
        return events

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self._limit:
            raise LlmTransportError(
                f"an event of the stream is larger than {self._limit:,} bytes, so nothing of it was read; ask the model for less at once",
                kind="stream",
                code="sse_event_too_large",
            )
