"""How a thread is woken: where the system lets that be chosen, which is Linux alone, on the processor of whoever wakes it."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Protocol

__all__ = ["NearWaker", "QueueWaker", "Waker", "new_waker"]


class Waker(Protocol):
    """Wakes one thread, which waits with it."""

    def is_whole(self) -> bool:
        """Tell whether it can wake anybody: a program may have closed what the system lent."""
        ...

    def follow(self) -> bool:
        """Let the thread wake where the caller is now, and go where the caller may when it leaves; tell whether it will."""
        ...

    def wake(self) -> None:
        """Wake the thread, or let it not fall asleep; an `OSError` where it is no longer whole."""
        ...

    def wait(self) -> None:
        """Let the current thread sleep until it is woken; an `OSError` as above."""
        ...

    def leave(self) -> None:
        """Let the current thread, which was woken, go wherever it may."""
        ...

    def close(self) -> None:
        """Let go of what the system lent; no thread waits any more."""
        ...


class QueueWaker:
    """Wakes a thread wherever the system likes."""

    def __init__(self) -> None:
        self._news: SimpleQueue[None] = SimpleQueue()

    def is_whole(self) -> bool:
        return True

    def follow(self) -> bool:
        return False

    def wake(self) -> None:
        self._news.put(None)

    def wait(self) -> None:
        self._news.get()

    def leave(self) -> None:
        """Do nothing: the thread is bound to no place."""

    def close(self) -> None:
        """Do nothing: memory is all there is."""


class NearWaker:
    """Wakes a thread on the processor of the caller.

    It is an event of the system that does it, for the caller lets go of the interpreter meanwhile: woken by a lock, the thread would find it
    taken, and would have to be woken once more.
    """

    def __init__(self, processor: Callable[[], int]) -> None:
        self._processor = processor
        self._news = os.eventfd(0)
        self._is_lost = False
        self._kind = self._found()
        self._thread: int | None = None
        self._allowed = os.sched_getaffinity(0)

    def is_whole(self) -> bool:
        return not self._is_lost and self._found() == self._kind

    def follow(self) -> bool:
        self._allowed = os.sched_getaffinity(0)
        return self._thread is not None and _confined(self._thread, {self._processor()})

    def wake(self) -> None:
        try:
            os.eventfd_write(self._news, 1)
        except OSError:
            self._is_lost = True
            raise

    def wait(self) -> None:
        self._thread = threading.get_native_id()
        try:
            os.eventfd_read(self._news)
        except OSError:
            self._is_lost = True
            raise

    def leave(self) -> None:
        _confined(0, self._allowed)

    def close(self) -> None:
        if self.is_whole():
            os.close(self._news)

    def _found(self) -> tuple[int, int] | None:
        """What the event's number stands for: the system gives that of a closed one to whatever is opened next, a database or a socket."""
        with suppress(OSError):
            found = os.fstat(self._news)
            return found.st_dev, found.st_ino
        return None


def new_waker() -> Waker:
    """Return the best one that the system has."""
    with suppress(ImportError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415 - of use to those alone who call plain functions

        return NearWaker(ctypes.PyDLL(None).sched_getcpu)
    return QueueWaker()


def _confined(thread: int, processors: set[int]) -> bool:
    try:
        os.sched_setaffinity(thread, processors)
    except OSError:  # somebody took processors away from the program meanwhile
        return False
    return True
