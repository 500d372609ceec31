"""Turns whose machine is written down and read again after each step: what it forgets that way, a recording shows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final

from lash_nb.machine import MachineEffect, TurnCheckpoint, TurnMachine
from lash_nb.wire import from_json, to_json

__all__ = ["restored_machines"]

STEPS: Final = ("poll_effect", "handle_response", "finish", "fail_turn")
"""All that changes a machine; `poll_effects` takes as many steps as it gives effects."""


@contextmanager
def restored_machines() -> Iterator[None]:
    """Let every machine go on from the JSON of its own checkpoint after each of its steps."""
    own: dict[str, Callable[..., Any]] = {name: getattr(TurnMachine, name) for name in (*STEPS, "poll_effects")}
    restoring = {name: _restoring(own[name]) for name in STEPS} | {"poll_effects": _next_effect}
    try:
        for name, step in restoring.items():
            setattr(TurnMachine, name, step)
        yield
    finally:
        for name, step in own.items():
            setattr(TurnMachine, name, step)


def _next_effect(machine: TurnMachine) -> Sequence[MachineEffect]:
    effect = machine.poll_effect()
    return () if effect is None else (effect,)


def _restoring(step: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(step)
    def stepped(machine: TurnMachine, *given: Any) -> Any:
        result = step(machine, *given)
        written = to_json(machine.checkpoint())
        restored = TurnMachine.restore(machine.config, from_json(written, TurnCheckpoint))
        assert to_json(restored.checkpoint()) == written
        vars(machine).update(vars(restored))
        return result

    return stepped
