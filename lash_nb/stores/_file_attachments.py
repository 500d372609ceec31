"""Attachments in a folder: the reference's own layout, read and written (lash 0.1.0-alpha.37, sessions §12.2).

`ROOT/sha256/AB/ABCD…` holds the bytes, `ABCD….json` beside it what is known of them.
"""

import os
import re
import threading
from pathlib import Path
from typing import Final

from lash_nb.errors import AttachmentStoreError, WireError
from lash_nb.stores._attachment_store import AttachmentStorePersistence, StoredAttachment, not_found, stored_meta
from lash_nb.wire import (
    AttachmentCreateMeta,
    AttachmentId,
    AttachmentMeta,
    AttachmentRef,
    from_json,
    pretty_json,
)

__all__ = ["FileAttachmentStore"]

_ID: Final = re.compile(r"[0-9a-f]{64}")


class FileAttachmentStore:
    """Keeps bytes in files that appear whole or not at all; made on first use.

    Attributes:
        root: The folder.
    """

    persistence: AttachmentStorePersistence = "durable"

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root: Final = Path(root)
        self._metas: dict[AttachmentId, AttachmentMeta] = {}
        self._writing = threading.Lock()

    def put(self, data: bytes, meta: AttachmentCreateMeta) -> AttachmentRef:
        """Write the bytes, unless they are there, and their meta."""
        kept = stored_meta(data, meta)
        path = self._path(kept.id)
        with self._writing:
            if not path.exists():
                _write(path, data)
            _write(_sidecar(path), pretty_json(kept).encode())
            self._metas[kept.id] = kept
        return kept

    def get(self, attachment_id: AttachmentId) -> StoredAttachment:
        """Read the bytes and their meta; the bytes are not hashed again."""
        path = self._path(attachment_id)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise not_found(attachment_id) from None
        except OSError as error:
            raise _io(path, error) from error
        return StoredAttachment(meta=self.sidecar(attachment_id), data=data)

    def meta(self, attachment_id: AttachmentId) -> AttachmentMeta:
        """Read the meta of bytes that are there."""
        if not self._path(attachment_id).is_file():
            raise not_found(attachment_id)
        return self.sidecar(attachment_id)

    def sidecar(self, attachment_id: AttachmentId) -> AttachmentMeta:
        """Read the meta, whether or not the bytes are there.

        Raises:
            AttachmentStoreError: `NotFound` for an id that is none, `MissingMeta`, `Io`.
        """
        known = self._metas.get(attachment_id)
        if known is None:
            known = self._metas[attachment_id] = _read_meta(attachment_id, _sidecar(self._path(attachment_id)))
        return known

    def ids(self) -> tuple[AttachmentId, ...]:
        """Return the ids for which there are bytes or a meta, sorted; anything else in the folder is passed over."""
        names = {path.name.removesuffix(".json") for path in self.root.glob("sha256/??/*")}
        return tuple(sorted(name for name in names if _ID.fullmatch(name)))

    def _path(self, attachment_id: AttachmentId) -> Path:
        if not _ID.fullmatch(attachment_id):  # never a path: it could lead out of the folder
            raise not_found(attachment_id)
        return self.root / "sha256" / attachment_id[:2] / attachment_id


def _sidecar(path: Path) -> Path:
    return path.with_suffix(".json")


def _read_meta(attachment_id: AttachmentId, sidecar: Path) -> AttachmentMeta:
    try:
        return from_json(sidecar.read_bytes(), AttachmentMeta)
    except FileNotFoundError:
        raise AttachmentStoreError(
            "MissingMeta",
            f"attachment store metadata is unavailable for `{attachment_id}`: {sidecar.name} is missing; put the bytes again",
            attachment_id=attachment_id,
        ) from None
    except (OSError, WireError) as error:
        raise _io(sidecar, error) from error


def _write(path: Path, data: bytes) -> None:
    """Write a file that is never seen half-written, even after a power cut."""
    draft = path.with_name(f"{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except FileNotFoundError:
            if not path.exists():  # else another process wrote the same bytes and took the draft along
                raise
        except OSError:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _io(path, error) from error


def _io(path: Path, error: Exception) -> AttachmentStoreError:
    return AttachmentStoreError("Io", f"attachment store I/O failed at {path}: {error}", path=str(path))
