"""What a person could see of a streamed answer, in numbers (lash 0.1.0-alpha.37, turns §16.2)."""

from lash_nb.clock import NS_PER_MS
from lash_nb.wire import StreamSummary

__all__ = ["VisibleStream"]


class VisibleStream:
    """Counts what becomes visible of one model call; times are those of a monotonic clock, in nanoseconds."""

    def __init__(self, started_ns: int) -> None:
        self._started = started_ns
        self._first: int | None = None
        self._last = started_ns
        self._lengths: list[int] = []
        self.text_deltas = 0
        """Text events so far."""

    def elapsed_ms(self, now_ns: int) -> int:
        """Return whole milliseconds since the call began."""
        return (now_ns - self._started) // NS_PER_MS

    def note_text(self, text: str, now_ns: int) -> None:
        """Count a text event; an empty one is not visible."""
        self.text_deltas += 1
        if text:
            self._first = now_ns if self._first is None else self._first
            self._last = now_ns
            self._lengths.append(len(text))

    def value(self) -> StreamSummary:
        """Return the numbers so far."""
        if self._first is None:
            return StreamSummary(text_delta_count=self.text_deltas)
        return StreamSummary(
            first_visible_token_latency_ms=self.elapsed_ms(self._first),
            stream_duration_ms=(self._last - self._first) // NS_PER_MS,
            text_delta_count=self.text_deltas,
            visible_chunk_count=len(self._lengths),
            avg_visible_chunk_chars=sum(self._lengths) / len(self._lengths),
            max_visible_chunk_chars=max(self._lengths),
        )
