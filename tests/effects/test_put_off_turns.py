"""A turn that ended before it stored anything is run again, over a host that remembers where it began: what others did since stays in the history."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from lash_nb import LashCore, LashSession, ScriptedProvider, reply
from lash_nb.effects import SqliteEffectHost
from lash_nb.errors import LashRuntimeError
from lash_nb.plugins import AbortTurn, StaticPlugin
from lash_nb.wire import LlmRequest, LlmResponse
from tests.effects.test_durable_turns import last_words, path_of

Hook = Callable[[Any], Any]


def echo(request: LlmRequest) -> LlmResponse:
    """Answer what was said."""
    return reply(f"Told: {last_words(request)}")


@asynccontextmanager
async def opened(
    folder: Path, before_turn: Hook, answer: Callable[[LlmRequest], Any] = echo
) -> AsyncIterator[LashSession]:
    """The session of a folder, as a process opens it, with a hook before its turns."""
    host = SqliteEffectHost(folder / "effects.db", lease_ttl_ms=100)
    core = LashCore.standard().stored_in(folder).effect_host(host).provider(ScriptedProvider(answer)).model("m")
    core.plugin(StaticPlugin("helper", lambda plugins: plugins.before_turn(before_turn)))
    session = await core.build().session("s").open()
    try:
        yield session
    finally:
        await session.close()
        host.release()


def puts_off_once() -> Hook:
    """A hook that does not want the first turn."""
    left = [AbortTurn(code="later", message="not now")]
    return lambda _: [left.pop()] if left else []


@pytest.mark.parametrize("is_queued", [False, True])
async def test_a_turn_that_was_put_off_leaves_the_ones_since_in_the_history(tmp_path: Path, *, is_queued: bool) -> None:
    """It comes after them."""
    async with opened(tmp_path, puts_off_once()) as session:
        if is_queued:
            await session.queue("First.")
        turn = session.next_queued_turn if is_queued else session.turn("First.").turn_id("t1").run
        await turn()
        await session.turn("Second.")
        again = session.next_queued_turn if is_queued else session.turn("First.").turn_id("t1").run
        await again()

        assert path_of(session) == ["Second.", "Told: Second.", "First.", "Told: First."]


async def test_queued_work_that_another_process_overtook_leaves_its_turn_in_the_history(tmp_path: Path) -> None:
    """Somebody has a turn of his own meanwhile: that is committed, the queued one fails, is queued again, and comes after it."""
    is_in, may_go = asyncio.Event(), asyncio.Event()

    async def waits(_: Any) -> list[Any]:
        is_in.set()
        await may_go.wait()
        return []

    async with opened(tmp_path, lambda _: []) as session:
        await session.turn("Before.")
    async with opened(tmp_path, waits) as slow, opened(tmp_path, lambda _: []) as quick:
        await quick.queue("First.")
        overtaken = asyncio.ensure_future(slow.next_queued_turn().run())
        await is_in.wait()
        await quick.turn("Second.")
        may_go.set()
        with pytest.raises(LashRuntimeError, match="store_commit_failed"):
            await overtaken
        await quick.next_queued_turn()

        assert path_of(quick)[2:] == ["Second.", "Told: Second.", "First.", "Told: First."]
        assert not await quick.queued_work()


@pytest.mark.parametrize("is_committed", [False, True])
async def test_work_that_began_anew_is_gone_on_with_where_it_began_last(tmp_path: Path, *, is_committed: bool) -> None:
    """It began in the middle of somebody's turn, stored nothing, and began again after it: that turn's answer stays in the history."""
    asked, is_in, may_go = asyncio.Event(), asyncio.Event(), asyncio.Event()
    turns: list[asyncio.Task[Any]] = []

    async def waits(_: Any) -> list[Any]:
        is_in.set()
        await may_go.wait()
        return []

    async def late(request: LlmRequest) -> LlmResponse:
        asked.set()
        await is_in.wait()
        return echo(request)

    def cancels(request: LlmRequest) -> LlmResponse:
        if not is_committed:
            turns[-1].cancel()
        return echo(request)

    def begin(session: LashSession) -> asyncio.Task[Any]:
        turns.append(asyncio.ensure_future(session.next_queued_turn().drain_id("d").run()))
        return turns[-1]

    async with opened(tmp_path, lambda _: [], late) as own, opened(tmp_path, waits, cancels) as queue:
        await own.queue("Queued.")
        talking = asyncio.ensure_future(own.turn("Own.").run())
        await asked.wait()
        overtaken = begin(queue)
        await talking
        may_go.set()
        with pytest.raises(LashRuntimeError, match="store_commit_failed"):
            await overtaken
        await asyncio.wait([begin(queue)])
    async with opened(tmp_path, lambda _: []) as session:
        result = await session.next_queued_turn().drain_id("d")

        assert result is not None
        assert (result.reply, result.turn_index) == ("Told: Queued.", 2)
        assert path_of(session) == ["Own.", "Told: Own.", "Queued.", "Told: Queued."]
