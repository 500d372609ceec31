"""A cell that awaits several turns, and Ctrl-C meanwhile."""

import asyncio
import signal
from collections.abc import Callable

from lash_nb.magics._cells import Cell


class Turn:
    """A turn that stops when its work is over."""

    def __init__(self, session_id: str, seconds: float) -> None:
        self.session_id = session_id
        self.work = asyncio.ensure_future(asyncio.sleep(seconds))
        self.looks = 0
        self.presses: list[int] = []
        self.asked_first: list[Callable[[], None]] = []

    @property
    def has_stopped(self) -> bool:
        """Whether its work is over; each look is counted."""
        self.looks += 1
        return self.work.done()

    def before_effects(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Keep what its effects are to call."""
        self.asked_first.append(callback)
        return lambda: self.asked_first.remove(callback)

    def press(self, number: int) -> None:
        """Stop on its own, sooner or later; each press is kept."""
        self.presses.append(number)

    def what_happened(self, *, behind: int) -> str:
        """Its name and how many come behind it."""
        return f"{self.session_id} stopped, {behind} behind"


async def told(*turns: Turn) -> list[str]:
    """What a cell says of each turn when Ctrl-C is pressed while it awaits them."""
    task = asyncio.current_task()
    assert task is not None
    cell = Cell(task)
    waits = [asyncio.ensure_future(cell.wait(turn, turn.work)) for turn in turns]
    await asyncio.sleep(0)
    signal.raise_signal(signal.SIGINT)
    return await asyncio.gather(*waits)


async def test_each_turn_of_a_cell_is_told_what_became_of_all() -> None:
    """Whichever of them the cell hears last."""
    words = await told(Turn("own", 0), Turn("other", 0.12), Turn("own", 0.12))

    assert words == ["other: other stopped, 0 behind\nown: own stopped, 1 behind"] * 3


async def test_a_turn_that_is_over_waits_quietly_for_the_others() -> None:
    """The loop is theirs."""
    over, last = Turn("over", 0.11), Turn("last", 0.35)
    await told(over, last)

    assert over.looks < 30


async def test_an_effect_that_comes_before_the_heartbeat_hears_of_each_interrupt_once() -> None:
    """What was pressed while the loop was blocked counts for all turns, and the cell that is over is asked no more."""
    task = asyncio.current_task()
    assert task is not None
    cell, turns = Cell(task), [Turn("own", 0), Turn("other", 0)]
    waits = [asyncio.ensure_future(cell.wait(turn, turn.work)) for turn in turns]
    await asyncio.sleep(0)
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
    for ask in turns[1].asked_first:
        ask()
    assert [turn.presses for turn in turns] == [[1, 2], [1, 2]]

    await asyncio.gather(*waits)
    assert [(turn.presses, turn.asked_first) for turn in turns] == [([1, 2], [])] * 2
