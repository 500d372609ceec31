"""The port of those who may name attachments, and sessions behind any store as such."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, Protocol

from lash_nb.stores._attachment_listing import AttachmentReference, attachment_references
from lash_nb.stores._attachment_manifest import AttachmentManifestEntry
from lash_nb.stores._session_store import FullGraph, SessionStore
from lash_nb.stores._sqlite_blobs import pack
from lash_nb.wire import AttachmentId

__all__ = ["AttachmentUser", "ids_in", "session_attachment_user"]

_DIGIT: Final = b"x"
_OTHER: Final = b" "
_MARKS: Final = b"".join(_DIGIT if char in b"0123456789abcdef" else _OTHER for char in range(256))
"""What stands for a byte in the search for ids; seven times as fast as a pattern."""
_ID_LEN: Final = 64


class AttachmentUser(Protocol):
    """Somebody who may name attachments, e.g. a session."""

    @property
    def name(self) -> str:
        """Who it is, for people."""
        ...

    async def mentioned(self, wanted: AbstractSet[AttachmentId]) -> AbstractSet[AttachmentId]:
        """Return those of the wanted ids that it mentions anywhere; its manifest does not count.

        Raises:
            StoreError: it cannot be read as a whole.
        """
        ...

    async def references(self) -> Sequence[AttachmentReference]:
        """Return which attachments its nodes name, each with the node; errors as in `mentioned`."""
        ...

    def list_attachments(self) -> Sequence[AttachmentManifestEntry]:
        """Return its manifest; errors as in `mentioned`."""
        ...

    def forget(self, attachment_id: AttachmentId) -> None:
        """Delete a manifest entry.

        Raises:
            StoreError: it cannot be written.
        """
        ...


def session_attachment_user(name: str, store: SessionStore) -> AttachmentUser:
    """Let the session of a store keep its attachments; for databases, `attachment_users` sees more."""
    return _Session(name, store)


class _Session:
    def __init__(self, name: str, store: SessionStore) -> None:
        self.name: Final = name
        self._store = store
        self.list_attachments: Final = store.list_attachments
        self.forget: Final = store.forget

    async def mentioned(self, wanted: AbstractSet[AttachmentId]) -> AbstractSet[AttachmentId]:
        read = await self._store.load_session(FullGraph())
        if read is None:
            return set()
        queue = await self._store.list_queued_work(read.session_id)
        parts = (*read.graph.nodes, *read.agent_frames, *queue, *((read.checkpoint,) if read.checkpoint else ()))
        return {found for part in parts for found in ids_in(pack(part)) if found in wanted}

    async def references(self) -> Sequence[AttachmentReference]:
        read = await self._store.load_session(FullGraph())
        return tuple(attachment_references(read.graph.nodes)) if read else ()


def ids_in(data: bytes) -> Iterator[AttachmentId]:
    """Yield all that may be an id; one may follow another digit, as that of an escaped form feed."""
    marks = data.translate(_MARKS)
    begin = marks.find(_DIGIT * _ID_LEN)
    while begin >= 0:
        end = marks.find(_OTHER, begin)
        end = len(marks) if end < 0 else end
        yield from (data[at : at + _ID_LEN].decode() for at in range(begin, end - _ID_LEN + 1))
        begin = marks.find(_DIGIT * _ID_LEN, end)
