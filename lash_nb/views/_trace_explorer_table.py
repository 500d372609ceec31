"""The table behind the explorer: the records that were asked for, in order, and the rows of any part of it. No widget, no page."""

import re
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from lash_nb.trace import Trace
from lash_nb.views._trace_explorer_facts import TraceFacts
from lash_nb.views._trace_explorer_query import Query, found_rows
from lash_nb.views._trace_explorer_rows import table_rows
from lash_nb.views._trace_explorer_search import Search, words_pattern

__all__ = ["RecordTable"]

_MOST: Final = 200
"""Rows of one answer."""


class RecordTable:
    """What was found in a trace.

    Attributes:
        trace: The trace.
        facts: Its columns.
        query: What is asked for.
        rows: Numbers of the records that were found, in the order that was asked for.
        version: Grows with every answer, so that rows of an older one can be told.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace: Final = trace
        self.query = Query()
        self.version = 0
        self._search: Search | None = None
        self._pattern: re.Pattern[str] | None = None
        self.facts = TraceFacts(trace)
        self.rows: NDArray[Any] = found_rows(self.query, trace, self.facts, None)

    def ask(self, **changed: Any) -> None:
        """Find what the changed query asks for.

        Raises:
            CallerError: it asks for a kind, session, turn, status or column that there is not.
        """
        self.query = msgspec.structs.replace(self.query, **changed).checked(self.facts)
        text = self.query.text
        if self._search is None or self._search.words != text:
            self._search = Search(text) if text else None
            self._pattern = words_pattern(text) if text else None
        self.rows = found_rows(self.query, self.trace, self.facts, self._search)
        self.version += 1

    def take_in(self) -> None:
        """Look at the trace again, which has grown, and ask the same."""
        self.facts = TraceFacts(self.trace)
        self.ask()

    def window(self, start: int, end: int) -> list[dict[str, Any]]:
        """Return the rows from `start` to `end`, at most two hundred."""
        start = max(0, start)
        rows = self.rows[start : max(start, min(end, start + _MOST))]
        return table_rows(self.trace, self.facts, rows, self._pattern)

    def place_of(self, record: int | None) -> int:
        """Return where a record stands among those that were found; -1 for nowhere."""
        places = np.flatnonzero(self.rows == (-1 if record is None else record))
        return int(places[0]) if len(places) else -1

    def in_next_turn(self, record: int | None, by: int) -> int | None:
        """Return the first record that was found in the next (1) or previous (-1) turn; None when no turn is shown."""
        turns = self.facts.turn[self.rows]
        shown = np.unique(turns[turns >= 0])
        if not len(shown):
            return None
        here = -1 if record is None else int(self.facts.turn[record])
        at = int(np.searchsorted(shown, here, side="right" if by > 0 else "left")) + min(by, 0)
        wanted = shown[min(max(at, 0), len(shown) - 1)]
        return int(self.rows[turns == wanted][0])

    def at_moment(self, share: float) -> int | None:
        """Return what was found at a share (0 to 1) of the trace's time or next after it; the last one when nothing comes after."""
        rows = np.sort(self.rows)
        later = rows[self.facts.ms[rows] >= share * self.facts.total_ms]
        if len(later):
            return int(later[0])
        return int(rows[-1]) if len(rows) else None
