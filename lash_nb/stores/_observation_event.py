"""What can be seen to happen to a session while it is open (lash 0.1.0-alpha.43, facade §8.1)."""

from typing import Any, Literal, TypeAlias

from msgspec import Struct

from lash_nb.stores._session_cursor import SessionCursor, SessionRevision
from lash_nb.wire import TurnActivity, Wire

__all__ = [
    "AgentFrameSwitched",
    "Committed",
    "LiveReplayGap",
    "LiveReplayGapReason",
    "ObservedActivity",
    "ProcessChanged",
    "QueueChanged",
    "SessionObservationEvent",
    "SessionObservationEventPayload",
]


class ObservedActivity(Struct, frozen=True, gc=False):
    """A turn did something."""

    activity: TurnActivity
    """What."""


class Committed(Struct, frozen=True, gc=False):
    """The session changed, and the change stays."""

    read_view: Any
    """The session as it is then: a `SessionReadView`, which this room only passes on."""


class AgentFrameSwitched(Struct, frozen=True, gc=False):
    """The session goes on in another agent frame."""

    frame_id: str
    """Which."""


class QueueChanged(Struct, frozen=True, gc=False):
    """The queue has other work than before."""

    kind: Literal["enqueued", "cancelled"]
    """What was done."""
    batch_ids: tuple[str, ...]
    """To which batches."""


class ProcessChanged(Struct, frozen=True, gc=False):
    """Background processes were started or asked to stop."""

    kind: Literal["started", "cancelled"]
    """What was done."""
    process_ids: tuple[str, ...]
    """To which processes."""


SessionObservationEventPayload: TypeAlias = (
    ObservedActivity | Committed | AgentFrameSwitched | QueueChanged | ProcessChanged
)
"""What happened."""


class SessionObservationEvent(Struct, frozen=True, gc=False):
    """Something that happened, and where.

    It holds no cycles, so the garbage collector need not look at it: thousands are kept of each session.
    """

    session_id: str
    """The session."""
    revision: SessionRevision
    """How far its stored state was."""
    cursor: SessionCursor
    """Where to go on after this event."""
    payload: SessionObservationEventPayload
    """What happened."""


LiveReplayGapReason: TypeAlias = Literal["trimmed", "unavailable"]
"""Why events are missing: they were let go, or nobody here has ever had them."""


class LiveReplayGap(Wire, frozen=True, kw_only=True):
    """That there are events which nobody can tell any more, and where to go on."""

    session_id: str
    """The session."""
    requested_cursor: str
    """Where the watcher stood."""
    latest_cursor: str
    """Where to go on, after the state was read anew."""
    latest_revision: SessionRevision
    """How far the stored state is."""
    reason: LiveReplayGapReason
    """Why."""
