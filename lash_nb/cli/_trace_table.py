"""A table of a trace in the terminal: its first rows with cells cut to fit, or all of it as CSV, which is written piece by piece."""

import shutil
import sys
from argparse import Namespace
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final

import msgspec
import pandas as pd

from lash_nb.cli._output import write_data
from lash_nb.errors import CallerError
from lash_nb.frames import TRACE_TABLES, Column, first_columns
from lash_nb.plots import counted, one_line, printable
from lash_nb.trace import Trace

__all__ = ["print_table"]

HEAD: Final = 50
"""Rows that are printed unless another number is asked for."""
_CELL: Final = 40
"""Characters of a cell at most."""
_PIECE: Final = 10_000
"""Rows that are made text at a time."""
_PROBLEMS: Final = 20
"""As many bad lines and cells are told one by one."""


def print_table(trace: Trace, asked: Namespace) -> None:
    """Print the table that is asked for, and what is wrong with it to the standard error.

    Raises:
        CallerError: there is no such table or column.
    """
    if asked.table not in TRACE_TABLES:
        message = f"there is no table {asked.table!r}; there are {', '.join(TRACE_TABLES)}"
        raise CallerError(message)
    table = TRACE_TABLES[asked.table]
    chosen = _chosen(table.columns, asked.columns)
    found, problems = table(trace, columns=chosen, strict=False)
    frame = found if asked.columns is None else found[[column.name for column in chosen]]
    if asked.csv:
        _print_csv(frame)
    else:
        wanted = first_columns(frame) if asked.columns is None else list(map(str, frame))
        _print_head(frame, HEAD if asked.head is None else asked.head, wanted)
    for problem in problems[:_PROBLEMS]:
        print(printable(f"lash-nb: {problem}"), file=sys.stderr)
    if len(problems) > _PROBLEMS:
        print(f"lash-nb: and {len(problems) - _PROBLEMS} more", file=sys.stderr)


def _chosen(columns: Sequence[Column], names: str | None) -> Sequence[Column]:
    if names is None:
        return columns
    there = {column.name: column for column in columns}
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in there:
            message = f"the table has no column {name!r}; it has {', '.join(there)}"
            raise CallerError(message)
    return [there[name] for name in dict.fromkeys(wanted)]


def _print_csv(frame: pd.DataFrame) -> None:
    """Write every row; values that JSON nests are JSON in their cell."""
    for first in range(0, max(len(frame), 1), _PIECE):
        piece = frame.iloc[first : first + _PIECE]
        nested = {str(name): piece[name].map(_json) for name in piece if piece[name].dtype == object}
        write_data(piece.assign(**nested).to_csv(index=False, header=first == 0, lineterminator="\n"))


def _print_head(frame: pd.DataFrame, rows: int, wanted: Sequence[str]) -> None:
    shown = frame.iloc[:rows]
    columns = [_cells(shown, name) for name in wanted]
    columns = columns[: _fitting(columns)]
    hidden = [name for name in map(str, frame) if name not in wanted[: len(columns)]]
    for cells in zip(*columns, strict=True):
        print("  ".join(cells).rstrip())
    if hidden:
        names = ", ".join(hidden)
        print(printable(f"… and {counted(len(hidden), 'column')}: {names}; choose with --columns a,b, --csv has all"))
    if len(frame) > rows:
        print(f"… and {counted(len(frame) - rows, 'more row')}: --head N prints N rows, --csv all")


def _fitting(columns: Sequence[Sequence[str]]) -> int:
    """Return how many columns fit into a line of the terminal, one at least; into a file or a pipe all."""
    if not sys.stdout.isatty():
        return len(columns)
    ends = accumulate(len(cells[0]) + 2 for cells in columns)
    return max(sum(end - 2 <= shutil.get_terminal_size().columns for end in ends), 1)


def _cells(frame: pd.DataFrame, name: str) -> list[str]:
    """Return a column as text, head first, all of one width; numbers stand at the right."""
    texts = [name, *(_words(value) for value in frame[name])]
    width = max(map(len, texts))
    put = str.rjust if pd.api.types.is_numeric_dtype(frame[name]) else str.ljust
    return [put(text, width) for text in texts]


def _words(value: Any) -> str:
    value = _json(value)
    if value is None or value is pd.NA or value is pd.NaT or value != value:  # noqa: PLR0124 - NaN
        return ""
    if isinstance(value, pd.Timestamp):
        return str(value)[:23]
    return one_line(f"{value:.1f}" if isinstance(value, float) else str(value), _CELL)


def _json(value: Any) -> Any:
    """Return what is no plain value as JSON."""
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list | tuple) else value
