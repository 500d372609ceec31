"""Attachments in memory (lash 0.1.0-alpha.37, sessions §12.2)."""

from lash_nb.clock import NS_PER_MS, Clock, SystemClock
from lash_nb.errors import AttachmentStoreError
from lash_nb.stores._attachment_archive import AttachmentInspection, AttachmentStat
from lash_nb.stores._attachment_store import AttachmentStorePersistence, StoredAttachment, not_found, stored_meta
from lash_nb.wire import AttachmentCreateMeta, AttachmentId, AttachmentMeta, AttachmentRef, content_id

__all__ = ["InMemoryAttachmentStore"]


class InMemoryAttachmentStore:
    """Keeps bytes as long as the process lives."""

    persistence: AttachmentStorePersistence = "ephemeral"

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._stored: dict[AttachmentId, tuple[StoredAttachment, AttachmentStat]] = {}

    def put(self, data: bytes, meta: AttachmentCreateMeta) -> AttachmentRef:
        """Keep the bytes."""
        kept = stored_meta(data, meta)
        stat = AttachmentStat(byte_len=kept.byte_len, put_at_epoch_ms=self._clock.now_ns() // NS_PER_MS)
        self._stored[kept.id] = StoredAttachment(meta=kept, data=bytes(data)), stat
        return kept

    def get(self, attachment_id: AttachmentId) -> StoredAttachment:
        """Return the bytes and their meta."""
        return self._found(attachment_id)[0]

    def meta(self, attachment_id: AttachmentId) -> AttachmentMeta:
        """Return the meta alone."""
        return self.get(attachment_id).meta

    def ids(self) -> tuple[AttachmentId, ...]:
        """Return all ids, sorted."""
        return tuple(sorted(self._stored))

    def stat(self, attachment_id: AttachmentId) -> AttachmentStat:
        """Return size and age."""
        return self._found(attachment_id)[1]

    def inspect(self, attachment_id: AttachmentId) -> AttachmentInspection:
        """Hash the bytes."""
        try:
            stored = self.get(attachment_id)
        except AttachmentStoreError as error:
            return AttachmentInspection(data_error=error, meta_error=error)
        return AttachmentInspection(byte_len=len(stored.data), digest=content_id(stored.data), meta=stored.meta)

    def delete(self, attachment_id: AttachmentId, *, put_until_ms: int) -> bool:
        """Forget bytes and meta."""
        found = self._stored.get(attachment_id)
        if found is not None and found[1].put_at_epoch_ms > put_until_ms:
            return False
        self._stored.pop(attachment_id, None)
        return True

    def sweep_drafts(self, *, put_until_ms: int, dry_run: bool) -> int:  # noqa: ARG002 - memory has no drafts
        """Find none: bytes are kept at once."""
        return 0

    def _found(self, attachment_id: AttachmentId) -> tuple[StoredAttachment, AttachmentStat]:
        found = self._stored.get(attachment_id)
        if found is None:
            raise not_found(attachment_id)
        return found
