"""The two streams of a turn: raw session events, and the semantic activities that are made of them (lash 0.1.0-alpha.37, turns §7)."""

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any, TypeAlias, TypeVar

from lash_nb.clock import CancellationToken, IdSource
from lash_nb.runtime._assembler import SUMMED_UP, TurnAssembler
from lash_nb.runtime._awaited_sinks import AwaitedSinks, report
from lash_nb.runtime._writer import Writer
from lash_nb.wire import (
    AssistantProseDelta,
    ChildTokenUsageEvent,
    ChildUsage,
    CompletedToolCall,
    ErrorActivity,
    ErrorEvent,
    InjectedMessagesCommittedEvent,
    InjectedTurnInputAcceptedEvent,
    LlmRequestEvent,
    ModelRequestStarted,
    PluginEvent,
    PluginRuntime,
    PreparedToolCall,
    QueuedInputAccepted,
    QueuedMessagesCommitted,
    ReasoningDelta,
    ReasoningDeltaEvent,
    RetryStatus,
    RetryStatusEvent,
    SessionEvent,
    SubmittedValue,
    TextDeltaEvent,
    TokenUsageEvent,
    ToolCallActivityCompleted,
    ToolCallActivityStarted,
    ToolCallStartEvent,
    ToolValueSubmitted,
    TurnActivity,
    TurnEvent,
    TurnOutcomeEvent,
    UsageActivity,
)

__all__ = ["ActivitySink", "EventSink", "TurnStreamHub"]

T = TypeVar("T")

ActivitySink: TypeAlias = Callable[[TurnActivity], Awaitable[object] | None]
"""Gets every activity in order, at once; what it returns to be awaited is awaited in order, before the turn is over, or for a moment when that is cancelled. What it raises does not stop the turn."""
EventSink: TypeAlias = Callable[[SessionEvent], Awaitable[object] | None]
"""Gets every session event, as an `ActivitySink` does its activities."""


class TurnStreamHub:
    """Hands events and activities to all who listen; an event's activity goes out just before the event.

    Args:
        ids: Gives activities their ids.
        assembler: Hears first, of activities and of the events that it sums up.
        writer: Knows what is part of the turn: listeners that are awaited are.
        activities: Who hears of activities after it.
        events: Who hears of events after it.
    """

    def __init__(
        self,
        ids: IdSource,
        assembler: TurnAssembler,
        writer: Writer,
        *,
        activities: tuple[ActivitySink, ...] = (),
        events: tuple[EventSink, ...] = (),
    ) -> None:
        self._ids = ids
        self._assembler = assembler
        self._activities = activities
        self._events = events
        self._writer = writer
        self._awaited: AwaitedSinks | None = None
        """What listeners returned to be awaited, once one did."""

    def fresh_id(self) -> str:
        """Return a new correlation id."""
        return self._ids.uuid()

    def emit(self, event: SessionEvent) -> None:
        """Send a session event, preceded by its activity if it has one."""
        kind = type(event)
        if kind in _ACTIVITY_OF:
            activity = _ACTIVITY_OF[kind](event)
            if activity is not None:
                self.activity(activity)
        if kind in SUMMED_UP:
            self._assembler.on_event(event)
        if self._events:
            self._tell(self._events, event)

    def emit_alone(self, event: SessionEvent) -> None:
        """Send a session event that says nothing of what the turn gave, and no activity."""
        self._tell(self._events, event)

    def activity(self, event: TurnEvent, correlation_id: str | None = None) -> None:
        """Send an activity; without a correlation id it stands alone."""
        item = TurnActivity(id=self._ids.uuid(), correlation_id=correlation_id or self._ids.uuid(), event=event)
        self._assembler.activities.append(item)
        if self._activities:
            self._tell(self._activities, item)

    def prose(self, text: str, correlation_id: str) -> None:
        """Tell a piece of the answer."""
        if self._events:
            self._tell(self._events, TextDeltaEvent(content=text))
        self.activity(AssistantProseDelta(text=text), correlation_id)

    def reasoning(self, text: str, correlation_id: str) -> None:
        """Tell a piece of what the model thinks."""
        if self._events:
            self._tell(self._events, ReasoningDeltaEvent(content=text))
        self.activity(ReasoningDelta(text=text), correlation_id)

    def tool_started(self, call: PreparedToolCall) -> None:
        """Tell that a tool call begins."""
        self.tool_start(call)
        self.tool_start_activity(call)

    def tool_start(self, call: PreparedToolCall) -> None:
        """Tell that a tool call begins, as an event alone."""
        if self._events:
            self._tell(self._events, ToolCallStartEvent(call_id=call.call_id, name=call.tool_name, args=call.args))

    def tool_start_activity(self, call: PreparedToolCall) -> None:
        """Tell that a tool call begins, as an activity alone."""
        started = ToolCallActivityStarted(call_id=call.call_id, name=call.tool_name, args=call.args)
        self.activity(started, f"tool:{call.call_id}")

    def tool_completed(self, call: CompletedToolCall) -> None:
        """Tell how a tool call ended; the session event of it is the machine's."""
        completed = ToolCallActivityCompleted(
            call_id=call.call_id, name=call.tool_name, args=call.args, output=call.output, duration_ms=call.duration_ms
        )
        self.activity(completed, f"tool:{call.call_id}")

    async def settled(self, cancel: CancellationToken) -> None:
        """Wait for what listeners returned to be awaited; once the turn is cancelled only for a moment."""
        if self._awaited is not None:
            await self._awaited.settled(cancel)

    def break_off(self) -> None:
        """Await nothing more of what listeners returned."""
        if self._awaited is not None:
            self._awaited.break_off()

    def _tell(self, sinks: tuple[Callable[[T], object], ...], item: T) -> None:
        """Call all listeners; when one raises, the loop's exception handler hears of it and the turn goes on."""
        for sink in sinks:
            try:
                heard = sink(item)
            except Exception as error:  # noqa: BLE001 - whatever a listener raises, others wait for their turn
                report(error)
                continue
            if heard is not None and isawaitable(heard):
                self._awaited = self._awaited or AwaitedSinks(self._writer)
                self._awaited.add(heard)


def _submitted(event: TurnOutcomeEvent) -> TurnEvent | None:
    finish = event.outcome.finished
    if finish is not None and finish.submitted_value is not None:
        return SubmittedValue(value=finish.submitted_value.value)
    if finish is not None and finish.tool_value is not None:
        return ToolValueSubmitted(tool_name=finish.tool_value.tool_name, value=finish.tool_value.value)
    return None


def _child_usage(e: ChildTokenUsageEvent) -> TurnEvent:
    return ChildUsage(**{name: getattr(e, name) for name in ChildUsage.__struct_fields__})


def _retry_status(e: RetryStatusEvent) -> TurnEvent:
    return RetryStatus(wait_seconds=e.wait_seconds, attempt=e.attempt, max_attempts=e.max_attempts, reason=e.reason)


def _usage(e: TokenUsageEvent) -> TurnEvent:
    return UsageActivity(protocol_iteration=e.protocol_iteration, usage=e.usage, cumulative=e.cumulative)


_ACTIVITY_OF: Mapping[type, Callable[[Any], TurnEvent | None]] = {
    TokenUsageEvent: _usage,
    ChildTokenUsageEvent: _child_usage,
    LlmRequestEvent: lambda e: ModelRequestStarted(protocol_iteration=e.protocol_iteration),
    RetryStatusEvent: _retry_status,
    PluginEvent: lambda e: PluginRuntime(plugin_id=e.plugin_id, event=e.event),
    InjectedTurnInputAcceptedEvent: lambda e: QueuedInputAccepted(checkpoint=e.checkpoint, inputs=e.inputs),
    InjectedMessagesCommittedEvent: lambda e: QueuedMessagesCommitted(messages=e.messages, checkpoint=e.checkpoint),
    ErrorEvent: lambda e: ErrorActivity(message=e.message),
    TurnOutcomeEvent: _submitted,
}
"""Session events that have a counterpart among the activities."""
