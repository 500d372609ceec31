"""Where lines end, and whether bytes are text: both in one look, faster than a decoder tells."""

import codecs
from typing import Final

import numpy as np

from lash_nb.trace._column import Ints

__all__ = ["SLICE", "ends_and_encoding", "is_utf8"]

SLICE: Final = 1 << 15
"""Bytes whose encoding is checked at once: the text that the check makes and throws away stays in the cache."""
_WORD: Final = 8
_LARGE: Final = 1 << 22
"""One long line is looked at slice by slice: what is computed for all its words at once would be as large as itself."""
_LINE_FEED: Final = ord("\n")
_FIRST_PLAIN: Final = np.int8(ord(" "))
"""As signed numbers all bytes of control characters are below it, and so are those of what is no ASCII."""
_HIGH_BITS: Final = np.uint64(0x8080_8080_8080_8080)


def ends_and_encoding(data: bytes | memoryview) -> tuple[Ints, bool]:
    """Return where the line feeds are, and whether all of it is text.

    Most words of eight bytes are plain ASCII all through: only the others are looked at closely.
    """
    if len(data) > _LARGE:
        return np.flatnonzero(np.frombuffer(data, "u1") == _LINE_FEED), is_utf8(data)
    size = len(data) // _WORD
    words, rest = np.frombuffer(data, "u8", size), bytes(data[size * _WORD :])
    marks = np.frombuffer(data, "i1", size * _WORD) < _FIRST_PLAIN
    at = _with_next(marks.view("u8") != 0)
    read = words[at]
    is_end = read.view("u1") == _LINE_FEED
    rows = np.flatnonzero(is_end.view("u8") != 0)
    places = np.flatnonzero(is_end.reshape(-1, _WORD)[rows])
    ends = at[rows[places // _WORD]] * _WORD + places % _WORD
    if _LINE_FEED in rest:
        ends = np.append(ends, [size * _WORD + place for place, sign in enumerate(rest) if sign == _LINE_FEED])
    return ends, _is_utf8(memoryview(read.tobytes() + rest))


def is_utf8(data: bytes | memoryview) -> bool:
    """Tell whether bytes are text."""
    if len(data) > _LARGE:
        return _is_utf8(memoryview(data))
    size = len(data) // _WORD
    words, rest = np.frombuffer(data, "u8", size), bytes(data[size * _WORD :])
    read = words[_with_next((words & _HIGH_BITS) != 0)]
    return _is_utf8(memoryview(read.tobytes() + rest))


def _with_next(marks: Ints) -> Ints:
    """Return the places of marked words, each with the word behind it, which ends a character that has no end of its own."""
    marks[1:] |= marks[:-1].copy()
    return np.flatnonzero(marks)


def _is_utf8(text: memoryview) -> bool:
    done = 0
    try:
        while done < len(text):
            whole = done + SLICE >= len(text)
            done += codecs.utf_8_decode(text[done : done + SLICE], "strict", whole)[1]
    except UnicodeDecodeError:
        return False
    return True
