"""Catching up with a session: cursors, the buffer, its gaps, and subscriptions."""

import asyncio
import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.clock import ManualClock
from lash_nb.errors import LiveReplayError
from lash_nb.stores import (
    LIVE_REPLAY_EVENTS,
    AgentFrameSwitched,
    InMemoryLiveReplayStore,
    LiveReplayGap,
    LiveReplaySubscription,
    QueueChanged,
    SessionCursor,
    SessionObservationEvent,
)
from lash_nb.wire import from_json, to_json


def happened(store: InMemoryLiveReplayStore, *names: str, session: str = "s") -> list[SessionObservationEvent]:
    """Append an event of each name."""
    return [store.append(session, 3, AgentFrameSwitched(name)) for name in names]


def names_of(events: object) -> list[str]:
    """What a replay tells; a gap is no replay."""
    assert isinstance(events, tuple)
    return [event.payload.frame_id for event in events]


def subscribed(store: InMemoryLiveReplayStore, cursor: SessionCursor) -> LiveReplaySubscription:
    """A subscription that is none of a gap."""
    made = store.subscribe_after_cursor(cursor)
    assert isinstance(made, LiveReplaySubscription)
    return made


async def next_names(subscription: LiveReplaySubscription, count: int) -> list[str]:
    """What the next events tell."""
    return [names_of((await subscription.next_event(),))[0] for _ in range(count)]


def variant_of(text: str, session: str | None = None) -> tuple[str, dict[str, object]]:
    """How a cursor is refused."""
    with pytest.raises(LiveReplayError) as error:
        SessionCursor(text).place_in(session) if session else SessionCursor(text).place()
    assert tuple(error.value.fields) == LiveReplayError.variants[error.value.variant]
    return error.value.variant, error.value.fields


@given(
    session=st.text(min_size=1),
    revision=st.integers(0, 2**64 - 1),
    position=st.integers(0, 2**64 - 1),
)
def test_a_cursor_says_what_it_was_made_of(session: str, revision: int, position: int) -> None:
    """Whatever the id is, also one with colons; nothing of it shows in a repr."""
    cursor = SessionCursor.of(session, revision, position)
    place = SessionCursor(str(cursor)).place_in(session)
    assert (place.session_id, place.revision, place.live_position) == (session, revision, position)
    assert repr(cursor) == "SessionCursor(<opaque>)"


def test_a_cursor_is_one_text_with_the_session_last() -> None:
    """The reference's form."""
    assert str(SessionCursor.of("a:b", 3, 7)) == "lashsc1:3:7:a:b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bad", "missing cursor prefix"),
        ("lashsc1:x:1:s", "invalid session revision"),
        ("lashsc1:-1:1:s", "invalid session revision"),
        ("lashsc1:1::s", "invalid live replay position"),
        ("lashsc1:1:1.5:s", "invalid live replay position"),
        ("lashsc1:99999999999999999999999:1:s", "invalid session revision"),
        ("lashsc1:1:18446744073709551616:s", "invalid live replay position"),
        ("lashsc1:1:1:", "missing session id"),
        ("lashsc1:1", "invalid live replay position"),
    ],
)
def test_a_malformed_cursor_is_refused_everywhere(text: str, message: str) -> None:
    """By the cursor, by replay and by subscription, with the reason."""
    assert variant_of(text) == ("Malformed", {"message": message})
    store = InMemoryLiveReplayStore()
    with pytest.raises(LiveReplayError, match=message):
        store.replay_after_cursor(SessionCursor(text))
    with pytest.raises(LiveReplayError, match=message):
        store.subscribe_after_cursor(SessionCursor(text))


def test_a_cursor_of_another_session_is_refused() -> None:
    """By name, before anybody is asked for events."""
    told = {"expected": "mine", "actual": "other"}
    assert variant_of("lashsc1:1:1:other", "mine") == ("WrongSession", told)


def test_events_are_replayed_in_order_and_only_those_after_the_cursor() -> None:
    """Each has a cursor of its own; the first cursor replays all, the last nothing, whatever revision it is asked with."""
    store = InMemoryLiveReplayStore()
    start = store.current_cursor("s", 0)
    assert store.replay_after_cursor(start) == ()
    events = happened(store, "a", "b", "c")

    assert names_of(store.replay_after_cursor(start)) == ["a", "b", "c"]
    assert [names_of(store.replay_after_cursor(event.cursor)) for event in events] == [["b", "c"], ["c"], []]
    assert store.current_cursor("s", 3) == events[-1].cursor
    assert store.replay_after_cursor(store.current_cursor("s", 99)) == ()


def test_sessions_do_not_see_each_other() -> None:
    """Each counts for itself."""
    store = InMemoryLiveReplayStore()
    happened(store, "mine")
    happened(store, "other", session="t")
    assert names_of(store.replay_after_cursor(store.current_cursor("nobody", 0))) == []
    assert names_of(store.replay_after_cursor(SessionCursor.of("t", 0, 0))) == ["other"]


def test_a_cursor_ahead_of_the_tail_is_unavailable() -> None:
    """As it is after the process was restarted: nobody here has had those events."""
    store = InMemoryLiveReplayStore()
    ahead = SessionCursor.of("s", 0, 5)
    assert store.replay_after_cursor(ahead) == "unavailable"
    happened(store, "a")
    assert (store.replay_after_cursor(ahead), store.subscribe_after_cursor(ahead)) == ("unavailable", "unavailable")


def test_what_is_too_much_is_let_go() -> None:
    """With room for one, the start is a gap and the cursor of the first event replays the second."""
    store = InMemoryLiveReplayStore(max_events=1)
    start = store.current_cursor("s", 0)
    first, _ = happened(store, "a", "b")
    assert (store.replay_after_cursor(start), store.subscribe_after_cursor(start)) == ("trimmed", "trimmed")
    assert names_of(store.replay_after_cursor(first.cursor)) == ["b"]


def test_what_is_too_old_is_let_go() -> None:
    """By time, when it is trimmed; the tail still stands for nothing missed."""
    clock = ManualClock()
    store = InMemoryLiveReplayStore(max_age_ms=10, clock=clock)
    start = store.current_cursor("s", 0)
    (event,) = happened(store, "a")
    clock.advance(0.01)
    assert names_of(store.replay_after_cursor(start)) == ["a"]
    clock.advance(0.001)
    store.trim_session("s")
    store.trim_session("nobody")
    assert store.replay_after_cursor(start) == "trimmed"
    assert store.replay_after_cursor(event.cursor) == ()


def test_sessions_that_are_quiet_let_go_while_others_are_busy() -> None:
    """So that what is kept does not grow with the number of sessions that once were."""

    class Note(str):
        """A name that can be watched."""

        __slots__ = ("__weakref__",)

    clock = ManualClock()
    store = InMemoryLiveReplayStore(max_age_ms=10, clock=clock)
    old = [Note(f"old {number}") for number in range(3)]
    kept = [weakref.ref(note) for note in old]
    starts = [store.current_cursor(f"quiet {number}", 0) for number in range(3)]
    for number, note in enumerate(old):
        happened(store, note, session=f"quiet {number}")
    old.clear()
    del note
    clock.advance(1)
    happened(store, "a", "b", "c", session="busy")
    gc.collect()
    assert [one() for one in kept] == [None, None, None]
    assert [store.replay_after_cursor(start) for start in starts] == ["trimmed"] * 3


async def test_a_subscription_gives_what_was_missed_and_then_what_comes() -> None:
    """A watcher that waits is woken; two of them see the same; what is dropped is told no more."""
    store = InMemoryLiveReplayStore()
    start = store.current_cursor("s", 0)
    happened(store, "a", "b")
    one, two = subscribed(store, start), subscribed(store, start)
    waiting = asyncio.ensure_future(next_names(one, 3))
    await asyncio.sleep(0)
    store.append("s", 3, AgentFrameSwitched("c"))

    assert await asyncio.wait_for(waiting, 1) == ["a", "b", "c"]
    assert await next_names(two, 3) == ["a", "b", "c"]
    del one
    gc.collect()
    happened(store, "d")
    assert await next_names(two, 1) == ["d"]


async def test_events_of_another_thread_wake_a_watcher() -> None:
    """Turns may run elsewhere."""
    store = InMemoryLiveReplayStore()
    subscription = subscribed(store, store.current_cursor("s", 0))
    waiting = asyncio.ensure_future(next_names(subscription, 1))
    await asyncio.sleep(0)
    await asyncio.to_thread(happened, store, "far")
    assert await asyncio.wait_for(waiting, 1) == ["far"]


async def test_a_watcher_that_is_too_slow_is_told_how_much_it_missed() -> None:
    """Once; then it reads on from what is left."""
    store = InMemoryLiveReplayStore()
    subscription = subscribed(store, store.current_cursor("s", 0))
    happened(store, *map(str, range(LIVE_REPLAY_EVENTS + 3)))
    with pytest.raises(LiveReplayError) as error:
        await subscription.next_event()
    assert (error.value.variant, error.value.fields) == ("SubscriberLagged", {"count": 3})
    assert await next_names(subscription, 1) == ["3"]


async def test_a_closed_subscription_gives_what_it_has_and_ends() -> None:
    """Also one that somebody waits for."""
    store = InMemoryLiveReplayStore()
    subscription = subscribed(store, store.current_cursor("s", 0))
    happened(store, "a")
    seen = []

    async def watch() -> None:
        seen.extend([event.payload async for event in subscription])

    watching = asyncio.ensure_future(watch())
    await asyncio.sleep(0)
    store.append("s", 3, QueueChanged("enqueued", ("b",)))
    subscription.close()
    await asyncio.wait_for(watching, 1)
    assert seen == [AgentFrameSwitched("a"), QueueChanged("enqueued", ("b",))]
    with pytest.raises(LiveReplayError) as error:
        await subscription.next_event()
    assert error.value.variant == "Closed"


def test_a_gap_travels_as_the_references_json() -> None:
    """Cursors are texts, the revision a number."""
    gap = LiveReplayGap(
        session_id="s",
        requested_cursor="lashsc1:3:7:s",
        latest_cursor="lashsc1:9:4001:s",
        latest_revision=9,
        reason="trimmed",
    )
    text = (
        b'{"session_id":"s","requested_cursor":"lashsc1:3:7:s","latest_cursor":"lashsc1:9:4001:s",'
        b'"latest_revision":9,"reason":"trimmed"}'
    )
    assert to_json(gap) == text
    assert from_json(text, LiveReplayGap) == gap
