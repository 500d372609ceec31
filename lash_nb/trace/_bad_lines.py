"""The lines of a trace that are no records: all are counted, the first ones are kept."""

from collections.abc import Callable
from typing import Final

import msgspec

from lash_nb.words import legible

__all__ = ["KEPT_ERRORS", "BadLines", "TraceError"]

KEPT_ERRORS: Final = 10_000
"""So many bad lines are kept as rows, a few megabytes; a file that is no trace at all may have millions of them."""


class TraceError(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is no record, and why; the rest of the trace is read all the same."""

    source: str
    """Name of the file."""
    line: int
    """Line number in the file, from 1."""
    offset: int
    """Where the line begins, in bytes from the start of the file."""
    reason: str
    """Why it is no record, in words."""
    text: str
    """The beginning of the line, bytes that are no text replaced."""
    in_progress: bool = False
    """Whether it is the unfinished last line of a file that may still be written."""

    def __str__(self) -> str:
        return legible(f"{self.source}, line {self.line}: {self.reason}")


class BadLines:
    """All bad lines of a trace."""

    def __init__(self) -> None:
        self._kept: list[TraceError] = []
        self._more: TraceError | None = None
        self.count = 0
        """How many there are."""

    def add(self, count: int, tell: Callable[[int], TraceError]) -> None:
        """Count bad lines, and keep them while there is room: only then it is worked out what is wrong with them.

        Args:
            count: How many more there are.
            tell: Returns each of them, from 0.
        """
        room = KEPT_ERRORS - len(self._kept)
        self._kept += map(tell, range(min(count, room)))
        if count > room and self._more is None:
            self._more = tell(room)
        self.count += count

    @property
    def rows(self) -> list[TraceError]:
        """Those that are kept; when there are more, the last row tells how many, and where they begin."""
        if self._more is None:
            return self._kept.copy()
        rest = self.count - KEPT_ERRORS
        reason = f"{self._more.reason} (this one and {rest - 1:,} more bad lines are only counted)"
        return [*self._kept, msgspec.structs.replace(self._more, reason=reason)]
