"""The records in one piece of a trace.

Nearly always all lines are records, and a piece costs one call of the decoder and a handful of loops in C. What a look at all lines at once
shows to be none is left out; lines with members of unusual types are read once more, all together; a part in which something else is wrong is
halved until the line is found, so a bad line costs a few decodings of its neighbors and not a look at each of them.
"""

from collections.abc import Callable, Sequence
from itertools import compress, repeat
from typing import Any, Final

import msgspec
import numpy as np

from lash_nb.trace._column import Ints
from lash_nb.trace._contexts import ContextTable
from lash_nb.trace._encoding import SLICE, is_utf8
from lash_nb.trace._facts import RECORD_TYPES
from lash_nb.trace._found import Found
from lash_nb.trace._peek import LONGEST_TEXT, PeekDecoder, decode_loose, facts_of, fitting, peek_line
from lash_nb.trace._room import with_room
from lash_nb.trace._stamps import StampReader, is_time

__all__ = ["Lines"]

_FEW: Final = 64
"""Lines that are looked at one by one when one of them is bad."""
_SHORTEST: Final = 2
"""Bytes of the shortest object."""
_LINE_FEED, _RETURN, _OPEN, _CLOSE = b"\n\r{}"
_WORD: Final = 8
_UNKNOWN: Final = ""
"""Stands for all types that nobody knows: they are read alike."""
_TYPES: Final = (*RECORD_TYPES, _UNKNOWN)
_NUMBER_OF: Final = {name: number for number, name in enumerate(_TYPES)}
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
        self._bounds = _line_bounds(signs)
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
            with_room(lambda: self._take(0, len(self._rows)))

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
        if is_utf8(part):
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
        types = [peek.type for peek in peeks]
        texts = {
            "type": types,
            "schema_version": [peek.schema_version for peek in peeks],
            "content": [peek.content for peek in peeks],
        }
        if is_loose:
            texts |= {name: fitting(name)(texts[name]) for name in ("schema_version", "content")}
        starts, context = self._starts[places], self._contexts.encode([peek.context for peek in peeks])
        numbers = {
            "offset": starts,
            "length": self._ends[places] - starts,
            "line": self._rows[places],
            "time_ns": times,
            "context": context,
        }
        self._read_facts(peeks, types, is_loose=is_loose)
        self.found.add(numbers, texts, self._clock.without_zone)

    def _kept(self, peeks: Sequence[Any], places: Ints, is_good: Callable[[Any], bool]) -> tuple[list[Any], Ints]:
        """Return those that are good; note the others as bad."""
        are_good = np.array(list(map(is_good, peeks)), bool)
        self._bad += self._rows[places[~are_good]].tolist()
        return list(compress(peeks, are_good)), places[are_good]

    def _read_facts(self, peeks: Sequence[Any], types: Sequence[str], *, is_loose: bool) -> None:
        """Read the facts of all records of one type at once."""
        numbers = np.frombuffer(bytes(map(_NUMBER_OF.get, types, repeat(_NUMBER_OF[_UNKNOWN]))), "u1")
        order = np.argsort(numbers, kind="stable")
        sorted_peeks = list(map(peeks.__getitem__, order.tolist()))
        begin = 0
        for number, count in enumerate(np.bincount(numbers).tolist()):
            if count:
                alike, at = sorted_peeks[begin : begin + count], order[begin : begin + count]
                for fact, values_of in facts_of(_TYPES[number], is_loose=is_loose):
                    self.found.add_fact(fact, at, values_of(alike))
                begin += count


def _has_head(peek: Any) -> bool:
    return type(peek.type) is str and len(peek.type) <= LONGEST_TEXT and type(peek.timestamp) is str


def _has_time(peek: Any) -> bool:
    return is_time(peek.timestamp)


def _line_bounds(signs: Ints) -> Ints:
    """Return where each line begins, and where one behind the last would."""
    is_end = signs == _LINE_FEED
    words = len(signs) // _WORD
    by_word = is_end[: words * _WORD].reshape(-1, _WORD)
    at = np.flatnonzero(by_word.view("u8")[:, 0] != 0)
    ends = at * _WORD + by_word[at].argmax(axis=1)
    rest = np.flatnonzero(is_end[words * _WORD :]) + words * _WORD
    if len(at) + len(rest) != np.count_nonzero(is_end):  # some word has two
        ends, rest = np.flatnonzero(is_end), rest[:0]
    bounds = np.concatenate([[0], ends + 1, rest + 1])
    return bounds if bounds[-1] == len(signs) else np.append(bounds, len(signs) + 1)
