"""The parts of a session as values of a cell: one line that says what each is, and what to do with it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from lash_nb.core import (
    ChildrenControl,
    CommandsControl,
    ConfigControl,
    InjectionControl,
    ModeControl,
    ProcessControl,
    SessionControl,
    StateControl,
    Stepper,
    ToolsControl,
    TriggersControl,
)
from lash_nb.plots import one_line
from lash_nb.stores import InMemorySessionStore, SqliteSessionStore

__all__ = ["PART_LINES"]


def _stepper_line(stepper: Stepper) -> str:
    """Return whose turns are stepped through, and how."""
    do = (
        "await session.step(), .inject(…), .continue_()" if stepper.pending else "await session.step('…') begins a turn"
    )
    return f"<Stepper of {one_line(stepper.session_id, 60)}, {stepper.state}: {do}>"


def _control_line(control: SessionControl) -> str:
    """Return its parts."""
    return f"<SessionControl: {', '.join(f'.{name}' for name in vars(control))}>"


def _part_line(part: object) -> str:
    """Return what a control can do."""
    kind = type(part)
    names = [name for name in dir(kind) if not name.startswith("_")]
    return f"<{kind.__name__}: {', '.join(f'.{name}' for name in names)}>"


def _memory_line(_store: InMemorySessionStore) -> str:
    """Return that nothing of it outlives the process."""
    return "<InMemorySessionStore: gone with the kernel; %lash new NAME --store DIR keeps a session>"


def _sqlite_line(store: SqliteSessionStore) -> str:
    """Return its file."""
    return f"<SqliteSessionStore {one_line(store.path, 200)}: lash_nb.open_store(…) looks into it>"


_CONTROLS: Final = (
    ChildrenControl,
    CommandsControl,
    ConfigControl,
    InjectionControl,
    ModeControl,
    ProcessControl,
    StateControl,
    ToolsControl,
    TriggersControl,
)

PART_LINES: Final[Mapping[type, Callable[[Any], str]]] = {
    Stepper: _stepper_line,
    SessionControl: _control_line,
    InMemorySessionStore: _memory_line,
    SqliteSessionStore: _sqlite_line,
    **dict.fromkeys(_CONTROLS, _part_line),
}
"""The line of each kind of part."""
