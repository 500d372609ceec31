"""Turns as a person names them: by their place in the trace."""

from typing import Final

from lash_nb.errors import CallerError
from lash_nb.words import legible

__all__ = ["turn_places"]

_LONGEST: Final = 40
"""Characters of two numbers of 64 bits."""


def turn_places(words: str | None) -> range | None:
    """Read `41-60` or `7`: places of turns, counted from 1; None stays None.

    Raises:
        CallerError: it is neither.
    """
    if words is None:
        return None
    first, _, last = words.partition("-")
    if (
        len(words) <= _LONGEST
        and first.isdecimal()
        and (last or first).isdecimal()
        and 0 < int(first) <= int(last or first)
    ):
        return range(int(first), int(last or first) + 1)
    message = f"--turns takes places of turns as 41-60 or 7, not {legible(repr(words), 60)}"
    raise CallerError(message)
