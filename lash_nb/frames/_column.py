"""A table is a sequence of columns, so that a reader can add one, as here the host's own run id.

    from lash_nb.frames import LLM_CALL_COLUMNS, Column, llm_calls_df

    run = Column("run_id", "body.context.run_id", "string", "The host's run.")
    llm_calls_df(trace, columns=(*LLM_CALL_COLUMNS, run))

A column that is a function instead of a path gets the row of its table; each table says what its rows are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from lash_nb.errors import CallerError

__all__ = ["Column", "ColumnError", "Walk", "nothing"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its name, where its value comes from, its type and its meaning."""

    name: str
    """Head of the column."""
    path: str | Callable[[Any], Any]
    """Where the value lies in a row, as in `span.model` or `end.response.text`, or a function of the row.

    A step of a path is an attribute, a key or a list position; a key that is not there gives an empty cell."""
    dtype: str = "object"
    """`string`, `category`, `Int64`, `UInt64` (for numbers up to 2**64), `integer` (`Int64`, or objects where a sum is larger), `Float64`, `boolean`, `datetime64[ns, UTC]` (from nanoseconds or RFC 3339 text) or `object`."""
    doc: str = ""
    """What the value means, with its unit."""
    then: Callable[[Any], Any] | None = None
    """What to make of what is found, as in `then=len`; not called where nothing is."""

    def value(self, row: Any) -> Any:
        """Return the value of one row."""
        found = self.path(row) if callable(self.path) else _follow(row, self.path)
        return found if found is None or self.then is None else self.then(found)

    def values(self, walk: "Walk") -> list[Any] | None:
        """Return the values of many rows at once, None when they must be asked one by one."""
        if callable(self.path):
            return None
        found, then = walk.values(self.path), self.then
        return found if then is None else [None if value is None else then(value) for value in found]


def nothing(_row: object) -> None:
    """Give no value: the path of a column that a table has because others have it, and is always empty."""


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


class Walk:
    """Values of many rows by path, all rows one step at a time; where several paths begin alike, that part is walked once."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self.rows = rows
        """The rows."""
        self._reached: dict[str, list[Any]] = {"": list(rows)}

    def values(self, path: str) -> list[Any]:
        """Return the value of each row."""
        before, _, step = path.rpartition(".")
        if before not in self._reached:
            self._reached[before] = self.values(before)
        return _steps(self._reached[before], step)


def _follow(value: Any, path: str) -> Any:
    for step in path.split("."):
        if value is None:
            return None
        value = _step(value, step)
    return value


def _steps(values: list[Any], step: str) -> list[Any]:
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {dict}:
        return [None if value is None else value.get(step) for value in values]
    if not any(issubclass(kind, _JSON) for kind in kinds):
        get = attrgetter(step)
        return [None if value is None else get(value) for value in values]
    return [None if value is None else _step(value, step) for value in values]


def _step(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list | tuple):
        return value[int(step)] if step.isdecimal() and int(step) < len(value) else None
    return None if isinstance(value, _LEAVES) else getattr(value, step)


_LEAVES: Final = (str, int, float)
"""JSON that has no members: in a record of another shape a path ends there, and its cell is empty."""
_JSON: Final = (Mapping, list, tuple, *_LEAVES)
"""Values whose members are no attributes."""
