"""A turn that broke off and is run again under its id: nothing is performed twice, and the session is as if it had never broken off."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from lash_nb import LashCore, LashSession, ScriptedProvider, calls, open_store, reply, tool
from lash_nb.core import LashCoreBuilder
from lash_nb.effects import SqliteEffectHost
from lash_nb.errors import LashRuntimeError, RuntimeEffectControllerError
from lash_nb.runtime import TurnResult
from lash_nb.stores import InMemoryAttachmentStore, InMemoryLashlangArtifactStore, InMemorySessionStoreFactory
from lash_nb.wire import LlmRequest, LlmResponse
from tests.effects.processes import FORKING, ended, forked

pytestmark = pytest.mark.filterwarnings(FORKING)

Answer = Callable[[LlmRequest], LlmResponse | Awaitable[LlmResponse]]
LEASE_MS = 100


def last_words(request: LlmRequest) -> str:
    """What the last message of a request says."""
    block = request.messages[-1].blocks[-1]
    return block.Text.text if block.Text else block.ToolResult.content if block.ToolResult else ""


class Place:
    """A folder with sessions and effects, and a line for each thing that was done to the world.

    Attributes:
        done: The file of those lines.
        queue_lease_ms: How long queued work waits for a process that died.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.queue_lease_ms = LEASE_MS
        self.done = folder / "done.txt"

    def note(self, what: str) -> None:
        """Write down that something was done."""
        with self.done.open("a") as file:
            file.write(f"{what}\n")

    def lines(self) -> list[str]:
        """What was done."""
        return self.done.read_text().splitlines() if self.done.exists() else []

    def answer(self, request: LlmRequest) -> LlmResponse:
        """Look at the weather, then tell it."""
        said = last_words(request)
        self.note(f"model: {said}")
        return reply(f"Told: {said}") if "rain" in said else calls(("c1", "weather", {"city": "Oslo"}))

    def builder(self, host: SqliteEffectHost, answer: Answer | None = None) -> LashCoreBuilder:
        """A core on this folder."""

        @tool
        def weather(city: str) -> str:
            """The weather tool."""
            self.note(f"tool: {city}")
            return f"rain in {city}"

        builder = LashCore.standard().stored_in(self.folder).effect_host(host)
        builder = builder.provider(ScriptedProvider(answer or self.answer)).model("m").tools(weather)
        return builder.queue_lease_ms(self.queue_lease_ms)

    @asynccontextmanager
    async def session(self, answer: Answer | None = None) -> AsyncIterator[LashSession]:
        """The session of this folder, as a process opens it."""
        host = SqliteEffectHost(self.folder / "effects.db", lease_ttl_ms=LEASE_MS, busy_timeout_s=0.05)
        session = await self.builder(host, answer).build().session("s").open()
        try:
            yield session
        finally:
            await session.close()
            host.release()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder."""
    return Place(tmp_path)


def die(_: LlmRequest) -> LlmResponse:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def path_of(session: LashSession) -> list[str]:
    """What the conversation says."""
    return ["".join(part.content for part in message.parts) for message in session.read_view().messages]


@pytest.mark.parametrize("dies_at", ["first model call", "second model call"])
def test_a_killed_turn_goes_on_where_it_was(place: Place, dies_at: str) -> None:
    """SIGKILL in a model call: what was done before is not done again, the history has the turn once, and the next turn goes on from it."""

    def dies(request: LlmRequest) -> LlmResponse:
        return (
            die(request)
            if ("rain" in last_words(request)) == (dies_at == "second model call")
            else place.answer(request)
        )

    async def first_run() -> None:
        async with place.session(dies) as session:
            await session.turn("Weather?").turn_id("t1")

    async def second_run() -> tuple[str, list[str], int]:
        async with place.session() as session:
            told = (await session.turn("Weather?").turn_id("t1")).reply
            await session.turn("And rain?").turn_id("t2")
            return told, path_of(session), session.turn_index

    assert ended(forked(first_run)) == -signal.SIGKILL
    told, conversation, turn_index = asyncio.run(second_run())

    assert told == "Told: rain in Oslo"
    assert place.lines() == ["model: Weather?", "tool: Oslo", "model: rain in Oslo", "model: And rain?"]
    assert [text for text in conversation if text in {"Weather?", "And rain?"}] == ["Weather?", "And rain?"]
    assert turn_index == 2


async def test_a_turn_whose_outcome_could_not_be_recorded_is_run_again_in_the_same_session(place: Place) -> None:
    """The turn is aborted, because it could not be repeated later; run again, it performs only what is not recorded."""
    with closing(sqlite3.connect(place.folder / "effects.db", isolation_level=None)) as other:

        def locking(request: LlmRequest) -> LlmResponse:
            if "rain in" in last_words(request) and not other.in_transaction:
                other.execute("BEGIN IMMEDIATE")
            return place.answer(request)

        async with place.session(locking) as session:
            await session.turn("Hello, rain.").turn_id("t0")
            before = path_of(session)
            with pytest.raises(LashRuntimeError, match="is in use by another process") as aborted:
                await session.turn("Weather?").turn_id("t1")
            other.execute("ROLLBACK")
            place.note("again")
            told = await session.turn("Weather?").provider(ScriptedProvider(place.answer)).turn_id("t1")
            after = path_of(session)

    assert aborted.value.code == "sqlite_effect_replay_store"
    assert told.reply == "Told: rain in Oslo"
    assert place.lines()[-5:] == [
        "model: Weather?",
        "tool: Oslo",
        "model: rain in Oslo",
        "again",
        "model: rain in Oslo",
    ]
    assert after[: len(before)] == before
    assert after[len(before) :].count("Weather?") == 1
    assert session.turn_index == 2


async def test_what_the_first_run_left_stays_beside_the_path(place: Place) -> None:
    """Nothing is lost: the nodes of the run that broke off are in the graph, and the journal tells which effects were replayed."""
    await broken_off(place)
    async with place.session() as session:
        left = session.graph.nodes
        await session.turn("Weather?").turn_id("t1")

        assert set(left) < set(session.graph.nodes)
        assert {entry.envelope.kind for entry in session.effects if entry.origin == "replayed"} >= {
            "llm_call",
            "tool_call",
        }


async def broken_off(place: Place) -> None:
    """Run a turn that is cancelled from outside at its second model call, as by Ctrl-C."""
    turns: list[asyncio.Task[TurnResult]] = []

    def cancelling(request: LlmRequest) -> LlmResponse:
        if "rain" in last_words(request):
            turns[0].cancel()
        return place.answer(request)

    async with place.session(cancelling) as session:
        turns.append(asyncio.create_task(session.turn("Weather?").turn_id("t1").run()))
        await asyncio.wait(turns)
    assert turns[0].cancelled()


async def test_another_question_under_the_id_of_a_turn_that_broke_off_is_refused(place: Place) -> None:
    """The model is not asked, the session stays as it was, and the message says how to go on."""
    await broken_off(place)
    async with place.session() as session:
        before, asked = path_of(session), place.lines()
        with pytest.raises(LashRuntimeError, match="or under another turn id") as refused:
            await session.turn("And the tides?").turn_id("t1")

        assert refused.value.code == "sqlite_effect_replay_hash_conflict"
        assert (path_of(session), place.lines()) == (before, asked)
        assert (await session.turn("Only rain.").turn_id("t2")).reply == "Told: Only rain."


async def test_a_turn_after_which_another_one_began_begins_anew(place: Place) -> None:
    """What came after it is not taken off the path."""
    await broken_off(place)
    async with place.session() as session:
        await session.turn("Only rain.").turn_id("t2")
        before = path_of(session)
        await session.turn("Weather?").turn_id("t1")

        assert path_of(session)[: len(before)] == before
        assert session.turn_index == 3


@pytest.mark.parametrize("broke_off", [True, False])
async def test_a_script_of_turns_can_be_run_again_from_the_top(place: Place, broke_off: bool) -> None:
    """A finished turn has the same result again, whatever came after it: nothing is performed, and the session stays as it was."""
    if broke_off:
        await broken_off(place)
    replies, paths = [], []
    for _ in range(3):
        async with place.session() as session:
            for number, text in enumerate(["Weather?", "Only rain.", "And rain?"], 1):
                result = await session.turn(text).turn_id(f"t{number}")
                replies.append((result.reply, result.turn_index, len(result.tool_calls)))
            paths.append((session.graph.leaf_node_id, len(session.graph.nodes), session.turn_index))

    assert replies[:3] == replies[3:6] == replies[6:]
    assert replies[0] == ("Told: rain in Oslo", 1, 1)
    assert len(set(paths)) == 1
    assert place.lines().count("tool: Oslo") == 1
    assert place.lines()[-2:] == ["model: Only rain.", "model: And rain?"]
    assert open_store(place.folder)["s"].graph.leaf_node_id == paths[0][0]


async def test_another_question_under_the_id_of_a_finished_turn_is_refused(place: Place) -> None:
    """It is not asked, and the next turn goes on from where the session stands."""
    async with place.session() as session:
        await session.turn("Only rain.").turn_id("t1")
        before = path_of(session)
        with pytest.raises(LashRuntimeError, match="or under another turn id"):
            await session.turn("And the tides?").turn_id("t1")
        await session.turn("And rain?").turn_id("t2")

        assert path_of(session)[: len(before)] == before
        assert len(place.lines()) == 2


@pytest.mark.parametrize("killed", [True, False])
def test_work_that_a_turn_took_in_before_it_broke_off_is_not_delivered_twice(place: Place, killed: bool) -> None:
    """A checkpoint that is replayed brings its messages again, and holds the work that they came from: the queue is empty in the end."""

    def breaks(request: LlmRequest) -> LlmResponse:
        if "Rome" in str(request.messages[-1]):
            return die(request) if killed else cancel()
        return place.answer(request)

    turns: list[asyncio.Task[TurnResult]] = []

    def cancel() -> LlmResponse:
        turns[0].cancel()
        return reply("too late")

    async def first_run() -> None:
        async with place.session(breaks) as session:
            await session.control.injection.inject_turn_input("And Rome?")
            turns.append(asyncio.create_task(session.turn("Weather?").turn_id("t1").run()))
            await asyncio.wait(turns)

    async def second_run() -> tuple[list[str], int]:
        seen: list[str] = []

        def answer(request: LlmRequest) -> LlmResponse:
            seen.append(str(request.messages))
            return reply("Rain in both.")

        async with place.session(answer) as session:
            await session.turn("Weather?").turn_id("t1")
            store = session.store
            assert store is not None
            return seen, len(await store.list_queued_work("s"))

    if killed:
        assert ended(forked(first_run)) == -signal.SIGKILL
    else:
        asyncio.run(first_run())
    seen, waiting = asyncio.run(second_run())

    assert [request.count("And Rome?") for request in seen] == [1]
    assert waiting == 0


FACETS = {
    "attachment_store": lambda builder: builder.attachment_store(InMemoryAttachmentStore()),
    "artifact_store": lambda builder: builder.lashlang_artifact_store(InMemoryLashlangArtifactStore()),
    "session_store": lambda builder: builder,
}


@pytest.mark.parametrize("facet", FACETS)
async def test_a_durable_host_wants_durable_stores(place: Place, facet: str) -> None:
    """The first store that forgets with the process refuses the turn by its name; nothing is performed, and nothing is kept."""
    host = SqliteEffectHost(place.folder / "effects.db")
    builder = FACETS[facet](place.builder(host).store_factory(InMemorySessionStoreFactory()))
    session = await builder.build().session("s").open()
    with pytest.raises(LashRuntimeError, match=r"forgets with the process.*\.stored_in\(folder\)") as refused:
        await session.turn("Weather?")
    await session.close()
    host.release()

    assert refused.value.code == f"durable_store_required:{facet}"
    assert (session.graph.nodes, place.lines()) == ((), [])


@pytest.mark.parametrize("fact", ["begun", "finished"])
@pytest.mark.parametrize("says", ["{}", "[7]", '"x"', '{"turn_index":"a","leaf_node_id":[],"agent_frame_id":1}'])
async def test_a_turn_whose_beginning_or_end_is_none(place: Place, fact: str, says: str) -> None:
    """A fact that somebody damaged is an error that says so, and the session takes its next turn."""
    async with place.session() as session:
        await session.turn("hi").turn_id("t1").run()
        with closing(sqlite3.connect(place.folder / "effects.db")) as file, file:
            file.execute(
                "UPDATE runtime_effect_replay SET outcome_json = ? WHERE replay_key = ?", (says, f"s:t1:{fact}")
            )
        with pytest.raises(RuntimeEffectControllerError, match="turn t1 is no such fact") as refused:
            await session.turn("hi").turn_id("t1").run()
        result = await session.turn("again").turn_id("t2").run()

    assert (refused.value.code, result.is_success) == ("turn_facts", True)
