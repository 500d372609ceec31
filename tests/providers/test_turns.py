"""Turns that a model over HTTP answers: what a session makes of what its provider says."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from lash_nb import LashCore, LashSession, tool
from lash_nb.clock import ManualClock
from lash_nb.errors import DirectCompletionError
from lash_nb.providers import LlmProvider, ScriptedProvider
from lash_nb.wire import LlmRequest, ModelLimits, ModelSpec, RetryStatusEvent, SessionEvent
from tests.providers.servers import Answer, Called, Dialect, ModelServer, Said, answered
from tests.runtime.desk import messages_of, texts
from tests.stores.material import png

MODEL = ModelSpec(id="gpt-test", limits=ModelLimits(context_window_tokens=100_000))
DONE = Said(text=("All ", "done."))


class City(BaseModel):
    """What the model is to fill."""

    name: str


async def open_session(provider: LlmProvider) -> tuple[LashSession, list[str]]:
    """A session with one tool, and what the tool was asked."""
    seen: list[str] = []

    @tool
    def look(what: str) -> str:
        """Look at something.

        Args:
            what: At what.
        """
        seen.append(what)
        return f"{what} is green"

    core = LashCore.standard().clock(ManualClock()).in_memory().provider(provider).model(MODEL).tools(look).build()
    return await core.session("demo").open(), seen


def look(id: str, what: str) -> Called:
    """A call of the tool."""
    return Called(id, "look", ('{"what": ', f'"{what}"', "}"))


async def test_a_turn_with_a_tool(dialect: Dialect) -> None:
    """The call is performed, its result goes back under its id, and the answer ends the turn."""
    calls = Said(thought=("hm",), text=("I look.",), calls=(look("c1", "grass"),), reason="tool_use")
    async with ModelServer([answered(dialect, calls), answered(dialect, DONE)]) as server:
        session, seen = await open_session(dialect.provider(server.url))
        result = await session.turn("What color?").run()

    assert (result.is_success, result.reply, seen) == (True, "All done.", ["grass"])
    assert b"grass is green" in server.asked[1].body
    assert b"c1" in server.asked[1].body
    assert result.usage.output_tokens == 14


@pytest.mark.parametrize("pieces", [("1", "10"), ("ha", "haha", " ha"), ("a", "a", "a"), ("b", "\n", "\n\nb")])
async def test_pieces_that_begin_alike_are_all_kept(dialect: Dialect, pieces: tuple[str, ...]) -> None:
    """A piece that begins with all that came before it is a piece like every other one."""
    async with ModelServer(answered(dialect, Said(text=pieces))) as server:
        session, _ = await open_session(dialect.provider(server.url))
        result = await session.turn("Count!").run()

    assert result.assistant_message() == "".join(pieces)


async def test_calls_with_one_id_are_both_performed(dialect: Dialect) -> None:
    """Each has a result of its own."""
    calls = Said(calls=(look("same", "grass"), look("same", "sky")), reason="tool_use")
    async with ModelServer([answered(dialect, calls), answered(dialect, DONE)]) as server:
        session, seen = await open_session(dialect.provider(server.url))
        result = await session.turn("What color?").run()

    assert (result.is_success, sorted(seen)) == (True, ["grass", "sky"])
    assert len({call.call_id for call in result.tool_calls}) == 2


async def test_a_call_that_was_cut_off_is_not_performed(dialect: Dialect) -> None:
    """The turn ends incomplete, and says within which call."""
    cut = Said(calls=(Called("c1", "look", ('{"what": "gra',)),), reason="output_limit")
    async with ModelServer(answered(dialect, cut)) as server:
        session, seen = await open_session(dialect.provider(server.url))
        result = await session.turn("What color?").run()

    assert (result.outcome.stopped, seen) == ("incomplete", [])
    assert "output limit within the call of look" in result.errors[0].message


async def test_a_picture_of_a_turn_is_sent(dialect: Dialect, tmp_path: Path) -> None:
    """Its bytes, from wherever they are stored."""
    picture = png(3, 2)
    async with ModelServer(answered(dialect, DONE)) as server:
        builder = LashCore.standard().stored_in(tmp_path).provider(dialect.provider(server.url)).model(MODEL)
        session = await builder.build().session("demo").open()
        await session.turn("Look!").image(picture).run()
        await session.close()

    assert dialect.pictures(server.asked[0]) == [("image/png", picture)]


async def test_a_failed_attempt_is_made_up_for(dialect: Dialect) -> None:
    """What was shown of it is not taken back; who listens is told that it is tried again."""
    stream = dialect.stream(Said(text=("Lost",)))
    begun = stream[: 1 + next(place for place, event in enumerate(stream) if b"Lost" in event)]
    told: list[SessionEvent] = []
    async with ModelServer([Answer(begun), answered(dialect, DONE)]) as server:
        session, _ = await open_session(dialect.provider(server.url))
        result = await session.turn("hi").collect_session_events_with(told.append)

    assert (result.is_success, result.reply, len(server.asked)) == (True, "LostAll done.", 2)
    assert [event.attempt for event in told if isinstance(event, RetryStatusEvent)] == [1]


async def test_an_answer_that_does_not_fit_the_schema_goes_back_once(dialect: Dialect) -> None:
    """The second one is taken when it fits."""
    answers = [answered(dialect, Said(text=(text,))) for text in ("Oslo, of course!", '{"name": "Oslo"}')]
    whole = [Answer.of_json(dialect.whole(Said(text=(text,)))) for text in ("Oslo, of course!", '{"name": "Oslo"}')]
    async with ModelServer(whole if dialect.answers_whole else answers) as server:
        session, _ = await open_session(dialect.provider(server.url))
        given = await session.direct("Which city?", output=City)

    assert given.value == City(name="Oslo")
    assert [b"Oslo, of course!" in asked.body for asked in server.asked] == [False, True]
    assert all(b'"name"' in asked.body for asked in server.asked)


async def test_an_answer_that_never_fits_is_an_error(dialect: Dialect) -> None:
    """It has the last answer."""
    said = Said(text=("Oslo!",))
    answer = Answer.of_json(dialect.whole(said)) if dialect.answers_whole else answered(dialect, said)
    async with ModelServer(answer) as server:
        session, _ = await open_session(dialect.provider(server.url))
        with pytest.raises(DirectCompletionError, match="no City") as raised:
            await session.direct("Which city?", output=City)

    assert (raised.value.answer, len(server.asked)) == ("Oslo!", 2)


async def by_run(session: LashSession) -> None:
    """Run a turn."""
    await session.turn("hi").run()


async def by_stream(session: LashSession) -> None:
    """Run a turn as a task of its own."""
    stream = session.turn("hi").stream()
    async for _ in stream:
        pass
    await stream.result()


async def by_step(session: LashSession) -> None:
    """Run a turn effect by effect."""
    await session.step("hi")
    await session.continue_()


async def by_direct(session: LashSession) -> None:
    """Ask without a turn."""
    await session.direct("hi")


@pytest.mark.parametrize("ask", [by_run, by_stream, by_step, by_direct])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)], ids=repr)
async def test_an_interrupt_within_a_provider_comes_out_as_what_it_is(
    ask: Callable[[LashSession], Awaitable[None]], error: BaseException
) -> None:
    """The loop runs on, and so does the session: nothing of the broken turn is left, and the next one answers."""
    said = iter([error])

    def answer(_: LlmRequest) -> str:
        for interrupt in said:
            raise interrupt
        return "Hello."

    session, _ = await open_session(ScriptedProvider(answer))
    with pytest.raises(type(error)):
        await ask(session)
    result = await session.turn("again").run()

    assert (result.is_success, result.reply) == (True, "Hello.")
    assert texts(messages_of(session.graph))[-2:] == ["again", "Hello."]
