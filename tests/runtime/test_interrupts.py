"""A Ctrl-C at any place of a turn's beginning: what it had taken is free at once, and the session goes on."""

import asyncio
import gc
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from lash_nb.clock import RandomIds
from lash_nb.core import LashSession
from lash_nb.providers import reply
from lash_nb.runtime._writer import Writer
from lash_nb.stores import InMemorySessionStore, SqliteSessionStore
from lash_nb.wire import LlmRequest, LlmResponse
from tests.interrupts import Interrupter
from tests.runtime.desk import builder

_CLAIMING: Final = frozenset(
    (
        "_commands.py",
        "_memory_queue.py",
        "_memory_session.py",
        "_queue_claims.py",
        "_queue_drain.py",
        "_queue_ops.py",
        "_sqlite_queue.py",
        "_sqlite_queue_rows.py",
    )
)
_STANDING: Final = frozenset(("_graph.py", "_state.py"))
"""Where work is claimed, and where a session notes how it stands."""


def answer(_: LlmRequest) -> LlmResponse:
    """Answer, and let no interrupt come from then on: what a turn does with its tasks is another story."""
    sys.settrace(None)
    return reply("done")


async def taken(session: LashSession, interrupter: Interrupter) -> None:
    """Run a command and a turn of queued work in which the interrupt comes."""
    await session.control.commands.reset(reason="test")
    await session.queue("work")
    sys.settrace(interrupter)
    await session.next_queued_turn()
    await session.next_queued_turn()


def interrupted(session: LashSession, interrupter: Interrupter) -> None:
    """Do that on an event loop of its own, which the interrupt ends."""
    before = sys.gettrace()
    try:
        asyncio.run(taken(session, interrupter))
    except KeyboardInterrupt:
        assert interrupter.hit
    finally:
        sys.settrace(before)


async def goes_on(session: LashSession) -> None:
    """Check that nobody holds anything, and run a turn."""
    assert session.store is not None
    waiting = await session.store.list_queued_work("demo")
    assert await session.store.list_pending_queued_work("demo") == waiting
    assert (await session.turn("next")).reply == "done"
    await session.close()


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("kind", "modules"),
    [("memory", _CLAIMING), ("sqlite", _CLAIMING), ("memory", _STANDING)],
    ids=["memory", "sqlite", "state"],
)
def test_an_interrupt_leaves_no_claim_and_a_session_that_goes_on(
    tmp_path: Path, kind: str, modules: frozenset[str]
) -> None:
    """Otherwise the whole queue would wait for the end of a lease that nobody holds."""
    core = builder(answer).ids(RandomIds()).build()
    for after in range(1000):
        store = InMemorySessionStore() if kind == "memory" else SqliteSessionStore(tmp_path / f"{after}.db")
        session, interrupter = asyncio.run(core.session("demo").store(store).open()), Interrupter(after, modules)
        interrupted(session, interrupter)
        try:
            asyncio.run(goes_on(session))
        except Exception as error:
            error.add_note(f"after an interrupt at {interrupter.hit}")
            raise
        if interrupter.hit is None:
            gc.collect()  # of what was cut off Python says here that it was never awaited
            return
    raise AssertionError("an interrupt was always in time")


def test_an_interrupt_leaves_nobody_inside_a_turn() -> None:
    """Otherwise no turn of the session could be waited for from there again."""
    before = sys.gettrace()
    for after in range(100):
        writer, interrupter = Writer(), Interrupter(after, frozenset(("_writer.py",)))
        try:
            sys.settrace(interrupter)
            writer.inside(sys.settrace, before)  # no interrupt comes once the work has begun
        except KeyboardInterrupt:
            assert interrupter.hit
        finally:
            sys.settrace(before)
        writer.refuse_inside()
        if interrupter.hit is None:
            return
    raise AssertionError("an interrupt was always in time")


async def work_alone(writer: Writer) -> None:
    """Enter and leave; an interrupt may come at both ends."""
    async with writer:
        pass


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_an_interrupt_as_a_turn_ends_keeps_the_next_one_from_nothing() -> None:
    """What ends an `async with` is not awaited when the interrupt comes in between, so who was in never left."""
    before = sys.gettrace()
    for after in range(100):
        writer, interrupter = Writer(), Interrupter(after, frozenset(("test_interrupts.py", "_writer.py")))
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            turn = loop.create_task(work_alone(writer))
            sys.settrace(interrupter)
            with suppress(KeyboardInterrupt):
                loop.run_until_complete(turn)
            sys.settrace(before)
            gc.collect()  # of what was cut off Python says here that it was never awaited
            assert turn.done()
            runner.run(asyncio.wait_for(work_alone(writer), 1))
        if interrupter.hit is None:
            return
    raise AssertionError("an interrupt was always in time")
