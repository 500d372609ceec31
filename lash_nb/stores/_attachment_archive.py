"""The port of attachment stores that can be listed, inspected and swept; what keeps house with attachments needs no more."""

from dataclasses import dataclass
from typing import Protocol

from lash_nb.errors import AttachmentStoreError
from lash_nb.stores._attachment_store import AttachmentStore
from lash_nb.wire import AttachmentId, AttachmentMeta

__all__ = ["AttachmentArchive", "AttachmentInspection", "AttachmentStat"]


@dataclass(frozen=True, kw_only=True)
class AttachmentStat:
    """How large an attachment is, and how old."""

    byte_len: int | None
    """Size of the bytes; None when there is a meta and no bytes."""
    put_at_epoch_ms: int
    """When it was put for the last time, epoch milliseconds."""


@dataclass(frozen=True, kw_only=True)
class AttachmentInspection:
    """What lies under an id, read anew: nothing in it is taken on trust."""

    byte_len: int | None = None
    """Size of the bytes; None when there are none or they cannot be read."""
    digest: AttachmentId | None = None
    """Content id that the bytes have now."""
    meta: AttachmentMeta | None = None
    """What is stored of them."""
    data_error: AttachmentStoreError | None = None
    """Why there are no bytes."""
    meta_error: AttachmentStoreError | None = None
    """Why there is no meta."""


class AttachmentArchive(AttachmentStore, Protocol):
    """An attachment store that tells what it holds and lets go of it."""

    def ids(self) -> tuple[AttachmentId, ...]:
        """Return the ids for which there are bytes or a meta, sorted.

        Raises:
            AttachmentStoreError: `Io`, when the store cannot be listed as a whole.
        """
        ...

    def stat(self, attachment_id: AttachmentId) -> AttachmentStat:
        """Return size and age.

        Raises:
            AttachmentStoreError: `NotFound` when there are neither bytes nor meta, `Io`.
        """
        ...

    def inspect(self, attachment_id: AttachmentId) -> AttachmentInspection:
        """Read and hash the bytes, piece by piece, and read the meta; what cannot be read is said, not raised."""
        ...

    def delete(self, attachment_id: AttachmentId, *, put_until_ms: int) -> bool:
        """Delete bytes and meta, unless they were put after `put_until_ms`; return whether they are gone.

        Raises:
            AttachmentStoreError: `Io`.
        """
        ...

    def sweep_drafts(self, *, put_until_ms: int, dry_run: bool) -> int:
        """Delete what writers that died left half-written until then, and return how many; a dry run only counts.

        Raises:
            AttachmentStoreError: `Io`.
        """
        ...
