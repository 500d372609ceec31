"""Collection of attachments that nobody needs any more (lash 0.1.0-alpha.37, sessions §12.3, with the corrections of §17.2).

Bytes are shared by all sessions that put them, so every one of those sessions is asked. Bytes stay when any session mentions them, when a
manifest has them as committed, or when they were put, or meant to be put, within the grace time: a turn that is still running names its
attachments only when it commits.

A collection may stop anywhere: bytes go first, then the manifest entries; what is left is found by the next one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from lash_nb.clock import NS_PER_MS, Clock, SystemClock
from lash_nb.errors import AttachmentStoreError, StoreError
from lash_nb.stores._attachment_archive import AttachmentArchive, AttachmentStat
from lash_nb.stores._attachment_users import AttachmentUser
from lash_nb.wire import AttachmentId
from lash_nb.words import counted

__all__ = [
    "ATTACHMENT_GRACE_MS",
    "AttachmentCollection",
    "CollectedAttachment",
    "collect_attachments",
]

ATTACHMENT_GRACE_MS: Final = 86_400_000
"""How long bytes that nobody names are kept: a day, in milliseconds."""


@dataclass(frozen=True, kw_only=True)
class CollectedAttachment:
    """Bytes or intents that a collection deletes."""

    attachment_id: AttachmentId
    """The attachment."""
    byte_len: int
    """Bytes that become free; 0 when there were none."""
    put_at_epoch_ms: int | None
    """When the bytes were put for the last time, epoch milliseconds; None when there were none."""
    intended_by: tuple[str, ...]
    """Whose manifests had it as intended."""


@dataclass(frozen=True, kw_only=True)
class AttachmentCollection:
    """What a collection did, or would do."""

    rows: tuple[CollectedAttachment, ...]
    """What is deleted, by id."""
    dry_run: bool
    """Whether nothing was changed."""
    kept_needed: int
    """Attachments that a session mentions or has committed."""
    kept_young: int
    """Attachments that nobody needs, or not yet, and that are younger than the grace time."""
    draft_count: int
    """Half-written files that writers left when they died; they are deleted too."""
    errors: tuple[AttachmentStoreError | StoreError, ...] = ()
    """What could not be deleted, and why; the next collection tries again."""

    @property
    def byte_count(self) -> int:
        """Bytes that become free, drafts aside."""
        return sum(row.byte_len for row in self.rows)

    def __repr__(self) -> str:
        freed = f"{counted(len(self.rows), 'attachment')} of {counted(self.byte_count, 'byte')}"
        verb = "would delete" if self.dry_run else "deleted"
        failed = f"; {counted(len(self.errors), 'failure')}" if self.errors else ""
        drafts = f" and {counted(self.draft_count, 'draft')}" if self.draft_count else ""
        kept = f"keeps {self.kept_needed:,} needed and {self.kept_young:,} young"
        return f"<AttachmentCollection: {verb} {freed}{drafts}, {kept}{failed}>"


async def collect_attachments(
    store: AttachmentArchive,
    users: Iterable[AttachmentUser],
    *,
    grace_ms: int = ATTACHMENT_GRACE_MS,
    dry_run: bool = True,
    clock: Clock | None = None,
) -> AttachmentCollection:
    """Delete attachments that nobody needs; by default, only say which.

    Args:
        store: Where the bytes are.
        users: All who may name attachments of that store; one that is left out loses its attachments.
        grace_ms: Bytes and intents that are younger are kept.
        dry_run: Change nothing.
        clock: What time it is.

    Raises:
        StoreError: one of the users cannot be read; nothing is deleted.
        AttachmentStoreError: the store cannot be listed; nothing is deleted.
    """
    until = (clock or SystemClock()).now_ns() // NS_PER_MS - grace_ms
    survey = _Survey(store, tuple(users), until)
    await survey.follow_mentions()
    rows = tuple(survey.row(attachment_id) for attachment_id in sorted(survey.doomed))
    if not dry_run:
        rows = tuple(row for row in rows if survey.delete(row.attachment_id))
    drafts = survey.sweep_drafts(dry_run=dry_run)
    return AttachmentCollection(
        rows=rows,
        dry_run=dry_run,
        kept_needed=len(survey.stats.keys() & survey.needed),
        kept_young=len(survey.stats.keys() - survey.needed - survey.doomed),
        draft_count=drafts,
        errors=tuple(survey.errors),
    )


@dataclass
class _Survey:
    """What there is, and who needs it."""

    store: AttachmentArchive
    users: tuple[AttachmentUser, ...]
    until: int
    stats: dict[AttachmentId, AttachmentStat] = field(init=False)
    needed: set[AttachmentId] = field(init=False, default_factory=set)
    doomed: set[AttachmentId] = field(init=False, default_factory=set)
    stale: dict[AttachmentId, list[AttachmentUser]] = field(init=False, default_factory=dict)
    """Who has an old intent that no commit confirmed."""
    errors: list[AttachmentStoreError | StoreError] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        # Bytes before names: who names bytes has put them before, so whatever is put from here on is not in the list, or is young.
        self.stats = dict(_stats(self.store))
        young = {key for key, stat in self.stats.items() if stat.put_at_epoch_ms > self.until}
        for user in self.users:
            for entry in user.list_attachments():
                if entry.committed_at_epoch_ms is not None:
                    self.needed.add(entry.attachment_id)
                elif entry.intent_at_epoch_ms > self.until:
                    young.add(entry.attachment_id)
                else:
                    self.stale.setdefault(entry.attachment_id, []).append(user)
        self.doomed = (self.stats.keys() | self.stale.keys()) - self.needed - young

    async def follow_mentions(self) -> None:
        """Keep what anybody mentions."""
        for user in self.users:
            mentioned = await user.mentioned(self.stats.keys() | self.stale.keys())
            self.needed |= mentioned
            self.doomed -= mentioned

    def row(self, attachment_id: AttachmentId) -> CollectedAttachment:
        stat = self.stats.get(attachment_id)
        return CollectedAttachment(
            attachment_id=attachment_id,
            byte_len=stat.byte_len or 0 if stat else 0,
            put_at_epoch_ms=stat.put_at_epoch_ms if stat else None,
            intended_by=tuple(user.name for user in self.stale.get(attachment_id, ())),
        )

    def delete(self, attachment_id: AttachmentId) -> bool:
        """Delete bytes, then intents; return whether all of it is gone."""
        try:
            if attachment_id in self.stats and not self.store.delete(attachment_id, put_until_ms=self.until):
                self.doomed.discard(attachment_id)  # somebody put it again meanwhile
                return False
            for user in self.stale.get(attachment_id, ()):
                user.forget(attachment_id)
        except (AttachmentStoreError, StoreError) as error:
            self.errors.append(error)
            return False
        return True

    def sweep_drafts(self, *, dry_run: bool) -> int:
        try:
            return self.store.sweep_drafts(put_until_ms=self.until, dry_run=dry_run)
        except AttachmentStoreError as error:
            self.errors.append(error)
            return 0


def _stats(store: AttachmentArchive) -> Iterable[tuple[AttachmentId, AttachmentStat]]:
    for attachment_id in store.ids():
        try:
            yield attachment_id, store.stat(attachment_id)
        except AttachmentStoreError as error:
            if error.variant != "NotFound":  # else somebody deleted it meanwhile
                raise
