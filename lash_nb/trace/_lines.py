"""What the lines of one piece of a trace tell: plain values, column by column, before any of it is in the index.

Nearly always all lines are records, and a part of the piece costs one call of the decoder and a handful of loops in C. A part in which
something is wrong is halved until the line is found, so a bad line costs a few decodings of its neighbors and not a look at each of them.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from lash_nb.trace._column import Ints
from lash_nb.trace._facts import INDEXED_FACTS, RECORD_TYPES
from lash_nb.trace._peek import BadLineError, decode_peeks, facts_of, is_utf8, peek_line
from lash_nb.trace._stamps import StampReader

__all__ = ["BadLine", "Lines"]

BadLine = Callable[[int, int, bytes, str], None]
"""Is told of a line that is no record: where in the piece it is and begins, its first bytes, and what is wrong with it."""

_BLOCK: Final = 1 << 20
_FEW: Final = 16
"""Lines that are looked at one by one when one of them is bad."""
_SHORTEST: Final = 2
"""Bytes of the shortest object; a shorter line holds nothing, or makes the decoder refuse its part."""
_NONE: Final = np.array([], np.int64)
_BEGINNING: Final = 80
_LINE_FEED, _RETURN, _OPEN, _CLOSE, _BLANK = b"\n\r{} "
_UNKNOWN: Final = ""
"""Stands for all types that nobody knows: they are read alike."""


class Lines:
    """The records in a piece of lines; the last one may lack its end."""

    def __init__(self, piece: bytes | memoryview, clock: StampReader, bad_line: BadLine) -> None:
        self._piece = memoryview(piece)
        self._signs = np.frombuffer(piece, "u1")
        self._clock = clock
        self._bad_line = bad_line
        self._bounds = _line_bounds(self._signs)
        self._rows: list[Sequence[int] | Ints] = []
        self._times: list[Ints] = []
        self.without_zone: list[int] = []
        """Which records have a time that names no zone."""
        self.count = len(self._bounds) - 1
        """How many lines there are."""
        self.contexts: list[bytes] = []
        """The context of each record, as it is written."""
        self.types: list[str] = []
        """The type of each record."""
        self.versions: list[int] = []
        """The schema version of each record."""
        self.contents: list[str | None] = []
        """What each record says of texts that the host withheld."""
        self._facts: dict[str, tuple[list[Ints], list[Any]]] = {fact: ([_NONE], []) for fact in INDEXED_FACTS}
        self._take(0, self.count)

    def __len__(self) -> int:
        return len(self.types)

    @property
    def rows(self) -> Ints:
        """The line of each record in the piece, from 0."""
        return np.concatenate(self._rows)

    @property
    def times(self) -> Ints:
        """When each record was written, in nanoseconds since the Unix epoch."""
        return np.concatenate(self._times)

    def fact(self, name: str) -> tuple[Ints, list[Any]]:
        """Return which records have a fact, and its values."""
        at, values = self._facts[name]
        return np.concatenate(at), values

    def places(self, rows: Ints) -> tuple[Ints, Ints]:
        """Return where records begin in the piece, and their length without line end and blanks before it."""
        starts, ends = self._bounds[rows], self._bounds[rows + 1] - 1
        while (blank := self._signs[ends - 1] <= _BLANK).any():
            ends -= blank
        return starts, ends - starts

    def _take(self, first: int, last: int) -> None:
        """Take the lines from `first` on before `last`."""
        if self._take_records(first, last):
            return
        if last - first <= _FEW:
            self._take_each(range(first, last))
            return
        middle = (first + last) // 2
        self._take(first, middle)
        self._take(middle, last)

    def _take_records(self, first: int, last: int) -> bool:
        """Take the lines if they are all records, or empty; the decoder alone would let records run over line ends."""
        bounds = self._bounds[first : last + 1]
        rows = np.flatnonzero(np.diff(bounds) > _SHORTEST) + first
        part = self._piece[bounds[0] : bounds[-1]]
        if not len(rows):
            return not bytes(part).strip()
        if not self._are_braced(rows):
            return False
        try:
            peeks = decode_peeks(part)
            if len(peeks) != len(rows) or not is_utf8(part):
                return False
            self._read(peeks, rows)
        except (msgspec.DecodeError, RecursionError, ValueError):
            return False
        return True

    def _are_braced(self, rows: Ints) -> bool:
        """Tell whether these lines begin and end as objects do; a carriage return may follow."""
        last = self._bounds[rows + 1] - 2
        last -= self._signs[last] == _RETURN
        return bool((self._signs[self._bounds[rows]] == _OPEN).all() and (self._signs[last] == _CLOSE).all())

    def _take_each(self, rows: Iterable[int]) -> None:
        """Take the records among these lines, and tell of the bad ones."""
        peeks, good = [], []
        for row in rows:
            line = bytes(self._piece[self._bounds[row] : self._bounds[row + 1]])
            if not line.strip():
                continue
            try:
                peeks.append(peek_line(line))
            except BadLineError as error:
                self._bad_line(row, int(self._bounds[row]), line[:_BEGINNING], str(error))
            else:
                good.append(row)
        if good:
            self._read(peeks, good)

    def _read(self, peeks: Sequence[Any], rows: Sequence[int] | Ints) -> None:
        """Read the members of records: first the one that may be wrong."""
        times = self._clock.read([peek.timestamp for peek in peeks])
        zoneless = [place + len(self) for place in self._clock.without_zone]
        types = [peek.type for peek in peeks]
        self._read_facts(peeks, types)
        self._rows.append(rows)
        self._times.append(times)
        self.without_zone += zoneless
        self.types += types
        self.versions += [peek.schema_version for peek in peeks]
        self.contents += [peek.content for peek in peeks]
        self.contexts += [bytes(peek.context) for peek in peeks]

    def _read_facts(self, peeks: Sequence[Any], types: Sequence[str]) -> None:
        """Read the facts of all records of one type at once."""
        alike: dict[str, list[int]] = {}
        of_type = {name: alike.setdefault(name if name in RECORD_TYPES else _UNKNOWN, []) for name in set(types)}
        for place, name in enumerate(types):
            of_type[name].append(place)
        for name, places in alike.items():
            if facts := facts_of(name):
                of_one_type = [peeks[place] for place in places]
                at = np.array(places) + len(self)
                for fact, values_of in facts:
                    self._note(fact, at, values_of(of_one_type))

    def _note(self, fact: str, at: Ints, values: Sequence[Any]) -> None:
        """Note those values of a fact that are there."""
        missing = values.count(None)
        if missing == len(values):
            return
        if missing:
            at = at[[value is not None for value in values]]
            values = [value for value in values if value is not None]
        found = self._facts[fact]
        found[0].append(at)
        found[1].extend(values)


def _line_bounds(signs: Ints) -> Ints:
    """Return where each line begins, and where one behind the last would; block by block, as a line may be long."""
    blocks = [np.flatnonzero(signs[at : at + _BLOCK] == _LINE_FEED) + at + 1 for at in range(0, len(signs), _BLOCK)]
    bounds = np.concatenate([[0], *blocks])
    return bounds if bounds[-1] == len(signs) else np.append(bounds, len(signs) + 1)
