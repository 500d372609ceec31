"""Steps on the system prompt of a session, and the layer that a turn lays over it."""

from collections.abc import Mapping
from typing import Any, Final

from lash_nb.wire import PromptContribution, PromptLayer, PromptTemplate, from_builtins
from tests.conformance.turns._ops import Op, Step
from tests.conformance.turns._run import Run

__all__ = ["PROMPT_KEYS", "PROMPT_OPS", "turn_layer"]

PROMPT_KEYS: Final = frozenset({"prompt_template", "prompt", "replace_slot", "clear_slot"})
"""The keys of a turn that make its layer."""


def turn_layer(step: Step) -> PromptLayer:
    """Return the prompt layer of a turn."""
    layer = PromptLayer()
    if "prompt_template" in step:
        layer = layer.with_template(from_builtins(step["prompt_template"], PromptTemplate))
    for given in _contributions(step.get("prompt", ())):
        layer = layer.add(given)
    if "replace_slot" in step:
        replaced = step["replace_slot"]
        layer = layer.replace_slot(replaced["slot"], _contributions(replaced["contributions"]))
    return layer.replace_slot(step["clear_slot"]) if "clear_slot" in step else layer


def _contributions(given: Any) -> tuple[PromptContribution, ...]:
    return tuple(from_builtins(one, PromptContribution) for one in given)


async def _set_template(run: Run, step: Step) -> None:
    await run.session(step).control.config.set_prompt_template(from_builtins(step["template"], PromptTemplate))


async def _clear_template(run: Run, step: Step) -> None:
    await run.session(step).control.config.clear_prompt_template()


async def _add(run: Run, step: Step) -> None:
    given = from_builtins(step["contribution"], PromptContribution)
    await run.session(step).control.config.add_prompt_contribution(given)


async def _replace_slot(run: Run, step: Step) -> None:
    given = _contributions(step["contributions"])
    await run.session(step).control.config.replace_prompt_slot(step["slot"], given)


async def _clear_slot(run: Run, step: Step) -> None:
    await run.session(step).control.config.clear_prompt_slot(step["slot"])


PROMPT_OPS: Final[Mapping[str, Op]] = {
    "set_template": Op(_set_template, frozenset({"template"})),
    "clear_template": Op(_clear_template),
    "add_prompt": Op(_add, frozenset({"contribution"})),
    "replace_slot": Op(_replace_slot, frozenset({"slot", "contributions"})),
    "clear_slot": Op(_clear_slot, frozenset({"slot"})),
}
