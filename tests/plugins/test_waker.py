"""A thread wakes where it is woken from, and works where its caller may; where a system lets nobody choose, it just wakes."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from queue import SimpleQueue

import pytest

from lash_nb.plugins._waker import NearWaker, QueueWaker, Waker, new_waker


class Woken:
    """A thread that waits to be woken, looks where it may run, leaves that, and looks again."""

    def __init__(self, waker: Waker) -> None:
        self.waker = waker
        self.seen: SimpleQueue[tuple[set[int], set[int]]] = SimpleQueue()
        self.is_wanted = True
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self) -> None:
        while self.is_wanted:
            self.waker.wait()
            near = processors()
            self.waker.leave()
            self.seen.put((near, processors()))

    def end(self) -> None:
        """Let it look once more, and end."""
        self.is_wanted = False
        self.waker.wake()
        self.thread.join(5)


def processors() -> set[int]:
    """Those that this thread may use; none where a system does not tell."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


@pytest.fixture(params=[QueueWaker, new_waker])
def woken(request: pytest.FixtureRequest) -> Iterator[Woken]:
    """The thread, which ends with the test."""
    new: Callable[[], Waker] = request.param
    waker = new()
    woken = Woken(waker)
    yield woken
    woken.end()
    waker.close()


def test_linux_lets_it_be_chosen() -> None:
    """Elsewhere there is the queue."""
    waker = new_waker()
    assert isinstance(waker, NearWaker) is (sys.platform == "linux")
    waker.close()


def test_it_wakes_where_its_caller_is_and_works_where_its_caller_may(woken: Woken) -> None:
    """On one processor of those that the caller has, until it leaves; the first time it may not have waited yet."""
    for _ in range(3):
        is_near = woken.waker.follow()
        woken.waker.wake()
        near, far = woken.seen.get(timeout=5)
        assert far == processors()
        assert near <= far
        assert len(near) == 1 or not is_near
    assert is_near is isinstance(woken.waker, NearWaker)


def test_who_is_woken_before_it_waits_does_not_sleep(woken: Woken) -> None:
    """Nothing that came is lost."""
    for _ in range(200):
        woken.waker.wake()
        woken.seen.get(timeout=5)


def test_a_thread_that_is_gone_follows_nobody(woken: Woken) -> None:
    """That is told, and nothing is raised."""
    woken.end()
    for _ in range(1_000):  # the thread of the system ends a moment after that of Python
        if not woken.waker.follow():
            return
        time.sleep(0.001)
    raise TimeoutError
