"""The plugins of a core, and how they become those of a session (lash 0.1.0-alpha.37, turns §14.1)."""

from collections.abc import Callable, Iterable, Iterator
from weakref import WeakValueDictionary

from lash_nb.errors import LashError, PluginError
from lash_nb.plugins._builtin import lash_triggers
from lash_nb.plugins._plugin import PluginBuildContext, PluginFactory, SessionPlugin
from lash_nb.plugins._plugin_session import PluginSession
from lash_nb.plugins._registrar import PluginRegistrar
from lash_nb.wire import PluginSessionSnapshot, SessionToolAccess, SubagentSessionContext

__all__ = ["PluginHost", "PluginStack"]

_ALL_TOOLS = SessionToolAccess()


class PluginStack:
    """Plugins in order, to be changed before a host is made of them."""

    def __init__(self, factories: Iterable[PluginFactory] = ()) -> None:
        self._factories = list(factories)

    def __iter__(self) -> Iterator[PluginFactory]:
        return iter(self._factories)

    def __len__(self) -> int:
        return len(self._factories)

    def __repr__(self) -> str:
        return f"PluginStack({', '.join(factory.id for factory in self._factories)})"

    def push(self, factory: PluginFactory) -> None:
        """Add a plugin at the end."""
        self._factories.append(factory)

    def extend(self, factories: Iterable[PluginFactory]) -> None:
        """Add plugins at the end."""
        self._factories.extend(factories)

    def remove(self, id: str) -> bool:
        """Remove the plugins of that id; return whether there were any."""
        before = len(self._factories)
        self.retain(lambda factory: factory.id != id)
        return len(self._factories) < before

    def replace(self, id: str, factory: PluginFactory) -> bool:
        """Put `factory` in the place of the plugin of that id; return whether there was one."""
        place = next((at for at, held in enumerate(self._factories) if held.id == id), None)
        if place is not None:
            self._factories[place] = factory
        return place is not None

    def retain(self, keep: Callable[[PluginFactory], bool]) -> None:
        """Keep only the plugins for which `keep` is true."""
        self._factories = [factory for factory in self._factories if keep(factory)]


class PluginHost:
    """Builds the plugins of every session of a core; `lash.triggers` comes first unless a factory has its id."""

    def __init__(self, factories: Iterable[PluginFactory]) -> None:
        given = tuple(factories)
        triggers = lash_triggers()
        own = () if any(factory.id == triggers.id for factory in given) else (triggers,)
        self.factories: tuple[PluginFactory, ...] = (*own, *given)
        """All plugins in order."""
        self._live: WeakValueDictionary[str, PluginSession] = WeakValueDictionary()

    def __repr__(self) -> str:
        return f"PluginHost({', '.join(factory.id for factory in self.factories)})"

    def build_session(
        self,
        session_id: str,
        snapshot: PluginSessionSnapshot | None = None,
        *,
        tool_access: SessionToolAccess = _ALL_TOOLS,
        subagent: SubagentSessionContext | None = None,
        parent_session_id: str | None = None,
    ) -> PluginSession:
        """Build every plugin for a session, in order, and give it its stored state.

        Raises:
            PluginError: a plugin failed or two clash, no protocol is among them, or the session id is in use.
            ToolRegistryError: two tools clash.
        """
        context = PluginBuildContext(
            session_id=session_id, tool_access=tool_access, subagent=subagent, parent_session_id=parent_session_id
        )
        registrar = PluginRegistrar()
        plugins = [_registered(factory, context, registrar) for factory in self.factories]
        session = PluginSession(session_id, plugins, registrar, self._live, tool_access)
        self._register(session)
        try:
            for plugin in plugins:
                plugin.session_ready()
            if snapshot is not None:
                session.restore(snapshot)
        except BaseException:
            session.unregister()
            raise
        return session

    def _register(self, session: PluginSession) -> None:
        if session.session_id in self._live:
            raise PluginError(
                "session", f"session `{session.session_id}` is open already; close the other handle first"
            )
        self._live[session.session_id] = session


def _registered(factory: PluginFactory, context: PluginBuildContext, registrar: PluginRegistrar) -> SessionPlugin:
    registrar.begin(factory.id)
    try:
        plugin = factory.build(context)
        plugin.register(registrar)
    except LashError:
        raise
    except Exception as error:
        detail = f"`{factory.id}` raised {type(error).__name__}: {error}"
        raise PluginError("registration", detail) from error
    return plugin
