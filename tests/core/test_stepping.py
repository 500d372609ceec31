"""A turn, one effect at a time."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lash_nb.clock import ManualClock
from lash_nb.core import LashSession
from lash_nb.errors import CallerError, RuntimeEffectControllerError, WireError
from lash_nb.plugins import tool, tool_failure
from lash_nb.providers import call
from lash_nb.runtime import TurnResult
from lash_nb.wire import (
    EffectEntry,
    LlmOutcome,
    PreparedToolCall,
    ToolCallCommand,
    ToolFailed,
    ToolOutcome,
    llm_reply,
    to_builtins,
)
from tests.runtime.desk import answers, messages_of, open_session, settle, texts, tool_then_answer, weather


def kind(stop: EffectEntry | TurnResult | None) -> str:
    """What waits, or how the turn ended."""
    if isinstance(stop, EffectEntry):
        return stop.envelope.kind
    return "nothing" if stop is None else stop.outcome.reason


def statuses(session: LashSession) -> list[tuple[str, str, str | None]]:
    """The effects that are no bookkeeping, with status and origin."""
    return [
        (entry.envelope.kind, entry.status, entry.origin)
        for entry in session.effects
        if entry.envelope.kind in ("llm_call", "tool_call")
    ]


async def test_a_turn_stops_before_each_call_of_the_world() -> None:
    """Model, tool, model, then the result."""
    session = await open_session(tool_then_answer, weather)
    stops = [await session.step("hi"), await session.step(), await session.step(), await session.step()]
    assert [kind(stop) for stop in stops] == ["llm_call", "tool_call", "llm_call", "assistant_message"]
    assert session.stepper.state == "finished"
    assert session.stepper.result is stops[-1]
    assert (await session.turn("again").run()).is_success  # the next turn is not stepped


async def test_the_effects_of_the_turn_that_runs_are_those_behind_the_turns_that_are_over() -> None:
    """Also before it has any, and behind a turn that gave no result."""
    session = await open_session(["a", "b", "c"])
    assert session.stepper.first_order == 1

    await session.turn("hi")
    assert session.stepper.first_order == len(session.effects) + 1

    await session.step("again")
    running, waiting = session.stepper.running, session.stepper.pending
    assert running is not None
    assert waiting is not None
    assert session.stepper.first_order <= session.effects[-1].order < waiting.order
    running.abort()
    await running.settled()
    assert session.stepper.first_order == len(session.effects) + 1


async def test_what_waits_is_shown_last_in_the_journal() -> None:
    """The pending entry has the number that it will have, and has not begun."""
    session = await open_session(tool_then_answer, weather)
    stop = await session.step("hi")
    stepper = session.stepper
    assert (stepper.state, stepper.pending, list(stepper.entries)[-1]) == ("paused", stop, stop)
    assert isinstance(stop, EffectEntry)
    assert (stop.status, stop.order, len(session.effects)) == ("pending", 2, 1)
    await session.step()
    assert session.effects[1].envelope == stop.envelope
    assert session.effects[1].order == stop.order


async def test_the_conversation_can_be_seen_while_the_turn_waits() -> None:
    """What the model knows at this moment, the running turn included."""
    session = await open_session(tool_then_answer, weather)
    await session.step("hi")
    assert texts(session.stepper.conversation()) == ["hi"]
    await session.step()
    assert len(session.stepper.conversation()) == 2
    await session.continue_()
    assert texts(session.stepper.conversation())[-1] == "The sky is clear."


async def test_the_schema_of_a_tool_can_be_asked_for() -> None:
    """A form for its arguments needs no more."""
    session = await open_session([], weather)
    schema = session.stepper.tool_schema("weather")
    assert schema is not None
    assert list(schema["properties"]) == ["city"]
    assert session.stepper.tool_schema("oracle") is None


async def test_continue_runs_to_the_end_or_to_a_kind() -> None:
    """`continue_(to=…)` stops before that kind, also one that stepping passes."""
    session = await open_session(tool_then_answer, weather)
    await session.step("hi")
    assert kind(await session.continue_(to="tool_call")) == "tool_call"
    assert kind(await session.continue_(to="checkpoint")) == "checkpoint"
    assert kind(await session.continue_()) == "assistant_message"


async def test_the_time_that_effects_waited_for_a_decision_is_counted_apart() -> None:
    """Of this turn alone, and the time of a model that is slow is work; one that nobody stopped did not wait."""
    clock = ManualClock()

    async def model(request: Any) -> Any:
        clock.advance(0.5)
        return tool_then_answer(request)

    session = await open_session(model, weather, clock=clock)
    for waited_s in (3.0, 4.0):
        await session.step("hi")
        clock.advance(waited_s)
        await session.step()
        clock.advance(0.25)
        result = await session.continue_()
        assert isinstance(result, TurnResult)
        assert (result.waited_ms, result.duration_ms) == ((waited_s + 0.25) * 1000, (waited_s + 1.25) * 1000)

    assert (await session.turn("again").run()).waited_ms == 0


async def test_continue_without_a_turn_is_refused() -> None:
    """The error says how to begin; an unknown kind is refused and changes nothing."""
    session = await open_session(answers())
    with pytest.raises(CallerError, match="begin one with step") as error:
        await session.continue_()
    assert error.value.code == "step_nothing_pending"
    await session.step("hi")
    with pytest.raises(CallerError) as unknown:
        await session.continue_(to="tool")
    assert unknown.value.code == "step_unknown_kind"
    assert session.stepper.state == "paused"
    await session.continue_()


async def test_stops_can_be_chosen() -> None:
    """Effects that are not chosen pass."""
    session = await open_session(tool_then_answer, weather)
    session.stepper.stop_at = frozenset({"tool_call"})
    assert kind(await session.step("hi")) == "tool_call"
    assert kind(await session.step()) == "assistant_message"


async def test_step_before_a_prompt_makes_the_next_turn_stop() -> None:
    """Armed, a turn that is started stops; the same calls step through it."""
    session = await open_session(tool_then_answer, weather)
    assert await session.step() is None
    assert session.stepper.armed
    session.start("hi")
    assert [kind(await session.stepper.stopped()), kind(await session.step())] == ["llm_call", "tool_call"]
    assert kind(await session.continue_()) == "assistant_message"
    assert not session.stepper.armed


async def test_a_second_turn_that_is_armed_is_stepped_through_too() -> None:
    """What an earlier stepped turn gave does not stand in for the present one."""
    session = await open_session(tool_then_answer, weather)
    await session.step("first")
    first = await session.continue_()
    await session.step()
    session.start("second")
    assert kind(await session.stepper.stopped()) == "llm_call"
    second = await session.continue_()
    assert isinstance(second, TurnResult)
    assert second is not first
    assert second.turn_index == 2


async def test_a_turn_that_was_started_while_another_is_stepped_through_is_left_alone() -> None:
    """It begins when the stepped one is over, and so is step mode."""
    session = await open_session(tool_then_answer, weather)
    await session.step("first")
    first = session.stepper.running
    second = session.start("second")
    assert first is not None
    await session.continue_("tool_call")
    assert kind(session.stepper.pending) == "tool_call"
    session.stepper.subscribe(lambda: stops.append(first.done and session.stepper.state == "paused"))
    stops: list[bool] = []
    await session.continue_()
    assert (await asyncio.wait_for(second.wait(), 2)).is_success
    assert (first.done, any(stops), session.stepper.armed) == (True, False, False)


async def test_a_turn_that_is_given_up_behind_a_stepped_one_leaves_that_in_step_mode() -> None:
    """It never ran, and ended nothing."""
    session = await open_session(tool_then_answer, weather)
    await session.step("first")
    waiting = session.start("second")
    await settle()
    waiting.abort()
    await waiting.settled()
    await settle()
    assert (kind(session.stepper.pending), session.stepper.armed) == ("llm_call", True)
    session.stepper.disarm()
    await session.close()


async def test_a_running_turn_can_be_paused() -> None:
    """It stops before its next effect; the other turns are left alone."""
    gate = asyncio.Event()

    async def model(request: Any) -> Any:
        await gate.wait()
        return tool_then_answer(request)

    session = await open_session(model, weather)
    session.start("hi")
    await settle()
    session.stepper.pause()
    gate.set()
    assert kind(await session.stepper.stopped()) == "tool_call"
    assert kind(await session.continue_()) == "assistant_message"
    assert (await session.turn("again").run()).is_success


async def test_an_awaited_turn_that_was_paused_is_stepped_through() -> None:
    """By others than whoever awaits it; both learn how it ends, and an earlier stepped turn does not stand in for it."""
    session = await open_session(tool_then_answer, weather)
    await session.step("first")
    first = await session.continue_()

    session.stepper.pause()
    awaited = asyncio.ensure_future(session.turn("second").run())
    await settle()
    assert [kind(session.stepper.pending), kind(await session.step())] == ["llm_call", "tool_call"]
    second = await session.continue_()

    assert second is await awaited
    assert second is session.stepper.result
    assert second is not first
    assert session.stepper.state == "finished"


async def test_an_awaited_turn_can_be_paused_while_it_runs() -> None:
    """As one that was started: asked to go on before it has stopped, it is waited for."""
    gate = asyncio.Event()

    async def model(request: Any) -> Any:
        await gate.wait()
        return tool_then_answer(request)

    session = await open_session(model, weather)
    awaited = asyncio.ensure_future(session.turn("hi").run())
    await settle()
    assert session.stepper.state == "running"
    session.stepper.pause()
    gate.set()
    assert kind(await session.step()) == "tool_call"
    assert await session.continue_() is await awaited
    assert (await session.turn("again").run()).is_success


async def test_one_of_two_awaited_turns_is_followed_after_the_other() -> None:
    """The second waits for the first, and can be paused when its time has come."""
    gate = asyncio.Event()

    async def model(request: Any) -> Any:
        if session.stepper.state == "finished":
            await gate.wait()
        return tool_then_answer(request)

    session = await open_session(model, weather)
    session.stepper.pause()
    first = asyncio.ensure_future(session.turn("first").run())
    second = asyncio.ensure_future(session.turn("second").run())
    await settle()
    assert await session.continue_() is await first
    session.stepper.pause()
    gate.set()
    assert kind(await session.stepper.stopped()) == "tool_call"
    assert await session.continue_() is await second


@pytest.mark.parametrize("way", ["fail", "cancel", "give up"])
async def test_who_steps_through_an_awaited_turn_learns_how_it_ends(way: str) -> None:
    """Whatever comes of the turn, nobody waits for ever."""
    session = await open_session(tool_then_answer, weather)
    session.stepper.pause()
    awaited = asyncio.ensure_future(session.turn("hi").run())
    await settle()
    if way == "fail":
        assert await session.stepper.fail("no_host", "gone") is await awaited
    elif way == "cancel":
        assert await session.stepper.cancel() is await awaited
    else:
        stepped = asyncio.ensure_future(session.stepper.continue_(to="exec_code"))
        awaited.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stepped
    assert session.stepper.state == "finished"


async def test_whoever_watches_the_stepper_is_told_that_an_awaited_turn_is_over() -> None:
    """A page would show it as running for ever."""
    session = await open_session(answers("a"))
    states: list[str] = []
    session.stepper.subscribe(lambda: states.append(session.stepper.state))
    await session.turn("hi").run()
    await settle()
    assert states[-1] == "finished"


async def test_a_turn_that_is_refused_within_another_is_not_followed() -> None:
    """A tool that awaits a turn of its own session is refused; the stepped turn goes on."""

    @tool
    async def ask() -> str:
        """Ask the session itself."""
        try:
            await session.turn("inside").run()
        except CallerError as error:
            return error.code or ""
        return "ran"

    session = await open_session([call("ask"), "done"], ask)
    await session.step("hi")
    session.stepper.disarm()
    result = await session.stepper.stopped()
    assert isinstance(result, TurnResult)
    assert (result.reply, session.stepper.result) == ("done", result)
    assert "turn_inside_turn" in str(result.tool_calls)


@pytest.mark.parametrize("begin", ["awaited", "started"])
async def test_who_a_turn_waits_for_cannot_step_through_it(begin: str) -> None:
    """Both would wait for ever; the tool is told, and the turn goes on."""

    @tool
    async def ask() -> str:
        """Step through the turn that waits for this."""
        try:
            await session.step()
        except CallerError as error:
            return error.code or ""
        return "stepped"

    session = await open_session([call("ask"), "done"], ask)
    turn = session.turn("hi")
    result = await asyncio.wait_for(turn.run() if begin == "awaited" else session.start(turn).wait(), 10)
    assert result.reply == "done"
    assert "turn_inside_turn" in str(result.tool_calls)


async def test_a_second_turn_waits_for_the_stepped_one() -> None:
    """Beginning another one is refused; nothing is lost."""
    session = await open_session(answers("a"))
    await session.step("hi")
    with pytest.raises(CallerError, match="under way") as error:
        await session.step("another")
    assert error.value.code == "turn_running"
    assert kind(await session.continue_()) == "assistant_message"
    assert texts(messages_of(session.graph)) == ["hi", "a"]


async def test_an_edited_envelope_is_what_is_performed() -> None:
    """The journal says that it was edited, the tool gets the edited arguments."""
    session = await open_session(tool_then_answer, weather)
    await session.step("hi")
    await session.step()
    pending = session.stepper.pending
    assert pending is not None
    assert isinstance(pending.envelope.command, ToolCallCommand)
    prepared: PreparedToolCall = replace(pending.envelope.command.call, args={"city": "Rome"})
    edited = replace(pending.envelope, command=ToolCallCommand(call=prepared))
    assert kind(await session.stepper.step(edited)) == "llm_call"
    assert statuses(session)[1] == ("tool_call", "ok", "edited")
    assert "Rome" in str(session.stepper.conversation()[-1])
    await session.continue_()


async def test_an_edit_that_makes_another_effect_is_refused() -> None:
    """Identity stays; the effect goes on waiting."""
    session = await open_session(tool_then_answer, weather)
    await session.step("hi")
    pending = session.stepper.pending
    assert pending is not None
    moved = replace(pending.envelope.invocation.scope, turn_index=99)
    other = replace(pending.envelope, invocation=replace(pending.envelope.invocation, scope=moved))
    with pytest.raises(CallerError) as error:
        await session.stepper.step(other)
    assert error.value.code == "step_identity"
    assert session.stepper.pending == pending
    await session.continue_()


async def test_an_injected_reply_is_the_models() -> None:
    """A text answers a model call; the model is not asked, the reply is the turn's."""
    session = await open_session([])
    await session.step("hi")
    result = await session.inject("made up")
    assert isinstance(result, TurnResult)
    assert result.reply == "made up"
    assert statuses(session) == [("llm_call", "ok", "injected")]
    assert texts(messages_of(session.graph)) == ["hi", "made up"]


async def test_an_injected_tool_result_is_the_tools() -> None:
    """Plain JSON is what the tool returned; the long form may fail it. The tool does not run."""
    fired: list[str] = []

    @tool
    def act() -> str:
        """Act on the world."""
        fired.append("acted")
        return "done"

    session = await open_session([call("act"), call("act", id="c2"), "ok"], act)
    await session.step("hi")
    await session.step()
    assert kind(await session.inject({"made": "up"})) == "llm_call"
    await session.step()
    failed = tool_failure("execution", "made_up", "made up").outcome
    assert isinstance(failed, ToolFailed)
    assert kind(await session.inject({"status": "failure", "payload": to_builtins(failed.payload)})) == "llm_call"
    result = await session.continue_()
    assert isinstance(result, TurnResult)
    assert fired == []
    assert [record.output.status for record in result.tool_calls] == ["success", "failure"]
    assert [status for _, status, _ in statuses(session)] == ["ok", "ok", "ok", "failed", "ok"]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (42, CallerError),
        ({"type": "llm_call", "result": {"Ok": "?"}}, WireError),
        (ToolOutcome, RuntimeEffectControllerError),
    ],
)
async def test_what_does_not_fit_is_refused_and_the_effect_goes_on_waiting(value: Any, error: type[Exception]) -> None:
    """A wrong shape, a wrong field, an outcome of another kind: each is an error, and nothing is lost."""
    session = await open_session(tool_then_answer, weather)
    if value is ToolOutcome:
        donor = await open_session(tool_then_answer, weather)
        await donor.turn("hi").run()
        value = next(entry.outcome for entry in donor.effects if entry.envelope.kind == "tool_call")
    await session.step("hi")
    pending = session.stepper.pending
    with pytest.raises(error):
        await session.inject(value)
    assert session.stepper.pending == pending
    assert kind(await session.continue_()) == "assistant_message"


async def test_injecting_without_a_waiting_effect_is_refused() -> None:
    """The error says how to begin."""
    session = await open_session(answers())
    with pytest.raises(CallerError) as error:
        await session.inject("made up")
    assert error.value.code == "step_nothing_pending"


async def test_a_whole_outcome_may_be_injected() -> None:
    """As a value, not as JSON."""
    session = await open_session([])
    await session.step("hi")
    result = await session.inject(LlmOutcome(result=llm_reply("whole"), text_streamed=False))
    assert isinstance(result, TurnResult)
    assert result.reply == "whole"


async def test_a_waiting_effect_can_be_made_to_fail() -> None:
    """As if the host could not perform it: the turn stops with that code and is committed."""
    session = await open_session([])
    await session.step("hi")
    result = await session.stepper.fail("out_of_paper", "the printer is empty")
    assert isinstance(result, TurnResult)
    assert (result.outcome.stopped, result.errors[0].code) == ("runtime_error", "out_of_paper")
    assert texts(messages_of(session.graph)) == ["hi"]


async def test_a_stepped_turn_can_be_cancelled_while_it_waits() -> None:
    """Nothing more is asked; the turn is committed as cancelled."""
    session = await open_session([], weather)
    await session.step("hi")
    result = await session.stepper.cancel()
    assert result is not None
    assert result.outcome.stopped == "cancelled"
    assert session.stepper.state == "finished"
    assert await session.stepper.cancel() is result


async def test_a_click_that_comes_first_sends_who_waits_to_the_next_stop() -> None:
    """A cell waits for a stop, a view's button goes on from it at once: the cell gets the stop after."""
    session = await open_session(tool_then_answer, weather)
    clicks: list[asyncio.Future[EffectEntry | TurnResult]] = []

    def click() -> None:
        if session.stepper.state == "paused" and not clicks:
            clicks.append(asyncio.ensure_future(session.stepper.step()))

    session.stepper.subscribe(click)
    stop = await asyncio.wait_for(session.step("hi"), 2)
    assert (kind(stop), kind(await clicks[0])) == ("tool_call", "tool_call")
    await session.continue_()


async def test_giving_up_waiting_leaves_the_turn_as_it_is() -> None:
    """Cancelling who waits for a stop cancels no effect; the turn stops where it should."""
    gate = asyncio.Event()

    async def model(request: Any) -> Any:
        await gate.wait()
        return tool_then_answer(request)

    session = await open_session(model, weather)
    await session.step("hi")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(session.step(), 0.01)
    assert session.stepper.state == "running"
    gate.set()
    assert kind(await session.step()) == "tool_call"
    await session.continue_()


async def test_changes_are_told_on_the_loop() -> None:
    """A view hears of each change until it no longer listens."""
    session = await open_session(tool_then_answer, weather)
    heard: list[str] = []
    off = session.stepper.subscribe(lambda: heard.append(session.stepper.state))
    await session.step("hi")
    await settle()
    assert heard[-1] == "paused"
    off()
    count = len(heard)
    await session.continue_()
    assert len(heard) == count


@pytest.mark.parametrize("awaited", ["run", "stream", "next_queued_turn"])
async def test_a_turn_that_would_wait_for_ever_is_refused(awaited: str) -> None:
    """In step mode nobody could let a turn go on that is awaited: nothing of it begins, and the error says what to do instead."""
    session = await open_session(tool_then_answer, weather)
    await session.queue("hi").send()
    turns: dict[str, Callable[[], Awaitable[TurnResult | None]]] = {
        "run": lambda: session.turn("hi").run(),
        "stream": lambda: session.turn("hi").stream().result(),
        "next_queued_turn": lambda: session.next_queued_turn().run(),
    }
    assert await session.step() is None
    with pytest.raises(CallerError, match=r"step mode.*session\.step\(…\).*session\.stepper\.disarm\(\)") as refused:
        await asyncio.wait_for(turns[awaited](), 2)
    assert refused.value.code == "step_mode"
    assert (len(session.effects), session.turn_index, len(await session.queued_work())) == (0, 0, 1)

    assert kind(await session.step(session.next_queued_turn())) == "llm_call"
    assert kind(await session.continue_()) == "assistant_message"
    assert (await session.turn("again").run()).is_success


async def test_a_turn_behind_one_that_is_stepped_through_is_refused_too() -> None:
    """The one that waits for a decision is not disturbed."""
    session = await open_session(tool_then_answer, weather)
    stop = await session.step("hi")
    with pytest.raises(CallerError) as refused:
        await asyncio.wait_for(session.turn("another").run(), 2)
    assert (refused.value.code, session.stepper.pending) == ("step_mode", stop)
    await session.continue_()


async def test_step_mode_can_be_left() -> None:
    """Without a turn nothing but the mode changes; what waits is performed."""
    session = await open_session(tool_then_answer, weather)
    await session.step()
    session.stepper.disarm()
    assert (await session.turn("hi").run()).is_success

    await session.step("again")
    session.stepper.disarm()
    assert kind(await session.stepper.stopped()) == "assistant_message"


async def test_the_pending_effect_is_the_last_entry() -> None:
    """The journal and what waits read as one sequence, from either end and in slices."""
    session = await open_session(tool_then_answer, weather)
    await session.step("hi")
    entries = session.stepper.entries
    assert [entry.status for entry in entries] == ["ok", "pending"]
    assert (entries[-1], entries[1:], list(entries[:1])) == (entries[1], [entries[1]], [session.effects[0]])
    with pytest.raises(IndexError):
        entries[2]


async def test_an_injected_tool_call_is_seen_by_who_watches() -> None:
    """The activities tell of the call and its result, as if the tool had run."""
    session = await open_session(tool_then_answer, weather)
    await session.step("hi")
    await session.step()
    await session.inject({"temp_c": -40})
    result = await session.continue_()
    assert isinstance(result, TurnResult)
    seen = [item for item in result.activities if item.type.startswith("tool_call")]
    assert [item.type for item in seen] == ["tool_call_started", "tool_call_completed"]
    assert seen[1].to_builtins()["output"]["outcome"] == {"status": "success", "payload": {"temp_c": -40}}


async def test_an_edited_effect_given_as_an_input_names_who_takes_it() -> None:
    """`session.step(…)` begins turns; what waits is performed edited by the stepper."""
    session = await open_session(tool_then_answer, weather)
    stop = await session.step("hi")
    assert isinstance(stop, EffectEntry)
    wrong: Any = stop.envelope

    with pytest.raises(CallerError, match=r"edited: session\.stepper\.step\(envelope\)") as caught:
        await session.step(wrong)

    assert caught.value.code == "turn_running"
    assert session.stepper.pending is not None
    await session.stepper.cancel()


def test_the_guide_to_editing_an_effect_works(capsys: pytest.CaptureFixture[str]) -> None:
    """Its one block, as it stands there."""
    guide = Path(__file__).parents[2].joinpath("docs", "stepping.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    exec(compile(block, "docs/stepping.md", "exec"), {})  # noqa: S102 - the guide is the project's own

    assert capsys.readouterr().out == "['edited']\n"
