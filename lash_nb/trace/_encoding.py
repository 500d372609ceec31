"""Whether bytes are text, faster than a decoder tells."""

import codecs
from typing import Final

import numpy as np

__all__ = ["SLICE", "is_utf8"]

SLICE: Final = 1 << 15
"""Bytes whose encoding is checked at once: the text that the check makes and throws away stays in the cache."""
_WORD: Final = 8
_LARGE: Final = 1 << 22
"""One long line is checked slice by slice: what is computed for all its words at once would be as large as itself."""
_HIGH_BITS: Final = np.uint64(0x8080_8080_8080_8080)


def is_utf8(data: bytes | memoryview) -> bool:
    """Tell whether bytes are text.

    Most words of eight bytes are ASCII all through: only the others are decoded, each with the word behind it, which ends a character that
    has no end of its own.
    """
    if len(data) > _LARGE:
        return _is_utf8(memoryview(data))
    size = len(data) // _WORD
    words = np.frombuffer(data, "u8", size)
    is_read = (words & _HIGH_BITS) != 0
    is_read[1:] |= is_read[:-1].copy()
    rest = bytes(data[size * _WORD :])
    return _is_utf8(memoryview(words[np.flatnonzero(is_read)].tobytes() + rest))


def _is_utf8(text: memoryview) -> bool:
    done = 0
    try:
        while done < len(text):
            whole = done + SLICE >= len(text)
            done += codecs.utf_8_decode(text[done : done + SLICE], "strict", whole)[1]
    except UnicodeDecodeError:
        return False
    return True
