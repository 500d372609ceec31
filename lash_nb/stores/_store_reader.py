"""Looking into stored sessions without opening them: nothing is written, and a broken file hides no other."""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

from lash_nb.errors import CallerError, StoreError
from lash_nb.stores._attachment_listing import AttachmentListing, attachment_references, session_attachments
from lash_nb.stores._attachment_manifest import AttachmentManifestEntry
from lash_nb.stores._attachment_store import AttachmentStore
from lash_nb.stores._file_attachments import FileAttachmentStore
from lash_nb.stores._memory_attachments import InMemoryAttachmentStore
from lash_nb.stores._session_store import FullGraph
from lash_nb.stores._sqlite_blobs import read_manifest
from lash_nb.stores._sqlite_factory import is_session_file, may_begin, nearest_session_file, session_file_name
from lash_nb.stores._sqlite_head import read_head
from lash_nb.stores._sqlite_manifest import read_entries
from lash_nb.stores._sqlite_queue_rows import read_batches
from lash_nb.stores._sqlite_quiet import read_quietly
from lash_nb.stores._sqlite_read import SessionRead, read_meta, read_session
from lash_nb.stores._sqlite_schema import SESSION_SCHEMA, select
from lash_nb.stores._store_folder import ATTACHMENTS_FOLDER, SESSIONS_FOLDER
from lash_nb.wire import (
    AgentFrameRecord,
    ChildRelation,
    HydratedSessionCheckpoint,
    Message,
    PersistedSessionRead,
    QueuedWorkBatch,
    SessionGraph,
    SessionMeta,
    TokenLedgerEntry,
    active_path,
    conversation_messages,
    orphaned_node_ids,
)
from lash_nb.words import counted, legible

__all__ = ["StoreReader", "StoredSession", "StoredSessionRow", "open_store"]

_Entries: TypeAlias = tuple[AttachmentManifestEntry, ...]
_MS_PER_S: Final = 1000
_TOKENS: Final = select(
    *(f"total(CAST({name} AS INTEGER))" for name in ("input_tokens", "output_tokens", "reasoning_tokens")),
    source="usage_deltas",
)
_LAST_COMMIT: Final = "SELECT CAST(committed_at_ms AS INTEGER) FROM runtime_turn_commits ORDER BY rowid DESC LIMIT 1"
_SHOWN: Final = 20
"""As many sessions does a repr list."""


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


class StoredSession:
    """One stored session, as it was when it was first asked for anything.

    Attributes:
        row: The session in one line.
    """

    def __init__(self, row: StoredSessionRow, attachments: AttachmentStore) -> None:
        self.row: Final = row
        self._attachments = attachments

    def __repr__(self) -> str:
        row = self.row
        return f"<StoredSession {legible(row.session_id)}: {counted(row.turns, 'turn')}, {counted(row.nodes, 'node')}>"

    @property
    def session_id(self) -> str:
        """The session."""
        return self.row.session_id

    @cached_property
    def _read(self) -> tuple[SessionRead, SessionMeta | None, _Entries]:
        path = str(self.row.path)
        return read_quietly(
            path,
            SESSION_SCHEMA,
            lambda connection: (
                read_session(connection, path, FullGraph()),
                read_meta(connection),
                read_entries(connection),
            ),
        )

    @property
    def head(self) -> PersistedSessionRead | None:
        """All that the last commit stored; None before the first one.

        Raises:
            StoreError: `Backend`, when the file cannot be read.
        """
        return self._read[0].session

    @property
    def unread(self) -> int:
        """How many nodes cannot be decoded and are left out."""
        return self._read[0].unread

    @property
    def meta(self) -> SessionMeta | None:
        """Its meta record."""
        return self._read[1]

    @property
    def graph(self) -> SessionGraph:
        """All nodes that are not hidden."""
        return self.head.graph if self.head else SessionGraph()

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages on the path to the leaf, oldest first."""
        nodes = {node.node_id: node for node in self.graph.nodes}
        return tuple(conversation_messages(active_path(nodes, self.graph.leaf_node_id)))

    @property
    def orphans(self) -> tuple[str, ...]:
        """The nodes that are not on that path, in stored order."""
        return tuple(orphaned_node_ids(self.graph))

    @property
    def frames(self) -> tuple[AgentFrameRecord, ...]:
        """Its agent frames."""
        return self.head.agent_frames if self.head else ()

    @property
    def checkpoint(self) -> HydratedSessionCheckpoint | None:
        """Counters and the state of tools, plugins and code."""
        return self.head.checkpoint if self.head else None

    @property
    def usage(self) -> tuple[TokenLedgerEntry, ...]:
        """Its tokens by source and model."""
        return self.head.token_ledger if self.head else ()

    @cached_property
    def queue(self) -> tuple[QueuedWorkBatch, ...]:
        """Work that waits, claimed or not.

        Raises:
            StoreError: `Backend`, when some of it cannot be read; that hides nothing else of the session.
        """
        path, session_id = self.row.path, self.session_id
        return read_quietly(path, SESSION_SCHEMA, lambda connection: read_batches(connection, session_id))

    @property
    def attachments(self) -> AttachmentListing:
        """Its attachments with who refers to them; bytes are there when the folder of the store is."""
        return session_attachments(self._attachments, self._read[2], attachment_references(self.graph.nodes))


class StoreReader(Mapping[str, StoredSession]):
    """The sessions of a folder by id, to be looked at.

    Each file is read when it is first needed, and once: one that is asked for by its id alone, all of them to be listed.

    Attributes:
        path: The folder or file.
    """

    def __init__(self, path: Path, files: list[Path]) -> None:
        self.path: Final = path
        self._files: Final = files

    @property
    def sessions(self) -> tuple[StoredSessionRow, ...]:
        """The sessions in one line each, last used first."""
        return self._listed[0]

    @property
    def errors(self) -> tuple[StoreError, ...]:
        """The files that could not be read, and why."""
        return self._listed[1]

    def latest(self, count: int, *, beginning: str = "") -> tuple[StoredSessionRow, ...]:
        """Return the sessions whose files were written last and whose ids begin so, at most so many; other files are not read."""
        files = [file for file in self._files if not is_session_file(file.name) or may_begin(file.name, beginning)]
        rows = map(_row_or_error, sorted(files, key=_written, reverse=True))
        found = (row for row in rows if isinstance(row, StoredSessionRow) and row.session_id.startswith(beginning))
        return tuple(islice(found, count))

    def nearest(self, session_id: str) -> StoredSessionRow | None:
        """Return the session whose file is named most like this id, if one is much like it; no other file is read."""
        name = nearest_session_file([file.name for file in self._files], session_id)
        row = next((_row_or_error(file) for file in self._files if file.name == name), None)
        return row if isinstance(row, StoredSessionRow) else None

    @cached_property
    def _listed(self) -> tuple[tuple[StoredSessionRow, ...], tuple[StoreError, ...]]:
        read = [_row_or_error(file) for file in self._files]
        rows = [row for row in read if isinstance(row, StoredSessionRow)]
        rows.sort(key=lambda row: (row.last_use is not None, row.last_use), reverse=True)
        return tuple(rows), tuple(error for error in read if isinstance(error, StoreError))

    @cached_property
    def _rows_of(self) -> Mapping[str, list[StoredSessionRow]]:
        """The listed sessions by id."""
        found: dict[str, list[StoredSessionRow]] = {}
        for row in self.sessions:
            found.setdefault(row.session_id, []).append(row)
        return found

    def _found(self, session_id: str) -> Sequence[StoredSessionRow]:
        """Return the rows of a session: only its own file and those with names of another kind can hold it."""
        if "_listed" in self.__dict__:
            return self._rows_of.get(session_id, ())
        own = session_file_name(session_id)
        files = (file for file in self._files if file.name == own or not is_session_file(file.name))
        rows = map(_row_or_error, files)
        return [row for row in rows if isinstance(row, StoredSessionRow) and row.session_id == session_id]

    def __getitem__(self, session_id: str) -> StoredSession:
        """Return a session.

        Raises:
            CallerError: there is none of that id, or it is in more than one file.
        """
        found = self._found(session_id)
        if len(found) != 1:
            where = ", ".join(row.path.name for row in found[:_SHOWN])
            known = ", ".join(f"{legible(row.session_id)}" for row in self.latest(_SHOWN)) or "none"
            told = (
                f"is in more than one file ({where}); open one of them" if found else f"is not there; there are {known}"
            )
            raise CallerError(f"session {legible(session_id)} {told}", code="stored_session")
        return StoredSession(found[0], _attachments(found[0].path))

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows_of)

    def __len__(self) -> int:
        return len(self._rows_of)

    def __contains__(self, session_id: object) -> bool:
        return isinstance(session_id, str) and bool(self._found(session_id))

    def __repr__(self) -> str:
        head = f"<StoreReader {legible(str(self.path))}: {counted(len(self.sessions), 'session')}, {len(self.errors)} unreadable>"
        lines = [
            f"  {legible(row.session_id)}: {counted(row.turns, 'turn')}, {counted(row.nodes, 'node')}, {counted(row.tokens, 'token')}"
            for row in self.sessions[:_SHOWN]
        ]
        more = [f"  … {len(self.sessions) - _SHOWN} more"] if len(self.sessions) > _SHOWN else []
        return "\n".join([head, *lines, *more])


def open_store(path: str | os.PathLike[str]) -> StoreReader:
    """Look into stored sessions, of this library or of lash itself; nothing is written, and nothing is left beside the files.

    Args:
        path: A session database, a folder of them, or the folder of a store, which holds `sessions/` and `attachments/`.

    Raises:
        CallerError: there is nothing of the kind.
    """
    given = Path(path).expanduser()
    if given.is_file():
        return StoreReader(given, [given])
    folder = given / SESSIONS_FOLDER
    files = sorted((folder if folder.is_dir() else given).glob("*.db"))
    if not files:
        what = "holds no session database (*.db)" if given.is_dir() else "is not there"
        raise CallerError(
            f"{given} {what}; give a database, a folder of them, or the folder of a store", code="store_folder"
        )
    return StoreReader(given, files)


def _row_or_error(file: Path) -> StoredSessionRow | StoreError:
    try:
        return read_quietly(file, SESSION_SCHEMA, lambda connection: _read_row(connection, file))
    except StoreError as error:
        return error


def _written(file: Path) -> float:
    """Return when a database or the log beside it was last written; a file that is gone is the oldest."""
    times = [0.0]
    for name in (str(file), f"{file}-wal"):
        with suppress(OSError):
            times.append(os.stat(name).st_mtime)  # noqa: PTH116 - a path object costs more than the look
    return max(times)


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


def _attachments(file: Path) -> AttachmentStore:
    """Return the folder of attachments that belongs to a database; without one, a store that has none."""
    beside = (file.parent.parent / ATTACHMENTS_FOLDER, file.parent / ATTACHMENTS_FOLDER)
    folder = next((path for path in beside if path.is_dir()), None)
    return FileAttachmentStore(folder) if folder else InMemoryAttachmentStore()
