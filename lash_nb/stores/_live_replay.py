"""The buffer from which a watcher of a session catches up after it was away (lash 0.1.0-alpha.43, facade §8.2).

Rule: live replay is never history. It is bounded, may be gone at any time, and whatever fails here fails no turn and no commit.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import islice
from threading import RLock
from typing import Final, Protocol
from weakref import ref

from lash_nb.clock import NS_PER_MS, Clock, SystemClock
from lash_nb.errors import LiveReplayError
from lash_nb.locks import exclusively, give_back
from lash_nb.stores._observation_event import (
    LiveReplayGapReason,
    SessionObservationEvent,
    SessionObservationEventPayload,
)
from lash_nb.stores._session_cursor import CursorPlace, SessionCursor, SessionRevision

__all__ = [
    "LIVE_REPLAY_AGE_MS",
    "LIVE_REPLAY_EVENTS",
    "InMemoryLiveReplayStore",
    "LiveReplayStore",
    "LiveReplaySubscription",
]

LIVE_REPLAY_EVENTS: Final = 2_048
"""Most events that are kept of a session, and most that a subscriber may be behind."""
LIVE_REPLAY_AGE_MS: Final = 120_000
"""How long events are kept, in milliseconds."""

_SWEEPS_PER_AGE: Final = 8
"""How often all sessions are looked through while an event grows too old."""


class LiveReplayStore(Protocol):
    """Keeps the newest events of sessions for those who come back. Every method returns at once: turns wait for none of them."""

    def append(
        self, session_id: str, revision: SessionRevision, payload: SessionObservationEventPayload
    ) -> SessionObservationEvent:
        """Keep an event, and return it with its cursor.

        Raises:
            LiveReplayError: `Store`.
        """
        ...

    def replay_after_cursor(self, cursor: SessionCursor) -> "tuple[SessionObservationEvent, ...] | LiveReplayGapReason":
        """Return the events after a cursor, in order, or why they are not all there.

        Raises:
            LiveReplayError: `Malformed`, or `Store`.
        """
        ...

    def subscribe_after_cursor(self, cursor: SessionCursor) -> "LiveReplaySubscription | LiveReplayGapReason":
        """Return the events after a cursor and all that follow, or why they are not all there. Errors as in `replay_after_cursor`."""
        ...

    def current_cursor(self, session_id: str, revision: SessionRevision) -> SessionCursor:
        """Return the cursor after the last event."""
        ...

    def trim_session(self, session_id: str) -> None:
        """Let go what is too old or too much."""
        ...


class LiveReplaySubscription:
    """Events as they happen, after those that were missed; `async for event in subscription` ends when it is closed."""

    def __init__(self, missed: tuple[SessionObservationEvent, ...], capacity: int = LIVE_REPLAY_EVENTS) -> None:
        self._missed = deque(missed)
        self._live: deque[SessionObservationEvent] = deque(maxlen=capacity)
        self._lagged = 0
        self._closed = False
        self._lock = RLock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    def push(self, event: SessionObservationEvent) -> None:
        """Take the next event; called by the store, on whatever thread."""
        exclusively(self._lock, self._take, event)

    def close(self) -> None:
        """Take no more events."""
        exclusively(self._lock, self._end)

    async def next_event(self) -> SessionObservationEvent:
        """Wait for the next event.

        Raises:
            LiveReplayError: `SubscriberLagged`, with `count`: so many were dropped unread, subscribe again from the last cursor; `Closed`.
        """
        while True:
            found = exclusively(self._lock, self._next)
            if isinstance(found, SessionObservationEvent):
                return found
            await found

    async def __aiter__(self) -> AsyncIterator[SessionObservationEvent]:
        while True:
            try:
                event = await self.next_event()
            except LiveReplayError as error:
                if error.variant != "Closed":
                    raise
                return
            yield event

    def _take(self, event: SessionObservationEvent) -> None:
        self._lagged += len(self._live) == self._live.maxlen
        self._live.append(event)
        self._wake()

    def _end(self) -> None:
        self._closed = True
        self._wake()

    def _next(self) -> "SessionObservationEvent | asyncio.Future[None]":
        """Return the next event, or what to wait for until there is news."""
        if self._missed:
            return self._missed.popleft()
        self._check_lag()
        if self._live:
            return self._live.popleft()
        if self._closed:
            raise LiveReplayError("Closed", "the subscription is closed; subscribe again from the last cursor")
        loop = asyncio.get_running_loop()
        news = loop.create_future()
        self._waiting.append((loop, news))
        return news

    def _check_lag(self) -> None:
        count, self._lagged = self._lagged, 0
        if count:
            raise LiveReplayError(
                "SubscriberLagged",
                f"{count} events were dropped before they were read; subscribe again from the last cursor",
                count=count,
            )

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for loop, news in waiting:
            with contextlib.suppress(RuntimeError):  # the loop of a watcher that is gone
                loop.call_soon_threadsafe(_settle, news)


def _settle(news: "asyncio.Future[None]") -> None:
    if not news.done():
        news.set_result(None)


@dataclass(slots=True)
class _Buffer:
    """What is kept of one session."""

    events: deque[SessionObservationEvent]
    """The last ones, oldest first; no more than are kept."""
    times_ns: deque[int]
    """When each of them happened."""
    tail: int = 0
    """Position of the last event."""
    subscribers: "set[ref[LiveReplaySubscription]]" = field(default_factory=set)
    """Who is told, as long as somebody holds it. No `WeakSet`: each event goes through them, and that one walks in Python."""


class InMemoryLiveReplayStore:
    """Keeps events as long as the process lives, so many and so long of each session.

    Args:
        max_events: Most events of a session.
        max_age_ms: How long an event is kept, in milliseconds.
        clock: Tells how old events are.
    """

    def __init__(
        self,
        *,
        max_events: int = LIVE_REPLAY_EVENTS,
        max_age_ms: int = LIVE_REPLAY_AGE_MS,
        clock: Clock | None = None,
    ) -> None:
        self._max_events = max_events
        self._max_age_ns = max_age_ms * NS_PER_MS
        self._clock = clock or SystemClock()
        self._buffers: dict[str, _Buffer] = {}
        self._due_ns = self._clock.monotonic_ns() + self._max_age_ns
        """When sessions are looked through for what is too old, the quiet ones too."""
        self._lock = RLock()

    def append(
        self, session_id: str, revision: SessionRevision, payload: SessionObservationEventPayload
    ) -> SessionObservationEvent:
        """Keep an event, tell it to subscribers, and return it with its cursor."""
        try:  # as `exclusively` does it, without its two calls for each event of a turn
            with self._lock:
                now_ns = self._clock.monotonic_ns()
                buffer = self._buffers.get(session_id) or self._buffer(session_id)
                buffer.tail = place = buffer.tail + 1
                event = SessionObservationEvent(
                    session_id, revision, SessionCursor.of(session_id, revision, place), payload
                )
                buffer.events.append(event)
                buffer.times_ns.append(now_ns)
                if now_ns > self._due_ns:
                    self._trim_all(now_ns)
                if buffer.subscribers:
                    for known in tuple(buffer.subscribers):
                        subscriber = known()
                        if subscriber is not None:
                            subscriber.push(event)
        except BaseException:  # be it an interrupt
            give_back(self._lock)
            raise
        return event

    def replay_after_cursor(self, cursor: SessionCursor) -> tuple[SessionObservationEvent, ...] | LiveReplayGapReason:
        """Return the events after a cursor, in order, or why they are not all there.

        Raises:
            LiveReplayError: `Malformed`.
        """
        place = cursor.place()
        return exclusively(self._lock, self._replay, place)

    def subscribe_after_cursor(self, cursor: SessionCursor) -> LiveReplaySubscription | LiveReplayGapReason:
        """Return the events after a cursor and all that follow, or why they are not all there. Errors as in `replay_after_cursor`."""
        place = cursor.place()
        return exclusively(self._lock, self._subscribe, place)

    def current_cursor(self, session_id: str, revision: SessionRevision) -> SessionCursor:
        """Return the cursor after the last event; makes no buffer."""
        buffer = exclusively(self._lock, self._buffers.get, session_id)
        return SessionCursor.of(session_id, revision, buffer.tail if buffer else 0)

    def trim_session(self, session_id: str) -> None:
        """Let go what is too old or too much."""
        exclusively(self._lock, self._trim_known, session_id)

    def _replay(self, place: CursorPlace) -> tuple[SessionObservationEvent, ...] | LiveReplayGapReason:
        buffer = self._buffers.get(place.session_id)
        if buffer is None:
            return "unavailable" if place.live_position else ()
        self._trim(buffer, self._clock.monotonic_ns())
        return _gap(buffer, place.live_position) or _after(buffer, place.live_position)

    def _subscribe(self, place: CursorPlace) -> LiveReplaySubscription | LiveReplayGapReason:
        buffer = self._buffer(place.session_id)
        self._trim(buffer, self._clock.monotonic_ns())
        gap = _gap(buffer, place.live_position)
        if gap:
            return gap
        subscription = LiveReplaySubscription(_after(buffer, place.live_position))
        buffer.subscribers.add(ref(subscription, buffer.subscribers.discard))
        return subscription

    def _trim_known(self, session_id: str) -> None:
        buffer = self._buffers.get(session_id)
        if buffer is not None:
            self._trim(buffer, self._clock.monotonic_ns())

    def _buffer(self, session_id: str) -> _Buffer:
        buffer = self._buffers.get(session_id)
        if buffer is None:
            buffer = self._buffers[session_id] = _Buffer(deque(maxlen=self._max_events), deque(maxlen=self._max_events))
        return buffer

    def _trim_all(self, now_ns: int) -> None:
        """Let go of all sessions what is too old; once in a while is enough, for whoever reads a session's events has them trimmed first."""
        self._due_ns = now_ns + self._max_age_ns // _SWEEPS_PER_AGE
        for buffer in self._buffers.values():
            self._trim(buffer, now_ns)

    def _trim(self, buffer: _Buffer, now_ns: int) -> None:
        times, oldest_ns = buffer.times_ns, now_ns - self._max_age_ns
        while times and times[0] < oldest_ns:
            times.popleft()
            buffer.events.popleft()


def _gap(buffer: _Buffer, position: int) -> LiveReplayGapReason | None:
    if position > buffer.tail:
        return "unavailable"
    return "trimmed" if position < buffer.tail - len(buffer.events) else None


def _after(buffer: _Buffer, position: int) -> tuple[SessionObservationEvent, ...]:
    known = len(buffer.events) - (buffer.tail - position)
    return tuple(islice(buffer.events, known, None))
