"""Turns whose machine is written down and read again after each step: what it forgets that way, a recording shows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final

from lash_nb.machine import TurnCheckpoint, TurnMachine
from lash_nb.wire import from_json, to_json

__all__ = ["restored_machines"]

STEPS: Final = ("poll_effect", "poll_effects", "handle_response", "finish", "fail_turn")
"""All that changes a machine."""


@contextmanager
def restored_machines() -> Iterator[None]:
    """Let every machine go on from the JSON of its own checkpoint after each of its steps."""
    steps: dict[str, Callable[..., Any]] = {name: getattr(TurnMachine, name) for name in STEPS}
    try:
        for name, step in steps.items():
            setattr(TurnMachine, name, _restoring(step))
        yield
    finally:
        for name, step in steps.items():
            setattr(TurnMachine, name, step)


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
