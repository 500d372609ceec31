"""Attachment folders when things go wrong: full disks, folders that may not be written, writers that die, files that are none."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from lash_nb.clock import NS_PER_MS, ManualClock
from lash_nb.errors import AttachmentStoreError
from lash_nb.stores import (
    FileAttachmentStore,
    StoreFolder,
    attachment_users,
    collect_attachments,
    verify_attachments,
)
from lash_nb.wire import content_id
from tests.stores.material import PIXEL

DATA = b"\x01\x02\x03"
ID = content_id(DATA)
FAR = 2**62


def bytes_of(root: Path, attachment_id: str = ID) -> Path:
    """Where the bytes of an attachment lie."""
    return root / "sha256" / attachment_id[:2] / attachment_id


def names(root: Path) -> list[str]:
    """The names of all files below a folder."""
    return sorted(path.name for path in root.rglob("*") if path.is_file())


@contextmanager
def disk_that_is_full_beyond(size: int) -> Iterator[None]:
    """Let no file become larger than `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def somebody_else() -> Iterator[None]:
    """Be a user who may not write what root may, if this is root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def sealed() -> Iterator[Path]:
    """A folder with one attachment that may be read and not written."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        FileAttachmentStore(root).put(DATA, PIXEL)
        folders = [root, root / "sha256", bytes_of(root).parent]
        for folder in folders:
            folder.chmod(0o555)
        yield root
        for folder in folders:
            folder.chmod(0o755)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """When the bytes do not fit there is no draft and no meta either; with room the same put works."""
    store, large = FileAttachmentStore(tmp_path), bytes(5_000)
    with (
        disk_that_is_full_beyond(1_000),
        pytest.raises(AttachmentStoreError, match="File too large; make room") as error,
    ):
        store.put(large, PIXEL)

    assert (error.value.variant, error.value.fields) == ("Io", {"path": str(bytes_of(tmp_path, content_id(large)))})
    assert (names(tmp_path), store.ids()) == ([], ())
    assert store.get(store.put(large, PIXEL).id).data == large


def test_a_full_disk_costs_no_older_attachment(tmp_path: Path) -> None:
    """A meta that cannot be written anew stays as it was, and so do the bytes."""
    store = FileAttachmentStore(tmp_path)
    ref = store.put(DATA, PIXEL)
    with disk_that_is_full_beyond(10), pytest.raises(AttachmentStoreError, match="File too large"):
        store.put(DATA, replace(PIXEL, label="again"))

    assert names(tmp_path) == [ID, f"{ID}.json"]
    for reader in (store, FileAttachmentStore(tmp_path)):
        assert (reader.get(ID).data, reader.get(ID).meta) == (DATA, ref)


def test_a_folder_that_may_not_be_written_is_still_read(sealed: Path) -> None:
    """Reading, listing and inspecting work; putting and deleting name the file and say what to do, and change nothing."""
    store = FileAttachmentStore(sealed)
    with somebody_else():
        assert store.get(ID).data == DATA
        assert (store.ids(), store.inspect(ID).digest) == ((ID,), ID)
        with pytest.raises(
            AttachmentStoreError, match="Permission denied; make room, or give a folder that may be written"
        ):
            store.put(DATA, PIXEL)
        with pytest.raises(AttachmentStoreError, match="Permission denied"):
            store.put(b"new", PIXEL)
        with pytest.raises(AttachmentStoreError, match="Permission denied; allow writing in the folder"):
            store.delete(ID, put_until_ms=FAR)
    assert names(sealed) == [ID, f"{ID}.json"]


def test_a_folder_that_may_not_be_read_is_told(sealed: Path) -> None:
    """What cannot be seen is not taken for missing."""
    (sealed / "sha256").chmod(0o000)
    store = FileAttachmentStore(sealed)
    with somebody_else():
        for read in (store.ids, lambda: store.get(ID), lambda: store.meta(ID), lambda: store.stat(ID)):
            with pytest.raises(AttachmentStoreError, match="Permission denied; allow reading it") as error:
                read()
            assert error.value.variant == "Io"
        found = store.inspect(ID)
    assert [error.variant for error in (found.data_error, found.meta_error) if error] == ["Io", "Io"]


def test_bytes_that_were_cut_off_are_put_again(tmp_path: Path) -> None:
    """Bytes of another length are not those of the id; a put heals them."""
    FileAttachmentStore(tmp_path).put(DATA, PIXEL)
    bytes_of(tmp_path).write_bytes(DATA[:1])
    FileAttachmentStore(tmp_path).put(DATA, PIXEL)

    assert FileAttachmentStore(tmp_path).get(ID).data == DATA


@pytest.mark.parametrize("name", [f"{ID}.tmp", f"{ID}.json.tmp"])
def test_drafts_of_the_dead_are_swept(tmp_path: Path, name: str) -> None:
    """Drafts are no attachments; old ones go, young ones and foreign files stay."""
    store = FileAttachmentStore(tmp_path)
    old, young = bytes_of(tmp_path).with_name(name), bytes_of(tmp_path).with_name(f"{ID[:2]}{'a' * 62}.tmp")
    old.parent.mkdir(parents=True)
    for path in (old, young, foreign := old.with_name("03-notes.tmp")):
        path.write_bytes(b"half")
    for path in (old, foreign):
        os.utime(path, (1, 1))

    assert store.ids() == ()
    assert store.sweep_drafts(put_until_ms=1_000, dry_run=True) == 1
    assert store.sweep_drafts(put_until_ms=1_000, dry_run=False) == 1
    assert names(tmp_path) == sorted([foreign.name, young.name])


def test_files_in_other_places_are_no_attachments(tmp_path: Path) -> None:
    """An id counts only where the layout has it."""
    store = FileAttachmentStore(tmp_path)
    store.put(DATA, PIXEL)
    for place in ("ff", "abc", "03/deep"):
        (tmp_path / "sha256" / place).mkdir()
        (tmp_path / "sha256" / place / ID).write_bytes(DATA)
    (tmp_path / "sha256" / "notes").write_text("a file")

    assert store.ids() == (ID,)


def test_bytes_may_lie_elsewhere_behind_a_link(tmp_path: Path) -> None:
    """A link is read like a file, and a deletion takes the link alone; one that leads nowhere is no attachment."""
    store, elsewhere = FileAttachmentStore(tmp_path / "attachments"), tmp_path / "elsewhere"
    store.put(DATA, PIXEL)
    bytes_of(store.root).rename(elsewhere)
    bytes_of(store.root).symlink_to(elsewhere)
    assert (store.get(ID).data, store.inspect(ID).digest, store.stat(ID).byte_len) == (DATA, ID, 3)
    assert store.delete(ID, put_until_ms=FAR)
    assert (store.ids(), elsewhere.read_bytes()) == ((), DATA)

    bytes_of(store.root).symlink_to(tmp_path / "nowhere")
    with pytest.raises(AttachmentStoreError, match="was not found"):
        store.get(ID)
    assert store.get(store.put(DATA, PIXEL).id).data == DATA


def test_what_is_no_plain_file_is_not_opened(tmp_path: Path) -> None:
    """A pipe in the place of bytes would be waited for without end, and a device be read."""
    bytes_of(tmp_path).parent.mkdir(parents=True)
    os.mkfifo(bytes_of(tmp_path))
    store = FileAttachmentStore(tmp_path)
    found = store.inspect(ID)

    assert found.data_error is not None
    assert "it is no plain file; move it away and put the bytes again" in found.data_error.message
    with pytest.raises(AttachmentStoreError, match="it is no plain file; move it away"):
        store.get(ID)


def test_a_sidecar_that_is_no_plain_file_is_not_opened(tmp_path: Path) -> None:
    """Neither by who reads bytes nor by who looks for damage."""
    FileAttachmentStore(tmp_path).put(DATA, PIXEL)
    sidecar = bytes_of(tmp_path).with_suffix(".json")
    sidecar.unlink()
    os.mkfifo(sidecar)
    store = FileAttachmentStore(tmp_path)

    with pytest.raises(AttachmentStoreError, match="it is no plain file; move it away"):
        store.get(ID)
    found = store.inspect(ID)
    assert found.meta_error is not None
    assert "it is no plain file" in found.meta_error.message


WRITER = """
import sys, time
from lash_nb.errors import AttachmentStoreError
from lash_nb.stores import (
    FileAttachmentStore,
    StoreFolder,
    attachment_users,
    collect_attachments,
    verify_attachments,
)
from lash_nb.wire import AttachmentCreateMeta, MediaType
for turn in range(40):
    began = time.time()
    ref = FileAttachmentStore(sys.argv[1]).put(b"shared", AttachmentCreateMeta(media_type=MediaType(type="png")))
    try:
        assert FileAttachmentStore(sys.argv[1]).get(ref.id).data == b"shared"
    except AttachmentStoreError:
        if time.time() - began < 0.05:
            raise
    time.sleep(0.06 if turn % 4 == 0 else 0)
"""


@pytest.mark.slow
def test_processes_that_put_and_one_that_deletes_never_meet(tmp_path: Path) -> None:
    """Two processes put the same bytes over and over while this one deletes them when they are old; what was put just now is there, whole."""
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stderr=subprocess.PIPE) for _ in range(2)
    ]
    store, shared, deleted = FileAttachmentStore(tmp_path), content_id(b"shared"), 0
    while any(writer.poll() is None for writer in writers):
        was_there = bytes_of(tmp_path, shared).exists()
        deleted += store.delete(shared, put_until_ms=time.time_ns() // NS_PER_MS - 50) and was_there
    told = [writer.communicate()[1].decode() for writer in writers]

    assert (told, [writer.returncode for writer in writers]) == (["", ""], [0, 0])
    assert deleted > 0


DYING = """
import sys
from lash_nb.stores import SessionScopedAttachmentStore, StoreFolder, SqliteSessionStore
from lash_nb.wire import AttachmentCreateMeta, MediaType
folder = StoreFolder(sys.argv[1])
folder.sessions.folder.mkdir(parents=True, exist_ok=True)
session = SqliteSessionStore(folder.sessions.path_of("s"))
store = SessionScopedAttachmentStore(folder.attachments, session, "s")
for number in range(100_000):
    data = bytes([number % 256]) * (1 + 7919 * number % 30_000)
    print(store.put(data, AttachmentCreateMeta(media_type=MediaType(type="png"))).id, flush=True)
"""


def ids_until_killed(folder: Path, lines: int) -> list[str]:
    """Kill a writer after so many puts, and return the ids that it told."""
    with subprocess.Popen([sys.executable, "-c", DYING, str(folder)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline().strip() for _ in range(lines)]
        writer.kill()
        return told + [line.strip() for line in writer.stdout if len(line) == len(told[0]) + 1]


@pytest.mark.slow
@pytest.mark.parametrize("lines", [1, 4, 9, 23])
async def test_a_writer_that_is_killed_leaves_whole_attachments_and_intents(tmp_path: Path, lines: int) -> None:
    """What a put had returned is there; what it had begun is an intent, which a collection forgets, and no harm is done."""
    told = ids_until_killed(tmp_path, lines)
    store, users = StoreFolder(tmp_path).attachments, attachment_users(tmp_path)
    check = await verify_attachments(store, users)

    assert check.ok, check.rows
    assert {store.inspect(attachment_id).digest for attachment_id in told} == set(told)
    collected = await collect_attachments(store, users, dry_run=False, clock=ManualClock(4 * 10**18))
    assert (collected.errors, names(store.root), users[0].list_attachments()) == ((), [], ())
