"""How a model call is performed: trace, stream, provider, trace (lash 0.1.0-alpha.37, turns §5.7)."""

from collections.abc import Callable, Coroutine, Mapping
from functools import cached_property
from typing import Any, Final

import msgspec

from lash_nb.errors import AttachmentStoreError, LlmTransportError, PluginError
from lash_nb.providers import (
    DeltaEvent,
    LlmStreamEvent,
    PartEvent,
    ReasoningDeltaStream,
    RetryStatusStream,
    UsageEvent,
    llm_call_error,
)
from lash_nb.runtime._cancelling import TurnCancelledError, WorkCancelledError, until_cancelled
from lash_nb.runtime._context import TurnContext
from lash_nb.runtime._hook_desk import TurnHookDesk
from lash_nb.runtime._hook_stream import StreamStoppedError, hook_failure, pumped
from lash_nb.runtime._stream_parts import StreamedParts
from lash_nb.runtime._stream_summary import VisibleStream
from lash_nb.runtime._trace_emitter import llm_call_context
from lash_nb.stores import resolve_llm_request_attachments
from lash_nb.trace import parsed_or_text
from lash_nb.wire import (
    LlmCallCommand,
    LlmCallCompleted,
    LlmCallError,
    LlmCallFailed,
    LlmCallStarted,
    LlmOutcome,
    LlmRequest,
    LlmResponse,
    LlmResult,
    ReasoningPart,
    RetryStatusEvent,
    RuntimeEffectEnvelope,
    RuntimeStreamEvent,
    TextPart,
    ToolCallPart,
    TraceContext,
    TraceRuntimeStreamEvent,
)

__all__ = ["perform_llm_call"]


async def perform_llm_call(envelope: RuntimeEffectEnvelope, command: LlmCallCommand, turn: TurnContext) -> LlmOutcome:
    """Ask the model; every failure, cancellation too, is an `Err` inside the outcome."""
    cap, capacity = command.request.generation.output_token_cap, turn.model.limits.output_token_capacity
    if cap is not None and capacity is not None and cap > capacity:
        return _failed(
            "output_token_cap_exceeds_model_capacity", f"output cap {cap} is more than the {capacity} of the model"
        )
    try:
        request = resolve_llm_request_attachments(command.request.into_request(), turn.attachments)
    except AttachmentStoreError as error:
        return _failed("attachment_resolution_failed", error.message)
    call = _LlmCall(envelope, request, turn)
    call.tell_begin()
    return call.over(await call.ask())


def _failed(code: str, message: str) -> LlmOutcome:
    error = LlmCallError(message=message, retryable=False, code=code, terminal_reason="provider_error")
    return LlmOutcome(result=LlmResult(Err=error), text_streamed=False)


_CANCELLED: Final = LlmCallError(message="cancelled", retryable=False, code="cancelled", terminal_reason="cancelled")
_CANCELLED_ITSELF: Final = LlmCallError(
    message="the task of the model call was cancelled, and nobody cancelled the turn; a provider or hook cancels only tasks that it began",
    retryable=False,
    code="task_join_failed",
    terminal_reason="provider_error",
)


class _LlmCall:
    """One call: its stream, its records, its outcome."""

    def __init__(self, envelope: RuntimeEffectEnvelope, request: LlmRequest, turn: TurnContext) -> None:
        self._request = request
        self._turn = turn
        self._context = self._record_context(envelope)
        self._parts = StreamedParts()
        self._summary = VisibleStream(turn.clock.monotonic_ns())
        self._streamed = False
        """Whether text of the attempt that counts was streamed, whatever hooks made of it."""
        self._sequence = 0
        self._prose_id = self._reasoning_id = ""

    def _record_context(self, envelope: RuntimeEffectEnvelope) -> TraceContext:
        scope = envelope.invocation.scope
        ordinal, self._turn.llm_calls = self._turn.llm_calls, self._turn.llm_calls + 1
        call_id = f"{scope.session_id}:{scope.turn_index}:{scope.protocol_iteration}:{ordinal}"
        return llm_call_context(envelope.invocation, call_id)

    @cached_property
    def _stream_context(self) -> TraceContext:
        whole = self._context
        return TraceContext(
            session_id=whole.session_id,
            turn_id=whole.turn_id,
            turn_index=whole.turn_index,
            protocol_iteration=whole.protocol_iteration,
        )

    def tell_begin(self) -> None:
        trace = self._turn.trace
        if trace.enabled:
            trace.emit(LlmCallStarted(request=self._turn.mapper.request(self._request)), self._context)

    def over(self, result: LlmResult) -> LlmOutcome:
        self._record_end(result)
        return LlmOutcome(result=result, text_streamed=self._streamed)

    async def ask(self) -> LlmResult:
        turn = self._turn
        turn.unasked += turn.cancel.cancelled
        ask = self._ask_with_hooks if turn.plugins.hooks.assistant_stream else self._ask_provider
        try:
            response = await until_cancelled(ask(), turn)
        except LlmTransportError as error:
            return LlmResult(Err=llm_call_error(error))
        except TurnCancelledError:
            return LlmResult(Err=_CANCELLED)
        except WorkCancelledError:
            return LlmResult(Err=_CANCELLED_ITSELF)
        except PluginError as error:
            return LlmResult(Err=hook_failure("plugin_assistant_stream", error))
        response = self._parts.complete(response)
        return await self._hooked(response) if turn.plugins.hooks.assistant_response else LlmResult(Ok=response)

    def _ask_provider(self) -> Coroutine[Any, Any, LlmResponse]:
        return self._turn.provider.complete(self._request, self._on_stream, clock=self._turn.clock)

    async def _ask_with_hooks(self) -> LlmResponse:
        """Let hooks see each piece of text before anybody else does; one of them may end the call."""
        turn = self._turn
        try:
            return await pumped(
                lambda sink: turn.provider.complete(self._request, sink, clock=turn.clock),
                self._on_hooked_stream,
                lambda late: self._parts.note_usage(late.usage),
                turn.clock,
            )
        except StreamStoppedError:
            return self._parts.so_far()

    async def _hooked(self, response: LlmResponse) -> LlmResult:
        turn, hooks = self._turn, self._turn.plugins.hooks
        try:
            response, events = await until_cancelled(hooks.responded(turn.session_id, response), turn)
        except PluginError as error:
            return LlmResult(Err=hook_failure("plugin_assistant_response", error))
        except TurnCancelledError:
            return LlmResult(Err=_CANCELLED)
        except WorkCancelledError:
            return LlmResult(Err=_CANCELLED_ITSELF)
        TurnHookDesk(turn).tell(events)
        return LlmResult(Ok=response)

    def _record_end(self, result: LlmResult) -> None:
        trace, mapper = self._turn.trace, self._turn.mapper
        if not trace.enabled:
            return
        summary = self._summary.value()
        event: LlmCallCompleted | LlmCallFailed
        if isinstance(result.Ok, LlmResponse):
            elapsed = self._summary.elapsed_ms(self._turn.clock.monotonic_ns())
            event = LlmCallCompleted(
                response=mapper.response(result.Ok, elapsed),
                usage=result.Ok.usage,
                provider_usage=result.Ok.provider_usage,
                stream_summary=summary,
            )
        else:
            event = LlmCallFailed(error=mapper.error(result.variant), stream_summary=summary)
        trace.emit(event, self._context)

    def _on_stream(self, event: LlmStreamEvent) -> None:
        _ON_STREAM[type(event)](self, event)

    async def _on_hooked_stream(self, event: LlmStreamEvent) -> bool:
        """Take an event, its text as the stream hooks want it; return whether they want no more."""
        part = _text_of(event)
        if part is None:
            self._on_stream(event)
            return False
        if not part.text:
            return False
        self._streamed = True
        made = await self._turn.plugins.hooks.streamed(self._turn.session_id, part.text)
        name = "delta" if isinstance(event, DeltaEvent) else "text_part"
        self._record_stream(name, raw_text=part.text, visible_text=made.chunk, item_id=_item_of(part))
        TurnHookDesk(self._turn).tell(made.events)
        for text in made.reasoning_deltas:
            self._show_reasoning(ReasoningPart(text=text))
        self._show_text(msgspec.structs.replace(part, text=made.chunk))
        return made.abort

    def _on_delta(self, event: DeltaEvent) -> None:
        self._on_text("delta", TextPart(text=event.text))

    def _on_reasoning_delta(self, event: ReasoningDeltaStream) -> None:
        if event.text:
            self._on_reasoning("reasoning_delta", ReasoningPart(text=event.text))

    def _on_part(self, event: PartEvent) -> None:
        part = event.part
        if part.Text is not None:
            self._on_text("text_part", part.Text)
        elif part.Reasoning is not None:
            self._on_reasoning("reasoning_part", part.Reasoning)
        elif part.ToolCall is not None:
            self._on_tool_call(part.ToolCall)

    def _on_usage(self, event: UsageEvent) -> None:
        self._parts.note_usage(event.usage)
        self._record_stream("usage", usage=event.usage)

    def _on_retry(self, event: RetryStatusStream) -> None:
        self._streamed = False
        self._parts = StreamedParts()  # what a failed attempt said is no part of the answer
        self._turn.hub.emit(
            RetryStatusEvent(
                wait_seconds=event.wait_seconds,
                attempt=event.attempt,
                max_attempts=event.max_attempts,
                reason=event.reason,
            )
        )

    def _on_text(self, name: str, part: TextPart) -> None:
        if not part.text:
            return
        self._streamed = True
        if self._turn.trace.extended:
            self._record_stream(name, raw_text=part.text, visible_text=part.text, item_id=_item_of(part))
        self._show_text(part)

    def _show_text(self, part: TextPart) -> None:
        turn = self._turn
        self._summary.note_text(part.text, turn.clock.monotonic_ns())
        if part.text:
            self._parts.add_text(part)
            self._prose_id = self._prose_id or turn.hub.fresh_id()
            turn.hub.prose(part.text, _item_of(part) or self._prose_id)

    def _on_reasoning(self, name: str, part: ReasoningPart) -> None:
        if not part.text:
            self._parts.add_reasoning(part)
            return
        item_id = part.replay.item_id if part.replay else None
        self._record_stream(name, visible_text=part.text, item_id=item_id)
        self._show_reasoning(part)

    def _show_reasoning(self, part: ReasoningPart) -> None:
        item_id = part.replay.item_id if part.replay else None
        self._parts.add_reasoning(part)
        self._reasoning_id = self._reasoning_id or self._turn.hub.fresh_id()
        self._turn.hub.reasoning(part.text, item_id or self._reasoning_id)

    def _on_tool_call(self, part: ToolCallPart) -> None:
        item_id = part.replay.item_id if part.replay else None
        arguments = parsed_or_text(part.input_json)
        self._record_stream(
            "tool_call_part", item_id=item_id, call_id=part.call_id, tool_name=part.tool_name, input_json=arguments
        )
        self._parts.add_tool_call(part)

    def _record_stream(self, name: str, **facts: Any) -> None:
        if not self._turn.trace.extended:
            return
        elapsed = self._summary.elapsed_ms(self._turn.clock.monotonic_ns())
        event = TraceRuntimeStreamEvent(sequence=self._sequence, elapsed_ms=elapsed, event_name=name, **facts)
        self._turn.trace.emit(RuntimeStreamEvent(event=event), self._stream_context)
        self._sequence += 1


def _item_of(part: TextPart) -> str | None:
    return part.response_meta.id if part.response_meta else None


def _text_of(event: LlmStreamEvent) -> TextPart | None:
    """The text that an event brings, if it brings any."""
    if isinstance(event, DeltaEvent):
        return TextPart(text=event.text)
    part = event.part.variant if isinstance(event, PartEvent) else None
    return part if isinstance(part, TextPart) else None


_ON_STREAM: Mapping[type, Callable[[_LlmCall, Any], None]] = {
    DeltaEvent: _LlmCall._on_delta,  # noqa: SLF001 - the table of this module's own class
    ReasoningDeltaStream: _LlmCall._on_reasoning_delta,  # noqa: SLF001 - as above
    PartEvent: _LlmCall._on_part,  # noqa: SLF001 - as above
    UsageEvent: _LlmCall._on_usage,  # noqa: SLF001 - as above
    RetryStatusStream: _LlmCall._on_retry,  # noqa: SLF001 - as above
}
