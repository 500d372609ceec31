"""The attachment manifest of a session database (lash 0.1.0-alpha.37, sessions §11.2 and §12.3)."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from lash_nb.clock import NS_PER_MS, Clock
from lash_nb.stores._attachment_manifest import AttachmentIntent, AttachmentManifestEntry
from lash_nb.stores._sqlite_file import SqliteFile
from lash_nb.stores._sqlite_schema import LARGEST, integers, select, texts
from lash_nb.wire import AttachmentId

__all__ = ["SqliteAttachmentManifest", "read_entries", "stamp_attachments"]

_ENTRIES: Final = select(
    texts("attachment_id", "session_id", "canonical_uri"),
    integers("intent_at_ms"),
    "CAST(committed_at_ms AS INTEGER)",
    source="attachment_manifest {which}",
)


class SqliteAttachmentManifest:
    """Keeps the intents in a database; what is noted here is on the disk before the bytes are."""

    def __init__(self, file: SqliteFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    def record_intent(self, intent: AttachmentIntent) -> None:
        """Note an intent; an entry that is there stays as it is."""
        entry = (intent.attachment_id, intent.session_id, intent.canonical_uri, intent.intent_at_epoch_ms)
        self._file.write_now(
            lambda connection: connection.execute(
                "INSERT INTO attachment_manifest (attachment_id, session_id, canonical_uri, intent_at_ms)"
                " VALUES (?, ?, ?, ?) ON CONFLICT (attachment_id) DO NOTHING",
                entry,
            )
        )

    def commit_refs(self, session_id: str, attachment_ids: Sequence[AttachmentId]) -> None:
        """Stamp the session's own entries as committed now."""
        now = self._now()
        if attachment_ids:
            self._file.write_now(lambda connection: stamp_attachments(connection, session_id, attachment_ids, now))

    def list_uncommitted(self, older_than_epoch_ms: int) -> tuple[AttachmentManifestEntry, ...]:
        """Return the uncommitted entries of that time or before, oldest first."""
        return self._entries(
            "WHERE committed_at_ms IS NULL AND intent_at_ms <= ? ORDER BY intent_at_ms, rowid",
            min(older_than_epoch_ms, LARGEST),
        )

    def list_attachments(self) -> tuple[AttachmentManifestEntry, ...]:
        """Return all entries in the order in which they were noted."""
        return self._entries("ORDER BY rowid")

    def forget(self, attachment_id: AttachmentId) -> None:
        """Delete an entry."""
        self._file.write_now(
            lambda connection: connection.execute(
                "DELETE FROM attachment_manifest WHERE attachment_id = ?", (attachment_id,)
            )
        )

    def _entries(self, which: str, *values: int) -> tuple[AttachmentManifestEntry, ...]:
        return self._file.read_now(lambda connection: read_entries(connection, which, *values))

    def _now(self) -> int:
        return self._clock.now_ns() // NS_PER_MS


def read_entries(
    connection: sqlite3.Connection, which: str = "ORDER BY rowid", *values: int
) -> tuple[AttachmentManifestEntry, ...]:
    """Return entries; all of them unless `which`, the end of the query, says otherwise."""
    return tuple(
        AttachmentManifestEntry(
            attachment_id=attachment_id,
            session_id=session_id,
            canonical_uri=uri,
            intent_at_epoch_ms=intent,
            committed_at_epoch_ms=committed,
        )
        for attachment_id, session_id, uri, intent, committed in connection.execute(
            _ENTRIES.format(which=which), values
        )
    )


def stamp_attachments(
    connection: sqlite3.Connection, session_id: str, attachment_ids: Sequence[AttachmentId], now: int
) -> None:
    """Stamp a session's entries as committed; stamped ones keep their time.

    Args:
        connection: In a transaction.
        session_id: Whose entries.
        attachment_ids: Which of them.
        now: The time, epoch milliseconds.
    """
    if not attachment_ids:
        return
    connection.executemany(
        "UPDATE attachment_manifest SET committed_at_ms = ?"
        " WHERE attachment_id = ? AND session_id = ? AND committed_at_ms IS NULL",
        [(now, attachment_id, session_id) for attachment_id in attachment_ids],
    )
