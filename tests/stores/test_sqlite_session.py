"""What is special about sessions in SQLite: the reference's schema and blobs, several writers, garbage, and what a commit costs."""

import asyncio
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import pytest

from lash_nb.clock import ManualClock
from lash_nb.errors import StoreError
from lash_nb.stores import (
    ActivePath,
    AttachmentIntent,
    FullGraph,
    GcReport,
    SessionStoreCreateRequest,
    SqliteSessionStore,
    SqliteSessionStoreFactory,
)
from lash_nb.wire import (
    AgentFrameAssignment,
    AgentFrameRecord,
    HydratedSessionCheckpoint,
    PersistedTurnState,
    PluginMeta,
    PluginSessionSnapshot,
    PluginSnapshot,
    RootRelation,
    SessionPolicy,
    ToolState,
)
from tests.conformance.vectors import PACKED, read_files
from tests.stores.conftest import Open
from tests.stores.material import SESSION, append, blob, commit, draft, node, rewrite


def rows(path: Path, query: str, *values: object) -> list[Any]:
    """Read or write behind the store's back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(query, values).fetchall()


def names_in(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(file.name for file in folder.iterdir())


def with_snapshots(**snapshots: Any) -> HydratedSessionCheckpoint:
    """A checkpoint of the turn 0 with some snapshots."""
    return HydratedSessionCheckpoint(turn_state=PersistedTurnState(turn_index=0), **snapshots)


def superseded_frame(execution_state_ref: str | None = None) -> AgentFrameRecord:
    """A frame that is not the current one."""
    return AgentFrameRecord(
        frame_id="f1",
        session_id=SESSION,
        status="superseded",
        created_at="2027-01-15T08:00:00+00:00",
        assignment=AgentFrameAssignment(policy=SessionPolicy()),
        execution_state_ref=execution_state_ref,
    )


async def test_the_schema_is_that_of_the_reference(path: Path, tmp_path: Path, open_it: Open) -> None:
    """All tables, indexes and constraints are those of a database that the reference wrote, and nothing else is there."""
    golden = dict(read_files(PACKED, "stores"))["one_turn/sessions/main-0d6e4079e36703eb.db"]
    (tmp_path / "golden.db").write_bytes(golden)
    await open_it().load_head()

    def schema(file: Path) -> list[tuple[str, str]]:
        made = rows(file, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        return [(name, re.sub(r"\s+|IF NOT EXISTS", "", sql)) for name, sql in made]

    assert schema(path) == schema(tmp_path / "golden.db")
    assert rows(path, "PRAGMA user_version") == [(3,)]
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]


async def test_blobs_have_the_hashes_of_the_reference(open_it: Open) -> None:
    """Manifest, code state and tool state are found under the hash of their MessagePack."""
    store = open_it()
    plain = await store.commit_runtime_state(commit(checkpoint=with_snapshots()))
    full = await store.commit_runtime_state(
        commit(checkpoint=with_snapshots(execution_state=blob(1, 2, 3), tool_state=ToolState(generation=7, tools={})))
    )

    assert plain.checkpoint_ref == "7a0875fc9b90b0591775a60b872fc008c068a1e9050bddbc2bd7e20ff319117f"
    assert full.manifest.execution_state_ref == "efd2ce5d1b243784f054828796128a9e3f85044cbfc21f7144a7a448ea3361e6"
    assert full.manifest.tool_state_ref == "ea38ac746041daaf9c00d1f882fc49c489b5f0bad1557627b4a82685a5356d3a"


@pytest.mark.parametrize(
    ("profile", "size", "compression"),
    [("low_latency", 9000, "None"), ("balanced", 3000, "None"), ("balanced", 9000, "Zlib"), ("compact", 3000, "Zlib")],
)
async def test_large_blobs_are_compressed(path: Path, open_it: Open, profile: str, size: int, compression: str) -> None:
    """An envelope tells what it holds and how; from the profile's size on its content is compressed, and read back either way."""
    store = open_it(blob_profile=profile)
    snapshot = PluginSessionSnapshot(
        plugins={"p": PluginSnapshot(meta=PluginMeta(plugin_id="p", plugin_version="1", state="x" * size))}
    )
    result = await store.commit_runtime_state(commit(checkpoint=with_snapshots(plugin_snapshot=snapshot)))
    [(content,)] = rows(path, "SELECT content FROM blobs WHERE hash = ?", result.manifest.plugin_snapshot_ref)
    envelope = msgspec.msgpack.decode(content)
    read = await store.load_session(FullGraph())

    assert list(envelope) == ["descriptor", "compression", "content"]
    assert envelope["descriptor"] == {"kind": "PluginSessionSnapshot", "hints": ["Compressible", "LargePayload"]}
    assert envelope["compression"] == compression
    assert isinstance(envelope["content"], list)
    assert read is not None
    assert read.checkpoint is not None
    assert read.checkpoint.plugin_snapshot == snapshot


async def test_blobs_in_other_forms_are_read(path: Path, open_it: Open) -> None:
    """Bytes may stand as bytes, and content without an envelope; what is missing or no snapshot at all is none."""
    store = open_it()
    parts = {"tool_state": ToolState(generation=7, tools={}), "execution_state": blob(1, 2)}
    result = await store.commit_runtime_state(
        commit(checkpoint=with_snapshots(**parts, plugin_snapshot=PluginSessionSnapshot()))
    )
    refs = result.manifest
    raw = msgspec.msgpack.encode({"generation": 7, "tools": {}})
    inner = msgspec.msgpack.encode(b"\1\2")
    envelope = {"descriptor": {"kind": "x"}, "compression": "None", "content": inner}
    rows(path, "UPDATE blobs SET content = ? WHERE hash = ?", raw, refs.tool_state_ref)
    rows(
        path, "UPDATE blobs SET content = ? WHERE hash = ?", msgspec.msgpack.encode(envelope), refs.execution_state_ref
    )
    rows(path, "UPDATE blobs SET content = ? WHERE hash = ?", b"\xc1", refs.plugin_snapshot_ref)
    read = await store.load_session(ActivePath())

    assert read is not None
    assert read.checkpoint is not None
    assert {name: getattr(read.checkpoint, name) for name in parts} == parts
    assert read.checkpoint.plugin_snapshot is None
    assert read.checkpoint.plugin_snapshot_ref == refs.plugin_snapshot_ref
    rows(path, "DELETE FROM blobs WHERE hash = ?", result.checkpoint_ref)
    read = await store.load_session(ActivePath())
    assert read is not None
    assert read.checkpoint is None
    assert read.checkpoint_ref == result.checkpoint_ref


async def test_only_garbage_is_collected(path: Path, open_it: Open) -> None:
    """What the last checkpoint, a frame or an artifact needs stays; one blob that nothing needs goes, and so do old checkpoints."""
    store = open_it()
    await store.commit_runtime_state(commit(checkpoint=with_snapshots(tool_state=ToolState(generation=1, tools={}))))
    full = with_snapshots(tool_state=ToolState(generation=2, tools={}), execution_state=blob(1))
    await store.commit_runtime_state(commit(checkpoint=full))
    rows(path, "INSERT INTO blobs VALUES ('orphan', x'00'), ('module', x'00')")
    rows(path, "INSERT INTO artifact_refs VALUES ('ref', 'module')")
    before = await store.load_session(FullGraph())
    report = await store.gc_unreachable()

    assert report == GcReport(root_count=2, retained_blob_count=4, deleted_blob_count=3)
    assert await store.load_session(FullGraph()) == before
    assert await store.gc_unreachable() == GcReport(root_count=2, retained_blob_count=4, deleted_blob_count=0)


async def test_the_code_state_of_every_frame_is_kept(path: Path, open_it: Open) -> None:
    """A frame that is not the current one may name a blob that no checkpoint names any more."""
    store = open_it()
    first = await store.commit_runtime_state(commit(checkpoint=with_snapshots(execution_state=blob(1))))
    frame = superseded_frame(first.manifest.execution_state_ref)
    await store.commit_runtime_state(commit(agent_frames=(frame,)))
    report = await store.gc_unreachable()

    assert report == GcReport(root_count=1, retained_blob_count=2, deleted_blob_count=1)
    assert rows(path, "SELECT 1 FROM blobs WHERE hash = ?", frame.execution_state_ref) == [(1,)]


async def test_garbage_is_collected_after_commits(path: Path, open_it: Open) -> None:
    """A store may collect by itself after so many commits, and keeps what the last of them needs."""
    store = open_it(gc_every=2)
    for generation in range(5):
        state = ToolState(generation=generation, tools={})
        await store.commit_runtime_state(commit(checkpoint=with_snapshots(tool_state=state)))
    read = await store.load_session(FullGraph())

    assert rows(path, "SELECT count(*) FROM blobs") == [(4,)]
    assert read is not None
    assert read.checkpoint is not None
    assert read.checkpoint.tool_state == ToolState(generation=4, tools={})


async def test_of_two_racing_commits_one_wins(path: Path, open_it: Open) -> None:
    """Two connections that expect the same revision: one is committed, the other is told the new revision."""

    def race(name: str) -> object:
        store = open_it()
        try:
            return asyncio.run(store.commit_runtime_state(commit(append(node(name)), expected_head_revision=0)))
        except StoreError as error:
            return error

    with ThreadPoolExecutor() as threads:
        ends = list(threads.map(race, ["a", "b"]))
    [lost] = [end for end in ends if isinstance(end, StoreError)]
    head = await open_it().load_head()

    assert (lost.variant, lost.fields) == ("HeadRevisionConflict", {"expected": 0, "actual": 1})
    assert head is not None
    assert (head.head_revision, head.graph_node_count) == (1, 1)
    assert rows(path, "SELECT count(*) FROM graph_nodes") == [(1,)]


async def test_many_may_open_a_new_file_at_once(path: Path, open_it: Open) -> None:
    """Sixteen first openings all succeed, and one of them makes the tables."""
    with ThreadPoolExecutor(16) as threads:
        heads = list(threads.map(lambda _: asyncio.run(open_it().load_head()), range(16)))

    assert heads == [None] * 16
    assert rows(path, "PRAGMA user_version") == [(3,)]


async def test_work_is_claimed_by_one_connection(open_it: Open) -> None:
    """Of many that claim at once one gets the batch, and can renew it; a second claim gets nothing."""
    await open_it().enqueue_work(draft())

    def claim(number: int) -> Any:
        return asyncio.run(open_it().claim_ready_work(session_id=SESSION, boundary="idle", owner=str(number)))

    with ThreadPoolExecutor(6) as threads:
        [won] = [one for one in threads.map(claim, range(6)) if one is not None]
    first, second = open_it(), open_it()

    assert won.claim_id == "qwc:1:1"
    assert re.fullmatch(r"[0-9a-f]{64}(@[0-9a-f]{16}\.\d+\.\d*)?", won.lease_token)
    assert re.fullmatch(r"qwb:[0-9a-f]{64}", won.batches[0].batch_id)
    assert await second.claim_ready_work(session_id=SESSION, boundary="idle", owner="late") is None
    assert (await first.renew_claim(won)).lease_token == won.lease_token


async def test_several_handles_keep_the_count_of_nodes(open_it: Open) -> None:
    """The head tells how many nodes are not hidden, whoever hid, appended or deleted them."""
    first, second = open_it(), open_it()

    async def count(store: SqliteSessionStore, *names: str) -> int:
        await store.commit_runtime_state(commit(append(*map(node, names))))
        head = await store.load_head()
        assert head is not None
        return head.graph_node_count

    assert await count(first, "a", "b") == 2
    assert await count(second, "c") == 3
    await second.tombstone_nodes(["a", "c", "a", "nothing"])
    assert await count(first, "d") == 2
    assert await count(first) == 2
    await first.tombstone_nodes(["d"])
    assert await count(first, "e") == 2
    await second.vacuum()
    first.release()
    assert await count(first, "f", "g") == 4
    await first.commit_runtime_state(commit(rewrite(node("z"))))
    assert await count(first, "y") == 2


async def test_intents_are_noted_from_any_thread(open_it: Open) -> None:
    """Bytes are put from plain functions on threads; a store has one connection for all of them."""
    store = open_it()

    def note(number: int) -> None:
        store.record_intent(
            AttachmentIntent(
                attachment_id=f"a{number}", session_id=SESSION, canonical_uri="u", intent_at_epoch_ms=number
            )
        )

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(note, range(40)))
    assert [entry.intent_at_epoch_ms for entry in store.list_uncommitted(2**70)] == list(range(40))


async def test_a_released_store_holds_no_file(path: Path, open_it: Open) -> None:
    """The last one that lets go leaves one whole file, without a log beside it."""
    store = open_it()
    await store.commit_runtime_state(commit(append(node("a"))))
    assert names_in(path.parent) == [path.name, f"{path.name}-shm", f"{path.name}-wal"]
    store.release()

    assert names_in(path.parent) == [path.name]


async def test_a_commit_costs_what_it_brings(tmp_path: Path) -> None:
    """Appending to a session of 10,000 nodes takes no longer than to one of 10."""

    async def cost(count: int) -> float:
        store = SqliteSessionStore(tmp_path / f"{count}.db")
        await store.commit_runtime_state(commit(append(*(node(f"n{number}") for number in range(count)))))
        best = 1.0
        for number in range(30):
            began = perf_counter()
            await store.commit_runtime_state(commit(append(node(f"x{number}"))))
            best = min(best, perf_counter() - began)
        store.release()
        return best

    assert await cost(10_000) < 3 * await cost(10)


PATHS = {
    "root": "root-4813494d137e1631.db",
    "../weird/session": "weird_session-7a2d2bada3f30bfe.db",
    "chat/alpha": "chat_alpha-d8d20168f855065d.db",
    "": "session-e3b0c44298fc1c14.db",
}


@pytest.mark.parametrize(("session_id", "name"), PATHS.items())
def test_no_id_leads_out_of_the_folder(tmp_path: Path, session_id: str, name: str) -> None:
    """The names are the reference's, whatever stands in an id."""
    factory = SqliteSessionStoreFactory(tmp_path)
    assert factory.path_of(session_id) == tmp_path / name
    assert len(factory.path_of("x" * 999).name) == 80 + 1 + 16 + 3


async def test_a_factory_deletes_one_of_its_sessions(tmp_path: Path) -> None:
    """Its log goes with it, the other files stay; deleting it again changes nothing."""
    factory = SqliteSessionStoreFactory(tmp_path, ManualClock(7_000_000_000))
    stores = [
        await factory.create_store(
            SessionStoreCreateRequest(session_id=name, relation=RootRelation(), policy=SessionPolicy())
        )
        for name in ("a", "../b")
    ]
    meta = await stores[1].load_session_meta()
    (tmp_path / "c.db").write_text("no database", encoding="utf-8")

    assert meta is not None
    assert (meta.created_at, meta.cwd) == ("unix:7", str(Path.cwd()))
    await factory.delete_session("a")
    await factory.delete_session("a")
    stores[1].release()
    assert names_in(tmp_path) == [factory.path_of("../b").name, "c.db"]
    with pytest.raises(StoreError, match="was deleted while it was open"):
        await stores[0].load_head()
    for store in stores:
        store.release()


async def test_a_damaged_checkpoint_is_told_of_and_written_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be read is said aloud; the next commit of the same content heals it."""
    store = SqliteSessionStore(tmp_path / "s.db")
    made = commit(append(node("a")))
    await store.commit_runtime_state(made)
    store.release()
    with closing(sqlite3.connect(tmp_path / "s.db")) as database, database:
        database.execute("UPDATE blobs SET content = x'00'")

    damaged = await store.load_session(FullGraph())
    assert damaged is not None
    assert damaged.checkpoint is None
    assert "cannot be read" in caplog.text
    await store.commit_runtime_state(made)
    healed = await store.load_session(FullGraph())
    assert healed is not None
    assert healed.checkpoint is not None


async def test_who_finds_nothing_in_the_queue_waits_for_no_writer(path: Path, open_it: Open) -> None:
    """A turn asks several times whether work came in; nearly always there is none."""
    store = open_it(busy_timeout_s=0)
    await store.load_head()

    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert await store.claim_ready_work(session_id=SESSION, boundary="idle", owner="a") is None
    with pytest.raises(StoreError, match="open it without read_only"):
        await open_it(read_only=True).claim_ready_work(session_id=SESSION, boundary="idle", owner="a")


async def test_work_that_goes_away_after_the_look_is_not_claimed(path: Path, open_it: Open) -> None:
    """What somebody else claims while this one waits for his turn to write is not claimed twice."""
    store = open_it()
    await store.enqueue_work(draft())

    with closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE queued_work_batches SET claim_token = 'theirs', claim_expires_at_ms = ?", (2**62,))
        claiming = asyncio.ensure_future(store.claim_ready_work(session_id=SESSION, boundary="idle", owner="a"))
        await asyncio.sleep(0)  # it has found the work, and may not write
        assert not claiming.done()
        other.commit()

    assert await claiming is None


async def test_a_store_that_wrote_the_head_says_the_same_of_it_as_one_that_reads_it(path: Path, open_it: Open) -> None:
    """Where the session stands is what the file says, also after somebody else wrote it."""
    writer = open_it()
    await writer.commit_runtime_state(commit(append(node("a")), agent_frames=(superseded_frame(),)))
    assert await writer.load_head() == await open_it().load_head()

    await open_it().commit_runtime_state(commit(append(node("b", "a"))))
    assert await writer.load_head() == await open_it().load_head()
    rows(path, "UPDATE session_head SET head_revision = 7")
    head = await writer.load_head()
    assert head is not None
    assert head.head_revision == 7
