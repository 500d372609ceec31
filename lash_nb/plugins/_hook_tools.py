"""Hooks around tool calls, and what their directives do there (lash 0.1.0-alpha.37, turns §12.3 and §14.4)."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from msgspec.structs import replace

from lash_nb.errors import PluginError
from lash_nb.machine import PendingToolCall
from lash_nb.plugins._hook_contexts import ToolCallHookContext, ToolResultHookContext
from lash_nb.plugins._hook_directives import (
    AbortTurn,
    CreateSession,
    EmitRuntimeEvents,
    EmitTrace,
    EnqueueMessages,
    ReplaceToolArgs,
    ShortCircuitTool,
)
from lash_nb.plugins._hooks import OwnedDirective, OwnedEvent, PluginHooks, collected
from lash_nb.plugins._result import tool_err, tool_failure
from lash_nb.wire import PluginMessage, PreparedToolCall, SessionCreateRequest, ToolCallOutput

__all__ = ["HookDesk", "ToolCallHooks"]


class HookDesk(Protocol):
    """Does what directives want of a running session."""

    def tell(self, events: Iterable[OwnedEvent]) -> None:
        """Tell those who watch."""
        ...

    def trace(self, plugin_id: str, wanted: EmitTrace) -> None:
        """Write a record."""
        ...

    def enqueue(self, messages: Iterable[PluginMessage]) -> None:
        """Keep messages for the next checkpoint."""
        ...

    async def create_session(self, request: SessionCreateRequest) -> None:
        """Make a session.

        Raises:
            PluginError: it cannot be made.
        """
        ...


class Settled(NamedTuple):
    """A call after its hooks."""

    call: PendingToolCall
    """The call, with the arguments that count."""
    output: ToolCallOutput | None
    """Its result, when it is not to run."""


class _Verdict:
    """What the directives of a call come to."""

    def __init__(self, desk: HookDesk, args: Any, output: ToolCallOutput | None) -> None:
        self.desk = desk
        self.args = args
        self.output = output
        self.stopped = False


class ToolCallHooks:
    """Asks the hooks around tool calls; whatever they do, the call has a result."""

    def __init__(self, hooks: PluginHooks, desk: HookDesk, session_id: str) -> None:
        self._hooks = hooks
        self._desk = desk
        self._session_id = session_id

    async def before(self, call: PendingToolCall) -> Settled:
        """Ask the hooks of a call that is about to run."""
        if not self._hooks.before_tool_call:
            return Settled(call, None)
        context = ToolCallHookContext(
            session_id=self._session_id, call_id=call.call_id, tool_name=call.tool_name, args=call.args
        )
        verdict = _Verdict(self._desk, call.args, None)
        try:
            wanted = await collected(self._hooks.before_tool_call, context)
        except PluginError as error:
            return Settled(call, tool_failure("internal", "before_tool_call_failed", error.message))
        await _apply(_BEFORE, verdict, wanted)
        return Settled(replace(call, args=verdict.args), verdict.output)

    async def after(self, call: PreparedToolCall, output: ToolCallOutput, duration_ms: int) -> ToolCallOutput:
        """Ask the hooks of a call that ran, and return what counts as its result."""
        if not self._hooks.after_tool_call:
            return output
        context = ToolResultHookContext(
            session_id=self._session_id,
            call_id=call.call_id,
            tool_name=call.tool_name,
            args=call.args,
            output=output,
            duration_ms=duration_ms,
        )
        verdict = _Verdict(self._desk, call.args, output)
        try:
            wanted = await collected(self._hooks.after_tool_call, context)
        except PluginError as error:
            return tool_failure("internal", "after_tool_call_failed", error.message)
        await _apply(_AFTER, verdict, wanted)
        return verdict.output or output


async def _apply(table: "Mapping[type, _Apply]", verdict: _Verdict, wanted: Iterable[OwnedDirective]) -> None:
    for plugin, directive in wanted:
        if not verdict.stopped:
            await table[type(directive)](verdict, plugin, directive)


async def _replace(verdict: _Verdict, _plugin: str, wanted: ReplaceToolArgs) -> None:
    verdict.args = wanted.args


async def _short_circuit(verdict: _Verdict, _plugin: str, wanted: ShortCircuitTool) -> None:
    verdict.output = wanted.output


async def _abort(verdict: _Verdict, _plugin: str, wanted: AbortTurn) -> None:
    verdict.output = tool_err(wanted.message)


async def _tell(verdict: _Verdict, plugin: str, wanted: EmitRuntimeEvents) -> None:
    verdict.desk.tell(OwnedEvent(plugin, event) for event in wanted.events)


async def _trace(verdict: _Verdict, plugin: str, wanted: EmitTrace) -> None:
    verdict.desk.trace(plugin, wanted)


async def _enqueue(verdict: _Verdict, _plugin: str, wanted: EnqueueMessages) -> None:
    verdict.desk.enqueue(wanted.messages)


async def _no_messages(verdict: _Verdict, _plugin: str, _wanted: EnqueueMessages) -> None:
    verdict.output = tool_err("before_tool_call does not support message injection")


async def _too_late(verdict: _Verdict, plugin: str, _wanted: ReplaceToolArgs) -> None:
    verdict.output = tool_err(
        f"`{plugin}` returned replace_tool_args from after_tool_call; the call ran already: use before_tool_call"
    )


async def _create_before(verdict: _Verdict, _plugin: str, wanted: CreateSession) -> None:
    try:
        await verdict.desk.create_session(wanted.request)
    except PluginError as error:
        verdict.output, verdict.stopped = tool_err(error.message), True


async def _create_after(verdict: _Verdict, _plugin: str, wanted: CreateSession) -> None:
    try:
        await verdict.desk.create_session(wanted.request)
    except PluginError as error:
        verdict.output, verdict.stopped = tool_failure("internal", "plugin_session_create_failed", error.message), True


_Apply: TypeAlias = Callable[[_Verdict, str, Any], Awaitable[None]]
_BOTH: Final[Mapping[type, _Apply]] = {
    ShortCircuitTool: _short_circuit,
    AbortTurn: _abort,
    EmitRuntimeEvents: _tell,
    EmitTrace: _trace,
}
_BEFORE: Final[Mapping[type, _Apply]] = {
    **_BOTH,
    ReplaceToolArgs: _replace,
    EnqueueMessages: _no_messages,
    CreateSession: _create_before,
}
"""What each directive does before a call."""
_AFTER: Final[Mapping[type, _Apply]] = {
    **_BOTH,
    ReplaceToolArgs: _too_late,
    EnqueueMessages: _enqueue,
    CreateSession: _create_after,
}
"""What each directive does after a call."""
