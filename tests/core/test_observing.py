"""Watching a session: what happens to it reaches whoever is there, and whoever was away catches up or learns that it cannot."""

import asyncio
import logging
from typing import Any

import pytest

from lash_nb.clock import ManualClock
from lash_nb.core import LashSession, SessionGap, SessionReplayed
from lash_nb.errors import LashRuntimeError, LiveReplayError
from lash_nb.stores import (
    AgentFrameSwitched,
    Committed,
    InMemoryLiveReplayStore,
    LiveReplaySubscription,
    ObservedActivity,
    QueueChanged,
    SessionCursor,
    SessionObservationEvent,
    SessionObservationEventPayload,
    SessionRevision,
)
from lash_nb.wire import ProcessScope
from tests.runtime.desk import answers, builder, open_session, texts, tool_then_answer, weather


def payloads(events: object) -> list[Any]:
    """What events tell."""
    assert isinstance(events, SessionReplayed)
    return [event.payload for event in events.events]


def kinds(events: object) -> list[str]:
    """What events tell, in a word each."""
    return [one.activity.type if isinstance(one, ObservedActivity) else type(one).__name__ for one in payloads(events)]


async def test_everything_that_happens_is_replayed_in_order() -> None:
    """Activities as they happen, then the commit, whose view is the session as it is then; every event has its own cursor."""
    session = await open_session(tool_then_answer, weather)
    observer = session.observe()
    start = observer.current_observation()
    assert (start.read_view.node_count, payloads(observer.resume_from_cursor(start.cursor))) == (0, [])
    result = await session.turn("weather?")

    resumed = observer.resume_from_cursor(start.cursor)
    assert kinds(resumed) == [*(one.type for one in result.activities), "Committed"]
    assert isinstance(resumed, SessionReplayed)
    committed = resumed.events[-1]
    assert isinstance(committed.payload, Committed)
    assert texts(committed.payload.read_view.messages) == texts(observer.read_view().messages)
    assert committed.cursor == observer.current_observation().cursor
    assert len({event.cursor for event in resumed.events}) == len(resumed.events)
    assert payloads(observer.resume_from_cursor(resumed.events[-2].cursor)) == [committed.payload]


async def test_revisions_are_the_stores_or_count_turns() -> None:
    """A session that is not stored has no head."""
    stored, kept = await open_session(answers()), await open_session(answers(), stored=False)
    for session in (stored, kept):
        await session.turn("a")
        await session.turn("b")
    head = await stored.store.load_head() if stored.store else None
    assert head is not None
    assert stored.observe().current_observation().cursor.place().revision == head.head_revision
    assert kept.observe().current_observation().cursor.place().revision == 2


async def test_a_watcher_is_told_while_the_turn_runs() -> None:
    """It sees an activity before the turn is over, and the commit after it."""
    session = await open_session(answers("hello"))
    observer = session.observe()
    subscription = observer.subscribe_from_cursor(observer.current_observation().cursor)
    assert isinstance(subscription, LiveReplaySubscription)
    turn = session.start("hi")
    first = await asyncio.wait_for(subscription.next_event(), 1)
    await turn.wait()
    assert isinstance(first.payload, ObservedActivity)
    subscription.close()
    assert isinstance([event.payload async for event in subscription][-1], Committed)


async def test_the_queue_and_changes_between_turns_are_told_too() -> None:
    """What is queued, injected and cancelled; what is configured is a commit. A command is no input, and is not told."""
    session = await open_session(answers())
    observer = session.observe()
    start = observer.current_observation().cursor
    batch = await session.queue("later")
    injected = await session.control.injection.inject_turn_input("now")
    await session.cancel_queued_work_batch(batch.batch_id)
    assert await session.cancel_queued_work_batch("nobody") is None
    await session.commands.reset(reason="why not")
    await session.tools.set_availability("batch", "off")

    told = payloads(observer.resume_from_cursor(start))
    assert told[:3] == [
        QueueChanged("enqueued", (batch.batch_id,)),
        QueueChanged("enqueued", (injected.batch_id,)),
        QueueChanged("cancelled", (batch.batch_id,)),
    ]
    assert [type(one) for one in told[3:]] == [Committed]


async def test_a_new_agent_frame_is_told_before_its_commit() -> None:
    """By the id of the frame; a session that stays in its frame tells none."""
    session = await open_session(answers())
    observer = session.observe()
    start = observer.current_observation().cursor
    state = await session.control.state.persist_current()
    other = state.copy()
    other.current_agent_frame_id = "demo:frame:other"
    await session.control.state.set_persisted(other)
    assert payloads(observer.resume_from_cursor(start))[0] == AgentFrameSwitched("demo:frame:other")
    assert kinds(observer.resume_from_cursor(start)) == ["AgentFrameSwitched", "Committed"]


async def test_a_gap_comes_with_the_session_as_it_is() -> None:
    """The watcher shows it and goes on from its cursor."""
    core = builder(answers()).live_replay_store(InMemoryLiveReplayStore(max_events=1)).build()
    session = await core.session("demo").open()
    observer = session.observe()
    start = observer.current_observation().cursor
    await session.turn("hi")

    for resumed in (observer.resume_from_cursor(start), observer.subscribe_from_cursor(start)):
        assert isinstance(resumed, SessionGap)
        gap = resumed.gap
        assert (gap.session_id, gap.reason, gap.requested_cursor) == ("demo", "trimmed", str(start))
        assert gap.latest_cursor == str(resumed.observation.cursor)
        assert gap.latest_revision == resumed.observation.cursor.place().revision
        assert texts(resumed.observation.read_view.messages) == ["hi", "ok 1"]
        assert payloads(observer.resume_from_cursor(resumed.observation.cursor)) == []


async def test_handles_of_one_core_share_what_is_kept() -> None:
    """A session that is opened again goes on where its events stood; a cursor of another life is unavailable."""
    core = builder(answers()).build()
    first = await core.session("demo").open()
    start = first.observe().current_observation().cursor
    await first.turn("hi")
    await first.close()
    again = await core.session("demo").open()
    assert "Committed" in kinds(again.observe().resume_from_cursor(start))

    elsewhere = await builder(answers()).build().session("demo").open()
    gap = elsewhere.observe().resume_from_cursor(again.observe().current_observation().cursor)
    assert isinstance(gap, SessionGap)
    assert gap.gap.reason == "unavailable"


class Refusing(InMemoryLiveReplayStore):
    """A store that keeps nothing, and that nobody may ask."""

    def append(
        self, session_id: str, revision: SessionRevision, payload: SessionObservationEventPayload
    ) -> SessionObservationEvent:
        """Refuse."""
        raise LiveReplayError("Store", f"no room for {session_id} at {revision}: {payload}", message="no room")

    def replay_after_cursor(self, cursor: SessionCursor) -> Any:
        """Fail the test."""
        message = f"asked for {cursor}"
        raise AssertionError(message)


@pytest.mark.parametrize("text", ["bad", "lashsc1:0:0:other"])
async def test_a_cursor_that_cannot_be_is_refused_without_asking_the_store(text: str) -> None:
    """Malformed, or another session's."""
    session = await builder(answers()).live_replay_store(Refusing()).build().session("demo").open()
    for ask in (session.observe().resume_from_cursor, session.observe().subscribe_from_cursor):
        with pytest.raises(LashRuntimeError) as error:
            ask(SessionCursor(text))
        assert error.value.code == "live_replay"
        assert isinstance(error.value.__cause__, LiveReplayError)


async def test_what_cannot_be_kept_for_watchers_fails_no_turn(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the session goes on."""
    session = await builder(answers("fine")).live_replay_store(Refusing()).build().session("demo").open()
    with caplog.at_level(logging.WARNING):
        assert (await session.turn("hi")).reply == "fine"
        await session.queue("later")
    assert "an event was not kept for watchers" in caplog.text
    assert session.observe().current_observation().cursor.place().live_position == 0


async def test_events_grow_old_by_the_clock_of_the_core() -> None:
    """Two minutes, with nobody there to trim."""
    clock = ManualClock()
    session = await builder(answers(), clock=clock).build().session("demo").open()
    start = session.observe().current_observation().cursor
    await session.turn("hi")
    clock.advance(121)
    assert isinstance(session.observe().resume_from_cursor(start), SessionGap)


async def test_an_observer_knows_the_scope_of_processes() -> None:
    """The session's own."""
    session: LashSession = await open_session(answers())
    assert session.observe().process_scope() == ProcessScope(session_id="demo") == session.process_control.scope
