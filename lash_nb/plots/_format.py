"""How a number, an id or a text is written wherever a person reads it: tables, plots, views, terminal.

One rule each, so that the same fact reads the same everywhere. A value that is not known is an empty string; zero is zero.
"""

import re
from typing import Final

from lash_nb.words import counted, printable

__all__ = [
    "byte_size",
    "counted",
    "duration",
    "one_line",
    "printable",
    "recorded_duration",
    "short_id",
    "tick_time",
    "token_count",
]

_OPAQUE_ID: Final = re.compile(r"[a-z]?[0-9a-f]{8}[0-9a-f-]{4,}")
"""UUIDs, content hashes, and those with one letter in front (message ids): nobody reads more than the beginning."""

_NAMED_ID_LIMIT: Final = 24
_TOKEN_UNITS: Final = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))
_BYTE_UNITS: Final = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))


def duration(ms: float | None) -> str:
    """Write milliseconds as `340 ms`, `1.2 s`, `3 min 05 s` or `2 h 10 min`; below one millisecond as `0.4 ms`, and less than that as `< 0.1 ms`: only nothing is `0 ms`."""
    if ms is None or ms != ms:  # noqa: PLR0124 - the shortest test for NaN, which a pandas cell may hold
        return ""
    if ms < 0:
        return f"-{duration(-ms)}"
    if ms < 999.5:
        return _milliseconds(ms)
    if ms < 59_950:
        return f"{ms / 1000:.1f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def _milliseconds(ms: float) -> str:
    if 0 < ms < 0.05:
        return "< 0.1 ms"
    return f"{ms:.1f} ms" if 0.05 <= ms < 0.95 else f"{ms:.0f} ms"


def recorded_duration(ms: float | None) -> str:
    """Write as `duration` what a record says that something took: in whole milliseconds, so that of zero it is `< 1 ms`."""
    return "< 1 ms" if ms == 0 else duration(ms)


def tick_time(ms: float) -> str:
    """Write the time at a tick; below ten milliseconds ticks stand between whole ones, and are not rounded."""
    return f"{ms:g} ms" if ms < 10 else duration(ms)


def token_count(count: float | None) -> str:
    """Write a number of tokens as `446`, `12.4k`, `3.1M`."""
    return _scaled(count, _TOKEN_UNITS, "")


def byte_size(count: float | None) -> str:
    """Write a number of bytes as `512 B`, `10.9 kB`, `4.2 MB` (decimal units)."""
    return _scaled(count, _BYTE_UNITS, " ", base=" B")


def short_id(text: str | None) -> str:
    """Shorten an opaque id (hash, UUID) to 8 characters; an id that somebody named keeps up to 24."""
    if text is None:
        return ""
    if _OPAQUE_ID.fullmatch(text):
        return text[:8]
    return one_line(text, limit=_NAMED_ID_LIMIT)


def one_line(text: str, limit: int = 80) -> str:
    """Put text on one line of at most `limit` characters, cut with `…`; what cannot be printed becomes `�`."""
    head = text[: 8 * limit]
    line = printable(" ".join(head.split()))
    if len(line) <= limit and len(head) == len(text):
        return line
    return line[: limit - 1].rstrip() + "…"


def _scaled(count: float | None, units: tuple[tuple[int, str], ...], space: str, base: str = "") -> str:
    if count is None or count != count:  # noqa: PLR0124 - NaN, as above
        return ""
    for size, unit in units:
        # 999,950 already rounds to 1000.0 of the smaller unit.
        if abs(count) >= size * (1 if size == 1_000 else 0.99995):
            return f"{count / size:.1f}{space}{unit}"
    return f"{count:.0f}{base}"
