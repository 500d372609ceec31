"""Two processes that have one session open: of its queued work one turn runs at a time, in order, and nobody's history is lost."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from lash_nb.clock import RandomIds
from lash_nb.core import LashSession
from lash_nb.errors import LashRuntimeError, SessionError, StoreError
from lash_nb.plugins import StaticPlugin
from lash_nb.providers import reply
from lash_nb.stores import SqliteSessionStore
from lash_nb.wire import LlmRequest, LlmResponse, QueuedWorkClaim, RuntimeCommit, RuntimeCommitResult, ToolStateEntry
from tests.runtime.desk import builder, messages_of, texts


class Claiming(SqliteSessionStore):
    """A store in which something happens before each claim that may become a turn.

    Attributes:
        before: What.
        largest: Of which claims, by how much they take at most.
    """

    largest: int = 0
    before: Callable[[], Awaitable[object]] | None = None

    async def claim_ready_work(self, **terms: Any) -> QueuedWorkClaim | None:
        """Let it happen once, then claim."""
        act, self.before = (self.before, None) if terms["max_batches"] == self.largest else (None, self.before)
        if act is not None:
            await act()
        return await super().claim_ready_work(**terms)


class Committing(SqliteSessionStore):
    """A store in which something happens before the first commit that reaches it.

    Attributes:
        before: What.
    """

    before: Callable[[], Awaitable[object]] | None = None

    async def commit_runtime_state(self, commit: RuntimeCommit, **terms: Any) -> RuntimeCommitResult:
        """Let it happen once, then commit."""
        act, self.before = self.before, None
        if act is not None:
            await act()
        return await super().commit_runtime_state(commit, **terms)


_PEEK: Final = 1
_TURN: Final = 64
"""How much is claimed to look for a command, and for a turn."""


async def opened(
    store: SqliteSessionStore, answer: Callable[[LlmRequest], Any] | None = None, *plugins: StaticPlugin
) -> LashSession:
    """The session, as a process of its own opens it."""
    core = builder(answer or echo).ids(RandomIds())
    for plugin in plugins:
        core.plugin(plugin)
    return await core.build().session("demo").store(store).open()


def echo(request: LlmRequest) -> LlmResponse:
    """Answer what was said."""
    block = request.messages[-1].blocks[-1]
    return reply(f"Told: {block.Text.text if block.Text else None}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the session is."""
    return tmp_path / "demo.db"


async def told(path: Path) -> list[str]:
    """The conversation, as whoever opens the session next has it."""
    return texts(messages_of((await opened(SqliteSessionStore(path))).graph))


async def test_one_turn_of_queued_work_runs_at_a_time(path: Path) -> None:
    """While one process has one, the other gets nothing; so each input is told once, in the order of the queue."""
    others: list[object] = []

    async def asks_the_other(request: LlmRequest) -> LlmResponse:
        others.append(await two.next_queued_turn())
        others.append(await two.next_queued_turn([second.batch_id]))
        return echo(request)

    one, two = await opened(SqliteSessionStore(path), asks_the_other), await opened(SqliteSessionStore(path))
    await one.queue("first")
    second = await one.queue("second")
    await one.next_queued_turn()
    result = await two.next_queued_turn()

    assert others == [None, None]
    assert result is not None
    assert result.reply == "Told: second"
    assert await told(path) == ["first", "Told: first", "second", "Told: second"]


async def test_a_turn_stands_on_what_another_process_committed_until_it_had_its_work(path: Path) -> None:
    """It looked at the session before, and goes on from the other one's answer all the same."""
    slow = Claiming(path)
    one, two = await opened(slow), await opened(SqliteSessionStore(path))
    await one.queue("first")
    await one.queue("second")
    slow.largest, slow.before = _TURN, two.next_queued_turn().run
    result = await one.next_queued_turn()

    assert result is not None
    assert (result.reply, result.turn_index) == ("Told: second", 2)
    assert await told(path) == ["first", "Told: first", "second", "Told: second"]


@pytest.mark.parametrize("is_turn", [False, True])
async def test_a_command_is_obeyed_on_what_another_process_committed_until_it_was_taken(
    path: Path, *, is_turn: bool
) -> None:
    """It was the next thing in the queue, and nobody is told of a conflict."""
    slow = Claiming(path)
    one, two = await opened(slow), await opened(SqliteSessionStore(path))
    await two.turn("before")
    await two.queue("first")
    await two.control.commands.reset(reason="test")
    slow.largest, slow.before = _PEEK, two.next_queued_turn().run
    await (one.turn("mine") if is_turn else one.next_queued_turn())

    assert await told(path) == ["mine", "Told: mine"] * is_turn
    assert await one.queued_work() == ()


async def test_a_new_session_that_another_process_began_meanwhile_is_not_begun_again(path: Path) -> None:
    """Its first commit expects nothing, so both would succeed, and one conversation be lost: the later one is told, and goes on from the other."""
    left = ["meanwhile"]

    async def meanwhile(_: Any) -> list[Any]:
        if left:
            await two.turn(left.pop())
        return []

    hook = StaticPlugin("helper", lambda plugins: plugins.before_turn(meanwhile))
    one, two = await opened(SqliteSessionStore(path), None, hook), await opened(SqliteSessionStore(path))
    with pytest.raises(LashRuntimeError, match="was new when it was opened, and stands at revision 2 by now") as failed:
        await one.turn("mine")
    await one.turn("mine")

    assert failed.value.code == "store_commit_failed"
    assert isinstance(failed.value.__cause__, StoreError)
    assert failed.value.__cause__.variant == "HeadRevisionConflict"
    assert await told(path) == ["meanwhile", "Told: meanwhile", "mine", "Told: mine"]


async def test_of_two_first_commits_in_the_same_instant_one_is_refused(path: Path) -> None:
    """The session is new when the one is on its way to the store, and is not when it is there."""
    slow = Committing(path)
    one, two = await opened(slow), await opened(SqliteSessionStore(path))
    slow.before = two.turn("meanwhile").run
    with pytest.raises(LashRuntimeError, match="was new when it was opened"):
        await one.turn("mine")
    await one.turn("mine")

    assert await told(path) == ["meanwhile", "Told: meanwhile", "mine", "Told: mine"]


async def test_restored_tools_are_stored_though_another_process_came_first(path: Path) -> None:
    """They are of the generation that is stored, and the session reads the store anew before its next commit."""
    one, two = await opened(SqliteSessionStore(path)), await opened(SqliteSessionStore(path))
    await one.turn("first")
    tools = one.control.tools.state()
    off = replace(tools.tools["batch"].manifest, availability_override="off")
    await one.control.tools.restore_state(replace(tools, tools={"batch": ToolStateEntry(manifest=off)}))
    await two.turn("second")
    await one.turn("third")

    assert (await opened(SqliteSessionStore(path))).control.tools.state().tools["batch"].manifest == off


async def test_parking_a_session_that_never_began_leaves_what_another_process_began(path: Path) -> None:
    """Whoever parks it is told."""
    one, two = await opened(SqliteSessionStore(path)), await opened(SqliteSessionStore(path))
    await two.turn("first")
    with pytest.raises(SessionError, match="was new when it was opened"):
        await one.park()

    assert await told(path) == ["first", "Told: first"]
