"""A table in place of the records, as columns: sorted by any of them, written out only where one looks."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lash_nb.errors import CallerError
from lash_nb.plots import one_line

__all__ = ["Sheet", "SheetColumn", "cell_text"]

_FIRST: Final = 40
"""Rows that come with the table: one screen."""
_MOST: Final = 200
"""Rows of one answer."""


class SheetColumn(NamedTuple):
    """A column: a value per row, how it is ordered, how it is written."""

    head: str
    """What stands above it."""
    values: Sequence[Any] | NDArray[Any]
    """One value per row."""
    write: Callable[[Any], Any]
    """Writes a value: text, or a dict with `text` and what else the cell shows (`mark`, `bad`)."""
    look: str = "number"
    """`name`, `word`, `short`, `number` or `status`: how wide it is and to which side it is set."""
    order: NDArray[Any] | None = None
    """What it is sorted by, where that is not the values themselves; NaN comes last in both directions."""
    wide: bool = False
    """Whether it is left out where there is little room."""


class Sheet:
    """A table whose rows are not the records.

    Attributes:
        name: Its name, as in `view.table`.
        columns: Its columns.
        note: What its numbers are of, and what they leave out.
        keys: What a click on each row asks for; nothing where a click does nothing.
        total: The last row, which adds all others up; None where there is none.
        sort: Column that it is sorted by; empty for the order in which it comes.
        descending: Whether the largest comes first.
    """

    def __init__(
        self,
        name: str,
        columns: Sequence[SheetColumn],
        *,
        note: str,
        keys: Sequence[str] = (),
        total: Sequence[Any] | None = None,
    ) -> None:
        self.name: Final = name
        self.columns: Final = columns
        self.note: Final = note
        self.keys: Final = keys
        self.total: Final = total
        self.sort = ""
        self.descending = False
        self._order: NDArray[Any] = np.arange(len(columns[0].values))

    @property
    def count(self) -> int:
        """How many rows it has."""
        return len(self._order)

    def sort_by(self, head: str, *, descending: bool) -> None:
        """Sort by a column; rows without a value come last.

        Raises:
            CallerError: there is no such column.
        """
        known = {column.head: column for column in self.columns}
        if head not in known:
            raise CallerError(f"no column {one_line(head, 40)!r}; use one of {', '.join(known)}")
        values = _ordered(known[head])
        self._order = np.argsort(-values if descending else values, kind="stable")
        self.sort, self.descending = head, descending

    def window(self, start: int, end: int) -> list[dict[str, Any]]:
        """Return the rows from `start` to `end`, at most two hundred."""
        start = max(0, start)
        rows = self._order[start : max(start, min(end, start + _MOST))].tolist()
        return [
            {
                "key": self.keys[row] if self.keys else "",
                "cells": [column.write(column.values[row]) for column in self.columns],
            }
            for row in rows
        ]

    def state(self, version: int) -> dict[str, Any]:
        """Return what the page draws at once: heads and the first screen."""
        return {
            "name": self.name,
            "version": version,
            "heads": [{"name": column.head, "look": column.look, "wide": column.wide} for column in self.columns],
            "sort": self.sort,
            "descending": self.descending,
            "found": self.count,
            "first": self.window(0, _FIRST),
            "total": self.total,
            "note": self.note,
            "opens": bool(self.keys),
        }


def cell_text(cell: Any) -> str:
    """Return the text of a cell."""
    return str(cell["text"] if isinstance(cell, dict) else cell)


def _ordered(column: SheetColumn) -> NDArray[np.float64]:
    if column.order is not None:
        return column.order.astype(np.float64)
    if column.look in ("name", "word"):
        ranks = {text: rank for rank, text in enumerate(sorted(set(map(str, column.values)), key=str.lower))}
        return np.array([ranks[str(text)] for text in column.values], dtype=np.float64)
    return np.asarray(column.values, dtype=np.float64)
