"""By what a run of a turn is known in the history: the messages that it begins with bear the mark of its work in their ids, its turn's id or its claim.

Over a host that remembers nothing the next run of queued work begins where a broken one began, so that its input stands once in the history.
Where an unfinished turn at the end of the path begins with such messages, it was a run of this work: with a finished one the work would have
left the queue. It is all performed again; what the broken run stored stays beside the path.
"""

from typing import TypeAlias

from lash_nb.clock import IdSource
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.wire import Message, QueuedWorkClaim, bears_mark, marked_id

__all__ = ["Work", "has_begun_since", "opening_id", "stand_before_broken_run"]

Work: TypeAlias = QueuedWorkClaim | str
"""What a turn is a run of: queued work, or the turn of an id."""


def opening_id(work: Work, ids: IdSource) -> str:
    """Return a new id for a message with which a turn of this work begins."""
    return marked_id(ids.hex()[16:], _name(work))


def has_begun_since(state: RuntimeSessionState, node_id: str | None, work: Work, told: frozenset[str]) -> bool:
    """Tell whether a run of this work stored something behind a node of the path, or at its beginning for None; costs what stands behind.

    Args:
        state: The session.
        node_id: The node.
        work: The work.
        told: Ids of messages that it alone begins with, beside those that bear its mark.
    """
    for node in reversed(state.graph.path):
        if node.node_id == node_id:
            break
        if node.message is not None and (node.message.id in told or _begins(node.message, work)):
            return True
    return False


def stand_before_broken_run(state: RuntimeSessionState, claim: QueuedWorkClaim) -> None:
    """Let the session stand where its last turn began, if that was a run of this work; costs what that turn stored.

    A run after which somebody went on otherwise stays on the path, and the work begins anew after it.
    """
    beginning, is_found = state.graph.leaf_node_id, False
    for node in reversed(state.graph.path):
        message = node.message
        if message is not None and _begins(message, claim):
            beginning, is_found = node.parent_node_id, True
        elif is_found or (message is not None and not _is_on_the_way(message)):
            break
    if is_found:
        state.graph.stand_at(beginning)
        state.turn_index -= 1


def _begins(message: Message, work: Work) -> bool:
    return bears_mark(message.id, _name(work))


def _is_on_the_way(message: Message) -> bool:
    """Tell whether a message is of the inside of a turn: what the model calls, or what came of it."""
    return any(part.tool_call_id for part in message.parts)


def _name(work: Work) -> str:
    if isinstance(work, str):
        return work
    first = work.batches[0]
    return f"{first.session_id}:{first.batch_id}:{first.enqueued_at_ms}"
