"""Who keeps what happened at a host, and whom it starts (lash 0.1.0-alpha.37, processes §7.3)."""

from typing import Protocol

from lash_nb.clock import NS_PER_MS, Clock, SystemClock
from lash_nb.errors import PluginError
from lash_nb.wire import DurabilityTier, HostEventOccurrenceRecord, HostEventOccurrenceRequest

__all__ = ["HostEventStore", "InMemoryHostEventStore", "key_conflict"]


class HostEventStore(Protocol):
    """Keeps occurrences and trigger subscriptions; so far only what telling of an occurrence needs."""

    @property
    def durability_tier(self) -> DurabilityTier:
        """Whether what it keeps outlives the process."""
        ...

    async def record_occurrence(self, request: HostEventOccurrenceRequest) -> HostEventOccurrenceRecord:
        """Keep an occurrence; one that was told before is the one that was kept then.

        Raises:
            PluginError: the request is not valid, or its idempotency key belongs to something else that happened.
            StoreError: it cannot be read or written.
        """
        ...

    async def count_subscribers(self, occurrence: HostEventOccurrenceRecord) -> int:
        """Return how many triggers wait for it and were not told of it yet.

        Raises:
            StoreError: as above.
        """
        ...


def key_conflict(request: HostEventOccurrenceRequest) -> PluginError:
    """Return the error of a key that is taken."""
    told = f"idempotency conflict: key {request.idempotency_key!r} belongs to something else that happened"
    return PluginError("session", f"{told}; keys are global to the store, take another one")


class InMemoryHostEventStore:
    """A store as long as the process lives. Nothing registers a trigger yet, so nobody waits for what happens."""

    durability_tier: DurabilityTier = "inline"

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._occurrences: dict[str, tuple[str, HostEventOccurrenceRecord]] = {}

    async def record_occurrence(self, request: HostEventOccurrenceRequest) -> HostEventOccurrenceRecord:
        """Keep an occurrence."""
        made = request.validate().recorded(self._clock.now_ns() // NS_PER_MS)
        known_hash, kept = self._occurrences.setdefault(request.idempotency_key, (request.hash(), made))
        if known_hash != request.hash():
            raise key_conflict(request)
        return kept

    async def count_subscribers(self, occurrence: HostEventOccurrenceRecord) -> int:  # noqa: ARG002 - as the port asks
        """Return 0."""
        return 0
