"""The contexts of a trace: neighbours mostly have the same and share it; they are read when a fact of one is first asked for.

One that comes back later is kept once more, which costs a little memory: to know it again would take longer than to read it.
"""

from collections.abc import Mapping, Sequence
from itertools import compress, islice
from operator import ne
from threading import RLock
from typing import Any, Final

import numpy as np

from lash_nb.locks import exclusively
from lash_nb.trace._column import Codes, Grown, Ints
from lash_nb.trace._facts import CONTEXT_FACTS
from lash_nb.trace._pairs import joined, numbered
from lash_nb.trace._peek import NO_INT, read_contexts

__all__ = ["CONTEXT_NUMBERS", "RARE_NUMBER", "ContextTable"]

CONTEXT_NUMBERS: Final = ("turn_index", "protocol_iteration")
"""Facts of a context that are numbers; the others are texts."""
RARE_NUMBER: Final = "waited_ms"
"""One that hardly any context has: there is no column of it."""

_UNREAD: Final = 1 << 27
"""Bytes of contexts that wait to be read, at most: those of a trace of a gigabyte; their columns will take about half of that."""
_AT_ONCE: Final = 1 << 18
"""Bytes of contexts that are read at once: what is made of them stays in the processor's cache."""
_READING: Final = RLock()
"""Held by who adds or reads contexts: a cell and a click may ask for a column at the same time. One for all tables, so that a table can be copied."""


class ContextTable:
    """One row per run of records that have the same context, to the byte."""

    def __init__(self, codes: Mapping[str, Codes]) -> None:
        self._codes = codes
        names = (name for name in CONTEXT_FACTS if name != RARE_NUMBER)
        self._columns = {name: Grown("i8" if name in CONTEXT_NUMBERS else "i4") for name in names}
        self._rare: dict[int, int] = {}
        self._count = 0
        self._unread: list[bytes] = []
        self._waiting = 0

    def column(self, name: str) -> Ints:
        """Return a fact of all contexts: numbers, or numbers of texts; or their `turn_key` or `turn_id_key`."""
        return exclusively(_READING, self._column, name)

    def rare(self, rows: Ints) -> Ints:
        """Return the rare number of some contexts; 0 where one has none."""
        return exclusively(_READING, self._rare_of, rows)

    def encode(self, raws: Sequence[Any]) -> Ints:
        """Return the row of each context, adding a new one wherever a context is not the one before.

        Args:
            raws: What stands in the records, as `msgspec.Raw`; it is copied, so the bytes may go.
        """
        if not raws:
            return np.zeros(0, "i4")
        differ = b"\1" + bytes(map(ne, raws, islice(raws, 1, None)))
        rows: Ints = np.cumsum(np.frombuffer(differ, "u1"), dtype="i4")
        return rows + (exclusively(_READING, self._add, [b"\n".join(compress(raws, differ))], int(rows[-1])) - 1)

    def unread(self) -> list[bytes]:
        """Return all contexts, in parts, one on a line; for a table of which no column was asked for."""
        return exclusively(_READING, self._unread.copy)

    def take(self, unread: Sequence[bytes]) -> int:
        """Add the contexts of another table, and return by how much the rows of these are higher here."""
        return exclusively(_READING, self._add, unread, sum(lines.count(b"\n") + 1 for lines in unread))

    def _add(self, unread: Sequence[bytes], count: int) -> int:
        """Put contexts aside, to be read later; return the row of the first one."""
        first = self._count
        self._count += count
        self._unread += unread
        self._waiting += sum(map(len, unread))
        if self._waiting > _UNREAD:
            self._read()
        return first

    def _column(self, name: str) -> Ints:
        self._read()
        if name == "turn_key":
            return self._turn_keys()
        return self._turn_id_keys() if name == "turn_id_key" else self._columns[name].values

    def _rare_of(self, rows: Ints) -> Ints:
        self._read()
        if not self._rare:
            return np.zeros(len(rows), np.int64)
        return np.array([self._rare.get(row, 0) for row in rows.tolist()], np.int64)

    def _read(self) -> None:
        """Read those that wait, a batch at a time, and let them go."""
        while self._unread:
            size = count = 0
            while count < len(self._unread) and size < _AT_ONCE:
                size, count = size + len(self._unread[count]), count + 1
            found = dict(read_contexts(b"\n".join(self._unread[:count])))
            rare = [(at, number) for at, number in enumerate(found.pop(RARE_NUMBER)) if number is not None]
            columns = {
                name: _numbers(values) if name in CONTEXT_NUMBERS else self._codes[name].encode(values)
                for name, values in found.items()
            }
            first = len(self._columns["session_id"])
            del self._unread[:count]
            self._rare.update((first + at, number) for at, number in rare)
            for name, column in columns.items():
                self._columns[name].extend(column)
        self._waiting = 0

    def _turn_keys(self) -> Ints:
        session, turn, number = (self._columns[name].values for name in ("session_id", "turn_id", "turn_index"))
        has_number = number != NO_INT
        turns = np.where(has_number, numbered(number), len(number) + 1 + turn)
        keys: Ints = np.where(has_number | (turn >= 0), numbered(joined(session, turns)), -2 - session)
        return keys

    def _turn_id_keys(self) -> Ints:
        turns = self._turn_keys()
        keys: Ints = np.where(turns < 0, turns, numbered(joined(turns, self._columns["turn_id"].values)))
        return keys


def _numbers(values: Sequence[Any]) -> Ints:
    return np.array([NO_INT if value is None else value for value in values], np.int64)
