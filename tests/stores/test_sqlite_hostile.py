"""Files that were made to do harm: nothing waits for ever, fills the memory or hides the sessions beside it."""

import os
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from lash_nb.errors import StoreError
from lash_nb.stores import (
    SqliteSessionStore,
    attachment_users,
    open_store,
)
from tests.stores.material import append, commit, node, used


async def folder_of(root: Path) -> Path:
    """A folder with a session; return its database."""
    path = root / "sessions" / "root.db"
    path.parent.mkdir()
    store = SqliteSessionStore(path)
    await store.commit_runtime_state(commit(append(node("n0")), usage_deltas=(used(3),)))
    store.release()
    return path


def change(path: Path, query: str, *values: object) -> None:
    """Write behind the store's back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(query, values)


MAKERS: list[Callable[[Path], None]] = [os.mkfifo, Path.mkdir]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("beside", ["", "-wal", "-journal", "-shm"])
async def test_what_is_no_plain_file_is_not_opened(tmp_path: Path, make: Callable[[Path], None], beside: str) -> None:
    """A pipe in place of a database or of its log would be waited for; the sessions beside it are read."""
    await folder_of(tmp_path)
    odd = tmp_path / "sessions" / "odd.db"
    if beside:
        odd.write_bytes(b"")
    make(Path(f"{odd}{beside}"))
    reader = open_store(tmp_path)
    assert list(reader) == ["root"]
    [error] = reader.errors
    assert error.message == f"{odd}{beside} is no plain file; move it away, or give another path"
    with pytest.raises(StoreError, match="no plain file"):
        await SqliteSessionStore(odd).load_head()


async def test_a_collection_opens_no_pipe(tmp_path: Path) -> None:
    """Who cannot be asked stops the collection."""
    path = await folder_of(tmp_path)
    os.mkfifo(f"{path}-journal")
    [user] = attachment_users(tmp_path)
    with pytest.raises(StoreError, match="no plain file"):
        await user.mentioned({"x"})


async def test_a_blob_that_inflates_without_end_is_refused(tmp_path: Path) -> None:
    """It fills no memory, and is not passed over in silence."""
    path = await folder_of(tmp_path)
    packer = zlib.compressobj(1)
    begin, piece = (packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    packed = begin + piece * 128  # after a full flush a piece may be repeated
    bomb = {"descriptor": {"kind": "CheckpointManifest"}, "compression": "Zlib", "content": packed}
    change(path, "UPDATE blobs SET content = ?", msgspec.msgpack.encode(bomb))
    [error] = open_store(tmp_path).errors
    assert "inflates to more than 134,217,728" in error.message


@pytest.mark.parametrize("value", ["soon", b"\x00", 1e300])
async def test_a_time_that_is_none_hides_no_session(tmp_path: Path, value: object) -> None:
    """What stands in a column need not be a number."""
    path = await folder_of(tmp_path)
    change(path, "INSERT INTO runtime_turn_commits VALUES ('root', 't', 'h', '{}', ?)", value)
    assert list(open_store(tmp_path)) == ["root"]


@pytest.mark.parametrize("value", ["many", 1.5, 2**63 - 1])
async def test_tokens_are_a_whole_number(tmp_path: Path, value: object) -> None:
    """Whatever stands there."""
    change(await folder_of(tmp_path), "UPDATE usage_deltas SET input_tokens = ?, output_tokens = input_tokens", value)
    [row] = open_store(tmp_path).sessions
    assert isinstance(row.tokens, int)


async def test_what_sqlite_cannot_keep_is_an_error_of_the_store(tmp_path: Path) -> None:
    """Half of a surrogate pair, or a revision beyond 64 bits: the error names the file, and the store goes on."""
    path = await folder_of(tmp_path)
    store = SqliteSessionStore(path)
    with pytest.raises(StoreError, match="cannot keep this"):
        await store.load_node("\ud800")
    change(path, "UPDATE session_head SET head_revision = ?", 2**63 - 1)
    with pytest.raises(StoreError, match="cannot keep this"):
        await store.commit_runtime_state(commit(append(node("n1"))))
    change(path, "UPDATE session_head SET head_revision = 1")
    await store.commit_runtime_state(commit(append(node("n1"))))
    store.release()
