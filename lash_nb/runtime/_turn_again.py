"""A turn that is run again under its id: it begins where it began the first time (lash 0.1.0-alpha.37, effect wire format §17).

Effects are known again by the turn's number and by what is asked, so both have to be those of the first run, though that left its
commits behind. Two facts are noted with the effects: where the turn began, and that it is finished. A run that stored nothing may have been
followed by another turn, of which the session must not go back: the mark of what stands behind the beginning tells whose it is. Then the turn
begins anew, which is noted, too: what counts is where it began last.
"""

import logging
from typing import Any, Literal, TypeAlias

import msgspec

from lash_nb.effects import ScopedEffectController
from lash_nb.errors import LashRuntimeError, RuntimeEffectControllerError, WireError
from lash_nb.runtime._queue_again import has_begun_since, stand_before_broken_run
from lash_nb.runtime._queue_delivery import causes_of
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.wire import Json, PromptUsage, QueuedWorkClaim, from_builtins, to_builtins

__all__ = ["Run", "is_finished", "note_finished", "stand_at_beginning"]

_LOG = logging.getLogger(__name__)

Run: TypeAlias = Literal["first", "again", "finished"]
"""`again`: an earlier run broke off; what it committed stays beside the path of this one, which commits once. `finished`: an earlier one
is committed; this one has the same result, and leaves the session as it is."""


async def stand_at_beginning(
    state: RuntimeSessionState,
    controller: ScopedEffectController,
    turn_id: str,
    begun_by: QueuedWorkClaim | None = None,
) -> Run:
    """Tell which run of a stored turn is to begin; unless it is the first one, let the session stand where that stood.

    A turn that broke off and after which another one began, or which began on a branch that was left, begins anew.

    Args:
        state: The session.
        controller: Performs the turn's effects, and remembers facts.
        turn_id: The turn.
        begun_by: The queued work that it begins with, by which a broken run is found where nothing is remembered.

    Raises:
        RuntimeEffectControllerError: what the controller remembers cannot be read or written; `turn_facts`, it is something else.
        LashRuntimeError: `store_commit_failed`, the turn is finished, and where it began is not in memory.
    """
    if controller.durability_tier == "inline":
        if begun_by is not None:
            stand_before_broken_run(state, begun_by)
        return "first"
    here: Json = {
        "turn_index": state.turn_index,
        "leaf_node_id": state.graph.leaf_node_id,
        "agent_frame_id": state.current_agent_frame_id,
        "last_prompt_usage": to_builtins(state.last_prompt_usage),
    }
    beginning, first = await _last_beginning(state, controller, turn_id, here)
    finished = await controller.recall(_name(state, turn_id, "finished"), None)
    _check(turn_id, finished, int | None)
    run = _run(state, here, first, finished)
    if run == "again" and not _was_begun(state, first, turn_id, begun_by):
        run = "first"
    if run == "first" and first != here:
        await controller.recall(_beginning_name(state, turn_id, beginning + 1), here)
    if run == "finished" and not _is_resident(state, first):
        raise LashRuntimeError(
            "store_commit_failed",
            f"turn {turn_id} of session {state.session_id} is committed already, and the node at which it began is not in memory;"
            " run new work under a new turn id",
        )
    if run != "first":
        _go_back(state, first)
        _LOG.info("turn %s of session %s is run %s", turn_id, state.session_id, run)
    return run


async def _last_beginning(
    state: RuntimeSessionState, controller: ScopedEffectController, turn_id: str, here: Json
) -> tuple[int, Json]:
    """Return which beginning of a turn was noted last, and where that was; here, which is noted now, if none was."""
    number = 1
    last = await controller.recall(_beginning_name(state, turn_id, number), here)
    _check(turn_id, last, _Beginning)
    while last != here:
        later = await controller.recall(_beginning_name(state, turn_id, number + 1), None)
        _check(turn_id, later, _Beginning | None)
        if later is None:
            break
        number, last = number + 1, later
    return number, last


async def is_finished(state: RuntimeSessionState, controller: ScopedEffectController, turn_id: str) -> bool:
    """Tell whether an earlier run of a turn is committed.

    Raises:
        RuntimeEffectControllerError: what the controller remembers cannot be read; `turn_facts`, it is something else.
    """
    finished = await controller.recall(_name(state, turn_id, "finished"), None)
    _check(turn_id, finished, int | None)
    return _was_committed(state, finished)


async def note_finished(state: RuntimeSessionState, controller: ScopedEffectController, turn_id: str) -> None:
    """Note that a turn is committed; if that fails, its next run finds out at its end."""
    try:
        await controller.recall(_name(state, turn_id, "finished"), state.turn_index)
    except RuntimeEffectControllerError as error:
        _LOG.warning("that turn %s of session %s is finished was not noted: %s", turn_id, state.session_id, error)


def _beginning_name(state: RuntimeSessionState, turn_id: str, number: int) -> str:
    return _name(state, turn_id, "begun" if number == 1 else f"begun:{number}")


def _name(state: RuntimeSessionState, turn_id: str, fact: str) -> str:
    return f"{state.session_id}:{turn_id}:{fact}"


class _Beginning(msgspec.Struct):
    """Where a turn began."""

    turn_index: int
    leaf_node_id: str | None
    agent_frame_id: str
    last_prompt_usage: PromptUsage | None


def _check(turn_id: str, fact: Json, kind: Any) -> None:
    try:
        from_builtins(fact, kind)
    except WireError as error:
        raise RuntimeEffectControllerError(
            "turn_facts",
            f"what the effect host remembers of the beginning or end of turn {turn_id} is no such fact ({error.message});"
            " put a copy of its database in its place, or run the work under a new turn id",
        ) from error


def _run(state: RuntimeSessionState, here: Json, first: Json, finished: Json) -> Run:
    if _was_committed(state, finished):
        return "finished"
    broke_off = first != here and first["turn_index"] + 1 == state.turn_index
    leaf = first["leaf_node_id"]
    return "again" if broke_off and (leaf is None or state.graph.is_on_path(leaf)) else "first"


def _was_begun(state: RuntimeSessionState, first: Json, turn_id: str, begun_by: QueuedWorkClaim | None) -> bool:
    """Tell whether it was a run of this turn that stored what stands behind its beginning."""
    told = frozenset(cause.to_message().id for cause in causes_of(begun_by)) if begun_by else frozenset[str]()
    return has_begun_since(state, first["leaf_node_id"], begun_by or turn_id, told)


def _was_committed(state: RuntimeSessionState, finished: Json) -> bool:
    # else the store is another one, which has no such turn
    return finished is not None and finished <= state.turn_index


def _is_resident(state: RuntimeSessionState, first: Json) -> bool:
    leaf = first["leaf_node_id"]
    return leaf is None or state.graph.find(leaf) is not None


def _go_back(state: RuntimeSessionState, first: Json) -> None:
    state.turn_index = first["turn_index"]
    state.current_agent_frame_id = first["agent_frame_id"]
    state.last_prompt_usage = from_builtins(first["last_prompt_usage"], PromptUsage | None)
    state.graph.stand_at(first["leaf_node_id"])
    state.select_frame()
