"""Queued work that a process held when it died: the next one takes it at once, in its order; what the living hold stays theirs."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from lash_nb.errors import StoreError
from lash_nb.stores import SqliteSessionStore
from lash_nb.stores._claim_holder import holder_is_gone, signed
from lash_nb.wire import QueuedWorkClaim, to_json
from tests.stores.material import SESSION, commit, completion, draft

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no way to be another process")


@pytest.fixture
def store(tmp_path: Path) -> SqliteSessionStore:
    """A queue with two batches."""
    store = SqliteSessionStore(tmp_path / "queue.db")
    for text in ("first", "second"):
        asyncio.run(store.enqueue_work(draft(text, slot_policy="exclusive")))
    store.release()
    return store


async def claimed(store: SqliteSessionStore) -> QueuedWorkClaim:
    """What comes first."""
    claim = await store.claim_ready_work(session_id=SESSION, boundary="idle", owner="me")
    assert claim is not None
    return claim


@contextmanager
def holder(store: SqliteSessionStore) -> Iterator[int]:
    """A process that claims the first batch and then does nothing; its number."""
    reading, told = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(claimed(SqliteSessionStore(store.path)))
            os.write(told, b"claimed")
            signal.pause()
        finally:
            os._exit(1)
    os.close(told)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read(7) == b"claimed"
    try:
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def waiting(store: SqliteSessionStore) -> list[int]:
    """What nobody holds."""
    return [batch.enqueue_seq for batch in asyncio.run(store.list_pending_queued_work(SESSION))]


def token_of(store: SqliteSessionStore) -> str:
    """Under what the first batch is held."""
    with closing(sqlite3.connect(store.path)) as connection:
        token: str = connection.execute("SELECT claim_token FROM queued_work_batches WHERE enqueue_seq = 1").fetchone()[
            0
        ]
    return token


def test_what_a_killed_process_held_comes_first_again(store: SqliteSessionStore) -> None:
    """It is seen, claimed before what came later, and completed; nobody waits for the lease."""
    with holder(store) as child:
        assert waiting(store) == [2]
        os.kill(child, signal.SIGKILL)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        assert waiting(store) == [1, 2]  # its parent has not noticed yet
    claim = asyncio.run(claimed(store))

    assert ([batch.enqueue_seq for batch in claim.batches], claim.fencing_token) == ([1], 2)
    asyncio.run(store.commit_runtime_state(commit(completed_queue_claims=(completion(claim),))))
    assert waiting(store) == [2]


def test_what_a_killed_process_held_can_be_cancelled(store: SqliteSessionStore) -> None:
    """Nobody runs it any more."""
    [first, _] = asyncio.run(store.list_queued_work(SESSION))
    with holder(store):
        assert asyncio.run(store.cancel_work(session_id=SESSION, batch_id=first.batch_id)) is None
    assert asyncio.run(store.cancel_work(session_id=SESSION, batch_id=first.batch_id)) == first


def test_what_a_living_process_holds_stays_its_own(store: SqliteSessionStore) -> None:
    """The next one takes what comes then."""
    with holder(store):
        assert [batch.enqueue_seq for batch in asyncio.run(claimed(store)).batches] == [2]
        assert waiting(store) == []


def test_a_claim_that_another_process_renews_is_its_own_from_then_on(store: SqliteSessionStore) -> None:
    """Whoever goes on with a turn holds its work, though a dead one claimed it; the dead one's token holds nothing."""
    with holder(store):
        token = token_of(store)
    [first, _] = asyncio.run(store.list_queued_work(SESSION))
    left = QueuedWorkClaim(
        session_id=SESSION,
        claim_id="qwc:1:1",
        owner_id="me",
        lease_token=token,
        fencing_token=1,
        claimed_at_epoch_ms=0,
        expires_at_epoch_ms=0,
        batches=(first,),
    )
    renewed = asyncio.run(store.renew_claim(left))

    assert to_json(replace(renewed, lease_token=token, expires_at_epoch_ms=0)) == to_json(left)
    assert waiting(store) == [2]
    with pytest.raises(StoreError, match="no longer holds"):
        asyncio.run(store.renew_claim(left))
    assert asyncio.run(store.renew_claim(renewed)).lease_token == renewed.lease_token


def test_of_whom_nothing_is_certain_keeps_what_it_holds() -> None:
    """A token of the reference's, of another machine, of another writer, of nobody."""
    bare, own = signed("ab").split("@")
    place, pid, began = own.split(".")
    others = ["", "ab", "ab@", "ab@x", f"{bare}@elsewhere.1.1", f"{bare}@{place}.-1.1", f"{bare}@{place}.{pid}.{began}"]

    assert [token for token in others if holder_is_gone(token.encode())] == []
    assert not holder_is_gone(b"\xff@\xff.\xff.1")
    assert all(holder_is_gone(f"{bare}@{place}.{long}.1".encode()) for long in (2**80, "9" * 5_000))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell when a process began")
def test_another_process_of_the_same_number_holds_nothing() -> None:
    """Numbers come again."""
    token = signed("ab")

    assert holder_is_gone(f"{token}0".encode())
    assert signed("cd@other.1.1") == token.replace("ab", "cd", 1)
