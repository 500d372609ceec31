"""Finding records by what they are about, in the index."""

from collections.abc import Collection

import numpy as np

from lash_nb.trace._index import TraceIndex

__all__ = ["rows_of"]


def rows_of(index: TraceIndex, kinds: Collection[str], *, names: Collection[str] | None = None) -> list[int]:
    """Return the numbers of the records of these kinds, and of these names where they are given."""
    wanted = _holds(index, "kind", kinds)
    if names is not None:
        wanted &= _holds(index, "name", names)
    rows: list[int] = np.flatnonzero(wanted).tolist()
    return rows


def _holds(index: TraceIndex, column: str, texts: Collection[str]) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    found = index.text(column)
    held: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = np.array([*(text in texts for text in found.values), False])
    return held[found.codes]
