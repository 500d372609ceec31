"""What a turn asks of its queue costs the same however much waits in it."""

import asyncio
import sqlite3
from pathlib import Path

from lash_nb.stores import InMemorySessionStore, SqliteSessionStore
from lash_nb.stores._sqlite_queue_rows import Terms
from tests.stores.material import SESSION, commit, completion, draft
from tests.work import lines_run


async def filled(store: InMemorySessionStore | SqliteSessionStore, count: int) -> None:
    """Put that much into the queue of a store."""
    for number in range(count):
        await store.enqueue_work(draft(f"text {number}", slot_policy="exclusive"))


def turn(store: InMemorySessionStore) -> int:
    """The lines that are run to claim the first, to give it back, to claim it again and to complete it."""

    async def taken() -> None:
        first = await store.claim_ready_work(session_id=SESSION, boundary="idle", owner="me")
        assert first is not None
        await store.abandon_claim(first)
        again = await store.claim_ready_work(session_id=SESSION, boundary="idle", owner="me")
        assert again is not None
        renewed = await store.renew_claim(again)
        await store.commit_runtime_state(commit(completed_queue_claims=(completion(renewed),)))

    return lines_run(lambda: asyncio.run(taken()))


def test_a_turn_of_a_session_in_memory_does_not_look_at_what_waits() -> None:
    """It knows which batches a claim is on."""
    short, long = InMemorySessionStore(), InMemorySessionStore()
    asyncio.run(filled(short, 3))
    asyncio.run(filled(long, 1_000))

    assert turn(long) < turn(short) + 500


def steps(path: Path) -> int:
    """How often SQLite took ten steps of its machine to find what a turn may claim."""
    count = 0

    def note() -> None:
        nonlocal count
        count += 1

    connection = sqlite3.connect(path)
    connection.set_progress_handler(note, 10)
    claim = Terms(SESSION, "idle", "me", 2**60, 1_000, 1, print).claim(connection)
    connection.close()
    assert claim is not None
    return count


async def test_a_turn_of_a_stored_session_does_not_look_at_what_waits(tmp_path: Path) -> None:
    """Batches lie in their order: the first one is found without the others."""
    paths = [tmp_path / "short.db", tmp_path / "long.db"]
    for path, count in zip(paths, (3, 300), strict=True):
        store = SqliteSessionStore(path)
        await filled(store, count)
        store.release()
    short, long = map(steps, paths)

    assert long < 2 * short


async def test_a_claim_that_ran_out_holds_nothing_of_what_somebody_else_took() -> None:
    """What the first one completes afterwards is refused, and the second one's stays held."""
    store = InMemorySessionStore()
    await filled(store, 2)
    late = await store.claim_ready_work(session_id=SESSION, boundary="idle", owner="one", lease_ttl_ms=0)
    now = await store.claim_ready_work(session_id=SESSION, boundary="idle", owner="two")

    assert late is not None
    assert now is not None
    await store.abandon_claim(late)
    assert (await store.renew_claim(now)).batches == late.batches
