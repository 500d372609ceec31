"""The collection of attachments: what nobody needs goes, and nothing that anybody could need."""

import asyncio
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.clock import NS_PER_MS, Clock, ManualClock, SystemClock
from lash_nb.errors import AttachmentStoreError, CallerError, StoreError
from lash_nb.stores import (
    ATTACHMENT_GRACE_MS,
    AttachmentCollection,
    AttachmentIntent,
    FileAttachmentStore,
    InMemoryAttachmentStore,
    InMemorySessionStore,
    SessionScopedAttachmentStore,
    SqliteSessionStore,
    attachment_users,
    collect_attachments,
    session_attachment_user,
    verify_attachments,
)
from lash_nb.wire import (
    AttachmentRef,
    HydratedSessionCheckpoint,
    Octets,
    Part,
    PartAttachment,
    SessionNodeRecord,
    TextItem,
    TurnInput,
    TurnInputPayload,
    content_id,
)
from tests.stores.material import PIXEL, STATE, append, commit, draft, node

HOUR_NS = 3_600_000_000_000


def later(hours: int = 48) -> Clock:
    """A clock that stands in the future, so that all that was put is old."""
    return ManualClock(SystemClock().now_ns() + hours * HOUR_NS)


def naming(node_id: str, ref: AttachmentRef) -> SessionNodeRecord:
    """A node with a picture."""
    part = Part(
        id=f"{node_id}.p0", kind="Image", content="", prune_state="Intact", attachment=PartAttachment(reference=ref)
    )
    return node(node_id, part=part)


class Folder:
    """A store folder: databases of sessions, and attachments that they share."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "sessions").mkdir()
        self.attachments = FileAttachmentStore(path / "attachments")

    def session(self, name: str) -> SqliteSessionStore:
        """Open a session."""
        return SqliteSessionStore(self.database(name))

    def database(self, name: str) -> Path:
        """Where a session is kept."""
        return self.path / "sessions" / f"{name}.db"

    def put(self, name: str, data: bytes) -> AttachmentRef:
        """Let a session put bytes."""
        session = self.session(name)
        ref = SessionScopedAttachmentStore(self.attachments, session, name).put(data, PIXEL)
        session.release()
        return ref

    def execute(self, name: str, statement: str, *values: object) -> None:
        """Change a database behind everybody's back."""
        with closing(sqlite3.connect(self.database(name))) as connection, connection:
            connection.execute(statement, values)

    async def collect(self, *, dry_run: bool = False, clock: Clock | None = None) -> AttachmentCollection:
        """Collect what is old by then."""
        users = attachment_users(self.path)
        return await collect_attachments(self.attachments, users, dry_run=dry_run, clock=clock or later())

    def intents(self, name: str) -> list[str]:
        """The ids in a session's manifest."""
        return [entry.attachment_id for entry in self.session(name).list_attachments()]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty store folder."""
    return Folder(tmp_path)


async def test_a_dry_run_leaves_the_folder_as_it_is(folder: Folder) -> None:
    """No log and no lock beside a database that nobody writes."""
    folder.put("main", b"a")
    before = sorted(folder.path.rglob("*"))
    assert len((await folder.collect(dry_run=True)).rows) == 1
    assert sorted(folder.path.rglob("*")) == before


async def test_bytes_that_nobody_names_go_after_the_grace_time(folder: Folder) -> None:
    """First a dry run that changes nothing and says the same, then bytes and intent are gone; again there is nothing to do."""
    ref = folder.put("a", b"never committed")
    assert (await folder.collect(clock=SystemClock())).rows == ()
    planned = await folder.collect(dry_run=True)
    assert (folder.attachments.ids(), folder.intents("a")) == ((ref.id,), [ref.id])
    done, again = await folder.collect(), await folder.collect()

    assert [(row.attachment_id, row.byte_len) for row in done.rows] == [(ref.id, 15)]
    assert planned.rows == done.rows
    assert done.rows[0].intended_by == ("sessions/a.db",)
    assert (folder.attachments.ids(), folder.intents("a"), again.rows) == ((), [], ())
    assert repr(planned) == (
        "<AttachmentCollection: would delete 1 attachment of 15 bytes, keeps 0 needed and 0 young>"
    )
    assert repr(done) == "<AttachmentCollection: deleted 1 attachment of 15 bytes, keeps 0 needed and 0 young>"


async def test_bytes_that_any_session_names_stay(folder: Folder) -> None:
    """What one session put and another one names stays, with its intent; so does what the one names that put it."""
    shared, own, gone = folder.put("a", b"shared"), folder.put("b", b"own"), folder.put("a", b"gone")
    await folder.session("b").commit_runtime_state(commit(append(naming("n1", shared), naming("n2", own))))
    done = await folder.collect()

    assert [row.attachment_id for row in done.rows] == [gone.id]
    assert (done.kept_needed, folder.intents("a"), folder.intents("b")) == (2, [shared.id], [own.id])
    assert set(folder.attachments.ids()) == {shared.id, own.id}


async def test_what_a_commit_named_stays_when_its_node_is_gone(folder: Folder) -> None:
    """A stamp in any manifest keeps the bytes."""
    ref = folder.put("a", b"stamped")
    folder.session("b")
    folder.session("a").commit_refs("a", [ref.id])

    assert (await folder.collect()).kept_needed == 1
    assert folder.attachments.get(ref.id).data == b"stamped"


async def hidden(folder: Folder, ref: AttachmentRef) -> None:
    """Name it in a node that is hidden."""
    session = folder.session("a")
    await session.commit_runtime_state(commit(append(naming("n1", ref))))
    await session.tombstone_nodes(["n1"])


async def undecodable(folder: Folder, ref: AttachmentRef) -> None:
    """Name it in a node that nobody can read."""
    await folder.session("a").load_head()
    folder.execute(
        "a",
        "INSERT INTO graph_nodes (node_id, node_json) VALUES ('n', CAST(? AS TEXT))",
        b'\xff{"broken": "\\f%s' % ref.id.encode(),
    )


async def queued(folder: Folder, ref: AttachmentRef) -> None:
    """Name it in work that waits."""
    payload = TurnInputPayload(input=TurnInput(items=(TextItem(text=f"see {ref.id}"),)))
    await folder.session("a").enqueue_work(draft(payloads=(payload,)))


async def in_variables(folder: Folder, ref: AttachmentRef) -> None:
    """Name it in the state of running code."""
    state = Octets(b'{"chart": "%s"}' % ref.id.encode())
    checkpoint = HydratedSessionCheckpoint(turn_state=STATE, execution_state=state)
    await folder.session("a").commit_runtime_state(commit(checkpoint=checkpoint))


async def in_large_variables(folder: Folder, ref: AttachmentRef) -> None:
    """Name it in a state that is so large that it is compressed."""
    state = Octets(b'{"text": "%s", "chart": "%s"}' % (b"word " * 2_000, ref.id.encode()))
    checkpoint = HydratedSessionCheckpoint(turn_state=STATE, execution_state=state)
    await folder.session("a").commit_runtime_state(commit(checkpoint=checkpoint))


async def in_variables_of_an_older_frame(folder: Folder, ref: AttachmentRef) -> None:
    """Name it in the state of a frame that only the head keeps, as numbers."""
    await folder.session("a").load_head()
    head = {"agent_frames": [{"execution_state_snapshot": [255, *ref.id.encode()]}]}
    folder.execute("a", "INSERT INTO session_head (singleton, head_json) VALUES (1, ?)", json.dumps(head))


async def in_another_kind_of_database(folder: Folder, ref: AttachmentRef) -> None:
    """Name it in a database of another kind and version, in a column and table of any name."""
    with closing(sqlite3.connect(folder.path / "processes.db")) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute('CREATE TABLE "odd ""name" (value BLOB)')
        connection.execute('INSERT INTO "odd ""name" VALUES (?)', (b"\x00" + ref.id.encode() + b"\xff",))


@pytest.mark.parametrize(
    "name",
    [
        hidden,
        undecodable,
        queued,
        in_variables,
        in_large_variables,
        in_variables_of_an_older_frame,
        in_another_kind_of_database,
    ],
)
async def test_a_mention_anywhere_keeps_the_bytes(folder: Folder, name: object) -> None:
    """It need not be a node that can be read."""
    kept, gone = folder.put("a", b"kept"), folder.put("a", b"gone")
    assert callable(name)
    await name(folder, kept)
    done = await folder.collect()

    assert ([row.attachment_id for row in done.rows], folder.attachments.ids()) == ([gone.id], (kept.id,))


TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from("0123456789abcdef"), max_size=90)


@given(before=TEXT, after=TEXT)
def test_a_mention_is_found_whatever_stands_around_it(before: str, after: str) -> None:
    """Other digits, quotes and escapes hide no id; an id that is cut off is none."""
    store, wanted = InMemorySessionStore(ManualClock()), content_id(before.encode())
    cut = content_id(after.encode() + b"!")
    part = Part(id="p", kind="Text", content=f"{before}{wanted}{after} {cut[:-1]}", prune_state="Intact")
    asyncio.run(store.commit_runtime_state(commit(append(node("n1", part=part)))))

    assert asyncio.run(session_attachment_user("s", store).mentioned({wanted, cut})) == {wanted}


async def test_old_bytes_that_are_put_again_are_young(folder: Folder) -> None:
    """The manifest keeps the time of the first intent; that the bytes were put just now counts all the same."""
    intent = AttachmentIntent(
        attachment_id=content_id(b"again"), session_id="a", canonical_uri="sha256:…", intent_at_epoch_ms=1
    )
    folder.session("a").record_intent(intent)
    ref = folder.put("a", b"again")
    assert (await folder.collect(clock=SystemClock(), dry_run=True)).rows == ()
    done = await folder.collect(clock=SystemClock())

    assert (done.rows, done.kept_young, folder.attachments.get(ref.id).data) == ((), 1, b"again")
    assert [entry.intent_at_epoch_ms for entry in folder.session("a").list_attachments()] == [1]


async def test_a_young_intent_keeps_old_bytes(folder: Folder) -> None:
    """Who is about to put bytes that are there already may rely on them."""
    ref = folder.attachments.put(b"old", PIXEL)
    now = SystemClock().now_ns() // NS_PER_MS
    soon = AttachmentIntent(
        attachment_id=ref.id, session_id="a", canonical_uri="", intent_at_epoch_ms=now + 2 * ATTACHMENT_GRACE_MS
    )
    folder.session("a").record_intent(soon)

    assert (await folder.collect()).kept_young == 1
    assert folder.attachments.ids() == (ref.id,)


async def test_an_intent_that_came_to_nothing_is_forgotten(folder: Folder) -> None:
    """A session that died before it wrote leaves nothing but its intent."""
    folder.session("a").record_intent(
        AttachmentIntent(attachment_id="0" * 64, session_id="a", canonical_uri="", intent_at_epoch_ms=1)
    )
    done = await folder.collect()

    assert [(row.byte_len, row.put_at_epoch_ms) for row in done.rows] == [(0, None)]
    assert folder.intents("a") == []


async def test_bytes_of_a_deleted_session_go(folder: Folder) -> None:
    """When its database is gone nobody names them; those that others name stay."""
    mine, shared = folder.put("a", b"mine"), folder.put("a", b"shared")
    for name in "ab":
        await folder.session(name).commit_runtime_state(commit(append(naming("n1", shared))))
    await folder.session("a").commit_runtime_state(commit(append(naming("n2", mine))))
    assert (await folder.collect()).rows == ()
    for path in folder.path.glob("sessions/a.db*"):
        path.unlink()

    assert [row.attachment_id for row in (await folder.collect()).rows] == [mine.id]


def spoil(path: Path) -> None:
    """Overwrite the second page of a database."""
    data = bytearray(path.read_bytes())
    data[4096:8192] = b"\xee" * 4096
    path.write_bytes(data)


@pytest.mark.parametrize("kind", ["no database", "damaged"])
async def test_nothing_is_deleted_when_a_database_cannot_be_read(folder: Folder, kind: str) -> None:
    """Who cannot be asked may need everything; the error names the file."""
    folder.put("a", b"one")
    folder.put("b", b"two")
    if kind == "damaged":
        await folder.session("b").load_head()
        folder.execute("b", "PRAGMA wal_checkpoint(TRUNCATE)")
        spoil(folder.database("b"))
    else:
        folder.database("b").write_bytes(b"not a database, " * 1_000)

    with pytest.raises(StoreError, match=r"is no SQLite database|is damaged") as error:
        await folder.collect()
    assert error.value.fields["path"] == str(folder.database("b"))
    assert len(folder.attachments.ids()) == 2


def test_a_folder_without_databases_is_refused(tmp_path: Path) -> None:
    """A wrong path must not read as if nobody needed anything."""
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(
            CallerError, match=r"holds no database \(\*\.db\), so nobody would keep an attachment; give"
        ):
            attachment_users(path)


async def test_a_store_whose_sessions_are_all_deleted_is_emptied(folder: Folder) -> None:
    """Its folder of sessions tells it from a wrong folder."""
    folder.attachments.put(b"left over", PIXEL)

    assert [row.byte_len for row in (await folder.collect()).rows] == [9]
    assert folder.attachments.ids() == ()


class StoppingStore(FileAttachmentStore):
    """A folder that deletes a few attachments and then fails."""

    def __init__(self, root: Path, deletions: int, error: BaseException) -> None:
        super().__init__(root)
        self.left, self.error = deletions, error

    def delete(self, attachment_id: str, *, put_until_ms: int) -> bool:
        """Delete, or fail."""
        if not self.left:
            raise self.error
        self.left -= 1
        return super().delete(attachment_id, put_until_ms=put_until_ms)


@pytest.mark.parametrize("deletions", range(4))
async def test_a_run_that_was_killed_is_repeated(folder: Folder, deletions: int) -> None:
    """However far it came, what is needed is there, and the next run ends where one run would have."""
    for data in (b"1", b"2", b"3"):
        folder.put("a", data)
    kept = folder.put("a", b"kept")
    await folder.session("a").commit_runtime_state(commit(append(naming("n1", kept))))
    killed = StoppingStore(folder.attachments.root, deletions, KeyboardInterrupt())
    users = attachment_users(folder.path)
    try:
        await collect_attachments(killed, users, dry_run=False, clock=later())
    except KeyboardInterrupt:
        assert len(folder.attachments.ids()) == 4 - deletions
    await folder.collect()

    assert (folder.attachments.ids(), folder.intents("a")) == ((kept.id,), [kept.id])
    assert (await verify_attachments(folder.attachments, users)).rows == ()


async def test_bytes_without_their_intents_and_intents_without_their_bytes_are_found_again(folder: Folder) -> None:
    """A run that died between bytes and intents left the latter."""
    ref = folder.put("a", b"half done")
    folder.attachments.delete(ref.id, put_until_ms=2**62)

    assert [row.byte_len for row in (await folder.collect()).rows] == [0]
    assert folder.intents("a") == []


async def test_what_cannot_be_deleted_is_told_and_the_rest_goes(folder: Folder) -> None:
    """One failure does not stop a run, and its intent stays for the next one."""
    refs = sorted((folder.put("a", data) for data in (b"1", b"2")), key=lambda ref: ref.id)
    failing = StoppingStore(folder.attachments.root, 1, AttachmentStoreError("Io", "no"))
    done = await collect_attachments(failing, attachment_users(folder.path), dry_run=False, clock=later())

    assert ([row.attachment_id for row in done.rows], [error.message for error in done.errors]) == (
        [refs[0].id],
        ["no"],
    )
    assert folder.intents("a") == [refs[1].id]
    assert repr(done).endswith("; 1 failure>")


class BusyStore(FileAttachmentStore):
    """A folder in which somebody puts the bytes again just before they would be deleted."""

    def delete(self, attachment_id: str, *, put_until_ms: int) -> bool:
        """Put at that time and a bit, then try to delete."""
        self.put(self.get(attachment_id).data, PIXEL)
        soon = (put_until_ms + 1) * NS_PER_MS
        os.utime(self.root / "sha256" / attachment_id[:2] / attachment_id, ns=(soon, soon))
        return super().delete(attachment_id, put_until_ms=put_until_ms)


async def test_bytes_that_come_back_during_a_run_stay_with_their_intent(folder: Folder) -> None:
    """The last look decides."""
    ref = folder.put("a", b"back")
    busy = BusyStore(folder.attachments.root)
    done = await collect_attachments(busy, attachment_users(folder.path), dry_run=False, clock=later())

    assert (done.rows, done.kept_young, folder.attachments.ids(), folder.intents("a")) == ((), 1, (ref.id,), [ref.id])


async def test_drafts_of_the_dead_are_swept_along(folder: Folder) -> None:
    """Half-written files go when they are old; a dry run counts them."""
    folder.put("a", b"x")
    stale = folder.attachments.root / "sha256" / "00" / f"{'0' * 64}.tmp"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"half")

    assert (await folder.collect(clock=SystemClock())).draft_count == 0
    assert " and 1 draft, " in repr(await folder.collect(dry_run=True))
    assert stale.exists()
    assert (await folder.collect()).draft_count == 1
    assert not stale.exists()


@pytest.fixture
def memory() -> tuple[InMemoryAttachmentStore, InMemorySessionStore]:
    """Attachments and a session in memory, with a clock that stands still at the beginning of time."""
    clock = ManualClock(0)
    return InMemoryAttachmentStore(clock), InMemorySessionStore(clock)


async def test_sessions_in_memory_keep_what_they_name(
    memory: tuple[InMemoryAttachmentStore, InMemorySessionStore],
) -> None:
    """Nodes, checkpoints and queued work keep attachments; the rest goes."""
    attachments, session = memory
    scoped = SessionScopedAttachmentStore(attachments, session, "root", ManualClock(0))
    in_node, in_state, in_queue, gone = (scoped.put(data, PIXEL) for data in (b"node", b"state", b"queue", b"gone"))
    user = session_attachment_user("root", session)
    assert await user.mentioned({gone.id}) == set()
    checkpoint = HydratedSessionCheckpoint(
        turn_state=STATE, plugin_snapshot=None, execution_state=Octets(in_state.id.encode())
    )
    await session.commit_runtime_state(commit(append(naming("n1", in_node)), checkpoint=checkpoint))
    payload = TurnInputPayload(input=TurnInput(items=(TextItem(text=in_queue.id),)))
    await session.enqueue_work(draft(payloads=(payload,)))
    done = await collect_attachments(attachments, [user], dry_run=False)

    assert [(row.attachment_id, row.intended_by) for row in done.rows] == [(gone.id, ("root",))]
    assert set(attachments.ids()) == {in_node.id, in_state.id, in_queue.id}
    assert len(session.list_attachments()) == 3
