"""The controls of an open session."""

import asyncio
from typing import Any

import pytest

from lash_nb.clock import RandomIds
from lash_nb.core import LashSession, SessionConfigPatch
from lash_nb.errors import CallerError, LashRuntimeError, PluginError, SessionError, StoreError
from lash_nb.plugins import (
    FunctionToolProvider,
    HistoryRewriteMetadata,
    HistoryRewriter,
    HistoryState,
    ManualRewrite,
    RewriteContext,
    RewriteTrigger,
    StaticPlugin,
    WindowShrinkRewrite,
    tool,
)
from lash_nb.providers import ScriptedProvider, call
from lash_nb.runtime import RuntimeSessionState, state_builtins
from lash_nb.stores import FullGraph, InMemorySessionStore
from lash_nb.wire import (
    AppendedNodes,
    AppendProtocolEvent,
    AppendSessionNodesRequest,
    ModelLimits,
    ModelSpec,
    Part,
    PluginMessage,
    PluginOrigin,
    PromptContribution,
    ProtocolEvent,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    SessionGraph,
    StaleBranch,
    TextItem,
    TurnInput,
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
    texts,
    weather,
)


def said(graph: SessionGraph) -> list[str]:
    """What is said in all branches, in storage order."""
    return texts([node.message for node in graph.nodes if node.message])


async def stored(store: InMemorySessionStore) -> SessionGraph:
    """All nodes of the store."""
    read = await store.load_session(FullGraph())
    assert read is not None
    return read.graph


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
    assert (await stored(store)).leaf_node_id is None
    again = await builder(answers("c")).ids(RandomIds()).build().session("demo").store(store).open()
    await again.turn("anew").run()
    assert texts(messages_of(again.graph)) == ["anew", "c"]
    assert said(await stored(store)) == ["one", "a", "anew", "c"]


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
    assert said(await stored(store)) == ["one", "a", "two", "b", "anew", "c"]


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

    graph = await stored(store)
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
    before, commits = await stored(store), len(store.commits)
    stale = await session._runtime.append_session_nodes(request)
    assert stale == StaleBranch(current_leaf_node_id=session.graph.nodes[0].node_id)
    assert (await stored(store), len(store.commits)) == (before, commits)


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
    assert said(await stored(store)) == ["one", "a", "kept"]
    legal(await stored(store))


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
        return "tried"

    session = await open_session([call("scribble", {}), "a"], scribble)
    holder.append(session)
    turn = asyncio.ensure_future(session.turn("one").run())
    await asyncio.sleep(0)
    await session.control.state.append_messages([user("after")])
    await turn
    assert codes == ["turn_inside_turn"]
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


class KeepLast:
    """Keeps the last messages, if it is asked for one of its reasons."""

    def __init__(self, count: int, *, priority: int = 0, only: type | None = None, summary: bool = False) -> None:
        self.count = count
        self.priority = priority
        self.only = only
        self.summary = summary
        self.contexts: list[RewriteContext] = []

    def accepts(self, trigger: RewriteTrigger) -> bool:
        """Look at the reason."""
        return self.only is None or isinstance(trigger, self.only)

    async def rewrite(self, context: RewriteContext, state: HistoryState) -> HistoryState:
        """Keep the last ones."""
        self.contexts.append(context)
        metadata = HistoryRewriteMetadata(produced_summary=self.summary)
        return HistoryState(messages=state.messages[-self.count :], metadata=metadata)


class Failing(KeepLast):
    """Fails."""

    async def rewrite(self, context: RewriteContext, state: HistoryState) -> HistoryState:
        """Fail."""
        message = f"no summary of {len(state.messages)} messages of {context.session_id}"
        raise OSError(message)


async def rewriting(*rewriters: HistoryRewriter, store: InMemorySessionStore | None = None) -> LashSession:
    """A session of two turns whose history can be rewritten."""

    def register(registrar: Any) -> None:
        for rewriter in rewriters:
            registrar.add_history_rewriter(rewriter)

    opening = builder(answers("a", "b", "c")).plugin(StaticPlugin("rewriter", register)).build().session("demo")
    session = await (opening.store(store) if store else opening).open()
    await session.turn("one").run()
    await session.turn("two").run()
    return session


async def test_a_rewritten_history_stays_rewritten() -> None:
    """The path reads as the rewriter says, now and in the store; the old nodes stay off it."""
    store = InMemorySessionStore()
    session = await rewriting(KeepLast(2), store=store)
    assert await session.control.state.rewrite_history()
    assert texts(messages_of(await stored(store))) == ["two", "b"]
    await session.turn("three").run()
    assert texts(session.read_view().messages) == ["two", "b", "three", "c"]
    assert said(await stored(store)) == ["one", "a", "two", "b", "two", "b", "three", "c"]
    legal(await stored(store))


async def test_nothing_is_rewritten_without_a_rewriter_or_a_change() -> None:
    """The answer says so, and nothing is committed."""
    assert not await (await rewriting()).control.state.rewrite_history()
    store = ActingStore()
    session = await rewriting(KeepLast(9), store=store)
    commits = len(store.commits)
    assert not await session.control.state.rewrite_history()
    assert len(store.commits) == commits


async def test_rewriters_follow_each_other_by_priority_and_reason() -> None:
    """The higher priority comes first; one that does not take the reason is passed over."""
    late, early = KeepLast(1, priority=1), KeepLast(3, priority=5)
    never = KeepLast(0, priority=9, only=WindowShrinkRewrite)
    session = await rewriting(late, early, never)
    await session.control.state.rewrite_history(ManualRewrite("keep names"))
    assert texts(session.read_view().messages) == ["b"]
    assert [len(one.contexts) for one in (late, early, never)] == [1, 1, 0]
    assert (early.contexts[0].session_id, early.contexts[0].trigger) == ("demo", ManualRewrite("keep names"))
    assert early.contexts[0].effect_controller.scope.id == "demo:rewrite-history:manual:2"


async def test_a_rewriter_that_fails_changes_nothing() -> None:
    """The plugin is named."""
    session = await rewriting(KeepLast(1, priority=1), Failing(0))
    with pytest.raises(PluginError, match="`rewriter` raised OSError: no summary of 1 messages of demo"):
        await session.control.state.rewrite_history()
    assert texts(session.read_view().messages) == ["one", "a", "two", "b"]


async def test_a_smaller_window_lets_the_history_be_rewritten(caplog: pytest.LogCaptureFixture) -> None:
    """Only a smaller one does; a rewriter that fails is told in the log, and the model is set all the same."""

    def window(tokens: int) -> SessionConfigPatch:
        return SessionConfigPatch(model=ModelSpec(id="m", limits=ModelLimits(context_window_tokens=tokens)))

    keep, fail = KeepLast(1, only=WindowShrinkRewrite, summary=True), Failing(0, only=WindowShrinkRewrite)
    session, failing = await rewriting(keep), await rewriting(fail)
    await session.configure(window(1000))
    await session.configure(window(2000))
    await failing.configure(window(1000))
    assert texts(session.read_view().messages) == ["b"]
    assert [context.trigger for context in keep.contexts] == [WindowShrinkRewrite(200_000, 1000)]
    assert texts(failing.read_view().messages) == ["one", "a", "two", "b"]
    assert failing.policy_snapshot().model.id == "m"
    assert "no summary of 4 messages" in caplog.text


async def test_provider_model_and_prompt_can_be_changed() -> None:
    """The next turn asks the new provider for the new model with the new prompt; the next commit stores provider and model."""
    store = ActingStore()
    session = await open_session(answers("a"), store=store)
    await session.turn("one").run()
    other = ScriptedProvider(["from the other"], kind="other")
    model = ModelSpec(id="m2", limits=ModelLimits(context_window_tokens=300_000))
    await session.configure(SessionConfigPatch(provider=other, model=model))
    await session.control.config.add_prompt_contribution(PromptContribution(slot="guidance", content="Be brief."))

    result = await session.turn(TurnInput(items=(TextItem(text="two"),))).run()

    assert result.reply == "from the other"
    assert other.requests[0].model == "m2"
    assert "Be brief." in str(other.requests[0].messages[0])
    read = await store.load_session(FullGraph())
    assert read is not None
    assert (read.config.provider_id, read.config.model) == ("other", model)
    frame = read.agent_frames[0]
    assert (frame.assignment.policy.provider_id, frame.assignment.policy.model) == ("other", model)


async def test_slots_of_the_prompt_can_be_filled_and_emptied() -> None:
    """What is set is the session's own layer."""
    session = await open_session(answers(), stored=False)
    config = session.control.config
    await config.replace_prompt_slot("intro", [PromptContribution(slot="intro", content="One.")])
    await config.add_prompt_contribution(PromptContribution(slot="intro", content="Two."))
    intro = session.policy_snapshot().prompt.slots["intro"]
    assert ([held.content for held in intro.contributions], intro.reset) == (["One.", "Two."], True)
    await config.clear_prompt_slot("intro")
    assert session.policy_snapshot().prompt.slots["intro"].contributions == ()
    await config.clear_prompt_template()
    assert session.policy_snapshot().prompt.template is None


async def test_tools_can_be_switched_and_switched_back() -> None:
    """Each change counts the generation up; all of several or none."""
    session = await open_session(answers(), weather, stored=False)
    tools = session.control.tools
    assert [manifest.name for manifest in tools.active_definitions()] == ["batch", "weather"]
    assert await tools.set_availability("weather", "off") == 2
    assert await tools.set_availability_many({"weather": "searchable", "batch": "off"}) == 3
    with pytest.raises(SessionError, match="unknown tool `gone`; there are batch, weather"):
        await tools.set_availability_many({"batch": "callable", "gone": "off"})
    assert await tools.clear_availability_override("weather") == 4
    overrides = {m.name: m.availability_override for m in tools.active_definitions()}
    assert overrides == {"batch": "off", "weather": None}


async def test_a_tool_state_is_applied_once_and_restored_always() -> None:
    """Applying asks for the present generation; restoring takes any."""
    session = await open_session(answers(), weather, stored=False)
    tools = session.control.tools
    first = tools.state()
    assert await tools.apply_state(first) == 2
    with pytest.raises(SessionError, match="tool reconfigure failed: generation mismatch: expected 1, actual 2"):
        await tools.apply_state(first)
    assert await tools.restore_state(first) == 1
    assert tools.state() == first


async def test_tools_can_be_added_and_removed() -> None:
    """A source has a name; it cannot be removed twice, and must not clash with another one."""

    @tool
    def clock() -> str:
        """Tell the time."""
        return "noon"

    session = await open_session(answers(), weather, stored=False)
    tools = session.control.tools
    source = await tools.add_provider(FunctionToolProvider([clock]))
    assert (source, tools.state().generation, "clock" in tools.state().tools) == ("live:1", 4, True)
    assert (await tools.remove_source(source), tools.state().generation) == (5, 6)
    with pytest.raises(SessionError, match="unknown tool source: live:1"):
        await tools.remove_source(source)
    with pytest.raises(SessionError, match="duplicate tool name `weather`"):
        await tools.add_provider(FunctionToolProvider([weather]))


async def test_an_observer_sees_the_session_between_its_changes() -> None:
    """A turn under way does not show; when it is over everything shows at once."""
    session = await open_session(answers("a", "b"), weather)
    await session.turn("one").run()
    before = session.observe()
    turn = session.start("two")
    await asyncio.sleep(0)
    assert session.observe() is before
    await turn.wait()
    now = session.observe()
    assert texts(before.read_view.messages) == ["one", "a"]
    assert texts(now.read_view.messages) == ["one", "a", "two", "b"]
    assert (now.session_id, now.policy, now.tool_state) == (
        "demo",
        session.policy_snapshot(),
        session.control.tools.state(),
    )
    assert now.usage_report() == session.usage_report()
    assert texts(now.persisted_state.graph.messages) == ["one", "a", "two", "b"]
    assert now.persisted_state.plugin_snapshot is not None
