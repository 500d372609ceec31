"""On which processor a thread waits, where the system tells it and lets it choose, which is Linux alone."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

__all__ = ["Processor"]


def _asked() -> Callable[[], int] | None:
    """Return what tells the processor of the thread that asks; None where nothing does."""
    with suppress(ImportError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415 - of use to those alone who call plain functions

        if hasattr(os, "sched_setaffinity"):
            return ctypes.PyDLL(None).sched_getcpu
    return None


class Processor(NamedTuple):
    """One of those that a thread may use."""

    number: int
    """Its number."""
    allowed: set[int]
    """All that the thread may use."""

    @classmethod
    def finder(cls) -> "Callable[[], Processor] | None":
        """Return what finds the processor of the thread that asks; None where the system does not tell."""
        asked = _asked()
        return None if asked is None else lambda: cls(asked(), os.sched_getaffinity(0))

    def stay(self) -> bool:
        """Let the current thread run here alone; tell whether it does."""
        return _confined({self.number})

    def leave(self) -> bool:
        """Let the current thread run wherever it may; tell whether it does."""
        return _confined(self.allowed)


def _confined(processors: set[int]) -> bool:
    try:
        os.sched_setaffinity(0, processors)
    except OSError:  # somebody took processors away from the program meanwhile
        return False
    return True
