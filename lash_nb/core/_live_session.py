"""What happens to an open session, as events for those who watch it (lash 0.1.0-alpha.43, facade §8.3).

Rule: what cannot be kept for watchers is logged, and nothing else: no turn and no change of the session fails over it.
"""

import logging
from typing import Literal

from lash_nb.errors import LiveReplayError
from lash_nb.runtime import LashRuntime, SessionReadView
from lash_nb.stores import (
    AgentFrameSwitched,
    Committed,
    LiveReplayGap,
    LiveReplayGapReason,
    LiveReplayStore,
    LiveReplaySubscription,
    ObservedActivity,
    QueueChanged,
    SessionCursor,
    SessionObservationEvent,
    SessionObservationEventPayload,
    SessionRevision,
)
from lash_nb.wire import TurnActivity

__all__ = ["LiveSession"]

_LOG = logging.getLogger(__name__)


class LiveSession:
    """Keeps the events of one opened session in the core's live replay store."""

    def __init__(self, runtime: LashRuntime, store: LiveReplayStore) -> None:
        self._runtime = runtime
        self._store = store
        self._session_id = runtime.session_id
        self._frame_id = runtime.state.current_agent_frame_id
        self._revision = self._revision_now()
        runtime.observe()
        runtime.activity_sinks = (self._did,)
        runtime.on_publish = self._published

    def record_queue(self, kind: Literal["enqueued", "cancelled"], batch_id: str) -> None:
        """Tell that the queue has other work than before."""
        self._append(QueueChanged(kind, (batch_id,)))

    def observed(self) -> tuple[SessionReadView, SessionCursor]:
        """Return the session as it was after its last change, and where events stand."""
        return self._runtime.observe().read_view, self._store.current_cursor(self._session_id, self._revision)

    def replayed(self, cursor: SessionCursor) -> tuple[SessionObservationEvent, ...] | LiveReplayGapReason:
        """Return the events after a cursor of this session, or why they are not all there.

        Raises:
            LiveReplayError: the cursor is malformed or another session's, which no store is asked for; or `Store`.
        """
        cursor.place_in(self._session_id)
        return self._store.replay_after_cursor(cursor)

    def subscribed(self, cursor: SessionCursor) -> LiveReplaySubscription | LiveReplayGapReason:
        """Return the events after a cursor of this session and all that follow, or why they are not all there. Errors as in `replayed`."""
        cursor.place_in(self._session_id)
        return self._store.subscribe_after_cursor(cursor)

    def gap(self, requested: SessionCursor, latest: SessionCursor, reason: LiveReplayGapReason) -> LiveReplayGap:
        """Return what is told of events that are missing."""
        return LiveReplayGap(
            session_id=self._session_id,
            requested_cursor=str(requested),
            latest_cursor=str(latest),
            latest_revision=self._revision,
            reason=reason,
        )

    def _did(self, activity: TurnActivity) -> None:
        """Tell what a turn did."""
        self._append(ObservedActivity(activity))

    def _published(self) -> None:
        """Tell that the session changed; a new agent frame first."""
        self._revision = self._revision_now()
        frame_id = self._runtime.state.current_agent_frame_id
        if frame_id and frame_id != self._frame_id:
            self._append(AgentFrameSwitched(frame_id))
        self._frame_id = frame_id
        self._append(Committed(self._runtime.observe().read_view))

    def _append(self, payload: SessionObservationEventPayload) -> None:
        try:
            self._store.append(self._session_id, self._revision, payload)
        except LiveReplayError as error:
            _LOG.warning(
                "session %s: an event was not kept for watchers, who will have to read the session anew: %s",
                self._session_id,
                error,
            )

    def _revision_now(self) -> SessionRevision:
        state = self._runtime.state
        return state.turn_index if state.head_revision is None else state.head_revision
