"""A turn that broke off and is run again under its id: it begins where it began the first time (lash 0.1.0-alpha.37, effect wire format §17).

Effects are known again by the turn's number and by what is asked, so both have to be those of the first run, though that left its first
commits behind. What they hold stays in the graph, beside the path of the second run.
"""

import logging

from lash_nb.effects import ScopedEffectController
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.wire import Json, PromptUsage, from_builtins, to_builtins

__all__ = ["stand_at_beginning"]

_LOG = logging.getLogger(__name__)


async def stand_at_beginning(state: RuntimeSessionState, controller: ScopedEffectController, turn_id: str) -> bool:
    """Tell whether the turn that is to begin broke off before; if so, let the session stand where it stood then.

    A turn after which another one began, or which began on a branch that was left, is not gone on with: it begins anew.

    Raises:
        RuntimeEffectControllerError: what the controller remembers cannot be read or written.
    """
    if controller.durability_tier == "inline":
        return False
    here: Json = {
        "turn_index": state.turn_index,
        "leaf_node_id": state.graph.leaf_node_id,
        "last_prompt_usage": to_builtins(state.last_prompt_usage),
    }
    first = await controller.recall(f"{state.session_id}:{turn_id}:begun", here)
    leaf = first["leaf_node_id"]
    if first == here or first["turn_index"] + 1 != state.turn_index:
        return False
    if leaf is not None and not state.graph.is_on_path(leaf):
        return False
    _LOG.info("turn %s of session %s goes on from what was recorded of it", turn_id, state.session_id)
    state.turn_index = first["turn_index"]
    state.last_prompt_usage = from_builtins(first["last_prompt_usage"], PromptUsage | None)
    state.graph.stand_at(leaf)
    return True
