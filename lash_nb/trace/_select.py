"""Finding records by what they are about, in the index."""

from collections.abc import Collection
from typing import Any

import numpy as np

from lash_nb.trace._column import Ints
from lash_nb.trace._index import TraceIndex
from lash_nb.trace._peek import NO_INT

__all__ = ["holds", "known", "rows_of"]


def rows_of(
    index: TraceIndex,
    kinds: Collection[str],
    *,
    names: Collection[str] | None = None,
    versions: Collection[int] | None = None,
) -> list[int]:
    """Return the numbers of the records of these kinds, and of these names and schema versions where they are given."""
    wanted = holds(index, "kind", kinds)
    for column, values in (("name", names), ("schema_version", versions)):
        if values is not None:
            wanted &= holds(index, column, values)
    rows: list[int] = np.flatnonzero(wanted).tolist()
    return rows


def holds(index: TraceIndex, column: str, values: Collection[Any]) -> Ints:
    """Return for each record whether it has one of these values in a text column."""
    found = index.text(column)
    held: Ints = np.array([*(value in values for value in found.values), False])[found.codes]
    return held


def known(number: int) -> int | None:
    """Return a number of an integer column, None where there is none."""
    return None if number == NO_INT else number
