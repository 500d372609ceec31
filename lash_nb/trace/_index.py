"""The columnar index of a trace: one entry per record in each column, filled in one pass over the bytes.

Texts that repeat (types, sessions, turns) are stored once and referred to by number. A piece of the trace is added whole or not at all:
all columns are computed first, then all are extended, so they never differ in length. One piece costs a handful of loops in C and one short
comprehension per column; only a piece in which something is wrong is looked at line by line.
"""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from math import isnan
from operator import attrgetter
from typing import Any, Final

import msgspec

from lash_nb.trace._peek import BadLineError, Peek, decode_peeks, peek_line, time_ns

__all__ = ["CodedColumn", "TraceError", "TraceIndex"]


class TraceError(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is no record, and why; the rest of the trace is read all the same."""

    source: str
    """Name of the file."""
    line: int
    """Line number in the file, from 1."""
    offset: int
    """Where the line begins, in bytes from the start of the file."""
    reason: str
    """Why it is no record, in words."""
    text: str
    """The beginning of the line, bytes that are no text replaced."""
    in_progress: bool = False
    """Whether it is the unfinished last line of a file that may still be written."""

    def __str__(self) -> str:
        return f"{self.source}, line {self.line}: {self.reason}"


class CodedColumn(Sequence[Any]):
    """A column of values that repeat: each different value once, and one small number per record."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        """Position in `values` for each record; -1 where the record has none."""
        self.values: list[Any] = []
        """Each different value, in the order in which it first came."""
        self._known = _Codes(self.values)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self._value(code) for code in self.codes[row]]
        return self._value(self.codes[row])

    def _value(self, code: int) -> Any:
        return None if code < 0 else self.values[code]

    def encode(self, values: Iterable[Any]) -> list[int]:
        """Give the numbers of `values`, learning new ones."""
        return list(map(self._known.__getitem__, values))


class _Codes(dict[Any, int]):
    def __init__(self, values: list[Any]) -> None:
        super().__init__({None: -1})
        self._values = values

    def __missing__(self, value: Any) -> int:
        code = len(self._values)
        self._values.append(value)
        self[value] = code
        return code


class _Seconds(dict[str, int]):
    """Nanoseconds of each second that a trace mentions: neighbours share it, so most are looked up, not computed."""

    def __missing__(self, second: str) -> int:
        self[second] = value = time_ns(f"{second}+00:00")
        return value


_RECORD_TEXTS: Final[Mapping[str, Callable[[Peek], Any]]] = {
    "type": attrgetter("type"),
    "schema_version": attrgetter("schema_version"),
    "call_id": attrgetter("call_id"),
    "done_reason": attrgetter("done_reason"),
    "model_variant": attrgetter("request.model_variant"),
    "name": lambda peek: peek.name or peek.request.model or peek.plugin_id or peek.event.kind or peek.event.event_name,
    "status": lambda peek: peek.output.outcome.status or peek.status,
}
_CONTEXT_TEXTS: Final = ("session_id", "turn_id", "effect_id", "llm_call_id", "graph_node_id")
_CONTEXT_NUMBERS: Final = ("turn_index", "protocol_iteration")


class TraceIndex:
    """Where each record lies and what a table or a plot asks for most, without its body.

    Integer columns hold `NO_INT`, float columns NaN and coded columns `None` where a record has no such member.
    """

    def __init__(self) -> None:
        self.offset = array("q")
        """Where the record begins, in bytes from the start of its file."""
        self.length = array("q")
        """Bytes of the record, without its line end."""
        self.line = array("q")
        """Line number in its file, from 1; bad and empty lines count."""
        self.time_ns = array("q")
        """When it was written, in nanoseconds since the Unix epoch, UTC."""
        self.coded: dict[str, CodedColumn] = {name: CodedColumn() for name in (*_RECORD_TEXTS, *_CONTEXT_TEXTS)}
        """Texts: type, schema_version, ids, `name` (model, tool, custom name, plugin or event kind), `model_variant`, `status`, `done_reason`."""
        self.turn_index = array("q")
        """Number of the turn in its session."""
        self.protocol_iteration = array("q")
        """Round of the turn: how many model calls came before in it."""
        self.duration_ms = array("d")
        """How long the call took, as its end record reports it, in milliseconds."""
        self.usage: dict[int, dict[str, Any]] = {}
        """Token usage by record number, members as in the record."""
        self._seconds = _Seconds()

    def __len__(self) -> int:
        return len(self.offset)

    def text(self, name: str) -> CodedColumn:
        """Return the text column of that name."""
        return self.coded[name]

    def add(self, piece: bytes, offset: int, first_line: int, *, source: str) -> tuple[int, list[TraceError]]:
        """Add the records of `piece`, whole lines that begin at `offset`; return the number of lines and the bad ones."""
        ends = _line_ends(piece)
        try:
            peeks = decode_peeks(piece)
            if len(peeks) == len(ends) and (piece.isascii() or piece.decode()):
                self._extend(peeks, (0, *ends), offset, range(first_line, first_line + len(ends)))
                return len(ends), []
        except (msgspec.DecodeError, RecursionError, OverflowError, ValueError):
            pass  # something in here is no record: the way below says what and where
        return len(ends), self._add_checked(piece, ends, offset, first_line, source)

    def _add_checked(
        self, piece: bytes, ends: Sequence[int], offset: int, first_line: int, source: str
    ) -> list[TraceError]:
        errors = []
        for number, (start, end) in enumerate(pairwise((0, *ends)), first_line):
            line = piece[start:end]
            if not line.strip():
                continue
            try:
                self._extend([peek_line(line)], (start, end), offset, (number,))
            except BadLineError as error:
                text, reason = line[:80].decode(errors="replace").rstrip(), str(error)
                errors.append(TraceError(source=source, line=number, offset=offset + start, reason=reason, text=text))
        return errors

    def _extend(self, peeks: Sequence[Peek], bounds: Sequence[int], offset: int, lines: Iterable[int]) -> None:
        """Add records that lie between the neighbours of `bounds`, counted from `offset`."""
        contexts = [peek.context for peek in peeks]
        texts = {name: self.coded[name].encode(map(get, peeks)) for name, get in _RECORD_TEXTS.items()}
        texts |= {name: self.coded[name].encode(map(attrgetter(name), contexts)) for name in _CONTEXT_TEXTS}
        plain = {name: array("q", list(map(attrgetter(name), contexts))) for name in _CONTEXT_NUMBERS}
        times = array("q", self._times(peeks))
        row = len(self)
        self.usage.update({n: peek.usage for n, peek in enumerate(peeks, row) if peek.usage is not None})
        for name, codes in texts.items():
            self.coded[name].codes.extend(codes)
        for name, values in plain.items():
            getattr(self, name).extend(values)
        self.time_ns.extend(times)
        self.duration_ms.extend([p.response.duration_ms if isnan(p.duration_ms) else p.duration_ms for p in peeks])
        self.offset.extend([offset + start for start in bounds[:-1]])
        self.length.extend([end - start - 1 for start, end in pairwise(bounds)])
        self.line.extend(lines)

    def _times(self, peeks: Sequence[Peek]) -> list[int]:
        """Read the times; the layout with nine digits, which nearly all have, by cutting it at its fixed places."""
        seconds = self._seconds
        return [
            seconds[text[:19]] + int(text[20:29])
            if text[29:] == "+00:00" and text[19] == "." and text[20:29].isdigit()
            else time_ns(text)
            for text in [peek.timestamp for peek in peeks]
        ]


def _line_ends(piece: bytes) -> list[int]:
    """Return where each line ends, its line feed included; nothing else ends a line (text may hold U+2028 raw)."""
    ends, find = [], piece.find
    end = find(b"\n") + 1
    while end:
        ends.append(end)
        end = find(b"\n", end) + 1
    return ends
