"""Attachments in a folder: the reference's own layout, read and written (lash 0.1.0-alpha.37, sessions §12.2).

`ROOT/sha256/AB/ABCD…` holds the bytes, `ABCD….json` beside it what is known of them. The meta is written first, so that who sees the bytes
sees both; its time is that of the last put.
"""

import hashlib
import os
import re
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from lash_nb.clock import NS_PER_MS
from lash_nb.errors import AttachmentStoreError, WireError
from lash_nb.locks import exclusively
from lash_nb.stores._attachment_archive import AttachmentInspection, AttachmentStat
from lash_nb.stores._attachment_store import AttachmentStorePersistence, StoredAttachment, not_found, stored_meta
from lash_nb.stores._whole_files import DRAFT, held_folder, write_whole
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
_META: Final = ".json"


class FileAttachmentStore:
    """Keeps bytes in files that appear whole or not at all; made on first use.

    Attributes:
        root: The folder.
    """

    persistence: AttachmentStorePersistence = "durable"

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root: Final = Path(root)
        self._metas: dict[AttachmentId, AttachmentMeta] = {}
        self._writing = threading.RLock()

    def put(self, data: bytes, meta: AttachmentCreateMeta) -> AttachmentRef:
        """Write the bytes, unless they are there, and their meta; after an error there is nothing that was not there before."""
        kept = stored_meta(data, meta)
        path = self._path(kept.id)
        try:
            exclusively(self._writing, self._put, path, data, kept)
        except OSError as error:
            raise _io(path, error, "make room, or give a folder that may be written") from error
        return kept

    def get(self, attachment_id: AttachmentId) -> StoredAttachment:
        """Read the bytes and their meta; the bytes are not hashed again."""
        path = self._path(attachment_id)
        try:
            data = _read(path)
        except FileNotFoundError:
            raise not_found(attachment_id) from None
        except OSError as error:
            raise _unread(path, error) from error
        return StoredAttachment(meta=self.sidecar(attachment_id), data=data)

    def meta(self, attachment_id: AttachmentId) -> AttachmentMeta:
        """Read the meta of bytes that are there."""
        if self.stat(attachment_id).byte_len is None:
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
        names = {path.name.removesuffix(_META) for path in self._files()}
        return tuple(sorted(name for name in names if _ID.fullmatch(name)))

    def stat(self, attachment_id: AttachmentId) -> AttachmentStat:
        """Return the size of the bytes and the time of the last put, which is the later one of both files."""
        path = self._path(attachment_id)
        data, meta = _found(path), _found(_sidecar(path))
        times = [found.st_mtime_ns for found in (data, meta) if found]
        if not times:
            raise not_found(attachment_id)
        return AttachmentStat(byte_len=data.st_size if data else None, put_at_epoch_ms=max(times) // NS_PER_MS)

    def inspect(self, attachment_id: AttachmentId) -> AttachmentInspection:
        """Hash the bytes and read the meta, both from the disk."""
        digest = size = meta = data_error = meta_error = None
        try:
            path = self._path(attachment_id)
        except AttachmentStoreError as error:
            return AttachmentInspection(data_error=error, meta_error=error)
        try:
            digest, size = _digest(path)
        except FileNotFoundError:
            data_error = not_found(attachment_id)
        except OSError as error:
            data_error = _unread(path, error)
        try:
            meta = _read_meta(attachment_id, _sidecar(path))
        except AttachmentStoreError as error:
            meta_error = error
        return AttachmentInspection(
            byte_len=size, digest=digest, meta=meta, data_error=data_error, meta_error=meta_error
        )

    def delete(self, attachment_id: AttachmentId, *, put_until_ms: int) -> bool:
        """Delete both files, the bytes first; who puts the same bytes meanwhile waits, and then finds them gone."""
        if not _ID.fullmatch(attachment_id):
            return True
        path = self._path(attachment_id)
        if not path.parent.is_dir():
            return True
        try:
            return exclusively(self._writing, self._delete, path, attachment_id, put_until_ms)
        except OSError as error:
            raise _io(path, error, "allow writing in the folder and collect again") from error

    def sweep_drafts(self, *, put_until_ms: int, dry_run: bool) -> int:
        """Delete old drafts of bytes and metas."""
        swept = 0
        for path in self._files():
            found = _found(path) if _is_draft(path.name) else None
            if found is None or found.st_mtime_ns // NS_PER_MS > put_until_ms:
                continue
            swept += 1
            try:
                if not dry_run:
                    path.unlink(missing_ok=True)
            except OSError as error:
                raise _io(path, error, "allow writing in the folder and collect again") from error
        return swept

    def _put(self, path: Path, data: bytes, kept: AttachmentMeta) -> None:
        with held_folder(path.parent):
            _put(path, data, pretty_json(kept).encode())
            self._metas[kept.id] = kept

    def _delete(self, path: Path, attachment_id: AttachmentId, put_until_ms: int) -> bool:
        with held_folder(path.parent):
            if _put_after(self, attachment_id, put_until_ms):
                return False
            self._metas.pop(attachment_id, None)
            path.unlink(missing_ok=True)
            _sidecar(path).unlink(missing_ok=True)
            return True

    def _files(self) -> Iterator[Path]:
        """Yield what lies where files of attachments may lie, in no order."""
        top = self.root / "sha256"
        try:
            for folder in top.iterdir() if top.is_dir() else ():
                if len(folder.name) == 2 and folder.is_dir():
                    yield from (path for path in folder.iterdir() if path.name.startswith(folder.name))
        except OSError as error:
            raise _unread(top, error) from error

    def _path(self, attachment_id: AttachmentId) -> Path:
        if not _ID.fullmatch(attachment_id):  # never a path: it could lead out of the folder
            raise not_found(attachment_id)
        return self.root / "sha256" / attachment_id[:2] / attachment_id


def _put(path: Path, data: bytes, meta: bytes) -> None:
    sidecar, found = _sidecar(path), _found(path)
    write_whole(sidecar, meta)
    if found is not None and found.st_size == len(data):
        return  # content never changes under its id; bytes that were cut off are no content
    try:
        write_whole(path, data)
    except BaseException:
        if found is None:
            with suppress(OSError):
                sidecar.unlink()
        raise


def _put_after(store: FileAttachmentStore, attachment_id: AttachmentId, put_until_ms: int) -> bool:
    try:
        return store.stat(attachment_id).put_at_epoch_ms > put_until_ms
    except AttachmentStoreError as error:
        if error.variant != "NotFound":
            raise
        return False


def _sidecar(path: Path) -> Path:
    return path.with_suffix(_META)


def _is_draft(name: str) -> bool:
    stem = name.removesuffix(DRAFT)
    return stem != name and bool(_ID.fullmatch(stem.removesuffix(_META)))


def _found(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unread(path, error) from error


class _NoPlainFileError(OSError):
    """Something else lies where a file should be."""


def _size(path: Path) -> int:
    """Return the size of a file; what is no plain file is not to be opened, it could wait for ever."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise _NoPlainFileError("it is no plain file")
    return found.st_size


def _read(path: Path) -> bytes:
    _size(path)
    return path.read_bytes()


def _digest(path: Path) -> tuple[AttachmentId, int]:
    """Hash a file in pieces."""
    size = _size(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), size


def _read_meta(attachment_id: AttachmentId, sidecar: Path) -> AttachmentMeta:
    try:
        return from_json(_read(sidecar), AttachmentMeta)
    except FileNotFoundError:
        raise AttachmentStoreError(
            "MissingMeta",
            f"attachment store metadata is unavailable for `{attachment_id}`: {sidecar.name} is missing; put the bytes again",
            attachment_id=attachment_id,
        ) from None
    except WireError as error:
        raise _io(sidecar, error, "put the bytes again, which writes it anew") from error
    except OSError as error:
        raise _unread(sidecar, error) from error


def _unread(path: Path, error: OSError) -> AttachmentStoreError:
    is_other = isinstance(error, _NoPlainFileError)
    return _io(path, error, "move it away and put the bytes again" if is_other else "allow reading it")


def _io(path: Path, error: Exception, then: str) -> AttachmentStoreError:
    reason = getattr(error, "strerror", None) or error
    return AttachmentStoreError("Io", f"attachment store I/O failed at {path}: {reason}; {then}", path=str(path))
