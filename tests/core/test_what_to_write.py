"""What is written as a newcomer would is told what to write instead."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from lash_nb.core import LashSession
from lash_nb.errors import CallerError
from lash_nb.providers import reply
from lash_nb.wire import AssistantProseDelta, EffectEntry, ToolCallActivityStarted, TurnActivity
from tests.runtime.desk import answers, open_session, settle, tool_then_answer, weather

ESCAPE = "\x1b[31m"


async def test_the_text_is_read_as_it_comes() -> None:
    """As the guide reads it: new text in the activity's event, then the result."""
    session = await open_session(answers("Clear sky."))
    stream = session.turn("hi").stream()
    heard = [item.event.text async for item in stream if isinstance(item.event, AssistantProseDelta)]
    result = await stream.result()

    assert ("".join(heard), result.reply) == ("Clear sky.", "Clear sky.")


def test_an_activity_is_printed_in_one_short_line() -> None:
    """Its type and the fields of its event, each cut where it is long; nothing in it gives a terminal orders."""
    said = TurnActivity(id="1", correlation_id="2", event=AssistantProseDelta(text=f"{ESCAPE}Hello\n"))
    called = TurnActivity(id="1", correlation_id="2", event=ToolCallActivityStarted(name="f", args={"a": "b" * 9_000}))

    assert str(said) == r"assistant_prose_delta: text='\x1b[31mHello\n'"
    assert str(called).startswith("tool_call_started: call_id=None, name='f', args={'a': 'bbb")
    assert len(str(called)) < 200


def test_an_activity_tells_where_its_text_is() -> None:
    """Who asks the activity for what its event has is sent there; to a program it has no such attribute."""
    said = TurnActivity(id="1", correlation_id="2", event=AssistantProseDelta(text="Hello"))

    with pytest.raises(AttributeError, match=r"no 'text'.* in activity\.event\.text"):
        said.text  # type: ignore[attr-defined]  # noqa: B018 - it is what is tried
    assert not hasattr(said, "_repr_html_")


ENVELOPE = r"an envelope belongs here, not {}: session\.stepper\.pending\.envelope"
COMMAND = r"a command belongs here, not {}: msgspec\.structs\.replace\(envelope\.command"


@pytest.mark.parametrize(
    ("edited", "words"),
    [
        (lambda entry: entry, ENVELOPE.format("EffectEntry")),
        (lambda _: {"city": "Rome"}, ENVELOPE.format("dict")),
        (lambda entry: entry.envelope.command, ENVELOPE.format("ToolCallCommand")),
        (lambda entry: entry.envelope.command.call, ENVELOPE.format("PreparedToolCall")),
        (lambda entry: replace(entry.envelope, command={"city": "Rome"}), COMMAND.format("dict")),
        (
            lambda entry: replace(entry.envelope, command=entry.envelope.command.call),
            COMMAND.format("PreparedToolCall"),
        ),
    ],
)
async def test_an_edit_is_an_envelope(edited: Callable[[Any], Any], words: str) -> None:
    """Anything else is refused with what belongs there; the effect goes on waiting."""
    session = await open_session(tool_then_answer, weather)
    await session.step("hi")
    pending = await session.step()

    with pytest.raises(CallerError, match=words):
        await session.stepper.step(edited(pending))

    assert session.stepper.pending == pending
    await session.continue_()


@pytest.mark.parametrize("given", [lambda entry: entry.envelope, lambda entry: entry, lambda _: reply("Hello.")])
async def test_an_answer_is_an_outcome_or_what_stands_for_one(given: Callable[[EffectEntry], Any]) -> None:
    """Another record of the wire is refused with what belongs there; the effect goes on waiting."""
    session = await open_session(answers("a"))
    pending = await session.step("hi")
    assert isinstance(pending, EffectEntry)

    with pytest.raises(CallerError, match=r"an outcome belongs here, not \w+: .* the reply as a text"):
        await session.inject(given(pending))

    assert session.stepper.pending == pending
    await session.continue_()


RESULT = r"it is of the TurnResult, which comes to who awaits it; write "


@pytest.mark.parametrize(
    ("forgot", "words"),
    [
        (lambda session: session.turn("hi").reply, rf"'TurnBuilder' .* 'reply': {RESULT}result = await session\.turn"),
        (lambda session: session.start("hi").reply, rf"'RunningTurn' .* 'reply': {RESULT}result = await turn"),
        (lambda session: session.next_queued_turn().usage, rf"{RESULT}result = await session\.next_queued_turn"),
        (lambda session: session.next_queued_turn().stream, r"'stream': write await .*\.stream_to\("),
        (lambda session: session.queue("hi").batch_id, r"QueuedWorkBatch.* write batch = await session\.queue"),
        (lambda session: session.turn("hi").rply, r"no attribute 'rply'$"),
    ],
)
async def test_who_forgot_to_await_is_told(forgot: Callable[[LashSession], Any], words: str) -> None:
    """A name of what awaiting gives says how that is written; any other name is what it is anywhere."""
    session = await open_session(answers("a"))

    with pytest.raises(AttributeError, match=words):
        forgot(session)

    await settle()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda session: session.turn("hi"), r"write `async for activity in session\.turn\(…\)\.stream\(\):`"),
        (lambda session: session.start("hi"), r"turn\.activities, .*turn\.subscribe"),
        (lambda session: session.next_queued_turn(), r"\.stream_to\("),
        (lambda session: session.queue("hi"), r"await session\.next_queued_turn\(\)"),
    ],
)
async def test_who_loops_over_what_is_awaited_is_told(make: Callable[[LashSession], Any], words: str) -> None:
    """The error says what is read instead."""
    session = await open_session(answers("a"))

    with pytest.raises(CallerError, match=words):
        [item async for item in make(session)]

    await settle()


async def test_what_is_not_awaited_yet_says_so() -> None:
    """What it is, that nothing was done, and what to write."""
    session = await open_session(answers("a"), stored=True)

    assert "not begun: await ….run(), or .stream()" in repr(session.turn("hi"))
    assert "not queued yet: await session.queue(…)" in repr(session.queue("hi"))
    assert "nothing left the queue: await session.next_queued_turn()" in repr(session.next_queued_turn())
    assert await session.queued_work() == ()


async def test_a_turn_that_runs_says_so_and_is_awaited() -> None:
    """While it runs, at its end, and where it was stopped."""
    gate = asyncio.Event()

    async def model(_: object) -> str:
        await gate.wait()
        return "a"

    session = await open_session(model)
    stopped = session.start("hi")
    await settle()
    assert repr(stopped).endswith(", runs: await ….wait() for its result, .activities so far>")
    stopped.abort()
    await stopped.settled()
    assert repr(stopped).endswith(", over without a result: see .error>")

    gate.set()
    turn = session.start("again")
    assert (await turn).reply == "a"
    assert repr(turn).endswith(", over: see .result>")
