"""What the explorer knows of every record without reading its body: kind, turn, status, partner, times. Columns of numpy, nothing else.

Starts and ends are those of `trace.pairs`, how they went is that of `trace.by_record`: not of `trace.turns` and `trace.llm_calls`, which
are an object per call, which costs more.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lash_nb.plots import one_line, short_id
from lash_nb.trace import NO_INT, SpanRows, Trace, TraceIndex
from lash_nb.views._trace_explorer_words import GROUPS, STATUS_CODES, KindWords, words_of

__all__ = ["Bars", "TraceFacts"]

Column = NDArray[Any]
"""One value per record, or per turn."""

_MS: Final = 1_000_000


class Bars(NamedTuple):
    """Calls of one kind as times in milliseconds from the first record, and the records that tell of them (-1 for none)."""

    starts: Column
    ends: Column
    first_rows: Column
    last_rows: Column


class TraceFacts:
    """The columns of a trace at one moment."""

    def __init__(self, trace: Trace) -> None:
        index = trace.index
        self._index: Final[TraceIndex] = index
        told, pairs = trace.by_record, trace.pairs
        self.count: Final = len(trace)
        kinds = index.text("kind")
        self.kinds: Final[Sequence[str]] = list(map(str, kinds.values))
        """Each different kind."""
        self.kind: Final[Column] = np.array(kinds.codes)
        """Position in `kinds` of each record."""
        self.zero_ns: Final = int(index.time_ns.min()) if self.count else 0
        """The first moment of the trace."""
        self.ms: Final[Column] = (np.array(index.time_ns) - self.zero_ns) / _MS
        """When each record was written, in milliseconds from the first moment."""
        self.total_ms: Final = max(float(self.ms.max()) if self.count else 0.0, 1.0)
        """Milliseconds from the first to the last moment."""
        known = np.array(index.is_known)
        strange = set(np.unique(self.kind[~known]).tolist())
        self.words: Final[Sequence[KindWords]] = [
            words_of(kind, is_known=code not in strange) for code, kind in enumerate(self.kinds)
        ]
        """How each different kind is written."""
        groups = list(GROUPS)
        group_of = np.array([groups.index(words.group) for words in self.words], dtype=np.int8)
        self.group: Final[Column] = np.where(known, group_of[self.kind], len(groups) - 1) if self.count else self.kind
        """Position in `GROUPS` of each record; whatever no release describes is in the last one."""
        self.turn_rows: Final[Column] = np.unique(told.turn[told.turn >= 0])
        """First record of each turn."""
        self.turn: Final[Column] = np.where(told.turn < 0, -1, np.searchsorted(self.turn_rows, told.turn))
        """Place of the turn of each record; -1 for none."""
        self.turn_count: Final = len(pairs.turns)
        """How many turns there are that ran: a turn that other records only mention is none."""
        self.took_ms: Final[Column] = told.duration_ms
        """How long that took which a record ends, in milliseconds; NaN where nothing says it."""
        self.bars: Final = {"llm_call": self._bars(pairs.llm_calls), "tool_call": self._bars(pairs.tool_calls)}
        """The calls as bars, by kind."""
        of_word = np.array([*(STATUS_CODES.get(word, 0) for word in told.status.values), 0], dtype=np.int8)
        self.status: Final[Column] = of_word[told.status.codes]
        """Position in `STATUSES` of each record."""
        self.session: Final[Column] = np.array(index.text("session_id").codes)
        """Position of the session of each record in `session_names`; -1 for none."""

    @cached_property
    def tokens(self) -> Column:
        """All tokens that each record reports; NaN where it reports none."""
        totals = [None if usage is None else usage.total for usage in self._index.usages(range(self.count))]
        return np.array(totals, dtype=np.float64)

    @cached_property
    def turn_labels(self) -> Sequence[str]:
        """What a person calls each turn: its number, else its id."""
        index = self._index
        numbers = index.turn_index[self.turn_rows].tolist()
        ids = index.text("turn_id").at(index.text("turn_id").codes[self.turn_rows])
        return [short_id(key) if number == NO_INT else str(number) for number, key in zip(numbers, ids, strict=True)]

    @cached_property
    def session_names(self) -> Sequence[str]:
        """A name for each session alone: its id, short where that tells it from all others."""
        ids = list(map(str, self._index.text("session_id").values))
        short = list(map(short_id, ids))
        return short if len(set(short)) == len(short) else _told_apart([one_line(key, 60) for key in ids])

    def session_name(self, code: int) -> str:
        """Return the name of the session with this position; nothing for none."""
        return self.session_names[code] if code >= 0 else ""

    def session_called(self, name: str) -> int | None:
        """Return the position of the session with this id or name; None for none."""
        for names in (self.session_names, self._index.text("session_id").values):
            if name in names:
                return list(names).index(name)
        return None

    @cached_property
    def turn_names(self) -> Sequence[str]:
        """A name for each turn alone: where the same label comes again, with its session, and with a count if that comes again, too."""
        if len(set(self.turn_labels)) == len(self.turn_labels):
            return self.turn_labels
        column = self._index.text("session_id")
        sessions = column.at(column.codes[self.turn_rows])
        told = [
            f"{label} {one_line(session or '', 12)}" for label, session in zip(self.turn_labels, sessions, strict=True)
        ]
        return _told_apart(told)

    @cached_property
    def turn_spans(self) -> tuple[Column, Column]:
        """First and last moment of each turn, in milliseconds from the first record."""
        starts = np.full(len(self.turn_rows), np.inf)
        ends = np.zeros(len(self.turn_rows))
        rows = np.flatnonzero(self.turn >= 0)
        np.minimum.at(starts, self.turn[rows], self.ms[rows])
        np.maximum.at(ends, self.turn[rows], self.ms[rows])
        return starts, ends

    def turns_called(self, name: object) -> Column:
        """Return the places of the turns with this number, id or name."""
        index, word = self._index, str(name)
        numbers = index.turn_index[self.turn_rows]
        codes = index.text("turn_id").codes[self.turn_rows]
        ids = [code for code, text in enumerate(index.text("turn_id").values) if text == word]
        by_number = numbers == int(word) if word.isdecimal() and len(word) < 19 else np.zeros(len(numbers), dtype=bool)
        by_name = [place for place, told in enumerate(self.turn_names) if told == word]
        found = np.flatnonzero(by_number | np.isin(codes, ids))
        return np.array(by_name, dtype=np.int64) if by_name else found

    def _bars(self, calls: SpanRows) -> Bars:
        firsts, lasts = calls.start, calls.end
        took = np.nan_to_num(np.where(lasts >= 0, self.took_ms[lasts] if self.count else 0.0, 0.0))
        began = np.where(firsts >= 0, self.ms[firsts], self.ms[lasts] - took) if self.count else took
        began = np.clip(began, 0.0, None)
        return Bars(began, np.minimum(began + np.maximum(took, 0.0), self.total_ms), firsts, lasts)


def _told_apart(names: Sequence[str]) -> list[str]:
    """Count names that come again."""
    seen: Counter[str] = Counter()
    told = []
    for name in names:
        seen[name] += 1
        told.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return told
