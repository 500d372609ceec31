"""Whether attachments are what their ids promise: every byte is hashed again, every sidecar read, every reference followed."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from lash_nb.stores._attachment_archive import AttachmentArchive, AttachmentInspection
from lash_nb.stores._attachment_listing import AttachmentReference
from lash_nb.stores._attachment_manifest import AttachmentManifestEntry
from lash_nb.wire import AttachmentId
from lash_nb.words import counted

__all__ = ["AttachmentCheck", "AttachmentFault", "AttachmentFinding", "verify_attachments"]

AttachmentFault: TypeAlias = Literal[
    "mismatch", "missing", "unreadable", "missing_sidecar", "broken_sidecar", "orphaned", "unwritten"
]
"""What is wrong with an attachment.

* `mismatch`: the bytes hash to another id than the one under which they lie.
* `missing`: somebody names it, or a meta tells of it, and there are no bytes.
* `unreadable`: the bytes cannot be read.
* `missing_sidecar`, `broken_sidecar`: the meta is not there, cannot be read, or is that of other bytes.
* `orphaned`: bytes that nobody names; a collection deletes them once they are old. No harm is done.
* `unwritten`: a session said that it would write the bytes and did not; a collection forgets that. No harm is done.
"""

_HARMLESS: Final[frozenset[AttachmentFault]] = frozenset({"orphaned", "unwritten"})


@dataclass(frozen=True, kw_only=True)
class AttachmentFinding:
    """One thing that is wrong with one attachment."""

    attachment_id: AttachmentId
    """The attachment."""
    fault: AttachmentFault
    """What is wrong."""
    detail: str
    """What was found, then what to do."""
    references: tuple[str, ...] = ()
    """Who names the attachment, as in `node m1f2…`."""


@dataclass(frozen=True, kw_only=True)
class AttachmentCheck:
    """What a check found."""

    rows: tuple[AttachmentFinding, ...]
    """What is wrong, by id."""
    attachment_count: int
    """Attachments that were looked at."""
    byte_count: int
    """Bytes that were hashed."""

    @property
    def ok(self) -> bool:
        """Whether nothing is lost or broken; orphaned bytes and intents that came to nothing are neither."""
        return all(row.fault in _HARMLESS for row in self.rows)

    def __repr__(self) -> str:
        faults = Counter(row.fault for row in self.rows)
        found = ", ".join(f"{count:,} {fault}" for fault, count in sorted(faults.items())) or "nothing is wrong"
        looked_at = f"{counted(self.attachment_count, 'attachment')}, {counted(self.byte_count, 'byte')} hashed"
        return f"<AttachmentCheck: {looked_at}: {found}>"


def verify_attachments(
    store: AttachmentArchive,
    manifest: Iterable[AttachmentManifestEntry] | None = None,
    references: Iterable[AttachmentReference] | None = None,
) -> AttachmentCheck:
    """Check all attachments of a store; bytes are read in pieces, one file at a time, and nothing is changed.

    Args:
        store: Where the bytes are.
        manifest: The manifest entries of all sessions that share the store.
        references: Who names which attachment, of all those sessions; without manifest and references nothing counts as orphaned.

    Raises:
        AttachmentStoreError: `Io`, when the store cannot be listed.
    """
    naming = _Naming(manifest, references)
    rows: list[AttachmentFinding] = []
    ids, byte_count = sorted({*store.ids(), *naming.ids()}), 0
    for attachment_id in ids:
        found = store.inspect(attachment_id)
        byte_count += found.byte_len or 0
        rows.extend(
            AttachmentFinding(
                attachment_id=attachment_id, fault=fault, detail=detail, references=naming.users(attachment_id)
            )
            for fault, detail in _faults(attachment_id, found, naming)
        )
    return AttachmentCheck(rows=tuple(rows), attachment_count=len(ids), byte_count=byte_count)


class _Naming:
    """Who names what."""

    def __init__(
        self,
        manifest: Iterable[AttachmentManifestEntry] | None,
        references: Iterable[AttachmentReference] | None,
    ) -> None:
        self.known: Final = manifest is not None or references is not None
        self._users: dict[AttachmentId, list[str]] = {}
        self._committed: dict[AttachmentId, bool] = {}
        for entry in manifest or ():
            stamped = entry.committed_at_epoch_ms is not None
            self._committed[entry.attachment_id] = stamped or self._committed.get(entry.attachment_id, False)
        for ref, who in references or ():
            users = self._users.setdefault(ref.id, [])
            if who not in users[-1:]:  # a node names a picture twice in a row, never again later
                users.append(who)

    def ids(self) -> Iterable[AttachmentId]:
        return {*self._users, *self._committed}

    def users(self, attachment_id: AttachmentId) -> tuple[str, ...]:
        return tuple(self._users.get(attachment_id, ()))

    def needs(self, attachment_id: AttachmentId) -> bool:
        """Return whether a node or a stamped entry names it."""
        return attachment_id in self._users or self._committed.get(attachment_id, False)

    def intends(self, attachment_id: AttachmentId) -> bool:
        return attachment_id in self._committed


_Fault: TypeAlias = tuple[AttachmentFault, str]


def _faults(attachment_id: AttachmentId, found: AttachmentInspection, naming: _Naming) -> Iterator[_Fault]:
    if found.digest is None:
        yield _without_bytes(attachment_id, found, naming)
        return
    if found.digest != attachment_id:
        yield "mismatch", f"the bytes are those of {found.digest}; restore them from a copy, or delete them"
    if found.meta_error is not None:
        missing = found.meta_error.variant == "MissingMeta"
        yield "missing_sidecar" if missing else "broken_sidecar", found.meta_error.message
    elif found.digest == attachment_id:
        yield from _false_meta(attachment_id, found)
    if naming.known and not naming.needs(attachment_id) and not naming.intends(attachment_id):
        yield "orphaned", "no session names it; collect attachments to delete it"


def _without_bytes(attachment_id: AttachmentId, found: AttachmentInspection, naming: _Naming) -> _Fault:
    if found.data_error is not None and found.data_error.variant != "NotFound":
        return "unreadable", found.data_error.message
    if naming.needs(attachment_id):
        return "missing", "a session names it and the bytes are not there; restore them from a copy or put them again"
    if naming.intends(attachment_id):
        return "unwritten", "the session stopped before it wrote the bytes; collect attachments to forget that"
    if naming.known:
        return "orphaned", "there is a meta without bytes, and no session names it; collect attachments to delete it"
    return "missing", "there is a meta without bytes; restore the bytes from a copy or put them again"


def _false_meta(attachment_id: AttachmentId, found: AttachmentInspection) -> Iterator[_Fault]:
    meta = found.meta
    if meta is not None and (meta.id, meta.byte_len) != (attachment_id, found.byte_len):
        told = f"{counted(meta.byte_len, 'byte')} of {meta.id}, and there are {counted(found.byte_len or 0, 'byte')}"
        yield "broken_sidecar", f"the meta tells of {told}; put the bytes again, which writes it anew"
