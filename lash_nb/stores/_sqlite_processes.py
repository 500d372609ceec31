"""The registry of background processes in a database, by convention `processes.db` (lash 0.1.0-alpha.37, processes §5.3)."""

import os
import sqlite3
from typing import Final

from lash_nb.stores._sqlite_database import SqliteDatabase
from lash_nb.stores._sqlite_schema import Schema
from lash_nb.wire import ProcessSessionDeleteReport

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
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path, PROCESS_SCHEMA)

    async def delete_session_process_state(self, session_id: str) -> ProcessSessionDeleteReport:
        """Take all handles of a session away, and say which processes nobody sees any more.

        Raises:
            StoreError: `Backend`, the file cannot be read or written.
        """
        return await self._file.write(lambda connection: _revoke(connection, session_id))


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
