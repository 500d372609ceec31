"""What became of effects, in a database that several processes may share (lash 0.1.0-alpha.37, effect wire format §17).

Rules that this file keeps:

1. A row belongs to one scope and replay key for ever. Who may work on it holds its lease, under a token that nobody had before.
2. Only the holder of the token writes a row, and only while it is `in_progress`; a lease that ran out, or was given back, may be taken over.
3. What is `completed` or `failed` never changes.
"""

import os
import sqlite3
from collections.abc import Callable
from itertools import count
from typing import Final, Literal, NamedTuple, TypeVar

from lash_nb.clock import NS_PER_MS, Clock, SystemClock
from lash_nb.stores._sqlite_file import BUSY_TIMEOUT_S, SqliteFile
from lash_nb.stores._sqlite_schema import LARGEST, Schema, blobs, integers, select, texts

__all__ = ["EFFECT_LEASE_TTL_MS", "EffectReplayKey", "EffectReplayRow", "SqliteEffectReplay"]

T = TypeVar("T")

EFFECT_LEASE_TTL_MS: Final = 30_000
"""How long an effect stays with a process that no longer renews its lease, in milliseconds."""

EFFECT_SCHEMA: Final = Schema(
    kind="effect replay",
    user_version=1,
    ddl={
        "runtime_effect_replay": """
            CREATE TABLE IF NOT EXISTS runtime_effect_replay (
                scope_id TEXT NOT NULL,
                replay_key TEXT NOT NULL,
                envelope_hash TEXT NOT NULL,
                status TEXT NOT NULL,
                outcome_json TEXT,
                error_json TEXT,
                lease_owner_id TEXT,
                lease_token TEXT,
                lease_expires_at_ms INTEGER NOT NULL DEFAULT 0,
                due_at_ms INTEGER,
                created_at_ms INTEGER NOT NULL,
                updated_at_ms INTEGER NOT NULL,
                PRIMARY KEY (scope_id, replay_key)
            )""",
        "idx_runtime_effect_replay_lease": """
            CREATE INDEX IF NOT EXISTS idx_runtime_effect_replay_lease
            ON runtime_effect_replay(status, lease_expires_at_ms)""",
    },
)

_ROW: Final = select(
    texts("envelope_hash", "status"),
    blobs("outcome_json", "error_json"),
    texts("lease_owner_id"),
    integers("lease_expires_at_ms"),
    "CAST(due_at_ms AS INTEGER)",
    source="runtime_effect_replay WHERE scope_id = ? AND replay_key = ?",
)
_HELD: Final = "WHERE scope_id = ? AND replay_key = ? AND lease_token = ? AND status = 'in_progress'"
"""The row of a key while its lease is held under a token."""
_RENEW: Final = f"UPDATE runtime_effect_replay SET lease_expires_at_ms = ?, updated_at_ms = ? {_HELD}"  # noqa: S608 - constants
_FINISH: Final = (
    "UPDATE runtime_effect_replay SET status = ?, outcome_json = ?, error_json = ?, lease_owner_id = NULL, lease_token = NULL,"  # noqa: S608 - as above
    f" lease_expires_at_ms = 0, updated_at_ms = ? {_HELD}"
)
_NOTE: Final = (
    "INSERT INTO runtime_effect_replay (scope_id, replay_key, envelope_hash, status, outcome_json, created_at_ms, updated_at_ms)"
    " VALUES (?, ?, '', 'completed', ?, ?, ?)"
)
_OWNERS: Final = count(1)


class EffectReplayKey(NamedTuple):
    """What a row belongs to."""

    scope_id: str
    """The scope of the effect."""
    replay_key: str
    """The effect in it."""


class EffectReplayRow(NamedTuple):
    """What is known of an effect."""

    envelope_hash: str
    """Hash of the envelope that was performed under this key."""
    status: str
    """`in_progress`, `completed` or `failed`; in a damaged file anything."""
    outcome_json: bytes = b""
    """The outcome of a completed effect."""
    error_json: bytes = b""
    """The error of a failed one."""
    owner: str = ""
    """Who holds the lease."""
    lease_expires_at_ms: int = 0
    """Until when, epoch milliseconds."""
    due_at_ms: int | None = None
    """When a sleep is over, epoch milliseconds."""
    token: str | None = None
    """What the caller holds the lease under, when it was given to him; None when he has to wait, or there is nothing to do."""


class SqliteEffectReplay:
    """Keeps what became of effects in a database file, made by the first use.

    Args:
        path: The file.
        clock: Tells when leases end.
        lease_ttl_ms: How long a lease holds unless it is renewed, in milliseconds; at least 1.
        busy_timeout_s: How long to try while another process holds the file, in seconds.
        max_bytes: How large the file may become.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Clock | None = None,
        lease_ttl_ms: int = EFFECT_LEASE_TTL_MS,
        busy_timeout_s: float | None = None,
        max_bytes: int | None = None,
    ) -> None:
        self._file: Final = SqliteFile(
            path,
            EFFECT_SCHEMA,
            busy_timeout_s=BUSY_TIMEOUT_S if busy_timeout_s is None else busy_timeout_s,
            max_bytes=max_bytes,
        )
        self._clock = clock or SystemClock()
        self.lease_ttl_ms: Final = max(lease_ttl_ms, 1)
        self.owner: Final = f"pid{os.getpid()}-{next(_OWNERS)}-{self.now_ms()}"
        self._tokens = count(1)

    @property
    def path(self) -> str:
        """The file."""
        return self._file.path

    def now_ms(self) -> int:
        """Return the time, epoch milliseconds."""
        return self._clock.now_ns() // NS_PER_MS

    def open(self) -> None:
        """Open the file now.

        Raises:
            StoreError: `Backend`, it holds something else or cannot be opened.
        """
        self._file.read_now(lambda _: None)

    def release(self) -> None:
        """Close the file; the next use opens it again."""
        self._file.release()

    async def prepare(
        self, key: EffectReplayKey, envelope_hash: str, *, duration_ms: int | None = None, only_recorded: bool = False
    ) -> EffectReplayRow | None:
        """Return what is known of an effect, and the lease to perform it when nobody else has that.

        Args:
            key: The effect.
            envelope_hash: Hash of its envelope; under another hash no lease is given.
            duration_ms: How long a sleep takes; its end is noted by who begins it, and kept by who takes it over.
            only_recorded: Begin nothing: an effect that nobody began is None.

        Raises:
            StoreError: `Backend`.
        """
        token = f"{self.owner}:{next(self._tokens)}"

        def work(connection: sqlite3.Connection) -> EffectReplayRow | None:
            now = self.now_ms()
            due = None if duration_ms is None else min(now + duration_ms, LARGEST)
            lease = _Lease(connection, key, self.owner, token, now, now + self.lease_ttl_ms)
            found = _found(connection, key)
            if found is None:
                return None if only_recorded else lease.begin(envelope_hash, due)
            return lease.take_over(found, due) if _is_free(found, envelope_hash, now) else found

        return await self._file.write(work)

    async def recall(self, key: EffectReplayKey, document: bytes, *, only_recorded: bool = False) -> bytes:
        """Return the document that stands under a key that is no effect's, or put this one there.

        Args:
            key: Where it stands; the reference passes over keys that it does not ask for.
            document: JSON.
            only_recorded: Put nothing there.

        Raises:
            StoreError: `Backend`.
        """

        def work(connection: sqlite3.Connection) -> bytes:
            found = _found(connection, key)
            if found is None and not only_recorded:
                now = self.now_ms()
                connection.execute(_NOTE, (*key, document.decode(), now, now))
            return document if found is None else found.outcome_json

        return await self._file.write(work)

    async def renew(self, key: EffectReplayKey, token: str) -> bool:
        """Hold a lease for longer; tell whether it is still held.

        Raises:
            StoreError: `Backend`.
        """
        now = self.now_ms()
        return await self._file.write(_change(_RENEW, now + self.lease_ttl_ms, now, *key, token))

    async def finish(
        self, key: EffectReplayKey, token: str, status: Literal["completed", "failed"], document: bytes
    ) -> bool:
        """Write down what became of an effect and let go of its lease; tell whether that was still held.

        Args:
            key: The effect.
            token: What its lease is held under.
            status: How it ended.
            document: Its outcome, or its error, as JSON.

        Raises:
            StoreError: `Backend`, and nothing is written.
        """
        outcome, error = (document.decode(), None) if status == "completed" else (None, document.decode())
        return await self._file.write(_change(_FINISH, status, outcome, error, self.now_ms(), *key, token))

    def give_back(self, key: EffectReplayKey, token: str) -> None:
        """Let the next one take an effect over at once; nothing happens when the lease is no longer held.

        Raises:
            StoreError: `Backend`.
        """
        self._file.write_now(_change(_RENEW, 0, self.now_ms(), *key, token))


class _Lease(NamedTuple):
    """A lease that is about to be given."""

    connection: sqlite3.Connection
    key: EffectReplayKey
    owner: str
    token: str
    now: int
    expires: int

    def begin(self, envelope_hash: str, due: int | None) -> EffectReplayRow:
        self.connection.execute(
            "INSERT INTO runtime_effect_replay (scope_id, replay_key, envelope_hash, status, lease_owner_id, lease_token,"
            " lease_expires_at_ms, due_at_ms, created_at_ms, updated_at_ms) VALUES (?, ?, ?, 'in_progress', ?, ?, ?, ?, ?, ?)",
            (*self.key, envelope_hash, self.owner, self.token, self.expires, due, self.now, self.now),
        )
        return self._given(EffectReplayRow(envelope_hash, "in_progress", due_at_ms=due))

    def take_over(self, found: EffectReplayRow, due: int | None) -> EffectReplayRow:
        kept = due if found.due_at_ms is None else found.due_at_ms
        self.connection.execute(
            "UPDATE runtime_effect_replay SET lease_owner_id = ?, lease_token = ?, lease_expires_at_ms = ?, due_at_ms = ?,"
            " updated_at_ms = ? WHERE scope_id = ? AND replay_key = ?",
            (self.owner, self.token, self.expires, kept, self.now, *self.key),
        )
        return self._given(found._replace(due_at_ms=kept))

    def _given(self, row: EffectReplayRow) -> EffectReplayRow:
        return row._replace(owner=self.owner, lease_expires_at_ms=self.expires, token=self.token)


def _found(connection: sqlite3.Connection, key: EffectReplayKey) -> EffectReplayRow | None:
    row = connection.execute(_ROW, key).fetchone()
    return None if row is None else EffectReplayRow(*row)


def _is_free(row: EffectReplayRow, envelope_hash: str, now: int) -> bool:
    """Tell whether an effect waits for somebody to perform it."""
    return row.envelope_hash == envelope_hash and row.status == "in_progress" and row.lease_expires_at_ms <= now


def _change(query: str, *values: object) -> Callable[[sqlite3.Connection], bool]:
    """Return work that changes one row, and tells whether it did."""
    return lambda connection: connection.execute(query, values).rowcount == 1
