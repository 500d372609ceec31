"""The phases of a turn, for whoever measures them."""

import contextlib
from collections.abc import Iterator
from typing import Literal, Protocol, TypeAlias

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

    @contextlib.contextmanager
    def within(self, phase: RuntimeTurnPhase) -> Iterator[None]:
        """Tell that the phase begins and ends around what is done."""
        probe = self.probe
        if probe is None:
            yield
            return
        probe.begin(phase)
        try:
            yield
        finally:
            probe.end(phase)

    @contextlib.contextmanager
    def named(self, phase: str) -> Iterator[None]:
        """Tell that a plugin is asked around what it does."""
        probe = self.probe
        if probe is None:
            yield
            return
        probe.begin_named(phase)
        try:
            yield
        finally:
            probe.end_named(phase)
