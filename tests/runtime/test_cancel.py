"""Ending a turn the orderly way: what runs is told, the turn is committed as cancelled."""

import asyncio
import sys
import threading
from types import FrameType
from typing import Any

import pytest

from lash_nb.clock import CancellationToken, ManualClock
from lash_nb.plugins import ToolContext, tool
from lash_nb.providers import ScriptedProvider, call, calls, reply
from lash_nb.stores import FullGraph
from lash_nb.wire import (
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    ToolCallActivityCompleted,
    ToolCallActivityStarted,
    ToolCancelled,
    TurnOutcome,
)
from tests.runtime.desk import (
    START_NS,
    ActingHost,
    ActingStore,
    Perform,
    answers,
    legal,
    messages_of,
    open_session,
    roles,
    settle,
    texts,
    tool_then_answer,
    weather,
)

CANCELLED = TurnOutcome.stop("cancelled")


def cancelling_host(token: CancellationToken, number: int, *, before: bool) -> ActingHost:
    """A host that cancels the turn just before or just after it performs the effect of that number."""
    count = 0

    async def act(_: RuntimeEffectEnvelope, perform: Perform) -> RuntimeEffectOutcome:
        nonlocal count
        count += 1
        if count == number and before:
            token.cancel()
        outcome = await perform()
        if count == number:
            token.cancel()
        return outcome

    return ActingHost(act)


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("number", range(1, 8))
async def test_a_turn_cancelled_at_any_effect_is_committed(number: int, before: bool, stored: bool) -> None:
    """The outcome is `cancelled`, the graph is legal and has the question, the next turn runs."""
    token = CancellationToken()
    host = cancelling_host(token, number, before=before)
    session = await open_session(tool_then_answer, weather, host=host, stored=stored)
    result = await session.turn("hi").cancel(token).run()
    assert result.outcome == CANCELLED
    legal(session.graph)
    assert texts(messages_of(session.graph))[0] == "hi"
    assert (await session.turn("again").run()).is_success
    assert session.turn_index == 2


async def test_a_turn_cancelled_before_it_starts_asks_nobody() -> None:
    """No model call; the question is kept, the turn is over."""
    token = CancellationToken()
    token.cancel()
    session = await open_session([])
    result = await session.turn("hi").cancel(token).run()
    assert (result.outcome, result.errors) == (CANCELLED, ())
    assert "llm_call" not in [entry.envelope.kind for entry in session.effects]
    assert texts(messages_of(session.graph)) == ["hi"]


@pytest.mark.parametrize("begin", ["subscribe", "child"])
def test_who_begins_to_listen_while_another_thread_does_is_told(begin: str) -> None:
    """Whichever line the one has come to when the other begins and is done, both hear of the end."""
    heard: list[str] = []
    held: list[CancellationToken] = []

    def listen(token: CancellationToken, name: str) -> None:
        if begin == "child":
            token = token.child()
            held.append(token)
        token.subscribe(lambda: heard.append(name))

    def lines_until(token: CancellationToken, stop: int) -> int:
        """Listen in another thread once `stop` lines of the token's are run; return how many there were."""
        code, lines = getattr(CancellationToken, begin).__code__, 0

        def trace(frame: FrameType, event: str, _: object) -> Any:
            nonlocal lines
            if frame.f_code is code and event == "line":
                lines += 1
                if lines == stop:
                    other = threading.Thread(target=listen, args=(token, "other"))
                    other.start()
                    other.join()
            return trace

        tracing = sys.gettrace()
        sys.settrace(trace)
        try:
            listen(token, "one")
        finally:
            sys.settrace(tracing)
        return lines

    for stop in range(1, lines_until(CancellationToken(), 0) + 1):
        token = CancellationToken()
        lines_until(token, stop)
        heard.clear()
        token.cancel()
        assert sorted(heard) == ["one", "other"], stop


async def test_a_model_call_is_stopped_at_once() -> None:
    """The provider's task is cancelled and over before the turn ends; the call is written down as cancelled."""
    ended: list[str] = []

    async def thinking(_: Any) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("provider")

    session = await open_session(thinking)
    turn = session.start("hi")
    await settle()
    turn.cancel()
    result = await turn.wait()
    assert (result.outcome, ended) == (CANCELLED, ["provider"])
    [asked] = [entry for entry in session.effects if entry.envelope.kind == "llm_call"]
    assert asked.status == "cancelled"


async def test_text_that_was_streamed_before_the_cancel_is_not_the_sessions() -> None:
    """The result shows what came; the session keeps the question only, and the next turn answers."""
    clock = SlowClock()
    session = await open_session([])
    talking = ScriptedProvider(["The sky is clear."], delay=1, clock=clock)
    turn = session.start(session.turn("hi").provider(talking))
    await settle()
    turn.cancel()
    result = await turn.wait()
    assert (result.outcome, result.reply) == (CANCELLED, "The")
    assert texts(messages_of(session.graph)) == ["hi"]
    assert (await session.turn("again").provider(ScriptedProvider(["ok"])).run()).reply == "ok"


async def test_a_tool_that_listens_ends_by_itself() -> None:
    """Within the grace the tool's own result counts; nothing is cut off."""
    clock = ManualClock(START_NS)

    @tool
    async def patient(context: ToolContext) -> str:
        """Wait until it is told to stop."""
        assert context.cancellation is not None
        await context.cancellation.wait()
        return "stopped in time"

    session = await open_session([call("patient"), "never asked"], patient, clock=clock)
    turn = session.start("hi")
    await settle()
    turn.cancel()
    result = await turn.wait()
    assert result.outcome == CANCELLED
    assert result.tool_calls[0].output.status == "success"
    assert ToolCallActivityCompleted in [type(item.event) for item in result.activities]


class SlowClock(ManualClock):
    """A clock whose sleeps last until the test lets them end.

    Attributes:
        sleeps: How long each sleep is to last, in seconds.
        awake: Set it to end all sleeps.
    """

    def __init__(self) -> None:
        super().__init__(START_NS)
        self.sleeps: list[float] = []
        self.awake = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Wait for the test."""
        self.sleeps.append(seconds)
        await self.awake.wait()


async def test_a_tool_that_hangs_has_fifty_milliseconds() -> None:
    """It is told, gets its grace, is cut off, and the model's call has a cancelled result of duration 0."""
    clock = SlowClock()
    ended: list[str] = []

    @tool
    async def hanging() -> None:
        """Hang."""
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("tool")

    session = await open_session([call("hanging"), "never asked"], hanging, clock=clock)
    turn = session.start("hi")
    await settle()
    turn.cancel()
    await settle()
    assert (turn.done, ended, clock.sleeps) == (False, [], [0.05])
    clock.awake.set()
    result = await turn.wait()
    assert (result.outcome, ended) == (CANCELLED, ["tool"])
    [record] = result.tool_calls
    assert isinstance(record.output.outcome, ToolCancelled)
    assert record.output.outcome.payload.message == "tool call cancelled"
    assert record.duration_ms == 0
    assert ToolCallActivityCompleted not in [type(item.event) for item in result.activities]
    assert roles(messages_of(session.graph)) == ["User", "Assistant", "User"]


async def test_a_tool_in_a_thread_is_left_behind() -> None:
    """A plain function that blocks cannot be stopped; the turn does not wait for it."""
    release = threading.Event()

    @tool
    def blocking() -> str:
        """Block the thread."""
        release.wait(5)
        return "late"

    session = await open_session([call("blocking"), "ok"], blocking)
    turn = session.start("hi")
    await asyncio.sleep(0.02)
    turn.cancel()
    try:
        result = await asyncio.wait_for(turn.wait(), 2)
    finally:
        release.set()
    assert (result.outcome, result.tool_calls[0].output.status) == (CANCELLED, "cancelled")


async def test_the_other_calls_of_a_cancelled_reply_have_results_and_never_run() -> None:
    """Every call is paired, so the turn can be gone on from; a tool that nobody waits for does not act on the world."""
    fired: list[str] = []

    @tool
    async def hanging(name: str) -> None:
        """Hang.

        Args:
            name: Which one.
        """
        fired.append(name)
        await asyncio.Event().wait()

    made = calls(("a", "hanging", {"name": "a"}), ("b", "hanging", {"name": "b"}))
    session = await open_session([made, "fine"], hanging)
    turn = session.start("hi")
    await settle()
    turn.cancel()
    result = await turn.wait()
    assert [record.output.status for record in result.tool_calls] == ["cancelled", "cancelled"]
    assert fired == ["a"]
    started = [item.event for item in result.activities if isinstance(item.event, ToolCallActivityStarted)]
    assert [event.call_id for event in started] == ["a"]
    [results] = [m for m in messages_of(session.graph) if any(p.kind == "ToolResult" for p in m.parts)]
    assert [part.tool_call_id for part in results.parts] == ["a", "b"]
    assert (await session.turn("again").run()).reply == "fine"


async def test_usage_of_a_cancelled_turn_counts() -> None:
    """Tokens that were used are in the ledger, stored with the cancelled turn."""
    store = ActingStore()

    @tool
    async def hanging() -> None:
        """Hang."""
        await asyncio.Event().wait()

    session = await open_session([call("hanging")], hanging, store=store)
    turn = session.start("hi")
    await settle()
    turn.cancel()
    result = await turn.wait()
    assert result.usage.total == 140
    assert session.usage_report().usage.total_tokens == 140
    read = await store.load_session(FullGraph())
    assert read is not None
    assert [row.usage.total for row in read.token_ledger] == [140]


async def test_cancelling_one_turn_leaves_the_waiting_one_alone() -> None:
    """Of two turns on one session the second waits, and runs after the first was cancelled."""

    async def model(request: Any) -> Any:
        if len(request.messages) == 2:
            await asyncio.Event().wait()
        return reply("second")

    session = await open_session(model)
    first, second = session.start("one"), session.start("two")
    await settle()
    assert (first.done, second.done) == (False, False)
    first.cancel()
    assert (await first.wait()).outcome == CANCELLED
    assert (await second.wait()).reply == "second"
    assert texts(messages_of(session.graph)) == ["one", "two", "second"]


async def test_a_turn_that_is_over_cannot_be_cancelled() -> None:
    """Cancelling afterwards changes nothing."""
    session = await open_session(answers("a"))
    turn = session.start("hi")
    result = await turn.wait()
    turn.cancel()
    assert turn.result is result
    assert (await session.turn("again").run()).is_success


@pytest.mark.parametrize("listens", [False, True])
async def test_a_turn_is_cancelled_from_another_thread_at_once(*, listens: bool) -> None:
    """Nothing else has to wake the loop, neither for work that is stopped nor for a tool that waits to hear of it."""
    token, running = CancellationToken(), threading.Event()

    @tool
    async def endless(context: ToolContext) -> str:
        """Wait."""
        assert context.cancellation is not None
        running.set()
        await (context.cancellation.wait() if listens else asyncio.Event().wait())
        return "heard"

    session = await open_session([call("endless", {}), reply("no")], endless)

    def cancel() -> None:
        running.wait()
        token.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    async with asyncio.timeout(30):
        result = await session.turn("go").cancel(token).run()
    canceller.join()

    assert result.outcome == CANCELLED
