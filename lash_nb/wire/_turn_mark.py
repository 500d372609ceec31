"""By what a message with which a turn begins is known: its id bears a mark, made of the rest of the id and of what the turn is a run of."""

import hashlib
from typing import Final

__all__ = ["bears_mark", "marked_id"]

_OWN: Final = slice(1, 17)
_MARK: Final = slice(17, None)
"""Where in an id stands what is the message's own, and where the mark."""


def marked_id(own: str, work: str) -> str:
    """Return the id of a message with which a turn begins.

    Args:
        own: 16 characters that no other message has.
        work: What the turn is a run of: its id, or what the claim of its queued work is called.
    """
    return f"m{own}{_mark(own, work)}"


def bears_mark(message_id: str, work: str) -> bool:
    """Tell whether a turn that is a run of this work began with the message of this id."""
    return message_id[_MARK] == _mark(message_id[_OWN], work)


def _mark(own: str, work: str) -> str:
    return hashlib.sha256(f"{own}:{work}".encode(errors="surrogatepass")).hexdigest()[:16]
