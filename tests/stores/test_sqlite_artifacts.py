"""Artifact databases: the reference's own schema, bytes that are not those that were put, and files that are none."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from lash_nb.errors import StoreError
from lash_nb.stores import SqliteLashlangArtifactStore

REF = "lashlang:v1:sha256:1"
DATA = b'{"module_ref":"lashlang:v1:sha256:1"}'
DIGEST = hashlib.sha256(DATA).hexdigest()


@contextmanager
def connection_to(path: Path) -> Iterator[sqlite3.Connection]:
    """Look into a database behind the store's back, and change it."""
    with closing(sqlite3.connect(path)) as connection, connection:
        yield connection


def bytes_of(path: Path) -> bytes:
    """What lies in a file."""
    return path.read_bytes()


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A database with one artifact."""
    path = tmp_path / "artifacts.db"
    store = SqliteLashlangArtifactStore(path)
    await store.put_artifact(REF, DATA)
    store.release()
    return path


async def test_an_artifact_lies_as_the_reference_has_it(path: Path) -> None:
    """User version 3; the reference points at a blob by its hash; the blob is an envelope around the bytes as numbers."""
    with connection_to(path) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()
        refs = connection.execute("SELECT * FROM artifact_refs").fetchall()
        ((digest, content),) = connection.execute("SELECT hash, content FROM blobs").fetchall()

    assert (version, refs, digest) == ((3,), [(REF, DIGEST)], DIGEST)
    assert msgspec.msgpack.decode(content) == {
        "descriptor": {"kind": "LashlangModule", "hints": ["Compressible", "LargePayload"]},
        "compression": "None",
        "content": list(DATA),
    }


async def test_large_artifacts_are_compressed(path: Path) -> None:
    """From four kilobytes on, and read like others."""
    store, large = SqliteLashlangArtifactStore(path), json.dumps(["word"] * 1_000).encode()
    await store.put_artifact("large", large)
    with connection_to(path) as connection:
        row = connection.execute("SELECT content FROM blobs WHERE hash <> ?", (DIGEST,)).fetchone()

    assert msgspec.msgpack.decode(row[0])["compression"] == "Zlib"
    assert len(row[0]) < len(large) // 10
    assert await store.get_artifact("large") == large


async def test_plain_bytes_and_binary_content_are_read(path: Path) -> None:
    """A blob in no envelope is content itself; an envelope may hold bytes in place of numbers."""
    envelope = {"descriptor": {"kind": "LashlangModule"}, "compression": "None", "content": DATA}
    for content in (DATA, msgspec.msgpack.encode(envelope)):
        with connection_to(path) as connection:
            connection.execute("UPDATE blobs SET content = ?", (content,))
        assert await SqliteLashlangArtifactStore(path).get_artifact(REF) == DATA


def enveloped(content: object, compression: str = "None") -> bytes:
    """An envelope around anything."""
    return msgspec.msgpack.encode(
        {"descriptor": {"kind": "LashlangModule"}, "compression": compression, "content": content}
    )


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"garbage",
        b"\xff" * 100,
        enveloped([300, -1, "x"]),
        enveloped(list(b"other bytes")),
        enveloped(list(b"no zlib"), "Zlib"),
        enveloped(list(DATA), "Brotli"),
        enveloped(list(DATA))[:-5],
        "text",
        7,
    ],
    ids=range(10),
)
async def test_a_damaged_blob_is_told_and_healed_by_the_next_put(path: Path, garbage: object) -> None:
    """Bytes that are not those of the hash are never handed out; the error names file and artifact and says what helps."""
    with connection_to(path) as connection:
        connection.execute("UPDATE blobs SET content = ?", (garbage,))
    store = SqliteLashlangArtifactStore(path)

    with pytest.raises(
        StoreError, match=f"artifact `{REF}` has a damaged blob: .*{DIGEST}; run the code that defines it"
    ) as error:
        await store.get_artifact(REF)
    assert (error.value.variant, error.value.fields) == ("Backend", {"path": str(path), "artifact_ref": REF})
    await store.put_artifact(REF, DATA)
    assert await store.get_artifact(REF) == DATA


async def test_a_missing_blob_is_told(path: Path) -> None:
    """That is damage; an unknown reference is none."""
    with connection_to(path) as connection:
        connection.execute("DELETE FROM blobs")
    store = SqliteLashlangArtifactStore(path)

    with pytest.raises(StoreError, match=f"points at the blob {DIGEST}, which is missing"):
        await store.get_artifact(REF)
    assert await store.get_artifact("unknown") is None


async def test_a_store_that_only_reads_changes_nothing(path: Path, tmp_path: Path) -> None:
    """It reads what is there, refuses to write, and makes no file."""
    before = bytes_of(path)
    store = SqliteLashlangArtifactStore(path, read_only=True)
    assert await store.get_artifact(REF) == DATA
    with pytest.raises(StoreError, match="is only read here, nothing was written"):
        await store.put_artifact("new", b"new")
    store.release()
    assert bytes_of(path) == before

    nowhere = tmp_path / "nowhere.db"
    with pytest.raises(StoreError, match=r"nowhere\.db (is not there|cannot be opened)"):
        await SqliteLashlangArtifactStore(nowhere, read_only=True).get_artifact(REF)
    assert not nowhere.exists()


@pytest.mark.parametrize("kind", ["no database", "another version"])
async def test_what_is_no_artifact_database_is_left_as_it_is(tmp_path: Path, kind: str) -> None:
    """The error names the file."""
    path = tmp_path / "artifacts.db"
    if kind == "no database":
        path.write_bytes(b"not a database, " * 100)
    else:
        with connection_to(path) as connection:
            connection.execute("PRAGMA user_version = 4")
    before = bytes_of(path)
    store = SqliteLashlangArtifactStore(path)

    for use in (store.get_artifact(REF), store.put_artifact(REF, DATA)):
        with pytest.raises(
            StoreError, match=r"is no SQLite database|is no artifact database of version 3: it says version 4"
        ) as error:
            await use
        assert error.value.fields["path"] == str(path)
    assert bytes_of(path) == before
