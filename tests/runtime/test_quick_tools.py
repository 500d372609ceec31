"""Calls of plain functions that were quick: they have no task of their own unless they wait, and nobody can tell."""

import asyncio
import gc
import threading
import time
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Annotated, Any, Final

import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from pydantic import BeforeValidator

from lash_nb.clock import CancellationToken
from lash_nb.core import LashSession
from lash_nb.errors import CallerError
from lash_nb.plugins import FunctionTool, StaticPlugin, ToolContext, left_running, tool
from lash_nb.providers import call, calls, reply
from lash_nb.wire import (
    AttachmentRef,
    Json,
    LlmRequest,
    LlmResponse,
    NeverRetryPolicy,
    SafeRetryPolicy,
    ToolCallActivityStarted,
    ToolCallOutput,
    ToolCancelled,
    ToolSuccess,
    TurnActivity,
)
from tests.runtime.desk import builder, settle

MARK: ContextVar[str] = ContextVar("mark", default="none")
HOOKS: Final = StaticPlugin("helper", lambda plugins: plugins.after_tool_call(lambda _: []))
OFTEN: Final = 200
"""How often a function that does nothing is called, at most, until it was quick once; a loaded machine takes two or three."""


def one_call(request: LlmRequest) -> LlmResponse:
    """A model that calls the tool once a turn."""
    answered = any(block.ToolResult for block in request.messages[-1].blocks)
    return reply("ok") if answered else call("probe", {"word": "hi"})


def marked(word: object) -> object:
    """A validator that leaves a trace."""
    MARK.set("set")
    return word


class Probe:
    """A tool that does nothing until it is given something to do, in a session of its own.

    Attributes:
        does: What it does.
        answers: The model.
    """

    def __init__(self, **settings: Any) -> None:
        self.does: Callable[[ToolContext], Any] = lambda _: "nothing"
        self.answers: Callable[[LlmRequest], LlmResponse] = one_call

        def probe(word: Annotated[str, BeforeValidator(marked)], context: ToolContext) -> Any:
            """Do something."""
            return word and self.does(context)

        self.tool: FunctionTool[..., Any] = tool(name="probe", **settings)(probe)
        self.session: LashSession

    async def is_quick(self, *plugins: StaticPlugin) -> "Probe":
        """Open the session, and call the tool until it was quick."""
        made = builder(self._answer, self.tool)
        for plugin in plugins:
            made.plugin(plugin)
        self.session = await made.build().session("demo").open()
        for _ in range(OFTEN):
            await self.session.turn("hi").run()
            if self.tool.was_quick:
                break
        assert self.tool.was_quick
        return self

    def _answer(self, request: LlmRequest) -> LlmResponse:
        return self.answers(request)

    async def outcome(self, token: CancellationToken | None = None) -> Any:
        """Run a turn, and return what its call gave."""
        turn = self.session.turn("hi")
        result = await (turn.cancel(token) if token else turn).run()
        return result.tool_calls[0].output.outcome


class Waiting:
    """Something to do that ends when it is let go."""

    def __init__(self) -> None:
        self.began, self.may_end = asyncio.Event(), threading.Event()
        self._told: CancellationToken | None = None
        self._loop = asyncio.get_running_loop()

    def __call__(self, context: ToolContext) -> str:
        """Wait."""
        self._told = context.cancellation
        self._loop.call_soon_threadsafe(self.began.set)
        self.may_end.wait(10)
        return "waited"

    def is_told(self) -> bool:
        """Whether the function could know that nobody waits for it."""
        return self._told is not None and self._told.cancelled


@asynccontextmanager
async def waiting_in(probe: Probe) -> AsyncIterator[Waiting]:
    """Let the tool wait while this is entered, and end after it."""
    probe.does = waiting = Waiting()
    try:
        yield waiting
    finally:
        waiting.may_end.set()
        while left_running():  # noqa: ASYNC110 - the end of a thread, of which no event tells
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("plugins", "policy", "tasks"),
    [
        ((), NeverRetryPolicy(), 0),
        ((HOOKS,), NeverRetryPolicy(), 1),
        ((), SafeRetryPolicy(max_attempts=2, base_delay_ms=1, max_delay_ms=0), 1),
    ],
)
async def test_a_quick_call_has_no_task(plugins: tuple[StaticPlugin, ...], policy: Any, tasks: int) -> None:
    """But where hooks follow it, or it may have to wait for its next attempt: what is awaited there belongs to the call."""
    probe = await Probe(retry_policy=policy).is_quick(*plugins)
    made: list[str] = []
    since: list[int] = []

    def factory(loop: asyncio.AbstractEventLoop, work: Any) -> asyncio.Task[Any]:
        made.append(work.__qualname__)
        return asyncio.Task(work, loop=loop)

    def answers(request: LlmRequest) -> LlmResponse:
        since.append(len(made))
        return one_call(request)

    probe.does, probe.answers = lambda _: since.append(len(made)), answers
    asyncio.get_running_loop().set_task_factory(factory)
    await probe.outcome()
    asked, called, _ = since
    assert called - asked == tasks


async def test_a_call_that_waits_after_all_is_heard() -> None:
    """It holds up nobody meanwhile."""
    probe = await Probe().is_quick()
    async with waiting_in(probe) as waiting:
        turn = asyncio.create_task(probe.outcome())
        await waiting.began.wait()
        waiting.may_end.set()
        assert (await turn).payload.value == "waited"


@pytest.mark.parametrize("by", ["others", "tool"])
async def test_a_turn_that_is_cancelled_while_it_works_leaves_it_to_its_thread(by: str) -> None:
    """The function is told first; so it is when it cancels the turn itself."""
    probe, token = await Probe().is_quick(), CancellationToken()
    async with waiting_in(probe) as waiting:

        def cancelling(context: ToolContext) -> str:
            token.cancel()
            return waiting(context)

        probe.does = cancelling if by == "tool" else waiting
        turn = asyncio.create_task(probe.outcome(token))
        await waiting.began.wait()
        token.cancel()
        assert isinstance(await turn, ToolCancelled)
        assert waiting.is_told()
        assert left_running() == ["probe"]


async def test_a_function_that_ends_when_it_is_told_is_heard() -> None:
    """As in a task of its own, it is given a moment."""
    probe, token = await Probe().is_quick(), CancellationToken()

    def cancelling(context: ToolContext) -> str:
        token.cancel()
        return f"told: {context.cancellation is not None and context.cancellation.cancelled}"

    probe.does = cancelling
    assert (await probe.outcome(token)).payload.value == "told: True"


@pytest.mark.parametrize("end", ["abort", "close"])
async def test_a_turn_that_is_aborted_while_it_works_leaves_it_to_its_thread(end: str) -> None:
    """Also one that is closed, which can await nothing; the loop has nothing to complain of."""
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told["message"]))
    probe = await Probe().is_quick()
    async with waiting_in(probe) as waiting:
        turn = asyncio.create_task(probe.session.turn("hi").run())
        await waiting.began.wait()
        work = turn.get_coro()
        assert work is not None
        turn.cancel() if end == "abort" else work.close()
        await asyncio.wait({turn})
        await settle()
        assert waiting.is_told()
        assert left_running() == ["probe"]
        assert asyncio.all_tasks() == {asyncio.current_task()}
    assert complaints == []


async def test_nothing_begins_for_a_turn_that_is_cancelled_just_before() -> None:
    """Whatever else the loop has to do comes before the call."""
    probe, token, began = await Probe().is_quick(), CancellationToken(), list[str]()
    probe.does = lambda _: began.append("probe")

    def cancel_soon(activity: TurnActivity) -> None:
        if isinstance(activity.event, ToolCallActivityStarted):
            asyncio.get_running_loop().call_soon(token.cancel)

    result = await probe.session.turn("hi").watched_by(cancel_soon).cancel(token).run()
    assert isinstance(result.tool_calls[0].output.outcome, ToolCancelled)
    assert began == []


@pytest.mark.parametrize("waits", [False, True])
async def test_what_is_set_in_its_context_stays_there(*, waits: bool) -> None:
    """By the function in its thread, and by what looks at its arguments on the loop."""
    probe, seen = await Probe().is_quick(), list[str]()

    def answers(request: LlmRequest) -> LlmResponse:
        seen.append(MARK.get())
        return one_call(request)

    def look(_: ToolContext) -> str:
        seen.append(MARK.get())
        MARK.set("mine")
        time.sleep(0.002 * waits)
        return "looked"

    probe.does, probe.answers = look, answers
    await probe.outcome()
    assert (seen, MARK.get()) == (["none", "set", "none"], "none")


async def test_a_figure_that_it_made_is_drawn_and_closed_there() -> None:
    """In a thread, for which it waits: pyplot knows there what the call has made."""
    probe, made = await Probe().is_quick(), list[Figure]()

    def draw(_: ToolContext) -> Figure:
        made.append(pyplot.figure(figsize=(2, 1)))
        return made[0]

    probe.does = draw
    assert isinstance((await probe.outcome()).payload.value, AttachmentRef)
    assert made[0] not in [pyplot.figure(number) for number in pyplot.get_fignums()]


@pytest.mark.parametrize("waits", [False, True])
async def test_figures_that_it_leaves_open_are_everybodys(*, waits: bool) -> None:
    """Also when it waits: what its call had to itself it gives away where it got it."""
    probe, made = await Probe().is_quick(), list[Figure]()

    def draw(_: ToolContext) -> str:
        made.extend(pyplot.figure(figsize=(2, 1)) for _ in range(2))
        time.sleep(0.002 * waits)
        return "drawn"

    probe.does = draw
    assert (await probe.outcome()).payload.value == "drawn"
    try:
        assert set(made) <= {pyplot.figure(number) for number in pyplot.get_fignums()}
    finally:
        for figure in made:
            pyplot.close(figure)


async def test_a_tool_that_somebody_derived_ends_its_call_and_not_its_turn() -> None:
    """Its own way to run may set a time limit, which ends the task in which it was set."""

    class Limited(FunctionTool[..., Any]):
        async def run(self, args: Json, context: ToolContext) -> ToolCallOutput:
            async with asyncio.timeout(0.005):
                return await super().run(args, context)

    probe = Probe()
    probe.tool = Limited(probe.tool, name="probe")
    await probe.is_quick()
    async with waiting_in(probe):
        assert (await probe.outcome()).payload.message == "TimeoutError"


async def test_it_is_inside_its_turn() -> None:
    """Another turn of the session would wait for it, and is refused in its thread."""
    probe = await Probe().is_quick()

    def again(_: ToolContext) -> str:
        with pytest.raises(CallerError, match="cannot wait"):
            asyncio.run(probe.outcome())
        return "refused"

    probe.does = again
    assert (await probe.outcome()).payload.value == "refused"


@pytest.mark.parametrize("seconds", [0, 0.001])
async def test_what_it_returned_to_be_awaited_has_a_task_of_its_own(seconds: float) -> None:
    """A time limit, and whatever else needs its task, ends nothing but that."""
    probe = await Probe().is_quick()
    tasks: list[Any] = []

    async def too_long() -> str:
        tasks.append(asyncio.current_task())
        try:
            async with asyncio.timeout(seconds):
                await asyncio.Event().wait()
        except TimeoutError:
            tasks.append(asyncio.current_task())
        return "over time"

    probe.does = lambda _: too_long()
    assert (await probe.outcome()).payload.value == "over time"
    assert tasks[0] is tasks[1] is not asyncio.current_task()


async def test_what_it_returned_to_be_awaited_is_not_begun_for_a_turn_that_is_aborted_just_then() -> None:
    """Nor does Python tell of it that it was never awaited."""
    probe = await Probe().is_quick()
    loop, began = asyncio.get_running_loop(), list[str]()

    async def begin() -> None:
        began.append("probe")

    def abort(_: ToolContext) -> Any:
        loop.call_soon_threadsafe(turn.cancel)
        return begin()

    probe.does = abort
    turn = asyncio.create_task(probe.outcome())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        await asyncio.wait({turn})
        gc.collect()
    assert (turn.cancelled(), began, told) == (True, [], [])


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, StopIteration, asyncio.CancelledError])
async def test_whatever_it_raises_is_its_own_failure(error: type[BaseException]) -> None:
    """Also in a turn whose task somebody wanted to cancel long ago."""

    def fail(_: ToolContext) -> str:
        raise error

    probe = await Probe().is_quick()
    current = asyncio.current_task()
    assert current is not None
    current.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(0)
    probe.does = fail
    try:
        assert not isinstance(await probe.outcome(), ToolSuccess)
    finally:
        current.uncancel()


async def test_others_have_their_turn_between_two_calls() -> None:
    """Many calls that never wait hold up nobody: who cancels the turn between two of them is heard."""
    probe, token, count = await Probe().is_quick(), CancellationToken(), 0
    loop = asyncio.get_running_loop()

    def counted(_: ToolContext) -> None:
        nonlocal count
        count += 1
        if count == 3:
            loop.call_soon_threadsafe(token.cancel)

    many = calls(*((f"call-{number}", "probe", {"word": "hi"}) for number in range(50)))
    probe.does, probe.answers = counted, lambda _: many
    result = await probe.session.turn("hi").cancel(token).run()
    assert result.outcome.stopped is not None
    assert count < 10


def test_a_loop_that_ends_while_it_works_loses_no_work() -> None:
    """Nothing is said of work that nobody awaited, and the function is left."""

    async def leave_a_turn() -> tuple[asyncio.Task[Any], Waiting]:
        probe = await Probe().is_quick()
        probe.does = waiting = Waiting()
        turn = asyncio.create_task(probe.outcome())
        await waiting.began.wait()
        return turn, waiting

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        turn, waiting = asyncio.run(leave_a_turn())
        assert turn.cancelled()
        assert waiting.is_told()
        assert left_running() == ["probe"]
        waiting.may_end.set()
        gc.collect()
    assert [str(warning.message) for warning in told] == []
