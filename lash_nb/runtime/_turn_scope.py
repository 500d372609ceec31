"""Of which scope the effects of a turn are, and which id the turn has by it (lash 0.1.0-alpha.37, facade §6.2 and §6.5)."""

from collections.abc import Callable

from lash_nb.effects import ScopedEffectController, StepEffectHost
from lash_nb.errors import LashRuntimeError
from lash_nb.wire import EffectScope, QueueDrainScope, TurnInput, TurnScope

__all__ = ["turn_controller", "turn_id_of"]


def turn_controller(
    host: StepEffectHost, given: ScopedEffectController | None, scope: EffectScope
) -> ScopedEffectController:
    """Return the controller of a turn's effects: the given one, seen by journal and stepper too, else one for `scope`."""
    return host.scoped(scope) if given is None else host.around(given)


def turn_id_of(turn_input: TurnInput, given: ScopedEffectController | None, new_id: Callable[[], str]) -> str:
    """Return the id of a turn: what its input says, else the given scope, else a new one.

    Raises:
        LashRuntimeError: `effect_scope_turn_id_mismatch`, the given scope is another turn's.
    """
    scope = None if given is None else given.scope
    named = turn_input.trace_turn_id
    match scope:
        case TurnScope(turn_id=turn_id):
            if named and named != turn_id:
                raise LashRuntimeError(
                    "effect_scope_turn_id_mismatch",
                    f"the effects are of turn {turn_id}, and the turn is {named}; give it the scope of its own id",
                )
            return turn_id
        case QueueDrainScope(drain_id=drain_id):
            return named or drain_id
    return new_id() if named is None else named  # a blank one is refused with its scope
