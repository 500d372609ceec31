"""Whether attachments are what their ids promise: every byte is hashed again, every sidecar read, every reference followed."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from lash_nb.stores._attachment_archive import AttachmentArchive, AttachmentInspection
from lash_nb.stores._attachment_users import AttachmentUser
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
    """Which nodes name the attachment, as in `node m1f2… of main`."""


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


async def verify_attachments(
    store: AttachmentArchive, users: Iterable[AttachmentUser] | None = None
) -> AttachmentCheck:
    """Check all attachments of a store; bytes are read in pieces, one file at a time, and nothing is changed.

    Args:
        store: Where the bytes are.
        users: All who may name attachments of that store; when nobody is given, nothing counts as orphaned.

    Raises:
        AttachmentStoreError: `Io`, when the store cannot be listed.
        StoreError: one of the users cannot be read.
    """
    stored = set(store.ids())
    naming = await _asked(users, stored)
    rows: list[AttachmentFinding] = []
    ids, byte_count = sorted(stored | naming.users.keys() | naming.committed.keys()), 0
    for attachment_id in ids:
        found = await asyncio.to_thread(store.inspect, attachment_id)
        byte_count += found.byte_len or 0
        references = tuple(naming.users.get(attachment_id, ()))
        rows.extend(
            AttachmentFinding(attachment_id=attachment_id, fault=fault, detail=detail, references=references)
            for fault, detail in _faults(attachment_id, found, naming)
        )
    return AttachmentCheck(rows=tuple(rows), attachment_count=len(ids), byte_count=byte_count)


@dataclass
class _Naming:
    """Who names what."""

    known: bool
    """Whether anybody was asked."""
    users: dict[AttachmentId, list[str]] = field(default_factory=dict)
    """The nodes that name it."""
    committed: dict[AttachmentId, bool] = field(default_factory=dict)
    """What is in a manifest, and whether a commit stamped it."""
    mentioned: set[AttachmentId] = field(default_factory=set)
    """What somebody mentions anywhere else."""

    def needs(self, attachment_id: AttachmentId) -> bool:
        """Return whether a session would miss it."""
        return (
            attachment_id in self.users or attachment_id in self.mentioned or self.committed.get(attachment_id, False)
        )


async def _asked(users: Iterable[AttachmentUser] | None, stored: AbstractSet[AttachmentId]) -> _Naming:
    naming = _Naming(known=users is not None)
    for user in users or ():
        for entry in user.list_attachments():
            stamped = entry.committed_at_epoch_ms is not None
            naming.committed[entry.attachment_id] = stamped or naming.committed.get(entry.attachment_id, False)
        for ref, who in await user.references():
            nodes = naming.users.setdefault(ref.id, [])
            told = f"{who} of {user.name}"
            if told not in nodes[-1:]:  # a node that names an attachment twice does so in a row
                nodes.append(told)
        naming.mentioned |= await user.mentioned(stored | naming.committed.keys())
    return naming


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
    if naming.known and not naming.needs(attachment_id) and attachment_id not in naming.committed:
        yield "orphaned", "no session names it; collect attachments to delete it"


def _without_bytes(attachment_id: AttachmentId, found: AttachmentInspection, naming: _Naming) -> _Fault:
    if found.data_error is not None and found.data_error.variant != "NotFound":
        return "unreadable", found.data_error.message
    if naming.needs(attachment_id):
        return "missing", "a session names it and the bytes are not there; restore them from a copy or put them again"
    if attachment_id in naming.committed:
        return "unwritten", "the session stopped before it wrote the bytes; collect attachments to forget that"
    if naming.known:
        return "orphaned", "there is a meta without bytes, and no session names it; collect attachments to delete it"
    return "missing", "there is a meta without bytes; restore the bytes from a copy or put them again"


def _false_meta(attachment_id: AttachmentId, found: AttachmentInspection) -> Iterator[_Fault]:
    meta = found.meta
    if meta is not None and (meta.id, meta.byte_len) != (attachment_id, found.byte_len):
        told = f"{counted(meta.byte_len, 'byte')} of {meta.id}, and there are {counted(found.byte_len or 0, 'byte')}"
        yield "broken_sidecar", f"the meta tells of {told}; put the bytes again, which writes it anew"
