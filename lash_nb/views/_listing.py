"""What the attachments view needs of a session's attachments: the port, implemented by the facade."""

from collections.abc import Iterator
from typing import Protocol

from lash_nb.wire import AttachmentRow

__all__ = ["AttachmentListing"]


class AttachmentListing(Protocol):
    """The attachments of a session, oldest first, and their bytes."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def __iter__(self) -> Iterator[AttachmentRow]:
        """Walk through them."""
        ...

    def data(self, attachment_id: str, /) -> bytes:
        """Return the bytes of one; raises `AttachmentStoreError` when they are not there."""
        ...
