"""Number tokens as the reference reads them (lash 0.1.0-alpha.37, effect wire format §1.3, §1.5).

Rule 1: what the reference refuses as out of range is refused; it multiplies a truncated significand by a power of ten, and the product may
overflow although the number itself does not, and the other way round.
Rule 2: what it accepts is rounded correctly, where the reference may be off by a bit or two.
"""

import math
import re
import sys
from typing import Final

from lash_nb.wire._visit import Fault

__all__ = ["is_short", "read_float", "read_integer"]

_LARGEST: Final = sys.float_info.max
_NEAR_THE_END: Final = 1.797e308
"""The reference's own rounding errors are a few bits: whatever is smaller does not overflow there either."""
_TOKEN: Final = re.compile(r"-?(\d+)(?:\.(\d+))?(?:[eE]\+?(-?)0*(\d+))?")


def is_short(value: int) -> bool:
    """Tell whether 64 bits hold an integer, with a sign or without."""
    return -(2**63) <= value < 2**64


def read_integer(token: str) -> int | float:
    """Return an integer token as an integer of 64 bits or, if it is none, as a float; `-0` is the float `-0.0`."""
    value = int(token) if len(token) <= 20 else 2**64
    return value if is_short(value) and str(value) == token else read_float(token)


def read_float(token: str) -> float:
    """Return a number token as a float.

    Raises:
        Fault: the reference finds that no double can hold it.
    """
    value = float(token)
    if abs(value) < _NEAR_THE_END:
        return value
    if _overflows(token):
        raise Fault(f"{token[:40]}… is too large for a number; write it as a string")
    return max(-_LARGEST, min(value, _LARGEST))


def _overflows(token: str) -> bool:
    """Tell whether the reference's parsing of a token near the end of the range, or beyond, ends in infinity."""
    whole, fraction, sign, exponent = re.fullmatch(_TOKEN, token).groups("")  # type: ignore[union-attr]  # numbers have no other form
    significand, kept = _significand(0, whole)
    significand, decimals = _significand(significand, fraction)
    if len(exponent) > 9:
        return True
    power = len(whole) - kept - decimals + int(f"{sign}{exponent or 0}")
    return power > 308 or math.isinf(significand * float(f"1e{power}"))


def _significand(start: int, digits: str) -> tuple[int, int]:
    """Return `start` with as many digits behind it as 64 bits hold, and how many these are."""
    for count, digit in enumerate(digits):
        longer = start * 10 + int(digit)
        if longer >= 2**64:
            return start, count
        start = longer
    return start, len(digits)
