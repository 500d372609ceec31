r"""Finding text in records: what a person reads in a line of JSON, in any case, with any blanks between two words.

Every escape of a line stands for a character of one of its texts: with these written out the line is its own reading (`é` for `\u00e9`, a
quote for `\"`), and text is looked for as it stands there. That is done for the few lines only that hold a part of the words in one of the
spellings that JSON has for it; all others are passed over as bytes. Both take time in proportion to the bytes, whatever these are.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lash_nb.errors import CallerError
from lash_nb.trace import Trace

__all__ = ["Search", "folded", "spellings", "words_pattern"]

_LONGEST: Final = 1_000
"""Characters of the longest text that is looked for."""
_ODD: Final[Mapping[str, str]] = {
    "i": "\u0130",
    "k": "\u212a",
    "\u0307": "\u0130",
    "å": "\u212b",
    "ω": "\u2126",
    "θ": "\u03f4",
    "σ": "ς",
    "ß": "ẞ",
}
"""Letters that are folded to another one, which no change of case leads back to."""
_PLAIN: Final = re.compile(r"[a-z0-9_.;!?()<>=+*#@$%&|~^'`\[\]{}-]+")
"""Runs of signs that JSON writes as they are, unless it writes them as the escapes that `_NEEDLESS` finds."""
_NEEDLESS: Final = re.compile(rb"\\u00[2-7]")
"""An escape that nobody needs: a printable ASCII character."""
_LONGEST_ESCAPE: Final = 5
"""Bytes that stand in an escape before its last one."""
_ESCAPE: Final = re.compile(r"\\(?:(u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*)|(.))", re.DOTALL)
"""An escape of a line, or several that stand for UTF-16 units: two of them may be one character."""
_SHORT: Final[Mapping[str, str]] = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "b": "\b"}
_QUOTES_AND_BLANKS: Final = re.compile(r'[ ,:"\\]+')
_SPACED: Final = re.compile(r"[ ,:]")
"""Where one may write blanks or not."""
_QUOTED: Final = re.compile(r'(?<!\\)\\++"')
"""A quote in text that is itself quoted in a text, as JSON in JSON is; a run of backslashes is looked at once."""


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
        self._wanted: Final = _evenly_spaced(folded(words))
        self._unquoted: Final = _without_quoting(self._wanted) if '\\"' in self._wanted else self._wanted
        self._pieces: Final = _QUOTES_AND_BLANKS.split(self._wanted)
        self._is_spaced: Final = _SPACED.search(self._wanted) is not None
        self._part, self._forms = _part_of(self._unquoted)
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

    def says(self, line: bytes) -> bool:
        """Return whether the words stand in this line of JSON."""
        text = folded(_reading(line))
        if not all(piece in text for piece in self._pieces):
            return False
        text = _evenly_spaced(text) if self._is_spaced else text
        is_quoting = '\\"' in text or self._unquoted is not self._wanted
        return self._wanted in text or (is_quoting and self._unquoted in _without_quoting(text))

    def _hits(self, data: bytes, starts: list[int], ends: list[int]) -> list[int]:
        """Return which of the lines that stand between `starts` and `ends` in these bytes say it."""
        seen = self._seen_parts(data, starts, ends) if self._forms else dict.fromkeys(range(len(starts)), False)
        return [place for place, is_sure in seen.items() if is_sure or self.says(data[starts[place] : ends[place]])]

    def _seen_parts(self, data: bytes, starts: list[int], ends: list[int]) -> dict[int, bool]:
        """Return the lines that may say it, and whether they surely do: where the part is all that is looked for, and is in no escape."""
        plain = data.lower()
        seen = dict.fromkeys((place for place, _ in _lines_with(_finder(_NEEDLESS, data), starts, ends)), False)
        is_all = self._part == self._wanted
        for form in self._forms:
            is_whole = is_all and form == self._part.encode(errors="surrogatepass")
            for place, at in _lines_with(_finder(form, plain), starts, ends):
                before = plain[max(starts[place], at - _LONGEST_ESCAPE) : at]
                seen[place] = seen.get(place, False) or (is_whole and b"\\" not in before)
        return seen


def folded(text: str) -> str:
    """Return text without its case: each character becomes the same whatever stands around it."""
    return text.lower().replace("ς", "σ")


def spellings(sign: str) -> Iterator[str]:
    """Yield the single characters that a folded one may have been before."""
    forms = (sign, sign.upper(), sign.title(), _ODD.get(sign, sign))
    return (form for form in dict.fromkeys(forms) if len(form) == 1)


def words_pattern(text: str) -> re.Pattern[str]:
    """Return what finds the words in text that is shown, on one line or as JSON."""
    pieces = [_shown_piece(piece) for piece in text.split()]
    return re.compile(r"\s+".join(pieces) if pieces else "(?!)", re.IGNORECASE)


def _shown_piece(piece: str) -> str:
    """A pattern for words between blanks; a quote may be quoted, and behind a comma or a colon may be a blank."""
    parts = re.split(r'(\\*"|[,:](?!$))', piece)
    return "".join(
        r'(?<!\\)\\*+"' if part.endswith('"') else re.escape(part) + (r"\s*" if part in (",", ":") else "")
        for part in parts
    )


def _evenly_spaced(text: str) -> str:
    """Put one blank in place of all that stand together, and none behind a comma or a colon, where JSON may have one or not."""
    return " ".join(text.split()).replace(", ", ",").replace(": ", ":")


def _without_quoting(text: str) -> str:
    return _QUOTED.sub('"', text)


def _reading(line: bytes) -> str:
    """Write out the escapes of a line of JSON."""
    text = line.decode(errors="replace")
    return _ESCAPE.sub(_written_out, text) if "\\" in text else text


def _written_out(escape: re.Match[str]) -> str:
    units, sign = escape.groups()
    if units is None:
        return _SHORT.get(sign, sign)
    return bytes.fromhex(units.replace("\\u", "")[1:]).decode("utf-16-be", errors="surrogatepass")


def _part_of(wanted: str) -> tuple[str, Sequence[bytes]]:
    """Return a part of the words that every hit holds, and the bytes that it may be written with, in small ASCII letters.

    The longest run of plain signs has one spelling or two; a letter of another script, a slash and a backslash have few; quotes, commas,
    colons and blanks are everywhere.
    """
    if runs := _PLAIN.findall(wanted):
        longest = max(runs, key=len)
        odd = [_ODD[sign] for sign in "ik" if sign in longest]
        return longest, [longest.encode(), *(form for sign in odd for form in _written(sign))]
    for sign in wanted:
        if sign == "\\":
            return sign, [rb"\\"]
        if sign == "/" or (not sign.isascii() and not sign.isspace()):
            return sign, list(dict.fromkeys(form for one in spellings(sign) for form in _written(one)))
    return "", ()


def _written(sign: str) -> tuple[bytes, bytes]:
    """A character as bytes, and as an escape."""
    unit = int.from_bytes(sign.encode("utf-16-be", errors="surrogatepass")[:2], "big")
    return sign.encode(errors="surrogatepass"), b"\\u%04x" % unit


_Finder = Callable[[int], int]
"""Returns the place of the next find from a place on, -1 for none."""


def _finder(wanted: re.Pattern[bytes] | bytes, data: bytes) -> _Finder:
    if isinstance(wanted, bytes):
        return lambda start: data.find(wanted, start)

    def find(start: int) -> int:
        match = wanted.search(data, start)
        return match.start() if match else -1

    return find


def _lines_with(find: _Finder, starts: list[int], ends: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the lines in which something is found, and where it is found first."""
    at = find(starts[0])
    while at >= 0:
        place = bisect_right(starts, at) - 1
        if at < ends[place]:
            yield place, at
        at = find(starts[place + 1]) if place + 1 < len(starts) else -1


_Block = tuple[NDArray[Any], bytes, NDArray[Any], NDArray[Any]]
"""Records, the bytes in which they lie, and where each begins and ends in them."""


def _blocks(trace: Trace, rows: NDArray[Any]) -> Iterator[_Block]:
    """Yield the records with their bytes; neighbors are read at once, a megabyte at most."""
    first = 0
    for data, starts, ends in trace.blocks(rows):
        yield rows[first : first + len(starts)], data, starts, ends
        first += len(starts)
