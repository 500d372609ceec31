"""From rows and columns to a DataFrame, with types that hold for an empty table too."""

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Literal, Protocol, TypeVar, cast, overload

import numpy as np
import pandas as pd

from lash_nb.clock import parse_rfc3339
from lash_nb.errors import CallerError
from lash_nb.frames._column import Column, ColumnError
from lash_nb.trace import TraceError

__all__ = ["Rows", "Table", "table"]

S_contra = TypeVar("S_contra", contravariant=True)
S = TypeVar("S")


class Rows:
    """The rows of a table: how many, one after the other, and what can be had for all of them at once."""

    def __init__(self, rows: Sequence[Any], *, errors: Sequence[TraceError] = ()) -> None:
        self._rows = rows
        self.errors = errors
        """Lines of the source that are no rows."""

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def vector(self, column: Column) -> Any:  # noqa: ARG002 - a row source with vectors overrides it
        """Return the column of all rows at once, in its type, or None when the rows must be asked one by one."""
        return None


class Table(Protocol[S_contra]):
    """A function from records, a graph or a listing to a DataFrame."""

    columns: tuple[Column, ...]
    """The columns it has unless told otherwise."""

    @overload
    def __call__(
        self, source: S_contra, /, *, columns: Sequence[Column] = ..., strict: Literal[True] = True
    ) -> pd.DataFrame: ...

    @overload
    def __call__(
        self, source: S_contra, /, *, columns: Sequence[Column] = ..., strict: Literal[False]
    ) -> tuple[pd.DataFrame, list[TraceError | ColumnError]]: ...


def table(columns: Sequence[Column], *, always: Sequence[Column]) -> Callable[[Callable[[S], Rows]], Table[S]]:
    """Make a table function of a function that gives its rows.

    Args:
        columns: What it shows unless told otherwise.
        always: Ids and order: added to whatever columns are asked for.
    """

    def decorate(rows_of: Callable[[S], Rows]) -> Table[S]:
        @functools.wraps(rows_of)
        def build(source: S, /, *, columns: Sequence[Column] = columns, strict: bool = True) -> Any:
            rows = rows_of(source)
            frame, problems = _frame(rows, _complete(columns, always))
            if not strict:
                return frame, [*rows.errors, *problems]
            if problems:
                raise problems[0]
            return frame

        build.__doc__ = _documented(rows_of.__doc__ or "", _complete(columns, always))
        build.columns = tuple(columns)  # type: ignore[attr-defined]  # a function has no attributes of its own
        del build.__wrapped__  # or `inspect` would show the signature of the row source
        return cast("Table[S]", build)

    return decorate


def _complete(columns: Sequence[Column], always: Sequence[Column]) -> list[Column]:
    names = [column.name for column in columns]
    if len(names) > len(set(names)):
        twice = next(name for name in names if names.count(name) > 1)
        message = f"Two columns are called {twice!r}: give one of them another name."
        raise CallerError(message)
    return [*columns, *(column for column in always if column.name not in names)]


def _frame(rows: Rows, columns: Sequence[Column]) -> tuple[pd.DataFrame, list[ColumnError]]:
    vectors = {column.name: rows.vector(column) for column in columns}
    asked = [column for column in columns if vectors[column.name] is None]
    values, problems = _values(rows, asked)
    data = {}
    for column in columns:
        vector = vectors[column.name]
        data[column.name] = _typed(column, values[column.name] if vector is None else vector, problems)
    return pd.DataFrame(data, columns=[column.name for column in columns], index=range(len(rows))), problems


def _values(rows: Rows, columns: Sequence[Column]) -> tuple[dict[str, list[Any]], list[ColumnError]]:
    """Ask each row once for all columns, so that a body is read once and let go."""
    values: dict[str, list[Any]] = {column.name: [] for column in columns}
    problems: list[ColumnError] = []
    for number, row in enumerate(rows if columns else ()):
        for column in columns:
            try:
                value = column.value(row)
            except Exception as error:  # noqa: BLE001 - a column may be anybody's function
                problems.append(ColumnError(column.name, number, f"{type(error).__name__}: {error}"))
                value = None
            values[column.name].append(value)
    return values, problems


def _typed(column: Column, values: Any, problems: list[ColumnError]) -> Any:
    convert = _CONVERTERS.get(column.dtype)
    if convert is None:
        message = f"Column {column.name!r} has the unknown dtype {column.dtype!r}: use one of {', '.join(_CONVERTERS)}."
        raise CallerError(message)
    if not isinstance(values, list):
        return values
    try:
        return _converted(convert, values)
    except (TypeError, ValueError, ArithmeticError):
        return convert([_fitting(column, convert, number, value, problems) for number, value in enumerate(values)])


def _fitting(
    column: Column, convert: Callable[[list[Any]], Any], number: int, value: Any, problems: list[ColumnError]
) -> Any:
    """Return the value as the type holds it, else nothing, and note that."""
    try:
        cell = _converted(convert, [value])[0]
    except (TypeError, ValueError, ArithmeticError):
        problems.append(ColumnError(column.name, number, f"{value!r:.60} is no {column.dtype}"))
        return None
    return cell if column.dtype in _MASKED else value


def _converted(convert: Callable[[list[Any]], Any], values: list[Any]) -> Any:
    """Make a column; a float that no integer can hold is an error, not whatever the machine makes of it."""
    with np.errstate(invalid="raise"):
        return convert(values)


def _times(values: Iterable[Any]) -> pd.DatetimeIndex:
    moments = [parse_rfc3339(value) if isinstance(value, str) else value for value in values]
    return pd.DatetimeIndex(pd.array(moments, dtype="Int64").to_numpy("int64", na_value=pd.NaT.value), tz="UTC")


def _categories(values: list[Any]) -> Any:
    known = list(dict.fromkeys(value for value in values if value is not None))
    # An empty list of categories has no type of its own: text, so that a table without rows has the types of one with rows.
    return pd.Categorical(values, categories=pd.Index(known, dtype=None if known else "str"))


def _objects(values: list[Any]) -> pd.Series:
    return pd.Series(values, dtype="object")


_MASKED: Final = ("string", "Int64", "Float64", "boolean")
"""Types whose columns hold values and what is missing; alone a value may be of another type than in company (`"7"` is an integer, not beside 7)."""

_CONVERTERS: Final[dict[str, Callable[[list[Any]], Any]]] = {
    **{dtype: functools.partial(pd.array, dtype=dtype) for dtype in _MASKED},
    "category": _categories,
    "datetime64[ns, UTC]": _times,
    "object": _objects,
}
"""How a list of plain values, None for nothing, becomes a column of each type."""


def _documented(doc: str, columns: Sequence[Column]) -> str:
    """Add what every column means to the docstring of its table."""
    lines = [f"    {column.name} ({column.dtype}): {column.doc}" for column in columns]
    arguments = (
        "    columns: Another choice of columns; ids and order are always there.\n"
        "    strict: Whether a column that fails raises; else it leaves an empty cell, and the result is `(frame, errors)` with\n"
        "        the bad lines of the trace and the failed cells."
    )
    return f"{inspect.cleandoc(doc)}\n\nArgs:\n{arguments}\n\nColumns:\n" + "\n".join(lines)
