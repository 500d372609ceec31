"""The databases of a store folder as users of attachments.

A database is searched as it lies: each cell of each table, whatever its version and whatever its nodes turn into. Hidden nodes, nodes that
cannot be decoded, queued work, checkpoints and processes keep their attachments too.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from lash_nb.errors import CallerError, WireError
from lash_nb.stores._attachment_listing import AttachmentReference, attachment_references
from lash_nb.stores._attachment_manifest import AttachmentManifestEntry
from lash_nb.stores._attachment_users import AttachmentUser, ids_in
from lash_nb.stores._sqlite_blobs import get_blob
from lash_nb.stores._sqlite_file import SqliteFile
from lash_nb.stores._sqlite_manifest import read_entries
from lash_nb.stores._sqlite_quiet import read_quietly
from lash_nb.stores._sqlite_schema import ANY_SCHEMA, SESSION_SCHEMA
from lash_nb.stores._store_folder import SESSIONS_FOLDER
from lash_nb.wire import AttachmentId, SessionNodeRecord, from_json

__all__ = ["attachment_users"]

T = TypeVar("T")

_MANIFEST: Final = "attachment_manifest"
_NODES: Final = "graph_nodes"
_ZLIB: Final = b"\xa4Zlib"
"""How the head of a blob says that its content is compressed; other content shows ids as they are."""
_HEAD: Final = 256


def attachment_users(folder: str | os.PathLike[str]) -> tuple[AttachmentUser, ...]:
    """Return every database below a store folder (`*.db`), each under its path in the folder.

    Raises:
        CallerError: there is none, and no folder of sessions; a wrong folder must not look like one where nobody needs anything.
    """
    root = Path(folder).expanduser()
    paths = sorted(path for path in root.rglob("*.db") if path.is_file())
    if not paths and not (root / SESSIONS_FOLDER).is_dir():
        raise CallerError(
            f"{folder} holds no database (*.db), so nobody would keep an attachment; give the folder of a session store",
            code="store_folder",
        )
    return tuple(_Database(path.relative_to(root).as_posix(), path) for path in paths)


class _Database:
    def __init__(self, name: str, path: Path) -> None:
        self.name: Final = name
        self._path = path

    async def mentioned(self, wanted: AbstractSet[AttachmentId]) -> AbstractSet[AttachmentId]:
        return await asyncio.to_thread(self._read, lambda connection: _mentioned(connection, wanted))

    async def references(self) -> tuple[AttachmentReference, ...]:
        return await asyncio.to_thread(self._read, lambda connection: tuple(attachment_references(_nodes(connection))))

    def list_attachments(self) -> tuple[AttachmentManifestEntry, ...]:
        return self._read(lambda connection: read_entries(connection) if _MANIFEST in _tables(connection) else ())

    def forget(self, attachment_id: AttachmentId) -> None:
        file = SqliteFile(self._path, SESSION_SCHEMA)
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
        """Read whatever kind of database it is, with what other processes have written up to now."""
        return read_quietly(self._path, ANY_SCHEMA, work)


def _mentioned(connection: sqlite3.Connection, wanted: AbstractSet[AttachmentId]) -> AbstractSet[AttachmentId]:
    found: set[AttachmentId] = set()
    for cell in _cells(connection):
        found.update(attachment_id for attachment_id in ids_in(cell) if attachment_id in wanted)
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
                yield get_blob(connection, cells[0].decode(errors="replace")) or b""


def _packed(document: bytes) -> bytes:
    """Return a document as MessagePack, in which bytes that JSON spells as numbers are bytes again; nothing for what is none."""
    try:
        return msgspec.msgpack.encode(msgspec.json.decode(document))
    except (msgspec.DecodeError, ValueError, RecursionError):
        return b""


def _nodes(connection: sqlite3.Connection) -> Iterator[SessionNodeRecord]:
    """Yield the nodes that may name an attachment, are not hidden and can be read."""
    if _NODES not in _tables(connection):
        return
    connection.text_factory = bytes
    for (row,) in connection.execute(
        "SELECT node_json FROM graph_nodes WHERE NOT tombstoned AND instr(node_json, '\"media_type\"') ORDER BY seq"
    ):
        try:
            yield from_json(row, SessionNodeRecord)
        except WireError:
            continue


def _tables(connection: sqlite3.Connection) -> tuple[str, ...]:
    connection.text_factory = str  # which a try before this one may have left otherwise
    return tuple(
        name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    )
