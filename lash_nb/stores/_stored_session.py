"""A stored session to look at: nothing of it is opened or written."""

from functools import cached_property
from pathlib import Path
from typing import Final, TypeAlias

from lash_nb.stores._attachment_listing import AttachmentListing, attachment_references, session_attachments
from lash_nb.stores._attachment_manifest import AttachmentManifestEntry
from lash_nb.stores._attachment_store import AttachmentStore
from lash_nb.stores._file_attachments import FileAttachmentStore
from lash_nb.stores._memory_attachments import InMemoryAttachmentStore
from lash_nb.stores._session_store import FullGraph
from lash_nb.stores._sqlite_manifest import read_entries
from lash_nb.stores._sqlite_queue_list import read_batches
from lash_nb.stores._sqlite_quiet import read_quietly
from lash_nb.stores._sqlite_read import SessionRead, read_meta, read_session
from lash_nb.stores._sqlite_schema import SESSION_SCHEMA
from lash_nb.stores._store_folder import ATTACHMENTS_FOLDER
from lash_nb.stores._stored_row import StoredSessionRow
from lash_nb.wire import (
    AgentFrameRecord,
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

__all__ = ["StoredSession"]

_Entries: TypeAlias = tuple[AttachmentManifestEntry, ...]


class StoredSession:
    """One stored session, as it was when it was first asked for anything.

    Attributes:
        row: The session in one line.
    """

    def __init__(self, row: StoredSessionRow) -> None:
        self.row: Final = row

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
        return session_attachments(_attachments(self.row.path), self._read[2], attachment_references(self.graph.nodes))


def _attachments(file: Path) -> AttachmentStore:
    """Return the folder of attachments that belongs to a database; without one, a store that has none."""
    beside = (file.parent.parent / ATTACHMENTS_FOLDER, file.parent / ATTACHMENTS_FOLDER)
    folder = next((path for path in beside if path.is_dir()), None)
    return FileAttachmentStore(folder) if folder else InMemoryAttachmentStore()
