"""A turn that runs beside whoever started it."""

import asyncio
import gc
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lash_nb.core import LashSession, RunningTurn
from lash_nb.errors import LashRuntimeError
from lash_nb.plugins import tool
from lash_nb.providers import call
from lash_nb.wire import ModelRequestStarted, RuntimeEffectOutcome
from tests.runtime.desk import ActingHost, Perform, answers, messages_of, open_session, settle, texts


class Gate:
    """A model that answers when it is let."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()

    async def __call__(self, _: Any) -> str:
        """Wait, then answer."""
        await self.opened.wait()
        return "ok"


async def gated(*, stored: bool = True) -> tuple[LashSession, Gate]:
    """A session whose model waits."""
    gate = Gate()
    return await open_session(gate, stored=stored), gate


async def test_start_returns_at_once() -> None:
    """The turn runs while others do; what it did so far can be seen."""
    session, gate = await gated()
    turn = session.start("hi")
    assert (turn.done, turn.result, turn.error, list(turn.activities)) == (False, None, None, [])
    await settle()
    assert [type(item.event) for item in turn.activities] == [ModelRequestStarted]
    gate.opened.set()
    result = await turn.wait()
    assert (turn.done, turn.result, turn.error) == (True, result, None)
    assert tuple(turn.activities) == result.activities


async def test_listeners_hear_each_activity_and_the_end() -> None:
    """A callback is called after each activity and once more when the turn is over; taken off, no more."""
    session = await open_session(answers("a b"))
    turn = session.start("hi")
    heard: list[bool] = []
    taken_off: list[bool] = []
    turn.subscribe(lambda: heard.append(turn.done))
    off = turn.subscribe(lambda: taken_off.append(True))
    off()
    off()
    await turn.wait()
    await settle()
    assert heard == [False] * len(turn.activities) + [True]
    assert taken_off == []


async def test_giving_up_waiting_does_not_cancel_the_turn() -> None:
    """Who waits may be cancelled; the turn goes on."""
    session, gate = await gated()
    turn = session.start("hi")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(turn.wait(), 0.01)
    assert not turn.done
    gate.opened.set()
    assert (await turn.wait()).reply == "ok"


async def test_a_turn_that_failed_has_an_error() -> None:
    """`error` says why there is no result; `settled` waits without raising."""
    session = await open_session([])
    turn = session.start(session.turn("hi").turn_id(" "))
    await turn.settled()
    assert isinstance(turn.error, LashRuntimeError)
    assert turn.result is None
    with pytest.raises(LashRuntimeError):
        await turn.wait()


def test_a_loop_does_not_complain_of_a_failed_turn_that_nobody_looks_at() -> None:
    """Its task is thrown away unasked, and says nothing."""
    complaints: list[object] = []

    async def begin() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told["message"]))
        session = await open_session([])
        session.start(session.turn("hi").turn_id(" "))
        await settle()

    asyncio.run(begin())
    gc.collect()
    assert complaints == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)], ids=repr)
async def test_an_interrupt_of_the_model_is_the_error_itself(error: BaseException) -> None:
    """`error` is what `wait` raises."""

    def failing(_: Any) -> str:
        raise error

    session = await open_session(failing)
    turn = session.start("hi")
    await turn.settled()
    assert turn.error is error
    with pytest.raises(type(error)):
        await turn.wait()


async def test_an_aborted_turn_has_no_result() -> None:
    """Its error is the cancellation."""
    session, _ = await gated()
    turn = session.start("hi")
    await settle()
    turn.abort()
    await turn.settled()
    assert (turn.result, type(turn.error)) == (None, asyncio.CancelledError)


async def test_all_running_turns_can_be_cancelled_at_once() -> None:
    """The number of turns that were cancelled is returned; those that are over do not count."""
    session, _ = await gated()
    turns = [session.start("one"), session.start("two")]
    await settle()
    assert session.cancel_running_turns() == 2
    assert [(await turn.wait()).outcome.stopped for turn in turns] == ["cancelled", "cancelled"]
    assert session.cancel_running_turns() == 0
    assert texts(messages_of(session.graph)) == ["one", "two"]


async def test_closing_ends_what_runs_and_keeps_it() -> None:
    """A running turn is cancelled and committed before the session is closed."""
    session, _ = await gated()
    turn = session.start("hi")
    await settle()
    await asyncio.wait_for(session.close(), 2)
    assert turn.result is not None
    assert turn.result.outcome.stopped == "cancelled"


async def test_closing_lets_go_of_a_turn_that_waits_for_a_decision() -> None:
    """A paused turn does not keep its session open for ever."""
    session = await open_session(answers("a"))
    await session.step("hi")
    assert session.stepper.state == "paused"
    await asyncio.wait_for(session.close(), 2)
    assert session.stepper.result is not None
    assert session.stepper.result.outcome.stopped == "cancelled"


async def test_cancelling_reaches_a_turn_that_waits_for_a_decision() -> None:
    """A paused turn that is cancelled ends; it asks no model any more."""
    session = await open_session([])
    await session.step("hi")
    turn = session.stepper.running
    assert turn is not None
    assert session.cancel_running_turns() == 1
    result = await asyncio.wait_for(turn.wait(), 2)
    assert (result.outcome.stopped, [issue.code for issue in result.errors]) == ("cancelled", ["cancelled"])


async def test_closing_twice_is_closing() -> None:
    """A closed session can be closed again, and opened again."""
    session = await open_session(answers("a"))
    await session.close()
    await session.close()


async def _awaits(session: LashSession) -> str:
    return (await session.turn("inner").run()).reply


async def _awaits_in_a_task(session: LashSession) -> str:
    return (await asyncio.wait_for(session.turn("inner").run(), 5)).reply


async def _awaits_its_stream(session: LashSession) -> str:
    return (await session.turn("inner").stream().result()).reply


async def _awaits_in_a_thread(session: LashSession) -> str:
    return await asyncio.to_thread(asyncio.run, _awaits(session))


@pytest.mark.parametrize("wait", [_awaits, _awaits_in_a_task, _awaits_its_stream, _awaits_in_a_thread])
@pytest.mark.parametrize("who", ["tool", "provider"])
async def test_a_turn_cannot_wait_for_another_turn_of_its_session(
    wait: Callable[[LashSession], Awaitable[str]], who: str
) -> None:
    """Both would wait for ever: whoever tries is told so, and the session goes on."""
    asked: list[Any] = []

    @tool
    async def again() -> str:
        """Ask again."""
        return await wait(session)

    async def script(request: Any) -> Any:
        asked.append(request)
        if len(asked) > 1:
            return "over"
        return await wait(session) if who == "provider" else call("again")

    session = await open_session(script, again)
    result = await asyncio.wait_for(session.turn("hi").run(), 5)

    told = result.errors if who == "provider" else result.tool_calls[0].output
    assert "cannot wait for another turn of its session" in str(told)
    assert (await asyncio.wait_for(session.turn("more").run(), 5)).reply == "over"


@pytest.mark.parametrize("end", [LashSession.close, LashSession.park])
@pytest.mark.parametrize("started", [True, False])
@pytest.mark.parametrize("who", ["tool", "provider"])
async def test_a_turn_cannot_close_its_own_session(
    end: Callable[[LashSession], Awaitable[Any]], who: str, started: bool
) -> None:
    """It would wait for itself, or cancel itself: whoever tries is told so, the turn goes on, and the session takes the next one."""
    asked: list[Any] = []

    @tool
    async def leave() -> str:
        """Close the session."""
        await end(session)
        return "closed"

    async def script(request: Any) -> Any:
        asked.append(request)
        if who == "provider" and len(asked) == 1:
            await end(session)
        return "over" if len(asked) > 1 else call("leave")

    session = await open_session(script, leave)
    turn = session.start("hi").wait() if started else session.turn("hi").run()
    result = await asyncio.wait_for(turn, 5)

    told = result.errors if who == "provider" else result.tool_calls[0].output
    assert "cannot close or park its own session" in str(told)
    assert result.outcome.stopped != "cancelled"
    assert (await asyncio.wait_for(session.turn("more").run(), 5)).reply == "over"


async def test_a_tool_may_begin_the_next_turn() -> None:
    """It runs when the present one is over; waiting for it in the tool is refused."""

    @tool
    async def again() -> str:
        """Begin another turn."""
        begun.append(session.start("later"))
        return (await begun[0].wait()).reply

    begun: list[RunningTurn] = []
    session = await open_session([call("again"), "first", "second"], again)
    first = await asyncio.wait_for(session.turn("hi").run(), 5)
    second = await asyncio.wait_for(begun[0].wait(), 5)

    assert "cannot wait for a turn of its session: the one that runs waits for it" in str(first.tool_calls[0].output)
    assert (first.reply, second.reply, second.turn_index) == ("first", "second", first.turn_index + 1)


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("error", [LashRuntimeError("store_commit_failed", "no"), ValueError("no")], ids=repr)
async def test_each_who_waits_has_an_error_of_its_own(error: Exception, *, beside: bool) -> None:
    """The same type, code and fields, and a traceback that no other waiter makes longer."""

    async def failing(_: object, __: Perform) -> RuntimeEffectOutcome:
        await settle()
        raise error

    session = await open_session([], host=ActingHost(failing))
    turn = session.start("hi").settled() if beside else asyncio.gather(session.turn("hi").run(), return_exceptions=True)
    await asyncio.sleep(0)
    caught: list[Exception] = []
    for _ in range(4):
        try:
            await session.stepper.stopped()
        except (LashRuntimeError, ValueError) as one:
            caught.append(one)
    await turn
    assert len({id(one) for one in caught}) == 4
    assert {(type(one), str(one), repr(vars(one))) for one in caught} == {(type(error), str(error), repr(vars(error)))}
    assert len({len(traceback.extract_tb(one.__traceback__)) for one in caught}) == 1
