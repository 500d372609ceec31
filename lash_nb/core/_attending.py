"""Who waits for a turn that is awaited where it was begun: a notebook does so in its own way, so that Ctrl-C can pause the turn and end the cell."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from lash_nb.clock import CancellationToken
from lash_nb.wire import EffectEntry

__all__ = ["Attendant", "TurnPauses", "attend_turns_by", "attended"]

T = TypeVar("T")


class TurnPauses(Protocol):
    """Where the turns of a session stop, as its stepper knows it."""

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


Attendant: TypeAlias = Callable[[TurnPauses, CancellationToken, Coroutine[Any, Any, Any]], Coroutine[Any, Any, Any]]
"""Runs the work of a turn and returns what it gives; beside it come what pauses and what cancels the turn."""

_ATTENDANTS: Final[list[Attendant]] = []
"""The last one attends; one for the process, as there is one Ctrl-C."""


def attend_turns_by(attendant: Attendant) -> Callable[[], None]:
    """Let `attendant` run the turns that are awaited where they were begun; return what takes it off again."""
    _ATTENDANTS.append(attendant)
    return lambda: _ATTENDANTS.remove(attendant)


def attended(
    pauses: TurnPauses | None, cancellation: CancellationToken, work: Coroutine[Any, Any, T]
) -> Coroutine[Any, Any, T]:
    """Return the work of a turn in the hands of whoever attends turns; where nobody does, as it is."""
    if pauses is None or not _ATTENDANTS:
        return work
    return _ATTENDANTS[-1](pauses, cancellation, work)
