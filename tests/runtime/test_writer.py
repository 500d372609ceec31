"""One writer at a time, in order, on any loop."""

import asyncio

import pytest

from lash_nb.errors import CallerError
from lash_nb.runtime._writer import Writer


async def enter(writer: Writer, name: str, log: list[str]) -> None:
    """Take a turn that lasts one round of the loop."""
    async with writer:
        log.append(f"{name} in")
        await asyncio.sleep(0)
        log.append(f"{name} out")


async def test_turns_follow_each_other_in_order() -> None:
    """Nobody overtakes and nobody overlaps."""
    writer, log = Writer(), list[str]()
    await asyncio.gather(*(enter(writer, name, log) for name in "abc"))
    assert log == ["a in", "a out", "b in", "b out", "c in", "c out"]


async def test_one_who_gives_up_waiting_is_passed_over() -> None:
    """A cancelled waiter does not keep the next one out, neither before nor in the moment of being let in."""
    writer, log = Writer(), list[str]()
    async with writer:
        waiting = [asyncio.ensure_future(enter(writer, name, log)) for name in "ab"]
        await asyncio.sleep(0)
        waiting[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    await asyncio.wait_for(waiting[1], 1)
    assert log == ["b in", "b out"]


async def test_one_who_is_cancelled_when_let_in_passes_it_on() -> None:
    """The place is not lost with the one who had just got it."""
    writer, log = Writer(), list[str]()
    async with writer:
        waiting = [asyncio.ensure_future(enter(writer, name, log)) for name in "ab"]
        await asyncio.sleep(0)
    waiting[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    await asyncio.wait_for(waiting[1], 1)
    assert log == ["b in", "b out"]


def test_nothing_stays_bound_to_a_loop() -> None:
    """After waiting on one loop, waiting works on another."""
    writer, log = Writer(), list[str]()

    async def two() -> None:
        await asyncio.gather(enter(writer, "a", log), enter(writer, "b", log))

    asyncio.run(two())
    asyncio.run(two())
    assert len(log) == 8


def test_a_loop_that_was_closed_keeps_nobody_out() -> None:
    """Who waited on a loop that is gone will not come: the place goes to the next one."""
    writer, log = Writer(), list[str]()
    lost = enter(writer, "lost", log)

    async def hold() -> None:
        gone = asyncio.new_event_loop()
        async with writer:
            gone.call_soon(lost.send, None)
            await asyncio.to_thread(gone.run_until_complete, asyncio.sleep(0))
            gone.close()

    async def later() -> None:
        await hold()
        await asyncio.wait_for(enter(writer, "next", log), 1)

    asyncio.run(later())
    lost.close()
    assert log == ["next in", "next out"]


def test_who_comes_after_one_whose_loop_was_closed_is_told() -> None:
    """He would wait for ever: nobody gives the place back."""
    writer, log = Writer(), list[str]()

    async def stay() -> None:
        async with writer:
            await asyncio.Event().wait()

    loop = asyncio.new_event_loop()
    staying = loop.create_task(stay())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()

    with pytest.raises(CallerError, match="never ends; close the session and open it again") as refused:
        asyncio.run(enter(writer, "b", log))
    assert refused.value.code == "loop_closed"
    assert log == []
    staying.get_coro().close()
    staying._log_destroy_pending = False  # type: ignore[attr-defined]  # it is what this is about
