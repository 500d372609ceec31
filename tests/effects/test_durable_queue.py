"""A turn of queued work that broke off: whoever runs the queue again goes on with it, and nothing is performed twice."""

import asyncio
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lash_nb import LashSession, ScriptedProvider, reply
from lash_nb.core import SessionConfigPatch
from lash_nb.errors import LashRuntimeError, RuntimeEffectControllerError
from lash_nb.runtime import TurnResult
from lash_nb.wire import (
    EffectScope,
    LlmRequest,
    LlmResponse,
    QueueDrainScope,
    QueuedWorkBatchDraft,
    RuntimeOperationScope,
    TurnInput,
    TurnInputPayload,
    TurnScope,
)
from tests.effects.processes import FORKING, ended, forked
from tests.effects.test_durable_turns import Place, die, last_words, path_of

pytestmark = pytest.mark.filterwarnings(FORKING)

LONG_MS = 900_000
ASKED = ["model: Weather?", "tool: Oslo", "model: rain in Oslo"]
"""What is done for one question, each of it once."""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder."""
    return Place(tmp_path)


async def drained(session: LashSession) -> TurnResult:
    """Run a queued turn as soon as the work is free."""
    for _ in range(1_000):
        result = await session.next_queued_turn()
        if result is not None:
            return result
        await asyncio.sleep(0.01)
    raise AssertionError


def questions(session: LashSession) -> list[str]:
    """What was asked in the conversation."""
    return [text for text in path_of(session) if text in {"Weather?", "And rain?", "Also this."}]


@pytest.mark.parametrize("dies_at", ["first model call", "second model call"])
@pytest.mark.parametrize("name", [None, "morning"])
def test_a_killed_queued_turn_goes_on_where_it_was(place: Place, dies_at: str, name: str | None) -> None:
    """SIGKILL in a model call: the work is still queued; run again at once, the question stands once in the history, and the queue is empty."""
    place.queue_lease_ms = LONG_MS

    def dies(request: LlmRequest) -> LlmResponse:
        later = "rain" in last_words(request)
        return die(request) if later == (dies_at == "second model call") else place.answer(request)

    async def first_run() -> None:
        async with place.session(dies) as session:
            await session.queue("Weather?")
            turn = session.next_queued_turn()
            await (turn.drain_id(name) if name else turn)

    async def second_run() -> tuple[str, list[str], int, int]:
        async with place.session() as session:
            result = await session.next_queued_turn().drain_id(name) if name else await drained(session)
            assert result is not None
            await session.queue("And rain?")
            await session.next_queued_turn()
            assert session.store is not None
            waiting = len(await session.store.list_queued_work("s"))
            return result.reply, questions(session), session.turn_index, waiting

    assert ended(forked(first_run)) == -signal.SIGKILL
    reply_told, asked, turn_index, waiting = asyncio.run(second_run())

    assert (reply_told, asked, turn_index, waiting) == ("Told: rain in Oslo", ["Weather?", "And rain?"], 2, 0)
    assert place.lines() == [*ASKED, "model: And rain?"]


def test_joined_work_that_came_later_does_not_change_the_turn_that_broke_off(place: Place) -> None:
    """It is gone on with as it was; what came since is the next turn."""

    def dies(request: LlmRequest) -> LlmResponse:
        return die(request) if "rain" in last_words(request) else place.answer(request)

    async def first_run() -> None:
        async with place.session(dies) as session:
            await session.queue("Weather?").slot_policy("join")
            await session.next_queued_turn()

    async def second_run() -> tuple[list[str], list[str]]:
        async with place.session() as session:
            await session.queue("And rain?").slot_policy("join")
            results = [await drained(session), await drained(session)]
            return [result.reply for result in results], questions(session)

    assert ended(forked(first_run)) == -signal.SIGKILL
    replies, asked = asyncio.run(second_run())

    assert replies == ["Told: rain in Oslo", "Told: And rain?"]
    assert asked == ["Weather?", "And rain?"]
    assert place.lines() == [*ASKED, "model: And rain?"]


async def broken_off(place: Place, *, name: str | None = None) -> None:
    """Run a queued turn that is cancelled from outside at its second model call; its work is free again."""
    turns: list[asyncio.Task[TurnResult | None]] = []

    def cancelling(request: LlmRequest) -> LlmResponse:
        if "rain" in last_words(request):
            turns[0].cancel()
        return place.answer(request)

    async with place.session(cancelling) as session:
        await session.queue("Weather?").slot_policy("join")
        turn = session.next_queued_turn()
        turns.append(asyncio.create_task((turn.drain_id(name) if name else turn).run()))
        await asyncio.wait(turns)
    assert turns[0].cancelled()


async def begun_together(place: Place) -> None:
    """Begin a turn of two inputs that is cancelled at its first model call, and take the second one out of the queue."""
    turns: list[asyncio.Task[TurnResult | None]] = []

    def cancelling(_: LlmRequest) -> LlmResponse:
        turns[0].cancel()
        return reply("too late")

    async with place.session(cancelling) as session:
        await session.queue("Weather?").slot_policy("join")
        second = await session.queue("Also this.").slot_policy("join")
        turns.append(asyncio.create_task(session.next_queued_turn().run()))
        await asyncio.wait(turns)
        await session.cancel_queued_work_batch(second.batch_id)


async def test_work_that_can_no_longer_be_had_as_it_was_begins_anew(place: Place) -> None:
    """Part of it was taken out of the queue: what is left is another question, which is asked under its own name, whatever was asked before."""
    for number in (1, 2):
        await begun_together(place)
        async with place.session() as session:
            result = await session.next_queued_turn()

            assert result is not None
            assert result.reply == "Told: rain in Oslo"
            assert await session.queued_work() == ()
            assert questions(session) == ["Weather?"] * number
        assert place.lines() == ASKED * number


def test_work_that_began_anew_and_broke_off_again_goes_on_where_it_was(place: Place) -> None:
    """Also then the question stands once in the history, and nothing is performed twice."""

    def dies(request: LlmRequest) -> LlmResponse:
        return die(request) if "rain" in last_words(request) else place.answer(request)

    async def first_run() -> None:
        await begun_together(place)
        async with place.session(dies) as session:
            await session.next_queued_turn()

    async def second_run() -> tuple[list[str], int]:
        async with place.session() as session:
            await session.queue("And rain?").slot_policy("join")
            await drained(session)
            return questions(session), len(await session.queued_work())

    assert ended(forked(first_run)) == -signal.SIGKILL
    asked, waiting = asyncio.run(second_run())

    assert (asked, waiting) == (["Weather?"], 1)
    assert place.lines() == ASKED


async def test_batches_that_are_named_are_exactly_those(place: Place) -> None:
    """Also where a run that broke off had more."""
    await broken_off(place)
    async with place.session() as session:
        [first] = await session.queued_work()
        second = await session.queue("And rain?").slot_policy("join")
        result = await session.next_queued_turn([first.batch_id, second.batch_id])

        assert result is not None
        assert (result.reply, path_of(session)[-2]) == ("Told: Weather?And rain?", "Weather?And rain?")
        assert await session.queued_work() == ()


async def test_a_named_drain_that_is_finished_has_the_same_result_again(place: Place) -> None:
    """Nothing is performed, what is queued stays, and the session stays as it was."""
    replies, ends = [], []
    for _ in range(3):
        async with place.session() as session:
            await session.queue("Weather?").id("w")
            result = await session.next_queued_turn().drain_id("morning")
            assert result is not None
            replies.append((result.reply, result.turn_index, result.turn_id, len(result.tool_calls)))
            ends.append((session.graph.leaf_node_id, len(session.graph.nodes), session.turn_index))

    assert replies == [("Told: rain in Oslo", 1, "morning", 1)] * 3
    assert len(set(ends)) == 1
    assert place.lines() == ASKED
    async with place.session() as session:
        assert len(await session.queued_work()) == 1
        assert await session.next_queued_turn().drain_id("evening") is not None


async def test_a_named_drain_is_not_gone_on_with_beside_another_turn_of_queued_work(place: Place) -> None:
    """The other one would be refused by the store, after everything was done; the drain goes on when that is over."""
    place.queue_lease_ms = LONG_MS
    beside: list[TurnResult | None] = []
    first = QueuedWorkBatchDraft(
        session_id="s",
        available_at_ms=2**62,
        delivery_policy="after_current_turn_commit",
        slot_policy="exclusive",
        payloads=(TurnInputPayload(input=TurnInput.text("And rain?")),),
    )

    async def asking_the_other(request: LlmRequest) -> LlmResponse:
        beside.append(await other.next_queued_turn().drain_id("morning"))
        return place.answer(request)

    async with place.session() as other, place.session(asking_the_other) as one:
        assert one.store is not None
        await one.store.enqueue_work(first)
        await broken_off(place, name="morning")
        [database] = (place.folder / "sessions").glob("*.db")
        with closing(sqlite3.connect(database)) as file, file:
            file.execute("UPDATE queued_work_batches SET available_at_ms = 0")
        assert await one.next_queued_turn() is not None
        again = await other.next_queued_turn().drain_id("morning")

        assert beside == [None]
        assert again is not None
        assert questions(other)[-2:] == ["And rain?", "Weather?"]


async def test_a_named_drain_whose_work_was_taken_out_of_the_queue_runs_nothing(place: Place) -> None:
    """Nobody wants it any more; another one's work is not taken in its place."""
    await broken_off(place, name="morning")
    async with place.session() as session:
        [batch] = await session.queued_work()
        await session.cancel_queued_work_batch(batch.batch_id)
        await session.queue("And rain?")
        asked = place.lines()
        assert await session.next_queued_turn().drain_id("morning") is None
        assert (place.lines(), len(await session.queued_work())) == (asked, 1)


@pytest.mark.parametrize(
    "scope", [QueueDrainScope(session_id="s", drain_id="d1"), TurnScope(session_id="s", turn_id="d1")]
)
async def test_a_scope_of_the_callers_names_the_drain(place: Place, scope: EffectScope) -> None:
    """As a step of a workflow that is run again; an operation, which may hold several drains, does not."""
    for _ in range(2):
        async with place.session() as session:
            given = session.effect_host().scoped(scope)
            await session.queue("Weather?").id("w")
            result = await session.next_queued_turn().effects(given)
            assert result is not None
            assert (result.turn_id, result.reply, session.turn_index) == ("d1", "Told: rain in Oslo", 1)
    assert place.lines() == ASKED
    async with place.session() as session:
        nightly = session.effect_host().scoped(RuntimeOperationScope(operation_id="nightly"))
        await session.queue("And rain?")
        results = [await session.next_queued_turn().effects(nightly) for _ in range(2)]
        assert [result is not None and result.turn_index for result in results] == [2, 3]


async def test_other_tools_than_those_of_the_first_run_are_refused_until_the_drain_has_another_name(
    place: Place,
) -> None:
    """What was performed would be performed again: a person has to say so; the work stays in the queue."""
    await broken_off(place)
    async with place.session() as session:
        await session.tools.set_availability("weather", "off")
        with pytest.raises(LashRuntimeError, match="queued work has one by its drain_id") as refused:
            await session.next_queued_turn()
        assert refused.value.code == "sqlite_effect_replay_hash_conflict"
        assert len(await session.queued_work()) == 1
        model = ScriptedProvider(["No tools here."])
        await session.configure(SessionConfigPatch(provider=model))
        result = await session.next_queued_turn().drain_id("anew")
        assert result is not None
        assert result.reply == "No tools here."


@pytest.mark.parametrize("says", ["{}", "[7]", '"x"'])
async def test_a_drain_whose_work_is_none(place: Place, says: str) -> None:
    """A fact that somebody damaged is an error that says so; the work stays in the queue."""
    await broken_off(place, name="morning")
    with closing(sqlite3.connect(place.folder / "effects.db")) as file, file:
        file.execute("UPDATE runtime_effect_replay SET outcome_json = ? WHERE replay_key = 's:morning:queued'", (says,))
    async with place.session() as session:
        with pytest.raises(RuntimeEffectControllerError, match="work of drain morning is no claim") as refused:
            await session.next_queued_turn().drain_id("morning")
        assert refused.value.code == "turn_facts"
        assert await session.next_queued_turn() is not None
