"""The write-ahead manifest of attachments: which bytes a session was about to write, and which a commit names.

Bytes are written after the intent and before the commit, so after a crash the uncommitted intents say which bytes may be swept
(lash 0.1.0-alpha.37, sessions §12.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from lash_nb.clock import NS_PER_MS, Clock
from lash_nb.wire import AttachmentId

__all__ = ["AttachmentIntent", "AttachmentManifest", "AttachmentManifestEntry", "MemoryAttachmentManifest"]


@dataclass(frozen=True, kw_only=True)
class AttachmentIntent:
    """A session is about to write these bytes."""

    attachment_id: AttachmentId
    """Content id of the bytes."""
    session_id: str
    """The session."""
    canonical_uri: str
    """`sha256:ID`."""
    intent_at_epoch_ms: int
    """When, epoch milliseconds."""


@dataclass(frozen=True, kw_only=True)
class AttachmentManifestEntry(AttachmentIntent):
    """An intent, and whether it came true."""

    committed_at_epoch_ms: int | None = None
    """When a commit named the bytes, epoch milliseconds."""

    @classmethod
    def of(cls, intent: AttachmentIntent) -> "AttachmentManifestEntry":
        """Begin an entry."""
        return cls(**vars(intent))


class AttachmentManifest(Protocol):
    """Keeps the intents of one or more sessions. Its methods do not wait: bytes are written from plain functions, on any thread."""

    def record_intent(self, intent: AttachmentIntent) -> None:
        """Note an intent; an entry that is there stays as it is.

        Raises:
            StoreError: it could not be noted; then the bytes must not be written.
        """
        ...

    def commit_refs(self, session_id: str, attachment_ids: Sequence[AttachmentId]) -> None:
        """Stamp the session's own entries as committed now; stamped ones keep their time."""
        ...

    def list_uncommitted(self, older_than_epoch_ms: int) -> tuple[AttachmentManifestEntry, ...]:
        """Return the uncommitted entries of that time or before, oldest first."""
        ...

    def list_attachments(self) -> tuple[AttachmentManifestEntry, ...]:
        """Return all entries in the order in which they were noted."""
        ...

    def forget(self, attachment_id: AttachmentId) -> None:
        """Delete an entry, whatever its session and state."""
        ...


class MemoryAttachmentManifest:
    """Keeps entries in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[AttachmentId, AttachmentManifestEntry] = {}

    def record_intent(self, intent: AttachmentIntent) -> None:
        """Note an intent."""
        self._entries.setdefault(intent.attachment_id, AttachmentManifestEntry.of(intent))

    def commit_refs(self, session_id: str, attachment_ids: Sequence[AttachmentId]) -> None:
        """Stamp the session's entries."""
        if not attachment_ids:
            return
        now = self._clock.now_ns() // NS_PER_MS
        for attachment_id in attachment_ids:
            entry = self._entries.get(attachment_id)
            if entry is not None and entry.session_id == session_id and entry.committed_at_epoch_ms is None:
                self._entries[attachment_id] = replace(entry, committed_at_epoch_ms=now)

    def list_uncommitted(self, older_than_epoch_ms: int) -> tuple[AttachmentManifestEntry, ...]:
        """Return uncommitted entries, oldest first."""
        found = [
            entry
            for entry in self.list_attachments()
            if entry.committed_at_epoch_ms is None and entry.intent_at_epoch_ms <= older_than_epoch_ms
        ]
        return tuple(sorted(found, key=lambda entry: entry.intent_at_epoch_ms))

    def list_attachments(self) -> tuple[AttachmentManifestEntry, ...]:
        """Return all entries."""
        return tuple(self._entries.values())

    def forget(self, attachment_id: AttachmentId) -> None:
        """Delete an entry."""
        self._entries.pop(attachment_id, None)
