"""Vacuuming a session that somebody else has open, or that is interrupted: no node ever hangs on one that is gone."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from lash_nb.clock import RandomIds
from lash_nb.core import LashSession
from lash_nb.errors import LashRuntimeError, SessionError
from lash_nb.stores import FullGraph, InMemorySessionStore, SqliteSessionStore
from lash_nb.wire import SessionGraph
from tests.runtime.desk import abort, answers, builder, legal, messages_of, texts


class ActsInMemory(InMemorySessionStore):
    """A store that does something of the test's before nodes are hidden, and after hidden ones are deleted."""

    before: Callable[[], Awaitable[object]] | None = None
    after: Callable[[], Awaitable[object]] | None = None

    async def tombstone_nodes(self, node_ids: Sequence[str], *, expected_head_revision: int | None = None) -> None:
        """Act, then hide."""
        if self.before:
            await self.before()
        await super().tombstone_nodes(node_ids, expected_head_revision=expected_head_revision)
        if self.after:
            await self.after()


class ActsInAFile(SqliteSessionStore):
    """The same over a database."""

    before: Callable[[], Awaitable[object]] | None = None
    after: Callable[[], Awaitable[object]] | None = None

    async def tombstone_nodes(self, node_ids: Sequence[str], *, expected_head_revision: int | None = None) -> None:
        """Act, then hide."""
        if self.before:
            await self.before()
        await super().tombstone_nodes(node_ids, expected_head_revision=expected_head_revision)
        if self.after:
            await self.after()


Acts = ActsInMemory | ActsInAFile


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Acts:
    """A store of either kind."""
    return ActsInMemory() if request.param == "memory" else ActsInAFile(tmp_path / "demo.db")


async def beside(store: Acts) -> LashSession:
    """A handle of the session, with ids of its own as in another process."""
    return await builder(answers()).ids(RandomIds()).build().session("demo").store(store).open()


async def branched(store: Acts) -> tuple[LashSession, str]:
    """A session that stands after its first turn, and the last node of its second one, which is on no way to there."""
    session = await beside(store)
    await session.turn("one").run()
    stand = session.graph.leaf_node_id
    await session.turn("two").run()
    last = session.graph.nodes[-1].node_id
    await session.control.state.branch_to_node(stand)
    return session, last


async def stored(store: Acts) -> SessionGraph:
    """All nodes that are stored, none of which hangs on one that is not."""
    read = await store.load_session(FullGraph())
    assert read is not None
    legal(read.graph)
    return read.graph


async def test_who_goes_on_from_an_orphan_keeps_it(store: Acts) -> None:
    """Between choosing the orphans and hiding them somebody stands on one: nothing is hidden."""
    session, last = await branched(store)
    other = await beside(store)

    async def go_on() -> None:
        await other.control.state.branch_to_node(last)
        await other.turn("three").run()

    store.before = go_on
    with pytest.raises(SessionError, match="failed to vacuum: the session stands at revision"):
        await session.control.state.vacuum_orphans()
    assert texts(messages_of(await stored(store)))[:5:2] == ["one", "two", "three"]
    await session.turn("four").run()
    assert texts(messages_of(await stored(store)))[:7:2] == ["one", "two", "three", "four"]


async def test_nothing_is_built_on_what_is_gone(store: Acts) -> None:
    """A handle that still has the orphans in memory cannot go on from them; it learns of it, and goes on from the store."""
    session, last = await branched(store)
    opened: list[LashSession] = []

    async def open_it() -> None:
        opened.append(await beside(store))

    store.before = open_it
    await session.control.state.vacuum_orphans()
    [other] = opened
    await other.control.state.branch_to_node(last)
    with pytest.raises(LashRuntimeError, match=r"hangs on .*, which is not stored any more"):
        await other.turn("three").run()
    await other.turn("four").run()
    assert texts(messages_of(await stored(store)))[::2] == ["one", "four"]


async def test_an_interrupted_vacuum_is_noticed(store: Acts) -> None:
    """Memory has what the store does not have any more, until the next work asks it."""
    session, last = await branched(store)
    store.after = abort
    with pytest.raises(asyncio.CancelledError):
        await session.control.state.vacuum_orphans()
    await session.control.state.branch_to_node(last)
    await session.turn("three").run()
    assert session.graph == await stored(store)
    assert texts(messages_of(session.graph))[::2] == ["one", "three"]
