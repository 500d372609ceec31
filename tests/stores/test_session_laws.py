"""A session store against a model of it: whatever is done in whatever order, the laws of commits and claims hold."""

import asyncio
import itertools
from collections.abc import Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from lash_nb.clock import ManualClock
from lash_nb.errors import StoreError
from lash_nb.stores import ActivePath, FullGraph, InMemorySessionStore, SessionStore, SqliteSessionStore
from lash_nb.wire import (
    DeliveryPolicy,
    GraphCommitDelta,
    MergeGroup,
    MergeKey,
    QueuedWorkBatch,
    QueuedWorkClaim,
    QueuedWorkClaimBoundary,
    RuntimeCommit,
    RuntimeCommitResult,
    SessionNodeRecord,
    SlotPolicy,
    UnchangedGraph,
)
from tests.stores.material import SESSION, append, commit, completion, draft, node, rewrite, stamped, used

T = TypeVar("T")
MERGE_KEYS: list[MergeKey] = ["never", "payload_default", MergeGroup(group="a")]
DELIVERIES: list[DeliveryPolicy] = ["earliest_safe_boundary", "after_current_turn_commit"]
SLOTS: list[SlotPolicy] = ["join", "join", "exclusive"]
BOUNDARIES: list[QueuedWorkClaimBoundary] = ["idle", "active_turn_checkpoint"]


class Work:
    """One batch of the model: what was enqueued, and the last claim on it."""

    def __init__(self, batch: QueuedWorkBatch) -> None:
        self.batch = batch
        self.claim: QueuedWorkClaim | None = None
        self.claims = 0


class SessionLaws(RuleBasedStateMachine):
    """Drives a store and a model of it side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = ManualClock(1_000_000_000)
        self.store = self.opened()
        self.revision = 0
        self.nodes: dict[str, SessionNodeRecord] = {}
        self.hidden: set[str] = set()
        self.leaf: str | None = None
        self.spent: dict[str, int] = {}
        self.turns: list[tuple[RuntimeCommit, RuntimeCommitResult]] = []
        self.queue: list[Work] = []
        self.claims: list[QueuedWorkClaim] = []
        self.names = 0

    def opened(self) -> SessionStore:
        """A new store."""
        return InMemorySessionStore(self.clock)

    def teardown(self) -> None:
        """Close the loop."""
        self.store.release()
        self.runner.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Await."""
        return self.runner.run(work)

    def now_ms(self) -> int:
        """The clock in milliseconds."""
        return self.clock.now_ns() // 1_000_000

    def fresh(self, count: int, parent: str | None) -> list[SessionNodeRecord]:
        """New nodes in a row below `parent`."""
        made: list[SessionNodeRecord] = []
        for _ in range(count):
            self.names += 1
            made.append(node(f"n{self.names}", made[-1].node_id if made else parent))
        return made

    def accept(self, made: RuntimeCommit) -> RuntimeCommitResult:
        """Commit what must be accepted, and move the model."""
        result = self.do(self.store.commit_runtime_state(made))
        self.revision += 1
        if made.graph.ReplaceFull:
            self.nodes.clear()
            self.hidden.clear()
        self.nodes |= {one.node_id: one for one in made.graph.nodes}
        self.leaf = made.graph.variant.leaf_node_id
        for row in made.usage_deltas:
            if row.usage.total:
                self.spent[row.source] = self.spent.get(row.source, 0) + row.usage.total
        done = {batch_id for claim in made.completed_queue_claims for batch_id in claim.batch_ids}
        self.queue = [work for work in self.queue if work.batch.batch_id not in done]
        if made.turn_commit:
            self.turns.append((made, result))
        assert result.head_revision == self.revision
        head = self.do(self.store.load_head())
        assert head is not None
        assert head.graph_node_count == len(self.nodes.keys() - self.hidden)
        return result

    def refuse(self, made: RuntimeCommit, variant: str) -> None:
        """Commit what must be refused; the invariants see to it that nothing changed."""
        with pytest.raises(StoreError) as error:
            self.do(self.store.commit_runtime_state(made))
        assert error.value.variant == variant

    @rule(
        count=st.integers(0, 3),
        checked=st.booleans(),
        tokens=st.lists(st.tuples(st.sampled_from(["turn", "child"]), st.integers(0, 5)), max_size=2),
        branch=st.randoms(use_true_random=False),
    )
    def append(self, count: int, checked: bool, tokens: list[tuple[str, int]], branch: Any) -> None:
        """Nodes below any node that is not hidden, usage with them."""
        parent = branch.choice([None, *(name for name in self.nodes if name not in self.hidden)])
        made = self.fresh(count, parent)
        graph = append(*made) if made else GraphCommitDelta(Unchanged=UnchangedGraph(leaf_node_id=parent))
        usage = tuple(used(amount, source) for source, amount in tokens)
        self.accept(commit(graph, usage_deltas=usage, expected_head_revision=self.revision if checked else None))

    @rule(count=st.integers(0, 3))
    def rewrite(self, count: int) -> None:
        """The whole graph anew."""
        self.accept(commit(rewrite(*self.fresh(count, None))))

    @rule(tokens=st.integers(0, 5))
    def final(self, tokens: int) -> None:
        """The end of a turn, stamped."""
        parent = self.leaf if self.leaf in self.nodes.keys() - self.hidden else None
        made = commit(append(*self.fresh(1, parent)), usage_deltas=(used(tokens),))
        self.accept(stamped(made, f"t{len(self.turns)}"))

    @precondition(lambda self: self.turns)
    @rule(which=st.randoms(use_true_random=False), revision=st.none() | st.integers(0, 9))
    def final_again(self, which: Any, revision: int | None) -> None:
        """The same final commit gives the same result, whatever happened since."""
        made, result = which.choice(self.turns)
        again = commit(
            made.graph, usage_deltas=made.usage_deltas, turn_commit=made.turn_commit, expected_head_revision=revision
        )
        assert self.do(self.store.commit_runtime_state(again)) == result

    @precondition(lambda self: self.turns)
    @rule()
    def final_with_other_content(self) -> None:
        """A turn is committed once."""
        self.refuse(stamped(commit(usage_deltas=(used(99),)), "t0"), "RuntimeTurnCommitConflict")

    @rule(off=st.integers(1, 9))
    def on_another_revision(self, off: int) -> None:
        """The head moves by compare and swap."""
        self.refuse(
            commit(append(*self.fresh(1, None)), expected_head_revision=self.revision + off), "HeadRevisionConflict"
        )

    @precondition(lambda self: self.nodes)
    @rule(which=st.randoms(use_true_random=False))
    def a_stored_node(self, which: Any) -> None:
        """Another node of a known id is refused; new ones beside it are not stored either."""
        known = replace(self.nodes[which.choice(list(self.nodes))], timestamp="2027-01-15T09:00:00+00:00")
        self.refuse(commit(append(*self.fresh(1, None), known), usage_deltas=(used(1),)), "Backend")

    @rule(which=st.randoms(use_true_random=False))
    def below_a_node_that_is_gone(self, which: Any) -> None:
        """A node hangs on one that can be read; others beside it are not stored either."""
        parent = which.choice(["nowhere", *self.hidden])
        self.refuse(commit(append(*self.fresh(1, None), *self.fresh(1, parent))), "Backend")

    @precondition(lambda self: self.revision)
    @rule()
    def of_another_session(self) -> None:
        """A store is bound by its first commit."""
        self.refuse(commit(session_id="other"), "SessionBindingMismatch")

    @precondition(lambda self: self.nodes)
    @rule(which=st.randoms(use_true_random=False))
    def hide(self, which: Any) -> None:
        """Hide a node."""
        chosen = which.choice(list(self.nodes))
        self.do(self.store.tombstone_nodes([chosen]))
        self.hidden.add(chosen)

    @rule()
    def vacuum(self) -> None:
        """Delete hidden nodes."""
        assert self.do(self.store.vacuum()).removed_node_count == len(self.hidden)
        for node_id in self.hidden:
            del self.nodes[node_id]
        self.hidden.clear()

    @rule()
    def collect(self) -> None:
        """Collecting garbage changes nothing that is read."""
        before = self.do(self.store.load_session(FullGraph()))
        self.do(self.store.gc_unreachable())
        assert self.do(self.store.load_session(FullGraph())) == before

    @rule()
    def release(self) -> None:
        """What is held open is given back; whatever follows opens it again."""
        self.store.release()

    @rule(
        slot=st.sampled_from(SLOTS),
        delivery=st.sampled_from(DELIVERIES),
        merge_key=st.sampled_from(MERGE_KEYS),
        delay=st.sampled_from([0, 0, 500]),
        key=st.none() | st.sampled_from(["k1", "k2"]),
    )
    def enqueue(
        self, slot: SlotPolicy, delivery: DeliveryPolicy, merge_key: MergeKey, delay: int, key: str | None
    ) -> None:
        """Put work into the queue."""
        waiting = [work.batch for work in self.queue if key is not None and work.batch.source_key == key]
        made = draft(
            slot_policy=slot,
            delivery_policy=delivery,
            merge_key=merge_key,
            source_key=key,
            available_at_ms=self.now_ms() + delay if delay else 0,
        )
        batch = self.do(self.store.enqueue_work(made))
        if waiting:
            assert batch == waiting[0]
        else:
            self.queue.append(Work(batch))

    @rule(
        boundary=st.sampled_from(BOUNDARIES),
        limit=st.integers(0, 3),
        ttl=st.sampled_from([0, 300, 900_000]),
        unless_held=st.booleans(),
    )
    def claim(self, boundary: QueuedWorkClaimBoundary, limit: int, ttl: int, *, unless_held: bool) -> None:
        """Claim the head and what may join it, or nothing while anything is held."""
        claim = self.do(
            self.store.claim_ready_work(
                session_id=SESSION,
                boundary=boundary,
                owner="me",
                lease_ttl_ms=ttl,
                max_batches=limit,
                unless_held=unless_held,
            )
        )
        must_wait = unless_held and not all(map(self.is_free, self.queue))
        expected = [] if must_wait else self.claimable(boundary, limit)
        given = [batch.batch_id for batch in claim.batches] if claim else []
        assert given == [work.batch.batch_id for work in expected]
        if claim is None:
            return
        assert claim.fencing_token == expected[0].claims + 1
        assert claim.expires_at_epoch_ms == self.now_ms() + ttl
        self.hold(expected, claim)

    @precondition(lambda self: self.queue)
    @rule(which=st.randoms(use_true_random=False))
    def claim_exactly(self, which: Any) -> None:
        """Claim named batches: all of them as the head group, or none."""
        named = which.sample(self.queue, which.randint(1, min(2, len(self.queue))))
        ids = [work.batch.batch_id for work in named]
        claim = self.do(self.store.claim_by_ids(session_id=SESSION, batch_ids=ids, boundary="idle", owner="me"))
        expected = self.claimable("idle", len(ids))
        assert (claim is not None) == ([work.batch.batch_id for work in expected] == ids)
        if claim is not None:
            self.hold(expected, claim)
        else:
            for work in expected:
                work.claims += 1
                work.claim = None

    @precondition(lambda self: self.claims)
    @rule(which=st.randoms(use_true_random=False))
    def renew(self, which: Any) -> None:
        """A claim is renewed as long as all its work is its own."""
        claim = which.choice(self.claims)
        if self.holds(claim):
            renewed = self.do(self.store.renew_claim(claim, lease_ttl_ms=400))
            self.hold([work for work in self.queue if self.is_of(work, claim)], renewed, again=True)
        else:
            with pytest.raises(StoreError, match=claim.claim_id):
                self.do(self.store.renew_claim(claim, lease_ttl_ms=400))

    @precondition(lambda self: self.claims)
    @rule(which=st.randoms(use_true_random=False))
    def abandon(self, which: Any) -> None:
        """Giving back frees what is still held, and only that."""
        claim = which.choice(self.claims)
        self.do(self.store.abandon_claim(claim))
        for work in self.queue:
            if self.is_of(work, claim):
                work.claim = None

    @precondition(lambda self: self.claims)
    @rule(which=st.randoms(use_true_random=False))
    def complete(self, which: Any) -> None:
        """A commit completes a claim that still holds its work; else it is refused whole."""
        claim = which.choice(self.claims)
        made = commit(append(*self.fresh(1, self.leaf)), completed_queue_claims=(completion(claim),))
        if self.holds(claim):
            self.accept(made)
        else:
            self.refuse(made, "QueuedWorkClaimExpired")

    @precondition(lambda self: self.queue)
    @rule(which=st.randoms(use_true_random=False))
    def cancel(self, which: Any) -> None:
        """Free work can be taken out, held work cannot."""
        work = which.choice(self.queue)
        taken = self.do(self.store.cancel_work(session_id=SESSION, batch_id=work.batch.batch_id))
        assert taken == (work.batch if self.is_free(work) else None)
        if taken:
            self.queue.remove(work)

    @rule(milliseconds=st.sampled_from([100, 300, 500]))
    def wait(self, milliseconds: int) -> None:
        """Time passes."""
        self.clock.advance(milliseconds / 1000)

    def hold(self, works: list[Work], claim: QueuedWorkClaim, *, again: bool = False) -> None:
        """Note in the model who holds what."""
        self.claims.append(claim)
        for work in works:
            work.claim = claim
            work.claims += 0 if again else 1

    def is_of(self, work: Work, claim: QueuedWorkClaim) -> bool:
        """Whether a batch is held under a claim, renewed or not."""
        return (
            work.claim is not None
            and work.claim.lease_token == claim.lease_token
            and work.claim.claim_id == claim.claim_id
        )

    def holds(self, claim: QueuedWorkClaim) -> bool:
        """Whether a claim still holds all its work."""
        return sum(self.is_of(work, claim) for work in self.queue) == len(claim.batches)

    def is_free(self, work: Work) -> bool:
        """Whether nobody holds a batch, or no longer."""
        return work.claim is None or work.claim.expires_at_epoch_ms <= self.now_ms()

    def claimable(self, boundary: QueuedWorkClaimBoundary, limit: int) -> list[Work]:
        """What a claim must give, by the words of the rule."""
        ready = [work for work in self.queue if self.is_free(work) and work.batch.available_at_ms <= self.now_ms()]
        if not ready or limit == 0:
            return []
        head = ready[0].batch
        if boundary == "active_turn_checkpoint" and head.delivery_policy == "after_current_turn_commit":
            return []
        if head.slot_policy == "exclusive":
            return ready[:1]
        alike = [
            work.batch.slot_policy == "join"
            and work.batch.delivery_policy == head.delivery_policy
            and work.batch.merge_key == head.merge_key
            for work in ready
        ]
        end = alike.index(False) if False in alike else len(ready)
        return ready[: min(end, limit)]

    @invariant()
    def the_graph_is_what_was_committed(self) -> None:
        """Nodes, leaf, revision and ledger are those of the model."""
        read = self.do(self.store.load_session(FullGraph()))
        assert (read is None) == (self.revision == 0)
        if read is None:
            return
        visible = [one for node_id, one in self.nodes.items() if node_id not in self.hidden]
        assert list(read.graph.nodes) == visible
        assert (read.head_revision, read.graph.leaf_node_id) == (self.revision, self.leaf)
        assert {row.source: row.usage.total for row in read.token_ledger} == self.spent

    @invariant()
    def the_active_path_is_the_ancestry_of_the_leaf(self) -> None:
        """An active path ends at the leaf, each node under the one before; it is cut where a node is hidden."""
        read = self.do(self.store.load_session(ActivePath()))
        if read is None:
            return
        path = list(read.graph.nodes)
        assert all(below.parent_node_id == above.node_id for above, below in itertools.pairwise(path))
        shown = self.leaf is not None and self.leaf in self.nodes and self.leaf not in self.hidden
        assert [one.node_id for one in path[-1:]] == ([self.leaf] if shown else [])

    @invariant()
    def the_queue_is_what_was_enqueued(self) -> None:
        """Batches are listed in order; those that somebody holds are not pending."""
        assert self.do(self.store.list_queued_work(SESSION)) == tuple(work.batch for work in self.queue)
        free = tuple(work.batch for work in self.queue if self.is_free(work))
        assert self.do(self.store.list_pending_queued_work(SESSION)) == free


class SqliteLaws(SessionLaws):
    """The same laws on a file, under handles that come and go."""

    def __init__(self) -> None:
        self.folder = TemporaryDirectory()
        super().__init__()

    def opened(self) -> SessionStore:
        """A further handle on the same file."""
        return SqliteSessionStore(Path(self.folder.name, "session.db"), clock=self.clock)

    def teardown(self) -> None:
        """Delete the file."""
        super().teardown()
        self.folder.cleanup()

    @rule()
    def reopen(self) -> None:
        """Another handle goes on where the last one stopped."""
        self.store.release()
        self.store = self.opened()

    @rule()
    def alternate(self) -> None:
        """Another handle goes on while the last one is still open, and is given back after it."""
        last, self.store = self.store, self.opened()
        self.do(self.store.load_head())
        last.release()


TestInMemorySession = SessionLaws.TestCase
TestInMemorySession.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestSqliteSession = SqliteLaws.TestCase
TestSqliteSession.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
