"""What happened at a host, told to whoever waits for it (lash 0.1.0-alpha.37, processes §7.2)."""

from msgspec import field

from lash_nb.errors import PluginError
from lash_nb.wire._base import U64, Json, Wire, none, trimmed
from lash_nb.wire._json import stable_hash

__all__ = ["HostEventEmitReport", "HostEventOccurrenceRecord", "HostEventOccurrenceRequest"]


class HostEventOccurrenceRequest(Wire, frozen=True, kw_only=True):
    """Something that happened, on its way into the store."""

    source_type: str
    """Sort of source, e.g. `ui.button.pressed`."""
    source_key: str
    """Which source of that sort."""
    payload: Json = field(default_factory=none)
    """What happened."""
    idempotency_key: str
    """Tells it from all else that ever happens; the same key is the same occurrence."""
    source: Json = None
    """The source itself."""

    def validate(self) -> "HostEventOccurrenceRequest":
        """Return the request.

        Raises:
            PluginError: type, key or idempotency key is blank.
        """
        for name in ("source_type", "source_key", "idempotency_key"):
            if not trimmed(getattr(self, name)):
                raise PluginError("session", f"{name} of a host event is blank; say what happened where")
        return self

    def hash(self) -> str:
        """Return what tells this request from another one with its idempotency key."""
        return stable_hash((self.source_type, self.source_key, self.payload, self.source))

    def recorded(self, now_ms: int) -> "HostEventOccurrenceRecord":
        """Return what is stored of it."""
        identity = stable_hash((self.source_type, self.source_key, self.idempotency_key))
        return HostEventOccurrenceRecord(
            occurrence_id=f"host_event:{identity}",
            source_type=self.source_type,
            source_key=self.source_key,
            payload=self.payload,
            idempotency_key=self.idempotency_key,
            source=self.source,
            occurred_at_ms=now_ms,
        )


class HostEventOccurrenceRecord(Wire, frozen=True, kw_only=True):
    """Something that happened."""

    occurrence_id: str
    """`host_event:` and a hash of source and idempotency key."""
    source_type: str
    """Sort of source."""
    source_key: str
    """Which source."""
    payload: Json = field(default_factory=none)
    """What happened."""
    idempotency_key: str
    """Tells it from all else."""
    source: Json = None
    """The source itself."""
    occurred_at_ms: U64
    """When it was told first, epoch milliseconds."""


class HostEventEmitReport(Wire, frozen=True, kw_only=True):
    """What came of telling it."""

    occurrence_id: str = ""
    """The occurrence."""
    started_process_ids: tuple[str, ...]
    """Processes that it started, in order."""
