"""Columns of a trace's index as columns of a table: whole, in their type, without a record being read."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd

from lash_nb.frames._column import Column
from lash_nb.trace import NO_INT, TEXT_COLUMNS, CodedColumn, TraceIndex

__all__ = ["index_column"]

_HEAD: Final = "index."


def index_column(index: TraceIndex, column: Column, rows: Any = None) -> Any:
    """Return a column whose path begins with `index.`, of all records or of some; None when the index has none such in its type.

    Args:
        index: The index.
        column: With a path such as `index.turn_id`: a text column, or a number column of `TraceIndex`; besides `index.order`,
            `index.is_known` and `index.is_withheld`.
        rows: Numbers of records as an array; all of them by default.
    """
    if callable(column.path) or not column.path.startswith(_HEAD):
        return None
    name = column.path.removeprefix(_HEAD)
    if name in TEXT_COLUMNS and column.dtype in ("category", "string", "Int64"):
        return _decoded(index.text(name), column.dtype, rows)
    dtype, read, make = _VECTORS.get(name, ("", None, None))
    if dtype != column.dtype or read is None or make is None:
        return None
    values = read(index)
    return make(values if rows is None else values[rows])


def _decoded(column: CodedColumn, dtype: str, rows: Any) -> Any:
    codes = np.asarray(column.codes if rows is None else column.codes[rows], dtype=np.int32)
    different = column.values  # noqa: PD011 - a list, not a frame
    if dtype == "category":
        categories: Any = pd.Index(different, dtype=None if different else "str")
        return pd.Categorical.from_codes(codes, categories=categories)
    values: Any = pd.Series(different, dtype=dtype).array
    return values.take(codes, allow_fill=True)


def _integers(values: Any) -> Any:
    numbers = np.array(values, dtype=np.int64)
    return pd.arrays.IntegerArray(numbers, numbers == NO_INT)


def _floats(values: Any) -> Any:
    numbers = np.array(values, dtype=np.float64)
    return pd.arrays.FloatingArray(numbers, np.isnan(numbers))


def _times(values: Any) -> Any:
    return pd.DatetimeIndex(np.array(values, dtype=np.int64).view("datetime64[ns]"), tz="UTC")


def _truths(values: Any) -> Any:
    return pd.array(np.array(values, dtype=np.bool_), dtype="boolean")


_VECTORS: Final[dict[str, tuple[str, Callable[[TraceIndex], Any], Callable[[Any], Any]]]] = {
    "order": ("Int64", lambda index: np.arange(len(index)), _integers),
    "time_ns": ("datetime64[ns, UTC]", lambda index: index.time_ns, _times),
    "duration_ms": ("Float64", lambda index: index.duration_ms, _floats),
    "offset": ("Int64", lambda index: index.offset, _integers),
    "length": ("Int64", lambda index: index.length, _integers),
    "line": ("Int64", lambda index: index.line, _integers),
    "turn_index": ("Int64", lambda index: index.turn_index, _integers),
    "protocol_iteration": ("Int64", lambda index: index.protocol_iteration, _integers),
    "is_known": ("boolean", lambda index: index.is_known, _truths),
    "is_withheld": ("boolean", lambda index: index.is_withheld, _truths),
}
"""What is no text: its type, where it is, and how it becomes a column."""
