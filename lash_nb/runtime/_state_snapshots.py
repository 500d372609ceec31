"""The live snapshots of a session's state, and the state as a value (lash 0.1.0-alpha.37, sessions §7.2 and §7.3)."""

import logging
import operator
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from lash_nb.errors import LashError
from lash_nb.plugins import PluginSession
from lash_nb.runtime._state import RuntimeSessionState, without_execution_state
from lash_nb.wire import SessionGraph, SessionSnapshot, to_builtins

__all__ = [
    "discard_snapshots",
    "refresh_snapshots",
    "snapshot_reader",
    "stamp_snapshots",
    "state_builtins",
]

_LOG = logging.getLogger(__name__)
_SNAPSHOT_FIELDS: Final = tuple(name for name in SessionSnapshot.__struct_fields__ if name != "session_graph")
_SNAPSHOT_VALUES: Final = operator.attrgetter(*_SNAPSHOT_FIELDS)


def refresh_snapshots(state: RuntimeSessionState, plugins: PluginSession) -> None:
    """Take the state of tools and plugins into the next commit where the store does not have it yet.

    Plugins that cannot give their state are asked again at the next commit; until then what was stored of them stays.
    """
    generation = plugins.registry.generation
    if state.tool_state_ref is None or generation != state.tool_state_generation:
        state.tool_state_snapshot = plugins.registry.state()
        state.tool_state_generation = generation
    try:
        revision, capture = plugins.state()
        if state.plugin_snapshot_ref is None or revision != state.plugin_snapshot_revision:
            state.plugin_snapshot = capture()
    except LashError as error:
        _LOG.warning("the plugin state of session %s is not stored: %s", state.session_id, error)
        return
    state.plugin_snapshot_revision = revision


def stamp_snapshots(state: RuntimeSessionState, plugins: PluginSession) -> None:
    """Take the state of tools and plugins in as they are now, stored or not; of plugins that fail what was known stays."""
    state.tool_state_snapshot = plugins.registry.state()
    state.tool_state_generation = plugins.registry.generation
    try:
        revision, capture = plugins.state()
        state.plugin_snapshot, state.plugin_snapshot_revision = capture(), revision
    except LashError as error:
        _LOG.warning("the plugin state of session %s is not known: %s", state.session_id, error)


def discard_snapshots(state: RuntimeSessionState) -> None:
    """Forget the state of tools, plugins and code that is not stored; the live ones have it."""
    state.tool_state_snapshot = None
    state.plugin_snapshot = None
    state.execution_state_snapshot = None
    frame = state.current_frame
    if frame is not None and frame.execution_state_snapshot is not None:
        state.change_frame(execution_state_snapshot=None)


def snapshot_reader(state: RuntimeSessionState) -> Callable[[], SessionSnapshot]:
    """Return a function that makes the snapshot of this moment when it is called; costs nothing before."""
    return _SnapshotThen(state.graph.reader(), _SNAPSHOT_VALUES(state))


def state_builtins(state: RuntimeSessionState) -> dict[str, Any]:
    """Return the whole state in its JSON form: the snapshot with the state of tools, plugins and code where it is known."""
    record: dict[str, Any] = to_builtins(snapshot_reader(state)())
    record["agent_frames"] = to_builtins(state.agent_frames)
    for name in ("tool_state_snapshot", "plugin_snapshot"):
        if getattr(state, name) is not None:
            record[name] = to_builtins(getattr(state, name))
    if state.execution_state_snapshot is not None:
        record["execution_state_snapshot"] = list(state.execution_state_snapshot)
    return record


class _SnapshotThen(Struct, frozen=True, gc=False):
    """Makes the snapshot of a moment. Each turn leaves one, which holds no cycle; a closure would be seven objects to the garbage collector."""

    read_graph: Callable[[], SessionGraph]
    values: tuple[Any, ...]
    """Of `_SNAPSHOT_FIELDS`."""

    def __call__(self) -> SessionSnapshot:
        fields: dict[str, Any] = dict(zip(_SNAPSHOT_FIELDS, self.values, strict=True))
        fields["agent_frames"] = tuple(map(without_execution_state, fields["agent_frames"]))
        return SessionSnapshot(session_graph=self.read_graph(), **fields)
