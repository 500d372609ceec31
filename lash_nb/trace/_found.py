"""Records as they are found, before any of it is in the index: plain values, column by column."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from lash_nb.trace._column import Ints
from lash_nb.trace._facts import INDEXED_FACTS

__all__ = ["Found", "merged"]

_NONE: Final = np.array([], np.int64)


class Found:
    """What some records tell."""

    def __init__(self) -> None:
        self.numbers: dict[str, list[Ints]] = {name: [] for name in ("offset", "length", "line", "time_ns", "context")}
        """Columns of numbers, in parts: where each record is, its time, the number of its context."""
        self.facts: dict[str, tuple[list[Ints], list[Any]]] = {fact: ([], []) for fact in INDEXED_FACTS}
        """Which records have a fact, in parts, and its values."""
        self.without_zone: list[int] = []
        """Which records have a time that names no zone."""
        self.texts: dict[str, list[Any]] = {"type": [], "schema_version": [], "content": []}
        """What each record has for these members."""

    def __len__(self) -> int:
        return len(self.texts["type"])

    def number(self, name: str) -> Ints:
        """Return a column of numbers whole."""
        return np.concatenate([_NONE, *self.numbers[name]])

    def fact(self, name: str) -> tuple[Ints, list[Any]]:
        """Return which records have a fact, and its values, whole."""
        at, values = self.facts[name]
        return np.concatenate([_NONE, *at]), values

    def add_fact(self, name: str, at: Ints, values: Sequence[Any]) -> None:
        """Add those values of a fact that are there, before the records that have them.

        Args:
            name: The fact.
            at: Which of the records that are added next.
            values: What each of these has; None for nothing.
        """
        missing = values.count(None)
        if missing == len(values):
            return
        if missing:
            at = at[[value is not None for value in values]]
            values = [value for value in values if value is not None]
        places, found = self.facts[name]
        places.append(at + len(self))
        found.extend(values)

    def add(self, numbers: dict[str, Ints], texts: dict[str, list[Any]], without_zone: Iterable[int]) -> None:
        """Add records; `without_zone` says which of them have a time that names no zone."""
        self.without_zone += [place + len(self) for place in without_zone]
        for name, column in numbers.items():
            self.numbers[name].append(column)
        for name, values in texts.items():
            self.texts[name] += values

    def move(self, offset: int, line: int) -> None:
        """Count places from `offset` and lines from `line` on."""
        for name, shift in (("offset", offset), ("line", line)):
            self.numbers[name] = [column + shift for column in self.numbers[name]]

    def take(self, other: "Found") -> None:
        """Add what was found elsewhere."""
        for name, (places, values) in other.facts.items():
            self.facts[name][0].extend(at + len(self) for at in places)
            self.facts[name][1].extend(values)
        for name, columns in other.numbers.items():
            self.numbers[name] += columns
        self.without_zone += [place + len(self) for place in other.without_zone]
        for name, texts in other.texts.items():
            self.texts[name] += texts


def merged(parts: Iterable[Found]) -> Found:
    """Return all that was found, in this order."""
    whole = Found()
    for part in parts:
        whole.take(part)
    return whole
