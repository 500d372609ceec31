"""The way of a tool call: from what the model wrote to what it gets back (lash 0.1.0-alpha.37, turns §12.3)."""

import asyncio
from functools import partial
from itertools import count
from typing import Any, Final

from msgspec.structs import replace

from lash_nb.clock import NS_PER_MS, Clock
from lash_nb.errors import LashRuntimeError, WireError, exception_text
from lash_nb.machine import PendingToolCall
from lash_nb.plugins._attachment_sink import AttachmentSink
from lash_nb.plugins._child_calls import ChildCalls
from lash_nb.plugins._context import ToolCall, ToolContext, ToolPrepareContext
from lash_nb.plugins._figures import CallFigures, close_figures
from lash_nb.plugins._function_tool import FunctionToolProvider
from lash_nb.plugins._hook_tools import ToolCallHooks
from lash_nb.plugins._library_values import PictureFound
from lash_nb.plugins._plain import NotJsonError, plain_json
from lash_nb.plugins._plain_call import PlainCall
from lash_nb.plugins._raising import tell_raised
from lash_nb.plugins._registry import ToolRegistry
from lash_nb.plugins._result import tool_cancelled, tool_failure, tool_interrupted
from lash_nb.plugins._retry import RetryPlan, RetrySleep, exhausted
from lash_nb.plugins._surface import ToolSurface
from lash_nb.plugins._tool_projection import ToolResultProjection, ToolResultProjector, default_projection
from lash_nb.plugins._tool_provider import ToolProvider, prepares_nothing, ready_call
from lash_nb.plugins._tool_threads import TOOL_THREADS, NoThreadError
from lash_nb.tasks import is_being_cancelled
from lash_nb.wire import (
    CompletedToolCall,
    ModelToolReturn,
    NeverRetryPolicy,
    PreparedToolCall,
    RetryNever,
    RetrySafe,
    TextReturnPart,
    ToolCallOutput,
    ToolManifest,
    ToolSuccess,
    ToolValue,
    at_least,
    to_json,
)

__all__ = ["ToolDispatcher"]

_PASSING: Final = (TimeoutError, ConnectionError)
"""What a tool raises when the world was not there for a moment; a tool with a retry policy is then tried again."""


class ToolDispatcher:
    """Prepares and runs the tool calls of a session; whatever a tool does, the result is a `CompletedToolCall`.

    Preparation happens outside any effect and may end a call at once; execution is what a `tool_call` effect performs.
    """

    def __init__(
        self,
        surface: ToolSurface,
        registry: ToolRegistry,
        *,
        clock: Clock,
        project: ToolResultProjector = default_projection,
        hooks: ToolCallHooks | None = None,
    ) -> None:
        self.surface = surface
        """What the model may call; replaced when tools and prompt are brought up to date within a turn."""
        self._registry = registry
        self._clock = clock
        self._project = project
        self._hooks = hooks

    def ready(self, pending: PendingToolCall) -> PreparedToolCall | None:
        """Return a call that can run as it is; None where it cannot, or hooks or its provider have to be asked: that is `prepare`."""
        found = self._callable(pending.tool_name) if self._hooks is None else None
        if found is None or not prepares_nothing(found[0]):
            return None
        contract = found[0].resolve_contract(pending.tool_name)
        if contract is None or contract.arguments.fault(pending.args) is not None:
            return None
        return ready_call(pending)

    async def prepare(
        self, pending: PendingToolCall, context: ToolPrepareContext
    ) -> PreparedToolCall | CompletedToolCall:
        """Check a call and let its provider prepare it; a call that cannot run is completed here, with duration 0."""
        found = self._callable(pending.tool_name)
        if found is None:
            return self._completed(pending, self._unavailable(pending.tool_name))
        provider, _ = found
        if self._hooks is not None:
            pending, ended = await self._hooks.before(pending)
            if ended is not None:
                return self._completed(pending, _checked(pending.tool_name, ended))
        contract = self._registry.resolve_contract(pending.tool_name)
        if contract is None:
            return self._completed(pending, _without_contract(pending.tool_name))
        fault = contract.arguments.fault(pending.args)
        if fault is not None:
            return self._completed(pending, tool_failure("invalid_request", "invalid_tool_args", fault))
        prepared: PreparedToolCall | ToolCallOutput
        try:
            prepared = await provider.prepare_tool_call(pending, context)
        except BaseException as error:  # noqa: BLE001 - a plugin of the user's own
            prepared = _failure(error)
        return self._completed(pending, prepared) if isinstance(prepared, ToolCallOutput) else prepared

    def is_quick(self, prepared: PreparedToolCall) -> bool:
        """Tell whether a call is expected to be over at once, and runs nobody's code on the event loop that would look for its task before it waits."""
        found = self._callable(prepared.tool_name) if self._hooks is None else None
        if found is None:
            return False
        provider, manifest = found
        is_once = isinstance(manifest.retry_policy, NeverRetryPolicy)
        return is_once and type(provider) is FunctionToolProvider and provider.is_quick(prepared.tool_name)

    async def execute(
        self, prepared: PreparedToolCall, context: ToolContext, sleep: RetrySleep | None = None
    ) -> CompletedToolCall:
        """Run a prepared call, again where its tool allows that, and measure it all; `sleep` waits between attempts.

        A cancelled call is not tried again.
        """
        name, sink = prepared.tool_name, context.attachments
        found = self._callable(name)
        if found is None:
            return self._completed(prepared, self._unavailable(name))
        started = self._clock.monotonic_ns()
        provider, manifest = found
        sleep = sleep or self._sleep
        plan = RetryPlan.of(manifest.retry_policy, prepared.call_id)
        children = ChildCalls(partial(self._child, context, sleep), self._is_serial)
        with CallFigures():
            for attempt in count(1):
                told = replace(context, attempt_number=attempt, max_attempts=plan.attempts, dispatch=children)
                try:
                    given = await provider.execute(ToolCall(name=name, args=prepared.args, context=told))
                except BaseException as error:  # noqa: BLE001 - a tool of the user's own
                    tell_raised(told.tool_call_id, error)
                    given = _failure(error)
                checked = _checked_at_once(name, given, sink)
                output = checked if isinstance(checked, ToolCallOutput) else await _checked_beside(name, checked, sink)
                wish = plan.wish(output)
                if wish is None or (context.cancellation is not None and context.cancellation.cancelled):
                    break
                last = await _paused(prepared, attempt, output, plan.delay_ms(attempt, wish), sleep)
                if last is not None:
                    output = last
                    break
            duration_ms = (self._clock.monotonic_ns() - started) // NS_PER_MS
            if self._hooks is not None:
                given = await self._hooks.after(prepared, output, duration_ms)
                checked = _checked_at_once(name, given, sink)
                output = checked if isinstance(checked, ToolCallOutput) else await _checked_beside(name, checked, sink)
        return self._completed(prepared, output, duration_ms=duration_ms)

    async def _child(self, parent: ToolContext, sleep: RetrySleep, pending: PendingToolCall) -> CompletedToolCall:
        """Run a call that a running tool makes; nothing begins any more for a parent that is cancelled."""
        if parent.cancellation is not None and parent.cancellation.cancelled:
            return self._completed(pending, tool_cancelled("tool call cancelled"))
        about = ToolPrepareContext(session_id=parent.session_id, call_id=pending.call_id)
        prepared = await self.prepare(pending, about)
        if not isinstance(prepared, PreparedToolCall):
            return prepared
        context = ToolContext.of_call(
            prepared,
            session_id=parent.session_id,
            agent_frame_id=parent.agent_frame_id,
            cancellation=parent.cancellation and parent.cancellation.child(),
            attachments=parent.attachments,
            direct=parent.direct,
        )
        return await self.execute(prepared, context, sleep)

    async def _sleep(self, _prepared: PreparedToolCall, _attempt: int, delay_ms: int) -> None:
        await self._clock.sleep(delay_ms / 1000)

    def _completed(
        self, call: PendingToolCall | PreparedToolCall, output: ToolCallOutput, *, duration_ms: int = 0
    ) -> CompletedToolCall:
        """A call with its result and what the model sees of it; a projector that fails is seen instead of the result."""
        about = ToolResultProjection(call_id=call.call_id, tool_name=call.tool_name, args=call.args, output=output)
        try:
            shown = self._project(about)
        except Exception as error:  # noqa: BLE001 - a plugin of the user's own
            shown = ModelToolReturn(
                call_id=call.call_id, tool_name=call.tool_name, parts=(TextReturnPart(text=exception_text(error)),)
            )
        return CompletedToolCall(
            call_id=call.call_id,
            tool_name=call.tool_name,
            args=call.args,
            output=output,
            model_return=shown,
            duration_ms=duration_ms,
            replay=call.replay,
        )

    def _is_serial(self, name: str) -> bool:
        manifest = self._registry.resolve_manifest(name)
        return manifest is not None and manifest.scheduling == "serial"

    def _callable(self, name: str) -> tuple[ToolProvider, ToolManifest] | None:
        """Who runs the tool, when the model may call it: what the surface says counts, else what the registry knows."""
        entry = self.surface.entry(name)
        if entry is not None:
            manifest, availability = entry.manifest, entry.availability
        else:
            known = None if self.surface.is_hidden(name) else self._registry.resolve_manifest(name)
            if known is None:
                return None
            manifest, availability = known, known.effective_availability
        provider = self._registry.provider(name) if at_least(availability, "callable") else None
        return None if provider is None else (provider, manifest)

    def _unavailable(self, name: str) -> ToolCallOutput:
        others = ", ".join(self.surface.tool_names) or "none"
        return tool_failure(
            "unavailable", "tool_unavailable", f"Tool is unavailable here: `{name}`. Tools to call: {others}."
        )


async def _paused(
    call: PreparedToolCall, attempt: int, output: ToolCallOutput, delay_ms: int | None, sleep: RetrySleep
) -> ToolCallOutput | None:
    """Wait for the next attempt; what is returned ends the call without one."""
    if delay_ms is None:
        return exhausted(output, attempt)
    try:
        await (sleep(call, attempt, delay_ms) if delay_ms else asyncio.sleep(0))
    except LashRuntimeError as error:
        fault = f"retry sleep for tool `{call.tool_name}` failed after attempt {attempt}: {error.code}: {error.message}"
        return tool_failure("internal", "tool_retry_sleep_failed", fault)
    return None


def _without_contract(name: str) -> ToolCallOutput:
    return tool_failure(
        "unavailable", "tool_contract_unavailable", f"Tool `{name}` has no input schema now, so it cannot be called."
    )


def _failure(error: BaseException) -> ToolCallOutput:
    """The exception of a tool as the model may read it; a cancellation of this task goes through."""
    if isinstance(error, KeyboardInterrupt):  # out of a task it would end the event loop, and a kernel with it
        return tool_interrupted()
    if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
        raise error
    text = exception_text(error)
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    retry = RetrySafe() if isinstance(error, _PASSING) else RetryNever()
    return tool_failure("execution", "tool_error", message, source="tool", retry=retry, raw=ToolValue(text))


def _checked(
    name: str, output: object, attachments: AttachmentSink | None = None, *, on_loop: bool = False
) -> ToolCallOutput:
    """The output as JSON, or the failure of a tool that gave something else, or whose result has code of its own that fails."""
    try:
        return _as_json(output, attachments, on_loop=on_loop)
    except (KeyboardInterrupt, SystemExit, asyncio.CancelledError, PictureFound):
        raise
    except (NotJsonError, WireError) as error:
        fault = str(error)
    except BaseException as error:  # noqa: BLE001 - pydantic panics outside `Exception`
        fault = f"its result cannot be made JSON: {type(error).__name__}: {exception_text(error)}"
    return tool_failure("execution", "tool_result_not_json", f"tool {name}: {fault}", source="tool")


def _checked_at_once(name: str, output: object, attachments: AttachmentSink | None) -> ToolCallOutput | PictureFound:
    """The same on the event loop, up to the pictures that are to be drawn or stored: that takes a hundred times what the rest of a call does."""
    try:
        return _checked(name, output, attachments, on_loop=True)
    except PictureFound as found:
        return found


async def _checked_beside(name: str, found: PictureFound, attachments: AttachmentSink | None) -> ToolCallOutput:
    """The same, in a thread: nobody else changes a figure that a tool has given away, and it is drawn without a window or `pyplot`.

    A figure that the call made with `pyplot` is closed there: it would be seen twice.
    """
    call = PlainCall(name, _checked, {"name": name, "output": found.rest, "attachments": attachments})
    try:
        checked: ToolCallOutput = await TOOL_THREADS.run(call)
    except NoThreadError as error:
        return tool_failure("resource_limit", "tool_threads", str(error), source="tool")
    if isinstance(checked.outcome, ToolSuccess):
        close_figures(found.pictures)
    return checked


def _as_json(output: object, attachments: AttachmentSink | None, *, on_loop: bool) -> ToolCallOutput:
    if not isinstance(output, ToolCallOutput):
        raise NotJsonError(f"its provider returned {type(output).__name__} and must return a ToolCallOutput")
    if not isinstance(output.outcome, ToolSuccess):
        to_json(output)
        return output
    if output.control is not None:
        to_json(output.control)
    given = output.outcome.payload.value
    try:
        plain = plain_json(given, attachments, on_loop=on_loop)
    except PictureFound as found:
        raise PictureFound(_with_value(output, found.rest), found.pictures) from None
    return output if plain is given else _with_value(output, plain)


def _with_value(output: ToolCallOutput, value: Any) -> ToolCallOutput:
    return replace(output, outcome=ToolSuccess(payload=ToolValue(value)))
