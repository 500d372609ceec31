"""What tools a session has and how far they are offered (lash 0.1.0-alpha.37, facade §7)."""

import asyncio
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

from lash_nb.clock import CancellationToken
from lash_nb.errors import CallerError
from lash_nb.plugins import ToolProvider, left_words
from lash_nb.runtime import LashRuntime
from lash_nb.tasks import held, telling
from lash_nb.wire import Availability, CompletedToolCall, Json, ToolContract, ToolManifest, ToolState

__all__ = ["ToolDescription", "ToolsControl"]

_HEARTBEAT_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDescription:
    """A tool as a session has it."""

    manifest: ToolManifest
    """What the model and the runtime know of it."""
    contract: ToolContract = field(repr=False)
    """Its schemas."""
    source: str
    """Where it comes from: `plugins`, or `live:1` and so on."""
    generation: int
    """Generation of the session's tools: counts their changes."""


class ToolsControl:
    """The tools of one session; changes are stored with its next commit."""

    def __init__(self, runtime: LashRuntime) -> None:
        self._runtime = runtime

    def state(self) -> ToolState:
        """Return all tools with their generation, as a value: what is changed in it waits for `apply_state`."""
        return self._runtime.tool_state()

    def active_definitions(self) -> tuple[ToolManifest, ...]:
        """Return all tools, sorted by name."""
        state = self.state()
        return tuple(state.tools[name].manifest for name in sorted(state.tools))

    def listing(self) -> tuple[ToolDescription, ...]:
        """Return all tools with their schemas and sources, sorted by name."""
        return tuple([self.describe(manifest.name) for manifest in self._runtime.plugins.registry.manifests()])

    def describe(self, name: str) -> ToolDescription:
        """Return a tool with its schemas and its source.

        Raises:
            CallerError: `tool_unknown`, there is no such tool.
        """
        registry = self._runtime.plugins.registry
        manifest, source = registry.resolve_manifest(name), registry.source(name)
        if manifest is None or source is None:
            known = ", ".join(sorted(self.state().tools)) or "none"
            raise CallerError(f"no tool {name}; the session's tools: {known}", code="tool_unknown")
        contract = registry.resolve_contract(name) or ToolContract()
        return ToolDescription(
            manifest=deepcopy(manifest), contract=contract, source=source, generation=registry.generation
        )

    async def try_call(
        self, name: str, args: Json = None, *, cancellation: CancellationToken | None = None
    ) -> CompletedToolCall:
        """Call a tool as the model would, beside the conversation, and return what the model would get; without arguments with `{}`.

        A call that fails is a result too. What the tool keeps and asks of models is kept; neither the history nor any hook hears of it.

        Raises:
            CallerError: `tool_unknown`, there is no such tool; `session_closed`.
        """
        self.describe(name)
        work = self._runtime.try_tool(name, {} if args is None else args, cancellation=cancellation)
        trial = asyncio.ensure_future(work)
        try:
            while not trial.done():  # a kernel's interrupt does not wake the loop
                await asyncio.wait({trial}, timeout=_HEARTBEAT_SECONDS)
            return trial.result()
        except asyncio.CancelledError as error:
            trial.cancel()
            await asyncio.wait({trial}, timeout=_HEARTBEAT_SECONDS)
            held(trial)
            words = f"Interrupted: nobody waits for {name} any more; what it did until now is done.{left_words()}"
            raise telling(error, words) from None

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
