"""One turn to come: what may be said of it, and the ways to run it."""

import asyncio
import gc
import os
import traceback
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from lash_nb.clock import CancellationToken
from lash_nb.core import LashSession, TurnStream
from lash_nb.errors import CallerError, LashRuntimeError
from lash_nb.providers import ScriptedProvider
from lash_nb.runtime import TurnResult
from lash_nb.wire import (
    AssistantProseDelta,
    DoneEvent,
    EffectEntry,
    ErrorActivity,
    ModelLimits,
    ModelSpec,
    Octets,
    PromptContribution,
    PromptLayer,
    TurnActivity,
    TurnInput,
    TurnOutcomeEvent,
    content_id,
    image_dimensions,
)
from tests.runtime.desk import answers, builder, messages_of, open_session, settle, texts, tool_then_answer, weather
from tests.stores.material import png


async def test_awaiting_a_turn_runs_it() -> None:
    """`await session.turn(…)` is `await session.turn(…).run()`."""
    session = await open_session(answers("a", "b"))
    assert (await session.turn("hi")).reply == "a"
    assert (await session.turn("hi").run()).reply == "b"


@pytest.mark.parametrize("wrong", [None, 5, b"x", ["a"]])
async def test_what_is_no_input_is_refused(wrong: object) -> None:
    """A turn that cannot begin says so before anything is kept; the session goes on."""
    session = await open_session(answers("a"))
    with pytest.raises(CallerError, match=f"not with {type(wrong).__name__}"):
        session.turn(wrong)  # type: ignore[arg-type]
    assert (await session.turn("hi")).reply == "a"


async def test_a_turn_that_is_not_run_does_nothing() -> None:
    """Building alone asks nobody and keeps nothing."""
    session = await open_session([])
    session.turn("hi").turn_id("t").image(png(1, 1))
    await settle()
    assert (session.graph.nodes, session.turn_index, len(session.attachments)) == ((), 0, 0)


async def test_the_result_tells_what_the_turn_was() -> None:
    """Ids, reply, calls, usage, duration and the stream stand in the result."""
    session = await open_session(tool_then_answer, weather)
    result = await session.turn("hi").turn_id("t7").run()
    assert (result.session_id, result.turn_id, result.turn_index) == ("demo", "t7", 1)
    assert (result.reply, result.assistant_message(), result.is_success) == (
        "The sky is clear.",
        "The sky is clear.",
        True,
    )
    assert (result.model_calls, [record.tool for record in result.tool_calls]) == (2, ["weather"])
    assert result.usage.total == 140 + 110 == result.total_usage().total
    assert result.duration_ms == 0
    assert (result.submitted_value(), result.tool_value(), result.errors) == (None, None, ())
    assert result.execution.had_tool_calls
    assert result.outcome.reason == "assistant_message"
    assert list(result.to_builtins()) == [
        "state",
        "outcome",
        "assistant_output",
        "usage",
        "children_usage",
        "tool_calls",
        "execution",
        "errors",
    ]


async def test_the_state_of_a_result_is_of_its_own_turn() -> None:
    """However late it is read, it tells of the session as it was then."""
    session = await open_session(answers("a", "b"))
    first = await session.turn("hi").run()
    graph = session.graph
    await session.turn("more").run()
    assert first.state.session_graph == graph
    assert (first.state.turn_index, first.state.token_usage) == (1, first.usage)


async def test_a_turn_has_an_id_of_its_own() -> None:
    """Without a given one it gets a fresh one."""
    session = await open_session(answers())
    ids = {(await session.turn("hi").run()).turn_id for _ in range(3)}
    assert len(ids) == 3


async def test_provider_and_model_may_differ_for_one_turn() -> None:
    """The next turn asks the session's own again."""
    other = ScriptedProvider(["other"], kind="other")
    session = await open_session(answers("own"))
    spec = ModelSpec(id="m2", limits=ModelLimits(context_window_tokens=9000))
    assert (await session.turn("hi").provider(other).model(spec).run()).reply == "other"
    assert other.requests[0].model == "m2"
    assert (await session.turn("hi").run()).reply == "own"
    assert session.policy_snapshot().model.id == "scripted-model"


async def test_a_turns_own_prompt_is_gone_with_it() -> None:
    """A contribution to one turn is not in the next one's prompt."""
    provider = ScriptedProvider(answers())
    session = await builder([]).provider(provider).build().session("demo").open()
    hint = PromptContribution(slot="guidance", title="For now", content="Rhyme, for once.")
    await session.turn("hi").prompt_contribution(hint).run()
    await session.turn("hi").prompt_layer(PromptLayer()).run()
    prompts = ["Rhyme, for once." in str(request.messages[0]) for request in provider.requests]
    assert prompts == [True, False]


async def test_pictures_stand_behind_what_is_there() -> None:
    """Text, then pictures in order; the model gets their bytes, the graph names them."""
    provider = ScriptedProvider(["I see."])
    session = await builder([]).provider(provider).build().session("demo").open()
    one, two = png(1, 1), png(2, 2)
    await session.turn("look").image(one, label="small").image(two).run()
    [message, _] = messages_of(session.graph)
    assert [part.kind for part in message.parts] == ["Text", "Image", "Image"]
    assert [bytes(item.data) for item in provider.requests[0].attachments] == [one, two]
    assert [row.ref.label for row in session.attachments] == ["small", "image-2"]


@pytest.mark.parametrize(("first", "second"), [("x", "x"), ("image-2", None)])
async def test_two_pictures_are_two_pictures_whatever_they_are_called(first: str, second: str | None) -> None:
    """A label that is taken replaces no picture."""
    session = await open_session(answers())
    one, two = png(1, 1), png(2, 2)
    await session.turn("look").image(one, label=first).image(two, label=second).run()
    assert [row.ref.id for row in session.attachments] == [content_id(one), content_id(two)]


def test_an_input_takes_no_picture_that_is_none() -> None:
    """In the same words, whichever way it comes."""
    with pytest.raises(
        CallerError, match="what was given, 4 bytes, is no PNG, JPEG, GIF, WebP or BMP picture"
    ) as refused:
        TurnInput.text("look").with_image("chart", b"junk")
    assert refused.value.code == "turn_image"


@pytest.mark.parametrize("data", ["chart.png", None, 5], ids=repr)
def test_an_input_takes_bytes_alone(data: Any) -> None:
    """What reads files and draws figures is named."""
    said = f"a picture is bytes here, not {type(data).__name__}; session.turn"
    with pytest.raises(CallerError, match=said) as refused:
        TurnInput.text("look").with_image("chart", data)
    assert refused.value.code == "turn_image"


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_an_input_takes_bytes_of_every_kind(kind: Callable[[bytes], Any]) -> None:
    """They become its own: what the caller writes into his afterwards changes nothing."""
    given = TurnInput.text("look").with_image("chart", kind(png(1, 1)))

    assert given == TurnInput.text("look").with_image("chart", png(1, 1))
    assert type(given.image_blobs["chart"]) is Octets


async def test_a_picture_that_is_given_twice_has_one_name(tmp_path: Path) -> None:
    """It is shown twice, and is not told of as if there were another one."""
    provider = ScriptedProvider(["I see."])
    session = await builder([]).provider(provider).build().session("demo").open()
    file = tmp_path / "shot.png"
    file.write_bytes(png(3, 2))

    result = await session.turn("look").image(file).image(file).run()

    assert [bytes(item.data) for item in provider.requests[0].attachments] == [png(3, 2)] * 2
    assert [picture.label for picture in result.pictures] == ["shot.png"] * 2


@pytest.mark.parametrize("given", [str, Path])
async def test_a_picture_is_read_from_its_file(given: Callable[[Path], object], tmp_path: Path) -> None:
    """A path is the file at it, never its own letters, and the file's name is the label."""
    provider = ScriptedProvider(["I see."])
    session = await builder([]).provider(provider).build().session("demo").open()
    file = tmp_path / "shot.png"
    file.write_bytes(png(3, 2))

    result = await session.turn("look").image(given(file)).run()

    assert [bytes(item.data) for item in provider.requests[0].attachments] == [png(3, 2)]
    assert [picture.id for picture in result.pictures] == [row.ref.id for row in session.attachments]
    assert [row.ref.label for row in session.attachments] == ["shot.png"]


async def test_a_figure_is_drawn() -> None:
    """One of matplotlib is a picture, as in what a tool returns."""
    provider = ScriptedProvider(["I see."])
    session = await builder([]).provider(provider).build().session("demo").open()

    await session.turn("look").image(Figure(figsize=(2, 1), dpi=50)).run()

    [sent] = provider.requests[0].attachments
    assert image_dimensions(bytes(sent.data)) == (100, 50)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (b"junk", "4 bytes, is no PNG, JPEG"),
        (b"", "0 bytes, is no PNG, JPEG"),
        ("note.txt", "'note.txt' is no PNG, JPEG"),
        (png(3, 2)[:-1], "is a png picture whose end is missing; make it anew"),
        (png(3, 2)[:-13] + b"?" + png(3, 2)[-12:], "is a png picture that is damaged inside; make it anew"),
        (
            png(8_001, 1),
            "is a picture of 8,001 × 1 pixels, and no provider takes a side of more than 8,000; make it smaller",
        ),
        (png(1, 1) + bytes(20_000_000), "bytes, and no provider takes more than 20,000,000; make it smaller"),
        (Path("none.png"), "'none.png' cannot be read: No such file"),
        (".", "cannot be read: Is a directory"),
        ("pipe", "'pipe' is no plain file but a pipe or a device, which may never end; give"),
        ("sparse.png", "'sparse.png' is a file of 50,000,000,000 bytes, and no provider takes a picture of more than"),
        ("/dev/zero", "is no plain file"),
        ("a\0b", r"cannot be read: .*embedded null (byte|character)"),
        ("~nobody-of-that-name/a.png", "cannot be read: "),
        (None, "not NoneType; write"),
        (5, "not int; write"),
        ([png(1, 1)], "not list; write"),
        (Figure(figsize=(100, 100), dpi=100), "what was given is a figure of 10,000"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_what_is_no_picture_is_refused(
    given: object, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the turn begins, with what to do; no model sees it, in this turn or a later one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.txt").write_text("BMW is a car, and no bitmap")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "sparse.png").touch()
    os.truncate(tmp_path / "sparse.png", 50 * 10**9)
    session = await open_session(answers("a"))
    turn = session.turn("look")

    with pytest.raises(CallerError, match=told) as refused:
        turn.image(given)

    assert refused.value.code == "turn_image"
    assert (await turn.run()).reply == "a"
    assert list(session.attachments) == []


async def test_a_stream_tells_what_happens_as_it_happens() -> None:
    """Activities come while the turn runs, and are those of the result."""
    gate = asyncio.Event()

    async def model(_: object) -> str:
        await gate.wait()
        return "Clear sky."

    session = await open_session(model)
    stream = session.turn("hi").stream()
    heard: list[TurnActivity] = []
    async for activity in stream:
        heard.append(activity)
        gate.set()  # the model answers only after the first activity was seen
    result = await stream.result()
    assert tuple(heard) == result.activities
    prose = [item.event.text for item in heard if isinstance(item.event, AssistantProseDelta)]
    assert "".join(prose) == "Clear sky."
    assert len({item.correlation_id for item in heard if isinstance(item.event, AssistantProseDelta)}) == 1


async def test_a_stream_of_a_turn_that_raises_does_so_at_its_end() -> None:
    """Who only listens hears of the error, again and again; so does who asks for the result, and each has an error of its own."""
    session = await open_session([])
    stream = session.turn("hi").turn_id(" ").stream()
    raised: list[LashRuntimeError] = []
    for _ in range(2):
        with pytest.raises(LashRuntimeError) as listening:
            await anext(stream)
        raised.append(listening.value)
    with pytest.raises(LashRuntimeError) as asking:
        await stream.result()
    assert len({id(error) for error in (*raised, asking.value)}) == 3
    assert {error.code for error in raised} == {asking.value.code}
    assert await stream.next_activity() is None


async def test_a_stream_of_a_turn_without_success_ends_as_any_other() -> None:
    """An outcome is no error: `result` would not raise it either."""
    session = await open_session([])  # its model has no answer
    stream = session.turn("hi").stream()
    assert [type(item.event) for item in [item async for item in stream]][-1] is ErrorActivity
    assert not (await stream.result()).is_success


def gated() -> tuple[asyncio.Event, Callable[[object], Awaitable[str]]]:
    """What lets a model answer, and the model."""
    gate = asyncio.Event()

    async def model(_: object) -> str:
        await gate.wait()
        return "ok"

    return gate, model


async def test_a_stream_that_nobody_reads_begins_no_turn() -> None:
    """It says what to write; reading, asking for the result, or entering it begins the turn, once."""
    session = await open_session(answers("a", "b", "c"))
    stream = session.turn("hi").stream()
    await settle()
    assert (session.turn_index, repr(stream)) == (
        0,
        "TurnStream(not begun: write `async for activity in session.turn(…).stream():`)",
    )
    assert await anext(stream) is not None
    assert repr(stream) == "TurnStream(running)"
    assert ((await stream.result()).reply, repr(stream)) == ("a", "TurnStream(over)")
    assert (await session.turn("hi").stream().result()).reply == "b"
    async with session.turn("hi").stream() as entered:
        await settle()
        assert session.turn_index == 3
        assert (await entered.result()).reply == "c"


def test_a_stream_tells_its_result_after_its_loop_was_closed() -> None:
    """A turn that is over is waited for by nobody, so that another event loop has its result, and ends a loop over it."""

    async def told() -> TurnStream:
        stream = (await open_session(answers("a"))).turn("hi").stream()
        await stream.result()
        return stream

    async def asked(stream: TurnStream) -> tuple[str, bool]:
        return (await stream.result()).reply, len([activity async for activity in stream]) > 0

    assert asyncio.run(asked(asyncio.run(told()))) == ("a", True)


async def test_a_dropped_stream_does_not_drop_the_turn() -> None:
    """The turn goes on to its end when whoever read a part of it one by one does not hold the stream any more."""
    gate, model = gated()
    session = await open_session(model)
    assert await session.turn("hi").stream().next_activity() is not None
    gc.collect()
    await settle()
    gate.set()
    await settle()
    assert texts(messages_of(session.graph)) == ["hi", "ok"]


async def leave_by_break(session: LashSession) -> None:
    """Leave the loop over a stream at its first activity."""
    async for _ in session.turn("hi").stream():
        break


async def leave_by_error(session: LashSession) -> None:
    """The same, by an error in the loop."""

    async def read() -> None:
        async for _ in session.turn("hi").stream():
            raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        await read()


async def leave_by_closing(session: LashSession) -> None:
    """The same, by the end of a block."""
    async with session.turn("hi").stream() as stream:
        assert await anext(stream) is not None


async def leave_by_limit(session: LashSession) -> None:
    """The same, by a time limit."""
    stream = session.turn("hi").stream()

    async def read() -> None:
        async for _ in stream:
            pass

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(read(), 0.02)
    assert (await stream.result()).outcome.reason == "cancelled"


@pytest.mark.parametrize("leave", [leave_by_break, leave_by_error, leave_by_closing, leave_by_limit])
async def test_who_leaves_a_stream_ends_its_turn(leave: Callable[[LashSession], Awaitable[None]]) -> None:
    """It is cancelled and kept, and the next turn does not wait for its model, which would never answer."""
    gate, model = gated()
    session = await open_session(model)
    await leave(session)
    following = asyncio.ensure_future(session.turn("next").run())
    await settle()
    await settle()
    assert session.last_result is not None
    assert session.last_result.outcome.reason == "cancelled"
    gate.set()
    assert (await following).reply == "ok"
    assert texts(messages_of(session.graph)) == ["hi", "next", "ok"]


async def await_it(session: LashSession) -> None:
    """Wait for a turn."""
    await session.turn("hi")


async def loop_over_it(session: LashSession) -> None:
    """Read a turn."""
    async for _ in session.turn("hi").stream():
        pass


async def wait_beside_it(session: LashSession) -> None:
    """Wait for a turn that was started."""
    await session.start("hi")


@pytest.mark.parametrize("wait", [await_it, loop_over_it, wait_beside_it])
async def test_a_time_limit_does_not_tell_where_a_turn_was(wait: Callable[[LashSession], Awaitable[None]]) -> None:
    """What cancels who waits for a turn is shown there, and not with tens of lines from inside: no line of ours but where it was awaited."""
    _, model = gated()
    session = await open_session(model)
    task = asyncio.ensure_future(wait(session))
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as told:
        await task

    ours = [
        frame for frame in traceback.extract_tb(told.value.__traceback__) if "lash_nb" in Path(frame.filename).parts
    ]
    assert len(ours) <= 1
    await session.close()


async def test_a_turn_that_is_left_is_over_before_it_is_stepped_behind() -> None:
    """In the same cell: the next one begins a moment later, and is not refused."""
    gate, model = gated()
    session = await open_session(model)
    await leave_by_break(session)
    assert isinstance(await session.step("next"), EffectEntry)
    gate.set()
    assert isinstance(await session.continue_(), TurnResult)


async def test_who_leaves_a_stream_ends_no_other_turn() -> None:
    """Turns of one builder, and those that share its token, are other turns."""
    token = CancellationToken()
    session = await open_session(answers("a", "b"))
    turn = session.turn("hi").cancel(token)
    async for _ in turn.stream():
        break
    assert (await turn.run()).is_success
    assert not token.cancelled


async def test_a_stream_is_read_in_part_and_its_turn_goes_on() -> None:
    """One by one nothing is left: what was not read yet waits."""
    session = await open_session(tool_then_answer, weather)
    stream = session.turn("hi").stream()
    first = await anext(stream)
    result = await stream.result()
    assert (first, *[activity async for activity in stream]) == result.activities
    assert result.is_success
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def test_a_listener_that_loops_over_its_own_stream_does_not_end_the_turn() -> None:
    """It is refused, as if it read one by one."""
    reports: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reports.append(report["exception"]))

    async def loops(_: TurnActivity) -> None:
        async for _ in stream:
            pass

    session = await open_session(answers("a"))
    stream = session.turn("hi").watched_by(loops).stream()
    assert (await asyncio.wait_for(stream.result(), 5)).reply == "a"
    assert {getattr(report, "code", "") for report in reports} == {"turn_inside_turn"}


def interrupted(_: object) -> str:
    """A model whose call ends with an interrupt."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("way", ["read", "left", "dropped", "closed"])
@pytest.mark.parametrize("fails", [False, True])
def test_a_loop_has_nothing_to_complain_of_after_a_stream(way: str, *, fails: bool) -> None:
    """Neither of an error that nobody asked for, nor of tasks that were lost; the stepper knows how the turn ended."""
    complaints: list[object] = []

    async def stream() -> LashSession:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told["message"]))
        session = await open_session(interrupted if fails else tool_then_answer, weather)
        stream = session.turn("hi").stream()
        if way == "read":
            with pytest.raises(KeyboardInterrupt) if fails else nullcontext():
                assert [activity async for activity in stream]
        if way == "left":
            async for _ in stream:
                break
        if way in ("dropped", "closed"):
            await stream.__aenter__()
        del stream
        if way != "closed":
            gc.collect()
            await until_idle()
        return session

    session = asyncio.run(stream())
    gc.collect()
    assert complaints == []
    if way == "closed":
        assert isinstance(session.stepper.error, asyncio.CancelledError)
    elif fails and way != "left":
        assert isinstance(session.stepper.error, KeyboardInterrupt)
    else:
        assert session.stepper.result is not None


async def until_idle() -> None:
    """Wait until nothing else runs on the loop."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)


async def test_a_result_may_be_waited_for_more_than_once_and_given_up() -> None:
    """Cancelling one who waits leaves the turn and the others alone."""
    gate = asyncio.Event()

    async def model(_: object) -> str:
        await gate.wait()
        return "ok"

    session = await open_session(model)
    stream = session.turn("hi").stream()
    impatient = asyncio.ensure_future(stream.result())
    await settle()
    impatient.cancel()
    await settle()
    gate.set()
    assert (await stream.result()).reply == "ok"
    assert await stream.result() is await stream.result()


async def test_sinks_hear_both_streams() -> None:
    """`stream_to` hears activities, `collect_session_events_with` raw events, `watched_by` adds a listener."""
    session = await open_session(answers("a", "b"))
    activities: list[TurnActivity] = []
    also: list[TurnActivity] = []
    result = await session.turn("hi").watched_by(also.append).stream_to(activities.append)
    assert tuple(activities) == tuple(also) == result.activities
    events: list[object] = []
    await session.turn("hi").collect_session_events_with(events.append)
    assert [type(event) for event in events[-2:]] == [TurnOutcomeEvent, DoneEvent]


async def test_a_listener_that_raises_does_not_stop_the_turn() -> None:
    """The turn ends well, and the loop's handler hears of the failure."""
    reports: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reports.append(report["exception"]))

    def broken(_: TurnActivity) -> None:
        raise ZeroDivisionError

    session = await open_session(answers("a"))
    result = await session.turn("hi").stream_to(broken)
    assert result.reply == "a"
    assert {type(report) for report in reports} == {ZeroDivisionError}


async def test_listeners_that_are_coroutine_functions_are_awaited_in_order() -> None:
    """Each is heard to its end before the next begins, while the turn runs, and the turn is not over before them."""
    heard: list[object] = []
    gate = asyncio.Event()

    async def model(_: object) -> str:
        await gate.wait()  # it answers when the first activity was awaited
        return "a b"

    async def slow(item: object) -> None:
        heard.append(("begins", item))
        await settle()
        heard.append(("ends", item))
        gate.set()

    session = await open_session(model)
    result = await asyncio.wait_for(session.turn("hi").stream_to(slow), 5)
    assert heard == [(what, item) for item in result.activities for what in ("begins", "ends")]
    events: list[object] = []

    async def late(event: object) -> None:
        await asyncio.sleep(0)
        events.append(event)

    await session.turn("hi").collect_session_events_with(late)
    assert [type(event) for event in events[-2:]] == [TurnOutcomeEvent, DoneEvent]
    assert (await session.start(session.turn("hi").watched_by(late)).wait()).activities[-1] is events[-1]


@pytest.mark.parametrize("error", [ZeroDivisionError(), asyncio.CancelledError()], ids=repr)
async def test_an_awaited_listener_that_raises_does_not_stop_the_turn(error: BaseException) -> None:
    """As one that is only called."""
    reports: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reports.append(report["exception"]))

    async def broken(_: TurnActivity) -> None:
        raise error

    session = await open_session(answers("a"))
    result = await session.turn("hi").stream_to(broken)
    assert (result.reply, reports) == ("a", [error] * len(result.activities))


async def test_an_awaited_listener_cannot_wait_for_the_next_turn() -> None:
    """The present one waits for it, so that both would wait for ever: it is told so."""
    reports: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reports.append(report["exception"]))

    async def again(_: TurnActivity) -> None:
        await session.turn("more")

    session = await open_session(answers("a"))
    await asyncio.wait_for(session.turn("hi").stream_to(again), 5)
    assert {getattr(report, "code", "") for report in reports} == {"turn_inside_turn"}


async def test_an_aborted_turn_does_not_wait_for_its_listeners() -> None:
    """One that never returns is broken off with it, and the session takes the next turn."""
    left: list[str] = []

    async def stuck(_: TurnActivity) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            left.append("left")

    session = await open_session(answers("a", "b"))
    turn = session.start(session.turn("hi").watched_by(stuck))
    await settle()
    assert not turn.done
    turn.abort()
    await asyncio.wait_for(turn.settled(), 5)
    assert left == ["left"]
    assert (await session.turn("hi")).is_success


async def test_a_turn_may_be_given_as_a_value() -> None:
    """A whole input keeps its own turn id, and an empty one asks with an empty text."""
    session = await open_session(answers("a", "b"))
    whole = TurnInput(items=TurnInput.text("hi").items, trace_turn_id="given")
    assert (await session.turn(whole).run()).turn_id == "given"
    await session.turn(TurnInput(items=())).run()
    assert texts(messages_of(session.graph)) == ["hi", "a", "", "b"]


async def test_one_token_may_cancel_many_turns() -> None:
    """Turns that share a token are cancelled together."""
    token = CancellationToken()

    async def model(_: object) -> None:
        await asyncio.Event().wait()

    one, two = await open_session(model), await open_session(model)
    turns = [one.start(one.turn("hi").cancel(token)), two.start(two.turn("hi").cancel(token))]
    await settle()
    token.cancel()
    assert [(await turn.wait()).outcome.stopped for turn in turns] == ["cancelled", "cancelled"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [(list, "are waited for: write `async for .*`"), (asyncio.wait_for, "not awaited: write `async for")],
)
async def test_a_stream_asks_for_an_async_loop(wrong: Callable[..., Any], words: str) -> None:
    """The error of a plain one, and of an `await`, says what to write; nothing has begun."""
    session = await open_session(answers("a"))
    stream: Any = session.turn("hi").stream()

    with pytest.raises(CallerError, match=words):
        await wrong(*((stream,) if wrong is list else (stream, 5)))

    assert (session.turn_index, (await stream.result()).reply) == (0, "a")


@pytest.mark.skipif(not Path("/proc/self/pagemap").exists(), reason="files that say they are empty are Linux's")
async def test_of_a_file_no_more_is_read_than_it_says_to_hold() -> None:
    """A file of the system that says it is empty is no picture, however much could be read from it."""
    session = await open_session(answers("a"))
    with pytest.raises(CallerError, match="no PNG"):
        session.turn("hi").image("/proc/self/pagemap")
