"""Who runs background processes, and who is told that there is work (lash 0.1.0-alpha.37, facade §2.5; processes §8)."""

from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from lash_nb.core._background import unavailable
from lash_nb.core._host_config import RuntimeHostConfig
from lash_nb.plugins import PluginHost
from lash_nb.runtime import Residency
from lash_nb.stores import HostEventStore, ProcessRegistry, SessionStoreFactory
from lash_nb.wire import SessionPolicy

__all__ = [
    "DurableProcessWorkerConfig",
    "InlineProcessWork",
    "ProcessWorkDriver",
    "ProcessWorkObserver",
    "ProcessWorkPoke",
    "ProcessWorkSource",
    "QueuedWorkPoke",
]


class ProcessWorkPoke(Protocol):
    """Wakes whoever runs background processes; losing one costs time, nothing else."""

    def poke(self) -> None:
        """Say that a process waits."""
        ...


class QueuedWorkPoke(Protocol):
    """Wakes whoever runs queued turns; losing one costs time, nothing else."""

    def poke_session(self, session_id: str, reason: str) -> None:
        """Say that there is queued work for a session, and what sort: `queued_turn_input` or `session_command`."""
        ...


class _PendingRunner:
    """Stands where this core will run processes itself; none can be started, so that only waking it by hand gets as far as this."""

    def poke(self) -> None:
        raise unavailable("running background processes")


@dataclass(frozen=True, slots=True)
class InlineProcessWork:
    """Processes that this core runs itself."""

    process_registry: ProcessRegistry
    """Knows them."""
    poke_handle: ProcessWorkPoke = field(default_factory=_PendingRunner)
    """Wakes who runs them."""


@dataclass(frozen=True, slots=True)
class ProcessWorkDriver:
    """Processes that somebody else runs."""

    process_registry: ProcessRegistry
    """Knows them."""
    poke_handle: ProcessWorkPoke
    """Wakes who runs them."""


ProcessWorkSource: TypeAlias = InlineProcessWork | ProcessWorkDriver
"""Whose processes they are."""


@dataclass(frozen=True, slots=True)
class ProcessWorkObserver:
    """Looks at the background processes of a core."""

    process_registry: ProcessRegistry
    """Knows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DurableProcessWorkerConfig:
    """All that a worker needs to run the processes of a core in another place."""

    plugin_host: PluginHost
    """Builds tools and protocol of the default mode."""
    runtime_host: RuntimeHostConfig
    """What the host gives."""
    session_policy: SessionPolicy
    """What sessions do unless they say otherwise."""
    session_store_factory: SessionStoreFactory
    """Where sessions are kept."""
    process_registry: ProcessRegistry
    """Knows the processes."""
    host_event_store: HostEventStore
    """Triggers: the core's own, so that both sides see the same."""
    residency: Residency
    """Which nodes of a session stay in memory."""
