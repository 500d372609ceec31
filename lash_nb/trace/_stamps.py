"""Times of records, many at once: the layout that nearly all have is read by cutting it at its fixed places."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from lash_nb.clock import parse_rfc3339
from lash_nb.trace._column import Ints
from lash_nb.trace._pairs import changes

__all__ = ["StampReader", "is_time", "time_ns"]

_USUAL: Final = len("2026-11-21T15:00:01.000000001+00:00")
"""A time with nine digits behind the point; now and then one has fewer, as trailing zeros are cut in groups of three."""
_FIELDS: Final = {"early": ("<u8", 0), "middle": ("<u8", 8), "late": ("<u8", 11), "point": ("u1", 19)} | {
    "digits": ("<u8", 20),
    "digit": ("u1", 28),
    "zone": ("S6", 29),
}
_LAYOUT: Final = np.dtype(
    {
        "names": list(_FIELDS),
        "formats": [kind for kind, _ in _FIELDS.values()],
        "offsets": [at for _, at in _FIELDS.values()],
        "itemsize": _USUAL,
    }
)
"""Where the parts of such a time lie; those that only have to be compared as numbers of eight bytes."""
_ZEROS: Final = np.uint64(0x3030_3030_3030_3030)
_SIXES: Final = np.uint64(0x0606_0606_0606_0606)
_HIGH_HALVES: Final = np.uint64(0xF0F0_F0F0_F0F0_F0F0)
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


def is_time(timestamp: str) -> bool:
    """Return whether `time_ns` can read it."""
    try:
        time_ns(timestamp)
    except ValueError:
        return False
    return True


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
        if set(map(len, stamps)) == {_USUAL}:
            times, are_zoned = self._read_usual(stamps)
            self.without_zone = [] if are_zoned else _without_zone(stamps, range(len(stamps)))
            return times
        usual = np.fromiter(map(len, stamps), np.int64, len(stamps)) == _USUAL
        others, times = np.flatnonzero(~usual).tolist(), np.empty(len(stamps), np.int64)
        times[usual], are_zoned = self._read_usual([stamp for stamp in stamps if len(stamp) == _USUAL])
        times[others] = [time_ns(stamps[place]) for place in others]
        doubtful = others if are_zoned else range(len(stamps))
        self.without_zone = _without_zone(stamps, doubtful)
        return times

    def _read_usual(self, stamps: Sequence[str]) -> tuple[Ints, bool]:
        """Return times of the usual length, and whether they all surely name a zone."""
        joined = "".join(stamps)
        if joined.isascii():
            table = np.frombuffer(joined.encode(), _LAYOUT)
            fits = (table["point"] == ord(".")).all() and (table["zone"] == b"+00:00").all()
            nanos, are_digits = _read_digits(table)
            if fits and are_digits:
                return self._seconds(stamps, table, nanos), True
        return np.array([time_ns(stamp) for stamp in stamps], np.int64), False

    def _seconds(self, stamps: Sequence[str], table: Ints, nanos: Ints) -> Ints:
        """Look up each second once for all neighbours that share it, and add the nanoseconds."""
        begins = changes(table["early"]) | changes(table["middle"]) | changes(table["late"])
        seconds = [self[stamps[row][:19]] for row in np.flatnonzero(begins).tolist()]
        times: Ints = np.array(seconds, np.int64)[np.cumsum(begins) - 1] + nanos
        return times


def _without_zone(stamps: Sequence[str], places: Iterable[int]) -> list[int]:
    return [place for place in places if not _HAS_ZONE(stamps[place])]


def _read_digits(table: Ints) -> tuple[Ints, bool]:
    """Read the nine digits of many times, eight of them as the bytes of one number; tell whether they are digits."""
    eight, last = table["digits"] ^ _ZEROS, table["digit"] ^ ord("0")  # what is no digit becomes more than nine
    is_right = not ((eight | (eight + _SIXES)) & _HIGH_HALVES).any() and bool((last <= 9).all())
    pairs = eight * 10 + (eight >> 8)
    fours = (pairs & 0x00FF_00FF_00FF_00FF) * 100 + ((pairs >> 16) & 0x00FF_00FF_00FF_00FF)
    value = (fours & 0x0000_FFFF_0000_FFFF) * 10_000 + ((fours >> 32) & 0x0000_FFFF_0000_FFFF)
    return (value & 0xFFFF_FFFF).astype(np.int64) * 10 + last, is_right
