"""Stores: what outlives a turn. Ports, and their implementations in memory and in files."""

from lash_nb.stores._artifact_store import InMemoryLashlangArtifactStore, LashlangArtifactStore
from lash_nb.stores._attachment_archive import AttachmentArchive, AttachmentInspection, AttachmentStat
from lash_nb.stores._attachment_check import AttachmentCheck, AttachmentFault, AttachmentFinding, verify_attachments
from lash_nb.stores._attachment_gc import (
    ATTACHMENT_GRACE_MS,
    AttachmentCollection,
    CollectedAttachment,
    collect_attachments,
)
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
from lash_nb.stores._attachment_users import AttachmentUser, session_attachment_user
from lash_nb.stores._file_attachments import FileAttachmentStore
from lash_nb.stores._host_event_store import HostEventStore, InMemoryHostEventStore
from lash_nb.stores._live_replay import (
    LIVE_REPLAY_AGE_MS,
    LIVE_REPLAY_EVENTS,
    InMemoryLiveReplayStore,
    LiveReplayStore,
    LiveReplaySubscription,
)
from lash_nb.stores._memory_attachments import InMemoryAttachmentStore
from lash_nb.stores._memory_session import InMemorySessionStore, InMemorySessionStoreFactory
from lash_nb.stores._observation_event import (
    AgentFrameSwitched,
    Committed,
    LiveReplayGap,
    LiveReplayGapReason,
    ObservedActivity,
    ProcessChanged,
    QueueChanged,
    SessionObservationEvent,
    SessionObservationEventPayload,
)
from lash_nb.stores._process_registry import InMemoryProcessRegistry, ProcessRegistry
from lash_nb.stores._scoped_attachments import SessionScopedAttachmentStore
from lash_nb.stores._session_cursor import SessionCursor, SessionRevision
from lash_nb.stores._session_store import (
    QUEUED_WORK_CLAIM_TTL_MS,
    ActivePath,
    ClaimNote,
    FullGraph,
    GcReport,
    SessionReadScope,
    SessionStore,
    SessionStoreCreateRequest,
    SessionStoreFactory,
    VacuumReport,
)
from lash_nb.stores._sqlite_artifacts import SqliteLashlangArtifactStore
from lash_nb.stores._sqlite_attachment_users import attachment_users
from lash_nb.stores._sqlite_effects import (
    EFFECT_LEASE_TTL_MS,
    EffectReplayKey,
    EffectReplayRow,
    SqliteEffectReplay,
)
from lash_nb.stores._sqlite_factory import SqliteSessionStoreFactory
from lash_nb.stores._sqlite_host_events import SqliteHostEventStore
from lash_nb.stores._sqlite_processes import SqliteProcessRegistry
from lash_nb.stores._sqlite_session import SqliteSessionStore
from lash_nb.stores._store_folder import StoreFolder
from lash_nb.stores._store_reader import StoreReader, open_store
from lash_nb.stores._stored_row import StoredSessionRow
from lash_nb.stores._stored_session import StoredSession

__all__ = [
    "ATTACHMENT_GRACE_MS",
    "EFFECT_LEASE_TTL_MS",
    "LIVE_REPLAY_AGE_MS",
    "LIVE_REPLAY_EVENTS",
    "QUEUED_WORK_CLAIM_TTL_MS",
    "TIER_OF_PERSISTENCE",
    "ActivePath",
    "AgentFrameSwitched",
    "AttachmentArchive",
    "AttachmentCheck",
    "AttachmentCollection",
    "AttachmentFault",
    "AttachmentFinding",
    "AttachmentInspection",
    "AttachmentIntent",
    "AttachmentListing",
    "AttachmentManifest",
    "AttachmentManifestEntry",
    "AttachmentReference",
    "AttachmentStat",
    "AttachmentStore",
    "AttachmentStorePersistence",
    "AttachmentUser",
    "ClaimNote",
    "CollectedAttachment",
    "Committed",
    "EffectReplayKey",
    "EffectReplayRow",
    "FileAttachmentStore",
    "FullGraph",
    "GcReport",
    "HostEventStore",
    "InMemoryAttachmentStore",
    "InMemoryHostEventStore",
    "InMemoryLashlangArtifactStore",
    "InMemoryLiveReplayStore",
    "InMemoryProcessRegistry",
    "InMemorySessionStore",
    "InMemorySessionStoreFactory",
    "LashlangArtifactStore",
    "LiveReplayGap",
    "LiveReplayGapReason",
    "LiveReplayStore",
    "LiveReplaySubscription",
    "ObservedActivity",
    "ProcessChanged",
    "ProcessRegistry",
    "QueueChanged",
    "SessionCursor",
    "SessionObservationEvent",
    "SessionObservationEventPayload",
    "SessionReadScope",
    "SessionRevision",
    "SessionScopedAttachmentStore",
    "SessionStore",
    "SessionStoreCreateRequest",
    "SessionStoreFactory",
    "SqliteEffectReplay",
    "SqliteHostEventStore",
    "SqliteLashlangArtifactStore",
    "SqliteProcessRegistry",
    "SqliteSessionStore",
    "SqliteSessionStoreFactory",
    "StoreFolder",
    "StoreReader",
    "StoredAttachment",
    "StoredSession",
    "StoredSessionRow",
    "VacuumReport",
    "attachment_references",
    "attachment_users",
    "collect_attachments",
    "open_store",
    "read_attachment_folder",
    "resolve_llm_request_attachments",
    "session_attachment_user",
    "session_attachments",
    "verify_attachments",
]
