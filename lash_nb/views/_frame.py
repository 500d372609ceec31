"""A DataFrame as one line per row: the columns that a person reads, the others named; ids short, units with the numbers."""

import textwrap
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from lash_nb.plots import counted, duration, one_line, short_id, token_count
from lash_nb.views._markup import CODE, MUTED, RIGHT, el, heading, joined, table
from lash_nb.views._text import COLUMNS, ROWS, aligned, clipped

__all__ = ["frame_html", "frame_text"]

_ROWS: Final = 50
"""Rows of a page; the last of a longer table are left out, and that is said."""
_LINE: Final = 60
"""Characters of a text in a cell; the whole one is seen when the pointer rests on it, and stands in the value."""
_HOVER: Final = 2_000
_NUMBER_ENDS: Final = {"_ms": duration, "_tokens": token_count}
_ID_ENDS: Final = ("_id", "_key")


def frame_html(frame: pd.DataFrame, *, columns: Mapping[str, str], title: str, note: str = "") -> str:
    """Return a table as HTML that needs no script, style block or kernel.

    Args:
        frame: The table.
        columns: What to show of it: names of columns and what stands above them.
        title: What it is.
        note: What a person should know about all of it, e.g. its sums.
    """
    shown = frame.head(_ROWS)
    heads = [(head, _style(frame, name)) for name, head in columns.items()]
    rows = [[_html_cell(shown[name].iloc[row], name) for name in columns] for row in range(len(shown))]
    return joined(
        heading(title, f"{counted(len(frame), 'row')}{f' · {note}' if note else ''}"),
        table(heads, rows) if rows else None,
        el("div", words, style=f"{MUTED}font-size:11px;overflow-wrap:anywhere;")
        if (words := _left_out(frame, columns, _ROWS))
        else None,
    )


def frame_text(frame: pd.DataFrame, *, columns: Mapping[str, str], title: str, note: str = "") -> str:
    """Return the same as aligned text of at most 100 columns and 40 rows."""
    most = ROWS - 10
    shown = frame.head(most)
    cells = [
        list(columns.values()),
        *([_text_of(shown[name].iloc[row], name) for name in columns] for row in range(len(shown))),
    ]
    right = [place for place, name in enumerate(columns) if _is_number(frame, name)]
    lines = aligned(cells, right=right, limits=dict.fromkeys(range(len(columns)), 32)) if len(shown) else []
    head = f"{one_line(title)}  {counted(len(frame), 'row')}"
    ends = [*textwrap.wrap(one_line(note, 400), COLUMNS), *textwrap.wrap(_left_out(frame, columns, most), COLUMNS)]
    return clipped([head, *lines, *ends])


def _style(frame: pd.DataFrame, name: str) -> str:
    if _is_number(frame, name):
        return RIGHT
    return f"{CODE}white-space:nowrap;" if name.endswith(_ID_ENDS) else ""


def _is_number(frame: pd.DataFrame, name: str) -> bool:
    return pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name])


def _html_cell(value: Any, name: str) -> str:
    text = _text_of(value, name)
    whole = "" if _is_missing(value) or not isinstance(value, str) else value
    return text if text == whole or not whole else el("span", text, title=one_line(whole, _HOVER))


def _text_of(value: Any, name: str) -> str:
    if _is_missing(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return value.strftime("%H:%M:%S")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return short_id(value) if name.endswith(_ID_ENDS) else one_line(value, _LINE)
    return _number(value, name)


def _number(value: Any, name: str) -> str:
    for end, write in _NUMBER_ENDS.items():
        if name.endswith(end):
            return write(float(value))
    if name.endswith("_usd"):
        return f"${value:,.4f}" if value < 1 else f"${value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else one_line(str(value), _LINE)


def _is_missing(value: Any) -> bool:
    return value is None or (not isinstance(value, str | list | dict | tuple) and bool(pd.isna(value)))


def _left_out(frame: pd.DataFrame, columns: Mapping[str, str], most: int) -> str:
    rows = f"{counted(len(frame) - most, 'row')} more" if len(frame) > most else ""
    names = ", ".join(name for name in frame.columns if name not in columns)
    return " · ".join(filter(None, (rows, f"columns not shown: {names}" if names else "")))
