"""Listeners of a turn that are awaited: they never return, interrupt, or ask for the very turn that waits for them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lash_nb.core import LashSession
from lash_nb.wire import TurnActivity
from tests.runtime.desk import answers, messages_of, open_session, settle, texts


async def stuck(_: object) -> None:
    """A listener that never returns."""
    await asyncio.Event().wait()


async def never(_: object) -> str:
    """A model that never answers."""
    await asyncio.Event().wait()
    return ""


async def heard(task: "asyncio.Task[Any]") -> None:
    """Wait until the turn of a task has nothing to do but to wait for its listeners."""
    await settle()
    assert not task.done()


async def test_who_gives_up_waiting_for_a_listener_takes_nothing_back() -> None:
    """The turn was committed by then: the session goes on from it."""
    session = await open_session(answers("a", "b"))
    task = asyncio.ensure_future(session.turn("hi").stream_to(stuck))
    await heard(task)
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task
    assert (session.turn_index, texts(messages_of(session.graph))) == (1, ["hi", "a"])
    assert (await session.turn("again")).reply == "b"
    assert texts(messages_of(session.graph)) == ["hi", "a", "again", "b"]


async def test_a_cancellation_keeps_its_own_words() -> None:
    """Whoever gives up while the model is asked."""
    session = await open_session(never)
    task = asyncio.ensure_future(session.turn("hi").stream_to(stuck))
    await heard(task)
    task.cancel("why")
    with pytest.raises(asyncio.CancelledError, match="why"):
        await task


WAYS: dict[str, Callable[[LashSession], Awaitable[object] | object]] = {
    "cancel": lambda session: session.stepper.cancel(),
    "cancel_running_turns": lambda session: session.cancel_running_turns(),
    "close": lambda session: session.close(),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_cancelled_turn_does_not_wait_for_ever(way: str) -> None:
    """A listener that never returns is broken off, even one that does not listen to that; the turn is what it was."""
    left: list[str] = []
    go_on = asyncio.Event()

    async def deaf(_: object) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            left.append("told")
            await go_on.wait()

    session = await open_session(answers("a"))
    turn = session.start(session.turn("hi").watched_by(deaf))
    await settle()
    assert not turn.done
    ending = WAYS[way](session)
    if isinstance(ending, Awaitable):
        await asyncio.wait_for(ending, 5)
    assert (await asyncio.wait_for(turn.wait(), 5)).reply == "a"
    assert left == ["told"]
    go_on.set()
    await settle()


async def test_a_cancelled_turn_is_told_to_its_end_to_who_listens_promptly() -> None:
    """A moment is left to them."""
    told: list[TurnActivity] = []

    async def prompt(item: TurnActivity) -> None:
        await asyncio.sleep(0)
        told.append(item)

    session = await open_session(never)
    turn = session.start(session.turn("hi").watched_by(prompt))
    await settle()
    turn.cancel()
    result = await asyncio.wait_for(turn.wait(), 5)
    assert tuple(told) == result.activities


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)], ids=repr)
async def test_an_interrupt_of_an_awaited_listener_comes_out(error: BaseException) -> None:
    """When the turn is over and committed, although there was more to hear; nothing more is heard."""
    calls: list[object] = []

    async def interrupts(item: object) -> None:
        calls.append(item)
        raise error

    session = await open_session(answers("a", "b"))
    turn = session.start(session.turn("hi").watched_by(interrupts))
    await asyncio.wait_for(turn.settled(), 5)
    assert turn.error is error
    assert (len(calls), session.turn_index) == (1, 1)


@pytest.mark.parametrize("model", [never, answers("a")], ids=["in the model", "after the turn"])
async def test_a_turn_that_is_closed_breaks_its_listeners_off(model: Any) -> None:
    """As a loop does that ends in the middle: a closed coroutine waits for nothing any more."""
    left: list[str] = []

    async def listens(_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            left.append("left")

    session = await open_session(model)
    task = asyncio.ensure_future(session.turn("hi").stream_to(listens))
    await heard(task)
    work = task.get_coro()
    assert work is not None
    work.close()
    await settle()
    assert left == ["left"]
    task.cancel()
    await asyncio.wait({task})
    assert isinstance(task.exception(), RuntimeError)  # it cannot step what is closed


@pytest.mark.parametrize("way", ["result", "__anext__", "next_activity"])
async def test_an_awaited_listener_cannot_wait_for_its_own_stream(way: str) -> None:
    """The turn waits for it: it is told so, and the turn ends."""
    reports: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reports.append(report["exception"]))

    async def asks(_: object) -> None:
        for _ in range(9):
            await getattr(stream, way)()

    session = await open_session(answers("a"))
    stream = session.turn("hi").watched_by(asks).stream()
    assert (await asyncio.wait_for(stream.result(), 5)).reply == "a"
    assert {getattr(report, "code", "") for report in reports} == {"turn_inside_turn"}
