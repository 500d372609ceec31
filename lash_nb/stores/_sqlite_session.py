"""Sessions in database files that lash reads and writes, too (lash 0.1.0-alpha.37, sessions §11).

A commit costs what it brings: it appends rows, moves the head, and counts nothing that was counted before.
"""

import logging
import os
import sqlite3
from collections.abc import Sequence

from lash_nb.clock import Clock, SystemClock
from lash_nb.errors import StoreError
from lash_nb.stores._commit_rules import check_stands_at
from lash_nb.stores._session_store import GcReport, SessionReadScope, VacuumReport
from lash_nb.stores._sqlite_blobs import BlobProfile
from lash_nb.stores._sqlite_commit import CommitWriter
from lash_nb.stores._sqlite_file import BUSY_TIMEOUT_S, SqliteFile
from lash_nb.stores._sqlite_gc import sweep_blobs
from lash_nb.stores._sqlite_head import HeadRow
from lash_nb.stores._sqlite_manifest import SqliteAttachmentManifest
from lash_nb.stores._sqlite_queue import SqliteQueue
from lash_nb.stores._sqlite_read import SessionRead, read_meta, read_node, read_session
from lash_nb.stores._sqlite_schema import SESSION_SCHEMA
from lash_nb.wire import (
    DurabilityTier,
    PersistedSessionRead,
    RuntimeCommit,
    RuntimeCommitResult,
    SessionHeadMeta,
    SessionMeta,
    SessionNodeRecord,
    to_json,
)

__all__ = ["SqliteSessionStore"]

_LOGGER = logging.getLogger(__name__)


class SqliteSessionStore(SqliteQueue, SqliteAttachmentManifest):
    """Keeps one session in one database file, opened by its first use; several processes may share the file.

    Args:
        path: The file; made when it is first written or read, in a folder that is there.
        clock: Where times come from.
        read_only: Never write, nor make the file; every change is refused.
        blob_profile: Which blobs are compressed.
        gc_every: Delete unneeded blobs after each so many commits; never by itself when None.
        busy_timeout_s: How long to try while another process holds the file, in seconds.
        max_bytes: How large the file may become.
    """

    durability_tier: DurabilityTier = "durable"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Clock | None = None,
        read_only: bool = False,
        blob_profile: BlobProfile = "balanced",
        gc_every: int | None = None,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        max_bytes: int | None = None,
    ) -> None:
        file = SqliteFile(path, SESSION_SCHEMA, read_only=read_only, busy_timeout_s=busy_timeout_s, max_bytes=max_bytes)
        super().__init__(file, clock or SystemClock())
        self._blob_profile = blob_profile
        self._gc_every = gc_every
        self._commits = 0
        self._head_row = HeadRow(self.path)
        self._live: tuple[object, int] | None = None
        self.unread = 0
        """How many nodes the last `load_session` had to leave out because they could not be decoded."""

    @property
    def path(self) -> str:
        """The file."""
        return self._file.path

    def rest(self) -> None:
        """Keep the file open for whoever comes back soon."""
        self._file.rest()

    def release(self) -> None:
        """Close the file; the next use opens it again."""
        self._file.release()

    async def load_head(self) -> SessionHeadMeta | None:
        """Return where the session stands."""
        return await self._file.read_one(self._head_row.read)

    async def load_session(self, scope: SessionReadScope) -> PersistedSessionRead | None:
        """Read the session; nodes that cannot be decoded are left out, counted in `unread` and told of in the log."""
        read: SessionRead = await self._file.read(lambda connection: read_session(connection, self.path, scope))
        self.unread = read.unread
        if read.unread:
            _LOGGER.warning("%s: %d nodes cannot be decoded and are left out", self.path, read.unread)
        return read.session

    async def load_node(self, node_id: str) -> SessionNodeRecord | None:
        """Return a node that is not hidden."""
        return await self._file.read_one(lambda connection: read_node(connection, node_id))

    async def commit_runtime_state(self, commit: RuntimeCommit, *, begins: bool = False) -> RuntimeCommitResult:
        """Check everything and change everything in one transaction."""
        now = self._now()

        def committed(connection: sqlite3.Connection) -> tuple[RuntimeCommitResult, tuple[object, int] | None]:
            state = self._state(connection)
            is_ours = self._live is not None and self._live[0] == state
            head = self._head_row.known if is_ours else self._head_row.read(connection)
            writer = CommitWriter(connection, self.path, self._head_row, now, self._blob_profile)
            repeated = writer.repeated(commit, head)
            if repeated is not None:
                return repeated, self._live
            stored = 0 if commit.graph.ReplaceFull else self._live_nodes(connection, state)
            self._live = None  # so that an interrupt leaves no count that is no longer right
            result, live = writer.write(commit, head, stored, begins=begins)
            return result, (state, live)

        result, self._live = await self._file.write(committed)
        await self._collect_now_and_then()
        return result

    async def save_session_meta(self, meta: SessionMeta) -> None:
        """Write the meta record."""
        row = (meta.session_id, meta.session_name, meta.created_at, meta.model, meta.cwd)
        await self._file.write(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO session_meta"
                " (singleton, session_id, session_name, created_at, model, cwd, relation_json) VALUES (1, ?, ?, ?, ?, ?, ?)",
                (*row, to_json(meta.relation).decode()),
            )
        )

    async def load_session_meta(self) -> SessionMeta | None:
        """Read the meta record."""
        return await self._file.read_one(read_meta)

    async def tombstone_nodes(self, node_ids: Sequence[str], *, expected_head_revision: int | None = None) -> None:
        """Hide nodes."""
        ids = [(node_id,) for node_id in node_ids]

        def hidden(connection: sqlite3.Connection) -> None:
            head = self._head_row.read(connection)
            check_stands_at(expected_head_revision, head, "hiding nodes", "choose them again")
            self._live = None
            connection.executemany("UPDATE graph_nodes SET tombstoned = 1 WHERE node_id = ?", ids)

        if ids:
            await self._file.write(hidden)

    async def vacuum(self) -> VacuumReport:
        """Delete hidden nodes; the file keeps its size and uses the room again."""
        removed = await self._file.write(
            lambda connection: connection.execute("DELETE FROM graph_nodes WHERE tombstoned = 1").rowcount
        )
        return VacuumReport(removed_node_count=removed)

    async def gc_unreachable(self) -> GcReport:
        """Delete blobs that nothing needs; when that is not certain or not possible, delete nothing and say so in the log."""
        try:
            return await self._file.write(lambda connection: sweep_blobs(connection, self.path))
        except StoreError as error:
            _LOGGER.warning("no blob was deleted: %s", error)
            return GcReport()

    async def _collect_now_and_then(self) -> None:
        self._commits += 1
        if self._gc_every and self._commits % self._gc_every == 0:
            await self.gc_unreachable()

    def _state(self, connection: sqlite3.Connection) -> object:
        """Return what is equal as long as nobody else has written."""
        return self._file.openings, connection.execute("PRAGMA data_version").fetchone()[0]

    def _live_nodes(self, connection: sqlite3.Connection, state: object) -> int:
        """Return how many nodes are not hidden; they are counted only when somebody else may have changed them."""
        if self._live is not None and self._live[0] == state:
            return self._live[1]
        count: int = connection.execute("SELECT count(*) FROM graph_nodes WHERE tombstoned = 0").fetchone()[0]
        return count
