"""What the plugins of a session let its host do (lash 0.1.0-alpha.37, facade §7)."""

from typing import Any

from lash_nb.errors import PluginError
from lash_nb.plugins import PluginActionDef
from lash_nb.runtime import LashRuntime
from lash_nb.wire import ToolCallOutput, to_json

__all__ = ["PluginActions"]


class PluginActions:
    """The plugin actions of one session."""

    def __init__(self, runtime: LashRuntime) -> None:
        self._runtime = runtime

    def __repr__(self) -> str:
        return f"PluginActions({', '.join(action.name for action in self.definitions)})"

    @property
    def definitions(self) -> tuple[PluginActionDef, ...]:
        """What can be done, by name."""
        return self._runtime.plugins.plugin_actions

    async def invoke(self, name: str, args: Any = None) -> ToolCallOutput:
        """Do the action of that name on this session; it waits for no turn.

        Args:
            name: The action.
            args: Its arguments, as JSON.

        Raises:
            PluginActionError: there is no such action, or it is about no session.
            PluginError: it raised, or gave what has no JSON form.
        """
        return await self._runtime.plugins.invoke_plugin_action(name, args, session_id=self._runtime.session_id)

    async def call(self, name: str, args: Any = None) -> Any:
        """Do the action of that name and return its value.

        Raises:
            PluginError: it failed, with the text of its failure; or as `invoke`.
        """
        output = await self.invoke(name, args)
        value = output.value_for_projection()
        if output.status != "success":
            raise PluginError("invoke", f"{name} failed: {to_json(value).decode()}")
        return value
