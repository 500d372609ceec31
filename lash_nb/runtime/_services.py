"""What a runtime is assembled from, and what is left of a parked one (lash 0.1.0-alpha.37, sessions §14.2 and §14.5)."""

from dataclasses import dataclass

from lash_nb.plugins import PluginSession
from lash_nb.runtime._environment import ProcessRegistry, RuntimeEnvironment
from lash_nb.stores import SessionStore
from lash_nb.wire import SessionPolicy

__all__ = [
    "EmbeddedRuntimeHost",
    "ParkedSession",
    "PersistentRuntimeServices",
    "ProcessRuntimeHost",
    "RuntimeServices",
]


@dataclass(frozen=True, slots=True)
class EmbeddedRuntimeHost:
    """A host that runs turns and nothing beside them."""

    environment: RuntimeEnvironment
    """What the host gives."""


@dataclass(frozen=True, slots=True)
class ProcessRuntimeHost:
    """A host that also runs background processes."""

    environment: RuntimeEnvironment
    """What the host gives."""
    process_registry: ProcessRegistry
    """Who knows the processes."""


@dataclass(frozen=True, slots=True)
class RuntimeServices:
    """What one session works with when nothing of it is stored."""

    plugins: PluginSession
    """Its plugins."""


@dataclass(frozen=True, slots=True)
class PersistentRuntimeServices:
    """What one session works with when it is stored."""

    plugins: PluginSession
    """Its plugins."""
    store: SessionStore
    """Its store."""


@dataclass(frozen=True, slots=True)
class ParkedSession:
    """A session that is in its store and nowhere else: all that is needed to resume it."""

    session_id: str
    """The session."""
    store: SessionStore
    """Its store; nothing of it is held open."""
    policy: SessionPolicy
    """What it was run with."""
