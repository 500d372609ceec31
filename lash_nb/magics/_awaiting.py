"""A turn that a cell awaits itself: it runs beside the cell, so that Ctrl-C pauses it as it does the turns of magics, and the cell can end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from IPython.core.interactiveshell import InteractiveShell

from lash_nb.clock import CancellationToken
from lash_nb.core import TurnPauses
from lash_nb.magics._interrupts import HEARTBEAT, Interrupts
from lash_nb.magics._open_session import Interrupted, effect_words
from lash_nb.tasks import carried, let_out

__all__ = ["attend_in_cell"]

T = TypeVar("T")


async def attend_in_cell(pauses: TurnPauses, cancellation: CancellationToken, work: Coroutine[Any, Any, T]) -> T:
    """Run the work of a turn; where a cell awaits it, Ctrl-C pauses the turn first, cancels it next, and then waits for nothing any more.

    Raises:
        Interrupted: Ctrl-C was pressed meanwhile; the message says what became of the turn.
    """
    if not _is_cell():
        return await work
    task = asyncio.ensure_future(carried(work))
    await _AttendedTurn(pauses, cancellation, task).wait()
    return await let_out(task)


def _is_cell() -> bool:
    """Whether the current task is that of a cell: what others await, Ctrl-C does not mean."""
    task = asyncio.current_task()
    code = getattr(task.get_coro(), "cr_code", None) if task else None
    return code is InteractiveShell.run_cell_async.__code__


class _AttendedTurn:
    """A turn that runs in a task of its own, and the cell that waits for it."""

    def __init__(self, pauses: TurnPauses, cancellation: CancellationToken, task: "asyncio.Task[Any]") -> None:
        self._pauses = pauses
        self._cancellation = cancellation
        self._task = task
        self._cancelled = ""

    async def wait(self) -> None:
        """Wait for the end or, once Ctrl-C was pressed, for the next stop, and raise what became of the turn."""
        seen = 0
        with Interrupts() as interrupts:
            while not (self._task.done() or (seen and self._pauses.pending is not None)):
                await self._heartbeat()
                while seen < interrupts.count:
                    seen += 1
                    self._press(seen)
        if seen:
            self._task.add_done_callback(_hear)
            raise Interrupted(self._what_happened())

    async def _heartbeat(self) -> None:
        try:
            await asyncio.wait({self._task}, timeout=HEARTBEAT)
        except asyncio.CancelledError:  # as by `asyncio.timeout` in the cell, which means the turn
            self._task.cancel()
            self._task.add_done_callback(_hear)
            await asyncio.wait({self._task})
            raise

    def _press(self, number: int) -> None:
        if self._task.done():
            return
        if number == 1:
            self._pauses.pause()
            print("Pausing before the next effect; Ctrl-C again cancels the turn.")  # noqa: T201 - said in the cell
        elif number == 2:
            self._cancelled = self._in_flight()
            self._cancellation.cancel()
        else:
            self._task.cancel()

    def _in_flight(self) -> str:
        running = [entry for entry in self._pauses.entries[-8:] if entry.status == "running"]
        return effect_words(running[-1].envelope) if running else "the turn"

    def _what_happened(self) -> str:
        pending = self._pauses.pending
        if not self._task.done() and pending is not None:
            words = effect_words(pending.envelope)
            return (
                f"Paused before {words}, nothing is lost. Next: await session.step(), await session.continue_(),"
                " or await session.stepper.cancel()."
            )
        if self._task.cancelled() or self._task.exception() is not None:
            return "Stopped at once; what this turn had not committed is lost. The session takes the next turn."
        if self._cancelled:
            return (
                f"Cancelled {self._cancelled}; what was said before is kept. A tool that is a plain function still runs to its end, and nobody"
                " hears its result. The session takes the next turn; how this one ended: session.stepper.result"
            )
        return "Interrupted, and the turn was over before it could pause. Its result: session.stepper.result"


def _hear(task: "asyncio.Task[Any]") -> None:
    """What the turn ends with is told by the stepper; that nobody awaits its task any more is no news."""
    if not task.cancelled():
        task.exception()
