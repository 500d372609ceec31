"""Queued turns run without anybody asking for them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from lash_nb.core import LashSession, QueuedWorkRunner, QueuedWorkRunRequest
from tests.runtime.desk import answers, builder, said, settle

NEVER_MS = 3_600_000


class Listed:
    """Remembers what it was asked, and gives the answers that it was given; then it has nothing to run."""

    def __init__(self, given: Sequence[str | BaseException | None] = ()) -> None:
        self.asked: list[tuple[str | None, str, bool]] = []
        self._given = list(given)

    async def run_queued_work(self, request: QueuedWorkRunRequest) -> str | None:
        """Remember, and answer."""
        self.asked.append((request.session_id, request.reason, request.trace_idle))
        answer = self._given.pop(0) if self._given else None
        if isinstance(answer, BaseException):
            raise answer
        return answer


@asynccontextmanager
async def running(handle: Listed, *, poll_ms: int = NEVER_MS) -> AsyncIterator[QueuedWorkRunner]:
    """A runner that has asked for the first time."""
    runner = QueuedWorkRunner(handle, poll_ms=poll_ms).spawn()
    await settle()
    yield runner
    runner.close()


async def test_it_asks_at_the_start_and_when_it_is_poked() -> None:
    """For the session that was named, or for any; with the reason, and whether somebody said that there is work."""
    handle = Listed()
    async with running(handle) as runner:
        runner.poke("by hand")
        runner.poke_session("demo", "queued_turn_input")
        await settle()
    assert handle.asked == [(None, "startup", False), (None, "by hand", True), ("demo", "queued_turn_input", True)]


async def test_a_session_at_work_is_asked_for_again_when_its_turn_is_over() -> None:
    """And meanwhile only other sessions, by name."""
    handle = Listed([None, "demo"])
    async with running(handle) as runner:
        runner.poke_session("demo", "process_wake")
        runner.poke_session("demo", "twice")
        runner.poke("any")
        runner.poke_session("other", "theirs")
        runner.complete_session("demo", "queued_turn_completed")
        runner.poke("any again")
        await settle()
    assert [(session, reason) for session, reason, _ in handle.asked] == [
        (None, "startup"),
        ("demo", "process_wake"),
        ("other", "theirs"),
        ("demo", "queued_turn_completed"),
        (None, "any again"),
    ]
    assert handle.asked[-2][2] is False


async def test_work_that_nobody_told_of_is_found() -> None:
    """Every so often, and poking one session does not put that off."""
    handle = Listed()
    async with running(handle, poll_ms=1) as runner:
        while ("poll" not in [reason for _, reason, _ in handle.asked]) or len(handle.asked) < 5:
            runner.poke_session("demo", "busy")
            await asyncio.sleep(0.001)
    assert (None, "poll", False) in handle.asked


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no such window"), "no such window"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (SystemExit(), "SystemExit"),
        (asyncio.CancelledError(), "CancelledError"),
    ],
    ids=repr,
)
async def test_what_the_host_raises_is_told_and_the_next_work_is_run(
    error: BaseException, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An interrupt, too, ends neither the runner nor the event loop."""
    handle = Listed([None, error, None])
    with caplog.at_level(logging.WARNING):
        async with running(handle) as runner:
            runner.poke_session("demo", "first")
            runner.poke_session("demo", "second")
            await settle()
    assert [reason for _, reason, _ in handle.asked] == ["startup", "first", "second"]
    assert f"queued work was not run (first), and will be asked for again: {told}" in caplog.text


async def test_a_runner_that_runs_is_spawned_once_and_a_closed_one_again() -> None:
    """What was told meanwhile is not lost."""
    handle = Listed()
    async with running(handle) as runner:
        assert runner.spawn() is runner
        await settle()
        runner.close()
        await settle()
        runner.poke("meanwhile")
        await settle()
        assert [reason for _, reason, _ in handle.asked] == ["startup"]
        runner.spawn()
        await settle()
    assert [reason for _, reason, _ in handle.asked] == ["startup", "startup", "meanwhile"]


class Window:
    """A host with one open session, whose queued turns run beside."""

    def __init__(self) -> None:
        self.session: LashSession | None = None
        self.runner = QueuedWorkRunner(self, poll_ms=NEVER_MS)
        self._turns: list[asyncio.Task[None]] = []

    async def run_queued_work(self, request: QueuedWorkRunRequest) -> str | None:
        """Run what is queued, if there is anything."""
        session = self.session
        if session is None or request.session_id != session.session_id or not await session.queued_work():
            return None
        self._turns.append(asyncio.create_task(self._run(session)))
        return session.session_id

    async def _run(self, session: LashSession) -> None:
        await session.next_queued_turn()
        self.runner.complete_session(session.session_id, "queued_turn_completed")


async def test_a_core_whose_queue_runs_by_itself() -> None:
    """Three inputs, told to the core's poke by their queueing: three turns, in order, one after the other."""
    window = Window()
    core = builder(answers("a", "b", "c")).queued_work_poke(window.runner.spawn()).build()
    window.session = session = await core.session("demo").open()
    batches = [await session.queue(text).send() for text in ("one", "two", "three")]
    await asyncio.wait_for(session.await_queued_work_batch(batches[-1].batch_id), 5)
    await settle()
    assert (said(session.graph), session.turn_index) == (["one", "a", "two", "b", "three", "c"], 3)
    window.runner.close()
