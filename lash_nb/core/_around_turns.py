"""What stands around each turn while it runs: a notebook notes there where the functions of its user raised."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Final, TypeAlias

from lash_nb.core._awaited import AwaitedTurn

__all__ = ["AroundTurn", "around_turn", "stand_around_turns"]

AroundTurn: TypeAlias = Callable[[AwaitedTurn], AbstractContextManager[object]]
"""Makes what is entered in a turn's own task before it runs, and left when its result, if it has one, is known."""

_AROUND: Final[list[AroundTurn]] = []
"""One list for the process, as one notebook shows the turns of all its cores."""


def stand_around_turns(around: AroundTurn) -> Callable[[], None]:
    """Let `around` stand around every turn that begins from now on; return what takes it off again."""
    _AROUND.append(around)
    return lambda: _AROUND.remove(around)


def around_turn(turn: AwaitedTurn) -> ExitStack | None:
    """Enter what stands around a turn; return what leaves it, None when nothing does."""
    if not _AROUND:
        return None
    entered = ExitStack()
    for around in _AROUND:
        entered.enter_context(around(turn))
    return entered
