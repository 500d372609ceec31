"""The records in one piece of a trace.

Nearly always all lines are records, and a piece costs one call of the decoder and a handful of loops in C. What a look at all lines at once
shows to be none is left out; lines with members of unusual types are read once more, all together; a part in which something else is wrong is
halved until the line is found, so a bad line costs a few decodings of its neighbors and not a look at each of them.
"""

from collections.abc import Callable, Sequence
from itertools import compress
from typing import Any, Final

import msgspec
import numpy as np

from lash_nb.trace._column import Ints
from lash_nb.trace._contexts import ContextTable
from lash_nb.trace._encoding import SLICE, ends_and_encoding, is_utf8
from lash_nb.trace._found import Found
from lash_nb.trace._peek import LONGEST_TEXT, PeekDecoder, decode_loose, peek_line
from lash_nb.trace._stamps import StampReader, is_time

__all__ = ["Lines"]

_FEW: Final = 64
"""Lines that are looked at one by one when one of them is bad."""
_SHORTEST: Final = 2
"""Bytes of the shortest object."""
_RETURN, _OPEN, _CLOSE = b"\r{}"
_REFUSED: Final = (msgspec.DecodeError, RecursionError, ValueError)


class Lines:
    """The records and the bad lines of a piece; its last line may lack its end."""

    def __init__(
        self, piece: bytes | memoryview, decode: PeekDecoder, clock: StampReader, contexts: ContextTable
    ) -> None:
        self.found = Found()
        """What the records tell; their places are those in the piece, their lines begin at 0."""
        self._data = memoryview(piece)
        self._decode, self._clock, self._contexts = decode, clock, contexts
        signs = np.frombuffer(piece, "u1")
        self._bounds, self._is_text = _line_bounds(piece)
        self._bad: list[int] = []
        self.count = len(self._bounds) - 1
        """How many lines there are."""
        self._rows, self._starts, self._ends = self._candidates(signs)
        self._part, self._edges = self._data, (self._starts, self._ends)
        if self._bad:  # what lies between would stop the decoder
            lines = [
                self._data[start:end] for start, end in zip(self._starts.tolist(), self._ends.tolist(), strict=True)
            ]
            edges = np.cumsum([0, *(len(line) + 1 for line in lines)])
            self._part, self._edges = memoryview(b"\n".join(lines)), (edges[:-1], edges[1:] - 1)
        if len(self._rows):
            self._take(0, len(self._rows))

    @property
    def bad(self) -> Ints:
        """The lines that are no records."""
        return np.array(sorted(self._bad), np.int64)

    def line(self, row: int) -> tuple[int, bytes]:
        """Return where a line begins, and its bytes."""
        start, end = self._bounds[row : row + 2].tolist()
        return start, bytes(self._data[start:end])

    def _candidates(self, signs: Ints) -> tuple[Ints, Ints, Ints]:
        """Return the lines that begin and end as objects do, where they begin and end; of the others note those that are bad."""
        starts, ends = self._bounds[:-1], self._bounds[1:] - 1
        ends = ends - (signs[ends - 1] == _RETURN)
        is_object = (ends - starts >= _SHORTEST) & (signs[starts] == _OPEN) & (signs[ends - 1] == _CLOSE)
        odd = np.flatnonzero(~is_object & (ends > starts))
        for row, start, end in zip(odd.tolist(), starts[odd].tolist(), ends[odd].tolist(), strict=True):
            line = bytes(self._data[start:end])
            text = line.strip()
            if text[:1] == b"{" and text[-1:] == b"}":
                is_object[row], ends[row] = True, start + len(line.rstrip())
            elif text:
                self._bad.append(row)
        return np.flatnonzero(is_object), starts[is_object], ends[is_object]

    def _take(self, first: int, last: int) -> None:
        """Take the candidates from `first` on before `last`."""
        if self._take_at_once(first, last):
            return
        if last - first <= _FEW:
            self._take_each(first, last)
            return
        middle = (first + last) // 2
        self._take(first, middle)
        self._take(middle, last)

    def _take_at_once(self, first: int, last: int) -> bool:
        """Take them if they all are objects; the decoder alone would let objects run over line ends."""
        part = self._part[self._edges[0][first] : self._edges[1][last - 1]]
        try:
            peeks, is_loose = self._decoded(part)
        except _REFUSED:
            return False
        if len(peeks) != last - first:
            return False
        if self._is_text or is_utf8(part):
            self._read(peeks, np.arange(first, last), is_loose=is_loose)
        else:  # to halve it would decode it again and again
            self._take_each(first, last)
        return True

    def _decoded(self, part: memoryview) -> tuple[Sequence[Any], bool]:
        """Return the members of these lines, and whether they are in the loose shape."""
        try:
            return self._decode(part), False
        except msgspec.ValidationError:
            return decode_loose(part), True

    def _take_each(self, first: int, last: int) -> None:
        """Take the records among them, and note the bad ones."""
        peeks, good, bad = [], list[int](), list[int]()
        starts, ends = self._edges[0][first:last].tolist(), self._edges[1][first:last].tolist()
        for place, (start, end) in enumerate(zip(starts, ends, strict=True), first):
            line = bytes(self._part[start:end])
            try:
                if len(line) <= SLICE or not is_utf8(line):
                    line.decode()
                peeks.append(peek_line(line))
                good.append(place)
            except _REFUSED:
                bad.append(place)
        self._bad += self._rows[bad].tolist()
        if good:
            self._read(peeks, np.array(good, np.int64), is_loose=True)

    def _read(self, peeks: Sequence[Any], places: Ints, *, is_loose: bool) -> None:
        """Read the members of candidates: first those that make a record of them."""
        if is_loose:
            peeks, places = self._kept(peeks, places, _has_head)
        try:
            times = self._clock.read([peek.timestamp for peek in peeks])
        except ValueError:
            peeks, places = self._kept(peeks, places, _has_time)
            times = self._clock.read([peek.timestamp for peek in peeks])
        starts, contexts = self._starts[places], self._contexts.encode([peek.context for peek in peeks])
        numbers = {
            "offset": starts,
            "length": self._ends[places] - starts,
            "line": self._rows[places],
            "time_ns": times,
            "context": contexts,
        }
        self.found.add(peeks, numbers, self._clock.without_zone, is_loose=is_loose)

    def _kept(self, peeks: Sequence[Any], places: Ints, is_good: Callable[[Any], bool]) -> tuple[list[Any], Ints]:
        """Return those that are good; note the others as bad."""
        are_good = np.array(list(map(is_good, peeks)), bool)
        self._bad += self._rows[places[~are_good]].tolist()
        return list(compress(peeks, are_good)), places[are_good]


def _has_head(peek: Any) -> bool:
    return type(peek.type) is str and len(peek.type) <= LONGEST_TEXT and type(peek.timestamp) is str


def _has_time(peek: Any) -> bool:
    return is_time(peek.timestamp)


def _line_bounds(piece: bytes | memoryview) -> tuple[Ints, bool]:
    """Return where each line begins, and where one behind the last would; and whether all of them are text."""
    ends, is_text = ends_and_encoding(piece)
    bounds = np.concatenate([[0], ends + 1])
    return (bounds if bounds[-1] == len(piece) else np.append(bounds, len(piece) + 1)), is_text
