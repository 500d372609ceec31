"""A turn that a cell awaits itself: it runs beside the cell, so that Ctrl-C pauses it as it does the turns of magics, and the cell can end."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar

from lash_nb.clock import CancellationToken
from lash_nb.core import GOES_ON, LashSession, TurnPauses
from lash_nb.errors import CallerError
from lash_nb.magics._cells import Cell, is_cell_being_ended, running_cell
from lash_nb.magics._interrupts import HEARTBEAT
from lash_nb.magics._open_session import Interrupted, effect_words, paused_words
from lash_nb.plugins import left_words
from lash_nb.tasks import begun_beside, carried, held, let_out, telling
from lash_nb.wire import EffectEntry
from lash_nb.words import counted

__all__ = ["attend_in_cell"]

T = TypeVar("T")

_STOPPED: Final = "Stopped at once; what this turn had not committed is lost. The session takes the next turn."


async def attend_in_cell(
    namespace: Mapping[str, Any],
    pauses: TurnPauses,
    cancellation: CancellationToken,
    work: Coroutine[Any, Any, T],
    abort: Callable[[], None] | None = None,
) -> T:
    """Run the work of a turn, or of who waits for one that `abort` ends; where a cell awaits it, Ctrl-C pauses the turn first, cancels it next, and then waits for nothing any more.

    Raises:
        CallerError: `turn_running`, another turn of the session is paused: none of the cells below would run and let it go on.
        Interrupted: Ctrl-C was pressed meanwhile; the message says what became of the turn.
        CancelledError: the same, in a task that the cell began, out of which no interrupt may come; the cell shows the message, too.
    """
    __tracebackhide__ = True
    cell = running_cell()
    name = _name_of(pauses, namespace)
    if cell is None:
        return await work
    if abort is None and pauses.pending is not None:
        work.close()
        raise _paused_already(name, pauses.session_id, pauses.pending)
    task = held(begun_beside(carried(work)))
    words = await _until_told(cell, _AttendedTurn(name, pauses, cancellation, task, abort), task)
    if not words:
        await _beyond_the_cell(task)
        return await let_out(task)
    if cell.is_current:
        raise Interrupted(words)
    cell.end(words)
    raise telling(asyncio.CancelledError(words), words)


def _name_of(pauses: TurnPauses, namespace: Mapping[str, Any]) -> str:
    """Return the variable in which the session is, `session` first and where there is none; the shell's own ones are not meant."""
    names = ("session", *(name for name in list(namespace) if not name.startswith("_")))
    sessions = ((name, namespace.get(name)) for name in names)
    return next((name for name, one in sessions if isinstance(one, LashSession) and one.stepper is pauses), "session")


def _paused_already(name: str, session_id: str, pending: EffectEntry) -> CallerError:
    return CallerError(
        f"a turn of {session_id} is paused before {effect_words(pending.envelope)}; first end it: await {name}.continue_(),"
        f" await {name}.step() or await {name}.stepper.cancel()",
        code="turn_running",
    )


async def _until_told(cell: Cell, turn: "_AttendedTurn", task: "asyncio.Task[Any]") -> str:
    try:
        return await cell.wait(turn, task)
    except asyncio.CancelledError as error:  # by a time limit in the cell, which means the turn, or by an early Ctrl-C
        task.cancel()
        if is_interrupted := cell.is_being_ended:
            cell.stopped(turn.session_id, _STOPPED)  # the cell may be over before the turn is
        await asyncio.wait({task})
        ended = error.with_traceback(None)  # it tells of our waiting alone, in tens of lines
        if is_interrupted:
            cell.stopped(turn.session_id, turn.what_happened(behind=0))
    raise ended


async def _beyond_the_cell(task: "asyncio.Task[Any]") -> None:
    """Wait for a turn whose cell is over; Ctrl-C in one that waits for it by now, or a time limit there, ends that waiting alone."""
    try:
        while not task.done():  # a kernel's interrupt does not wake the loop
            await asyncio.wait({task}, timeout=HEARTBEAT)
    except asyncio.CancelledError as error:
        if is_cell_being_ended():
            raise telling(error, GOES_ON) from None
        task.cancel()
        await asyncio.wait({task})
        raise


class _AttendedTurn:
    """A turn that runs in a task of its own, for the cell that waits for it."""

    def __init__(
        self,
        name: str,
        pauses: TurnPauses,
        cancellation: CancellationToken,
        task: "asyncio.Task[Any]",
        abort: Callable[[], None] | None,
    ) -> None:
        self._name = name
        self._pauses = pauses
        self._cancellation = cancellation
        self._task = task
        self._abort = abort
        self._cancelled = ""

    @property
    def session_id(self) -> str:
        return self._pauses.session_id

    @property
    def has_stopped(self) -> bool:
        return self._task.done() or self._pauses.pending is not None

    def before_effects(self, callback: Callable[[], None]) -> Callable[[], None]:
        return self._pauses.before_effects(callback)

    def press(self, number: int) -> None:
        if self._task.done():
            return
        if number == 1:
            self._pauses.pause()
        elif number == 2:
            self._cancelled = self._in_flight()
            self._cancellation.cancel()
        else:
            if self._abort is not None:
                self._abort()
            self._task.cancel()

    def what_happened(self, *, behind: int) -> str:
        pending, name = self._pauses.pending, self._name
        if pending is not None and (self._abort or not self._task.done()):
            return (
                f"{paused_words(pending.envelope)}, nothing is lost. Next: await {name}.step(), await {name}.continue_(),"
                f" or await {name}.stepper.cancel()."
                + (f" {counted(behind, 'more turn')} of the session will run when it is over." if behind else "")
            )
        if self._abort and self._pauses.state == "running":
            return f"This cell waits no longer; the turn goes on. To end it: await {name}.stepper.cancel()"
        if self._task.cancelled() or self._task.exception() is not None:
            return _STOPPED
        if self._cancelled:
            return (
                f"Cancelled {self._cancelled}; what was said before is kept.{left_words()} The session takes the next turn;"
                f" how this one ended: {name}.stepper.result"
            )
        return f"Interrupted, and the turn was over before it could pause. Its result: {name}.stepper.result"

    def _in_flight(self) -> str:
        running = [entry for entry in self._pauses.entries[-8:] if entry.status == "running"]
        return effect_words(running[-1].envelope) if running else "the turn"
