"""The phases of a turn, for whoever measures them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, Literal, Protocol, TypeAlias, TypeVar

__all__ = ["RuntimeTurnPhase", "RuntimeTurnPhaseProbe", "TurnPhases"]

RuntimeTurnPhase: TypeAlias = Literal[
    "context_transform",
    "before_turn_hooks",
    "prompt_build",
    "effect_loop",
    "finalize_turn",
    "persist_turn",
    "final_commit",
    "post_persist_hooks",
]
"""What a turn is at; `final_commit` and `post_persist_hooks` lie within `persist_turn`. Phases of hooks begin only where plugins have such hooks."""


Phase = TypeVar("Phase", bound=str)


class RuntimeTurnPhaseProbe(Protocol):
    """Is told when phases begin and end; it must be quick and must not fail."""

    def begin(self, phase: RuntimeTurnPhase) -> None:
        """Learn that a phase begins."""
        ...

    def end(self, phase: RuntimeTurnPhase) -> None:
        """Learn that a phase is over, also when it failed."""
        ...

    def begin_named(self, phase: str) -> None:
        """Learn that a plugin is asked, e.g. `plugin_hook.before_turn.notes`; several may be at once."""
        ...

    def end_named(self, phase: str) -> None:
        """Learn that the plugin has answered, or failed."""
        ...


class TurnPhases:
    """Tells a probe, if there is one.

    Attributes:
        probe: Who is told.
    """

    def __init__(self) -> None:
        self.probe: RuntimeTurnPhaseProbe | None = None

    def within(self, phase: RuntimeTurnPhase) -> AbstractContextManager[None]:
        """Tell that the phase begins and ends around what is done."""
        return _NOBODY if self.probe is None else _around(self.probe.begin, self.probe.end, phase)

    def named(self, phase: str) -> AbstractContextManager[None]:
        """Tell that a plugin is asked around what it does."""
        return _NOBODY if self.probe is None else _around(self.probe.begin_named, self.probe.end_named, phase)


_NOBODY: Final = nullcontext()
"""Tells nobody."""


@contextmanager
def _around(begin: Callable[[Phase], None], end: Callable[[Phase], None], phase: Phase) -> Iterator[None]:
    begin(phase)
    try:
        yield
    finally:
        end(phase)
