"""A table is a sequence of columns, so that a reader can add one, as here the host's own run id.

    from lash_nb.frames import LLM_CALL_COLUMNS, Column, llm_calls_df

    run = Column("run_id", "body.context.run_id", "string", "The host's run.")
    llm_calls_df(trace, columns=(*LLM_CALL_COLUMNS, run))

A column that is a function instead of a path gets the row of its table; each table says what its rows are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lash_nb.errors import CallerError

__all__ = ["Column", "ColumnError"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its name, where its value comes from, its type and its meaning."""

    name: str
    """Head of the column."""
    path: str | Callable[[Any], Any]
    """Where the value lies in a row, as in `span.model` or `end.response.text`, or a function of the row.

    A step of a path is an attribute, a key or a list position; a key that is not there gives an empty cell."""
    dtype: str = "object"
    """`string`, `category`, `Int64`, `Float64`, `boolean`, `datetime64[ns, UTC]` (from nanoseconds or RFC 3339 text) or `object`."""
    doc: str = ""
    """What the value means, with its unit."""

    def value(self, row: Any) -> Any:
        """Return the value of one row."""
        if callable(self.path):
            return self.path(row)
        for step in self.path.split("."):
            if row is None:
                return None
            row = _step(row, step)
        return row


class ColumnError(CallerError):
    """A column that has no value for a row, or one that its type cannot hold.

    Attributes:
        column: Name of the column.
        row: Number of the row in the table, from 0.
        reason: What went wrong.
    """

    code = "column"

    def __init__(self, column: str, row: int, reason: str) -> None:
        super().__init__(
            f"Column {column!r} failed at row {row}: {reason}. Change its path or dtype, or pass strict=False for empty cells."
        )
        self.args = (column, row, reason)
        self.column = column
        self.row = row
        self.reason = reason

    def __str__(self) -> str:
        return self.message


def _step(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list | tuple):
        return value[int(step)] if step.isdecimal() and int(step) < len(value) else None
    return None if isinstance(value, _LEAVES) else getattr(value, step)


_LEAVES: Final = (str, int, float)
"""JSON that has no members: in a record of another shape a path ends there, and its cell is empty."""
