"""What comes into a turn before anything of it is stored: its messages, as its plugins want them (lash 0.1.0-alpha.37, turns §5.2)."""

from collections.abc import Callable, Sequence

from lash_nb.clock import IdSource
from lash_nb.plugins import AbortTurn
from lash_nb.providers import ProviderHandle
from lash_nb.runtime._context import TurnContext
from lash_nb.runtime._hook_desk import TurnHookDesk
from lash_nb.runtime._hook_turn import ask_before_turn, hook_messages
from lash_nb.runtime._input import NormalizedItem, user_message
from lash_nb.runtime._open_runtime import OpenRuntime
from lash_nb.runtime._queue_again import opening_id
from lash_nb.runtime._queue_delivery import opening_messages
from lash_nb.runtime._turn_prepare import TurnPreparation
from lash_nb.wire import Message, PromptUsage, QueuedWorkClaim

__all__ = ["asked_before", "opening", "take_in"]


def opening(
    items: Sequence[NormalizedItem], begun_by: QueuedWorkClaim | None, turn_id: str, ids: IdSource
) -> list[Message]:
    """Return the messages that a turn adds at its beginning: what queued work says, then the user."""
    opened = [*opening_messages(begun_by, ids)] if begun_by else []
    if items or not opened:
        opened.append(user_message(opening_id(begun_by or turn_id, ids), items))
    return opened


async def take_in(
    turn: TurnContext,
    runtime: OpenRuntime,
    opened: Sequence[Message],
    usage: PromptUsage | None,
    provider: Callable[[], ProviderHandle],
) -> None:
    """Put what the turn begins with into the graph, as the plugins want it; what they leave out is off the session's path.

    Args:
        turn: The turn.
        runtime: The session.
        opened: What the turn adds.
        usage: The tokens of the model call before it.
        provider: Looks up who answers what a plugin asks.

    Raises:
        LashRuntimeError: `context_prepare_turn`, `session_tool_registry`.
    """
    with runtime.phases.within("context_transform"):
        preparation = TurnPreparation(turn, runtime.effect_host, provider)
        prepared = await preparation.prepared((*turn.conversation(), *opened), usage)
    runtime.state.graph.project(prepared.messages)


async def asked_before(turn: TurnContext, runtime: OpenRuntime) -> AbortTurn | None:
    """Ask the plugins before anything is stored; return why there is to be no turn, if one says so.

    Raises:
        LashRuntimeError: `plugin_prepare_turn`, a hook failed or wants what it may not.
    """
    with runtime.phases.within("before_turn_hooks"):
        wishes = await ask_before_turn(turn)
    for message in hook_messages(wishes, turn):
        runtime.state.graph.append_message(message)
    TurnHookDesk(turn).tell_aside(wishes.events)
    return wishes.abort
