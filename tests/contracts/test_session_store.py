"""What every session store promises (lash 0.1.0-alpha.37, sessions §8, §9, §18.1)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from lash_nb.clock import Clock, ManualClock
from lash_nb.errors import StoreError
from lash_nb.stores import (
    ActivePath,
    AttachmentIntent,
    FullGraph,
    InMemorySessionStore,
    SessionStore,
    SqliteSessionStore,
)
from lash_nb.wire import (
    AgentFrameAssignment,
    AgentFrameRecord,
    DurabilityTier,
    GraphCommitDelta,
    HydratedSessionCheckpoint,
    MergeGroup,
    PluginSessionSnapshot,
    QueuedWorkClaim,
    RootRelation,
    SessionMeta,
    SessionPolicy,
    ToolState,
    UnchangedGraph,
)
from tests.stores.material import (
    SESSION,
    STATE,
    append,
    blob,
    commit,
    completion,
    draft,
    node,
    rewrite,
    stamped,
    used,
)

STORES: dict[str, tuple[Callable[[Clock, Path], SessionStore], DurabilityTier]] = {
    "memory": (lambda clock, _: InMemorySessionStore(clock), "inline"),
    "sqlite": (lambda clock, folder: SqliteSessionStore(folder / "session.db", clock=clock), "durable"),
}


@pytest.fixture
def clock() -> ManualClock:
    """A clock that the test moves."""
    return ManualClock(1_800_000_000_000_000_000)


@pytest.fixture(params=list(STORES))
def kind(request: pytest.FixtureRequest) -> str:
    """Each shipped store."""
    name: str = request.param
    return name


@pytest.fixture
def store(kind: str, clock: ManualClock, tmp_path: Path) -> Iterator[SessionStore]:
    """An empty store."""
    made = STORES[kind][0](clock, tmp_path)
    yield made
    made.release()


async def refused(store: SessionStore, made: object) -> StoreError:
    """Commit, expect a refusal that changes nothing, and return the error."""
    before = await contents(store)
    with pytest.raises(StoreError) as error:
        await store.commit_runtime_state(made)  # type: ignore[arg-type]  # always a commit
    assert await contents(store) == before
    return error.value


async def contents(store: SessionStore) -> object:
    """Everything that can be read from a store."""
    return (
        await store.load_head(),
        await store.load_session(FullGraph()),
        await store.list_queued_work(SESSION),
        await store.list_pending_queued_work(SESSION),
        store.list_attachments(),
    )


async def claimed(store: SessionStore, **terms: object) -> QueuedWorkClaim | None:
    """Claim at an idle boundary as `me`, unless told otherwise."""
    return await store.claim_ready_work(**{"session_id": SESSION, "boundary": "idle", "owner": "me"} | terms)  # type: ignore[arg-type]  # the terms of one test


async def claimed_ids(store: SessionStore, **terms: object) -> list[str] | None:
    """The ids of what can be claimed."""
    claim = await claimed(store, **terms)
    return [batch.batch_id for batch in claim.batches] if claim else None


def test_a_store_declares_its_tier(kind: str, store: SessionStore) -> None:
    """The tier is what the store is made for."""
    assert store.durability_tier == STORES[kind][1]


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
    """Rows of one source and model add up in the order of their first appearance; rows of nothing are dropped."""
    await store.commit_runtime_state(commit(usage_deltas=(used(3), used(1, "child"), used(0))))
    await store.commit_runtime_state(commit(usage_deltas=(used(0, "none"), used(4))))
    read = await store.load_session(ActivePath())

    assert read is not None
    assert read.token_ledger == (used(7), used(1, "child"))


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


async def test_work_with_the_same_source_key_waits_once(store: SessionStore) -> None:
    """Enqueuing again returns the first batch, original payload and item ids included, as long as it waits."""
    first = await store.enqueue_work(draft("one", source_key="k"))
    again = await store.enqueue_work(draft("two", source_key="k"))
    unrelated = await store.enqueue_work(draft("three", session_id="other", source_key="k"))

    assert again == first
    assert [item.item_id for item in first.items] == [f"{first.batch_id}:item:0"]
    assert await store.list_queued_work(SESSION) == (first,)
    assert await store.list_queued_work("other") == (unrelated,)
    await store.cancel_work(session_id=SESSION, batch_id=first.batch_id)
    assert (await store.enqueue_work(draft("two", source_key="k"))).items != first.items


async def test_only_free_work_can_be_cancelled(store: SessionStore) -> None:
    """A claimed batch is not pending and cannot be cancelled; after abandoning it can; another session's never."""
    first, second = [await store.enqueue_work(draft(text)) for text in ("one", "two")]
    assert await store.cancel_work(session_id=SESSION, batch_id=second.batch_id) == second
    assert await store.cancel_work(session_id=SESSION, batch_id=second.batch_id) is None
    claim = await claimed(store)
    assert claim is not None

    assert await store.list_pending_queued_work(SESSION) == ()
    assert await store.list_queued_work(SESSION) == (first,)
    assert await store.cancel_work(session_id=SESSION, batch_id=first.batch_id) is None
    await store.abandon_claim(claim)
    await store.abandon_claim(claim)
    assert await store.cancel_work(session_id="other", batch_id=first.batch_id) is None
    assert await store.cancel_work(session_id=SESSION, batch_id=first.batch_id) == first


async def test_claiming_by_ids_takes_the_head_or_nothing(store: SessionStore) -> None:
    """An exact claim that is not the head gives None and leaves everything free; each attempt counts the head's fencing up."""
    first, second = [await store.enqueue_work(draft(text)) for text in ("one", "two")]

    async def take(*ids: str) -> QueuedWorkClaim | None:
        return await store.claim_by_ids(session_id=SESSION, batch_ids=ids, boundary="idle", owner="me")

    assert await take() is None
    assert await take(second.batch_id) is None
    assert await take(second.batch_id, first.batch_id) is None
    assert await store.list_pending_queued_work(SESSION) == (first, second)
    claim = await take(first.batch_id, second.batch_id)
    assert claim is not None
    assert claim.batches == (first, second)
    assert claim.fencing_token == 3


async def test_ready_work_that_must_wait_blocks_a_checkpoint(store: SessionStore) -> None:
    """Inside a turn nothing passes a head that waits for its end; once somebody holds that one, the next may come."""
    head = await store.enqueue_work(draft("after", delivery_policy="after_current_turn_commit"))
    early = await store.enqueue_work(draft("early"))

    assert await claimed(store, boundary="active_turn_checkpoint") is None
    assert await claimed_ids(store) == [head.batch_id]
    assert await claimed_ids(store, boundary="active_turn_checkpoint") == [early.batch_id]


async def test_claims_are_renewed_abandoned_and_fenced(store: SessionStore, clock: ManualClock) -> None:
    """Renewing keeps identity and work; claiming again after abandoning raises the fencing token and changes the claim."""
    await store.enqueue_work(draft())
    claim = await claimed(store, lease_ttl_ms=1000)
    assert claim is not None
    clock.advance(0.5)
    renewed = await store.renew_claim(claim, lease_ttl_ms=1000)

    assert renewed == replace(claim, expires_at_epoch_ms=claim.expires_at_epoch_ms + 500)
    await store.abandon_claim(renewed)
    again = await claimed(store)
    assert again is not None
    assert (claim.fencing_token, again.fencing_token) == (1, 2)
    assert claim.claim_id != again.claim_id
    with pytest.raises(StoreError) as error:
        await store.renew_claim(claim)
    assert (error.value.variant, error.value.fields) == (
        "QueuedWorkClaimExpired",
        {"session_id": SESSION, "claim_id": claim.claim_id},
    )


async def test_a_claim_under_another_sessions_name_holds_nothing(store: SessionStore) -> None:
    """It cannot be renewed, and giving it back frees no work."""
    await store.enqueue_work(draft())
    claim = await claimed(store)
    assert claim is not None
    foreign = replace(claim, session_id="other")

    with pytest.raises(StoreError) as error:
        await store.renew_claim(foreign)
    await store.abandon_claim(foreign)

    assert error.value.variant == "QueuedWorkClaimExpired"
    assert await store.list_pending_queued_work(SESSION) == ()


async def test_an_expired_claim_can_be_taken_over_or_renewed_by_whoever_is_first(
    store: SessionStore, clock: ManualClock
) -> None:
    """Expiry alone takes nothing away; a reclaim does."""
    await store.enqueue_work(draft())
    claim = await claimed(store, lease_ttl_ms=1000)
    assert claim is not None
    assert await claimed(store) is None
    clock.advance(1)
    renewed = await store.renew_claim(claim, lease_ttl_ms=0)
    taken = await claimed(store, owner="other")

    assert taken is not None
    assert taken.fencing_token == claim.fencing_token + 1
    with pytest.raises(StoreError):
        await store.renew_claim(renewed)


async def test_work_that_is_not_available_yet_is_passed_over(store: SessionStore, clock: ManualClock) -> None:
    """A batch for later neither comes nor blocks."""
    later = await store.enqueue_work(draft("later", available_at_ms=clock.now_ns() // 1_000_000 + 1000))
    now = await store.enqueue_work(draft("now"))

    assert await claimed_ids(store, max_batches=9) == [now.batch_id]
    clock.advance(1)
    assert await claimed_ids(store, max_batches=9) == [later.batch_id]


async def test_joins_group_neighbours_of_one_kind(store: SessionStore) -> None:
    """Following ready work joins as long as slot, delivery and merge key are equal, up to the limit; exclusive work comes alone."""
    group = MergeGroup(group="g")
    terms_of_work: list[dict[str, object]] = [{}, {}, {}]
    terms_of_work += [{"merge_key": group}, {"merge_key": group}, {}]
    terms_of_work += [{"slot_policy": "exclusive"}, {"slot_policy": "exclusive"}]
    ids = [
        (await store.enqueue_work(draft(str(number), **terms))).batch_id for number, terms in enumerate(terms_of_work)
    ]
    await store.enqueue_work(draft("stranger", session_id="other"))
    groups = [await claimed_ids(store, max_batches=limit) for limit in (0, 2, 9, 9, 9, 9, 9, 9)]

    assert groups == [None, ids[:2], ids[2:3], ids[3:5], ids[5:6], ids[6:7], ids[7:8], None]


async def test_a_completion_with_a_stale_token_changes_nothing(store: SessionStore) -> None:
    """Work is done only by who holds it; the valid completion clears the queue with its commit."""
    await store.enqueue_work(draft())
    stale = await claimed(store, lease_ttl_ms=0)
    valid = await claimed(store)
    assert stale is not None
    assert valid is not None

    for bad in (
        completion(stale),
        completion(valid, batch_ids=()),
        completion(valid, batch_ids=("elsewhere",)),
        completion(valid, session_id="other"),
    ):
        error = await refused(store, stamped(commit(append(node("a")), completed_queue_claims=(bad,))))
        assert error.variant == "QueuedWorkClaimExpired"
    made = stamped(commit(append(node("a")), completed_queue_claims=(completion(valid),)))
    result = await store.commit_runtime_state(made)

    assert await store.list_queued_work(SESSION) == ()
    assert await store.commit_runtime_state(made) == result


async def test_one_bad_completion_spoils_the_commit(store: SessionStore) -> None:
    """A good completion beside a bad one removes nothing."""
    await store.enqueue_work(draft("one", slot_policy="exclusive"))
    await store.enqueue_work(draft("two", slot_policy="exclusive"))
    good, other = await claimed(store), await claimed(store)
    assert good is not None
    assert other is not None
    await store.abandon_claim(other)

    await refused(store, commit(completed_queue_claims=(completion(good), completion(other))))
    assert len(await store.list_queued_work(SESSION)) == 2


async def test_a_session_completes_its_own_work_only(store: SessionStore) -> None:
    """Work of another session in the same store is not done by this session's commit."""
    await store.enqueue_work(draft(session_id="other"))
    claim = await claimed(store, session_id="other")
    assert claim is not None

    assert (
        await refused(store, commit(completed_queue_claims=(completion(claim),)))
    ).variant == "QueuedWorkClaimExpired"
