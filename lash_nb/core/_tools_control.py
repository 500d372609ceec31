"""What tools a session has and how far they are offered (lash 0.1.0-alpha.37, facade §7)."""

from collections.abc import Mapping
from typing import NoReturn

from lash_nb.clock import CancellationToken
from lash_nb.errors import CallerError
from lash_nb.plugins import ToolProvider
from lash_nb.runtime import LashRuntime
from lash_nb.wire import Availability, CompletedToolCall, Json, ToolContract, ToolManifest, ToolState

__all__ = ["ToolsControl"]


class ToolsControl:
    """The tools of one session; changes are stored with its next commit."""

    def __init__(self, runtime: LashRuntime) -> None:
        self._runtime = runtime

    def state(self) -> ToolState:
        """Return all tools with their generation, as a value."""
        return self._runtime.tool_state()

    def active_definitions(self) -> tuple[ToolManifest, ...]:
        """Return all tools, sorted by name."""
        state = self.state()
        return tuple(state.tools[name].manifest for name in sorted(state.tools))

    def contract(self, name: str) -> ToolContract:
        """Return the schemas of a tool.

        Raises:
            CallerError: `tool_unknown`, there is no such tool.
        """
        contract = self._runtime.plugins.registry.resolve_contract(name)
        return self._refuse(name) if contract is None else contract

    def source(self, name: str) -> str:
        """Return where a tool comes from: `plugins`, or `live:1` and so on. Errors as in `contract`."""
        source = self._runtime.plugins.registry.source(name)
        return self._refuse(name) if source is None else source

    async def try_call(
        self, name: str, args: Json = None, *, cancellation: CancellationToken | None = None
    ) -> CompletedToolCall:
        """Call a tool as the model would, beside the conversation, and return what the model would get; without arguments with `{}`.

        A call that fails is a result too. What the tool keeps and asks of models is kept; neither the history nor any hook hears of it.

        Raises:
            CallerError: `tool_unknown`, there is no such tool; `session_closed`.
        """
        self.contract(name)
        return await self._runtime.try_tool(name, {} if args is None else args, cancellation=cancellation)

    def _refuse(self, name: str) -> NoReturn:
        known = ", ".join(sorted(self.state().tools)) or "none"
        raise CallerError(f"no tool {name}; the session's tools: {known}", code="tool_unknown")

    async def set_availability(self, name: str, availability: Availability) -> int:
        """Override how far a tool is offered; return the new generation.

        Raises:
            SessionError: there is no such tool.
        """
        return await self._runtime.set_tool_availability({name: availability})

    async def set_availability_many(self, updates: Mapping[str, Availability]) -> int:
        """Override how far tools are offered, all of them or none; return the new generation. Errors as in `set_availability`."""
        return await self._runtime.set_tool_availability(updates)

    async def clear_availability_override(self, name: str) -> int:
        """Offer a tool as its source says again; return the new generation. Errors as in `set_availability`."""
        return await self._runtime.set_tool_availability({name: None})

    async def add_provider(self, provider: ToolProvider) -> str:
        """Add tools to the session; return the name of their source.

        Raises:
            SessionError: a name or id is blank, twice there, or another source's.
        """
        return await self._runtime.add_tool_provider(provider)

    async def remove_source(self, source: str) -> int:
        """Remove a source with its tools; return the generation that this made.

        Raises:
            SessionError: there is no such source.
        """
        return await self._runtime.remove_tool_source(source)

    async def apply_state(self, state: ToolState) -> int:
        """Take over an edited state of the present generation; return the new generation.

        Raises:
            SessionError: the state was made of another generation, or names a tool that no source has.
        """
        return await self._runtime.apply_tool_state(state)

    async def restore_state(self, state: ToolState) -> int:
        """Take over a stored state with its generation, which is returned.

        Raises:
            SessionError: the state names a tool that no source has.
        """
        return await self._runtime.restore_tool_state(state)
