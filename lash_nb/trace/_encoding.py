"""Where lines end, and whether bytes are text: both in one look, faster than a decoder tells."""

import codecs
from typing import Final

import numpy as np

from lash_nb.trace._column import Ints

__all__ = ["SLICE", "ends_and_encoding", "is_utf8"]

SLICE: Final = 1 << 15
"""Bytes whose encoding is checked at once: the text that the check makes and throws away stays in the cache."""
_WORD: Final = 8
_AT_ONCE: Final = 1 << 15
"""Words that are looked at together: what is computed for each of their bytes stays in the cache, too."""
_LARGE: Final = 1 << 22
"""One long line is looked at slice by slice: what is computed for all its words at once would be as large as itself."""
_LINE_FEED: Final = ord("\n")
_FIRST_PLAIN: Final = np.int8(ord(" "))
"""As signed numbers all bytes of control characters are below it, and so are those of what is no ASCII."""
_FIRST_ASCII: Final = np.int8(0)
_FIRST_OF_CHARACTER: Final = np.int8(-0x40)
"""Below it are the bytes that continue a character."""


def ends_and_encoding(data: bytes | memoryview) -> tuple[Ints, bool]:
    """Return where the line feeds are, and whether all of it is text.

    Most words of eight bytes are plain ASCII all through: only the others are looked at closely.
    """
    if len(data) > _LARGE:
        return np.flatnonzero(np.frombuffer(data, "u1") == _LINE_FEED), is_utf8(data)
    words, rest, at = _split(data, _FIRST_PLAIN)
    places = np.flatnonzero(words.view("u1") == _LINE_FEED)
    ends = _bytes_of(at, places)
    if _LINE_FEED in rest:
        behind = len(data) - len(rest)
        ends = np.append(ends, [behind + place for place, sign in enumerate(rest) if sign == _LINE_FEED])
    return ends, _are_utf8(words, rest, at)


def is_utf8(data: bytes | memoryview) -> bool:
    """Tell whether bytes are text."""
    return _is_utf8(memoryview(data)) if len(data) > _LARGE else _are_utf8(*_split(data, _FIRST_ASCII))


def _split(data: bytes | memoryview, plain: np.int8) -> tuple[Ints, bytes, Ints]:
    """Return the words that have a byte below `plain`, and the last one; the bytes behind that; and which words these are."""
    size = len(data) // _WORD
    signs = np.frombuffer(data, "i1", size * _WORD)
    room = np.zeros(-(-size // _WORD) * _WORD, bool)
    marks = room[:size]
    for first in range(0, size, _AT_ONCE):
        few = slice(first * _WORD, (first + _AT_ONCE) * _WORD)
        np.not_equal((signs[few] < plain).view("u8"), 0, out=marks[first : first + _AT_ONCE])
    marks[-1:] = True
    eights = room.view("u8")  # most of them have no mark: those that have are soon found
    marked = np.flatnonzero(eights != 0)
    at = _bytes_of(marked, np.flatnonzero(eights[marked].view(bool)))
    return signs.view("<u8")[at], bytes(data[len(signs) :]), at


def _bytes_of(at: Ints, places: Ints) -> Ints:
    """Return where bytes are all in all which have these places among those of the words `at`."""
    found: Ints = (at[places >> 3] << 3) + (places & 7)
    return found


def _are_utf8(words: Ints, rest: bytes, at: Ints) -> bool:
    """Tell whether bytes are text of which all that is no ASCII is in these words and behind the last one.

    What lies between two words is ASCII: no character goes on behind it.
    """
    goes_on = words.view("i1")[_WORD::_WORD] < _FIRST_OF_CHARACTER
    return not (goes_on & (np.diff(at) != 1)).any() and _is_utf8(memoryview(words.tobytes() + rest))


def _is_utf8(text: memoryview) -> bool:
    done = 0
    try:
        while done < len(text):
            whole = done + SLICE >= len(text)
            done += codecs.utf_8_decode(text[done : done + SLICE], "strict", whole)[1]
    except UnicodeDecodeError:
        return False
    return True
