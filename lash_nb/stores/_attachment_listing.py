"""Which attachments there are, who names them, and whether their bytes are there."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias, overload

from msgspec.structs import replace

from lash_nb.errors import AttachmentStoreError, CallerError, WireError
from lash_nb.stores._attachment_manifest import AttachmentManifestEntry
from lash_nb.stores._attachment_store import AttachmentStore, StoredAttachment
from lash_nb.stores._file_attachments import FileAttachmentStore
from lash_nb.wire import (
    AttachmentId,
    AttachmentRef,
    AttachmentRow,
    AttachmentState,
    SessionNodeRecord,
    from_builtins,
    image_dimensions,
    to_builtins,
)
from lash_nb.words import counted

__all__ = [
    "AttachmentListing",
    "AttachmentReference",
    "attachment_references",
    "read_attachment_folder",
    "session_attachments",
]

_NODE: Final = "node "
_MEASURED: Final = 20_000_000
"""Bytes of an attachment that are read for the dimensions of its picture; those of a larger one are known when they were stated."""
_SHOWN: Final = 8
"""As many ids does an error message name."""

AttachmentReference: TypeAlias = tuple[AttachmentRef, str]
"""An attachment, and who names it: `node m1f2…`, `llm_call 6`."""


class AttachmentListing(Sequence[AttachmentRow]):
    """Attachments as rows, with their bytes on demand.

    Attributes:
        errors: What could not be listed, and why.
    """

    def __init__(
        self,
        rows: Iterable[AttachmentRow],
        load: Callable[[AttachmentId], StoredAttachment],
        errors: Iterable[AttachmentStoreError] = (),
    ) -> None:
        self._rows = tuple(rows)
        self._load = load
        self.errors: Final = tuple(errors)

    def data(self, attachment_id: AttachmentId) -> bytes:
        """Return the bytes of an attachment.

        Raises:
            AttachmentStoreError: they cannot be had.
        """
        return self._load(attachment_id).data

    def find(self, prefix: str) -> AttachmentRow:
        """Return the attachment whose id begins with `prefix`.

        Raises:
            CallerError: there is none, or more than one.
        """
        found = [row for row in self._rows if row.ref.id.startswith(prefix)]
        if len(found) != 1:
            known = found or self._rows
            ids = ", ".join(row.ref.id[:8] for row in known[:_SHOWN]) or "none"
            more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
            raise CallerError(
                f"{len(found) or 'no'} attachments have an id that begins with {prefix!r}; there are: {ids}{more}",
                code="attachment",
            )
        return found[0]

    def save(self, prefix: str, path: str | os.PathLike[str]) -> Path:
        """Write the bytes of an attachment, given by the beginning of its id, to a new file and return its path.

        Raises:
            CallerError: no such attachment, or the file is there already or cannot be written.
            AttachmentStoreError: the bytes cannot be had.
        """
        data, target = self.data(self.find(prefix).ref.id), Path(path)
        try:
            with target.open("xb") as file:
                file.write(data)
        except OSError as error:
            raise CallerError(f"{target} cannot be written: {error.strerror}; choose another path") from error
        except ValueError as error:  # it holds a NUL or half a surrogate
            raise CallerError(f"{str(target)!a} is no path: {error}; choose another one") from error
        return target

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[AttachmentRow]:
        return iter(self._rows)

    @overload
    def __getitem__(self, index: int) -> AttachmentRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[AttachmentRow]: ...
    def __getitem__(self, index: int | slice) -> AttachmentRow | Sequence[AttachmentRow]:
        return self._rows[index]

    def __repr__(self) -> str:
        return f"<AttachmentListing: {counted(len(self), 'attachment')}, {len(self.errors)} unreadable>"


def session_attachments(
    store: AttachmentStore,
    manifest: Iterable[AttachmentManifestEntry],
    references: Iterable[AttachmentReference] = (),
) -> AttachmentListing:
    """List the attachments of a session: those of its manifest in order of intent, then those that are only named.

    An attachment that a stored node names counts as committed even when its manifest entry has no stamp, as databases of the reference have it.
    """
    named = _by_id(references)
    entries = {entry.attachment_id: entry for entry in manifest}
    order = (*entries, *(attachment_id for attachment_id in named if attachment_id not in entries))
    stored, errors = _look_up(order, lambda attachment_id: _measured(store, attachment_id))
    committed = {entry.attachment_id for entry in entries.values() if entry.committed_at_epoch_ms is not None}
    unnamed = (error for error in errors if error.fields.get("attachment_id") not in named)
    return AttachmentListing(_rows(order, stored, named, committed), store.get, unnamed)


def read_attachment_folder(
    path: str | os.PathLike[str], references: Iterable[AttachmentReference] = ()
) -> AttachmentListing:
    """List the attachments of a folder that lash or this library wrote.

    Args:
        path: The folder that holds `sha256/`.
        references: Who names which attachment, e.g. from a trace or a graph; a folder alone does not tell.

    Raises:
        CallerError: there is no such folder, or it holds no `sha256/`.
    """
    if not (Path(path) / "sha256").is_dir():
        raise CallerError(
            f"{path} is no attachment folder: it holds no folder `sha256`; give the `attachments` folder of a session store",
            code="attachment_folder",
        )
    store = FileAttachmentStore(path)
    known, errors = _look_up(store.ids(), store.sidecar)
    stored, _ = _look_up(known, lambda attachment_id: _measured(store, attachment_id))
    named = _by_id(references)
    for attachment_id, ref in known.items():
        named.setdefault(attachment_id, (ref, []))
    return AttachmentListing(_rows(sorted(named), stored, named, set()), store.get, errors)


def attachment_references(nodes: Iterable[SessionNodeRecord]) -> Iterator[AttachmentReference]:
    """Yield each attachment that a node names, in messages, tool values and free payloads alike, with `node ID`."""
    for node in nodes:
        if _may_name(node):
            for ref in _references_in(to_builtins(node)):
                yield ref, f"{_NODE}{node.node_id}"


def _may_name(node: SessionNodeRecord) -> bool:
    """Tell whether a node may name attachments; most messages have nothing but texts."""
    message = node.message
    if message is None:
        return True
    for part in message.parts:  # each field by name: three times as fast as all of them together
        if part.attachment or part.tool_replay or part.reasoning_meta or part.response_meta:
            return True
    return False


_Named: TypeAlias = dict[AttachmentId, tuple[AttachmentRef, list[str]]]


def _by_id(references: Iterable[AttachmentReference]) -> _Named:
    named: _Named = {}
    for ref, who in references:
        users = named.setdefault(ref.id, (ref, []))[1]
        if who not in users:
            users.append(who)
    return named


def _look_up(
    ids: Iterable[AttachmentId], meta: Callable[[AttachmentId], AttachmentRef]
) -> tuple[dict[AttachmentId, AttachmentRef], list[AttachmentStoreError]]:
    found, errors = {}, []
    for attachment_id in ids:
        try:
            found[attachment_id] = meta(attachment_id)
        except AttachmentStoreError as error:
            errors.append(error)
    return found, errors


def _measured(store: AttachmentStore, attachment_id: AttachmentId) -> AttachmentRef:
    """Return the stored meta; dimensions that nobody stated are read from the picture, unless it is very large."""
    meta = store.meta(attachment_id)
    is_stated = meta.width is not None and meta.height is not None
    if is_stated or meta.byte_len > _MEASURED:
        return meta
    size = image_dimensions(store.get(attachment_id).data)
    return replace(meta, width=size[0], height=size[1]) if size else meta


def _rows(
    order: Iterable[AttachmentId],
    stored: Mapping[AttachmentId, AttachmentRef],
    named: _Named,
    committed: set[AttachmentId],
) -> Iterator[AttachmentRow]:
    for attachment_id in order:
        ref, users = named.get(attachment_id, (None, []))
        ref = stored.get(attachment_id, ref)
        if ref is None:
            continue
        is_committed = attachment_id in committed or any(user.startswith(_NODE) for user in users)
        state: AttachmentState = "committed" if is_committed else "intended"
        yield AttachmentRow(ref=ref, state=state if attachment_id in stored else "missing", references=tuple(users))


_HOLDERS: Final = frozenset({dict, list, tuple})
"""Types of plain values that hold others."""
_REF_KEYS: Final = {"id", "media_type", "byte_len"}


def _references_in(value: Any) -> Iterator[AttachmentRef]:
    """Yield the references in a plain value, in the order in which it is written."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            ref = _reference(value) if value.keys() >= _REF_KEYS else None
            if ref is not None:
                yield ref
                continue
            value = list(value.values())
        if isinstance(value, list | tuple):
            waiting += [item for item in reversed(value) if type(item) in _HOLDERS]


def _reference(value: dict[str, Any]) -> AttachmentRef | None:
    """Read what looks like a reference; a payload may look like one and be something else."""
    try:
        return from_builtins(value, AttachmentRef)
    except WireError:
        return None
