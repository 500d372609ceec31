"""From plain values to columns, with types that hold for an empty table too."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from lash_nb.clock import parse_rfc3339
from lash_nb.errors import CallerError
from lash_nb.frames._column import Column, ColumnError
from lash_nb.trace import StampReader

__all__ = ["check_dtype", "typed"]


def check_dtype(column: Column) -> None:
    """Refuse a column of a type that there is not.

    Raises:
        CallerError: naming the types that there are.
    """
    if column.dtype not in _CONVERTERS:
        message = f"Column {column.name!r} has the unknown dtype {column.dtype!r}: use one of {', '.join(_CONVERTERS)}."
        raise CallerError(message)


def typed(column: Column, values: list[Any], problems: list[ColumnError]) -> Any:
    """Return values as the column's type holds them; one that it cannot hold becomes nothing and a problem."""
    convert = _CONVERTERS[column.dtype]
    try:
        return _converted(convert, values)
    except _UNFIT:
        return convert([_fitting(column, convert, number, value, problems) for number, value in enumerate(values)])


def _fitting(
    column: Column, convert: Callable[[list[Any]], Any], number: int, value: Any, problems: list[ColumnError]
) -> Any:
    """Return the value as the type holds it, else nothing, and note that."""
    try:
        cell = _converted(convert, [value])[0]
    except _UNFIT:
        problems.append(ColumnError(column.name, number, f"{_shown(value)} is no {column.dtype}"))
        return None
    return cell if column.dtype in _MASKED else value


def _shown(value: Any) -> str:
    """Return the beginning of a value; one of the user's own may fail at that in any way."""
    try:
        return f"{value!r:.60}"
    except Exception:  # noqa: BLE001 - see above
        return f"{type(value).__name__} that cannot be shown"


def _converted(convert: Callable[[list[Any]], Any], values: list[Any]) -> Any:
    """Make a column; a float that no integer can hold is an error, not whatever the machine makes of it."""
    with np.errstate(invalid="raise"):
        return convert(values)


def _times(values: Sequence[Any]) -> pd.DatetimeIndex:
    if {*map(type, values)} == {str}:
        return pd.DatetimeIndex(StampReader().read(values), tz="UTC")
    moments = [parse_rfc3339(value) if isinstance(value, str) else value for value in values]
    return pd.DatetimeIndex(pd.array(moments, dtype="Int64").to_numpy("int64", na_value=pd.NaT.value), tz="UTC")


def _categories(values: list[Any]) -> Any:
    known = list(dict.fromkeys(value for value in values if value is not None))
    # An empty list of categories has no type of its own: text, so that a table without rows has the types of one with rows.
    return pd.Categorical(values, categories=pd.Index(known, dtype=None if known else "str"))


def _integers(values: list[Any]) -> Any:
    """Make integers, Python's own where one needs more than 64 bits; as these, a float is as exact as it was."""
    try:
        return pd.array(values, dtype="Int64")
    except ArithmeticError:
        return pd.Series([_whole(value) for value in values], dtype="object").array


def _whole(value: Any) -> int | None:
    if isinstance(value, int) or value is None:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    message = f"{_shown(value)} is no integer"
    raise TypeError(message)


def _objects(values: list[Any]) -> pd.Series:
    return pd.Series(values, dtype="object")


_UNFIT: Final = (TypeError, ValueError, ArithmeticError, IndexError, RuntimeError)
"""What pandas raises for values that a type cannot hold; of lists among truth values it says that they have too few dimensions, or too many."""
_MASKED: Final = ("string", "Int64", "UInt64", "Float64", "boolean")
"""Types whose columns hold values and what is missing; alone a value may be of another type than in company (`"7"` is an integer, not beside 7)."""

_CONVERTERS: Final[dict[str, Callable[[list[Any]], Any]]] = {
    **{dtype: functools.partial(pd.array, dtype=dtype) for dtype in _MASKED},
    "category": _categories,
    "integer": _integers,
    "datetime64[ns, UTC]": _times,
    "object": _objects,
}
"""How a list of plain values, None for nothing, becomes a column of each type."""
