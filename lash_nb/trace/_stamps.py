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
_SECOND: Final = len("2026-11-21T15:00:01")
_BEFORE, _BEHIND = "\0" * 4, "\0"
"""Stand around each time when many are looked at together: its parts then begin where numbers of eight bytes do. No time has such a sign."""
_ROW: Final = len(_BEFORE) + _USUAL + len(_BEHIND)
"""Bytes of such a time: three numbers hold all up to the point, one eight digits, the last one the ninth and the zone."""
_POINT: Final = np.uint64(ord("."))
_ZONE: Final = np.uint64(int.from_bytes(b"+00:00\0", "little"))
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
        times = self._read_alike(stamps)
        if times is not None:
            self.without_zone = []
            return times
        usual = np.fromiter(map(len, stamps), np.int64, len(stamps)) == _USUAL
        others, times = np.flatnonzero(~usual).tolist(), np.empty(len(stamps), np.int64)
        alike = [stamp for stamp in stamps if len(stamp) == _USUAL]
        found = self._read_alike(alike)
        times[usual] = [time_ns(stamp) for stamp in alike] if found is None else found
        times[others] = [time_ns(stamps[place]) for place in others]
        self.without_zone = _without_zone(stamps, range(len(stamps)) if found is None else others)
        return times

    def _read_alike(self, stamps: Sequence[str]) -> Ints | None:
        """Return the times if all of them have the usual length and layout, which names the zone."""
        text = f"{_BEFORE}{(_BEHIND + _BEFORE).join(stamps)}{_BEHIND}"
        if len(text) != _ROW * len(stamps) or not text.isascii():
            return None
        *begins, digits, last = np.frombuffer(text.encode(), "<u8").reshape(len(stamps), -1).T
        nanos, are_digits = _read_digits(digits, last & 0xFF)
        is_usual = not ((last >> 8) ^ _ZONE | (begins[-1] >> 56) ^ _POINT).any()
        return self._seconds(text, begins) + nanos if is_usual and are_digits else None

    def _seconds(self, text: str, begins: Sequence[Ints]) -> Ints:
        """Look up each second, once for all neighbours that share it."""
        early, middle, late = map(changes, begins)
        differs = early | middle | late
        places = np.flatnonzero(differs) * _ROW + len(_BEFORE)
        seconds = [self[text[place : place + _SECOND]] for place in places.tolist()]
        times: Ints = np.array(seconds, np.int64)[np.cumsum(differs) - 1]
        return times


def _without_zone(stamps: Sequence[str], places: Iterable[int]) -> list[int]:
    return [place for place in places if not _HAS_ZONE(stamps[place])]


def _read_digits(eight: Ints, last: Ints) -> tuple[Ints, bool]:
    """Read the nine digits of many times, eight of them as the bytes of one number; tell whether they are digits."""
    eight, last = eight ^ _ZEROS, last ^ ord("0")  # what is no digit becomes more than nine
    is_right = not ((eight | (eight + _SIXES)) & _HIGH_HALVES).any() and bool((last <= 9).all())
    pairs = eight * 10 + (eight >> 8)
    fours = (pairs & 0x00FF_00FF_00FF_00FF) * 100 + ((pairs >> 16) & 0x00FF_00FF_00FF_00FF)
    value = (fours & 0x0000_FFFF_0000_FFFF) * 10_000 + ((fours >> 32) & 0x0000_FFFF_0000_FFFF)
    return ((value & 0xFFFF_FFFF) * 10 + last).astype(np.int64), is_right
