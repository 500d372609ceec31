"""Ctrl-C while a cell waits, and waiting itself.

An interrupt does not reach an idle `await` in ipykernel 7.4, and under nest_asyncio an interrupted coroutine goes on to its end. So while a cell
waits, an interrupt is only counted; the wait looks at the count ten times a second and decides what it means. So does each effect of the turn, which
may come before the wait does where the user's code blocks the loop. Nothing is ever torn out of a turn.
"""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from contextvars import copy_context
from functools import partial
from types import FrameType, TracebackType
from typing import Any, Final, Self, TypeAlias

__all__ = ["HEARTBEAT", "BeforeEffects", "Interrupts", "Overhearing", "attend", "in_this_context"]

BeforeEffects: TypeAlias = Callable[[Callable[[], None]], Callable[[], None]]
"""Takes what is to be called before each effect of a turn, and returns what takes it off again."""

HEARTBEAT: Final = 0.1
"""Seconds between two looks at what happened meanwhile."""
LEAST_GAP: Final = 0.05
"""Seconds between two pictures: more of them nobody sees."""


_ENTERED: Final[list["Interrupts"]] = []
"""Those that are entered now: several cells may wait at a time, each on a subshell of its own, and leave in any order."""
_OUTER: Final[list[Any]] = []
"""What Ctrl-C did before the first of them, while any is entered."""


class Interrupts:
    """Counts interrupts for as long as it is entered; where signals do not work (subshells, other threads) `note` is the only way in."""

    def __init__(self) -> None:
        self.count = 0
        """How often Ctrl-C was pressed."""
        self.seen = 0
        """How many of them were acted upon."""

    def __enter__(self) -> Self:
        if _hears_signals():
            before = signal.getsignal(signal.SIGINT)
            if before is not _note_all:
                signal.signal(signal.SIGINT, _note_all)
                _OUTER[:] = [before]
            _ENTERED.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self not in _ENTERED:
            return
        _ENTERED.remove(self)
        if not _ENTERED:
            before = _OUTER.pop()
            if signal.getsignal(signal.SIGINT) is _note_all:  # the next cell may have set its own already
                signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)

    def news(self) -> Iterator[int]:
        """Yield the number of each one that was not acted upon yet, from 1."""
        while self.seen < self.count:
            self.seen += 1
            yield self.seen

    def note(self) -> None:
        """Count one more."""
        self.count += 1


class Overhearing:
    """Knows whether Ctrl-C was pressed, which goes to whoever hears it without this.

    Attributes:
        is_possible: Whether it was; where signals do not work, or another hears them first, it may have been at any time.
    """

    def __init__(self) -> None:
        self._outer = signal.getsignal(signal.SIGINT) if _hears_signals() else None
        self.is_possible = not callable(self._outer) or self._outer is _note_all
        if not self.is_possible:
            signal.signal(signal.SIGINT, self._note)

    def end(self) -> None:
        """Hear no more."""
        if _hears_signals() and signal.getsignal(signal.SIGINT) == self._note:
            signal.signal(signal.SIGINT, self._outer)

    def _note(self, number: int, frame: FrameType | None) -> Any:
        self.is_possible = True
        return self._outer(number, frame) if callable(self._outer) else None


def _hears_signals() -> bool:
    return threading.current_thread() is threading.main_thread()


def _note_all(_number: int, _frame: FrameType | None) -> None:
    for one in _ENTERED:
        one.note()


def in_this_context(act: Callable[[], None]) -> Callable[[], None]:
    """Return what acts as if it were called here, wherever it is: what it prints belongs to this cell, and not to the one that began the turn."""
    return partial(copy_context().run, act)


async def attend(
    work: asyncio.Future[Any],
    *,
    interrupted: Callable[[int], None],
    beat: Callable[[], None],
    news: asyncio.Event | None = None,
    before_effects: BeforeEffects | None = None,
) -> int:
    """Wait until `work` is done, whatever it ends with, and return how often Ctrl-C was pressed.

    Args:
        work: What is waited for; it is never cancelled from here.
        interrupted: Called at each Ctrl-C with its number, from 1.
        beat: Called at each heartbeat, and as soon as there is news, in the context of the waiting cell; at most twenty times a second.
        news: Set when there is something to tell; nobody waits a heartbeat for it.
        before_effects: Where a turn asks before each effect: what blocked the loop until then kept the heartbeat from coming.
    """
    told = -HEARTBEAT
    with Interrupts() as interrupts, ExitStack() as until_then:

        def act() -> None:
            for number in interrupts.news():
                interrupted(number)

        if before_effects is not None:
            until_then.callback(before_effects(in_this_context(act)))
        while not work.done():
            is_news = False
            try:
                is_news = await _until_news(work, news, told + LEAST_GAP - time.monotonic())
            except asyncio.CancelledError:  # a host without signals cancels the cell's task instead
                _keep_running()
                interrupts.note()
            act()
            told = time.monotonic() if is_news else told
            beat()
    return interrupts.seen


async def _until_news(work: asyncio.Future[Any], news: asyncio.Event | None, rest: float) -> bool:
    """Wait for a heartbeat at most, or for news, but not before what was told last has been there for a moment; return whether it came."""
    if news is None:
        await asyncio.wait({work}, timeout=HEARTBEAT)
        return False
    if rest > 0:
        await asyncio.wait({work}, timeout=rest)
    arrival = asyncio.ensure_future(news.wait())
    try:
        await asyncio.wait({work, arrival}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
    finally:
        arrival.cancel()
    came = news.is_set()
    news.clear()
    return came


def _keep_running() -> None:
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
