"""The host that stops before effects and asks what to do: the heart of stepping through a turn."""

from collections.abc import Coroutine
from functools import partial
from typing import Any, Final

from lash_nb.clock import Clock, SystemClock
from lash_nb.effects._host import EffectHost, ScopedEffectController
from lash_nb.effects._journal import JournalEffectHost
from lash_nb.effects._step_control import StepControl
from lash_nb.wire import DurabilityTier, EffectScope, Json

__all__ = ["StepEffectHost"]


class StepEffectHost:
    """Holds effects back until `control` says what becomes of them; put it around a `JournalEffectHost`, which then sees what was decided.

    Args:
        inner: The host that performs what is let go.
        clock: Tells since when an effect waits.
    """

    def __init__(self, inner: EffectHost, clock: Clock | None = None) -> None:
        self._inner = inner
        self.control: Final = StepControl(clock or SystemClock())

    @property
    def durability_tier(self) -> DurabilityTier:
        """The tier of the host inside."""
        return self._inner.durability_tier

    def scoped(self, scope: EffectScope) -> "_StepController":
        """Return a controller whose effects stop for this host's `control`."""
        return _StepController(self.control, self._inner.scoped(scope))

    def around(self, controller: ScopedEffectController) -> "_StepController":
        """Return a controller whose effects stop for this host's `control`, and are then performed by another one, whoever made it."""
        inner = self._inner.around(controller) if isinstance(self._inner, JournalEffectHost) else controller
        return _StepController(self.control, inner)


class _StepController:
    def __init__(self, control: StepControl, inner: ScopedEffectController) -> None:
        self._inner = inner
        self.execute_effect: Final = partial(control.pass_through, inner)
        """Performs an effect, after a decision when it is one to stop at."""

    @property
    def scope(self) -> EffectScope:
        return self._inner.scope

    @property
    def durability_tier(self) -> DurabilityTier:
        return self._inner.durability_tier

    def recall(self, name: str, fact: Json) -> Coroutine[Any, Any, Json]:
        return self._inner.recall(name, fact)
