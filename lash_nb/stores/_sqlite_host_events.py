"""Trigger subscriptions and occurrences in a database, by convention `host_events.db` (lash 0.1.0-alpha.37, processes §5.3)."""

import os
from typing import Final

from lash_nb.stores._sqlite_database import SqliteDatabase
from lash_nb.stores._sqlite_schema import Schema

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
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path, HOST_EVENT_SCHEMA)
