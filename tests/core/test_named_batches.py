"""Turns of batches that somebody names: nothing passes what comes first, and whoever asked hears why no turn was run."""

import pytest
from msgspec.structs import replace

from lash_nb.core import LashSession
from lash_nb.errors import CallerError
from lash_nb.wire import QueuedWorkBatchDraft, TurnInput, TurnInputPayload
from tests.runtime.desk import START_NS, answers, open_session


class Desk:
    """A session with named batches.

    Attributes:
        session: The session.
    """

    def __init__(self, session: LashSession, caplog: pytest.LogCaptureFixture) -> None:
        self.session = session
        self._caplog = caplog
        self._ids: dict[str, str] = {}

    async def queue(self, *names: str) -> None:
        """Queue inputs, each under a name."""
        for name in names:
            self._ids[name] = (await self.session.queue(name)).batch_id

    async def queue_for_later(self, name: str) -> None:
        """Queue an input that may be taken in a while."""
        assert self.session.store is not None
        draft = QueuedWorkBatchDraft(
            session_id="demo",
            delivery_policy="after_current_turn_commit",
            slot_policy="exclusive",
            payloads=(TurnInputPayload(input=TurnInput.text(name)),),
        )
        later = replace(draft, available_at_ms=START_NS // 1_000_000 + 1_000)
        self._ids[name] = (await self.session.store.enqueue_work(later)).batch_id

    def ids(self, *names: str) -> list[str]:
        """The ids of names; an unknown one is its own."""
        return [self._ids.get(name, name) for name in names]

    async def why_not(self, *names: str) -> str:
        """Ask for a turn that there is not, and return what the log says, with names for ids."""
        assert await self.session.next_queued_turn(self.ids(*names)) is None
        said = self._caplog.messages[-1]
        for name, batch_id in self._ids.items():
            said = said.replace(batch_id, name)
        return said.removeprefix("no turn was run on session demo: ").partition(";")[0]


@pytest.fixture
async def desk(caplog: pytest.LogCaptureFixture) -> Desk:
    """A session in which three inputs wait."""
    desk = Desk(await open_session(answers("one", "two")), caplog)
    await desk.queue("A", "B", "C")
    return desk


async def test_a_batch_that_is_not_next_stays_and_is_told_of(desk: Desk) -> None:
    """What comes before it, or what else is in the way."""
    assert await desk.why_not("C") == "C is not next: 2 batches come before it, first A"
    assert await desk.why_not("B", "A") == "B is not next: 1 batch comes before it, first A"
    assert await desk.why_not("A", "C") == (
        "A shares no turn with C: only neighbours do that may join, and are of one kind"
    )
    assert await desk.why_not("A", "D") == "D is not in the queue: a turn took it, or it was cancelled"
    assert len(await desk.session.queued_work()) == 3


async def test_a_batch_that_somebody_holds_is_told_of(desk: Desk) -> None:
    """And one whose time has not come."""
    assert desk.session.store is not None
    await desk.session.store.claim_ready_work(session_id="demo", boundary="idle", owner="somebody else")
    await desk.queue_for_later("D")

    assert await desk.why_not("A") == "A is held by a turn that runs"
    assert await desk.why_not("B") == "A is held by a turn that runs"
    assert await desk.why_not("D") == "D is for later"


async def test_a_turn_of_a_queue_that_another_process_drains_is_told_so(desk: Desk) -> None:
    """Something waits, and nothing of it may be run now."""
    assert desk.session.store is not None
    await desk.session.store.claim_ready_work(session_id="demo", boundary="idle", owner="somebody else")

    assert await desk.session.next_queued_turn() is None
    with pytest.raises(CallerError, match=f"{desk.ids('A')[0]} is held by a turn that runs; await_queued") as refused:
        await desk.session.start(desk.session.next_queued_turn()).wait()
    assert refused.value.code == "queue_empty"


async def test_a_batch_behind_a_command_runs_once_that_is_obeyed(caplog: pytest.LogCaptureFixture) -> None:
    """Each call obeys one command."""
    desk = Desk(await open_session(answers("one")), caplog)
    await desk.session.control.commands.reset(reason="a test")
    await desk.queue("A")

    assert await desk.why_not("A") == "a command came before A, and is obeyed now"
    assert await desk.session.next_queued_turn(desk.ids("A")) is not None


async def test_a_turn_beside_fails_with_the_reason(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever waits for it hears it, and the log does not say it again; without names an empty queue is what it is."""
    with pytest.raises(CallerError, match="is not next: 1 batch comes before it") as refused:
        await desk.session.start(desk.session.next_queued_turn(desk.ids("B"))).wait()
    assert (refused.value.code, caplog.messages) == ("queue_empty", [])
    for batch in await desk.session.queued_work():
        await desk.session.cancel_queued_work_batch(batch.batch_id)
    with pytest.raises(CallerError, match="demo: no input waits in it"):
        await desk.session.start(desk.session.next_queued_turn()).wait()
