"""A DataFrame as one line per row: the columns that a person reads, the others named; ids short, units with the numbers."""

import textwrap
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from lash_nb.plots import counted, duration, one_line, recorded_duration, short_id, token_count
from lash_nb.views._markup import CODE, FAILURE, MUTED, RIGHT, Html, bar, el, heading, joined, table
from lash_nb.views._text import COLUMNS, ROWS, aligned, clipped, fitting

__all__ = ["FrameFace", "Share"]

_ROWS: Final = 50
"""Rows of a page; the others of a longer table are left out, and that is said."""
_LINE: Final = 60
"""Characters of a text in a cell; the whole one is seen when the pointer rests on it, and stands in the value."""
_CELL: Final = 32
"""The same in text."""
_HOVER: Final = 2_000
_NUMBER_ENDS: Final = {"duration_ms": recorded_duration, "_ms": duration, "tokens": token_count}
"""How numbers are written, by the end of their column's name; the first that fits."""
_ID_ENDS: Final = ("_id", "_key")
_TIMES: Final = {"last_use": "%Y-%m-%d %H:%M"}
"""How moments are written; those of one run need no day."""
_TRUTH: Final = {True: "yes", False: "no"}


class Share(NamedTuple):
    """A part of the bar at the end of each row."""

    label: str
    """What it is."""
    fill: str
    """Its color; never the only thing that tells it, the numbers stand in the row."""
    values: Callable[[pd.DataFrame], pd.Series]
    """How long it is in each row; all rows are drawn on one scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFace:
    """How a table looks: as HTML that needs no script, style block or kernel, and as text of at most 100 columns and 40 rows."""

    columns: Mapping[str, str]
    """What is shown of it: names of columns and what stands above them."""
    title: str
    """What it is."""
    note: str = ""
    """What a person should know about all of it, e.g. its sums."""
    empty: str = ""
    """What is missing where there is no row, and what fills it."""
    hint: str = ""
    """What to type next."""
    words: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    """Words for values, by column."""
    failures: Mapping[str, Collection[Any]] = field(default_factory=dict)
    """Values that tell of a failure, by column."""
    whole: Sequence[str] = ()
    """Columns that text never cuts, e.g. of names that a person types."""
    page_only: Sequence[str] = ()
    """Columns for which text has no room."""
    is_latest: bool = False
    """Whether a long table shows its last rows: those of a session that goes on are what a person has just done."""
    rest: str = ""
    """What gives the rows that are left out, with `{}` for how many; by default the value of the cell, a DataFrame."""
    sums: Sequence[str] = ()
    """Columns that are added up in a last row, where there is more than one to add."""
    shares: Sequence[Share] = ()
    """What the bar at the end of each row is made of."""

    def html(self, frame: pd.DataFrame) -> str:
        """Return a table as HTML."""
        shown = self._shown(frame, _ROWS)
        bars = self._bars(shown, frame)
        heads = [(head, _style(frame, name)) for name, head in self.columns.items()]
        rows = [[*self._html_row(shown, row), *bars[row : row + 1]] for row in range(len(shown))]
        if bars:
            heads.append((self._legend(), "width:22%;min-width:90px;"))
        if len(rows) > 1 and self.sums:
            rows.append([el("b", text) for text in self._sum_row(frame, self.columns)] + [""] * bool(bars))
        return joined(
            heading(self.title, " · ".join(filter(None, (counted(len(frame), "row"), self.note)))),
            table(heads, rows) if rows else None,
            *(
                el("div", words, style=f"{MUTED}font-size:11px;overflow-wrap:anywhere;margin-top:2px;")
                for words in (self._end(frame), self._left_out(frame, _ROWS, self.columns))
                if words
            ),
        )

    def text(self, frame: pd.DataFrame) -> str:
        """Return the same as aligned text, without bars."""
        most = ROWS - 10
        shown = self._shown(frame, most)
        columns = {name: head for name, head in self.columns.items() if name not in self.page_only}
        cells = [list(columns.values()), *(self._text_row(shown, row, columns) for row in range(len(shown)))]
        if len(shown) > 1 and self.sums:
            cells.append(self._sum_row(frame, columns))
        right = [place for place, name in enumerate(columns) if _is_number(frame, name)]
        uncut = [place for place, name in enumerate(columns) if name in self.whole or frame[name].dtype.kind == "M"]
        limits = fitting(cells, fixed=[*right, *uncut], most=_CELL)
        lines = aligned(cells, right=right, limits=limits) if len(shown) else []
        head = f"{one_line(self.title)}  {counted(len(frame), 'row')}"
        said = (self.note, self._left_out(frame, most, columns), self._end(frame))
        return clipped(
            [head, *lines, *(line for words in said for line in textwrap.wrap(one_line(words, 400), COLUMNS))]
        )

    def _shown(self, frame: pd.DataFrame, most: int) -> pd.DataFrame:
        return frame.tail(most) if self.is_latest else frame.head(most)

    def _end(self, frame: pd.DataFrame) -> str:
        return self.hint if len(frame) else self.empty

    def _html_row(self, shown: pd.DataFrame, row: int) -> list[str]:
        return [self._html_cell(shown[name].iloc[row], name) for name in self.columns]

    def _text_row(self, shown: pd.DataFrame, row: int, columns: Iterable[str]) -> list[str]:
        return [self._text_of(shown[name].iloc[row], name) for name in columns]

    def _sum_row(self, frame: pd.DataFrame, columns: Collection[str]) -> list[str]:
        added = [name for name in self.sums if name in columns and frame[name].notna().any()]
        sums = {name: _text_of(frame[name].sum(), name) for name in added}
        first = next(iter(columns))
        return [sums.get(name, "in all" if name == first else "") for name in columns]

    def _html_cell(self, value: Any, name: str) -> str:
        text = self._text_of(value, name)
        if not _is_missing(value) and value in self.failures.get(name, ()):
            return el("span", text, style=FAILURE)
        whole = "" if _is_missing(value) or not isinstance(value, str) else value
        return text if text == whole or not whole else el("span", text, title=one_line(whole, _HOVER))

    def _text_of(self, value: Any, name: str) -> str:
        own = self.words[name].get(value) if name in self.words and not _is_missing(value) else None
        return _text_of(value, name) if own is None else own

    def _bars(self, shown: pd.DataFrame, frame: pd.DataFrame) -> list[Html]:
        """One bar for each row that is shown, by the longest of all; none where there is nothing to draw."""
        if frame.empty or not self.shares:
            return []
        longest = self._lengths(frame).sum(axis=0).max()
        fills = [share.fill for share in self.shares]
        draw = partial(bar, fills=fills, whole=longest)
        return [draw(parts.tolist()) for parts in self._lengths(shown).T] if longest > 0 else []

    def _lengths(self, frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([share.values(frame).fillna(0).to_numpy(float) for share in self.shares])

    def _legend(self) -> Html:
        squares = [
            el(
                "span",
                bar([1.0], fills=[share.fill], whole=1.0, width="9px"),
                f" {share.label} ",
                style="white-space:nowrap;",
            )
            for share in self.shares
        ]
        return el("span", *squares, style="font-size:11px;font-weight:400;")

    def _left_out(self, frame: pd.DataFrame, most: int, columns: Collection[str]) -> str:
        rows = self._rest(len(frame) - most) if len(frame) > most else ""
        names = ", ".join(name for name in frame.columns if name not in columns) if len(frame) else ""
        return " · ".join(filter(None, (rows, f"columns not shown: {names}" if names else "")))

    def _rest(self, count: int) -> str:
        given = (self.rest or ("_.head({})" if self.is_latest else "_.tail({})")).format(count)
        return f"{counted(count, 'earlier row' if self.is_latest else 'more row')}: {given}"


def _style(frame: pd.DataFrame, name: str) -> str:
    if _is_number(frame, name):
        return RIGHT
    return f"{CODE}white-space:nowrap;" if name.endswith(_ID_ENDS) else ""


def _is_number(frame: pd.DataFrame, name: str) -> bool:
    return pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name])


def _text_of(value: Any, name: str) -> str:
    if _is_missing(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return value.strftime(_TIMES.get(name, "%H:%M:%S"))
    if isinstance(value, bool | np.bool_):
        return _TRUTH[bool(value)]
    if isinstance(value, str):
        return short_id(value) if name.endswith(_ID_ENDS) else one_line(value, _LINE)
    return _number(value, name)


def _number(value: Any, name: str) -> str:
    for end, write in _NUMBER_ENDS.items():
        if name.endswith(end):
            return write(float(value))
    if name.endswith("_usd"):
        return f"${value:,.4f}" if value < 1 else f"${value:,.2f}"
    return f"{value:,}" if isinstance(value, int | np.integer) else one_line(str(value), _LINE)


def _is_missing(value: Any) -> bool:
    return value is None or (not isinstance(value, str | list | dict | tuple) and bool(pd.isna(value)))
