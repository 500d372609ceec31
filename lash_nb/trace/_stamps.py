"""Times of records, many at once: the layout that nearly all have is read by cutting it at its fixed places."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from lash_nb.clock import parse_rfc3339
from lash_nb.trace._column import Ints

__all__ = ["StampReader", "time_ns"]

_USUAL: Final = len("2026-11-21T15:00:01.000000001+00:00")
"""A time with nine digits behind the point; now and then one has fewer, as trailing zeros are cut in groups of three."""
_NANOS: Final = 10 ** np.arange(8, -1, -1, dtype=np.int64)
_ZONE: Final = np.frombuffer(b"+00:00", "u1")
_HAS_ZONE: Final = re.compile(r".{10}.*(?:[Zz]|[+-]\d\d(?::?\d\d)*)\Z", re.DOTALL).match
"""Finds a zone behind a time; the date before it has signs of its own."""


def time_ns(timestamp: str) -> int:
    """Read a record's time as nanoseconds since the epoch.

    Raises:
        ValueError: the text is no RFC 3339 time, or lies outside the years 1678 to 2261; the message says which.
    """
    try:
        value = parse_rfc3339(timestamp)
    except (ValueError, OverflowError):
        message = f"timestamp {timestamp[:40]!r} is not an RFC 3339 time"
        raise ValueError(message) from None
    if not -(1 << 63) < value < 1 << 63:
        message = f"timestamp {timestamp[:40]!r} is outside the years 1678 to 2261"
        raise ValueError(message)
    return value


class StampReader(dict[str, int]):
    """Reads times; knows the nanoseconds of each second that it has met, which neighbours share."""

    def __init__(self) -> None:
        super().__init__()
        self.without_zone: list[int] = []
        """Which of the times that were read last name no zone, and count as UTC."""

    def __missing__(self, second: str) -> int:
        self[second] = value = time_ns(f"{second}+00:00")
        return value

    def read(self, stamps: Sequence[str]) -> Ints:
        """Return the times in nanoseconds since the Unix epoch, UTC.

        Raises:
            ValueError: one of them is no time.
        """
        usual = np.fromiter(map(len, stamps), np.int64, len(stamps)) == _USUAL
        others, times = np.flatnonzero(~usual).tolist(), np.empty(len(stamps), np.int64)
        times[usual], are_zoned = self._read_usual(
            [stamp for stamp in stamps if len(stamp) == _USUAL] if others else stamps
        )
        times[others] = [time_ns(stamps[place]) for place in others]
        doubtful = others if are_zoned else range(len(stamps))
        self.without_zone = [place for place in doubtful if not _HAS_ZONE(stamps[place])]
        return times

    def _read_usual(self, stamps: Sequence[str]) -> tuple[Ints, bool]:
        """Return times of the usual length, and whether they all surely name a zone."""
        joined = "".join(stamps)
        if joined.isascii():
            signs = np.frombuffer(joined.encode(), "u1").reshape(-1, _USUAL)
            digits = signs[:, 20:29].astype(np.int64) - ord("0")
            fits = (signs[:, 19] == ord(".")).all() and (signs[:, 29:] == _ZONE).all()
            if fits and ((digits >= 0) & (digits <= 9)).all():
                return self._seconds(stamps, signs[:, :19], digits @ _NANOS), True
        return np.array([time_ns(stamp) for stamp in stamps], np.int64), False

    def _seconds(self, stamps: Sequence[str], signs: Ints, nanos: Ints) -> Ints:
        """Look up each second once for all neighbours that share it, and add the nanoseconds."""
        begins = np.ones(len(stamps), bool)
        (signs[1:] != signs[:-1]).any(axis=1, out=begins[1:])
        seconds = [self[stamps[row][:19]] for row in np.flatnonzero(begins).tolist()]
        times: Ints = np.array(seconds, np.int64)[np.cumsum(begins) - 1] + nanos
        return times
