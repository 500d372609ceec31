"""The tables of session databases, as the reference makes them (lash 0.1.0-alpha.37, sessions §11.2).

There are no migrations: a database of another version is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["ANY_SCHEMA", "LARGEST", "SESSION_SCHEMA", "Schema", "blobs", "integers", "select", "texts"]

LARGEST: Final = 2**63 - 1
"""The largest integer that a column can hold."""


@dataclass(frozen=True)
class Schema:
    """What a database of one kind consists of."""

    kind: str
    """What the database holds, for messages."""
    user_version: int | None
    """The only version that is read and written; None reads every one, and writes none."""
    ddl: Mapping[str, str]
    """Statements that create what is missing, by the name of what they create; in order."""


def select(*columns: str, source: str) -> str:
    """Return a query for columns, each made by the functions below, of `source`: a table, and which of its rows."""
    return f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608 - made of constants


def texts(*columns: str) -> str:
    """Return columns as texts, whatever stands in them: in a damaged file that may be anything."""
    return _as("TEXT", "''", columns)


def blobs(*columns: str) -> str:
    """Return columns as bytes, as `texts`."""
    return _as("BLOB", "''", columns)


def integers(*columns: str) -> str:
    """Return columns as integers, as `texts`."""
    return _as("INTEGER", "0", columns)


def _as(kind: str, absent: str, columns: tuple[str, ...]) -> str:
    return ", ".join(f"CAST(coalesce({column}, {absent}) AS {kind})" for column in columns)


ANY_SCHEMA: Final = Schema(kind="SQLite", user_version=None, ddl={})
"""A database of whatever kind, to be read."""

SESSION_SCHEMA: Final = Schema(
    kind="session",
    user_version=3,
    ddl={
        "blobs": """
            CREATE TABLE IF NOT EXISTS blobs (
                hash TEXT PRIMARY KEY,
                content BLOB NOT NULL
            )""",
        "session_head": """
            CREATE TABLE IF NOT EXISTS session_head (
                singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
                session_id TEXT NOT NULL DEFAULT 'root',
                head_json TEXT NOT NULL DEFAULT '{}',
                head_revision INTEGER NOT NULL DEFAULT 0
            )""",
        "graph_nodes": """
            CREATE TABLE IF NOT EXISTS graph_nodes (
                seq INTEGER PRIMARY KEY,
                node_id TEXT NOT NULL UNIQUE,
                node_json TEXT NOT NULL,
                tombstoned INTEGER NOT NULL DEFAULT 0
            )""",
        "usage_deltas": """
            CREATE TABLE IF NOT EXISTS usage_deltas (
                seq INTEGER PRIMARY KEY,
                source TEXT NOT NULL,
                model TEXT NOT NULL,
                input_tokens INTEGER NOT NULL,
                output_tokens INTEGER NOT NULL,
                cached_input_tokens INTEGER NOT NULL,
                reasoning_tokens INTEGER NOT NULL
            )""",
        "session_meta": """
            CREATE TABLE IF NOT EXISTS session_meta (
                singleton INTEGER PRIMARY KEY CHECK (singleton = 1),
                session_id TEXT NOT NULL,
                session_name TEXT NOT NULL,
                created_at TEXT NOT NULL,
                model TEXT NOT NULL,
                cwd TEXT,
                relation_json TEXT
            )""",
        "runtime_turn_commits": """
            CREATE TABLE IF NOT EXISTS runtime_turn_commits (
                session_id TEXT NOT NULL,
                turn_id TEXT NOT NULL,
                turn_commit_hash TEXT NOT NULL,
                result_json TEXT NOT NULL,
                committed_at_ms INTEGER NOT NULL,
                PRIMARY KEY (session_id, turn_id)
            )""",
        "queued_work_batches": """
            CREATE TABLE IF NOT EXISTS queued_work_batches (
                enqueue_seq INTEGER PRIMARY KEY,
                batch_id TEXT NOT NULL UNIQUE,
                session_id TEXT NOT NULL,
                source_key TEXT,
                delivery_policy TEXT NOT NULL,
                slot_policy TEXT NOT NULL,
                merge_key_json TEXT NOT NULL,
                available_at_ms INTEGER NOT NULL,
                enqueued_at_ms INTEGER NOT NULL,
                claim_id TEXT,
                claim_owner_id TEXT,
                claim_token TEXT,
                claim_fencing_token INTEGER NOT NULL DEFAULT 0,
                claim_claimed_at_ms INTEGER NOT NULL DEFAULT 0,
                claim_expires_at_ms INTEGER NOT NULL DEFAULT 0,
                UNIQUE (session_id, source_key) ON CONFLICT IGNORE
            )""",
        "queued_work_items": """
            CREATE TABLE IF NOT EXISTS queued_work_items (
                batch_id TEXT NOT NULL,
                item_index INTEGER NOT NULL,
                item_id TEXT NOT NULL,
                payload_json TEXT NOT NULL,
                PRIMARY KEY (batch_id, item_index),
                FOREIGN KEY (batch_id) REFERENCES queued_work_batches(batch_id) ON DELETE CASCADE
            )""",
        "idx_queued_work_ready": """
            CREATE INDEX IF NOT EXISTS idx_queued_work_ready
            ON queued_work_batches(session_id, available_at_ms, enqueue_seq)""",
        "idx_queued_work_claim": """
            CREATE INDEX IF NOT EXISTS idx_queued_work_claim
            ON queued_work_batches(session_id, claim_id, claim_token)""",
        "attachment_manifest": """
            CREATE TABLE IF NOT EXISTS attachment_manifest (
                attachment_id TEXT PRIMARY KEY,
                session_id TEXT NOT NULL,
                canonical_uri TEXT NOT NULL,
                intent_at_ms INTEGER NOT NULL,
                committed_at_ms INTEGER
            )""",
        "artifact_refs": """
            CREATE TABLE IF NOT EXISTS artifact_refs (
                artifact_ref TEXT PRIMARY KEY,
                blob_ref TEXT NOT NULL
            )""",
        "idx_attachment_manifest_session": """
            CREATE INDEX IF NOT EXISTS idx_attachment_manifest_session
            ON attachment_manifest(session_id, committed_at_ms)""",
        "idx_attachment_manifest_uncommitted": """
            CREATE INDEX IF NOT EXISTS idx_attachment_manifest_uncommitted
            ON attachment_manifest(committed_at_ms) WHERE committed_at_ms IS NULL""",
    },
)
