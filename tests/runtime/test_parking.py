"""Parking a session and going on with it, and how many of its nodes stay in memory."""

import asyncio
import dataclasses
import sys
from collections.abc import Sequence

import pytest

from lash_nb.clock import Clock, ManualClock, RandomIds
from lash_nb.core import LashCore, LashSession
from lash_nb.errors import CallerError, LashRuntimeError, SessionError, StoreError
from lash_nb.runtime import LashRuntime, ParkedSession, load_persisted_session_state
from lash_nb.stores import ActivePath, FullGraph, InMemorySessionStore, SessionReadScope
from lash_nb.wire import PersistedSessionRead
from tests.runtime.desk import (
    START_NS,
    ActingStore,
    abort,
    answers,
    builder,
    legal,
    messages_of,
    open_session,
    said,
    stored_graph,
    texts,
    weather,
)

CLOCK = ManualClock(START_NS)


class Watched(ActingStore):
    """A store that notes what is read, and refuses scopes on command.

    Attributes:
        scopes: The scopes of reads, in order.
        refused: Kinds of scopes that it cannot serve.
        released: How often it was released.
        rested: How often it was told to rest.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self.scopes: list[SessionReadScope] = []
        self.refused: tuple[type, ...] = ()
        self.released = 0
        self.rested = 0

    async def load_session(self, scope: SessionReadScope) -> PersistedSessionRead | None:
        """Read, noted."""
        self.scopes.append(scope)
        if isinstance(scope, self.refused):
            raise StoreError("UnsupportedReadScope", f"cannot read {scope}; read FullGraph()", scope=scope)
        return await super().load_session(scope)

    def release(self) -> None:
        """Count."""
        self.released += 1

    def rest(self) -> None:
        """Count."""
        self.rested += 1


def core_of(residency: str = "keep_all") -> LashCore:
    """A core whose sessions answer `ok N`; ids are random, so that sessions of several cores may share a store."""
    made = builder(answers(), weather).ids(RandomIds())
    return made.residency("active_path_only" if residency == "active_path_only" else "keep_all").build()


async def talked(store: InMemorySessionStore, *prompts: str, residency: str = "keep_all") -> LashSession:
    """A session in that store in which these turns ran."""
    session = await core_of(residency).session("demo").store(store).open()
    for prompt in prompts:
        await session.turn(prompt).run()
    return session


async def test_a_parked_session_goes_on_where_it_was() -> None:
    """Graph, counters, usage and tools are those of before."""
    core = core_of()
    session = await core.session("demo").open()
    await session.turn("hi").run()
    await session.control.tools.set_availability("weather", "off")
    before, tools = session.graph, session.control.tools.state()

    parked = await session.park()
    resumed = await core.resume(parked)
    await resumed.turn("again").run()

    assert (parked.session_id, parked.policy) == ("demo", session.policy_snapshot())
    assert resumed.graph.nodes[: len(before.nodes)] == before.nodes
    assert resumed.turn_index == 2
    assert resumed.control.tools.state() == tools
    assert texts(messages_of(resumed.graph)) == ["hi", "ok 1", "again", "ok 2"]


async def test_a_parked_session_is_closed_and_its_store_rests() -> None:
    """The old handle takes no turn any more; its id is free."""
    store = Watched()
    session = await talked(store, "hi")
    await session.park()
    with pytest.raises(CallerError) as error:
        await session.turn("again").run()
    assert error.value.code == "session_closed"
    assert (store.rested, store.released) == (1, 0)


async def test_a_closed_session_holds_nothing_open() -> None:
    """Its store is given back; also when parking fails, or opening."""
    store = Watched()
    await (await talked(store, "hi")).close()
    assert store.released == 1

    other = await core_of().session("other").store(store).open_fresh()
    with pytest.raises(SessionError, match="holds session demo"):
        await other.park()
    assert store.released == 2

    without_tools = builder(answers()).build()
    with pytest.raises(SessionError, match="no tool source has `weather`"):
        await without_tools.session("demo").store(store).open()
    assert store.released == 3


async def test_a_parked_session_is_small() -> None:
    """Three references and no dictionary of its own: thousands may wait."""
    parked = await (await talked(InMemorySessionStore(), "hi")).park()
    assert not hasattr(parked, "__dict__")
    assert sys.getsizeof(parked) <= 100


async def test_parking_asks_for_a_store() -> None:
    """Without one the session would be lost; it stays open."""
    session = await open_session(answers(), stored=False)
    with pytest.raises(SessionError, match="park asks the store of session demo, which has none; open it with a store"):
        await session.park()
    assert (await session.turn("hi").run()).reply == "ok 1"


async def test_parking_flushes_a_branch() -> None:
    """A branch that was made below the facade is in the store afterwards, and nothing else has changed there."""
    store = Watched()
    session = await talked(store, "one", "two")
    runtime: LashRuntime = session._runtime  # below the facade, where a branch is not committed
    first = session.graph.nodes[1].node_id
    before = await stored_graph(store)
    await runtime.branch_to_node(first)
    assert await stored_graph(store) == before

    parked = await runtime.park()

    after = await stored_graph(store)
    assert (after.nodes, after.leaf_node_id) == (before.nodes, first)
    resumed = await core_of().resume(parked)
    await resumed.turn("instead").run()
    assert texts(messages_of(resumed.graph)) == ["one", "ok 1", "instead", "ok 1"]
    assert said(await stored_graph(store)) == ["one", "ok 1", "two", "ok 2", "instead", "ok 1"]


async def test_a_branch_that_others_overtook_is_not_parked() -> None:
    """The other handle's turn stays where it is; the one who parks is told, and the runtime is gone."""
    store = InMemorySessionStore()
    mine = await talked(store, "one", "two")
    await mine._runtime.branch_to_node(mine.graph.nodes[1].node_id)
    await (await core_of().session("demo").store(store).open()).turn("three").run()
    with pytest.raises(SessionError, match=r"stands at revision 6, the branch was made at 4;.*branch there"):
        await mine.park()
    assert texts(messages_of(await stored_graph(store)))[-2:] == ["three", "ok 1"]
    with pytest.raises(CallerError):
        await mine.turn("more").run()


async def test_a_refused_commit_is_told_with_both_sessions() -> None:
    """A store that belongs to another session by now refuses; both ids are in the message."""
    store = InMemorySessionStore()
    mine = await core_of().session("mine").store(store).open()
    await (await core_of().session("other").store(store).open()).turn("hi").run()
    with pytest.raises(SessionError, match=r"mine is not parked: failed to persist.*holds session other.* of mine"):
        await mine.park()


async def test_a_handle_stays_itself_when_its_store_goes_to_another() -> None:
    """Its next turn fails, and names both sessions; it never becomes the other one."""
    store = InMemorySessionStore()
    mine = await core_of().session("mine").store(store).open()
    await (await core_of().session("other").store(store).open()).turn("hi").run()
    with pytest.raises(LashRuntimeError, match="holds session other, the commit is of mine"):
        await mine.turn("me too").run()
    assert mine.session_id == "mine"


async def test_a_session_whose_turn_broke_off_in_a_commit_is_parked() -> None:
    """Whether that commit was made is asked of the store; what it stored stays."""
    store = ActingStore()
    session = await talked(store, "one")

    async def stop(_: int) -> None:
        await abort()

    before, store.after = store.after, stop
    with pytest.raises(asyncio.CancelledError):
        await session.turn("two").run()
    store.after = before
    resumed = await core_of().resume(await session.park())
    assert texts(messages_of(resumed.graph)) == ["one", "ok 1", "two"]


async def test_what_was_parked_and_never_begun_resumes_as_new() -> None:
    """A store in which nothing was ever committed gives a session of the parked id and policy."""
    store = InMemorySessionStore()
    policy = core_of().parts.policy
    resumed = await core_of().resume(ParkedSession("demo", store, policy))
    assert (resumed.session_id, resumed.graph.nodes) == ("demo", ())
    assert (await resumed.turn("hi").run()).reply == "ok 1"


async def test_resuming_reads_what_the_residency_says() -> None:
    """All nodes or the path alone; in memory are just these."""
    store = Watched()
    session = await talked(store, "one", "two")
    await session.control.state.branch_to_node(session.graph.nodes[1].node_id)
    parked = await session.park()
    store.scopes.clear()
    full = await core_of().resume(parked)
    slim = await core_of("active_path_only").resume(parked)
    assert store.scopes == [FullGraph(), ActivePath()]
    assert (said(full.graph), said(slim.graph)) == (["one", "ok 1", "two", "ok 2"], ["one", "ok 1"])


async def test_a_store_without_paths_says_so() -> None:
    """There is no silent reading of the whole graph instead."""
    store = Watched()
    parked = await (await talked(store, "hi")).park()
    store.refused = (ActivePath,)
    store.scopes.clear()
    with pytest.raises(
        SessionError, match="failed to load runtime state of session demo: cannot read ActivePath"
    ) as error:
        await core_of("active_path_only").resume(parked)
    assert isinstance(error.value.__cause__, StoreError)
    assert error.value.__cause__.variant == "UnsupportedReadScope"
    assert store.scopes == [ActivePath()]
    with pytest.raises(SessionError, match="cannot be read: cannot read ActivePath"):
        await core_of("active_path_only").session("demo").store(store).open()


@pytest.mark.parametrize("residency", ["keep_all", "active_path_only"])
async def test_a_missing_leaf_is_healed_before_the_graph_is_trimmed(residency: str) -> None:
    """The session goes on at the last message that is left; nothing that is stored is lost, whatever stays in memory."""
    store = Watched()
    session = await talked(store, "one", "two")
    leaf = session.graph.leaf_node_id
    assert leaf is not None
    await session.close()
    await store.tombstone_nodes([leaf])
    before = await stored_graph(store)
    store.scopes.clear()

    again = await core_of(residency).session("demo").store(store).open()
    assert texts(messages_of(again.graph)) == ["one", "ok 1", "two"]
    await again.turn("three").run()

    after = await stored_graph(store)
    assert after.nodes[: len(before.nodes)] == before.nodes
    assert texts(messages_of(after)) == ["one", "ok 1", "two", "three", "ok 1"]
    legal(after)
    reads = [FullGraph()] if residency == "keep_all" else [ActivePath(), FullGraph()]
    assert store.scopes[: len(reads)] == reads


async def test_a_store_that_holds_another_session_by_now_is_not_resumed() -> None:
    """Its turns would go on in a conversation that nobody asked for."""
    store = Watched()
    parked = await (await talked(store, "hi")).park()
    with pytest.raises(SessionError, match="the store of session demo-2 holds demo by now"):
        await core_of().resume(dataclasses.replace(parked, session_id="demo-2"))


async def test_an_empty_path_is_no_missing_leaf() -> None:
    """A session that stands before its first node is resumed there; the nodes off the path are not read."""
    store = Watched()
    session = await talked(store, "one")
    await session.control.state.branch_to_node(None)
    parked = await session.park()
    store.scopes.clear()
    slim = await core_of("active_path_only").resume(parked)
    assert (slim.graph.nodes, store.scopes) == ((), [ActivePath()])
    await slim.turn("anew").run()
    assert said(await stored_graph(store)) == ["one", "ok 1", "anew", "ok 1"]


async def test_turns_over_the_active_path_never_delete_an_orphan() -> None:
    """Each commit appends; the other branch stays in the store, turn after turn, reopening included."""
    store = Watched()
    session = await talked(store, "one", "two", residency="active_path_only")
    await session.control.state.branch_to_node(session.graph.nodes[1].node_id)
    slim = await core_of("active_path_only").resume(await session.park())
    await slim.turn("three").run()
    slim = await core_of("active_path_only").resume(await slim.park())
    await slim.turn("four").run()
    assert said(await stored_graph(store)) == ["one", "ok 1", "two", "ok 2", "three", "ok 1", "four", "ok 1"]
    assert {commit.graph.tag for commit in store.commits} <= {"Append", "Unchanged"}


async def test_a_node_off_the_path_can_be_read_and_branched_to() -> None:
    """What is not in memory is read from the store, alone or with the way to it."""
    store = Watched()
    full = await talked(store, "one", "two")
    old = full.graph
    await full.control.state.branch_to_node(old.nodes[1].node_id)
    slim = await core_of("active_path_only").resume(await full.park())
    last = old.nodes[-1]
    assert slim.graph.nodes == old.nodes[:2]

    assert await slim.control.state.get_historic_node(last.node_id) == last
    assert await slim.control.state.get_historic_node(old.nodes[0].node_id) == old.nodes[0]
    assert await slim.control.state.get_historic_node("nowhere") is None
    snapshot = await slim.control.state.branch_to_node(last.node_id)
    await slim.turn("three").run()

    assert snapshot.session_graph.leaf_node_id == last.node_id
    assert texts(messages_of(slim.graph)) == ["one", "ok 1", "two", "ok 2", "three", "ok 1"]
    assert texts(messages_of(await stored_graph(store))) == ["one", "ok 1", "two", "ok 2", "three", "ok 1"]


async def test_what_a_branch_leaves_is_given_back_to_the_store() -> None:
    """Under the active path only the nodes on the new path stay in memory, and the old ones can be read again."""
    slim = await talked(Watched(), "one", "two", residency="active_path_only")
    old = slim.graph
    await slim.control.state.branch_to_node(old.nodes[1].node_id)
    assert slim.graph.nodes == old.nodes[:2]
    assert await slim.control.state.get_historic_node(old.nodes[3].node_id) == old.nodes[3]


async def test_a_second_writer_is_seen_over_the_active_path() -> None:
    """A refresh reads the path to the store's leaf, not to the one in memory, so the other's turn is gone on from."""
    store = Watched()
    slim = await talked(store, "one", residency="active_path_only")
    await (await core_of().session("demo").store(store).open()).turn("two").run()
    await slim.turn("three").run()
    assert texts(messages_of(await stored_graph(store))) == ["one", "ok 1", "two", "ok 1", "three", "ok 2"]


async def test_orphans_are_told_hidden_and_deleted() -> None:
    """The host finds them, hides them and vacuums; an open session that held them does not write them back."""
    store = InMemorySessionStore()
    session = await talked(store, "one", "two")
    orphaned = tuple(node.node_id for node in session.graph.nodes[2:])
    assert tuple(await session.control.state.orphaned_node_ids()) == ()
    await session.control.state.branch_to_node(session.graph.nodes[1].node_id)
    assert tuple(await session.control.state.orphaned_node_ids()) == orphaned
    assert session.store is store
    await store.tombstone_nodes(orphaned)
    assert tuple(await session.control.state.orphaned_node_ids()) == ()
    assert (await store.vacuum()).removed_node_count == 2
    await session.turn("three").run()
    assert said(await stored_graph(store)) == ["one", "ok 1", "three", "ok 3"]


@pytest.mark.parametrize("operation", ["orphaned_node_ids", "get_historic_node"])
async def test_asking_for_stored_nodes_asks_for_a_store(operation: str) -> None:
    """The message names the operation; a node in memory needs no store."""
    session = await open_session(answers(), stored=False)
    await session.turn("hi").run()
    state, arguments = session.control.state, ("nowhere",) if operation == "get_historic_node" else ()
    with pytest.raises(SessionError, match=f"{operation} asks the store of session demo, which has none"):
        await getattr(state, operation)(*arguments)
    node = session.graph.nodes[0]
    assert await state.get_historic_node(node.node_id) == node


async def test_a_store_that_cannot_be_read_is_told() -> None:
    """The store's own words are in the message."""
    store = Watched()
    session = await talked(store, "hi")
    store.refused = (FullGraph,)
    with pytest.raises(SessionError, match="failed to load full graph: cannot read FullGraph"):
        await session.control.state.orphaned_node_ids()


async def test_loading_says_nothing_of_a_session_that_never_committed() -> None:
    """A store without a head gives no state, whatever the residency."""
    nothing: Sequence[object] = [
        await load_persisted_session_state(InMemorySessionStore(), "keep_all", CLOCK),
        await load_persisted_session_state(InMemorySessionStore(), "active_path_only", CLOCK),
    ]
    assert nothing == [None, None]
