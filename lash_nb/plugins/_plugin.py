"""What a plugin is (lash 0.1.0-alpha.37, turns §14.1).

A factory lives as long as its host and builds one `SessionPlugin` per session; that one registers what it brings, and its state is
stored with the session.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from lash_nb.plugins._registrar import PluginRegistrar
from lash_nb.wire import PluginMeta, PluginSnapshot, SessionToolAccess, SubagentSessionContext

__all__ = ["STATE", "PluginBuildContext", "PluginFactory", "SessionPlugin", "StaticPlugin", "keeps_no_state"]

_ALL_TOOLS = SessionToolAccess()
STATE: Final = frozenset(("version", "snapshot", "snapshot_revision"))
"""What tells a plugin's state: in one plugin's own fields it may change at any time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginBuildContext:
    """The session for which a plugin is built."""

    session_id: str
    """The session."""
    tool_access: SessionToolAccess = _ALL_TOOLS
    """Which tools it gets."""
    subagent: SubagentSessionContext | None = None
    """Set for subagents."""
    parent_session_id: str | None = None
    """The session above it."""


class SessionPlugin:
    """A plugin in one session; the answers that stand here are those of a plugin that brings nothing and has no state."""

    id: str
    """Names the plugin in snapshots."""
    version: str = "1"
    """Version of its state."""

    def register(self, registrar: PluginRegistrar) -> None:
        """Bring what the plugin has: tools, hooks, capabilities."""

    def snapshot_revision(self) -> int:
        """Return a number that counts the changes of the plugin's state."""
        return 0

    def snapshot(self) -> PluginSnapshot:
        """Return the plugin's state."""
        meta = PluginMeta(plugin_id=self.id, plugin_version=self.version, revision=self.snapshot_revision())
        return PluginSnapshot(meta=meta)

    def restore(self, snapshot: PluginSnapshot) -> None:
        """Take over a stored state; an empty one when none was stored."""

    def session_ready(self) -> None:
        """Learn that every plugin is registered."""


def keeps_no_state(plugin: SessionPlugin) -> bool:
    """Tell whether a plugin answers for its state as `SessionPlugin` does: always the same, as long as `STATE` stays out of its fields."""
    kind = type(plugin)
    return (
        getattr(kind, "snapshot", None) is SessionPlugin.snapshot
        and getattr(kind, "snapshot_revision", None) is SessionPlugin.snapshot_revision
        and isinstance(getattr(kind, "version", None), str)
    )


class PluginFactory(Protocol):
    """Builds a plugin for each session."""

    @property
    def id(self) -> str:
        """Names the plugin; unique in a host."""
        ...

    def build(self, context: PluginBuildContext) -> SessionPlugin:
        """Return the plugin of one session."""
        ...


class StaticPlugin(SessionPlugin):
    """A plugin without state, its own factory: it registers the same in every session."""

    def __init__(self, id: str, register: Callable[[PluginRegistrar], None]) -> None:
        self.id = id
        self._register = register

    def __repr__(self) -> str:
        return f"StaticPlugin({self.id!r})"

    def build(self, context: PluginBuildContext) -> SessionPlugin:  # noqa: ARG002 - the same in every session
        """Return itself."""
        return self

    def register(self, registrar: PluginRegistrar) -> None:
        """Bring what it was given to bring."""
        self._register(registrar)
