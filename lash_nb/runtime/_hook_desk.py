"""Does what the directives of hooks want of a running turn (lash 0.1.0-alpha.37, turns §14.4)."""

import asyncio
from collections.abc import Callable, Iterable

import msgspec

from lash_nb.errors import PluginError
from lash_nb.plugins import EmitTrace, OwnedEvent, ToolCallHooks
from lash_nb.runtime._context import TurnContext
from lash_nb.wire import Custom, PluginEvent, PluginMessage, PreparedToolCall, SessionCreateRequest

__all__ = ["TurnHookDesk", "started_activity", "tool_hooks"]


class TurnHookDesk:
    """A turn's desk: those who watch it, its trace, the messages that wait for its next checkpoint."""

    def __init__(self, turn: TurnContext) -> None:
        self._turn = turn

    def tell(self, events: Iterable[OwnedEvent]) -> None:
        """Tell those who watch."""
        for plugin, event in events:
            self._turn.hub.emit(PluginEvent(plugin_id=plugin, event=event))

    def tell_aside(self, events: Iterable[OwnedEvent]) -> None:
        """Tell those who watch the raw events, and nobody else."""
        for plugin, event in events:
            self._turn.hub.emit_alone(PluginEvent(plugin_id=plugin, event=event))

    def trace(self, plugin_id: str, wanted: EmitTrace) -> None:
        """Write a record, in the directive's own context and this session."""
        context = msgspec.structs.replace(wanted.context, session_id=self._turn.session_id)
        self._turn.trace.emit(Custom(name=f"plugin.{plugin_id}.{wanted.name}", payload=wanted.payload), context)

    def enqueue(self, messages: Iterable[PluginMessage]) -> None:
        """Keep messages for the next checkpoint."""
        self._turn.waiting_messages += tuple(messages)

    async def create_session(self, request: SessionCreateRequest) -> None:
        """Make a session.

        Raises:
            PluginError: sessions do not make sessions yet.
        """
        name = "a session" if request.session_id is None else f"session {request.session_id!r}"
        raise PluginError(
            "session",
            f"{name} cannot be made from within {self._turn.session_id!r}: open it from the core, with core.session(…)",
        )


def tool_hooks(turn: TurnContext) -> ToolCallHooks | None:
    """Return the hooks around the turn's tool calls; None when there are none."""
    hooks = turn.plugins.hooks
    if not (hooks.before_tool_call or hooks.after_tool_call):
        return None
    return ToolCallHooks(hooks, TurnHookDesk(turn), turn.session_id)


def started_activity(turn: TurnContext, call: PreparedToolCall) -> Callable[[], None]:
    """Tell that a tool call begins, and return what makes sure that its activity is out.

    Where hooks follow calls, the activity waits for the tool's first step: in the reference, what hooks tell of a call that never waits
    is seen before the call itself.
    """
    hub = turn.hub
    if not turn.plugins.hooks.after_tool_call:
        hub.tool_started(call)
        return _nothing
    waiting = [call]

    def show() -> None:
        if waiting:
            hub.tool_start_activity(waiting.pop())

    hub.tool_start(call)
    loop = asyncio.get_running_loop()
    loop.call_soon(loop.call_soon, show)  # behind the first step of the task that runs the tool
    return show


def _nothing() -> None:
    """Do nothing: the activity is out."""
