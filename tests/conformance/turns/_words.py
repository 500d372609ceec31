"""The words of a scenario: what is not in a table is a clear failure of the scenario, never silently left out."""

from collections.abc import Collection, Iterator, Mapping
from typing import TypeVar

__all__ = ["UnknownWordsError", "look_up", "unknown_keys"]

V = TypeVar("V")


class UnknownWordsError(Exception):
    """The scenario says something that this interpreter has no row for."""

    def __init__(self, words: Collection[str]) -> None:
        super().__init__(f"not known to this interpreter: {', '.join(sorted(words))}")
        self.words = tuple(sorted(words))


def look_up(table: Mapping[str, V], word: str, place: str) -> V:
    """Return the row of `word`.

    Raises:
        UnknownWordsError: there is none.
    """
    if word not in table:
        raise UnknownWordsError([f"{place} {word}"])
    return table[word]


def unknown_keys(given: Collection[str], known: Collection[str], place: str) -> Iterator[str]:
    """Yield the keys that `place` does not know."""
    return (f"{place} key {key}" for key in given if key not in known)
