"""The explorer of a trace: every record in a table that is searched, filtered and sorted, one record in full.

The page never gets the whole trace. It draws what the state holds (the first screen) and asks for other rows by message; each answer names the
query that it belongs to, so that one that comes too late is dropped. A message may arrive on any thread (JupyterLab routes them over
subshells): one lock keeps commands one after the other.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from types import EllipsisType
from typing import Any, ClassVar, Final

import msgspec
import traitlets as t

from lash_nb.errors import CallerError, LashError
from lash_nb.plots import byte_size, counted, one_line
from lash_nb.trace import Trace, given_trace
from lash_nb.views._base import View
from lash_nb.views._sources import module, stylesheet
from lash_nb.views._trace_explorer_commands import (
    Ask,
    Bad,
    Command,
    Moment,
    Pick,
    Rows,
    Select,
    Show,
    SortTable,
    TableRows,
    TurnStep,
    read_command,
)
from lash_nb.views._trace_explorer_query import AS_ASKED, choices
from lash_nb.views._trace_explorer_rows import bad_line_detail, bad_lines, neighbor_of, record_detail
from lash_nb.views._trace_explorer_sheet import Sheet
from lash_nb.views._trace_explorer_sheets import SHEETS
from lash_nb.views._trace_explorer_static import explorer_html, explorer_text
from lash_nb.views._trace_explorer_strip import strip, strip_found, turn_window
from lash_nb.views._trace_explorer_table import RecordTable

__all__ = ["TraceExplorerView"]

_RECORDS: Final = "records"
"""The table that is shown first."""
_FIRST: Final = 40
"""Rows that come with the state: one screen."""


class TraceExplorerView(View):
    """Every record of a trace, by line, kind, session, turn, status and text; and its turns, tools and tokens as tables."""

    _esm = module("trace_explorer")
    _css = stylesheet("trace_explorer")
    _hints: ClassVar[Mapping[str, str]] = {"path": "open the file first: TraceExplorerView(read_trace(path))"}

    selection = t.Int(None, allow_none=True).tag(sync=True)  # type: ignore[assignment]  # a record is known by its number
    """Number of the selected record, as in `trace[7]`; None for none. Readable and settable."""
    table = t.Unicode(_RECORDS).tag(sync=True)
    """What the table lists: `records`, `turns`, `tools` or `usage`. Readable and settable."""
    title = t.Unicode("").tag(sync=True)
    """Name of the trace."""
    counts = t.Unicode("").tag(sync=True)
    """How much there is, in words."""
    bad = t.Dict().tag(sync=True)
    """Lines that are no records."""
    choices = t.Dict().tag(sync=True)
    """What can be filtered by: chips with counts, turns, statuses."""
    query = t.Dict().tag(sync=True)
    """What is asked for, its version, and how many records were found."""
    first = t.Dict().tag(sync=True)
    """The rows of the first screen."""
    sheet = t.Dict().tag(sync=True)
    """The table in place of the records: heads, first screen, how many rows; empty while records are shown."""
    strip = t.Dict().tag(sync=True)
    """When models and tools were called."""
    found = t.Dict().tag(sync=True)
    """The same of the calls that were found; empty while everything is shown."""
    place = t.Int(-1).tag(sync=True)
    """Where the selected record stands among those that were found; -1 for nowhere."""
    window = t.List(t.Int()).tag(sync=True)
    """Where the selected record's turn is on the strip."""
    detail = t.Dict().tag(sync=True)
    """The selected record, or a line that is none, in full."""
    is_following = t.Bool(False).tag(sync=True)
    """Whether somebody keeps the view up to date with a trace that grows."""
    problem = t.Unicode("").tag(sync=True)
    """Why the last command did not work; empty after one that did."""

    def __init__(self, trace: Trace, *, selection: int | None = None, **traits: Any) -> None:
        """Look at a trace.

        Args:
            trace: The trace.
            selection: Number of the record to select.
            traits: Options of every view.
        """
        given_trace(trace)
        super().__init__(**traits)
        self.trace: Final = trace
        self._lock: Final = RLock()
        self._table: Final = RecordTable(trace)
        self._sheet: Sheet | None = None
        self._sheet_version = 0
        self.on_msg(self._receive)
        self._draw()
        self.selection = selection

    @property
    def rows(self) -> tuple[int, ...]:
        """Numbers of the records that were found, in the order in which they are shown."""
        return tuple(self._table.rows.tolist())

    def static_html(self) -> str:
        """Return the first rows as a table that needs no script."""
        return explorer_html(self._table, self.counts, self._sheet)

    def text(self) -> str:
        """Return the first rows as aligned text."""
        return explorer_text(self._table, self.counts, self._sheet)

    def filter(
        self,
        *,
        kinds: Iterable[str] | EllipsisType | None = ...,
        session: str | EllipsisType | None = ...,
        turn: int | str | EllipsisType | None = ...,
        status: str | EllipsisType | None = ...,
        text: str | EllipsisType | None = ...,
    ) -> None:
        """Show only some records; what is not given stays as it is, None takes a filter off.

        Args:
            kinds: Chips that are on, e.g. `["llm call", "tool call"]`.
            session: Id of a session; the other tables are of this session, too.
            turn: Number or id of a turn.
            status: `completed`, `switched`, `failed`, `cancelled`, `open` or `unknown`.
            text: Words that stand anywhere in the record, in any case.

        Raises:
            CallerError: there is no such kind, session, turn or status, or the text is longer than a thousand characters.
        """
        given = {"kinds": kinds, "session": session, "turn": turn, "status": status, "text": text}
        self._ask({name: value for name, value in given.items() if value is not ...})

    def sort(self, column: str, *, descending: bool = False) -> None:
        """Sort by a column: `line`, `time`, `type`, `turn`, `status`, `took` or `tokens`.

        Raises:
            CallerError: there is no such column, or it cannot be sorted by.
        """
        self._ask({"sort": column, "descending": descending})

    def clear(self) -> None:
        """Take all filters off; the order stays."""
        self.filter(kinds=None, session=None, turn=None, status=None, text=None)

    def sort_table(self, column: str, *, descending: bool = False) -> None:
        """Sort the table that stands in place of the records by the head of a column, e.g. `took`.

        Raises:
            CallerError: it has no such column, or records are shown, which `sort` sorts.
        """
        with self._lock:
            if self._sheet is None:
                raise CallerError("records are shown: use view.sort, or set view.table first")
            self._sheet.sort_by(column, descending=descending)
            self._show_sheet()

    def select(self, record: int | None) -> None:
        """Select a record by its number; None selects nothing.

        Raises:
            CallerError: the trace has no such record.
        """
        self.selection = record

    def step_turn(self, by: int) -> None:
        """Select the first shown record of the next (1) or the previous (-1) turn."""
        with self._lock:
            self._go(self._table.in_next_turn(self.selection, by))

    def show_bad_line(self, number: int) -> None:
        """Show a line that is no record, `trace.errors[number]`, and the table where it would stand.

        Raises:
            CallerError: there are not as many.
        """
        with self._lock:
            errors = self.trace.errors
            if not isinstance(number, int):
                raise CallerError(
                    f"show_bad_line takes the number of a bad line, from 0, not {type(number).__name__}: trace.errors lists them"
                )
            if not 0 <= number < len(errors):
                raise CallerError(
                    f"{self.trace.name} has {counted(len(errors), 'bad line')}, counted from 0; not {number}"
                )
            self.selection = None
            with self._at_once():
                self.place = self._table.place_of(neighbor_of(self.trace, errors[number]))
                self.detail = bad_line_detail(errors[number])

    def refresh(self) -> int:
        """Read what was written to the trace since; return the number of new records.

        Selection, filter, order and scroll position stay.
        """
        with self._lock:
            before = self.trace.bad_lines
            new = self.trace.refresh()
            if new or before != self.trace.bad_lines:
                self._table.take_in()
                self._draw()
            return new

    def _ask(self, given: Mapping[str, Any]) -> None:
        with self._lock:
            self._table.ask(**{name: AS_ASKED[name](given[name]) for name in AS_ASKED if name in given})
            self._show_found()

    def _draw(self) -> None:
        """Show all that depends on the whole trace."""
        trace, facts = self.trace, self._table.facts
        size = byte_size(trace.size)
        parts = [counted(len(trace), "record"), counted(facts.turn_count, "turn")]
        with self._at_once():
            self.title, self.strip = trace.name, strip(facts)
            self._show_bad()
            if self.selection is not None and self.selection < len(trace):
                self.window = turn_window(facts, int(facts.turn[self.selection]))
            self.counts = " · ".join([*parts, counted(len(trace.sessions), "session"), size])
            self._show_found()
        if self.selection is not None and self.selection >= len(trace):
            self.selection = None

    def _show_found(self) -> None:
        table = self._table
        asked = msgspec.structs.asdict(table.query)
        found = {"version": table.version, "found": len(table.rows), "total": table.facts.count}
        with self._at_once():
            self.choices = choices(table.facts, table.query)
            self.query = {**asked, **found, "all": table.query.is_all}
            self.first = {"version": table.version, "from": 0, "rows": table.window(0, _FIRST)}
            self._make_sheet()
            self.found = strip_found(table.facts, None if table.query.is_all else table.rows)
            self.place = table.place_of(self.selection)

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        """Let all that is set arrive in one message: what was found and where the selection stands in it belong together."""
        with self.hold_sync(), self.hold_trait_notifications():
            yield

    @t.observe("is_following")
    def _show_bad(self, _change: object = None) -> None:
        with self._lock:
            self.bad = bad_lines(self.trace, is_growing=self.is_following)

    def _go(self, record: int | None) -> None:
        if record is not None:
            self.selection = record

    @t.validate("selection")
    def _check_selection(self, proposal: Any) -> int | None:
        record: int | None = proposal["value"]
        if record is not None and not 0 <= record < len(self.trace):
            known = f"it has 0 to {len(self.trace) - 1}" if len(self.trace) else "it is empty"
            raise CallerError(f"{self.trace.name} has no record {record}; {known}")
        return record

    @t.observe("selection")
    def _show_selected(self, _change: object) -> None:
        with self._lock, self._at_once():
            record, facts = self.selection, self._table.facts
            self.place = self._table.place_of(record)
            self.detail = {} if record is None else record_detail(self.trace, facts, record)
            self.window = [] if record is None else turn_window(facts, int(facts.turn[record]))

    @t.validate("table")
    def _check_table(self, proposal: Any) -> str:
        name: str = proposal["value"]
        if name not in (_RECORDS, *SHEETS):
            raise CallerError(f"no table {one_line(name, 40)!r}; use one of {', '.join((_RECORDS, *SHEETS))}")
        return name

    @t.observe("table")
    def _make_sheet(self, _change: object = None) -> None:
        """Count anew what stands in place of the records, in the order in which it was."""
        with self._lock:
            before, facts, session = self._sheet, self._table.facts, self._table.query.session
            make = SHEETS.get(self.table)
            self._sheet = make and make(self.trace, facts, facts.session_called(session) if session else None)
            if self._sheet and before and before.name == self._sheet.name and before.sort:
                self._sheet.sort_by(before.sort, descending=before.descending)
            self._show_sheet()

    def _show_sheet(self) -> None:
        self._sheet_version += 1
        self.sheet = self._sheet.state(self._sheet_version) if self._sheet else {}

    def _receive(self, _widget: object, message: object, _buffers: object) -> None:
        with self._lock:
            self.problem = ""
            try:
                self._obey(read_command(message))
            except LashError as error:
                self.problem = error.message

    def _obey(self, command: Command) -> None:
        verbs: Mapping[type, Callable[[Any], None]] = {
            Rows: self._answer_rows,
            TableRows: self._answer_table_rows,
            Ask: lambda asked: self._ask(asked.given()),
            Show: lambda asked: self.set_trait("table", asked.table),
            SortTable: lambda asked: self.sort_table(asked.column, descending=asked.descending),
            Select: lambda asked: self.select(asked.record),
            Pick: self._pick,
            TurnStep: lambda asked: self.step_turn(asked.by),
            Moment: lambda asked: self._go(self._table.at_moment(asked.share)),
            Bad: lambda asked: self.show_bad_line(asked.number),
        }
        verbs[type(command)](command)

    def _answer_rows(self, asked: Rows) -> None:
        if asked.version == self._table.version:
            self._answer("rows", asked, self._table.window(asked.start, asked.to))

    def _answer_table_rows(self, asked: TableRows) -> None:
        if self._sheet and asked.version == self._sheet_version:
            self._answer("table_rows", asked, self._sheet.window(asked.start, asked.to))

    def _answer(self, kind: str, asked: Rows | TableRows, rows: list[dict[str, Any]]) -> None:
        self.send({"kind": kind, "version": asked.version, "from": asked.start, "rows": rows})

    def _pick(self, asked: Pick) -> None:
        rows = self._table.rows
        if asked.version == self._table.version and 0 <= asked.place < len(rows):
            self.selection = int(rows[asked.place])
