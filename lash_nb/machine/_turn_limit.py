"""The limit of iterations in one turn (lash 0.1.0-alpha.37, turns §2.8): the first iteration always runs, so a limit of 0 acts like 1."""

from lash_nb.wire import Message, Part

__all__ = ["turn_limit_message", "turn_limit_reached"]


def turn_limit_reached(max_turns: int | None, *, iteration: int, offset: int, scheduled: bool = False) -> int | None:
    """Return the limit when `iteration` may no longer run and the grace iteration was not `scheduled`, else None."""
    if max_turns is None or scheduled or iteration < offset + max_turns:
        return None
    return max_turns


def turn_limit_message(message_id: str, max_turns: int) -> Message:
    """Return the message that tells the model, and later readers, that the limit is reached."""
    text = f"Turn limit reached ({max_turns}) before a final assistant response."
    part = Part(id=f"{message_id}.p0", kind="Error", content=text, prune_state="Intact")
    return Message(id=message_id, role="System", parts=(part,))
