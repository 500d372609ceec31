"""A turn of queued work that broke off over a host that remembers nothing: the next one begins where it began, so that its input stands once in the history.

The messages that such a turn begins with bear the mark of their work in their ids. Where an unfinished turn at the end of the path begins with
them, it was a run of this work: with a finished one the work would have left the queue. It is all performed again; what the broken run stored
stays beside the path.
"""

import hashlib
from typing import Final

from lash_nb.clock import IdSource
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.wire import Message, QueuedWorkClaim

__all__ = ["opening_id", "stand_before_broken_run"]

_OWN: Final = slice(1, 17)
_MARK: Final = slice(17, None)
"""Where in an id stands what is the message's own, and where the mark that is made of it and of the work."""


def opening_id(claim: QueuedWorkClaim, ids: IdSource) -> str:
    """Return a new id for a message with which a turn of this work begins."""
    own = ids.hex()[16:]
    return f"m{own}{_mark(own, claim)}"


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


def _begins(message: Message, claim: QueuedWorkClaim) -> bool:
    return message.id[_MARK] == _mark(message.id[_OWN], claim)


def _is_on_the_way(message: Message) -> bool:
    """Tell whether a message is of the inside of a turn: what the model calls, or what came of it."""
    return any(part.tool_call_id for part in message.parts)


def _mark(own: str, claim: QueuedWorkClaim) -> str:
    first = claim.batches[0]
    told = f"{own}:{first.session_id}:{first.batch_id}:{first.enqueued_at_ms}"
    return hashlib.sha256(told.encode(errors="surrogatepass")).hexdigest()[:16]
