"""The cell that runs, with the tasks that it began: Ctrl-C means all turns that it awaits, in whichever of these tasks."""

import asyncio
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, Protocol

from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

from lash_nb.core import GOES_ON
from lash_nb.magics._interrupts import HEARTBEAT, Interrupts, Overhearing, in_this_context
from lash_nb.tasks import telling
from lash_nb.words import ABORTS

__all__ = ["AwaitedInCell", "Cell", "Cells", "is_cell_being_ended", "running_cell"]


_PRESSED: Final = {1: "Pausing before the next effect; Ctrl-C again cancels the turn.", 2: f"Cancelling; {ABORTS}."}
"""What a cell says at each Ctrl-C."""


class AwaitedInCell(Protocol):
    """A turn that the cell awaits."""

    @property
    def session_id(self) -> str:
        """Its session."""
        ...

    @property
    def has_stopped(self) -> bool:
        """Whether it is over or waits for a decision."""
        ...

    def before_effects(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` at each of its effects, before it is known whether the turn stops there; return what takes it off again."""
        ...

    def press(self, number: int) -> None:
        """Ctrl-C was pressed so often."""
        ...

    def what_happened(self, *, behind: int) -> str:
        """Say what became of it, and of so many others of its session, which runs one at a time."""
        ...


class Cell:
    """A running cell, and the turns that it awaits."""

    def __init__(self, task: "asyncio.Task[Any]") -> None:
        self._ended = ""
        """What became of its turns, once Ctrl-C ended one that a task of the cell awaits."""
        self._stopped: dict[str, str] = {}
        """The same by session, of turns that an early Ctrl-C stopped one by one."""
        self._task = weakref.ref(task)
        """Its result is the cell's value, which tasks that go on must not keep."""
        self._turns: list[AwaitedInCell] = []
        self._interrupts = Interrupts()
        self._overhearing = Overhearing()
        task.add_done_callback(lambda _: self._overhearing.end())
        self._told = ""
        self._is_ended = False

    @property
    def is_current(self) -> bool:
        """Whether the current task is the cell's own, and none that it began."""
        return asyncio.current_task() is self._task()

    @property
    def is_over(self) -> bool:
        """Whether it runs no more."""
        task = self._task()
        return task is None or task.done()

    @property
    def is_being_ended(self) -> bool:
        """Whether Ctrl-C cancels its task, where nothing counts it; a time limit in the cell does so, too, and means what is awaited."""
        task = self._task()
        return task is not None and task.cancelling() > 0 and self._overhearing.is_possible

    @property
    def ends_waiting(self) -> bool:
        """Whether Ctrl-C cancels its task, counted or not: then what it waits for of an earlier cell is left alone."""
        task = self._task()
        return self.is_being_ended or (self._is_ended and task is not None and task.cancelling() > 0)

    @property
    def words(self) -> str:
        """What became of its turns that Ctrl-C ended; empty where it ended none."""
        return self._ended or _by_session(self._stopped)

    @property
    def last_words(self) -> str:
        """What to say of its turns when Ctrl-C ends it; empty where it awaits none."""
        return self.words or (GOES_ON if self._turns and self.is_being_ended else "")

    async def wait(self, turn: AwaitedInCell, work: "asyncio.Task[Any]") -> str:
        """Wait for the work of a turn; return what to say once Ctrl-C was pressed and all turns of the cell have stopped, else nothing."""
        if not self._turns:
            self._interrupts.__enter__()
        elif self._interrupts.seen:
            turn.press(1)  # it comes while the others stop
        self._turns.append(turn)
        unwatched = turn.before_effects(in_this_context(self._press))
        self._told = ""
        try:
            while not self.is_over and not self._is_done(work):
                # work that is over while others stop would be waited for no moment
                await (asyncio.sleep(HEARTBEAT) if work.done() else asyncio.wait({work}, timeout=HEARTBEAT))
                self._press()
            # a cell may be over before its turns have stopped; each of them says the same, and what it says last is what the cell shows
            if self._interrupts.seen and not self._told and self._is_done(work):
                self._told = self._what_happened()
            return self._told
        finally:
            unwatched()
            self._leave(turn)

    def end(self, words: str) -> None:
        """End the cell, which may go on although a task of it was interrupted."""
        self._ended = words
        self._is_ended = True
        if (task := self._task()) is not None:
            asyncio.get_running_loop().call_later(HEARTBEAT, task.cancel, words)

    def stopped(self, session_id: str, words: str) -> None:
        """Note what became of a turn that was stopped with the cell."""
        self._stopped[session_id] = words

    def _what_happened(self) -> str:
        turns = Counter(turn.session_id for turn in self._turns)
        return _by_session(
            {turn.session_id: turn.what_happened(behind=turns[turn.session_id] - 1) for turn in self._turns}
        )

    def _is_done(self, work: "asyncio.Task[Any]") -> bool:
        return all(turn.has_stopped for turn in self._turns) if self._interrupts.seen else work.done()

    def _press(self) -> None:
        for number in self._interrupts.news():
            if said := _PRESSED.get(number):
                print(said)  # noqa: T201 - said in the cell
            for turn in self._turns:
                turn.press(number)

    def _leave(self, turn: AwaitedInCell) -> None:
        self._turns.remove(turn)
        if not self._turns:
            self._interrupts.__exit__(None, None, None)
            self._interrupts = Interrupts()


def _by_session(told: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {words}" if len(told) > 1 else words for name, words in sorted(told.items()))


_LATEST: "Final[list[Cell]]" = []
"""The cell that was begun last; one for the process, as there is one Ctrl-C."""
_RUNNING: Final[ContextVar[Cell | None]] = ContextVar("lash_nb_cell", default=None)


def running_cell() -> Cell | None:
    """Return the cell whose task this is, or one of those that it began; None when it is over, or there is none."""
    task = asyncio.current_task()
    cell = _RUNNING.get()
    if cell is not None and (cell.is_over or (_is_cell(task) and not cell.is_current)):
        cell = None
    if cell is None and task is not None and _is_cell(task):
        cell = Cell(task)
        _RUNNING.set(cell)
        _LATEST[:] = [cell]
    return cell


def is_cell_being_ended() -> bool:
    """Tell whether somebody ends the cell that was begun last, with all that it waits for."""
    return any(cell.ends_waiting for cell in _LATEST)


def _is_cell(task: "asyncio.Task[Any] | None") -> bool:
    code = getattr(task.get_coro(), "cr_code", None) if task else None
    return code is InteractiveShell.run_cell_async.__code__


class Cells:
    """Knows each cell of a shell from its beginning, so that the tasks that it begins know it, too."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._events = shell.events
        self._cell: Cell | None = None

    def watch(self) -> None:
        """Begin with the next cell; how cancellations are shown is left to whoever has chosen it already."""
        for name, call in self._calls():
            self._events.register(name, call)
        if not self._shell.custom_exceptions:
            self._shell.set_custom_exc((asyncio.CancelledError,), _show_cancelled)  # type: ignore[no-untyped-call]

    def leave(self) -> None:
        """Watch no more."""
        for name, call in self._calls():
            self._events.unregister(name, call)
        if self._shell.custom_exceptions == (asyncio.CancelledError,):
            self._shell.set_custom_exc((), None)  # type: ignore[no-untyped-call]

    def _calls(self) -> Iterable[tuple[str, Any]]:
        return (("pre_run_cell", self._begins), ("post_run_cell", self._ends))

    def _begins(self, _: object) -> None:
        self._cell = _cell_on_loop()

    def _ends(self, result: ExecutionResult) -> None:
        """Say what a cell does not say that took the interrupt of its tasks for an end like any other."""
        cell, self._cell = self._cell, None
        if cell is not None and cell.words and result is not None and result.success:
            print(cell.words)  # noqa: T201 - said in the cell


def _cell_on_loop() -> Cell | None:
    try:
        return running_cell()
    except RuntimeError:  # a cell without a loop awaits nothing
        return None


def _show_cancelled(
    shell: InteractiveShell,
    kind: type[BaseException],
    error: BaseException,
    traceback: TracebackType | None,
    tb_offset: int | None = None,
) -> None:
    """Show what became of the turns of a cell in place of a traceback: `asyncio.shield` and others put a new error for the one that tells it."""
    cell = _cell_on_loop()
    if cell is not None and cell.last_words and not hasattr(error, "_render_traceback_"):
        telling(error, cell.last_words)
    shell.showtraceback((kind, error, traceback), tb_offset=tb_offset, running_compiled_code=True)
