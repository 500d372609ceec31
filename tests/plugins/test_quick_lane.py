"""Plain functions that are done in no time run in a thread of their own; nobody notices but the clock."""

import asyncio
import contextlib
import ctypes
import os
import select
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from lash_nb.plugins import ToolContext, tool
from lash_nb.plugins._plain_call import PlainCall
from lash_nb.plugins._quick_lane import QuickJob, QuickLane
from lash_nb.plugins._waker import NearWaker, QueueWaker, Waker, new_waker
from lash_nb.wire import ToolCallOutput, ToolSuccess
from tests.plugins.test_function_tool import outcome_of
from tests.plugins.test_tool_threads import Throwing, ThrownError

WHO: ContextVar[str] = ContextVar("who", default="nobody")


def begun(lane: QuickLane, function: Callable[[], Any]) -> QuickJob:
    """What runs in a lane that is free, or is so in a moment."""
    while (job := lane.begin(PlainCall("quick", function, {}))) is None:
        time.sleep(0)
    return job


CONTEXT = ToolContext(session_id="s", agent_frame_id="f", replay_key="k")


def value(output: ToolCallOutput) -> object:
    """What a tool gave."""
    assert isinstance(output.outcome, ToolSuccess)
    return output.outcome.payload.value


async def test_every_call_runs_in_a_thread_and_in_the_callers_context() -> None:
    """The first call of a function and all quick ones after it see the caller's context, and never the loop's thread."""

    @tool
    def where() -> tuple[str, bool]:
        """Say for whom, and whether beside the loop."""
        return WHO.get(), threading.current_thread() is not threading.main_thread()

    WHO.set("me")
    seen = [value(await where.run({}, CONTEXT)) for _ in range(5)]

    assert seen == [("me", True)] * 5


async def test_a_quick_function_that_becomes_slow_does_not_hold_up_the_loop() -> None:
    """While a call takes its time, the loop goes on, and so do other quick functions."""
    gate = threading.Event()
    gate.set()

    @tool
    def wait() -> bool:
        """Wait at the gate."""
        return gate.wait(5)

    @tool
    def quick() -> str:
        """Be quick."""
        return "quick"

    for _ in range(3):
        await wait.run({}, CONTEXT)
        await quick.run({}, CONTEXT)
    gate.clear()
    slow = [asyncio.create_task(wait.run({}, CONTEXT)) for _ in range(3)]
    await asyncio.sleep(0.01)
    others = [value(await quick.run({}, CONTEXT)) for _ in range(3)]
    assert not any(task.done() for task in slow)
    gate.set()

    assert others == ["quick"] * 3
    assert [value(output) for output in await asyncio.gather(*slow)] == [True] * 3


async def test_a_quick_function_may_raise_and_be_called_again() -> None:
    """What a function raises is its own failure, call after call."""

    @tool
    def fail() -> None:
        """Fail."""
        message = "no"
        raise ValueError(message)

    done = [await outcome_of(fail) for _ in range(4)]

    assert {one.model_return.parts for one in done} == {done[0].model_return.parts}
    assert all(one.output.status == "failure" for one in done)


async def test_a_call_that_nobody_waits_for_leaves_the_lane_to_others() -> None:
    """A cancelled wait does not take the thread away from the next call."""
    gate = threading.Event()
    gate.set()

    @tool
    def wait() -> bool:
        """Wait at the gate."""
        return gate.wait(5)

    for _ in range(3):
        await wait.run({}, CONTEXT)
    gate.clear()
    left = asyncio.create_task(wait.run({}, CONTEXT))
    await asyncio.sleep(0.01)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    gate.set()

    assert value(await wait.run({}, CONTEXT)) is True


def test_one_function_serves_several_loops() -> None:
    """The thread belongs to no loop."""

    @tool
    def quick() -> str:
        """Be quick."""
        return "quick"

    async def several() -> list[object]:
        return [value(await quick.run({}, CONTEXT)) for _ in range(20)]

    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.extend(asyncio.run(several()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == ["quick"] * 60


def test_a_loop_that_closes_meanwhile_breaks_nothing() -> None:
    """A call that outlives its loop ends for itself, and the next loop is served."""
    gate = threading.Event()
    gate.set()

    @tool
    def wait() -> bool:
        """Wait at the gate."""
        return gate.wait(0.3)

    async def leave_one_behind() -> None:
        for _ in range(3):
            await wait.run({}, CONTEXT)
        gate.clear()
        left = asyncio.create_task(wait.run({}, CONTEXT))
        await asyncio.sleep(0.01)
        left.cancel()

    asyncio.run(leave_one_behind())
    gate.set()
    time.sleep(0.01)

    assert value(asyncio.run(wait.run({}, CONTEXT))) is True


async def test_what_is_thrown_into_the_idle_lane_loses_no_call() -> None:
    """The function that woke it runs, in the same thread, and so do those after it."""
    lane = QuickLane()
    idents = set[int]()
    for error in (None, ValueError, SystemExit, None):
        if error is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(max(idents)), ctypes.py_object(error))
        idents.add(await asyncio.wait_for(begun(lane, threading.get_ident).result(), 5))
    assert len(idents) == 1


async def test_a_lane_for_which_no_thread_can_be_begun_is_not_free_until_it_can() -> None:
    """The call goes elsewhere, and the lane is not lost."""
    lane = QuickLane()
    before = threading.stack_size(1 << 46)
    try:
        assert lane.begin(PlainCall("quick", int, {})) is None
    finally:
        threading.stack_size(before)
    assert await begun(lane, int).result() == 0


@pytest.mark.parametrize("waker", [QueueWaker, new_waker])
async def test_there_is_no_moment_at_which_what_is_thrown_into_the_lane_loses_a_call(
    waker: Callable[[], Waker],
) -> None:
    """The call that is under way ends with it at most, those after it run, and all in the same thread."""
    moment, thrown = 0, True
    while thrown:
        moment += 1
        lane, throwing, idents = QuickLane(waker), Throwing(ThrownError, moment), set[int]()
        await begun(lane, int).result()
        for function in (throwing.begin, threading.get_ident, throwing.end, threading.get_ident):
            with contextlib.suppress(ThrownError):
                idents.add(await asyncio.wait_for(begun(lane, function).result(), 5) or 0)
        thrown = bool(throwing.place)
        assert len(idents - {0}) == 1, throwing.place
    assert moment > 10


def test_a_call_that_ends_before_it_begins_is_no_longer_counted() -> None:
    """What was thrown into the thread is its end: nobody who leaves it then hears that it still runs."""
    call = PlainCall("quick", int, {})
    job = QuickJob(call, is_near=False)
    job.perform(ThrownError())
    job.tell()
    call.leave()

    assert not call.is_left


@pytest.mark.skipif(not hasattr(os, "eventfd"), reason="elsewhere nothing of the system is lent that could be closed")
@pytest.mark.parametrize("is_at_work", [True, False])
async def test_a_program_that_closes_descriptors_it_does_not_know_loses_no_call(
    is_at_work: bool, tmp_path: Path
) -> None:
    """Whether the lane's thread works meanwhile or sleeps: it spins nowhere, and what is opened next has nothing written into it."""
    waker = NearWaker(lambda: 0)
    wakers = iter([waker])
    lane = QuickLane(lambda: next(wakers, None) or new_waker())
    await begun(lane, int).result()
    if is_at_work:
        [thread] = (thread for thread in threading.enumerate() if thread.native_id == waker._thread)
        await begun(lane, lambda: os.close(waker._news)).result()
        thread.join(5)
        assert not thread.is_alive()
    else:
        os.close(waker._news)
    with (tmp_path / "theirs").open("wb") as theirs:
        assert theirs.fileno() == waker._news
        found = [await asyncio.wait_for(begun(lane, lambda: 7).result(), 5) for _ in range(3)]
        lane.begin_afresh()

        assert (found, os.fstat(theirs.fileno()).st_size) == ([7, 7, 7], 0)


@pytest.mark.skipif(not hasattr(os, "eventfd"), reason="as above")
async def test_a_call_goes_elsewhere_when_its_thread_cannot_be_woken() -> None:
    """Another of the system's own kind may have its number by then, and refuses; the next call has a thread of its own."""
    waker = NearWaker(lambda: 0)
    wakers = iter([waker])
    lane = QuickLane(lambda: next(wakers, None) or new_waker())
    await begun(lane, int).result()
    poll = select.epoll()
    os.dup2(poll.fileno(), waker._news)

    assert lane.begin(PlainCall("quick", int, {})) is None
    assert await asyncio.wait_for(begun(lane, int).result(), 5) == 0
    os.close(waker._news)
    poll.close()


def processors() -> set[int]:
    """Those that this thread may use; none where a system does not tell."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


async def test_a_function_may_use_every_processor_and_so_may_what_it_starts() -> None:
    """The thread waits on the loop's processor and is bound to it no longer when it works."""
    seen: list[set[int]] = []

    @tool
    def look() -> None:
        """See where this and a thread of its own may run."""
        seen.append(processors())
        thread = threading.Thread(target=lambda: seen.append(processors()))
        thread.start()
        thread.join()

    look._was_quick = True  # whatever this machine takes to start a thread
    for _ in range(5):
        await look.run({}, CONTEXT)
        look._was_quick = True
    assert seen == [processors()] * 10


async def test_processors_that_are_taken_away_meanwhile_are_not_asked_for() -> None:
    """A thread may go on where the one that called it may, and the next call is served, too."""
    whole = processors()

    @tool
    def look() -> list[int]:
        """See where this may run."""
        return sorted(processors())

    async def twice() -> object:
        look._was_quick = True
        await look.run({}, CONTEXT)
        look._was_quick = True
        return value(await look.run({}, CONTEXT))

    await twice()
    try:
        if whole:
            os.sched_setaffinity(0, {max(whole)})
        narrow = await twice()
    finally:
        if whole:
            os.sched_setaffinity(0, whole)
    assert narrow == [max(whole)] if whole else narrow == []
    assert await twice() == sorted(whole)
