"""The durable host: what was performed is not performed again, what was not is, and one at a time."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lash_nb.clock import NS_PER_MS, ManualClock
from lash_nb.effects import EffectHost, JournalEffectHost, SqliteEffectHost, StepEffectHost
from lash_nb.errors import RuntimeEffectControllerError
from lash_nb.wire import (
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    RuntimeOperationScope,
    SleepCommand,
    SleepOutcome,
    TurnScope,
)
from tests.effects.material import SCOPE, Gate, World, called, model_call, said, settle, sleep, tool_call

Open = Callable[..., SqliteEffectHost]
START_NS = 1_800_000_000_000_000_000
AT_ONCE_S = 20
"""Less than a lease: whatever is done by then did not wait for one."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "effects.db"


@pytest.fixture
def open_it(path: Path) -> Iterator[Open]:
    """Opens the database again and again, as so many processes would."""
    opened: list[SqliteEffectHost] = []

    def again(**options: Any) -> SqliteEffectHost:
        opened.append(SqliteEffectHost(path, **options))
        return opened[-1]

    yield again
    for host in opened:
        host.release()


def rows(path: Path) -> list[dict[str, Any]]:
    """All rows, oldest first."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM runtime_effect_replay ORDER BY rowid")]


async def perform(host: EffectHost, envelope: RuntimeEffectEnvelope, world: World | None = None) -> Any:
    """Perform an envelope in the scope of these tests."""
    return await host.scoped(SCOPE).execute_effect(envelope, world or World())


async def refusal(host: EffectHost, envelope: RuntimeEffectEnvelope, world: World | None = None) -> Any:
    """Perform an envelope that fails, and return the error."""
    with pytest.raises(RuntimeEffectControllerError) as refused:
        await perform(host, envelope, world)
    return refused.value


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that other tasks do."""
    async with asyncio.timeout(AT_ONCE_S):
        while not is_so():  # noqa: ASYNC110 - a row of a database or a line of a log has no event
            await asyncio.sleep(0.005)


async def fails(_: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
    """What an executor does that cannot perform anything."""
    raise RuntimeEffectControllerError("runtime_store", "no more room")


async def test_what_was_performed_is_answered_from_the_file(open_it: Open) -> None:
    """Another process asks nobody, in whatever order it comes to the effects."""
    first, second = World(), World()
    host = open_it()
    for envelope in (model_call(), tool_call("c1", city="Oslo")):
        await perform(host, envelope, first)
    later = open_it()

    assert await perform(later, tool_call("c1", city="Oslo"), second) == called("c1", {"city": "Oslo"})
    assert await perform(later, model_call(), second) == said("from scripted-model")
    assert (len(first.asked), len(second.asked)) == (2, 0)


async def test_a_row_is_the_references_own(path: Path, open_it: Open) -> None:
    """Hash, status and documents stand where the reference looks for them, and a completed row has no lease."""
    await perform(open_it(clock=ManualClock(START_NS)), model_call())
    (row,) = rows(path)

    assert row == {
        "scope_id": "t1",
        "replay_key": "demo:t1:1:0:llm_call:1",
        "envelope_hash": model_call().hash(),
        "status": "completed",
        "outcome_json": row["outcome_json"],
        "error_json": None,
        "lease_owner_id": None,
        "lease_token": None,
        "lease_expires_at_ms": 0,
        "due_at_ms": None,
        "created_at_ms": START_NS // 1_000_000,
        "updated_at_ms": START_NS // 1_000_000,
    }
    assert row["outcome_json"].startswith('{"type":"llm_call","result":{"Ok":{"full_text":"from scripted-model"')


async def test_scopes_do_not_answer_for_each_other(open_it: Open) -> None:
    """The same key in another scope is another effect; the id of a scope is all that counts, as in the reference."""
    host, world = open_it(), World()
    for scope in (SCOPE, TurnScope(session_id="demo", turn_id="t2"), RuntimeOperationScope(operation_id="t1")):
        await host.scoped(scope).execute_effect(model_call(), world)

    assert len(world.asked) == 2


async def test_another_request_under_the_same_key_is_a_conflict(path: Path, open_it: Open) -> None:
    """Neither is it performed nor is the record touched, and the message says what to do."""
    host, world = open_it(), World()
    await perform(host, model_call())
    before = rows(path)
    error = await refusal(host, model_call(model="other"), world)

    assert error.code == "sqlite_effect_replay_hash_conflict"
    for said_there in ("effect 1 (llm_call) of t1", str(path), "the input, model, tools and prompt", "another turn id"):
        assert said_there in error.message
    assert world.asked == []
    assert rows(path) == before


async def test_a_conflict_counts_before_the_status(open_it: Open) -> None:
    """Another request neither waits for the one that runs nor takes over its lease."""
    host, gate = open_it(), Gate()
    running = asyncio.create_task(perform(host, model_call(), gate))
    await settle()

    assert (await refusal(host, model_call(model="other"))).code == "sqlite_effect_replay_hash_conflict"
    gate.open(model_call())
    await running


async def test_an_error_of_the_executor_is_recorded_and_raised_again(path: Path, open_it: Open) -> None:
    """What the host could not perform once, it does not try again under this key."""
    host, world = open_it(), World()
    errors = [await refusal(host, tool_call(), World(fails)), await refusal(open_it(), tool_call(), world)]

    assert [(error.code, error.message) for error in errors] == [("runtime_store", "no more room")] * 2
    assert world.asked == []
    assert rows(path)[0]["error_json"] == '{"code":"runtime_store","message":"no more room"}'
    assert rows(path)[0]["status"] == "failed"


async def test_what_breaks_off_is_taken_over_at_once(path: Path, open_it: Open) -> None:
    """A cancelled effect, and one whose executor has a bug, leave a row that waits for nobody."""

    async def hang(_: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        await asyncio.Event().wait()
        return SleepOutcome()

    async def crash(_: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        raise ZeroDivisionError

    task = asyncio.create_task(perform(open_it(), model_call(), World(hang)))
    await settle()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with pytest.raises(ZeroDivisionError):
        await perform(open_it(), tool_call(), World(crash))
    left = [(row["status"], row["lease_expires_at_ms"]) for row in rows(path)]
    world = World()
    for envelope in (model_call(), tool_call()):
        await asyncio.wait_for(perform(open_it(), envelope, world), timeout=AT_ONCE_S)

    assert left == [("in_progress", 0)] * 2
    assert world.asked == [model_call(), tool_call()]


def test_an_interrupt_of_the_whole_kernel_leaves_the_row_to_the_next(open_it: Open) -> None:
    """Ctrl-C in the middle of an effect: the next run performs it at once."""

    async def interrupted(_: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(perform(open_it(), model_call(), World(interrupted)))
    world = World()
    asyncio.run(asyncio.wait_for(perform(open_it(), model_call(), world), timeout=AT_ONCE_S))

    assert len(world.asked) == 1


async def test_two_at_once_perform_it_once(open_it: Open) -> None:
    """The second waits until the first is done, and takes its outcome."""
    gate, world = Gate(), World()
    first = asyncio.create_task(perform(open_it(), model_call(), gate))
    await settle()
    second = asyncio.create_task(perform(open_it(), model_call(), world))
    await settle()
    assert not second.done()
    gate.open(model_call())

    assert await first == await asyncio.wait_for(second, timeout=AT_ONCE_S) == said("from scripted-model")
    assert world.asked == []


async def test_a_lease_is_renewed_while_the_effect_runs(path: Path, open_it: Open) -> None:
    """An effect may take much longer than its lease: nobody else performs it."""
    clock, gate, world = ManualClock(START_NS), Gate(), World()
    first = asyncio.create_task(perform(open_it(clock=clock, lease_ttl_ms=30), model_call(), gate))
    await settle()
    second = asyncio.create_task(perform(open_it(clock=clock, lease_ttl_ms=30), model_call(), world))
    for _ in range(3):
        clock.advance(0.02)
        await until(lambda: rows(path)[0]["lease_expires_at_ms"] == clock.now_ns() // NS_PER_MS + 30)
    assert not second.done()
    gate.open(model_call())
    await asyncio.gather(first, second)

    assert world.asked == []


async def test_a_lease_that_ran_out_is_taken_over_and_the_late_one_is_told(path: Path, open_it: Open) -> None:
    """Who comes back after its lease ended records nothing: what the other one records counts."""
    clock, gate = ManualClock(START_NS), Gate()
    late = asyncio.create_task(perform(open_it(clock=clock), model_call(), gate))
    await settle()
    clock.advance(31)
    assert await perform(open_it(clock=clock), model_call()) == said("from scripted-model")
    before = rows(path)
    gate.open(model_call())
    with pytest.raises(RuntimeEffectControllerError, match="run the turn again") as lost:
        await late

    assert lost.value.code == "sqlite_effect_replay_lease_lost"
    assert rows(path) == before


async def test_a_row_of_a_process_that_died_is_free_when_its_lease_ends(open_it: Open) -> None:
    """A fencing token of somebody else gives nobody the right to record."""
    clock = ManualClock(START_NS)
    dead = asyncio.create_task(perform(open_it(clock=clock), model_call(), Gate()))
    await settle()
    clock.advance(29)
    waiting = asyncio.create_task(perform(open_it(clock=clock), model_call()))
    await asyncio.sleep(0.03)
    assert not waiting.done()
    clock.advance(1)

    assert await asyncio.wait_for(waiting, timeout=AT_ONCE_S) == said("from scripted-model")
    dead.cancel()


async def test_a_long_wait_is_told(open_it: Open, caplog: pytest.LogCaptureFixture) -> None:
    """Who waits for another process learns for whom."""
    host = open_it()
    running = asyncio.create_task(perform(host, model_call(), Gate()))
    await settle()
    waiting = asyncio.create_task(perform(open_it(), model_call()))
    await until(lambda: "is performed by" in caplog.text)
    for task in (waiting, running):
        task.cancel()

    assert "effect 1 (llm_call) of t1 is performed by pid" in caplog.text


async def test_strict_replay_begins_nothing(path: Path, open_it: Open) -> None:
    """What is recorded is answered; what is not is an error and leaves no row."""
    await perform(open_it(), model_call())
    strict, world = open_it(strict_replay=True), World()
    assert await perform(strict, model_call(), world) == said("from scripted-model")
    error = await refusal(strict, tool_call(), world)

    assert error.code == "sqlite_effect_replay_missing"
    assert "open it without strict_replay" in error.message
    assert world.asked == []
    assert len(rows(path)) == 1


def nap(duration_ms: int) -> RuntimeEffectEnvelope:
    """A sleep of so many milliseconds."""
    return replace(sleep(), command=SleepCommand(duration_ms=duration_ms))


async def test_a_sleep_that_is_taken_over_waits_for_what_is_left(path: Path, open_it: Open) -> None:
    """The end of a sleep is noted when it begins; who goes on with it sleeps the rest, and who repeats it not at all."""
    clock, gate = ManualClock(START_NS), Gate()
    begun = asyncio.create_task(perform(open_it(clock=clock), nap(60_000), gate))
    await settle()
    begun.cancel()
    await asyncio.gather(begun, return_exceptions=True)
    clock.advance(45)
    rest, again = World(), World()
    slept = [await perform(open_it(clock=clock), nap(60_000), rest)]
    clock.advance(15)
    slept.append(await perform(open_it(clock=clock), nap(60_000), again))

    assert slept == [SleepOutcome()] * 2
    assert [envelope.command for envelope in rest.asked] == [SleepCommand(duration_ms=15_000)]
    assert again.asked == []
    assert rows(path)[0]["due_at_ms"] == START_NS // 1_000_000 + 60_000


async def test_a_sleep_that_is_over_is_not_slept(open_it: Open) -> None:
    """A process that comes late goes on at once."""
    clock, world = ManualClock(START_NS), World()
    begun = asyncio.create_task(perform(open_it(clock=clock), nap(1_000), Gate()))
    await settle()
    begun.cancel()
    await asyncio.gather(begun, return_exceptions=True)
    clock.advance(2)

    assert await perform(open_it(clock=clock), nap(1_000), world) == SleepOutcome()
    assert world.asked == []


async def test_a_sleep_of_a_cancelled_turn_is_slept_by_the_next_run(path: Path, open_it: Open) -> None:
    """That nobody wanted to wait any more says nothing about the sleep: it is not recorded as failed."""

    async def cancelled(_: RuntimeEffectEnvelope) -> RuntimeEffectOutcome:
        raise RuntimeEffectControllerError("runtime_effect_sleep_cancelled", "the turn was cancelled")

    assert (await refusal(open_it(), nap(50), World(cancelled))).code == "runtime_effect_sleep_cancelled"
    assert rows(path)[0]["status"] == "in_progress"
    assert await asyncio.wait_for(perform(open_it(), nap(50)), timeout=AT_ONCE_S) == SleepOutcome()


@pytest.mark.parametrize("duration_ms", [2**63 - 1, 2**64 - 1])
async def test_the_longest_sleep_has_a_row(open_it: Open, duration_ms: int) -> None:
    """A number that a column cannot hold is the largest that it can."""
    assert await perform(open_it(), nap(duration_ms)) == SleepOutcome()


async def test_a_journal_tells_what_was_replayed(open_it: Open) -> None:
    """Who looks at the effects of a turn sees which of them were not performed this time."""
    await perform(open_it(), model_call())
    journal = JournalEffectHost(open_it(), ManualClock())
    await perform(journal, model_call())
    await perform(journal, tool_call())

    assert [(entry.origin, entry.status) for entry in journal.entries] == [("replayed", "ok"), ("executed", "ok")]


async def test_what_a_person_answers_is_recorded_too(open_it: Open) -> None:
    """An injected outcome takes the way of every other one, and the next run gets it without a person."""
    host, world = StepEffectHost(JournalEffectHost(open_it(), ManualClock())), World()
    host.control.arm()
    turn = asyncio.create_task(perform(host, model_call(), world))
    await host.control.wait_pending()
    host.control.inject(said("from a person"))
    await turn

    assert await perform(open_it(), model_call(), world) == said("from a person")
    assert world.asked == []


async def test_an_edited_effect_is_a_conflict_for_who_asks_for_the_first_one(open_it: Open) -> None:
    """The record is of what was performed, so the unedited request does not get that outcome."""
    host = StepEffectHost(open_it())
    host.control.arm()
    turn = asyncio.create_task(perform(host, model_call()))
    await host.control.wait_pending()
    host.control.perform(model_call(model="edited"))
    assert await turn == said("from edited")

    assert (await refusal(open_it(), model_call())).code == "sqlite_effect_replay_hash_conflict"
    assert await perform(open_it(), model_call(model="edited")) == said("from edited")
