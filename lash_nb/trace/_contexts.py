"""The different contexts of a trace: neighbours share them, so each is kept once, and read when a fact of it is first asked for."""

from collections.abc import Mapping, Sequence
from itertools import chain, compress, islice
from operator import ne
from threading import RLock
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
_UNREAD: Final = 1 << 27
"""Bytes of contexts that wait to be read, at most: those of a trace of a gigabyte; their columns will take about half of that."""
_AT_ONCE: Final = 1 << 20
"""Bytes of contexts that are read at once."""
_READING: Final = RLock()
"""Held by who adds or reads contexts: a cell and a click may ask for a column at the same time. One for all tables, so that a table can be copied."""


class ContextTable:
    """One row per context, found by the text that it has in a record."""

    def __init__(self, codes: Mapping[str, Codes]) -> None:
        self._codes = codes
        self._columns = {name: Grown("i8" if name in CONTEXT_NUMBERS else "i4") for name in CONTEXT_FACTS}
        self._known: dict[bytes, int] = {}
        self._first = 0
        self._remembered = 0
        self._unread: list[bytes] = []
        self._waiting = 0

    def column(self, name: str) -> Ints:
        """Return a fact of all contexts: numbers, or numbers of texts; or their `turn_key` or `turn_id_key`."""
        with _READING:
            self._read()
            if name == "turn_key":
                return self._turn_keys()
            return self._turn_id_keys() if name == "turn_id_key" else self._columns[name].values

    def encode(self, raws: Sequence[Any]) -> Ints:
        """Return the row of each context, adding new ones.

        Args:
            raws: What stands in the records, as `msgspec.Raw`; it is copied, so the bytes may go.
        """
        with _READING:
            known, before = self._known, len(self._known)
            differ = bytes(map(ne, raws, islice(raws, 1, None)))  # many are the one before
            copies = map(b"".__add__, chain(raws[:1], compress(islice(raws, 1, None), differ)))  # faster than `bytes`
            rows = np.fromiter(map(known.setdefault, copies, iter(known.__len__, -1)), "i4") + self._first
            if len(known) > before:
                self._wait(b"\n".join(islice(known, before, None)))
            of_each: Ints = rows[np.cumsum(np.frombuffer(b"\0"[: len(raws)] + differ, "u1"), dtype="i4")]
            return of_each

    def unread(self) -> list[bytes]:
        """Return all contexts, in parts, one on a line; for a table of which no column was asked for."""
        with _READING:
            return self._unread.copy()

    def take(self, unread: Sequence[bytes]) -> int:
        """Add the contexts of another table, and return by how much the rows of these are higher here."""
        with _READING:
            shift = self._first + len(self._known)
            self._first = shift + sum(lines.count(b"\n") + 1 for lines in unread)
            self._known.clear()
            self._remembered = 0
            self._unread += unread
            self._waiting += sum(map(len, unread))
            if self._waiting > _UNREAD:
                self._read()
            return shift

    def _wait(self, lines: bytes) -> None:
        """Put new contexts aside, to be read later."""
        self._unread.append(lines)
        self._waiting += len(lines)
        self._remembered += len(lines)
        if self._remembered > _REMEMBERED:
            self._first += len(self._known)
            self._known.clear()
            self._remembered = 0
        if self._waiting > _UNREAD:
            self._read()

    def _read(self) -> None:
        """Read those that wait, a batch at a time, and let them go."""
        while self._unread:
            size = count = 0
            while count < len(self._unread) and size < _AT_ONCE:
                size, count = size + len(self._unread[count]), count + 1
            columns = {
                name: _numbers(values) if name in CONTEXT_NUMBERS else self._codes[name].encode(values)
                for name, values in read_contexts(b"\n".join(self._unread[:count])).items()
            }
            del self._unread[:count]
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
