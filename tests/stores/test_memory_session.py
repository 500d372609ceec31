"""What is special about sessions in memory: their ids, and that a commit costs what it brings."""

from time import perf_counter

from lash_nb.clock import ManualClock
from lash_nb.stores import FullGraph, InMemorySessionStore
from tests.stores.material import SESSION, append, commit, draft, node


async def test_ids_are_those_of_the_recordings() -> None:
    """Checkpoints, batches and claims are numbered, so that a run is reproducible."""
    store = InMemorySessionStore(ManualClock(7_000_000))
    result = await store.commit_runtime_state(commit())
    await store.enqueue_work(draft("one"))
    batch = await store.enqueue_work(draft("two"))
    await store.cancel_work(session_id=SESSION, batch_id="recording-qwb-1")
    claim = await store.claim_ready_work(session_id=SESSION, boundary="idle", owner="me")

    assert result.checkpoint_ref == "recording-checkpoint-1"
    assert (batch.batch_id, batch.enqueue_seq, batch.enqueued_at_ms) == ("recording-qwb-2", 2, 7)
    assert claim is not None
    assert claim.claim_id == "recording-qwc:2:1"
    assert claim.lease_token.split(":", 2) == ["root", "me", "recording-qwc:2:1:7"]
    assert (claim.claimed_at_epoch_ms, claim.expires_at_epoch_ms) == (7, 900_007)


async def test_a_commit_costs_what_it_brings() -> None:
    """Appending to a session of 20,000 nodes takes no longer than to one of 20."""
    small, large = await session_of(20), await session_of(20_000)
    ratio = min([await cost(large, turn) / await cost(small, turn) for turn in range(5)])

    assert ratio < 5


async def session_of(count: int) -> InMemorySessionStore:
    """A session with `count` nodes."""
    store = InMemorySessionStore()
    await store.commit_runtime_state(commit(append(*(node(f"n{number}") for number in range(count)))))
    return store


async def cost(store: InMemorySessionStore, turn: int) -> float:
    """Seconds for fifty small commits, each after a look at the head."""
    made = [commit(append(node(f"{turn}:{number}"))) for number in range(50)]
    began = perf_counter()
    for one in made:
        await store.load_head()
        await store.commit_runtime_state(one)
    return perf_counter() - began


async def test_reading_gives_a_snapshot() -> None:
    """What was read stays as it was when the session goes on."""
    store = await session_of(3)
    read = await store.load_session(FullGraph())
    await store.commit_runtime_state(commit(append(node("new", "n2"))))

    assert read is not None
    assert len(read.graph.nodes) == 3
