"""Plain functions that nobody waits for any more: what becomes of them, and of those that come after."""

import asyncio
import ctypes
import gc
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import pytest

from lash_nb.clock import CancellationToken
from lash_nb.plugins import ToolContext, left_running, tool
from lash_nb.plugins._plain_call import PlainCall
from lash_nb.plugins._quick_lane import QuickLane
from lash_nb.plugins._tool_threads import NoThreadError, ToolThreads
from lash_nb.providers import call, calls
from lash_nb.wire import ToolFailed
from tests.runtime.desk import open_session, settle


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What functions wait for that never end by themselves; opened when the test is over."""
    made = threading.Event()
    yield made
    made.set()


async def until(holds: Callable[[], object]) -> None:
    """Wait until this is true."""
    for _ in range(2_000):
        if holds():
            return
        await asyncio.sleep(0.001)
    raise TimeoutError


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run it in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-c", program]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


async def test_a_function_that_is_cut_off_is_told_and_is_named_until_it_ends(gate: threading.Event) -> None:
    """Its token is cancelled, so that it can stop; until then it is among those that are left."""
    began, told = threading.Event(), list[bool]()

    @tool
    def patient(context: ToolContext) -> None:
        """Wait, and look at the token."""
        began.set()
        gate.wait()
        assert context.cancellation is not None
        told.append(context.cancellation.cancelled)

    token = CancellationToken()
    session = await open_session([call("patient")], patient)
    turn = asyncio.create_task(session.turn("hi").cancel(token).run())
    await until(began.is_set)
    token.cancel()
    result = await turn

    assert (result.outcome.stopped, left_running()) == ("cancelled", ["patient"])
    gate.set()
    await until(lambda: not left_running())
    assert told == [True]


async def test_a_function_of_an_aborted_turn_is_told_too(gate: threading.Event) -> None:
    """Nobody cancelled the turn's token, and still it hears that nobody waits."""
    seen: list[CancellationToken | None] = []

    @tool
    def patient(context: ToolContext) -> None:
        """Wait."""
        seen.append(context.cancellation)
        gate.wait()

    session = await open_session([call("patient")], patient)
    turn = session.start("hi")
    await until(lambda: seen)
    turn.abort()
    await turn.settled()

    assert [token is not None and token.cancelled for token in seen] == [True]
    assert left_running() == ["patient"]


async def test_a_thousand_functions_that_never_end_leave_a_clear_message(gate: threading.Event) -> None:
    """Those that come after do not wait in silence: their calls fail, and say what takes the threads."""
    began = list[bool]()

    @tool
    def stubborn() -> None:
        """Never end."""
        began.append(True)
        gate.wait()

    @tool
    def polite() -> str:
        """End."""
        return "done"

    context = ToolContext(session_id="s", agent_frame_id="f", replay_key="k")
    calls = [asyncio.create_task(stubborn.run({}, context)) for _ in range(1_000)]
    await until(lambda: len(began) == 64)
    waiting = asyncio.create_task(polite.run({}, context))
    await settle()
    for one in calls:
        one.cancel()
    await asyncio.wait(calls)
    late = [await waiting, await polite.run({}, context)]

    for output in late:
        assert isinstance(output.outcome, ToolFailed)
        assert (output.outcome.payload.class_, output.outcome.payload.code) == ("resource_limit", "tool_threads")
        assert "64 plain functions that were cancelled still run (stubborn ×64)" in output.outcome.payload.message
    gate.set()
    await until(lambda: not left_running())
    assert (await polite.run({}, context)).value_for_projection() == "done"


async def test_a_function_that_was_not_begun_never_is(gate: threading.Event) -> None:
    """Who leaves before there is a thread leaves nothing behind."""
    threads, began = ToolThreads(most=1), []
    first = asyncio.create_task(threads.run(PlainCall("first", gate.wait, {})))
    second = asyncio.create_task(threads.run(PlainCall("second", lambda: began.append(2), {})))
    await settle()
    second.cancel()
    await asyncio.wait([second])
    gate.set()

    assert await first is True
    assert await threads.run(PlainCall("third", lambda: 3, {})) == 3
    assert (began, list(left_running())) == ([], [])


async def test_threads_are_used_again(gate: threading.Event) -> None:
    """One after the other takes one thread, side by side takes as many as there are."""
    threads, seen = ToolThreads(most=3), set[int]()

    def note() -> None:
        seen.add(threading.get_ident())

    for _ in range(20):
        await threads.run(PlainCall("note", note, {}))
    assert len(seen) == 1
    waits = [asyncio.create_task(threads.run(PlainCall("wait", gate.wait, {}))) for _ in range(5)]
    await settle()
    gate.set()
    assert await asyncio.gather(*waits) == [True] * 5


async def test_who_waits_for_a_thread_waits_as_long_as_one_may_be_free(gate: threading.Event) -> None:
    """As long as one of those that run is wanted, waiting is worth it."""
    threads, began = ToolThreads(most=2), list[bool]()

    def wait() -> None:
        began.append(True)
        gate.wait()

    left, wanted = (asyncio.create_task(threads.run(PlainCall("wait", wait, {}))) for _ in range(2))
    await until(lambda: len(began) == 2)
    left.cancel()
    await asyncio.wait([left])
    third = asyncio.create_task(threads.run(PlainCall("third", lambda: 3, {})))
    await settle()
    assert not third.done()
    wanted.cancel()
    with pytest.raises(NoThreadError):
        await third


async def test_a_function_for_which_no_thread_can_be_begun_fails_and_never_runs(gate: threading.Event) -> None:
    """Not later either, when a thread is free: its caller was told."""
    threads, began = ToolThreads(), list[int]()
    first = asyncio.create_task(threads.run(PlainCall("first", gate.wait, {})))
    await settle()
    before = threading.stack_size(1 << 46)
    try:
        with pytest.raises(NoThreadError, match="can't start new thread"):
            await threads.run(PlainCall("second", lambda: began.append(2), {}))
    finally:
        threading.stack_size(before)
    gate.set()

    assert await first is True
    assert await threads.run(PlainCall("third", lambda: 3, {})) == 3
    assert began == []


async def test_a_function_that_waits_for_another_does_not_wait_for_its_own_thread() -> None:
    """It gives its place away as long as it waits, and so do those that it calls."""
    threads = ToolThreads(most=2)
    all_run = threading.Barrier(2)

    def outer(level: int) -> int:
        if level == 2:
            all_run.wait(5)
        return level and 1 + asyncio.run(threads.run(PlainCall("outer", outer, {"level": level - 1})))

    calls = [threads.run(PlainCall("outer", outer, {"level": 2})) for _ in range(6)]
    assert await asyncio.wait_for(asyncio.gather(*calls), 10) == [2] * 6


async def test_functions_that_are_called_from_another_loop_do_not_wait_for_the_callers_thread() -> None:
    """A function that hands a coroutine to the loop that called it waits for it as well."""
    threads, loop = ToolThreads(most=2), asyncio.get_running_loop()

    async def nested() -> object:
        return await threads.run(PlainCall("inner", lambda: 1, {}))

    def outer() -> object:
        return asyncio.run_coroutine_threadsafe(nested(), loop).result(2)

    assert await asyncio.gather(*(threads.run(PlainCall("outer", outer, {})) for _ in range(4))) == [1] * 4


async def test_a_function_that_calls_many_gives_away_no_more_than_its_place(gate: threading.Event) -> None:
    """They queue as all do, and run side by side as many as there are threads."""
    threads, running, seen = ToolThreads(most=3), set[int](), list[int]()

    def inner() -> None:
        running.add(threading.get_ident())
        seen.append(len(running))
        gate.wait(0.001)
        running.discard(threading.get_ident())

    async def many() -> None:
        await asyncio.gather(*(threads.run(PlainCall("inner", inner, {})) for _ in range(50)))

    await threads.run(PlainCall("outer", lambda: asyncio.run(many()), {}))
    assert (len(seen), max(seen) <= 3) == (50, True)


async def test_functions_that_never_end_take_the_places_of_those_that_called_them(gate: threading.Event) -> None:
    """Who calls the next one is told that there is no thread, and does not wait for ever."""
    threads, began = ToolThreads(most=1), threading.Event()

    def stubborn() -> None:
        began.set()
        gate.wait()

    async def nested() -> str:
        left = asyncio.create_task(threads.run(PlainCall("stubborn", stubborn, {})))
        await until(began.is_set)
        left.cancel()
        await asyncio.wait([left])
        with pytest.raises(NoThreadError, match=r"1 plain functions that were cancelled still run \(stubborn\)"):
            await threads.run(PlainCall("second", lambda: 2, {}))
        return "told"

    outer = threads.run(PlainCall("outer", lambda: asyncio.run(nested()), {}))
    assert await asyncio.wait_for(outer, 5) == "told"


async def test_a_call_whose_coroutine_is_closed_never_begins(gate: threading.Event) -> None:
    """Nobody waits for it, as if it were cancelled."""
    threads, began = ToolThreads(most=1), list[int]()
    first = asyncio.create_task(threads.run(PlainCall("first", gate.wait, {})))
    await settle()
    second = threads.run(PlainCall("second", lambda: began.append(2), {}))
    second.send(None)
    second.close()
    gate.set()

    assert await first is True
    assert await threads.run(PlainCall("third", lambda: 3, {})) == 3
    assert began == []


def test_a_call_that_never_began_was_not_quick() -> None:
    """It says nothing about how long the function takes, and is not among those that are left."""
    dropped = PlainCall("dropped", print, {})
    dropped.drop()
    dropped.leave()

    assert (dropped.took_ns, dropped.is_left) == (None, False)


async def test_as_many_tools_as_there_are_threads_may_run_turns_of_their_own() -> None:
    """Whose tools are plain functions, too."""
    begun = threading.Barrier(64)

    @tool
    def inner() -> int:
        """Count to one."""
        return 1

    @tool
    def outer() -> str:
        """Ask a model of its own."""
        begun.wait(10)
        return asyncio.run(asked())

    async def asked() -> str:
        session = await open_session([call("inner"), "done"], inner)
        return (await session.turn("hi")).reply

    context = ToolContext(session_id="s", agent_frame_id="f", replay_key="k")
    outputs = await asyncio.wait_for(asyncio.gather(*(outer.run({}, context) for _ in range(64))), 30)
    assert {output.value_for_projection() for output in outputs} == {"done"}


async def test_as_many_tools_as_there_are_threads_may_begin_threads_of_their_own() -> None:
    """Which run turns in loops of their own, whose tools are plain functions: of each loop one function runs in any case."""
    begun = threading.Barrier(64)

    @tool
    def inner() -> int:
        """Count to one."""
        return 1

    @tool
    def outer() -> str:
        """Ask a model in a thread that it begins by hand, in which its context is not."""
        begun.wait(10)
        with ThreadPoolExecutor(1) as own:
            return own.submit(asyncio.run, asked()).result()

    async def asked() -> str:
        session = await open_session([calls(("", "inner", {}), ("", "inner", {})), "done"], inner)
        return (await session.turn("hi")).reply

    context = ToolContext(session_id="s", agent_frame_id="f", replay_key="k")
    outputs = await asyncio.wait_for(asyncio.gather(*(outer.run({}, context) for _ in range(64))), 30)
    assert {output.value_for_projection() for output in outputs} == {"done"}


async def test_of_each_loop_one_function_runs_beyond_the_most_and_the_next_when_that_is_over(
    gate: threading.Event,
) -> None:
    """Whichever waited before; those of one loop alone never are more than the most."""
    threads, running, seen = ToolThreads(most=1), list[int](), list[int]()

    def inner() -> None:
        running.append(1)
        seen.append(len(running))
        gate.wait(0.001)
        running.pop()

    async def many() -> None:
        await asyncio.gather(*(threads.run(PlainCall("inner", inner, {})) for _ in range(9)))

    def by_hand() -> None:
        thread = threading.Thread(target=asyncio.run, args=(many(),))
        thread.start()
        thread.join(10)
        assert not thread.is_alive()

    outers = [threads.run(PlainCall("outer", by_hand, {})) for _ in range(3)]
    await asyncio.wait_for(asyncio.gather(*outers), 20)
    assert (len(seen), max(seen)) == (27, 1)


async def test_a_call_that_waits_long_for_a_thread_is_told_of(
    gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    """A function may wait for it in a way that nobody knows: the words say which, and what to do."""
    threads, loop = ToolThreads(most=1, patience=0.01), asyncio.get_running_loop()

    async def nested() -> object:
        return await threads.run(PlainCall("inner", lambda: 1, {}))

    def by_hand() -> object:
        with ThreadPoolExecutor(1) as own:
            asked = own.submit(lambda: asyncio.run_coroutine_threadsafe(nested(), loop)).result()
        gate.wait()
        return asked

    outer = asyncio.ensure_future(threads.run(PlainCall("outer", by_hand, {})))
    await until(lambda: caplog.messages)
    assert caplog.text.count("has waited") == 1
    assert "tool inner has waited 0.01 s for a thread; all are taken, by outer." in caplog.text
    assert "let it make the call in its own context, as asyncio.to_thread and" in caplog.text
    gate.set()
    asked = await outer
    assert await asyncio.wrap_future(asked) == 1


async def test_what_is_thrown_into_an_idle_thread_loses_no_call() -> None:
    """As a debugger or a time limit of somebody else's does it: the next function runs, in the same thread."""
    threads = ToolThreads(most=1)
    ident = await threads.run(PlainCall("where", threading.get_ident, {}))
    for error in (ValueError, SystemExit):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(error))
        assert await asyncio.wait_for(threads.run(PlainCall("where", threading.get_ident, {})), 5) == ident


async def test_what_is_thrown_into_a_busy_thread_is_the_end_of_its_call() -> None:
    """As a helper that interrupts does it; the thread has the next call."""
    threads = ToolThreads(most=1)
    idents: list[int] = []

    def busy() -> None:
        idents.append(threading.get_ident())
        while True:
            pass

    call = asyncio.ensure_future(threads.run(PlainCall("busy", busy, {})))
    await until(lambda: idents)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(idents[0]), ctypes.py_object(ThrownError))
    with pytest.raises(ThrownError):
        await asyncio.wait_for(call, 5)
    assert await threads.run(PlainCall("where", threading.get_ident, {})) == idents[0]


class ThrownError(Exception):
    """What is thrown."""


@pytest.mark.parametrize("error", [ThrownError, RuntimeError, StopIteration, SystemExit])
async def test_no_moment_at_which_something_is_thrown_into_a_thread_loses_a_call(error: type[BaseException]) -> None:
    """The interpreter looks for it after each call and at the beginning of each function: from one call of a tool to the end of the next."""
    threads = ToolThreads(most=1)
    moment, thrown = 0, True
    while thrown:
        moment += 1
        throwing = Throwing(error, moment)
        for function in (throwing.begin, int, throwing.end):
            try:
                async with asyncio.timeout(5):
                    returned = await threads.run(PlainCall("one", function, {}))
            except (ThrownError, RuntimeError, SystemExit) as raised:
                returned = isinstance(raised, error) or error is StopIteration
            assert returned in (0, None, True), throwing.place
        thrown = bool(throwing.place)
    assert moment > 50
    assert list(left_running()) == []


class Throwing:
    """Raises an error at the so manieth moment in the thread in which it begins."""

    def __init__(self, error: type[BaseException], moment: int) -> None:
        self._error = error
        self._moments = moment
        self.place = ""
        """Where that was."""

    def begin(self) -> None:
        """Begin to count."""
        sys.setprofile(self._look)

    def end(self) -> None:
        """Count no more."""
        sys.setprofile(None)

    def _look(self, frame: FrameType, event: str, called: object) -> None:
        is_ours = any(name in frame.f_code.co_filename for name in ("lash_nb", "asyncio"))
        self._moments -= is_ours and event in ("call", "return", "c_return")
        if not self._moments and not self.place:
            self.place = f"{frame.f_code.co_qualname}, line {frame.f_lineno}, {event} {called}"
            raise self._error


@pytest.mark.skipif(sys.version_info < (3, 14), reason="before, nothing came between a `with` and its body")
@pytest.mark.parametrize("way", ["threads", "lane"])
async def test_an_interrupt_of_who_takes_a_lock_holds_up_nobody_else(way: str) -> None:
    """It comes when the lock is taken and before anything is there that would give it back."""
    threads, lane = ToolThreads(most=1), QuickLane()

    async def one() -> object:
        call = PlainCall("one", int, {})
        job = lane.begin(call) if way == "lane" else None
        return await (threads.run(call) if job is None else job.result())

    def interrupt(_: FrameType, event: str, called: object) -> None:
        if event == "c_return" and "RLock" in repr(called) and "__enter__" in repr(called):
            sys.setprofile(None)
            raise ThrownError

    sys.setprofile(interrupt)
    with pytest.raises(ThrownError):
        await one()
    other = threading.Thread(target=asyncio.run, args=(one(),), daemon=True)
    other.start()
    await until(lambda: not other.is_alive())


async def test_a_call_that_is_collected_while_another_one_is_taken_in_leaves_that_one_its_lock(
    gate: threading.Event,
) -> None:
    """The collector comes at any moment, in whatever thread: nobody else may come in between."""
    threads = ToolThreads(most=1)
    left = threads.run(PlainCall("left", gate.wait, {}))
    left.send(None)
    others: list[bool] = []
    lock = threads._lock

    def come_in() -> None:
        others.append(lock.acquire(blocking=False))

    with lock:
        left.close()
        other = threading.Thread(target=come_in)
        other.start()
        other.join()

    assert others == [False]


async def test_who_leaves_before_there_is_a_thread_takes_the_arguments_along(gate: threading.Event) -> None:
    """They may be large, and the thread may never be free."""

    class Large:
        """What a tool is given."""

    threads = ToolThreads(most=1)
    first = asyncio.create_task(threads.run(PlainCall("first", gate.wait, {})))
    given = Large()
    seen = weakref.ref(given)
    second = asyncio.create_task(threads.run(PlainCall("second", print, {"sep": given})))
    del given
    await settle()
    second.cancel()
    await asyncio.wait([second])
    del second
    gc.collect()

    assert seen() is None
    gate.set()
    assert await first is True


RETURNING = """
import asyncio, os, sys, lash_nb
from lash_nb.plugins import ToolContext

EXITS = {"exit": 3, "huge": 2**70 + 4, "text": "that is all"}

@lash_nb.tool
def fork(way: str) -> int:
    "Fork, and leave it to the child to go on."
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if way == "closed":
        os.close(2)
    if way in EXITS:
        sys.exit(EXITS[way])
    return 1 // (way == "return")

async def main():
    context = ToolContext(session_id="s", agent_frame_id="f", replay_key="k")
    for way in ("return", "raise", "exit", "huge", "text", "closed", "return"):
        print((await fork.run({"way": way}, context)).value_for_projection())

asyncio.run(main())
print("over")
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes do not fork here")
def test_the_child_of_a_function_that_forks_ends_with_it() -> None:
    """It runs nothing of the program that follows, and what was wrong is said; a child that ends itself is left alone."""
    done = run(RETURNING)

    assert done.stdout == "1\n1\n3\n4\n1\n1\n1\nover\n", done.stderr
    told = [line.split(", for ")[-1] for line in done.stderr.splitlines()]
    returned, raised = (
        f"tool fork forked and {how} in it; end the child with os._exit, or use subprocess"
        for how in ("returned", "raised ZeroDivisionError")
    )
    assert told == [returned, raised, "that is all", returned]


FORKING = """
import asyncio, os, time, lash_nb
from lash_nb.plugins import ToolContext, left_running

@lash_nb.tool
def quick() -> str:
    "End."
    return "done"

@lash_nb.tool
def slow() -> str:
    "End a little later."
    time.sleep(0.01)
    return "done"

async def both():
    context = ToolContext(session_id="s", agent_frame_id="f", replay_key="k")
    calls = (one.run({}, context) for one in (slow, quick, quick))
    return [(await asyncio.wait_for(one, 10)).value_for_projection() for one in calls]

asyncio.run(both())
child = os.fork()
if child:
    print("parent", asyncio.run(both()), os.waitpid(child, 0)[1])
else:
    print("child", asyncio.run(both()), left_running(), flush=True)
    os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes do not fork here")
def test_plain_functions_run_in_a_forked_process() -> None:
    """It has none of the threads, and begins its own."""
    done = run(FORKING)

    assert done.stdout == "child ['done', 'done', 'done'] []\nparent ['done', 'done', 'done'] 0\n", done.stderr


PROGRAM = """
import asyncio, threading, lash_nb
from lash_nb import LashCore, ScriptedProvider, call
from lash_nb.plugins import ToolContext, _tool_threads
_tool_threads._EXIT_SECONDS = 0.05

quick = QUICK

@lash_nb.tool
def stubborn() -> None:
    "Never end, but for the first times where it is quick."
    global quick
    quick -= 1
    quick >= 0 or threading.Event().wait()

async def main():
    context = ToolContext(session_id="s", agent_frame_id="f", replay_key="k")
    while quick:
        await stubborn.run({}, context)
    core = LashCore.standard().in_memory().provider(ScriptedProvider([call("stubborn")])).model("m").tools(stubborn).build()
    session = await core.session("s").open()
    running = session.start("hi")
    while not any(entry.envelope.kind == "tool_call" for entry in session.effects):
        await asyncio.sleep(0.001)
    running.cancel()
    print((await running.wait()).outcome.reason)

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("quick", [0, 20])
def test_the_process_ends(quick: int) -> None:
    """Also while a function runs that never does, be it one that was quick before; what is broken off is said."""
    done = run(PROGRAM.replace("QUICK", str(quick)))

    assert (done.stdout, done.returncode) == ("cancelled\n", 0)
    assert done.stderr == "lash_nb: broken off in their threads: stubborn\n"
