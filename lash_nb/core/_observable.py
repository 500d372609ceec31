"""A session to be watched: what it is, and what happens to it (lash 0.1.0-alpha.43, facade §5 and §8.4).

The way of a host that may lose the connection: show `current_observation`, keep its cursor; subscribe from the last cursor that was seen;
where there is a gap, show the observation that came with it and go on from its cursor.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeAlias

from lash_nb.core._background import ProcessControl
from lash_nb.core._live_session import LiveSession
from lash_nb.errors import LashRuntimeError, LiveReplayError
from lash_nb.runtime import LashRuntime, RuntimeSessionState, SessionReadView
from lash_nb.stores import (
    LiveReplayGap,
    LiveReplayGapReason,
    LiveReplaySubscription,
    SessionCursor,
    SessionObservationEvent,
)
from lash_nb.wire import ProcessScope, SessionPolicy, SessionUsageReport, ToolManifest, ToolState

__all__ = ["ObservableSession", "SessionGap", "SessionObservation", "SessionReplayed", "SessionResume"]


@dataclass(frozen=True, slots=True)
class SessionObservation:
    """A session, and where its events stand."""

    read_view: SessionReadView
    """The session."""
    cursor: SessionCursor
    """Where to go on."""


@dataclass(frozen=True, slots=True)
class SessionReplayed:
    """Everything that was missed."""

    events: tuple[SessionObservationEvent, ...]
    """The events, in order."""


@dataclass(frozen=True, slots=True)
class SessionGap:
    """Events are missing: show the session anew."""

    observation: SessionObservation
    """The session as it is now."""
    gap: LiveReplayGap
    """What is missing, and why."""


SessionResume: TypeAlias = SessionReplayed | SessionGap
"""What a watcher that comes back gets."""


class ObservableSession:
    """Reads of one opened session that wait for no turn; what runs does not show before it is over."""

    def __init__(self, runtime: LashRuntime, live: LiveSession) -> None:
        self._runtime = runtime
        self._live = live
        self._processes = ProcessControl(runtime)

    @property
    def session_id(self) -> str:
        """The session."""
        return self._runtime.session_id

    def policy_snapshot(self) -> SessionPolicy:
        """Return model, provider, limits."""
        return self._runtime.observe().policy

    def read_view(self) -> SessionReadView:
        """Return what the session says."""
        return self._runtime.observe().read_view

    def persisted_state(self) -> RuntimeSessionState:
        """Return the whole state, with that of tools and plugins."""
        return self._runtime.observe().persisted_state

    def usage_report(self) -> SessionUsageReport:
        """Return what the session has used over its life."""
        return self._runtime.observe().usage_report()

    def tool_state(self) -> ToolState:
        """Return what the session offers, as a value of the caller's own."""
        return deepcopy(self._runtime.observe().tool_state)

    def active_tool_manifests(self) -> tuple[ToolManifest, ...]:
        """Return its tools, sorted by name."""
        tools = self.tool_state().tools
        return tuple(tools[name].manifest for name in sorted(tools))

    def process_scope(self) -> ProcessScope:
        """Return the scope that the session's background processes are seen from."""
        return self._processes.scope

    async def list_process_handles(self) -> Sequence[Any]:
        """Return the session's background processes that have not ended; none without a registry.

        Raises:
            PluginError: there is a registry, which nobody can list yet.
        """
        return await self._processes.list()

    async def list_all_process_handles(self) -> Sequence[Any]:
        """Return all background processes that the session sees. Errors as in `list_process_handles`."""
        return await self._processes.list_all()

    def current_observation(self) -> SessionObservation:
        """Return the session as it is now, and where its events stand."""
        return SessionObservation(*self._live.observed())

    def resume_from_cursor(self, cursor: SessionCursor) -> SessionResume:
        """Return what happened after a cursor.

        Raises:
            LashRuntimeError: `live_replay`, the cursor is malformed or another session's, or the events cannot be read.
        """
        with _told():
            found = self._live.replayed(cursor)
        return self._gap(cursor, found) if isinstance(found, str) else SessionReplayed(found)

    def subscribe_from_cursor(self, cursor: SessionCursor) -> LiveReplaySubscription | SessionGap:
        """Return what happened after a cursor, and everything that happens from now on. Errors as in `resume_from_cursor`."""
        with _told():
            found = self._live.subscribed(cursor)
        return self._gap(cursor, found) if isinstance(found, str) else found

    def _gap(self, cursor: SessionCursor, reason: LiveReplayGapReason) -> SessionGap:
        observation = self.current_observation()
        return SessionGap(observation, self._live.gap(cursor, observation.cursor, reason))


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except LiveReplayError as error:
        raise LashRuntimeError("live_replay", error.message) from error
