"""What every session store promises of commits and of what is read back (lash 0.1.0-alpha.37, sessions §8, §18.1)."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from lash_nb.clock import ManualClock
from lash_nb.errors import StoreError
from lash_nb.stores import ActivePath, AttachmentIntent, FullGraph, SessionStore
from lash_nb.wire import (
    AgentFrameAssignment,
    AgentFrameRecord,
    GraphCommitDelta,
    HydratedSessionCheckpoint,
    PluginSessionSnapshot,
    RootRelation,
    SessionMeta,
    SessionPolicy,
    ToolState,
    UnchangedGraph,
)
from tests.contracts.conftest import Kind
from tests.contracts.session_store_acts import contents, refused
from tests.stores.material import (
    SESSION,
    STATE,
    append,
    blob,
    commit,
    draft,
    node,
    rewrite,
    stamped,
    used,
)


def test_a_store_declares_its_tier(kind: Kind, store: SessionStore) -> None:
    """The tier is what the store is made for."""
    assert store.durability_tier == kind.tier


async def test_a_store_is_empty_before_the_first_commit(store: SessionStore) -> None:
    """Meta alone makes no session."""
    meta = SessionMeta(session_id=SESSION, session_name="n", created_at="now", model="m", relation=RootRelation())
    assert await store.load_session_meta() is None
    await store.save_session_meta(meta)

    assert await store.load_session_meta() == meta
    assert await store.load_head() is None
    assert await store.load_session(FullGraph()) is None
    assert await store.load_session(ActivePath()) is None


async def test_a_commit_is_read_back_whole(store: SessionStore) -> None:
    """Frames, checkpoint, ledger, graph and head come back as they were committed."""
    frame = AgentFrameRecord(
        frame_id="f1",
        session_id=SESSION,
        created_at="2027-01-15T08:00:00+00:00",
        assignment=AgentFrameAssignment(policy=SessionPolicy()),
        execution_state_snapshot=blob(1, 2),
    )
    checkpoint = HydratedSessionCheckpoint(
        turn_state=STATE,
        tool_state=ToolState(generation=9, tools={}),
        plugin_snapshot=PluginSessionSnapshot(),
        plugin_snapshot_revision=12,
        execution_state=blob(3, 4),
    )
    made = commit(
        append(node("a")),
        agent_frames=(frame,),
        current_agent_frame_id="f1",
        checkpoint=checkpoint,
        usage_deltas=(used(5),),
    )
    result = await store.commit_runtime_state(made)
    read = await store.load_session(FullGraph())
    head = await store.load_head()

    assert read is not None
    assert head is not None
    assert (read.agent_frames, read.current_agent_frame_id) == ((frame,), "f1")
    assert read.checkpoint is not None
    assert read.checkpoint.tool_state == ToolState(generation=9, tools={})
    assert read.checkpoint.plugin_snapshot_revision == 12
    assert read.checkpoint.execution_state == blob(3, 4)
    assert read.token_ledger == (used(5),)
    assert read.graph.nodes == (node("a"),)
    assert (head.head_revision, head.checkpoint_ref) == (result.head_revision, result.checkpoint_ref)
    assert (head.leaf_node_id, head.graph_node_count) == ("a", 1)
    assert result.manifest.turn_state == STATE
    assert result.head_revision == 1


async def test_a_store_holds_one_session(store: SessionStore) -> None:
    """A commit of another session is refused by name."""
    await store.commit_runtime_state(commit())
    error = await refused(store, commit(session_id="other"))

    assert error.variant == "SessionBindingMismatch"
    assert error.fields == {"bound_session_id": SESSION, "attempted_session_id": "other"}


async def test_a_commit_on_another_revision_is_refused(store: SessionStore) -> None:
    """The head moves by compare and swap; a commit that expects nothing is not checked."""
    await store.commit_runtime_state(commit(expected_head_revision=0))
    error = await refused(store, commit(append(node("a")), expected_head_revision=0))

    assert (error.variant, error.fields) == ("HeadRevisionConflict", {"expected": 0, "actual": 1})
    assert (await store.commit_runtime_state(commit(expected_head_revision=1))).head_revision == 2
    assert (await store.commit_runtime_state(commit())).head_revision == 3


async def test_a_first_commit_is_refused_once_there_is_one(store: SessionStore) -> None:
    """It expects nothing on the wire, so whoever commits it says that the session was new to him; run again, a stamped one has its result."""
    made = stamped(commit(append(node("a"))))
    first = await store.commit_runtime_state(made, begins=True)

    with pytest.raises(StoreError, match="was new when it was opened, and stands at revision 1 by now") as refusal:
        await store.commit_runtime_state(commit(append(node("b"))), begins=True)
    assert refusal.value.variant == "HeadRevisionConflict"
    assert refusal.value.fields == {"expected": 0, "actual": 1}
    assert await store.commit_runtime_state(made, begins=True) == first


async def test_branches_are_read_by_scope(store: SessionStore) -> None:
    """The full graph has all branches in stored order; an active path is the ancestry of the persisted or the given leaf."""
    root, left, right = node("root"), node("left", "root"), node("right", "root")
    await store.commit_runtime_state(commit(append(root, left)))
    await store.commit_runtime_state(commit(append(right)))

    async def read(scope: FullGraph | ActivePath) -> tuple[list[str], str | None]:
        found = await store.load_session(scope)
        assert found is not None
        return [one.node_id for one in found.graph.nodes], found.graph.leaf_node_id

    assert await read(FullGraph()) == (["root", "left", "right"], "right")
    assert await read(ActivePath()) == (["root", "right"], "right")
    assert await read(ActivePath("left")) == (["root", "left"], "left")
    assert await read(ActivePath("nowhere")) == ([], "nowhere")


async def test_an_unchanged_graph_may_move_the_leaf(store: SessionStore) -> None:
    """A branch without new nodes is committed as a leaf."""
    await store.commit_runtime_state(commit(append(node("a"), node("b", "a"))))
    await store.commit_runtime_state(commit(GraphCommitDelta(Unchanged=UnchangedGraph(leaf_node_id="a"))))
    head = await store.load_head()

    assert head is not None
    assert (head.leaf_node_id, head.graph_node_count) == ("a", 2)


async def test_a_rewrite_forgets_what_was_there(store: SessionStore) -> None:
    """Replacing the graph drops old nodes, hidden ones too."""
    await store.commit_runtime_state(commit(append(node("a"), node("b", "a"))))
    await store.tombstone_nodes(["a"])
    await store.commit_runtime_state(commit(rewrite(node("c"), node("a", "c"))))
    read = await store.load_session(FullGraph())

    assert read is not None
    assert read.graph.nodes == (node("c"), node("a", "c"))
    assert await store.load_node("b") is None
    assert await store.load_node("a") == node("a", "c")


@pytest.mark.parametrize(
    "graph",
    [append(node("a")), append(node("b"), node("b")), rewrite(node("b"), node("b"))],
    ids=["stored", "twice", "twice in a rewrite"],
)
async def test_a_node_is_stored_once(store: SessionStore, graph: GraphCommitDelta) -> None:
    """A node id that is there, hidden or not, or comes twice, is refused."""
    await store.commit_runtime_state(commit(append(node("a"))))
    await store.tombstone_nodes(["a"])

    assert (await refused(store, commit(graph))).variant == "Backend"


async def test_a_node_that_is_stored_just_so_is_not_stored_again(store: SessionStore) -> None:
    """A commit that is sent again without its stamp brings nothing new; another node under a known id is refused."""
    await store.commit_runtime_state(commit(append(node("a"))))
    again = await store.commit_runtime_state(commit(append(node("a"), node("b", "a"))))
    read = await store.load_session(FullGraph())
    head = await store.load_head()

    assert again.head_revision == 2
    assert read is not None
    assert head is not None
    assert (read.graph.nodes, head.graph_node_count) == ((node("a"), node("b", "a")), 2)
    assert (await refused(store, commit(append(node("a", "b"))))).variant == "Backend"


async def test_a_hidden_node_is_not_read_and_vacuum_deletes_it(store: SessionStore) -> None:
    """Tombstones hide from every read; unknown ids and repetition do no harm; vacuum reports what it removed."""
    await store.commit_runtime_state(commit(append(node("a"), node("b", "a"))))
    await store.tombstone_nodes(["b", "unknown"])
    await store.tombstone_nodes(["b"])
    read = await store.load_session(FullGraph())

    assert await store.load_node("b") is None
    assert read is not None
    assert (read.graph.nodes, read.graph.leaf_node_id) == ((node("a"),), "b")
    assert (await store.vacuum()).removed_node_count == 1
    assert (await store.vacuum()).removed_node_count == 0
    await store.gc_unreachable()
    assert await store.load_node("a") == node("a")


async def test_no_node_hangs_on_one_that_is_gone(store: SessionStore) -> None:
    """Whether its parent is hidden, deleted or was never there; a rewrite brings its own parents, or none."""
    await store.commit_runtime_state(commit(append(node("a"), node("b", "a"))))
    await store.tombstone_nodes(["b"])
    for parent in ("b", "nowhere"):
        error = await refused(store, commit(append(node("c", parent))))
        assert (error.variant, error.fields["parent_node_id"]) == ("Backend", parent)
    await store.vacuum()
    assert (await refused(store, commit(append(node("c", "b"))))).variant == "Backend"
    await store.commit_runtime_state(commit(append(node("c", "a"), node("d", "c"))))
    await store.commit_runtime_state(commit(rewrite(node("z", "nowhere"))))


async def test_nodes_are_hidden_only_where_they_were_chosen(store: SessionStore) -> None:
    """Who names the revision that he saw hides nothing once somebody else has committed."""
    await store.commit_runtime_state(commit(append(node("a"), node("b", "a"))))
    with pytest.raises(StoreError) as error:
        await store.tombstone_nodes(["b"], expected_head_revision=0)
    assert (error.value.variant, error.value.fields["actual"]) == ("HeadRevisionConflict", 1)
    assert await store.load_node("b") == node("b", "a")
    await store.tombstone_nodes(["b"], expected_head_revision=1)
    assert await store.load_node("b") is None


async def test_snapshots_that_a_commit_leaves_out_are_kept(store: SessionStore) -> None:
    """A commit names only what changed: with the references as they are, older snapshots stay; a rewrite begins anew."""
    full = HydratedSessionCheckpoint(
        turn_state=STATE,
        tool_state=ToolState(generation=3, tools={}),
        plugin_snapshot=PluginSessionSnapshot(),
        execution_state=blob(1),
    )
    result = await store.commit_runtime_state(commit(checkpoint=full))
    refs = {name: getattr(result.manifest, name) for name in REFS}
    lean = HydratedSessionCheckpoint(turn_state=STATE, execution_state=blob(2), **refs)
    await store.commit_runtime_state(commit(checkpoint=lean))
    read = await store.load_session(FullGraph())

    assert read is not None
    assert read.checkpoint is not None
    assert read.checkpoint.tool_state == ToolState(generation=3, tools={})
    assert read.checkpoint.plugin_snapshot == PluginSessionSnapshot()
    assert read.checkpoint.execution_state == blob(2)
    await store.commit_runtime_state(commit(rewrite()))
    read = await store.load_session(FullGraph())
    assert read is not None
    assert read.checkpoint is not None
    assert read.checkpoint.tool_state is None


REFS = ("tool_state_ref", "plugin_snapshot_ref", "execution_state_ref")


async def test_usage_is_merged_on_reading(store: SessionStore) -> None:
    """Rows of one source and model add up in the order of their first appearance; rows of nothing are dropped, rows of cached tokens are not."""
    await store.commit_runtime_state(commit(usage_deltas=(used(3), used(1, "child"), used(0))))
    await store.commit_runtime_state(commit(usage_deltas=(used(0, "none"), used(4), used(0, "warm", cached=5))))
    read = await store.load_session(ActivePath())

    assert read is not None
    assert read.token_ledger == (used(7), used(1, "child"), used(0, "warm", cached=5))


async def test_a_repeated_final_commit_changes_nothing(store: SessionStore) -> None:
    """Same turn and hash: the first result comes back, whatever revision is expected."""
    made = stamped(commit(append(node("a")), usage_deltas=(used(3),), expected_head_revision=0))
    first = await store.commit_runtime_state(made)
    before = await contents(store)
    again = await store.commit_runtime_state(made)
    late = await store.commit_runtime_state(replace(made, expected_head_revision=77))

    assert first == again == late
    assert await contents(store) == before


async def test_the_hash_of_a_final_commit_does_not_depend_on_random_ids() -> None:
    """Another expected revision or another node id is the same content; other words are not."""
    plain = stamped(commit(append(node("a")))).turn_commit
    words = node("a", part=replace(node("a").event.Conversation.parts[0], content="other"))  # type: ignore[union-attr]  # it is a message

    assert stamped(commit(append(replace(node("a"), node_id="z")), expected_head_revision=4)).turn_commit == plain
    assert stamped(commit(append(words))).turn_commit != plain


async def test_one_turn_cannot_be_committed_twice_with_other_content(store: SessionStore) -> None:
    """Same turn, another hash; or a stamp of another session: a conflict."""
    await store.commit_runtime_state(stamped(commit(append(node("a")))))
    other = stamped(commit(usage_deltas=(used(1),)))
    assert other.turn_commit is not None
    foreign = replace(other, turn_commit=replace(other.turn_commit, session_id="other", turn_id="t2"))

    for made in (other, foreign):
        error = await refused(store, made)
        assert made.turn_commit is not None
        assert error.variant == "RuntimeTurnCommitConflict"
        assert error.fields == {"session_id": made.turn_commit.session_id, "turn_id": made.turn_commit.turn_id}


async def test_attachment_intents_end_by_commit_or_by_being_forgotten(store: SessionStore, clock: ManualClock) -> None:
    """Each of three intents is listed until a commit, an own call or a sweep ends it."""
    now = clock.now_ns() // 1_000_000
    for number in range(3):
        store.record_intent(
            AttachmentIntent(
                attachment_id=f"a{number}",
                session_id=SESSION,
                canonical_uri=f"sha256:a{number}",
                intent_at_epoch_ms=now - number,
            )
        )
    assert [entry.attachment_id for entry in store.list_uncommitted(now)] == ["a2", "a1", "a0"]
    assert [entry.attachment_id for entry in store.list_uncommitted(now - 1)] == ["a2", "a1"]
    store.commit_refs("another session", ["a0"])
    store.commit_refs(SESSION, ["a0"])
    await store.commit_runtime_state(commit(committed_attachment_ids=("a1",)))

    assert [entry.attachment_id for entry in store.list_uncommitted(now)] == ["a2"]
    store.forget("a2")
    store.forget("a2")
    assert store.list_uncommitted(now) == ()
    assert [(entry.attachment_id, entry.committed_at_epoch_ms) for entry in store.list_attachments()] == [
        ("a0", now),
        ("a1", now),
    ]


async def test_an_intent_is_noted_once(store: SessionStore, clock: ManualClock) -> None:
    """The first session, time and stamp stay."""
    first = AttachmentIntent(attachment_id="a", session_id=SESSION, canonical_uri="sha256:a", intent_at_epoch_ms=1)
    store.record_intent(first)
    store.commit_refs(SESSION, ["a"])
    clock.advance(9)
    before = store.list_attachments()
    store.commit_refs(SESSION, ["a"])
    store.record_intent(
        AttachmentIntent(attachment_id="a", session_id="other", canonical_uri="sha256:a", intent_at_epoch_ms=2)
    )

    assert store.list_attachments() == before


async def test_a_store_that_was_released_goes_on(store: SessionStore) -> None:
    """Releasing gives back what is held open, as often as one likes; everything is there afterwards."""
    await store.commit_runtime_state(commit(append(node("a"))))
    await store.enqueue_work(draft())
    before = await contents(store)
    store.release()
    store.release()

    assert await contents(store) == before
    store.release()
    assert (
        await store.commit_runtime_state(commit(append(node("b", "a")), expected_head_revision=1))
    ).head_revision == 2


async def test_a_durable_session_is_there_after_reopening(opening: Callable[[], SessionStore]) -> None:
    """Meta, head, tool state, queue and attachment intents survive the store."""
    store, again = opening(), opening()
    meta = SessionMeta(
        session_id=SESSION, session_name="n", created_at="now", model="m", cwd="/", relation=RootRelation()
    )
    checkpoint = HydratedSessionCheckpoint(turn_state=STATE, tool_state=ToolState(generation=77, tools={}))
    await store.save_session_meta(meta)
    await store.commit_runtime_state(stamped(commit(append(node("a")), checkpoint=checkpoint)))
    await store.enqueue_work(draft(source_key="k"))
    store.record_intent(
        AttachmentIntent(attachment_id="a", session_id=SESSION, canonical_uri="sha256:a", intent_at_epoch_ms=1)
    )
    read = await again.load_session(FullGraph())

    assert await again.load_session_meta() == meta
    assert read is not None
    assert read.checkpoint is not None
    assert read.checkpoint.tool_state == ToolState(generation=77, tools={})
    assert await contents(again) == await contents(store)
    assert [batch.source_key for batch in await again.list_queued_work(SESSION)] == ["k"]
    assert [entry.attachment_id for entry in again.list_uncommitted(1)] == ["a"]
