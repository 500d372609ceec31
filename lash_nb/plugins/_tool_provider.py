"""The port through which tools come into a session (lash 0.1.0-alpha.37, turns §12.1)."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

from lash_nb.machine import PendingToolCall
from lash_nb.plugins._context import ToolCall, ToolPrepareContext
from lash_nb.wire import PreparedToolCall, ToolCallOutput, ToolContract, ToolManifest

__all__ = ["ToolProvider", "prepares_nothing", "ready_call"]


def ready_call(pending: PendingToolCall) -> PreparedToolCall:
    """Return a checked call as it is run when its provider has nothing to add."""
    return PreparedToolCall(
        call_id=pending.call_id, tool_name=pending.tool_name, args=pending.args, replay=pending.replay
    )


class ToolProvider(Protocol):
    """Offers tools and runs them; derive from it to get the default answers."""

    makes_schemas: ClassVar[bool] = False
    """Whether its schemas are made by a library, and need not be looked at."""

    def tool_manifests(self) -> Sequence[ToolManifest]:
        """Return the tools that are offered without being asked for."""
        ...

    def resolve_manifest(self, name: str) -> ToolManifest | None:
        """Return the tool of that name, None when there is none; may know more tools than it offers."""
        return next((manifest for manifest in self.tool_manifests() if manifest.name == name), None)

    def resolve_contract(self, name: str) -> ToolContract | None:
        """Return the schemas of the tool of that name, None when there is none."""
        ...

    async def prepare_tool_call(
        self,
        pending: PendingToolCall,
        context: ToolPrepareContext,  # noqa: ARG002 - for providers that need it
    ) -> PreparedToolCall | ToolCallOutput:
        """Make a checked call ready to run, or end it here with an output."""
        return ready_call(pending)

    async def execute(self, call: ToolCall) -> ToolCallOutput:
        """Run a call once; an exception that leaves this method is a failure of the tool."""
        ...


def prepares_nothing(provider: ToolProvider) -> bool:
    """Tell whether a provider leaves the preparation of its calls to the port; one that cannot prepare any does not."""
    prepare = getattr(provider, "prepare_tool_call", None)
    return getattr(prepare, "__func__", None) is ToolProvider.prepare_tool_call
