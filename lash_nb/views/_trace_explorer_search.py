r"""Finding text in records without decoding them: the bytes of a line are searched for every way in which JSON may spell the words.

What is looked for is what a person reads, in any case: `é` also stands as `\u00e9`, a quote as `\"`, a space as `\n`. A cheap look for a
part of the words that has one spelling only comes first; only where it is found (or where printable letters are escaped) the exact pattern runs.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lash_nb.errors import CallerError
from lash_nb.trace import Trace

__all__ = ["Search", "words_pattern"]

_LONGEST: Final = 1_000
"""Characters of the longest text that is looked for."""
_PARTS: Final = re.compile(r"\\+|[^\\]", re.DOTALL)
"""Runs of backslashes, and all other characters one by one."""
_SPELLED: Final = 16
"""Bytes of the longest usual spelling of a character: a pair of escapes behind a few backslashes."""
_SHORT: Final = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.,:;!?()<>=+*#@$%&|~^'\[\]{}-]+")
"""Runs of letters and signs that JSON writes as they are (or as an escape that `_ESCAPED` finds)."""
_ESCAPED: Final = re.compile(rb"\\u00[2-7]")
"""An escape that nobody needs: a printable ASCII letter."""
_UNFINISHED: Final = re.compile(rb"(?:^|[^\\])(?:\\\\)*\\(?:u[0-9a-fA-F]{0,3})?\Z")


class Search:
    """The records in which some words stand; remembers where it looked, so that another filter or a grown trace costs only what is new."""

    def __init__(self, words: str) -> None:
        if len(words) > _LONGEST:
            message = (
                f"The text to look for has {len(words):,} characters: give at most {_LONGEST:,}, e.g. its first words."
            )
            raise CallerError(message)
        self.words: Final = words
        """What is looked for, blanks at its ends taken off by the caller."""
        self._pattern: Final = _bytes_pattern(words)
        place, self._anchors = _anchors(words)
        self._before: Final = _SPELLED * place
        self._may_start_escaped: Final = words[:1] == "\\"
        self._seen: NDArray[Any] = np.zeros(0, dtype=np.int8)

    def among(self, trace: Trace, rows: NDArray[Any]) -> NDArray[Any]:
        """Return those of `rows`, which ascend, that say it."""
        new = len(trace) - len(self._seen)
        self._seen = np.concatenate([self._seen, np.zeros(new, dtype=np.int8)]) if new > 0 else self._seen
        unknown = rows[self._seen[rows] == 0]
        for some, data, starts, ends in _blocks(trace, unknown) if len(unknown) else ():
            self._seen[some] = -1
            self._seen[some[self._hits(data, starts.tolist(), ends.tolist())]] = 1
        found: NDArray[Any] = rows[self._seen[rows] > 0]
        return found

    def says(self, line: bytes, near: int = 0) -> bool:
        """Return whether the words stand in this line of JSON; `near` is where a part of them was seen, and where to look first."""
        start = max(0, near - self._before)
        return self._matches(line, start) or (start > 0 and self._matches(line, 0))

    def _matches(self, line: bytes, start: int) -> bool:
        return any(self._stands_alone(line, match.start()) for match in self._pattern.finditer(line, start))

    def _hits(self, data: bytes, starts: list[int], ends: list[int]) -> list[int]:
        """Return which of the lines that stand between `starts` and `ends` in these bytes say it."""
        seen = self._seen_parts(data, starts, ends) if self._anchors else dict.fromkeys(range(len(starts)), 0)
        return [place for place, at in seen.items() if self.says(data[starts[place] : ends[place]], at - starts[place])]

    def _seen_parts(self, data: bytes, starts: list[int], ends: list[int]) -> dict[int, int]:
        """Return the lines that hold an anchor, and where, or an escape that could hide one."""
        escapes = (match.start() for match in _ESCAPED.finditer(data))
        seen = {place: 0 for at in escapes if at < ends[place := bisect_right(starts, at) - 1]}
        plain = data.lower()
        for anchor in self._anchors:
            at = plain.find(anchor)
            while at >= 0:
                place = bisect_right(starts, at) - 1
                if at < ends[place]:
                    seen[place] = min(at, seen.get(place, at))
                at = plain.find(anchor, starts[place + 1]) if place + 1 < len(starts) else -1
        return seen

    def _stands_alone(self, line: bytes, start: int) -> bool:
        r"""Whether a match does not begin within an escape: the `n` of `\n` is no letter."""
        return self._may_start_escaped or not _UNFINISHED.search(line, max(0, start - 64), start)


def _anchors(words: str) -> tuple[int, tuple[bytes, ...]]:
    """Return where a part stands that every hit holds, and its spellings in small letters: cheap to look for.

    The longest run of plain letters has one; a letter of another script has few; quotes, backslashes and blanks have none that helps.
    """
    if runs := sorted(_PLAIN.finditer(words), key=lambda run: -len(run[0])):
        return runs[0].start(), (runs[0][0].lower().encode(),)
    for place, sign in enumerate(words):
        if not sign.isascii() and not sign.isspace():
            forms = {sign, sign.lower(), sign.upper(), sign.title()}
            raw = {form.encode(errors="surrogatepass") for form in forms}
            return place, (*raw, *{b"\\u%04x" % next(_units(form)) for form in forms})
    return 0, ()


def words_pattern(words: str) -> re.Pattern[str]:
    """Return what finds the words in text that is shown, on one line or as JSON."""
    pieces = [re.escape(piece).replace('"', r'\\*"') for piece in words.split()]
    return re.compile(r"\s+".join(pieces) if pieces else "(?!)", re.IGNORECASE)


_Block = tuple[NDArray[Any], bytes, NDArray[Any], NDArray[Any]]
"""Records, the bytes in which they lie, and where each begins and ends in them."""


def _blocks(trace: Trace, rows: NDArray[Any]) -> Iterator[_Block]:
    """Yield the records with their bytes; neighbors are read at once, a megabyte at most."""
    first = 0
    for data, starts, ends in trace.blocks(rows):
        yield rows[first : first + len(starts)], data, starts, ends
        first += len(starts)


def _bytes_pattern(words: str) -> re.Pattern[bytes]:
    pieces, before = [], ""
    for part in _PARTS.findall(words):
        piece = _backslashes(len(part)) if part[0] == "\\" else _piece(part, before)
        pieces.append(piece.replace(rb"\\+", rb"\\*") if before == "\\" else piece)
        before = part[0]
    return re.compile(b"".join(pieces), re.IGNORECASE)


def _backslashes(count: int) -> bytes:
    """A pattern for a run of backslashes, which takes all that there are, or the search would try each way to share them out."""
    return rb"(?:(?<!\\)\\{%d,}+|(?:\\+u005[cC]){%d})" % (count, count)


def _piece(sign: str, before: str) -> bytes:
    """A pattern for one character in every spelling; behind a colon or a comma the space of printed JSON may be missing."""
    if sign.isspace():
        return b"" if before.isspace() else _gap() + (b"*" if before in ":," else b"+")
    if sign == '"':
        return rb'\\*(?:"|\\u0022)'
    return b"(?:" + b"|".join(dict.fromkeys(_spellings(sign))) + b")"


@cache
def _gap() -> bytes:
    """A pattern for any blank, as lines are shown with one for all of them."""
    blanks = (chr(code) for code in range(0x3001) if chr(code).isspace())
    return b"(?:" + b"|".join(dict.fromkeys(spelling for blank in blanks for spelling in _spellings(blank))) + b")"


def _spellings(sign: str) -> Iterator[bytes]:
    for form in (sign, sign.lower(), sign.upper(), sign.title()):
        yield re.escape(form.encode(errors="surrogatepass"))
        yield b"".join(rb"\\+u" + b"%04x" % unit for unit in _units(form))
        if form in _SHORT:
            yield rb"\\+" + _SHORT[form].encode()
        if form == "/":
            yield rb"\\+/"


def _units(text: str) -> Iterator[int]:
    """The UTF-16 units of a text, as JSON escapes them."""
    data = text.encode("utf-16-be", errors="surrogatepass")
    return (int.from_bytes(data[place : place + 2], "big") for place in range(0, len(data), 2))
