"""Who names attachments: sessions in memory, and every database of a store folder.

A database is searched as it lies: each cell of each table, whatever its version and whatever its nodes turn into. Hidden nodes, nodes that
cannot be decoded, queued work, checkpoints and processes keep their attachments too.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import closing
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from lash_nb.errors import CallerError
from lash_nb.stores._attachment_gc import AttachmentUser
from lash_nb.stores._attachment_manifest import AttachmentManifestEntry
from lash_nb.stores._session_store import FullGraph, SessionStore
from lash_nb.stores._sqlite_blobs import get_blob, pack
from lash_nb.stores._sqlite_errors import store_error
from lash_nb.stores._sqlite_file import BUSY_TIMEOUT_S, SqliteFile
from lash_nb.stores._sqlite_schema import SESSION_SCHEMA
from lash_nb.wire import AttachmentId

__all__ = ["attachment_users", "session_attachment_user"]

T = TypeVar("T")

_DIGIT: Final = b"x"
_OTHER: Final = b" "
_MARKS: Final = b"".join(_DIGIT if char in b"0123456789abcdef" else _OTHER for char in range(256))
"""What stands for a byte in the search for ids; seven times as fast as a pattern."""
_ID_LEN: Final = 64
_MANIFEST: Final = "attachment_manifest"
_ZLIB: Final = b"\xa4Zlib"
"""How the head of a blob says that its content is compressed; other content shows ids as they are."""
_HEAD: Final = 256


def session_attachment_user(name: str, store: SessionStore) -> AttachmentUser:
    """Let the session of a store keep its attachments; for databases, `attachment_users` sees more."""
    return _Session(name, store)


def attachment_users(folder: str | os.PathLike[str]) -> tuple[AttachmentUser, ...]:
    """Let every database below a store folder (`*.db`) keep its attachments.

    Raises:
        CallerError: there is none; a wrong folder must not look like one where nobody needs anything.
    """
    paths = sorted(path for path in Path(folder).rglob("*.db") if path.is_file())
    if not paths:
        raise CallerError(
            f"{folder} holds no database (*.db), so nobody would keep an attachment; give the folder of a session store",
            code="store_folder",
        )
    return tuple(_Database(path) for path in paths)


class _Session:
    def __init__(self, name: str, store: SessionStore) -> None:
        self.name: Final = name
        self._store = store
        self.list_attachments: Final = store.list_attachments
        self.forget: Final = store.forget

    async def mentioned(self, wanted: AbstractSet[AttachmentId]) -> AbstractSet[AttachmentId]:
        read = await self._store.load_session(FullGraph())
        if read is None:
            return set()
        queue = await self._store.list_queued_work(read.session_id)
        parts = (*read.graph.nodes, *read.agent_frames, *queue, *((read.checkpoint,) if read.checkpoint else ()))
        return {found for part in parts for found in _ids(pack(part)) if found in wanted}


class _Database:
    def __init__(self, path: Path) -> None:
        self.name: Final = str(path)

    async def mentioned(self, wanted: AbstractSet[AttachmentId]) -> AbstractSet[AttachmentId]:
        return await asyncio.to_thread(self._read, lambda connection: _mentioned(connection, wanted))

    def list_attachments(self) -> tuple[AttachmentManifestEntry, ...]:
        return self._read(_manifest)

    def forget(self, attachment_id: AttachmentId) -> None:
        file = SqliteFile(self.name, SESSION_SCHEMA)
        try:
            file.write_now(
                lambda connection: connection.execute(
                    "DELETE FROM attachment_manifest WHERE attachment_id = ? AND committed_at_ms IS NULL",
                    (attachment_id,),
                )
            )
        finally:
            file.release()

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        address = f"{Path(self.name).absolute().as_uri()}?mode=ro"
        try:
            with closing(
                sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            ) as connection:
                connection.execute("PRAGMA trusted_schema = OFF")
                connection.execute("BEGIN")
                return work(connection)
        except sqlite3.Error as error:
            raise store_error(self.name, error) from error


def _mentioned(connection: sqlite3.Connection, wanted: AbstractSet[AttachmentId]) -> AbstractSet[AttachmentId]:
    found: set[AttachmentId] = set()
    for cell in _cells(connection):
        found.update(attachment_id for attachment_id in _ids(cell) if attachment_id in wanted)
    return found


def _cells(connection: sqlite3.Connection) -> Iterator[bytes]:
    """Yield all texts and bytes of a database but the manifest, as bytes: a text need not be one."""
    tables = _tables(connection)
    connection.text_factory = bytes
    for table in tables:
        if table == _MANIFEST:
            continue
        quoted = table.replace('"', '""')
        for row in connection.execute(f'SELECT * FROM "{quoted}"'):  # noqa: S608 - a name of the database's own, quoted
            cells = [cell for cell in row if isinstance(cell, bytes)]
            yield from cells
            if table == "session_head":
                yield from map(_packed, cells)
            if table == "blobs" and any(_ZLIB in cell[:_HEAD] for cell in cells):
                yield get_blob(connection, cells[0].decode()) or b""


def _packed(document: bytes) -> bytes:
    """Return a document as MessagePack, in which bytes that JSON spells as numbers are bytes again; nothing for what is none."""
    try:
        return msgspec.msgpack.encode(msgspec.json.decode(document))
    except (msgspec.DecodeError, ValueError, RecursionError):
        return b""


def _manifest(connection: sqlite3.Connection) -> tuple[AttachmentManifestEntry, ...]:
    if _MANIFEST not in _tables(connection):
        return ()
    rows = connection.execute(
        "SELECT attachment_id, session_id, canonical_uri, intent_at_ms, committed_at_ms FROM attachment_manifest"
        " ORDER BY intent_at_ms"
    )
    return tuple(
        AttachmentManifestEntry(
            attachment_id=attachment_id,
            session_id=session_id,
            canonical_uri=uri,
            intent_at_epoch_ms=intent_at,
            committed_at_epoch_ms=committed_at,
        )
        for attachment_id, session_id, uri, intent_at, committed_at in rows
    )


def _tables(connection: sqlite3.Connection) -> tuple[str, ...]:
    return tuple(
        name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    )


def _ids(data: bytes | str) -> Iterator[AttachmentId]:
    """Yield all that may be an id; one may follow another digit, as that of an escaped form feed."""
    text = data.encode() if isinstance(data, str) else data
    marks = text.translate(_MARKS)
    begin = marks.find(_DIGIT * _ID_LEN)
    while begin >= 0:
        end = marks.find(_OTHER, begin)
        end = len(marks) if end < 0 else end
        yield from (text[at : at + _ID_LEN].decode() for at in range(begin, end - _ID_LEN + 1))
        begin = marks.find(_DIGIT * _ID_LEN, end)
