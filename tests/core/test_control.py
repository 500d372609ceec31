"""The state of an open session: branches, appended nodes, taking out and putting back."""

import asyncio
from typing import Any

import pytest

from lash_nb.clock import RandomIds
from lash_nb.core import LashSession
from lash_nb.errors import CallerError, LashRuntimeError, SessionError, StoreError
from lash_nb.plugins import (
    tool,
)
from lash_nb.providers import call
from lash_nb.runtime import RuntimeSessionState, state_builtins
from lash_nb.stores import InMemorySessionStore
from lash_nb.wire import (
    AppendedNodes,
    AppendProtocolEvent,
    AppendSessionNodesRequest,
    AttachmentCreateMeta,
    MediaType,
    Part,
    PluginMessage,
    PluginOrigin,
    ProtocolEvent,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    StaleBranch,
    to_builtins,
)
from tests.runtime.desk import (
    ActingHost,
    ActingStore,
    Perform,
    abort,
    after,
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


def user(text: str, **given: Any) -> PluginMessage:
    """A message on its way into the graph."""
    return PluginMessage(role="User", content=text, **given)


async def test_a_branch_grows_beside_what_followed() -> None:
    """The next turn sees the path to the branch only; both branches stay in the graph."""
    session = await open_session(answers("a", "b", "c"))
    await session.turn("one").run()
    first_end = session.graph.leaf_node_id
    await session.turn("two").run()

    snapshot = await session.control.state.branch_to_node(first_end)
    await session.turn("instead").run()

    assert snapshot.session_graph.leaf_node_id == first_end
    assert texts(session.read_view().messages) == ["one", "a", "instead", "c"]
    assert said(session.graph) == ["one", "a", "two", "b", "instead", "c"]


async def test_an_unknown_node_means_the_last_message() -> None:
    """Nothing is lost by a wrong id."""
    session = await open_session(answers("a"))
    await session.turn("one").run()
    leaf = session.graph.leaf_node_id
    assert (await session.control.state.branch_to_node("nowhere")).session_graph.leaf_node_id == leaf


async def test_a_branch_is_in_the_store_at_once() -> None:
    """Whoever opens the session next stands there, even if nothing else ever happens here."""
    store = InMemorySessionStore()
    session = await open_session(answers("a", "b"), store=store)
    await session.turn("one").run()
    await session.control.state.branch_to_node(None)
    assert (await stored_graph(store)).leaf_node_id is None
    again = await builder(answers("c")).ids(RandomIds()).build().session("demo").store(store).open()
    await again.turn("anew").run()
    assert texts(messages_of(again.graph)) == ["anew", "c"]
    assert said(await stored_graph(store)) == ["one", "a", "anew", "c"]


async def test_a_branch_below_the_facade_outlives_what_others_store() -> None:
    """Nobody's nodes are lost, and the one who branched goes on at the branch."""
    store = InMemorySessionStore()
    core = builder(answers("a", "b", "c")).build()
    mine, other = await core.session("demo").store(store).open(), await core.session("demo").store(store).open()
    await mine.turn("one").run()
    await mine._runtime.branch_to_node(None)  # below the facade, where a branch is not committed
    await other.turn("two").run()
    await mine.turn("anew").run()
    assert texts(messages_of(mine.graph)) == ["anew", "c"]
    assert said(await stored_graph(store)) == ["one", "a", "two", "b", "anew", "c"]


async def test_a_branch_that_cannot_be_stored_is_taken_back() -> None:
    """The session stands where it stood, and takes the next turn there."""
    store = ActingStore()
    session = await open_session(answers("a", "b"), store=store)
    await session.turn("one").run()

    async def full(_: int) -> None:
        raise StoreError("Backend", "the disk is full; make room")

    before, store.before = store.before, full
    with pytest.raises(LashRuntimeError, match="the disk is full") as error:
        await session.control.state.branch_to_node(None)
    store.before = before
    assert error.value.code == "store_commit_failed"
    await session.turn("two").run()
    assert texts(messages_of(session.graph)) == ["one", "a", "two", "b"]


async def test_a_failed_turn_leaves_a_branch_where_it_is() -> None:
    """What is taken back of a turn that was aborted is the turn, not what was done before it."""

    async def stop(_: RuntimeEffectEnvelope, perform: Perform) -> RuntimeEffectOutcome:
        await abort()
        return await perform()

    session = await open_session(answers("a"), host=ActingHost(after(4, stop)), stored=False)
    await session.turn("one").run()
    first = session.graph.nodes[0].node_id
    await session.control.state.branch_to_node(first)
    with pytest.raises(asyncio.CancelledError):
        await session.turn("two").run()
    assert session.graph.leaf_node_id == first
    assert said(session.graph) == ["one", "a"]


async def test_appended_messages_are_nodes_at_once() -> None:
    """They are committed, read by the next turn, and say who appended them; an empty list commits, too."""
    store = ActingStore()
    session = await open_session(answers("a"), store=store)
    result = await session.control.state.append_messages([user("rule one"), user("rule two")])
    nothing = await session.control.state.append_messages([])
    await session.turn("hi").run()

    graph = await stored_graph(store)
    assert isinstance(result, AppendedNodes)
    assert result.node_ids == tuple(node.node_id for node in graph.nodes[:2])
    assert (result.leaf_node_id, nothing) == (
        result.node_ids[1],
        AppendedNodes(node_ids=(), leaf_node_id=result.node_ids[1]),
    )
    assert said(graph) == ["rule one", "rule two", "hi", "a"]
    message = graph.nodes[0].message
    assert message is not None
    assert (message.origin, graph.nodes[0].agent_frame_id) == (PluginOrigin(plugin_id="plugin"), "root:frame:initial")
    assert [commit.graph.tag for commit in store.commits[:2]] == ["Append", "Unchanged"]


async def test_appended_parts_are_numbered_anew_and_pictures_left_out() -> None:
    """Parts count instead of the text; their ids follow the message's."""
    session = await open_session(answers(), stored=False)
    part = Part(id="mine", kind="Text", content="part", prune_state="Intact")
    await session.control.state.append_messages([user("ignored", parts=(part, part), images=(b"\1",))])
    message = session.graph.nodes[0].message
    assert message is not None
    assert [(held.id, held.content) for held in message.parts] == [
        (f"{message.id}.p0", "part"),
        (f"{message.id}.p1", "part"),
    ]


async def test_a_plugins_object_is_a_node() -> None:
    """It is kept as it is, and says nothing to the model."""
    session = await open_session(answers("a"))
    await session.control.state.append_plugin_body("note", {"deep": [1, None]})
    await session.turn("hi").run()
    node = session.graph.nodes[0]
    assert (node.kind, node.plugin_type, node.body) == ("plugin", "note", {"deep": [1, None]})
    assert node.node_id.startswith("plugin:")
    assert texts(session.read_view().messages) == ["hi", "a"]


async def test_an_attachment_that_a_node_names_is_committed_with_it() -> None:
    """Not only pictures of messages: whatever a plugin keeps may name one."""
    store = ActingStore()
    session = await open_session(answers(), store=store)
    meta = AttachmentCreateMeta(media_type=MediaType(type="png"))
    ref = session._runtime.attachments.put(b"bytes", meta)  # where tools put what they make
    assert [entry.attachment_id for entry in store.list_uncommitted(2**62)] == [ref.id]
    await session.control.state.append_plugin_body("drawing", {"pictures": [to_builtins(ref)]})
    assert store.commits[-1].committed_attachment_ids == (ref.id,)
    assert list(store.list_uncommitted(2**62)) == []


async def test_an_append_may_ask_for_a_node_on_the_path() -> None:
    """While it is there the append happens; after a branch away from it nothing is written."""
    store = ActingStore()
    session = await open_session(answers("a"), store=store)
    await session.turn("one").run()
    leaf = session.graph.leaf_node_id
    event = ProtocolEvent(plugin_id="p", payload={"n": 1})
    request = AppendSessionNodesRequest(nodes=(AppendProtocolEvent(event=event),), requires_ancestor_node_id=leaf)
    appended = await session._runtime.append_session_nodes(request)
    assert isinstance(appended, AppendedNodes)
    assert appended.node_ids[0].startswith("protocol:")

    await session.control.state.branch_to_node(session.graph.nodes[0].node_id)
    before, commits = await stored_graph(store), len(store.commits)
    stale = await session._runtime.append_session_nodes(request)
    assert stale == StaleBranch(current_leaf_node_id=session.graph.nodes[0].node_id)
    assert (await stored_graph(store), len(store.commits)) == (before, commits)


async def test_an_append_that_cannot_be_stored_is_told_and_taken_back() -> None:
    """Nobody believes that something is kept which is not."""
    store = ActingStore()
    session = await open_session(answers("a"), store=store)
    await session.turn("one").run()

    async def full(_: int) -> None:
        raise StoreError("Backend", "the disk is full; make room")

    before, store.before = store.before, full
    with pytest.raises(LashRuntimeError, match="the disk is full"):
        await session.control.state.append_messages([user("lost")])
    store.before = before
    assert said(session.graph) == ["one", "a"]
    await session.control.state.append_messages([user("kept")])
    assert said(await stored_graph(store)) == ["one", "a", "kept"]
    legal(await stored_graph(store))


async def test_an_append_waits_for_the_turn_and_is_refused_inside_it() -> None:
    """Beside a turn it comes after it; a tool of the turn that waits for it is told that both would wait for ever."""
    holder: list[LashSession] = []
    codes: list[str] = []

    @tool
    async def scribble() -> str:
        """Append from inside."""
        try:
            await holder[0].control.state.append_messages([user("inside")])
        except CallerError as error:
            codes.append(error.code)
            codes.append(str(error).partition(",")[2])
        return "tried"

    session = await open_session([call("scribble", {}), "a"], scribble)
    holder.append(session)
    turn = asyncio.ensure_future(session.turn("one").run())
    await asyncio.sleep(0)
    await session.control.state.append_messages([user("after")])
    await turn
    assert codes == [
        "turn_inside_turn",
        (
            " provider, hook or listener of a running turn cannot wait for work on its session, which is done when the turn is over;"
            " do it after the turn, or on another session"
        ),
    ]
    assert [text for text in said(session.graph) if text] == ["one", "a", "after"]


async def test_a_whole_state_can_be_taken_out_and_put_back() -> None:
    """It brings graph, tools and plugins back; changing the session does not change what was taken out."""
    session = await open_session(answers("a", "b"), weather, stored=False)
    await session.turn("one").run()
    await session.control.tools.set_availability("weather", "off")
    taken = await session.control.state.persist_current()
    old = state_builtins(taken)
    await session.turn("two").run()
    await session.control.tools.clear_availability_override("weather")

    await session.control.state.set_persisted(taken)

    assert texts(session.read_view().messages) == ["one", "a"]
    assert session.control.tools.state() == taken.tool_state_snapshot
    await session.turn("three").run()
    assert state_builtins(taken) == old


async def test_a_state_put_back_gives_way_to_a_store_that_moved_on() -> None:
    """With a store, the next turn goes on from what is stored."""
    session = await open_session(answers("a", "b", "c"))
    await session.turn("one").run()
    taken = await session.control.state.persist_current()
    await session.turn("two").run()
    await session.control.state.set_persisted(taken)
    assert texts(session.read_view().messages) == ["one", "a"]
    await session.turn("three").run()
    assert texts(session.read_view().messages) == ["one", "a", "two", "b", "three", "c"]


async def test_a_state_with_unknown_tools_is_refused() -> None:
    """The session stays what it was."""
    other = await open_session(answers(), weather, stored=False)
    taken = await other.control.state.persist_current()
    session = await open_session(answers("a"), stored=False)
    await session.turn("one").run()
    with pytest.raises(SessionError, match="no tool source has `weather`"):
        await session.control.state.set_persisted(taken)
    assert texts(session.read_view().messages) == ["one", "a"]


async def test_what_is_no_whole_state_is_refused() -> None:
    """What `export` gives lacks the state of tools and plugins; it is said where to get a whole one."""
    session = await open_session(answers("a"), stored=False)
    taken: Any = session.control.state.export()
    with pytest.raises(CallerError, match=r"that `await .*persist_current.*` gave, not a SessionSnapshot"):
        await session.control.state.set_persisted(taken)


async def test_a_state_of_another_session_is_refused() -> None:
    """The session would never be committed again: its store holds this one."""
    session = await open_session(answers("a", "b"))
    await session.turn("one").run()
    taken = await session.control.state.persist_current()
    taken.session_id = "other"
    with pytest.raises(SessionError, match="the state is of session other, this is demo"):
        await session.control.state.set_persisted(taken)
    await session.turn("two").run()
    assert texts(session.read_view().messages) == ["one", "a", "two", "b"]


async def test_a_whole_state_opens_with_its_tools() -> None:
    """A tool state whose generation is ahead comes back with its overrides; the state that was given stays the caller's."""
    session = await open_session(answers("a"), weather)
    for level in ("off", "searchable", "callable", "off", "searchable"):
        await session.control.tools.set_availability("weather", level)
    full: RuntimeSessionState = await session.control.state.persist_current()
    core = builder(answers("a"), weather).build()
    opened = await core.session("demo").open_with_state(full)
    assert opened.control.tools.state() == session.control.tools.state()
    assert opened.control.tools.state().generation == 6
    await opened.turn("one").run()
    assert len(full.graph) == 0
