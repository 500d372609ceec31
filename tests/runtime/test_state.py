"""A session's state: what a store, a snapshot and a commit make of it; and the view that reads it."""

from typing import Any

from lash_nb.clock import CountingIds, ManualClock, rfc3339
from lash_nb.runtime import RuntimeSessionState, SessionReadView, state_builtins
from lash_nb.runtime._append import append_node
from lash_nb.runtime._state_commit import commit_to, state_commit
from lash_nb.runtime._state_snapshots import snapshot_reader
from lash_nb.stores import FullGraph, InMemorySessionStore
from lash_nb.wire import (
    AgentFrameAssignment,
    AgentFrameRecord,
    AppendMessage,
    AppendPlugin,
    AppendProtocolEvent,
    ChronologicalMessage,
    HydratedSessionCheckpoint,
    Message,
    ModelLimits,
    ModelSpec,
    Octets,
    Part,
    PersistedSessionConfig,
    PersistedSessionRead,
    PersistedTurnState,
    PluginMessage,
    PluginOrigin,
    ProtocolEvent,
    SessionGraph,
    SessionPolicy,
    SessionSnapshot,
    TokenLedgerEntry,
    TokenUsage,
    ToolState,
    from_builtins,
    to_builtins,
)
from tests.runtime.desk import START_NS, texts

CLOCK = ManualClock(START_NS)
MODEL = ModelSpec(id="m", limits=ModelLimits(context_window_tokens=1000))
POLICY = SessionPolicy(model=MODEL, provider_id="scripted")
RUNTIME_ONLY = {"tool_state_snapshot", "plugin_snapshot", "execution_state_snapshot", "head_revision"}


def message(name: str, *, transient: bool = False) -> Message:
    """A message of one text."""
    part = Part(id=f"{name}.p0", kind="Text", content=name, prune_state="Intact")
    return Message(
        id=name, role="User", parts=(part,), origin=PluginOrigin(plugin_id="p", transient=True) if transient else None
    )


def fresh() -> RuntimeSessionState:
    """A state in which nothing happened."""
    return RuntimeSessionState.fresh("demo", POLICY, CLOCK)


def frame(name: str, **given: Any) -> AgentFrameRecord:
    """A frame."""
    return AgentFrameRecord(
        frame_id=name,
        session_id="demo",
        created_at=rfc3339(0),
        assignment=AgentFrameAssignment(policy=POLICY),
        **given,
    )


def usage(count: int) -> TokenUsage:
    """Some tokens."""
    return TokenUsage(input_tokens=count, output_tokens=1, cached_input_tokens=0)


def test_a_stored_session_is_hydrated() -> None:
    """Provider and model come into the policy, the rest from head and checkpoint; the next commit expects revision 7."""
    read = PersistedSessionRead(
        session_id="demo",
        head_revision=7,
        config=PersistedSessionConfig(provider_id=" openai ", model=MODEL),
        agent_frames=(frame("f"),),
        current_agent_frame_id="f",
        graph=SessionGraph(),
        checkpoint_ref="c",
        checkpoint=HydratedSessionCheckpoint(
            turn_state=PersistedTurnState(turn_index=3, token_usage=usage(5)),
            tool_state_ref="t",
            tool_state=ToolState(generation=9, tools={}),
            plugin_snapshot_revision=12,
            execution_state_ref="e",
            execution_state=Octets(b"\1\2"),
        ),
        token_ledger=(TokenLedgerEntry(source="turn", model="m", usage=usage(5)),),
    )
    state = RuntimeSessionState.from_read(read, CLOCK)
    assert (state.policy.provider_id, state.policy.model, state.turn_index) == ("openai", MODEL, 3)
    assert (state.tool_state_generation, state.plugin_snapshot_revision) == (9, 12)
    assert (state.execution_state_snapshot, state.current_agent_frame_id) == (b"\1\2", "f")
    commit = state_commit(state)
    assert (commit.expected_head_revision, commit.config.provider_id) == (7, "openai")
    assert (commit.checkpoint.execution_state, commit.checkpoint.tool_state_ref) == (b"\1\2", "t")


def test_a_snapshot_leaves_out_what_only_a_live_session_has() -> None:
    """Live snapshots, revisions and inline code state are not in its JSON, which reads back as the same."""
    state = fresh()
    state.graph.append_message(message("a"))
    state.tool_state_snapshot = ToolState(generation=1, tools={})
    state.execution_state_snapshot, state.head_revision = b"\1", 4
    state.change_frame(execution_state_snapshot=Octets(b"\1"))
    snapshot = snapshot_reader(state)()
    document = to_builtins(snapshot)
    assert not RUNTIME_ONLY & document.keys()
    assert "execution_state_snapshot" not in document["agent_frames"][0]
    assert from_builtins(document, SessionSnapshot) == snapshot


def test_a_state_from_a_snapshot_stands_on_no_revision() -> None:
    """Its first commit writes the whole graph and asks for no revision; frames that are missing are made."""
    state = fresh()
    state.graph.append_message(message("a"))
    snapshot = SessionReadView.of(state).to_snapshot()
    again = RuntimeSessionState.from_snapshot(snapshot, CLOCK)
    commit = state_commit(again)
    assert (commit.expected_head_revision, commit.graph.ReplaceFull) == (None, snapshot.session_graph)
    assert [held.frame_id for held in again.agent_frames] == ["demo:frame:initial"]


def test_the_whole_state_is_written_with_its_live_snapshots() -> None:
    """What is not known is left out."""
    state = fresh()
    assert not RUNTIME_ONLY & state_builtins(state).keys()
    state.tool_state_snapshot, state.execution_state_snapshot = ToolState(generation=2, tools={}), b"\1\2"
    document = state_builtins(state)
    assert (document["tool_state_snapshot"], document["execution_state_snapshot"]) == (
        {"generation": 2, "tools": {}},
        [1, 2],
    )


def test_a_copy_is_a_state_of_its_own() -> None:
    """Nodes of one do not show in the other; what is not committed is not committed in the copy."""
    state = fresh()
    state.graph.append_message(message("a"))
    copy = state.copy()
    copy.graph.append_message(message("b"))
    state.graph.append_message(message("c"))
    assert (texts(state.graph.messages), texts(copy.graph.messages)) == (["a", "c"], ["a", "b"])
    assert [node.node_id for node in copy.graph.pending()] == ["a", "b"]


async def test_a_commit_charges_what_was_used_and_is_stood_on() -> None:
    """Usage rows are stored, live snapshots are let go, and the next commit expects the new revision and brings new nodes only."""
    state, store = fresh(), InMemorySessionStore(CLOCK)
    state.graph.append_message(message("a"))
    state.tool_state_snapshot = ToolState(generation=2, tools={})
    rows = tuple(TokenLedgerEntry(source=name, model="m", usage=usage(3)) for name in ("turn", "compaction"))
    await commit_to(store, state, state_commit(state, usage_deltas=rows))
    state.graph.append_message(message("b"))
    following = state_commit(state)
    read = await store.load_session(FullGraph())
    assert read is not None
    assert read.token_ledger == rows
    assert (state.head_revision, following.checkpoint.tool_state, following.expected_head_revision) == (1, None, 1)
    assert [node.node_id for node in following.graph.variant.nodes] == ["b"]


def test_appended_nodes_have_ids_of_their_kinds() -> None:
    """Messages, notes of protocols and objects of plugins are told apart by the beginnings of their ids."""
    state, ids = fresh(), CountingIds()
    nodes = (
        AppendMessage(message=PluginMessage(role="User", content="hi")),
        AppendProtocolEvent(event=ProtocolEvent(plugin_id="p", payload={})),
        AppendPlugin(plugin_type="p", body=1),
    )
    names = [append_node(state.graph, node, ids) for node in nodes]
    assert [name.rstrip("0123456789abcdef") for name in names] == ["m", "protocol:", "plugin:"]
    assert [node.node_id for node in state.graph.path] == names


def test_a_view_is_fixed_at_its_moment() -> None:
    """What is appended, moved or rolled back later does not show, whether the view was read before or not."""
    state = fresh()
    state.graph.append_message(message("a"))
    unread, read = SessionReadView.of(state), SessionReadView.of(state)
    assert texts(read.messages) == ["a"]
    state.graph.mark_committed()
    undo = state.undo_point()
    state.graph.append_message(message("b"))
    undo()
    state.graph.branch_to(None)
    state.graph.append_message(message("c"))
    for view in (unread, read):
        assert (texts(view.messages), view.leaf_node_id, view.node_count) == (["a"], "a", 1)
        assert (view.user_message_count, view.first_user_message) == (1, "a")


def test_a_view_reads_the_current_frame() -> None:
    """Its messages and events are the frame's; tree, counts and graph are of all frames."""
    state = fresh()
    state.graph.append_message(message("a"))
    state.agent_frames = (*state.agent_frames, frame("f2", previous_frame_id=state.current_agent_frame_id))
    state.current_agent_frame_id = "f2"
    state.select_frame()
    state.graph.append_message(message("b"))
    state.graph.append_message(message("t", transient=True))
    state.graph.append_protocol_event(ProtocolEvent(plugin_id="p", payload={}), "protocol:1")
    view = SessionReadView.of(state)
    told = [entry.payload for entry in view.chronological_projection().entries]
    assert texts(view.messages) == ["b"]
    assert [event.tag for event in view.active_events] == ["Conversation", "Conversation", "Protocol"]
    assert [item.id if isinstance(item, ChronologicalMessage) else item.plugin_id for item in told] == ["b", "p"]
    assert (view.node_count, view.user_message_count, len(view.message_tree())) == (4, 3, 1)
