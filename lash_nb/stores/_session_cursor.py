"""Where a watcher of a session stands (lash 0.1.0-alpha.43, facade §8.1)."""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from msgspec import Struct

from lash_nb.errors import LiveReplayError

__all__ = ["CursorPlace", "SessionCursor", "SessionRevision"]

SessionRevision: TypeAlias = int
"""The store's head revision of a session, or the number of its last turn where nothing is stored."""

_PREFIX: Final = "lashsc1:"
_NUMBER: Final = re.compile(r"\+?[0-9]{1,20}")
_LARGEST: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class CursorPlace:
    """What a cursor says."""

    session_id: str
    """The session."""
    revision: SessionRevision
    """How far its stored state was."""
    live_position: int
    """How many live events came before."""


class SessionCursor(Struct, frozen=True, gc=False):
    """An opaque place in what happens to a session; `text` is what travels, and what it says is for stores alone."""

    text: str
    """The cursor."""

    @classmethod
    def of(cls, session_id: str, revision: SessionRevision, live_position: int) -> "SessionCursor":
        """Return the cursor of a place."""
        return cls(f"{_PREFIX}{revision}:{live_position}:{session_id}")

    def __repr__(self) -> str:
        return "SessionCursor(<opaque>)"

    def __str__(self) -> str:
        return self.text

    def place(self) -> CursorPlace:
        """Return what the cursor says.

        Raises:
            LiveReplayError: `Malformed`, with `message`.
        """
        if not self.text.startswith(_PREFIX):
            raise _malformed("missing cursor prefix")
        revision, _, rest = self.text.removeprefix(_PREFIX).partition(":")
        position, _, session_id = rest.partition(":")
        numbers = {"session revision": revision, "live replay position": position}
        for name, digits in numbers.items():
            if not _NUMBER.fullmatch(digits) or int(digits) > _LARGEST:
                raise _malformed(f"invalid {name}")
        if not session_id:
            raise _malformed("missing session id")
        return CursorPlace(session_id, int(revision), int(position))

    def place_in(self, session_id: str) -> CursorPlace:
        """Return what the cursor says about this session.

        Raises:
            LiveReplayError: `WrongSession`, with `expected` and `actual`, it is another session's; or as in `place`.
        """
        place = self.place()
        if place.session_id != session_id:
            raise LiveReplayError(
                "WrongSession",
                f"the cursor is one of session {place.session_id}, not of {session_id}; use it there",
                expected=session_id,
                actual=place.session_id,
            )
        return place


def _malformed(message: str) -> LiveReplayError:
    told = f"this is no session cursor ({message}); take one from an observation or an event, as it is"
    return LiveReplayError("Malformed", told, message=message)
