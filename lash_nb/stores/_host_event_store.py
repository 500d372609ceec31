"""Who keeps what happened at a host, and whom it starts (lash 0.1.0-alpha.37, processes §7.3)."""

from typing import Protocol

from lash_nb.wire import DurabilityTier

__all__ = ["HostEventStore", "InMemoryHostEventStore"]


class HostEventStore(Protocol):
    """Keeps trigger subscriptions and occurrences; so far only its tier is asked for."""

    @property
    def durability_tier(self) -> DurabilityTier:
        """Whether what it keeps outlives the process."""
        ...


class InMemoryHostEventStore:
    """A store as long as the process lives."""

    durability_tier: DurabilityTier = "inline"
