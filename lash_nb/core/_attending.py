"""Who waits for a turn that is awaited where it was begun: a notebook does so in its own way, so that Ctrl-C can pause the turn and end the cell."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from lash_nb.clock import CancellationToken
from lash_nb.tasks import is_beside
from lash_nb.wire import EffectEntry
from lash_nb.words import legible

__all__ = [
    "GOES_ON",
    "WAS_CANCELLED",
    "WAS_STOPPED",
    "Attendant",
    "TurnPauses",
    "attend_turns_by",
    "attended",
    "goes_on",
]

T = TypeVar("T")

GOES_ON: Final = (
    "Interrupted: this cell waits no longer, and the turn goes on; nothing is lost. How it ends: await session.stepper.stopped();"
    " to end it: await session.stepper.cancel()"
)
"""What a cell says whose waiting for a turn was cancelled."""
WAS_CANCELLED: Final = "Interrupted: the turn was cancelled; what was said before is kept, and the session takes the next turn. How it ended: session.last_result"
"""What a cell says that left the loop over a turn's stream by Ctrl-C."""
WAS_STOPPED: Final = (
    "Interrupted: the turn was stopped where it was, and what it had not committed is lost. The session takes the next turn. After"
    " %load_ext lash_nb, Ctrl-C in a cell that awaits a turn pauses it, and nothing is lost."
)
"""What a cell says whose turn was cancelled with it."""


def goes_on(session_id: str) -> str:
    """Return `GOES_ON` of a session that is known: the variable `session` may hold another one."""
    return f"{GOES_ON}; session is that of {legible(session_id, 60)}"


class TurnPauses(Protocol):
    """Where the turns of a session stop, as its stepper knows it."""

    @property
    def session_id(self) -> str:
        """The session."""
        ...

    @property
    def state(self) -> str:
        """What the turn does now: `running`, `paused` or else."""
        ...

    @property
    def entries(self) -> Sequence[EffectEntry]:
        """The session's effects in order, the pending one last."""
        ...

    @property
    def pending(self) -> EffectEntry | None:
        """The effect that waits for a decision."""
        ...

    def pause(self) -> None:
        """Let the running turn stop before its next effect."""
        ...

    def before_effects(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` at each effect, before it is known whether the turn stops there; return what takes it off again."""
        ...


Attendant: TypeAlias = Callable[
    [TurnPauses, CancellationToken, Coroutine[Any, Any, Any], Callable[[], None] | None], Coroutine[Any, Any, Any]
]
"""Runs the work of a turn and returns what it gives; beside it come what pauses and what cancels the turn, and what aborts it, where that is
not the end of the work."""

_ATTENDANTS: Final[list[Attendant]] = []
"""The last one attends; one for the process, as there is one Ctrl-C."""


def attend_turns_by(attendant: Attendant) -> Callable[[], None]:
    """Let `attendant` run the turns that are awaited where they were begun; return what takes it off again."""
    _ATTENDANTS.append(attendant)
    return lambda: _ATTENDANTS.remove(attendant)


def attended(
    pauses: TurnPauses | None,
    cancellation: CancellationToken,
    work: Coroutine[Any, Any, T],
    abort: Callable[[], None] | None = None,
) -> Coroutine[Any, Any, T]:
    """Return the work of a turn, or of who waits for one, in the hands of whoever attends turns; where nobody does, as it is."""
    if pauses is None or not _ATTENDANTS or is_beside():
        return work
    return _ATTENDANTS[-1](pauses, cancellation, work, abort)
