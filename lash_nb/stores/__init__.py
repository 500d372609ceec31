"""Stores: what outlives a turn. Ports, and their implementations in memory and in files."""

from lash_nb.stores._artifact_store import InMemoryLashlangArtifactStore, LashlangArtifactStore
from lash_nb.stores._attachment_archive import AttachmentArchive, AttachmentInspection, AttachmentStat
from lash_nb.stores._attachment_listing import (
    AttachmentListing,
    AttachmentReference,
    attachment_references,
    read_attachment_folder,
    session_attachments,
)
from lash_nb.stores._attachment_manifest import AttachmentIntent, AttachmentManifest, AttachmentManifestEntry
from lash_nb.stores._attachment_store import (
    TIER_OF_PERSISTENCE,
    AttachmentStore,
    AttachmentStorePersistence,
    StoredAttachment,
    resolve_llm_request_attachments,
)
from lash_nb.stores._file_attachments import FileAttachmentStore
from lash_nb.stores._memory_attachments import InMemoryAttachmentStore
from lash_nb.stores._memory_session import InMemorySessionStore, InMemorySessionStoreFactory
from lash_nb.stores._scoped_attachments import SessionScopedAttachmentStore
from lash_nb.stores._session_store import (
    QUEUED_WORK_CLAIM_TTL_MS,
    ActivePath,
    FullGraph,
    GcReport,
    SessionReadScope,
    SessionStore,
    SessionStoreCreateRequest,
    SessionStoreFactory,
    VacuumReport,
)

__all__ = [
    "QUEUED_WORK_CLAIM_TTL_MS",
    "TIER_OF_PERSISTENCE",
    "ActivePath",
    "AttachmentArchive",
    "AttachmentInspection",
    "AttachmentIntent",
    "AttachmentListing",
    "AttachmentManifest",
    "AttachmentManifestEntry",
    "AttachmentReference",
    "AttachmentStat",
    "AttachmentStore",
    "AttachmentStorePersistence",
    "FileAttachmentStore",
    "FullGraph",
    "GcReport",
    "InMemoryAttachmentStore",
    "InMemoryLashlangArtifactStore",
    "InMemorySessionStore",
    "InMemorySessionStoreFactory",
    "LashlangArtifactStore",
    "SessionReadScope",
    "SessionScopedAttachmentStore",
    "SessionStore",
    "SessionStoreCreateRequest",
    "SessionStoreFactory",
    "StoredAttachment",
    "VacuumReport",
    "attachment_references",
    "read_attachment_folder",
    "resolve_llm_request_attachments",
    "session_attachments",
]
