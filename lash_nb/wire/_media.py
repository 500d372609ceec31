"""Media types and attachment references (lash 0.1.0-alpha.37, effect wire format §11)."""

import hashlib
from typing import ClassVar, Final, Literal, TypeAlias

from lash_nb.wire._base import U32, U64, Wire, trimmed

__all__ = [
    "AttachmentCreateMeta",
    "AttachmentId",
    "AttachmentMeta",
    "AttachmentRef",
    "AttachmentRow",
    "AttachmentState",
    "ImageMediaType",
    "MediaType",
    "content_id",
]

AttachmentId: TypeAlias = str
"""Lower-case hex SHA-256 of the attachment's bytes."""

ImageMediaType: TypeAlias = Literal["png", "jpeg", "gif", "webp", "bmp"]
"""The image formats that the wire knows."""

AttachmentState: TypeAlias = Literal["committed", "intended", "missing"]
"""`committed`: named by a commit. `intended`: bytes written, no commit names them yet. `missing`: named, but the bytes are gone."""

_BY_MIME: Final[dict[str, ImageMediaType]] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/bmp": "bmp",
}


class MediaType(Wire, frozen=True, kw_only=True, tag_field="kind", tag="image"):
    """The type of an attachment; images are the only kind."""

    adjacent: ClassVar[bool] = True

    type: ImageMediaType
    """The image format."""

    @property
    def mime(self) -> str:
        """The canonical MIME type."""
        return f"image/{self.type}"

    @classmethod
    def from_mime(cls, mime: str) -> "MediaType | None":
        """Read a MIME type without parameters, in any case; None when it is not one of the image types."""
        found = _BY_MIME.get(trimmed(mime).lower())
        return cls(type=found) if found else None


class AttachmentCreateMeta(Wire, frozen=True, kw_only=True):
    """What the caller says about bytes that it stores; never checked against the bytes."""

    media_type: MediaType
    """The type of the bytes."""
    width: U32 | None = None
    """Width in pixels."""
    height: U32 | None = None
    """Height in pixels."""
    label: str | None = None
    """A name for people."""


class AttachmentRef(Wire, frozen=True, kw_only=True):
    """A content-addressed reference to bytes that live in an attachment store."""

    id: AttachmentId
    """SHA-256 of the bytes."""
    media_type: MediaType
    """The type of the bytes."""
    byte_len: U64
    """Number of bytes."""
    width: U32 | None = None
    """Width in pixels."""
    height: U32 | None = None
    """Height in pixels."""
    label: str | None = None
    """A name for people."""


AttachmentMeta: TypeAlias = AttachmentRef
"""What a store keeps beside the bytes: the same shape as the reference."""


class AttachmentRow(Wire, frozen=True, kw_only=True):
    """One attachment of a session as tables and views show it."""

    ref: AttachmentRef
    """The attachment."""
    state: AttachmentState
    """Whether a commit names it and the bytes are there."""
    references: tuple[str, ...] = ()
    """Who refers to it, in order: graph nodes and effects, as in `node m1f2…` or `llm_call 6`."""

    @property
    def id(self) -> AttachmentId:
        """Its content id, as `session.save_attachment` takes it."""
        return self.ref.id


def content_id(data: bytes) -> AttachmentId:
    """Return the attachment id of `data`."""
    return hashlib.sha256(data).hexdigest()
