"""What a turn asks of its queue costs the same however much waits in it."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from lash_nb.stores import InMemorySessionStore, SqliteSessionStore
from lash_nb.stores._sqlite_open import open_database
from lash_nb.stores._sqlite_queue_list import pending_batches, read_batches
from lash_nb.stores._sqlite_queue_rows import _ANY_HELD, _ANY_READY, _IN_ORDER, Terms
from lash_nb.stores._sqlite_schema import SESSION_SCHEMA
from tests.stores.material import SESSION, commit, completion, draft
from tests.work import lines_run


async def filled(store: InMemorySessionStore | SqliteSessionStore, count: int, session_id: str = SESSION) -> None:
    """Put that much into the queue of a store."""
    for number in range(count):
        await store.enqueue_work(replace(draft(f"text {number}", slot_policy="exclusive"), session_id=session_id))


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


def claimed(connection: sqlite3.Connection) -> object:
    """What a turn may claim."""
    return Terms(SESSION, "idle", "me", 2**60, 1_000, 1, True, print).claim(connection)


def steps(path: Path, look: Callable[[sqlite3.Connection], object] = claimed) -> int:
    """How often SQLite took ten steps of its machine to find something."""
    count = 0

    def note() -> None:
        nonlocal count
        count += 1

    connection = open_database(str(path), SESSION_SCHEMA, mode="rw")
    connection.set_progress_handler(note, 10)
    found = look(connection)
    connection.close()
    assert found
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


LOOKS: Final[dict[str, Callable[[sqlite3.Connection], object]]] = {
    "all": lambda connection: read_batches(connection, SESSION),
    "pending": lambda connection: pending_batches(connection, SESSION, 2**60),
    "any": Terms(SESSION, "idle", "me", 2**60, 1_000, 1, True, print).any_ready,
    "claim": claimed,
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
async def test_what_waits_for_a_session_is_found_without_that_of_others(
    look: Callable[[sqlite3.Connection], object], tmp_path: Path
) -> None:
    """Sessions may share a file; its index knows whose a batch is."""
    paths = [tmp_path / "few.db", tmp_path / "many.db"]
    for path, count in zip(paths, (3, 300), strict=True):
        store = SqliteSessionStore(path)
        await filled(store, count, "other")
        await filled(store, 1)
        store.release()
    few, many = (steps(path, look) for path in paths)

    assert many < few + 10


@pytest.mark.parametrize("look", [LOOKS["all"], LOOKS["pending"]], ids=["all", "pending"])
async def test_all_that_waits_is_read_in_one_query(
    look: Callable[[sqlite3.Connection], object], tmp_path: Path
) -> None:
    """However much it is, with what is in it; each batch is as it was queued."""
    store = SqliteSessionStore(tmp_path / "long.db")
    queued = [await store.enqueue_work(draft(f"text {number}")) for number in range(100)]
    two = replace(draft("one"), payloads=(*draft("one").payloads, *draft("two").payloads))
    queued.append(await store.enqueue_work(two))
    store.release()
    connection = open_database(str(tmp_path / "long.db"), SESSION_SCHEMA, mode="rw")
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    found = look(connection)
    connection.close()

    assert (found, len(asked)) == (tuple(queued), 1)


@pytest.mark.parametrize(
    ("damage", "kept"),
    [
        ("DELETE FROM queued_work_items", 0),
        ("UPDATE queued_work_items SET payload_json = ' ' || payload_json", 1),
    ],
    ids=["without items", "with blanks"],
)
async def test_what_is_not_as_it_would_be_written_is_read_all_the_same(damage: str, kept: int, tmp_path: Path) -> None:
    """A batch without items, and JSON with blanks in it."""
    store = SqliteSessionStore(tmp_path / "odd.db")
    odd, plain = [await store.enqueue_work(draft(text)) for text in ("one", "two")]
    store.release()
    with closing(sqlite3.connect(tmp_path / "odd.db")) as connection, connection:
        connection.execute(f"{damage} WHERE item_id LIKE ?", (f"{odd.batch_id}%",))

    assert await store.list_queued_work(SESSION) == (replace(odd, items=odd.items[:kept]), plain)


@pytest.mark.parametrize("query", [_ANY_HELD, _ANY_READY, _IN_ORDER], ids=["held", "any", "claim"])
def test_a_claim_reads_no_batch_of_others_and_sorts_none_that_is_free(query: str, tmp_path: Path) -> None:
    """Each row is found by an index that begins with its session; only what was claimed before is put in order."""
    connection = open_database(str(tmp_path / "empty.db"), SESSION_SCHEMA, mode="rwc")
    plan = [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {query}", (SESSION, 0))]
    connection.close()
    free = next(number for number, step in enumerate(plan) if step.startswith("SEARCH"))

    assert not [step for step in plan if step.startswith("SCAN") and step != "SCAN CONSTANT ROW"]
    assert all("(session_id=? AND" in step for step in plan if step.startswith("SEARCH"))
    assert "TEMP B-TREE" not in "".join(plan[: free + 2])


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
