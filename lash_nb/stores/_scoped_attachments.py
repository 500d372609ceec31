"""Attachments of one session: the intent is noted before the bytes are written (lash 0.1.0-alpha.37, sessions §12.3)."""

from typing import Final

from lash_nb.clock import NS_PER_MS, Clock, SystemClock
from lash_nb.errors import AttachmentStoreError, StoreError
from lash_nb.stores._attachment_manifest import AttachmentIntent, AttachmentManifest
from lash_nb.stores._attachment_store import AttachmentStore, AttachmentStorePersistence, StoredAttachment
from lash_nb.wire import AttachmentCreateMeta, AttachmentId, AttachmentMeta, AttachmentRef, content_id

__all__ = ["SessionScopedAttachmentStore"]


class SessionScopedAttachmentStore:
    """Wraps a store so that bytes never land without an intent in the session's manifest.

    Attributes:
        inner: The store that keeps the bytes.
        manifest: The manifest that keeps the intents.
        session_id: The session.
    """

    def __init__(
        self, inner: AttachmentStore, manifest: AttachmentManifest, session_id: str, clock: Clock | None = None
    ) -> None:
        self.inner: Final = inner
        self.manifest: Final = manifest
        self.session_id: Final = session_id
        self._clock = clock or SystemClock()

    @property
    def persistence(self) -> AttachmentStorePersistence:
        """The persistence of the store inside."""
        return self.inner.persistence

    def put(self, data: bytes, meta: AttachmentCreateMeta) -> AttachmentRef:
        """Note the intent, then keep the bytes.

        Raises:
            AttachmentStoreError: `ManifestRecordFailed`, and the bytes are not written; or what the store inside raises.
        """
        attachment_id = content_id(data)
        intent = AttachmentIntent(
            attachment_id=attachment_id,
            session_id=self.session_id,
            canonical_uri=f"sha256:{attachment_id}",
            intent_at_epoch_ms=self._clock.now_ns() // NS_PER_MS,
        )
        try:
            self.manifest.record_intent(intent)
        except StoreError as error:
            raise AttachmentStoreError(
                "ManifestRecordFailed",
                f"attachment manifest write failed: failed to record attachment intent for `{attachment_id}`: {error}",
                attachment_id=attachment_id,
            ) from error
        return self.inner.put(data, meta)

    def get(self, attachment_id: AttachmentId) -> StoredAttachment:
        """Return what the store inside has."""
        return self.inner.get(attachment_id)

    def meta(self, attachment_id: AttachmentId) -> AttachmentMeta:
        """Return what the store inside knows."""
        return self.inner.meta(attachment_id)
