"""The different contexts of a trace: neighbours share them, so each is read once."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from lash_nb.trace._column import Codes, Grown, Ints
from lash_nb.trace._facts import CONTEXT_FACTS
from lash_nb.trace._pairs import joined, numbered
from lash_nb.trace._peek import NO_INT, read_contexts

__all__ = ["CONTEXT_NUMBERS", "ContextTable"]

CONTEXT_NUMBERS: Final = ("turn_index", "protocol_iteration")
"""Facts of a context that are numbers; the others are texts."""

_REMEMBERED: Final = 1 << 20
"""Bytes of contexts that are known again by their text; one that comes back later is stored twice, which costs memory but is not wrong."""


class ContextTable:
    """One row per context, found by the text that it has in a record."""

    def __init__(self, codes: Mapping[str, Codes]) -> None:
        self._codes = codes
        self._columns = {name: Grown("i8" if name in CONTEXT_NUMBERS else "i4") for name in CONTEXT_FACTS}
        self._known: dict[bytes, int] = {}
        self._size = 0

    def column(self, name: str) -> Ints:
        """Return a fact of all contexts: numbers, or numbers of texts; or their `turn_key` or `turn_id_key`."""
        if name == "turn_key":
            return self._turn_keys()
        return self._turn_id_keys() if name == "turn_id_key" else self._columns[name].values

    def encode(self, raws: Sequence[bytes]) -> list[int]:
        """Return the row of each context, adding new ones."""
        new = dict.fromkeys([raw for raw in raws if raw not in self._known])
        if new and self._size > _REMEMBERED:
            self._known.clear()
            self._size = 0
            new = dict.fromkeys(raws)
        if new:
            self._learn(list(new))
        return list(map(self._known.__getitem__, raws))

    def _turn_keys(self) -> Ints:
        session, turn, number = (self.column(name) for name in ("session_id", "turn_id", "turn_index"))
        has_number = number != NO_INT
        turns = np.where(has_number, numbered(number), len(number) + 1 + turn)
        keys: Ints = np.where(has_number | (turn >= 0), numbered(joined(session, turns)), -2 - session)
        return keys

    def _turn_id_keys(self) -> Ints:
        turns = self._turn_keys()
        keys: Ints = np.where(turns < 0, turns, numbered(joined(turns, self.column("turn_id"))))
        return keys

    def _learn(self, raws: Sequence[bytes]) -> None:
        first = len(self._columns["session_id"])
        for name, values in read_contexts(raws).items():
            column = _numbers(values) if name in CONTEXT_NUMBERS else self._codes[name].encode(values)
            self._columns[name].extend(column)
        self._known.update({raw: row for row, raw in enumerate(raws, first)})
        self._size += sum(map(len, raws))


def _numbers(values: Sequence[Any]) -> Ints:
    return np.array([NO_INT if value is None else value for value in values], np.int64)
