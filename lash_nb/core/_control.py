"""Administration of an opened session (lash 0.1.0-alpha.37, facade §7)."""

from lash_nb.core._background import ChildrenControl, ProcessControl, TriggersControl
from lash_nb.core._commands_control import CommandsControl
from lash_nb.core._config_control import ConfigControl
from lash_nb.core._handle import SessionHandle
from lash_nb.core._injection_control import InjectionControl
from lash_nb.core._mode_control import ModeControl
from lash_nb.core._state_control import StateControl
from lash_nb.core._tools_control import ToolsControl

__all__ = ["SessionControl"]


class SessionControl:
    """The controls of a session, by subject. What changes a session waits until the running turn is over."""

    def __init__(self, handle: SessionHandle) -> None:
        runtime = handle.runtime
        self.state = StateControl(runtime)
        self.config = ConfigControl(runtime)
        self.tools = ToolsControl(runtime)
        self.commands = CommandsControl(handle)
        self.injection = InjectionControl(handle)
        self.mode = ModeControl(runtime)
        self.processes = ProcessControl(runtime)
        self.triggers = TriggersControl()
        self.children = ChildrenControl()
