"""Locks that are not lost to an interrupt."""

from collections.abc import Callable
from contextlib import suppress
from threading import RLock
from typing import TypeVar, TypeVarTuple

__all__ = ["exclusively", "give_back"]

T = TypeVar("T")
Given = TypeVarTuple("Given")


def exclusively(lock: RLock, work: Callable[[*Given], T], *given: *Given) -> T:
    """Return what `work` returns, which no other thread does meanwhile under this lock; nor does it itself take the lock again."""
    try:
        with lock:
            return work(*given)
    except BaseException:  # be it an interrupt
        give_back(lock)
        raise


def give_back(lock: RLock) -> None:
    """Give back a lock that this thread may hold, after something was thrown into it.

    From Python 3.14 on the interpreter looks for interrupts between a `with` that took a lock and its body, too: then its end gives nothing back,
    and every other thread would wait for ever. That a thread's own lock alone can be given back is why it is a reentrant one.
    """
    with suppress(RuntimeError):  # it is not this thread's
        while True:
            lock.release()
