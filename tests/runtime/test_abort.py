"""Ctrl-C in the middle of a turn: nothing that was committed is lost, and the session takes the next turn."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lash_nb.core import AwaitedTurn, stand_around_turns
from lash_nb.plugins import hearing_tools_raise, tool
from lash_nb.providers import call, hearing_providers_raise, reply
from lash_nb.stores import FullGraph
from lash_nb.wire import (
    LlmRequest,
    LlmResponse,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    messages_are_prompt_resume_safe,
)
from tests.runtime.desk import (
    ActingHost,
    ActingStore,
    Perform,
    abort,
    after,
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


async def aborted_before(_: RuntimeEffectEnvelope, perform: Perform) -> RuntimeEffectOutcome:
    """Stop instead of performing."""
    await abort()
    return await perform()


async def aborted_after(_: RuntimeEffectEnvelope, perform: Perform) -> RuntimeEffectOutcome:
    """Stop after performing."""
    outcome = await perform()
    await abort()
    return outcome


KEPT_AT = {1: ["User"], 2: ["User"], 3: ["User"], 4: ["User"]}
"""What is committed when a turn with a tool is stopped at that effect; later the tool's call and result are."""


@pytest.mark.parametrize("act", [aborted_before, aborted_after])
@pytest.mark.parametrize("number", range(1, 8))
async def test_an_abort_at_any_effect_keeps_what_was_committed(number: int, act: Any) -> None:
    """The next turn stands on exactly what the store has, and so does a session opened from the store."""
    store = ActingStore()
    session = await open_session(tool_then_answer, weather, host=ActingHost(after(number, act)), store=store)
    turn = session.start("hi")
    await turn.settled()
    assert isinstance(turn.error, asyncio.CancelledError)
    stored = await store.load_session(FullGraph())
    assert stored is not None
    kept = roles(messages_of(stored.graph))
    assert kept == KEPT_AT.get(number, ["User", "Assistant", "User"])
    assert messages_are_prompt_resume_safe(messages_of(stored.graph))

    result = await session.turn("again").run()
    assert result.reply == "The sky is clear."
    assert result.turn_index == 2
    assert roles(messages_of(session.graph)) == [*kept, "User", "Assistant", "User", "Assistant"]
    legal(session.graph)
    reread = await store.load_session(FullGraph())
    assert reread is not None
    assert reread.graph == session.graph


async def test_a_model_that_numbers_its_calls_anew_loses_nothing_more_in_an_abort() -> None:
    """What a tool gave in the second turn is kept as that of the first, although both calls have one id."""

    def answer(request: LlmRequest) -> LlmResponse:
        asked = not any(block.ToolResult for block in request.messages[-1].blocks)
        return call("weather", {"city": "Oslo"}, id="call_0") if asked else reply("Clear.")

    store = ActingStore()
    session = await open_session(answer, weather, host=ActingHost(after(7 + 6, aborted_before)), store=store)
    await session.turn("first").run()
    turn = session.start("hi")
    await turn.settled()
    stored = await store.load_session(FullGraph())
    assert isinstance(turn.error, asyncio.CancelledError)
    assert stored is not None
    assert roles(messages_of(stored.graph)) == ["User", "Assistant", "User", "Assistant", "User", "Assistant", "User"]


@pytest.mark.parametrize("act", [aborted_before, aborted_after])
@pytest.mark.parametrize("number", range(1, 8))
async def test_an_abort_without_a_store_takes_the_turn_back(number: int, act: Any) -> None:
    """Without a store a turn is kept whole or not at all."""
    session = await open_session(tool_then_answer, weather, host=ActingHost(after(number + 7, act)), stored=False)
    await session.turn("first").run()
    before = session.graph
    turn = session.start("hi")
    await turn.settled()
    assert isinstance(turn.error, asyncio.CancelledError)
    assert (session.graph, session.turn_index) == (before, 1)
    result = await session.turn("again").run()
    assert (result.turn_index, result.reply) == (2, "The sky is clear.")
    assert texts(messages_of(session.graph))[-1] == "The sky is clear."
    legal(session.graph)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", [1, 2, 3])
async def test_an_abort_inside_a_commit_leaves_one_truth(number: int, moment: str) -> None:
    """Whether the store took the commit or not, session and store say the same after the next turn."""
    store = ActingStore()

    async def at_that_commit(commit: int) -> None:
        if commit == number:
            await abort()

    setattr(store, moment, at_that_commit)
    session = await open_session(tool_then_answer, weather, store=store)
    turn = session.start("hi")
    await turn.settled()
    stored = await store.load_session(FullGraph())
    kept = messages_of(stored.graph) if stored else []
    result = await session.turn("again").run()
    assert result.is_success
    assert messages_of(session.graph)[: len(kept)] == kept
    legal(session.graph)
    reread = await store.load_session(FullGraph())
    assert reread is not None
    assert reread.graph == session.graph
    assert sum(row.usage.total for row in reread.token_ledger) == session.usage_report().usage.total_tokens


async def test_no_tool_fires_after_an_abort() -> None:
    """The aborted task waits for the running tool to end, and starts no other."""
    fired: list[str] = []

    @tool
    async def slow(name: str) -> str:
        """Take a while, also to clean up.

        Args:
            name: Which one.
        """
        fired.append(f"{name} starts")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            fired.append(f"{name} ends")
        return name

    session = await open_session([call("slow", {"name": "a"}), "fine"], slow)
    turn = session.start("hi")
    await settle()
    turn.abort()
    await turn.settled()
    assert fired == ["a starts", "a ends"]
    await settle()
    assert fired == ["a starts", "a ends"]
    assert [entry.status for entry in session.effects if entry.envelope.kind == "tool_call"] == ["cancelled"]
    assert (await session.turn("again").run()).reply == "fine"


async def test_an_abort_while_a_turn_waits_for_another_disturbs_neither() -> None:
    """The waiting turn leaves the queue; the running one and the next ones go on."""
    gate = asyncio.Event()

    async def model(_: Any) -> str:
        await gate.wait()
        return "ok"

    session = await open_session(model)
    first, second, third = session.start("one"), session.start("two"), session.start("three")
    await settle()
    second.abort()
    await second.settled()
    gate.set()
    assert ((await first.wait()).reply, (await third.wait()).reply) == ("ok", "ok")
    assert texts(messages_of(session.graph)) == ["one", "ok", "three", "ok"]


async def test_an_abort_leaves_no_task_behind() -> None:
    """After the end no task of the turn is alive."""
    before = asyncio.all_tasks()

    async def model(_: Any) -> None:
        await asyncio.Event().wait()

    session = await open_session(model)
    turn = session.start("hi")
    await settle()
    turn.abort()
    await turn.settled()
    del turn
    gc.collect()
    assert asyncio.all_tasks() == before


def test_a_session_lives_through_several_loops() -> None:
    """Nothing is bound to a loop between turns, also not when turns had to wait for each other."""

    async def model(_: Any) -> str:
        await asyncio.sleep(0)
        return "ok"

    async def opened() -> Any:
        return await open_session(model)

    async def two_at_once(session: Any) -> list[str]:
        results = await asyncio.gather(session.turn("a").run(), session.turn("b").run())
        return [result.reply for result in results]

    async def aborted_at_once(session: Any) -> None:
        turns = [session.start("x"), session.start("y")]
        await asyncio.sleep(0)
        for turn in turns:
            turn.abort()
            await turn.settled()

    session = asyncio.run(opened())
    for _ in range(3):
        assert asyncio.run(two_at_once(session)) == ["ok", "ok"]
        asyncio.run(aborted_at_once(session))
    legal(session.graph)


async def test_an_interrupt_is_an_abort() -> None:
    """A KeyboardInterrupt that reaches the turn itself takes back what is not committed and goes on to the caller."""

    async def interrupted(_: RuntimeEffectEnvelope, __: Perform) -> RuntimeEffectOutcome:
        raise KeyboardInterrupt

    session = await open_session(answers("ok"), host=ActingHost(after(2, interrupted)))
    coroutine = session.turn("hi").run()
    with pytest.raises(KeyboardInterrupt):
        await coroutine
    assert (await session.turn("again").run()).reply == "ok"
    assert texts(messages_of(session.graph)) == ["hi", "again", "ok"]


@pytest.mark.parametrize("asks", ["model", "tool"])
async def test_a_turn_that_is_closed_leaves_no_task_behind(asks: str) -> None:
    """Nothing can be awaited there: what it waits for ends by itself, and the loop has nothing to complain of."""
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told["message"]))
    waits = asyncio.Event()
    ended: list[str] = []

    async def for_ever() -> None:
        try:
            waits.set()
            await asyncio.Event().wait()
        finally:
            ended.append(asks)

    async def model(_: LlmRequest) -> LlmResponse:
        await for_ever()
        return reply("never")

    @tool
    async def stuck() -> None:
        """Never return."""
        await for_ever()

    session = await open_session(model if asks == "model" else [call("stuck"), "next"], stuck)
    turn = asyncio.ensure_future(session.turn("hi").run())
    await waits.wait()
    work = turn.get_coro()
    assert work is not None
    work.close()
    await settle()
    gc.collect()
    assert (ended, complaints) == ([asks], [])
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert isinstance(turn.exception(), RuntimeError)  # it cannot step what is closed


async def test_a_turn_that_is_closed_is_over_also_where_somebody_listens() -> None:
    """A notebook listens around each turn; whoever closes one is in another context than the turn."""
    waits = asyncio.Event()

    async def model(_: LlmRequest) -> LlmResponse:
        if not waits.is_set():
            waits.set()
            await asyncio.Event().wait()
        return reply("well")

    @contextmanager
    def listening(_: AwaitedTurn) -> Iterator[None]:
        with hearing_tools_raise(lambda *_: None), hearing_providers_raise(lambda _: None):
            yield

    leave = stand_around_turns(listening)
    try:
        session = await open_session(model)
        turn = asyncio.ensure_future(session.turn("hi").run())
        await waits.wait()
        work = turn.get_coro()
        assert work is not None
        work.close()
        await settle()
        assert session.stepper.state != "running"
        assert isinstance(turn.exception(), RuntimeError)  # it cannot step what is closed
        assert (await session.turn("again").run()).reply == "well"
    finally:
        leave()
