"""Files that are damaged, locked, full or something else: a clear error with the file and what to do, and the file is as it was."""

import asyncio
import os
import resource
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lash_nb.errors import StoreError
from lash_nb.stores import ActivePath, FullGraph, GcReport, SqliteSessionStore
from lash_nb.wire import HydratedSessionCheckpoint, PluginSessionSnapshot, RootRelation, ToolState
from tests.stores.conftest import Open
from tests.stores.material import SESSION, STATE, append, blob, commit, draft, node, stamped, used

NOBODY = 65_534
"""A user who may write nothing."""


def change(path: Path, query: str, *values: object) -> None:
    """Write behind the store's back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(query, values)


async def fill(store: SqliteSessionStore, nodes: int = 3) -> None:
    """Commit a session of a few nodes in a row, with everything that a session can have."""
    names = [f"n{number}" for number in range(nodes)]
    row = [node(name, parent) for name, parent in zip(names, [None, *names], strict=False)]
    checkpoint = HydratedSessionCheckpoint(
        turn_state=STATE,
        tool_state=ToolState(generation=1, tools={}),
        plugin_snapshot=PluginSessionSnapshot(),
        execution_state=blob(1, 2),
    )
    await store.commit_runtime_state(stamped(commit(append(*row), checkpoint=checkpoint, usage_deltas=(used(3),))))
    await store.enqueue_work(draft())


async def refused(store: SqliteSessionStore, made: Any = None) -> StoreError:
    """Commit, expect that it cannot be, and return the error, which names the file and its field."""
    with pytest.raises(StoreError) as error:
        await store.commit_runtime_state(made or commit(append(node("new"))))
    assert error.value.variant == "Backend"
    assert error.value.fields["path"] == store.path
    assert store.path in error.value.message
    return error.value


def files_in(folder: Path) -> dict[str, bytes]:
    """The files of a folder."""
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def write(file: Path, content: bytes) -> None:
    """Put something in a file."""
    file.write_bytes(content)


def move_away(file: Path, *, leave_copy: bool) -> None:
    """Give a file another name, and perhaps leave another one in its place."""
    kept = file.rename(file.with_name("kept"))
    if leave_copy:
        file.write_bytes(kept.read_bytes())


@pytest.mark.parametrize("read_only", [True, False])
async def test_what_is_no_database_is_left_alone(path: Path, open_it: Open, read_only: bool) -> None:
    """A text stays a text."""
    write(path, b"no database, but a text that is long enough for a header " * 20)
    before = files_in(path.parent)
    store = open_it(read_only=read_only)

    for doing in (store.load_head(), store.load_session(FullGraph()), store.load_session_meta()):
        with pytest.raises(StoreError, match="is no SQLite database; give another path"):
            await doing
    await refused(store)
    assert files_in(path.parent) == before


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(("made", "found"), [("PRAGMA user_version = 2", 2), ("CREATE TABLE t (x)", 0)])
async def test_another_schema_is_left_alone(path: Path, open_it: Open, made: str, found: int, read_only: bool) -> None:
    """A database of another version, or of something else, is refused by its version, and not even its journal mode changes."""
    change(path, made)
    before = files_in(path.parent)
    store = open_it(read_only=read_only)
    with pytest.raises(StoreError) as raised:
        await store.load_head()
    error = raised.value
    await refused(store)

    assert (error.fields["expected"], error.fields["found"]) == (3, found)
    assert f"version {found}" in error.message
    assert files_in(path.parent) == before


async def test_a_file_that_is_only_read_must_be_there(path: Path, open_it: Open) -> None:
    """Reading makes no file, and a folder that is not there is said to be the reason."""
    with pytest.raises(StoreError, match=r"session\.db is not there"):
        await open_it(read_only=True).load_head()
    assert files_in(path.parent) == {}
    lost = SqliteSessionStore(path / "folder" / "x.db")
    with pytest.raises(StoreError, match=r"cannot be opened.*see whether its folder exists"):
        await lost.load_head()


async def test_a_process_that_may_open_no_more_files_is_told_what_to_close(open_it: Open) -> None:
    """Each open session holds three, so those of a thousand are more than many systems allow; with room the store goes on."""
    store, (soft, hard) = open_it(), resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(StoreError, match=r"cannot be opened.* park or close some"):
            await store.load_head()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert await store.load_head() is None


async def test_a_damaged_page_is_told(path: Path, open_it: Open) -> None:
    """Reading and writing a session with a broken page is an error that says how to go on; nothing is written."""
    store = open_it()
    await fill(store, 200)
    store.release()
    whole = files_in(path.parent)[path.name]
    write(path, whole[:4096] + b"\xff" * (len(whole) - 4096))
    before = files_in(path.parent)

    with pytest.raises(StoreError, match=r"is damaged.*\.recover"):
        await store.load_session(FullGraph())
    assert "is damaged" in (await refused(store)).message
    store.release()
    assert files_in(path.parent) == before


@contextmanager
def folder_of_others() -> Iterator[Path]:
    """A folder that the process may read and not write; as root it steps down for a while."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        store = SqliteSessionStore(folder / "session.db")
        asyncio.run(fill(store))
        store.release()
        (folder / "session.db").chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
        folder.chmod(0o555)
        with as_nobody():
            yield folder
        folder.chmod(0o755)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Give up the rights of root, if there are any."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_cannot_be_written_is_read() -> None:
    """A session in a folder of somebody else is read as ever; a change is refused with what to do."""
    with folder_of_others() as folder:
        before = files_in(folder)
        reader = SqliteSessionStore(folder / "session.db", read_only=True)
        read = asyncio.run(reader.load_session(FullGraph()))
        reader.release()
        for name in ("session.db", "new.db"):
            store = SqliteSessionStore(folder / name)
            assert "cannot be" in asyncio.run(refused(store)).message
            store.release()

        assert read is not None
        assert len(read.graph.nodes) == 3
        assert files_in(folder) == before


async def test_a_store_that_only_reads_changes_nothing(path: Path, open_it: Open) -> None:
    """Every change of a store that was opened to read is refused."""
    writer = open_it()
    await fill(writer)
    writer.release()
    before = files_in(path.parent)
    store = open_it(read_only=True)

    assert "open it without read_only" in (await refused(store)).message
    for doing in (store.enqueue_work(draft()), store.tombstone_nodes(["n0"]), store.vacuum()):
        with pytest.raises(StoreError):
            await doing
    assert await store.gc_unreachable() == GcReport()
    assert files_in(path.parent) == before


async def test_a_full_disk_loses_nothing(open_it: Open) -> None:
    """What does not fit is refused whole; smaller things still fit, and with more room everything does."""
    store = open_it(max_bytes=200_000)
    await fill(store)
    before = await store.load_session(FullGraph())
    large = commit(append(*(node(f"x{number}") for number in range(2000))))

    assert "could not grow" in (await refused(store, large)).message
    assert await store.load_session(FullGraph()) == before
    assert (await store.commit_runtime_state(commit(append(node("small"))))).head_revision == 2
    store.release()
    assert (await open_it().commit_runtime_state(large)).head_revision == 3


async def test_a_leaf_that_points_nowhere_is_kept(path: Path, open_it: Open) -> None:
    """The store heals nothing: the full graph has all nodes and the leaf as it is, the active path is empty."""
    store = open_it()
    await fill(store)
    change(path, "UPDATE session_head SET head_json = json_set(head_json, '$.leaf_node_id', 'nowhere')")
    full, path_only = await store.load_session(FullGraph()), await store.load_session(ActivePath())

    assert full is not None
    assert path_only is not None
    assert (len(full.graph.nodes), full.graph.leaf_node_id) == (3, "nowhere")
    assert (path_only.graph.nodes, path_only.graph.leaf_node_id) == ((), "nowhere")


@pytest.mark.parametrize("target", ["n0", "n1", "n2"])
async def test_a_cycle_of_parents_ends(path: Path, open_it: Open, target: str) -> None:
    """An active path has each node once, however the parents run."""
    store = open_it()
    await fill(store)
    change(
        path,
        "UPDATE graph_nodes SET node_json = json_set(node_json, '$.parent_node_id', ?) WHERE node_id = 'n0'",
        target,
    )
    read = await store.load_session(ActivePath())

    assert read is not None
    assert [one.node_id for one in read.graph.nodes] == ["n0", "n1", "n2"]


async def test_nodes_that_cannot_be_read_are_counted(
    path: Path, open_it: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """They are left out and told of, not dropped in silence; further commits leave them where they are."""
    store = open_it()
    await fill(store, 5)
    change(path, "UPDATE graph_nodes SET node_json = 'no json' WHERE node_id = 'n1'")
    change(path, "UPDATE graph_nodes SET node_json = json_remove(node_json, '$.kind') WHERE node_id = 'n3'")
    change(path, "UPDATE graph_nodes SET node_json = 5 WHERE node_id = 'n0'")
    full = await store.load_session(FullGraph())
    unread = store.unread
    below = await store.load_session(ActivePath())

    assert full is not None
    assert below is not None
    assert [one.node_id for one in full.graph.nodes] == ["n2", "n4"]
    assert unread == 3
    assert "3 nodes cannot be decoded" in caplog.text
    assert [one.node_id for one in below.graph.nodes] == ["n2", "n4"]
    assert await store.load_node("n1") is None
    await store.commit_runtime_state(commit(append(node("n5", "n4"))))
    head = await store.load_head()
    assert head is not None
    assert head.graph_node_count == 6


@pytest.mark.parametrize("head", ["{}", "no json", '{"session_id": 5}', ""])
async def test_a_head_that_cannot_be_read_stops_everything(path: Path, open_it: Open, head: str) -> None:
    """Nobody knows what a session without a head needs: nothing is read, written or collected."""
    store = open_it()
    await fill(store)
    change(path, "UPDATE session_head SET head_json = ?", head)

    for reading in (store.load_head(), store.load_session(FullGraph())):
        with pytest.raises(StoreError, match=r"session\.db: the head of its session cannot be decoded"):
            await reading
    await refused(store)
    assert await store.gc_unreachable() == GcReport()
    change(path, "DELETE FROM session_head")
    assert await store.load_session(FullGraph()) is None


async def test_a_checkpoint_that_cannot_be_read_protects_its_blobs(path: Path, open_it: Open) -> None:
    """Garbage is not collected while nobody knows what the checkpoint needs."""
    store = open_it()
    await fill(store)
    head = await store.load_head()
    assert head is not None
    change(path, "UPDATE blobs SET content = x'c1' WHERE hash = ?", head.checkpoint_ref)

    assert await store.gc_unreachable() == GcReport()
    read = await store.load_session(FullGraph())
    assert read is not None
    assert read.checkpoint is None
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM blobs").fetchone() == (4,)


async def test_a_meta_record_of_another_kind_is_read(path: Path, open_it: Open) -> None:
    """A relation that cannot be read is that of a session of its own."""
    store = open_it()
    await store.load_head()
    change(path, "INSERT INTO session_meta VALUES (1, 's', 'n', 'now', 'm', NULL, '{\"kind\":\"friend\"}')")
    meta = await store.load_session_meta()

    assert meta is not None
    assert (meta.session_id, meta.relation) == ("s", RootRelation())


async def test_work_that_cannot_be_read_is_told(path: Path, open_it: Open) -> None:
    """A payload of tomorrow is an error that names file and batch, not a queue that looks empty."""
    store = open_it()
    batch = await store.enqueue_work(draft())
    change(path, 'UPDATE queued_work_items SET payload_json = \'{"type":"of_tomorrow"}\'')

    with pytest.raises(StoreError, match=batch.batch_id) as error:
        await store.list_queued_work(SESSION)
    assert error.value.fields == {"path": str(path), "batch_id": batch.batch_id}


async def test_work_that_cannot_be_read_blocks_no_other(
    path: Path, open_it: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """A claim passes over it, says so once, and leaves it where it is for a release that can read it."""
    store = open_it()
    bad, good = await store.enqueue_work(draft(source_key="bad")), await store.enqueue_work(draft(source_key="good"))
    change(path, "UPDATE queued_work_batches SET slot_policy = 'of_tomorrow' WHERE batch_id = ?", bad.batch_id)
    claim = await store.claim_ready_work(session_id=SESSION, boundary="idle", owner="o")
    again = await store.claim_ready_work(session_id=SESSION, boundary="idle", owner="o")

    assert claim is not None
    assert [batch.batch_id for batch in claim.batches] == [good.batch_id]
    assert again is None
    assert caplog.text.count(bad.batch_id) == 1
    assert "is passed over" in caplog.text
    change(path, "UPDATE queued_work_batches SET slot_policy = 'join' WHERE batch_id = ?", bad.batch_id)
    read = await store.claim_ready_work(session_id=SESSION, boundary="idle", owner="o")
    assert read is not None
    assert [batch.batch_id for batch in read.batches] == [bad.batch_id]


async def test_a_locked_file_is_waited_for(path: Path, open_it: Open) -> None:
    """While another one writes the event loop goes on; the commit comes through when the lock is gone, or says who is in the way."""
    store, patient = open_it(busy_timeout_s=0.1), open_it(busy_timeout_s=30)
    await fill(store)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.005)

    ticking = asyncio.create_task(tick())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "in use by another process" in (await refused(store)).message
        assert ticks > 1
        assert await store.load_head() is not None
        waiting = asyncio.create_task(patient.commit_runtime_state(commit(append(node("new")))))
        await asyncio.sleep(0.03)
        other.execute("ROLLBACK")
        assert (await waiting).head_revision == 2
    ticking.cancel()
    with suppress(asyncio.CancelledError):
        await ticking


@pytest.mark.parametrize("replaced", [True, False])
async def test_a_file_that_is_gone_is_not_written(path: Path, open_it: Open, replaced: bool) -> None:
    """Writes would go to a file without a name; a new one is not made in its place."""
    store = open_it()
    await fill(store)
    move_away(path, leave_copy=replaced)
    error = await refused(store)
    assert f"was {'replaced' if replaced else 'deleted'} while it was open" in error.message
    if not replaced:
        assert "is not there" in (await refused(store)).message
        assert path.name not in files_in(path.parent)


@given(
    places=st.lists(st.tuples(st.integers(100, 110_000), st.binary(min_size=1, max_size=40)), min_size=1, max_size=6)
)
@settings(max_examples=8, deadline=None)
def test_any_damage_is_an_error_of_the_store(places: list[tuple[int, bytes]]) -> None:
    """However a file is damaged, every call gives a result or a StoreError, and reading changes nothing."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "session.db")
        content = bytearray(FILLED)
        for start, damage in places:
            at = start % (len(content) - 40)
            content[at : at + len(damage)] = damage
        file.write_bytes(content)
        asyncio.run(try_everything(SqliteSessionStore(file, read_only=True)))
        assert file.read_bytes() == bytes(content)
        asyncio.run(try_everything(SqliteSessionStore(file, busy_timeout_s=0)))


async def try_everything(store: SqliteSessionStore) -> None:
    """Call all that can be called."""
    calls: list[Callable[[], Any]] = [
        store.load_head,
        lambda: store.load_session(FullGraph()),
        lambda: store.load_session(ActivePath()),
        lambda: store.load_node("n1"),
        store.load_session_meta,
        lambda: store.list_queued_work(SESSION),
        store.gc_unreachable,
        lambda: store.commit_runtime_state(commit(append(node("new")))),
        store.vacuum,
    ]
    for call in calls:
        with suppress(StoreError):
            await call()
    with suppress(StoreError):
        store.list_attachments()
    store.release()


def filled() -> bytes:
    """A database with a bit of everything."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "session.db")
        store = SqliteSessionStore(file)
        asyncio.run(fill(store, 30))
        store.release()
        return file.read_bytes()


FILLED = filled()
