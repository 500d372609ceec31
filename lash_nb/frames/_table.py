"""From rows and columns to a DataFrame."""

import contextlib
import functools
import inspect
import reprlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, Protocol, TypeVar, cast, get_type_hints, overload

import pandas as pd

from lash_nb.errors import CallerError, TraceReadError, exception_text
from lash_nb.frames._column import Column, ColumnError, Walk, nothing
from lash_nb.frames._dtypes import check_dtype, typed
from lash_nb.frames._given import given_source
from lash_nb.trace import TraceError

__all__ = ["Rows", "Table", "table"]

S_contra = TypeVar("S_contra", contravariant=True)
S = TypeVar("S")


class Rows:
    """The rows of a table: how many, some after the other, and what can be had for all of them at once."""

    def __init__(self, rows: Sequence[Any], *, errors: Sequence[TraceError] = ()) -> None:
        self._rows = rows
        self.errors = errors
        """Lines of the source that are no rows."""

    def __len__(self) -> int:
        return len(self._rows)

    def pieces(self, columns: Sequence[Column]) -> Iterator[Walk]:  # noqa: ARG002 - what reads bodies wants to know
        """Yield the rows of which these columns are asked, as many at a time as memory should hold."""
        yield Walk(self._rows)

    def vector(self, column: Column) -> Any:
        """Return the column of all rows at once, in its type, or None when the rows must be asked."""
        return typed(column, [None] * len(self), []) if column.path is nothing else None


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


def table(
    columns: Sequence[Column], *, always: Sequence[Column], listing: str = "help(…) of this table says of what"
) -> Callable[[Callable[[S], Rows]], Table[S]]:
    """Make a table function of a function that gives its rows.

    Args:
        columns: What it shows unless told otherwise.
        always: Ids and order: added to whatever columns are asked for.
        listing: What to give to a table of a listing, for the error of who gave something else.
    """

    def decorate(rows_of: Callable[[S], Rows]) -> Table[S]:
        kind = next(iter(get_type_hints(rows_of).values()))

        @functools.wraps(rows_of)
        def build(source: S, /, *, columns: Sequence[Column] = columns, strict: bool = True) -> Any:
            given_source(source, kind, instead=listing)
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
    _refuse_other(columns)
    names = [column.name for column in columns]
    if len(names) > len(set(names)):
        twice = next(name for name in names if names.count(name) > 1)
        message = f"Two columns are called {twice!r}: give one of them another name."
        raise CallerError(message)
    return [*columns, *(column for column in always if column.name not in names)]


def _refuse_other(columns: Any) -> None:
    """Names of columns are no columns."""
    wrong = [columns] if isinstance(columns, str) else [one for one in columns if not isinstance(one, Column)]
    if wrong:
        shown = reprlib.repr(wrong[0])
        message = f"columns is a sequence of Column, and {shown} is none: take some of the table's own, e.g. llm_calls_df.columns[:4]"
        raise CallerError(message)


def _frame(rows: Rows, columns: Sequence[Column]) -> tuple[pd.DataFrame, list[ColumnError]]:
    for column in columns:
        check_dtype(column)
    vectors = {column.name: rows.vector(column) for column in columns}
    asked = [column for column in columns if vectors[column.name] is None]
    values, problems = _values(rows, asked)
    data = {}
    for column in columns:
        vector = vectors[column.name]
        data[column.name] = vector if vector is not None else typed(column, values.pop(column.name), problems)
    problems.sort(key=lambda problem: problem.row)
    return pd.DataFrame(data, columns=[column.name for column in columns], index=range(len(rows))), problems


def _values(rows: Rows, columns: Sequence[Column]) -> tuple[dict[str, list[Any]], list[ColumnError]]:
    """Ask the rows for all columns, some rows at a time, so that a body is read once and let go."""
    values: dict[str, list[Any]] = {column.name: [] for column in columns}
    problems: list[ColumnError] = []
    first = 0
    for piece in rows.pieces(columns) if columns else ():
        for column in columns:
            values[column.name] += _cells(column, piece, first, problems)
        first += len(piece.rows)
    return values, problems


def _cells(column: Column, piece: Walk, first: int, problems: list[ColumnError]) -> list[Any]:
    with contextlib.suppress(Exception):  # asked one by one, below, the rows show which of them it was
        together = column.values(piece)
        if together is not None:
            return together
    cells = []
    for number, row in enumerate(piece.rows, first):
        try:
            cells.append(column.value(row))
        except TraceReadError:  # no fault of the column: nothing can be read any more
            raise
        except Exception as error:  # noqa: BLE001 - a column may be anybody's function
            problems.append(ColumnError(column.name, number, f"{type(error).__name__}: {exception_text(error)}"))
            cells.append(None)
    return cells


def _documented(doc: str, columns: Sequence[Column]) -> str:
    """Add what every column means to the docstring of its table."""
    lines = [f"    {column.name} ({column.dtype}): {column.doc}" for column in columns]
    arguments = (
        "    columns: Another choice of columns; ids and order are always there.\n"
        "    strict: Whether a column that fails raises; else it leaves an empty cell, and the result is `(frame, errors)` with\n"
        "        the bad lines of the trace and the failed cells."
    )
    return f"{inspect.cleandoc(doc)}\n\nArgs:\n{arguments}\n\nColumns:\n" + "\n".join(lines)
