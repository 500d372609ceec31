"""Which of many starts and ends belong together, in whole columns: sorted and counted, never walked one by one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Column", "changes", "joined", "paired"]

Column = NDArray[Any]
"""One value per record, or per turn."""


def changes(sorted_values: Column) -> Column:
    """Where a value differs from the one before; the first one does."""
    return np.concatenate([np.ones(min(1, len(sorted_values)), dtype=bool), sorted_values[1:] != sorted_values[:-1]])


def joined(*columns: Column) -> Column:
    """Give each different combination of values a number."""
    numbers = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        _, inner = np.unique(column, return_inverse=True)
        _, numbers = np.unique(numbers * (len(inner) + 1) + inner, return_inverse=True)
    return numbers


def paired(start_keys: Column, end_keys: Column, starts: Column, ends: Column) -> tuple[Column, Column]:
    """Return the starts and the ends that belong together: of each key the first start with the first end after it, and so on."""
    keys, rows = joined(*np.concatenate([start_keys, end_keys], axis=1)), np.concatenate([starts, ends])
    order = np.lexsort((rows, keys))
    is_start = order < len(starts)
    groups = np.cumsum(changes(keys[order])) - 1
    alone = _without_start(is_start, groups)
    left, right = order[is_start], order[~is_start & ~alone]
    one, other = (_with_rank(keys[part], len(keys)) for part in (left, right))
    _, here, there = np.intersect1d(one, other, return_indices=True)
    return rows[left[here]], rows[right[there]]


def _without_start(is_start: Column, groups: Column) -> Column:
    """Where an end comes when no start of its group waits for one: there the balance of its group falls lower than ever."""
    steps = np.where(is_start, 1, -1)
    sums = np.cumsum(steps)
    firsts = changes(groups)
    balance = sums - (sums - steps)[firsts][groups] if len(groups) else sums
    apart = groups * (len(groups) + 1)  # keeps the groups from reaching into each other
    lowest = np.minimum.accumulate(np.minimum(balance, 0) - apart) + apart
    before = np.where(firsts, 0, np.concatenate([[0], lowest[:-1]])[: len(lowest)])
    return balance < np.minimum(before, 0)


def _with_rank(sorted_keys: Column, room: int) -> Column:
    """Tell the repetitions of a key apart by counting them; `room` is more than any count."""
    is_first = changes(sorted_keys)
    places = np.arange(len(sorted_keys))
    ranks = places - places[is_first][np.cumsum(is_first) - 1] if len(places) else places
    return sorted_keys * (room + 1) + ranks
