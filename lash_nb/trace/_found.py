"""Records as they are found, before any of it is in the index: what stands in their lines, and of that the facts, type by type."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, repeat
from typing import Any, Final

import numpy as np

from lash_nb.trace._column import Ints
from lash_nb.trace._facts import RECORD_TYPES
from lash_nb.trace._pairs import changes
from lash_nb.trace._peek import column_of, facts_of, fitting

__all__ = ["Found", "merged"]

_NONE: Final = np.array([], np.int64)
_UNKNOWN: Final = ""
"""Stands for all types that nobody knows: they are read alike."""
_TYPES: Final = (*RECORD_TYPES, _UNKNOWN)
_NUMBER_OF: Final = {name: number for number, name in enumerate(_TYPES)}


class Found:
    """What some records tell."""

    def __init__(self) -> None:
        self.numbers: dict[str, list[Ints]] = {name: [] for name in ("offset", "length", "line", "time_ns", "context")}
        """Columns of numbers, in parts: where each record is, its time, the number of its context."""
        self.without_zone: list[int] = []
        """Which records have a time that names no zone."""
        self.runs: list[tuple[list[Any], bool]] = []
        """The members that the index keeps of all records, in parts, and whether those of a part are in the loose shape."""
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def number(self, name: str) -> Ints:
        """Return a column of numbers whole."""
        return np.concatenate([_NONE, *self.numbers[name]])

    def texts(self, member: str) -> list[Any]:
        """Return what the records have for a member of their head; None for what is no text, or no number where one belongs."""
        texts = []
        for peeks, is_loose in self.runs:
            values = column_of(member)(peeks)
            texts += fitting(member)(values) if is_loose else values
        return texts

    def facts(self) -> Iterator[tuple[str, Ints, Sequence[Any]]]:
        """Yield facts of all records of one type: the fact, which records these are, and what each has, None for nothing; one value for all as such."""
        first = 0
        for peeks, is_loose in self.runs:
            for fact, at, values in _facts(peeks, is_loose=is_loose):
                yield fact, at + first, values
            first += len(peeks)

    def add(
        self, peeks: Sequence[Any], numbers: dict[str, Ints], without_zone: Iterable[int], *, is_loose: bool
    ) -> None:
        """Add records.

        Args:
            peeks: Their members that the index keeps.
            numbers: Their columns of numbers.
            without_zone: Which of them have a time that names no zone.
            is_loose: Whether the members are in the loose shape.
        """
        self.without_zone += [place + len(self) for place in without_zone]
        for name, column in numbers.items():
            self.numbers[name].append(column)
        self._add_run(peeks, is_loose=is_loose)

    def move(self, offset: int, line: int) -> None:
        """Count places from `offset` and lines from `line` on."""
        for name, shift in (("offset", offset), ("line", line)):
            self.numbers[name] = [column + shift for column in self.numbers[name]]

    def take(self, other: "Found") -> None:
        """Add what was found elsewhere."""
        self.without_zone += [place + len(self) for place in other.without_zone]
        for name, columns in other.numbers.items():
            self.numbers[name] += columns
        for peeks, is_loose in other.runs:
            self._add_run(peeks, is_loose=is_loose)

    def _add_run(self, peeks: Sequence[Any], *, is_loose: bool) -> None:
        if not self.runs or self.runs[-1][1] != is_loose:
            self.runs.append(([], is_loose))
        self.runs[-1][0].extend(peeks)
        self._size += len(peeks)


def merged(parts: Iterable[Found]) -> Found:
    """Return all that was found, in this order."""
    whole = Found()
    for part in parts:
        whole.take(part)
    return whole


def _facts(peeks: Sequence[Any], *, is_loose: bool) -> Iterator[tuple[str, Ints, Sequence[Any]]]:
    """Yield the facts of records, all records of one type at once; their type first, a known one only once for all of them."""
    numbers = _type_numbers([peek.type for peek in peeks])
    order = np.argsort(numbers, kind="stable")
    in_order = np.fromiter(peeks, object, len(peeks))[order].tolist()
    edges = pairwise([*np.flatnonzero(changes(numbers[order])).tolist(), len(peeks)])
    for begin, end in sorted(edges, key=lambda edge: order[edge[0]]):  # types in the order in which they first came
        alike, at = in_order[begin:end], order[begin:end]
        known = _TYPES[numbers[at[0]]]
        yield "type", at, [known] if known else [peek.type for peek in alike]
        for fact, values_of in facts_of(known, is_loose=is_loose):
            yield fact, at, values_of(alike)


def _type_numbers(types: Sequence[str]) -> Ints:
    try:
        numbers = bytes(map(_NUMBER_OF.__getitem__, types))
    except KeyError:
        numbers = bytes(map(_NUMBER_OF.get, types, repeat(_NUMBER_OF[_UNKNOWN])))
    return np.frombuffer(numbers, "u1")
