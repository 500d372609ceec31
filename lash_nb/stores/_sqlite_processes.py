"""The registry of background processes in a database, by convention `processes.db` (lash 0.1.0-alpha.37, processes §5.3)."""

import os
import sqlite3
from typing import Final

from msgspec.structs import replace

from lash_nb.clock import NS_PER_MS, Clock, SystemClock
from lash_nb.errors import StoreError, WireError
from lash_nb.stores._process_registry import unknown_process
from lash_nb.stores._sqlite_database import SqliteDatabase
from lash_nb.stores._sqlite_schema import Schema
from lash_nb.wire import (
    PreparedProcessEventAppend,
    ProcessEvent,
    ProcessEventAppendRequest,
    ProcessRecord,
    ProcessSessionDeleteReport,
    from_json,
    prepare_process_event_append,
    to_json,
)

__all__ = ["PROCESS_SCHEMA", "SqliteProcessRegistry"]

PROCESS_SCHEMA: Final = Schema(
    kind="process registry",
    user_version=6,
    ddl={
        "processes": """
            CREATE TABLE IF NOT EXISTS processes (
                process_id TEXT PRIMARY KEY,
                registration_hash TEXT NOT NULL,
                owner_scope_id TEXT NOT NULL,
                host_profile_id TEXT NOT NULL,
                created_at_ms INTEGER NOT NULL,
                updated_at_ms INTEGER NOT NULL,
                status TEXT NOT NULL,
                record_json TEXT NOT NULL
            )""",
        "idx_processes_status": "CREATE INDEX IF NOT EXISTS idx_processes_status ON processes(status)",
        "process_events": """
            CREATE TABLE IF NOT EXISTS process_events (
                process_id TEXT NOT NULL,
                sequence INTEGER NOT NULL,
                event_type TEXT NOT NULL,
                payload_hash TEXT NOT NULL,
                idempotency_key TEXT,
                occurred_at_ms INTEGER NOT NULL,
                event_json TEXT NOT NULL,
                PRIMARY KEY (process_id, sequence),
                FOREIGN KEY (process_id) REFERENCES processes(process_id) ON DELETE CASCADE
            )""",
        "idx_process_events_key": """
            CREATE UNIQUE INDEX IF NOT EXISTS idx_process_events_key
            ON process_events(process_id, idempotency_key) WHERE idempotency_key IS NOT NULL""",
        "process_wake_acks": """
            CREATE TABLE IF NOT EXISTS process_wake_acks (
                process_id TEXT NOT NULL,
                sequence INTEGER NOT NULL,
                PRIMARY KEY (process_id, sequence),
                FOREIGN KEY (process_id) REFERENCES processes(process_id) ON DELETE CASCADE
            )""",
        "process_handle_grants": """
            CREATE TABLE IF NOT EXISTS process_handle_grants (
                session_id TEXT NOT NULL,
                scope_id TEXT NOT NULL,
                process_id TEXT NOT NULL,
                descriptor_json TEXT NOT NULL,
                PRIMARY KEY (scope_id, process_id),
                FOREIGN KEY (process_id) REFERENCES processes(process_id) ON DELETE CASCADE
            )""",
        "idx_process_handle_grants_session": """
            CREATE INDEX IF NOT EXISTS idx_process_handle_grants_session ON process_handle_grants(session_id)""",
        "idx_process_handle_grants_process": """
            CREATE INDEX IF NOT EXISTS idx_process_handle_grants_process ON process_handle_grants(process_id)""",
        "process_leases": """
            CREATE TABLE IF NOT EXISTS process_leases (
                process_id TEXT PRIMARY KEY,
                lease_owner_id TEXT,
                lease_token TEXT,
                lease_fencing_token INTEGER NOT NULL DEFAULT 0,
                lease_claimed_at_ms INTEGER NOT NULL DEFAULT 0,
                lease_expires_at_ms INTEGER NOT NULL DEFAULT 0,
                FOREIGN KEY (process_id) REFERENCES processes(process_id) ON DELETE CASCADE
            )""",
    },
)


class SqliteProcessRegistry(SqliteDatabase):
    """A registry in a database file, made by the first use.

    Args:
        path: The file.
        clock: Where times come from.
    """

    def __init__(self, path: str | os.PathLike[str], clock: Clock | None = None) -> None:
        super().__init__(path, PROCESS_SCHEMA)
        self._clock: Final = clock or SystemClock()

    async def delete_session_process_state(self, session_id: str) -> ProcessSessionDeleteReport:
        """Take all handles of a session away, and say which processes nobody sees any more.

        Raises:
            StoreError: `Backend`, the file cannot be read or written.
        """
        return await self._file.write(lambda connection: _revoke(connection, session_id))

    async def append_event(self, process_id: str, request: ProcessEventAppendRequest) -> ProcessEvent:
        """Let a process say something, or be told; event and status in one transaction.

        Raises:
            PluginError: there is no such process, or the event does not fit it.
            StoreError: `Backend`, the file cannot be read or written, or holds a process that cannot be read.
        """
        now_ms = self._clock.now_ns() // NS_PER_MS
        try:
            return await self._file.write(lambda connection: _append(connection, process_id, request, now_ms))
        except WireError as error:
            told = f"{self.path} holds a process `{process_id}` that cannot be read: {error.message}"
            raise StoreError("Backend", f"{told}; open it with the release that wrote it", path=self.path) from error


def _append(
    connection: sqlite3.Connection, process_id: str, request: ProcessEventAppendRequest, now_ms: int
) -> ProcessEvent:
    row = connection.execute("SELECT record_json FROM processes WHERE process_id = ?", (process_id,)).fetchone()
    if row is None:
        raise unknown_process(process_id)
    record = from_json(row[0], ProcessRecord)
    (last,) = connection.execute(
        "SELECT coalesce(max(sequence), 0) FROM process_events WHERE process_id = ?", (process_id,)
    ).fetchone()
    prepared = prepare_process_event_append(
        record, request, sequence=last + 1, stored=_stored(connection, process_id, request), occurred_at_ms=now_ms
    )
    if not prepared.replayed:
        _write(connection, record, request, prepared)
    return prepared.event


def _stored(
    connection: sqlite3.Connection, process_id: str, request: ProcessEventAppendRequest
) -> tuple[str, ProcessEvent] | None:
    """Return the event that was made under the request's replay key, with the hash of its payload."""
    row = connection.execute(
        "SELECT payload_hash, event_json FROM process_events WHERE process_id = ? AND idempotency_key = ?",
        (process_id, request.replay.key if request.replay else None),
    ).fetchone()
    return None if row is None else (row[0], from_json(row[1], ProcessEvent))


def _write(
    connection: sqlite3.Connection,
    record: ProcessRecord,
    request: ProcessEventAppendRequest,
    prepared: PreparedProcessEventAppend,
) -> None:
    event, key = prepared.event, request.replay.key if request.replay else None
    connection.execute(
        "INSERT INTO process_events VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            record.id,
            event.sequence,
            event.event_type,
            prepared.payload_hash,
            key,
            prepared.occurred_at_ms,
            to_json(event).decode(),
        ),
    )
    after = replace(record, updated_at_ms=prepared.occurred_at_ms, status=prepared.status_update or record.status)
    connection.execute(
        "UPDATE processes SET updated_at_ms = ?, status = ?, record_json = ? WHERE process_id = ?",
        (after.updated_at_ms, type(after.status).__struct_config__.tag, to_json(after).decode(), record.id),
    )


def _revoke(connection: sqlite3.Connection, session_id: str) -> ProcessSessionDeleteReport:
    had = connection.execute(
        "SELECT g.process_id, p.status FROM process_handle_grants g JOIN processes p USING (process_id) WHERE g.session_id = ?",
        (session_id,),
    ).fetchall()
    connection.execute("DELETE FROM process_handle_grants WHERE session_id = ?", (session_id,))
    live = sorted({process_id for process_id, status in had if status == "running"})
    seen = {process_id for process_id in live if _is_granted(connection, process_id)}
    return ProcessSessionDeleteReport(
        session_id=session_id,
        revoked_handle_count=len(had),
        deleted_wake_count=0,
        cancel_process_ids=tuple(one for one in live if one not in seen),
        preserved_process_ids=tuple(one for one in live if one in seen),
    )


def _is_granted(connection: sqlite3.Connection, process_id: str) -> bool:
    query = "SELECT 1 FROM process_handle_grants WHERE process_id = ? LIMIT 1"
    return connection.execute(query, (process_id,)).fetchone() is not None
