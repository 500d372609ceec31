"""In whose name tools run: each call in a task that is not the turn's, whether the tool waits or not."""

import asyncio
import contextlib
import gc
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final
from weakref import WeakKeyDictionary

import pytest

from lash_nb.clock import CancellationToken
from lash_nb.core import LashSession
from lash_nb.errors import CallerError
from lash_nb.plugins import ToolContext, tool
from lash_nb.providers import call, calls, reply
from lash_nb.wire import CompletedToolCall, LlmRequest, LlmResponse, ToolCancelled, ToolFailed
from tests.runtime.desk import open_session

LATE: Final = 0.002
"""Seconds until that comes which a call left behind."""
MARK: ContextVar[str] = ContextVar("mark", default="none")
TWO = calls(("a", "probe", {}), ("b", "probe", {}))


def own_task() -> asyncio.Task[Any]:
    """The task in whose name this runs."""
    task = asyncio.current_task()
    assert task is not None
    return task


@pytest.mark.parametrize("waits", [False, True])
async def test_a_tool_has_one_task_from_its_first_step_to_its_last(*, waits: bool) -> None:
    """It is not the task that waits for the turn, so that a tool may cancel it in part, as timeouts do; nor is it another call's."""
    seen: list[asyncio.Task[Any]] = []

    @tool
    async def probe() -> None:
        """Look before and after a wait."""
        seen.append(own_task())
        if waits:
            await asyncio.sleep(0)
        seen.append(own_task())

    await (await open_session([TWO, "ok"], probe)).turn("hi").run()
    first, again, second, once_more = seen
    assert first is again
    assert second is once_more
    assert len({first, second, own_task()}) == 3


def cancelled_late(task: asyncio.Task[Any]) -> None:
    """Cancel the task in a moment."""
    asyncio.get_running_loop().call_later(LATE, task.cancel)


def timeout_kept(_: asyncio.Task[Any]) -> None:
    """Begin a time limit, and never leave it."""
    limit = asyncio.timeout(LATE)
    with contextlib.suppress(StopIteration):
        limit.__aenter__().send(None)


@pytest.mark.parametrize("leave", [cancelled_late, timeout_kept])
@pytest.mark.parametrize("by", ["tool", "model"])
async def test_what_a_call_left_behind_ends_no_other_call(leave: Callable[[asyncio.Task[Any]], None], by: str) -> None:
    """A cancellation of its task that comes when it is over reaches nobody: neither the next tool nor the next model call, which wait then."""

    async def answer(request: LlmRequest) -> LlmResponse:
        asked = request.messages[-1].blocks[-1].ToolResult is None
        if asked and by == "model":
            leave(own_task())
        elif not asked:
            await asyncio.sleep(2 * LATE)
        return TWO if asked else reply("ok")

    @tool
    async def probe(context: ToolContext) -> str:
        """Leave something behind, or wait until it comes."""
        if context.tool_call_id == "a" and by == "tool":
            leave(own_task())
        else:
            await asyncio.sleep(2 * LATE)
        return "done"

    result = await (await open_session(answer, probe)).turn("hi").run()
    assert [done.output.value_for_projection() for done in result.tool_calls] == ["done", "done"]
    assert result.reply == "ok"


async def test_what_a_tool_makes_of_its_task_is_its_own() -> None:
    """A name, a request to be cancelled that was taken back, and what somebody keeps by the task: the next call has none of it."""
    seen: list[object] = []
    kept: WeakKeyDictionary[asyncio.Task[Any], str] = WeakKeyDictionary()

    @tool
    async def probe() -> None:
        """Look, and leave traces."""
        task = own_task()
        seen.append((task.get_name() == "mine", kept.get(task)))
        task.set_name("mine")
        kept[task] = "mine"

    await (await open_session([TWO, "ok"], probe)).turn("hi").run()
    assert seen == [(False, None), (False, None)]


async def test_who_waits_for_the_end_of_a_tools_task_is_told_when_the_tool_ends() -> None:
    """With what it returned, and before the model is asked again."""
    told: list[object] = []

    async def answer(request: LlmRequest) -> LlmResponse:
        told.append("model")
        return call("probe") if request.messages[-1].blocks[-1].ToolResult is None else reply("ok")

    @tool
    async def probe() -> None:
        """Ask to be told."""
        own_task().add_done_callback(lambda task: told.append(type(task.result())))

    await (await open_session(answer, probe)).turn("hi").run()
    assert told == ["model", CompletedToolCall, "model"]


@pytest.mark.parametrize("seconds", [0, 0.001])
async def test_a_timeout_ends_the_wait_of_a_tool_alone(seconds: float) -> None:
    """What is over time is the tool's; the turn goes on, also when the time was over before the tool's task went on."""

    @tool
    async def probe() -> str:
        """Wait too long."""
        try:
            async with asyncio.timeout(seconds):
                await asyncio.Event().wait()
        except TimeoutError:
            return "over time"
        return "in time"

    result = await (await open_session([TWO, "ok"], probe)).turn("hi").run()
    assert [done.output.value_for_projection() for done in result.tool_calls] == ["over time", "over time"]
    assert result.reply == "ok"


async def test_who_cancels_a_tool_after_its_first_step_is_heard_with_the_reason() -> None:
    """Once, as in any task."""
    seen: list[object] = []

    @tool
    async def probe() -> None:
        """Be cancelled soon."""
        task = own_task()
        asyncio.get_running_loop().call_soon(task.cancel, "why")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            seen.extend((task.uncancel(), *error.args))

    result = await (await open_session([calls(("a", "probe", {})), "ok"], probe)).turn("hi").run()
    assert (seen, result.reply) == ([0, "why"], "ok")


@pytest.mark.parametrize("taken_back", [False, True])
async def test_the_task_of_a_call_that_is_over_may_be_cancelled(*, taken_back: bool) -> None:
    """Nobody's work is lost with it: neither the next call's nor the turn's."""

    @tool
    async def probe() -> str:
        """Have its task cancelled when it is over."""
        task = own_task()
        asyncio.get_running_loop().call_soon(task.cancel)
        if taken_back:
            asyncio.get_running_loop().call_soon(task.uncancel)
        return "done"

    result = await (await open_session([TWO, "ok"], probe)).turn("hi").run()
    assert [done.output.value_for_projection() for done in result.tool_calls] == ["done", "done"]
    assert result.reply == "ok"


@pytest.mark.parametrize("waits", [False, True])
async def test_what_a_tool_sets_in_its_context_stays_there(*, waits: bool) -> None:
    """Neither the next call nor the turn sees it; the tool sees it after a wait, too."""
    seen: list[str] = []

    @tool
    async def probe() -> None:
        """Set a variable."""
        seen.append(MARK.get())
        MARK.set("set")
        if waits:
            await asyncio.sleep(0)
        seen.append(MARK.get())

    await (await open_session([TWO, "ok"], probe)).turn("hi").run()
    assert (seen, MARK.get()) == (["none", "set"] * 2, "none")


@pytest.mark.parametrize("waits", [False, True])
async def test_no_task_of_a_tool_outlives_the_turn(*, waits: bool) -> None:
    """When the turn is over, so are they, one round of the loop later at most."""
    before = asyncio.all_tasks()

    @tool
    async def probe() -> None:
        """Wait, or not."""
        if waits:
            await asyncio.sleep(0)

    await (await open_session([TWO, "ok"], probe)).turn("hi").run()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_others_have_their_turn_between_two_calls() -> None:
    """Many calls that never wait hold up nobody: who cancels the turn between two of them is heard."""
    token, third, count = CancellationToken(), asyncio.Event(), 0

    @tool
    async def probe() -> None:
        """Count."""
        nonlocal count
        count += 1
        if count == 3:
            third.set()

    async def cancel() -> None:
        await third.wait()
        token.cancel()

    many = calls(*((f"call-{number}", "probe", {}) for number in range(50)))
    canceller = asyncio.create_task(cancel())
    result = await (await open_session([many, "ok"], probe)).turn("hi").cancel(token).run()
    await canceller
    assert result.outcome.stopped is not None
    assert count < 10


@pytest.mark.parametrize("waits", [False, True])
async def test_a_tool_that_cancels_its_task_has_failed(*, waits: bool) -> None:
    """Whether it waits then, or is over at once; the model is told, and the turn goes on."""

    @tool
    async def probe(context: ToolContext) -> str:
        """Cancel the task that it has, once."""
        if context.tool_call_id == "a":
            own_task().cancel()
        if waits:
            await asyncio.sleep(0)
        return "done"

    session = await open_session([TWO, "ok"], probe)
    result = await session.turn("hi").run()
    first, second = result.tool_calls
    assert isinstance(first.output.outcome, ToolFailed)
    assert first.output.outcome.payload.source == "tool"
    assert first.output.outcome.payload.message.startswith(
        "CancelledError: the task in which the tool ran was cancelled"
    )
    assert second.output.value_for_projection() == "done"
    assert result.reply == "ok"
    assert [entry.status for entry in session.effects if entry.envelope.kind == "tool_call"] == ["failed", "ok"]


@pytest.mark.parametrize("waits", [False, True])
async def test_a_provider_that_cancels_its_task_has_failed(*, waits: bool) -> None:
    """The turn ends with the reference's code of a call whose task broke off; the session goes on."""
    times = 0

    async def answer(_: LlmRequest) -> LlmResponse:
        nonlocal times
        times += 1
        if times == 1:
            own_task().cancel()
        if waits:
            await asyncio.sleep(0)
        return reply("ok")

    session = await open_session(answer)
    result = await session.turn("hi").run()
    assert [(issue.kind, issue.code) for issue in result.errors] == [("llm_provider", "task_join_failed")]
    assert (await session.turn("again").run()).reply == "ok"


@pytest.mark.parametrize("spares_itself", [False, True])
@pytest.mark.parametrize("begin", [LashSession.turn, LashSession.start, LashSession.step])
async def test_a_tool_that_cancels_every_task_aborts_the_turn(begin: Any, *, spares_itself: bool) -> None:
    """Those of the turn and of who waits are among them, as when a program ends; the session takes the next turn."""

    @tool
    async def probe() -> None:
        """Cancel all tasks of the loop but the test's."""
        for task in asyncio.all_tasks() - {test}:
            if task is not own_task() or not spares_itself:
                task.cancel()
        await asyncio.sleep(0)

    async def waiting() -> None:
        begun = begin(session, "hi")
        if begin is LashSession.step:
            await begun
            await session.continue_()
        else:
            await (begun if begin is LashSession.turn else begun.wait())

    test = own_task()
    session = await open_session([TWO, "ok"], probe)
    waiter = asyncio.create_task(waiting())
    await asyncio.wait([waiter])
    assert waiter.cancelled()
    if session.stepper.running is not None:
        await session.stepper.running.settled()
    assert (await session.turn("again").run()).reply == "ok"
    assert [entry.status for entry in session.effects if entry.envelope.kind == "tool_call"] == ["cancelled"]
    assert asyncio.all_tasks() == {test}


async def test_the_loops_own_way_of_making_tasks_is_taken() -> None:
    """A factory that knows nothing of contexts will do, as those that were written for older releases of Python."""
    made: list[str] = []

    def factory(loop: asyncio.AbstractEventLoop, work: Any) -> asyncio.Task[Any]:
        made.append(work.__qualname__)
        return asyncio.Task(work, loop=loop)

    asyncio.get_running_loop().set_task_factory(factory)

    @tool
    async def probe() -> str:
        """Wait, and look whose turn this is in."""
        await asyncio.sleep(0)
        with pytest.raises(CallerError, match="cannot wait"):
            await session.turn("inside").run()
        return "done"

    session = await open_session([TWO, "ok", TWO, "ok"], probe)
    for begin in (session.turn("hi").run(), session.start("hi").wait()):
        result = await begin
        assert [done.output.value_for_projection() for done in result.tool_calls] == ["done", "done"]
    assert len(made) >= 9


@pytest.mark.parametrize("waits", [False, True])
async def test_a_tool_that_cancels_its_task_in_a_cancelled_turn_is_cut_off(*, waits: bool) -> None:
    """Whether it waits then, or is over at once; the turn ends as cancelled turns do."""
    token = CancellationToken()

    @tool
    async def probe() -> None:
        """Cancel the turn, and the task that it has."""
        token.cancel()
        own_task().cancel()
        if waits:
            await asyncio.sleep(0)

    result = await (await open_session([TWO, "ok"], probe)).turn("hi").cancel(token).run()
    assert result.outcome.stopped == "cancelled"
    assert [type(done.output.outcome) for done in result.tool_calls] == [ToolCancelled, ToolCancelled]


@pytest.mark.parametrize("fails", [False, True])
async def test_a_tool_that_cancels_the_turns_task_gives_nothing(*, fails: bool) -> None:
    """The turn is aborted there: the call has no result, and no call after it begins."""
    turns: list[asyncio.Task[object]] = []
    began: list[str] = []

    @tool
    async def probe() -> None:
        """Cancel the turn from within."""
        began.append("probe")
        turns[0].cancel()
        if fails:
            raise ValueError

    session = await open_session([TWO, "ok"], probe)
    turns.append(asyncio.create_task(session.turn("hi").run()))
    await asyncio.wait(turns)
    assert turns[0].cancelled()
    assert began == ["probe"]
    assert [entry.status for entry in session.effects if entry.envelope.kind == "tool_call"] == ["cancelled"]


@pytest.mark.parametrize("rounds", range(4))
def test_a_loop_that_ends_loses_no_work_that_was_not_begun(rounds: int) -> None:
    """It cancels all tasks, also one that was made and had no step yet: nothing is said of work that nobody awaited."""

    @tool
    async def probe() -> None:
        """Wait for ever."""
        await asyncio.Event().wait()

    async def leave_a_turn() -> asyncio.Task[object]:
        turn = asyncio.create_task((await open_session([TWO], probe)).turn("hi").run())
        for _ in range(rounds):
            await asyncio.sleep(0)
        return turn

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert asyncio.run(leave_a_turn()).cancelled()
        gc.collect()
    assert [str(warning.message) for warning in told] == []
