"""What can be seen to happen to a session while it is open (lash 0.1.0-alpha.43, facade §8.1)."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

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


@dataclass(frozen=True, slots=True)
class ObservedActivity:
    """A turn did something."""

    activity: TurnActivity
    """What."""


@dataclass(frozen=True, slots=True)
class Committed:
    """The session changed, and the change stays."""

    read_view: Any
    """The session as it is then: a `SessionReadView`, which this room only passes on."""


@dataclass(frozen=True, slots=True)
class AgentFrameSwitched:
    """The session goes on in another agent frame."""

    frame_id: str
    """Which."""


@dataclass(frozen=True, slots=True)
class QueueChanged:
    """The queue has other work than before."""

    kind: Literal["enqueued", "cancelled"]
    """What was done."""
    batch_ids: tuple[str, ...]
    """To which batches."""


@dataclass(frozen=True, slots=True)
class ProcessChanged:
    """Background processes were started or asked to stop."""

    kind: Literal["started", "cancelled"]
    """What was done."""
    process_ids: tuple[str, ...]
    """To which processes."""


SessionObservationEventPayload: TypeAlias = (
    ObservedActivity | Committed | AgentFrameSwitched | QueueChanged | ProcessChanged
)
"""What happened."""


@dataclass(frozen=True, slots=True)
class SessionObservationEvent:
    """Something that happened, and where."""

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
