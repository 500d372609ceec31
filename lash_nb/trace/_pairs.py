"""Which of many starts and ends belong together, in whole columns: sorted and counted, never walked one by one."""

import numpy as np

from lash_nb.trace._column import Ints

__all__ = ["changes", "joined", "last_before", "nearest", "numbered", "paired"]


def changes(column: Ints) -> Ints:
    """Return where a value differs from the one before; the first one does."""
    differs = np.ones(len(column), bool)
    np.not_equal(column[1:], column[:-1], out=differs[1:])
    return differs


def joined(one: Ints, other: Ints) -> Ints:
    """Return one number for each different combination of two columns, whose numbers are codes of texts or as small."""
    if not len(one):
        return np.zeros(0, np.int64)
    span = int(other.max()) - int(other.min()) + 1
    numbers: Ints = one.astype(np.int64) * span + (other - other.min())
    return numbers


def numbered(column: Ints) -> Ints:
    """Return a number for each different value, from 0."""
    numbers: Ints = np.unique(column, return_inverse=True)[1]
    return numbers


def paired(keys: Ints, is_start: Ints) -> tuple[Ints, Ints]:
    """Pair the starts and ends of each key: its first start with the first end after it, and so on; an end for which none waits is alone.

    Args:
        keys: What the start and the end of one thing have in common, and no other thing at that time.
        is_start: Whether it is a start, else an end.

    Returns:
        Places of the starts and of the ends, -1 for none, in the order in which either was first met.
    """
    order = np.argsort(keys, kind="stable")
    starts_here = is_start[order]
    begins = changes(keys[order])
    groups = np.cumsum(begins) - 1
    is_late = ~starts_here & ~_alone(starts_here, begins, groups)
    starts, lates = order[starts_here], order[is_late]
    end_of = np.full(len(keys), -1)
    end_of[starts[_places(groups[starts_here], groups[is_late])]] = lates
    return _as_met(is_start, end_of)


def nearest(keys: Ints, is_start: Ints) -> tuple[Ints, Ints]:
    """Pair each end with the start right before it under its key: a start that another one follows has none, an end behind an end is alone.

    Arguments and what it returns are those of `paired`.
    """
    order = np.argsort(keys, kind="stable")
    starts_here = is_start[order]
    pairs = np.flatnonzero(~changes(keys[order])[1:] & starts_here[:-1] & ~starts_here[1:])
    end_of = np.full(len(keys), -1)
    end_of[order[pairs]] = order[pairs + 1]
    return _as_met(is_start, end_of)


def last_before(keys: Ints, rows: Ints, wanted: Ints, before: Ints) -> Ints:
    """Return the place of the last entry of each wanted key that lies before a row; -1 where there is none.

    Args:
        keys: Numbers, not many more than there are records.
        rows: The rows of these entries, of one key each another one.
        wanted: The keys that are looked for.
        before: The row before which it lies.
    """
    if not len(keys):
        return np.full(len(wanted), -1)
    room = max(int(rows.max()), int(before.max(initial=0))) + 1
    held = keys * room + rows
    order = np.argsort(held)
    found = order[np.searchsorted(held[order], wanted * room + before) - 1]
    places: Ints = np.where((keys[found] == wanted) & (rows[found] < before), found, -1)
    return places


def _as_met(is_start: Ints, end_of: Ints) -> tuple[Ints, Ints]:
    """Return the starts, each with its end, and the ends that no start has, in the order in which they were met."""
    heard = np.ones(len(is_start), bool)
    heard[end_of[end_of >= 0]] = False
    firsts = np.flatnonzero(heard)
    begun = is_start[firsts]
    return np.where(begun, firsts, -1), np.where(begun, end_of[firsts], firsts)


def _alone(is_start: Ints, begins: Ints, groups: Ints) -> Ints:
    """Return where an end comes when no start of its group waits for one: there the balance of its group falls lower than ever."""
    steps = np.where(is_start, 1, -1)
    sums = np.cumsum(steps)
    base = groups * (2 * len(steps) + 1)  # keeps the groups from reaching into each other
    balance = sums - (sums - steps)[begins][groups] - base
    lowest = np.minimum.accumulate(np.minimum(balance, -base))
    alone: Ints = balance < np.minimum(np.append(0, lowest[:-1])[: len(lowest)], -base)
    return alone


def _places(groups: Ints, wanted: Ints) -> Ints:
    """Return for the first entry of each group in `wanted` the place of its first one in `groups`, for the second the second, and so on."""
    ranks = np.arange(len(wanted)) - np.searchsorted(wanted, wanted)
    places: Ints = np.searchsorted(groups, wanted) + ranks
    return places
