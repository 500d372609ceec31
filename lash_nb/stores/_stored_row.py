"""A stored session in one line, read from its file alone."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lash_nb.errors import StoreError
from lash_nb.stores._sqlite_blobs import read_manifest
from lash_nb.stores._sqlite_head import read_head
from lash_nb.stores._sqlite_quiet import read_quietly
from lash_nb.stores._sqlite_read import read_meta
from lash_nb.stores._sqlite_schema import SESSION_SCHEMA, select
from lash_nb.wire import ChildRelation

__all__ = ["StoredSessionRow", "row_or_error"]

_MS_PER_S: Final = 1000
_TOKENS: Final = select(
    *(f"total(CAST({name} AS INTEGER))" for name in ("input_tokens", "output_tokens", "reasoning_tokens")),
    source="usage_deltas",
)
_LAST_COMMIT: Final = "SELECT CAST(committed_at_ms AS INTEGER) FROM runtime_turn_commits ORDER BY rowid DESC LIMIT 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSessionRow:
    """A stored session in one line."""

    session_id: str
    """The session."""
    name: str
    """Its name for people."""
    turns: int
    """Number of the last turn."""
    nodes: int
    """Nodes of all branches at the last commit; some may be hidden since."""
    tokens: int
    """Input, output and reasoning tokens of its life."""
    last_use: datetime | None
    """Time of the last turn's end, in UTC; that of the file when no turn has ended."""
    state: str
    """`committed`, or `empty` before the first commit."""
    model: str
    """The model's id."""
    provider_id: str
    """Who answers."""
    parent_session_id: str | None
    """The session under which it was opened."""
    path: Path
    """The file."""
    byte_len: int
    """Size of the file and of the journal beside it, in bytes."""


def row_or_error(file: Path) -> StoredSessionRow | StoreError:
    """Read the row of a file, or why it cannot be read."""
    try:
        return read_quietly(file, SESSION_SCHEMA, lambda connection: _read_row(connection, file))
    except StoreError as error:
        return error


def _read_row(connection: sqlite3.Connection, file: Path) -> StoredSessionRow:
    head, meta = read_head(connection, str(file)), read_meta(connection)
    manifest = read_manifest(connection, head.checkpoint_ref) if head and head.checkpoint_ref else None
    counts = connection.execute(_TOKENS).fetchone()
    session_id = meta.session_id if meta else head.session_id if head else file.stem
    relation = meta.relation if meta else None
    return StoredSessionRow(
        session_id=session_id,
        name=meta.session_name if meta else session_id,
        turns=manifest.turn_state.turn_index if manifest else 0,
        nodes=head.graph_node_count if head else 0,
        tokens=sum(map(int, counts)),  # numbers beyond 64 bits have become floats
        last_use=_last_use(connection, file),
        state="committed" if head else "empty",
        model=head.config.model.id if head else meta.model if meta else "",
        provider_id=head.config.provider_id if head else "",
        parent_session_id=relation.parent_session_id if isinstance(relation, ChildRelation) else None,
        path=file,
        byte_len=_byte_len(file),
    )


def _byte_len(file: Path) -> int:
    try:
        journal = file.with_name(f"{file.name}-wal").stat().st_size
    except OSError:  # nobody has it open
        journal = 0
    return file.stat().st_size + journal


def _last_use(connection: sqlite3.Connection, file: Path) -> datetime | None:
    last = connection.execute(_LAST_COMMIT).fetchone()
    seconds = file.stat().st_mtime if last is None else last[0] / _MS_PER_S
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):  # a time beyond all years
        return None
