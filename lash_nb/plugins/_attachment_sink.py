"""Where tools put bytes (lash 0.1.0-alpha.37, sessions §12.2)."""

from typing import Protocol

from lash_nb.wire import AttachmentCreateMeta, AttachmentRef

__all__ = ["AttachmentSink"]


class AttachmentSink(Protocol):
    """Where a tool puts bytes that belong to its result."""

    def put(self, data: bytes, meta: AttachmentCreateMeta, /) -> AttachmentRef:
        """Store `data` as they are and return what to put into the result.

        Nothing is looked at and no size is too large, as in the reference (sessions §12.2): what is declared to be a picture goes to the model
        with the result, and a provider may refuse it. A picture that is returned as it is, instead, is looked at first.

        Raises:
            LashError: they cannot be stored.
        """
        ...
