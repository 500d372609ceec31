"""The port of attachment stores, and what every one of them does alike (lash 0.1.0-alpha.37, sessions §12)."""

from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

from msgspec.structs import replace

from lash_nb.errors import AttachmentStoreError
from lash_nb.wire import (
    AttachmentCreateMeta,
    AttachmentId,
    AttachmentMeta,
    AttachmentRef,
    DurabilityTier,
    LlmRequest,
    Octets,
    content_id,
)

__all__ = [
    "TIER_OF_PERSISTENCE",
    "AttachmentStore",
    "AttachmentStorePersistence",
    "StoredAttachment",
    "not_found",
    "resolve_llm_request_attachments",
    "stored_meta",
]

AttachmentStorePersistence: TypeAlias = Literal["ephemeral", "durable"]
"""Whether bytes outlive the process."""

TIER_OF_PERSISTENCE: Final[dict[AttachmentStorePersistence, DurabilityTier]] = {
    "ephemeral": "inline",
    "durable": "durable",
}
"""The tier that an attachment store counts as beside other stores."""


@dataclass(frozen=True, kw_only=True)
class StoredAttachment:
    """Bytes with what is known of them."""

    meta: AttachmentMeta
    """Id, type, size and what the caller said."""
    data: bytes
    """The bytes."""


class AttachmentStore(Protocol):
    """Keeps bytes under the hash of their content. Its methods do not wait, so that a tool may call them on any thread."""

    @property
    def persistence(self) -> AttachmentStorePersistence:
        """Whether bytes outlive the process."""
        ...

    def put(self, data: bytes, meta: AttachmentCreateMeta) -> AttachmentRef:
        """Keep the bytes; the same bytes have the same id, and the meta of the last call.

        Raises:
            AttachmentStoreError: `Io` or `ManifestRecordFailed`.
        """
        ...

    def get(self, attachment_id: AttachmentId) -> StoredAttachment:
        """Return the bytes and their meta.

        Raises:
            AttachmentStoreError: `NotFound`, `MissingMeta` or `Io`.
        """
        ...

    def meta(self, attachment_id: AttachmentId) -> AttachmentMeta:
        """Return the meta of bytes that are there, without reading them; errors as in `get`."""
        ...


def stored_meta(data: bytes, meta: AttachmentCreateMeta) -> AttachmentMeta:
    """Return what a store keeps beside `data`: identity and size from the bytes, the rest from the caller."""
    return AttachmentMeta(
        id=content_id(data),
        media_type=meta.media_type,
        byte_len=len(data),
        width=meta.width,
        height=meta.height,
        label=meta.label,
    )


def not_found(attachment_id: AttachmentId) -> AttachmentStoreError:
    """Return the error for an id that a store does not have."""
    return AttachmentStoreError(
        "NotFound",
        f"attachment `{attachment_id}` was not found; list the session's attachments to see which there are",
        attachment_id=attachment_id,
    )


def resolve_llm_request_attachments(request: LlmRequest, store: AttachmentStore) -> LlmRequest:
    """Return the request with the bytes of its references filled in, as a provider needs them.

    Raises:
        AttachmentStoreError: one of them cannot be had.
    """
    if not any(attachment.reference and not attachment.data for attachment in request.attachments):
        return request
    resolved = []
    for attachment in request.attachments:
        if attachment.reference is None or attachment.data:
            resolved.append(attachment)
            continue
        stored = store.get(attachment.reference.id)
        resolved.append(replace(attachment, mime=stored.meta.media_type.mime, data=Octets(stored.data)))
    return replace(request, attachments=tuple(resolved))
