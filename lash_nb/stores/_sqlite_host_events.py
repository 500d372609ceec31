"""Trigger subscriptions and occurrences in a database, by convention `host_events.db` (lash 0.1.0-alpha.37, processes §5.3)."""

import os
import sqlite3
from typing import Final

from lash_nb.clock import NS_PER_MS, Clock, SystemClock
from lash_nb.stores._host_event_store import key_conflict
from lash_nb.stores._sqlite_database import SqliteDatabase
from lash_nb.stores._sqlite_schema import Schema
from lash_nb.wire import HostEventOccurrenceRecord, HostEventOccurrenceRequest, from_json, to_json

__all__ = ["HOST_EVENT_SCHEMA", "SqliteHostEventStore"]

HOST_EVENT_SCHEMA: Final = Schema(
    kind="host event",
    user_version=1,
    ddl={
        "host_event_subscription_seq": """
            CREATE TABLE IF NOT EXISTS host_event_subscription_seq (
                id INTEGER PRIMARY KEY AUTOINCREMENT
            )""",
        "host_event_trigger_subscriptions": """
            CREATE TABLE IF NOT EXISTS host_event_trigger_subscriptions (
                subscription_id TEXT PRIMARY KEY,
                session_id TEXT NOT NULL,
                handle TEXT NOT NULL,
                source_type TEXT NOT NULL,
                source_key TEXT NOT NULL,
                enabled INTEGER NOT NULL,
                created_at_ms INTEGER NOT NULL,
                updated_at_ms INTEGER NOT NULL,
                record_json TEXT NOT NULL,
                UNIQUE(session_id, handle)
            )""",
        "idx_host_event_trigger_subscriptions_session": """
            CREATE INDEX IF NOT EXISTS idx_host_event_trigger_subscriptions_session
            ON host_event_trigger_subscriptions(session_id, handle)""",
        "idx_host_event_trigger_subscriptions_source": """
            CREATE INDEX IF NOT EXISTS idx_host_event_trigger_subscriptions_source
            ON host_event_trigger_subscriptions(source_type, source_key, enabled)""",
        "host_event_occurrences": """
            CREATE TABLE IF NOT EXISTS host_event_occurrences (
                occurrence_id TEXT PRIMARY KEY,
                idempotency_key TEXT NOT NULL UNIQUE,
                request_hash TEXT NOT NULL,
                source_type TEXT NOT NULL,
                source_key TEXT NOT NULL,
                occurred_at_ms INTEGER NOT NULL,
                record_json TEXT NOT NULL
            )""",
        "idx_host_event_occurrences_source": """
            CREATE INDEX IF NOT EXISTS idx_host_event_occurrences_source
            ON host_event_occurrences(source_type, source_key, occurred_at_ms)""",
        "host_event_deliveries": """
            CREATE TABLE IF NOT EXISTS host_event_deliveries (
                occurrence_id TEXT NOT NULL,
                subscription_id TEXT NOT NULL,
                process_id TEXT NOT NULL,
                created_at_ms INTEGER NOT NULL,
                PRIMARY KEY (occurrence_id, subscription_id),
                FOREIGN KEY (occurrence_id) REFERENCES host_event_occurrences(occurrence_id) ON DELETE CASCADE,
                FOREIGN KEY (subscription_id)
                    REFERENCES host_event_trigger_subscriptions(subscription_id) ON DELETE CASCADE
            )""",
        "idx_host_event_deliveries_process": """
            CREATE INDEX IF NOT EXISTS idx_host_event_deliveries_process ON host_event_deliveries(process_id)""",
    },
)


class SqliteHostEventStore(SqliteDatabase):
    """A store in a database file, made by the first use.

    Args:
        path: The file.
        clock: Where times come from.
    """

    def __init__(self, path: str | os.PathLike[str], clock: Clock | None = None) -> None:
        super().__init__(path, HOST_EVENT_SCHEMA)
        self._clock: Final = clock or SystemClock()

    async def record_occurrence(self, request: HostEventOccurrenceRequest) -> HostEventOccurrenceRecord:
        """Keep an occurrence; one that was told before is the one that was kept then.

        Raises:
            PluginError: the request is not valid, or its idempotency key belongs to something else that happened.
            StoreError: `Backend`, the file cannot be read or written.
        """
        made = request.validate().recorded(self._clock.now_ns() // NS_PER_MS)
        return await self._file.write(lambda connection: _record(connection, request, made))

    async def count_subscribers(self, occurrence: HostEventOccurrenceRecord) -> int:
        """Return how many triggers wait for it and were not told of it yet. Errors as above."""
        return await self._file.read(lambda connection: _count(connection, occurrence))


def _record(
    connection: sqlite3.Connection, request: HostEventOccurrenceRequest, made: HostEventOccurrenceRecord
) -> HostEventOccurrenceRecord:
    row = connection.execute(
        "SELECT request_hash, record_json FROM host_event_occurrences WHERE idempotency_key = ?",
        (request.idempotency_key,),
    ).fetchone()
    if row is None:
        values = (made.occurrence_id, made.idempotency_key, request.hash(), made.source_type, made.source_key)
        connection.execute(
            "INSERT INTO host_event_occurrences VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*values, made.occurred_at_ms, to_json(made).decode()),
        )
        return made
    if row[0] != request.hash():
        raise key_conflict(request)
    return from_json(row[1], HostEventOccurrenceRecord)


def _count(connection: sqlite3.Connection, occurrence: HostEventOccurrenceRecord) -> int:
    (count,) = connection.execute(
        "SELECT count(*) FROM host_event_trigger_subscriptions s WHERE enabled AND source_type = ? AND source_key = ? AND NOT EXISTS"
        " (SELECT 1 FROM host_event_deliveries d WHERE d.occurrence_id = ? AND d.subscription_id = s.subscription_id)",
        (occurrence.source_type, occurrence.source_key, occurrence.occurrence_id),
    ).fetchone()
    return int(count)
