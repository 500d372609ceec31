"""What a turn costs does not grow with its session: counted, not timed."""

import gc
from typing import Any

import msgspec
import pytest

from lash_nb.core import LashSession
from lash_nb.providers import ScriptedProvider
from lash_nb.stores import SessionReadScope
from lash_nb.trace import MemoryTraceSink
from lash_nb.wire import (
    LlmCallCommand,
    LlmCallStarted,
    LlmRequest,
    Message,
    PersistedSessionRead,
    RuntimeCommit,
)
from tests.runtime.desk import ActingStore, builder, tool_then_answer, weather

NODES_PER_TURN = 4


class MeteredStore(ActingStore):
    """A store that counts what it is given and asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.whole_reads = 0

    async def load_session(self, scope: SessionReadScope) -> PersistedSessionRead | None:
        """Read, counted."""
        self.whole_reads += 1
        return await super().load_session(scope)

    def take(self) -> list[tuple[str, int]]:
        """What each commit since the last look did to the graph, and how many nodes it brought."""
        taken = [_brought(commit) for commit in self.commits]
        self.commits.clear()
        return taken


def _brought(commit: RuntimeCommit) -> tuple[str, int]:
    return commit.graph.tag, len(commit.graph.nodes)


def same_beginning(one: LlmRequest, two: LlmRequest) -> int:
    """How many rendered messages two requests share, as objects: what was rendered once only."""
    return sum(a is b for a, b in zip(one.messages[1:], two.messages[1:], strict=False))


async def metered() -> tuple[LashSession, MeteredStore, ScriptedProvider]:
    """A session whose turns ask the model twice and call a tool."""
    store, provider = MeteredStore(), ScriptedProvider(tool_then_answer)
    core = builder([], weather).provider(provider).trace_sink(MemoryTraceSink()).build()
    return await core.session("demo").store(store).open(), store, provider


async def test_turn_200_commits_what_turn_5_commits() -> None:
    """Each turn brings its own four nodes in appends; the store is read whole once, at the opening."""
    session, store, _ = await metered()
    seen = {}
    for number in range(1, 201):
        await session.turn("hi").run()
        seen[number] = store.take()
    assert seen[5] == seen[200]
    assert sum(nodes for _, nodes in seen[200]) == NODES_PER_TURN
    assert {tag for tag, _ in seen[200]} <= {"Append", "Unchanged"}
    assert store.whole_reads == 1


async def test_a_request_renders_new_messages_only() -> None:
    """A request shares with the one before it every rendered message but the new ones."""
    session, _, provider = await metered()
    fresh = {}
    for number in range(1, 101):
        await session.turn("hi").run()
        before, now = provider.requests[-2], provider.requests[-1]
        fresh[number] = len(now.messages) - 1 - same_beginning(before, now)
    assert fresh[5] == fresh[100] == 2


async def test_whatever_keeps_requests_keeps_one_conversation() -> None:
    """Provider, journal and trace of a session hold its messages once, however many requests they keep."""
    provider, sink = ScriptedProvider(tool_then_answer), MemoryTraceSink()
    core = builder([], weather).provider(provider).trace_sink(sink).build()
    session = await core.session("demo").open()
    for _ in range(30):
        await session.turn("hi").run()

    commands = (entry.envelope.command for entry in session.effects)
    asked = [command.request.messages for command in commands if isinstance(command, LlmCallCommand)]
    traced = [record.event.request.messages for record in sink.records if isinstance(record.event, LlmCallStarted)]
    kept: list[Any] = [*asked, *(request.messages for request in provider.requests)]
    kept += [one._source for one in traced]  # type: ignore[union-attr]  # all that a traced request keeps of them
    assert [kept[-1].shared_with(one) for one in kept] == [len(one) for one in kept]
    assert len(kept) == 3 * 60


LOOKED_AT: list[str] = []


class WatchedMessage(Message, frozen=True, kw_only=True):
    """A message that notes who looks whether it is transient."""

    @property
    def is_transient(self) -> bool:
        """Whether it is, noted."""
        LOOKED_AT.append(self.id)
        return super().is_transient


async def with_history(history: int) -> tuple[LashSession, MeteredStore]:
    """A session that has this many messages already, each of which notes who looks at it; its last turn is over."""
    session, store, _ = await metered()
    graph = session._runtime.state.graph  # nobody outside may put messages of another type into a session
    for number in range(history):
        plain = Message(id=f"old{number}", role="User", parts=())
        fields: dict[str, Any] = msgspec.structs.asdict(plain)
        graph.append_message(WatchedMessage(**fields))
    graph.mark_committed()
    session._runtime.state.graph_replace_required = True
    await session.turn("warm up").run()
    LOOKED_AT.clear()
    store.take()
    return session, store


@pytest.mark.parametrize("history", [5, 200])
async def test_old_messages_are_not_looked_at_again(history: int) -> None:
    """A turn over a long history goes through none of the old messages one by one."""
    session, _ = await with_history(history)
    await session.turn("hi").run()
    assert LOOKED_AT == []


@pytest.mark.parametrize("history", [5, 200])
async def test_what_is_done_between_turns_costs_what_it_changes(history: int) -> None:
    """Appending, setting a tool, observing and parking look at no old message and write no old node."""
    session, store = await with_history(history)
    await session.control.state.append_plugin_body("note", {})
    await session.control.tools.set_availability("weather", "off")
    session.observe()
    await session.park()
    assert LOOKED_AT == []
    assert store.take() == [("Append", 1), ("Unchanged", 0)]


async def test_a_finished_turn_leaves_no_cycles_behind() -> None:
    """What it worked with goes with its last reference: what waits for the garbage collector stops all sessions now and then."""
    session, _, _ = await metered()
    await session.turn("first").run()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        await session.turn("second").run()
        gc.collect()
        left = [type(one).__qualname__ for one in gc.garbage if type(one).__module__.startswith("lash_nb.")]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert left == []
