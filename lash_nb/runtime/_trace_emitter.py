"""Where the runtime writes trace records from (lash 0.1.0-alpha.37, turns §16)."""

from collections.abc import Iterable
from typing import Final

from lash_nb.clock import Clock, IdSource, rfc3339
from lash_nb.trace import TraceSink
from lash_nb.wire import (
    TRACE_SCHEMA_VERSION,
    Json,
    RuntimeInvocation,
    TraceContext,
    TraceEvent,
    TraceLevel,
    TraceRecord,
    to_builtins,
)

__all__ = ["TraceEmitter", "llm_call_context"]

_EMPTY: Final = TraceContext()


class TraceEmitter:
    """Stamps events with time, id and context and hands them to the sink; without a sink nothing is made at all."""

    def __init__(
        self,
        sink: TraceSink | None,
        *,
        clock: Clock,
        ids: IdSource,
        level: TraceLevel = "standard",
        base: TraceContext = _EMPTY,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._ids = ids
        self._base = base if base != _EMPTY else None
        self.enabled = sink is not None
        """Whether anybody listens."""
        self.extended = self.enabled and level == "extended"
        """Whether somebody wants the single pieces of streams, too."""

    def emit(self, event: TraceEvent, context: TraceContext) -> None:
        """Write one record; the host's base context shows where `context` says nothing."""
        self.emit_all((event,), context)

    def emit_all(self, events: Iterable[TraceEvent], context: TraceContext) -> None:
        """Write a record of each event, all of this moment."""
        sink = self._sink
        if sink is None:
            return
        if self._base is not None:
            context = self._base.overlaid(context)
        now = rfc3339(self._clock.now_ns())
        for event in events:
            sink.record(
                TraceRecord(
                    schema_version=TRACE_SCHEMA_VERSION,
                    id=self._ids.uuid(),
                    timestamp=now,
                    context=context,
                    event=event,
                )
            )


def llm_call_context(invocation: RuntimeInvocation, llm_call_id: str) -> TraceContext:
    """Return the context of a model call's records: everything that its invocation says."""
    scope = invocation.scope
    metadata: dict[str, Json] = {"replay_key": invocation.replay_key}
    if invocation.caused_by is not None:
        metadata["caused_by"] = to_builtins(invocation.caused_by)
    return TraceContext(
        session_id=scope.session_id,
        turn_id=scope.turn_id,
        turn_index=scope.turn_index,
        protocol_iteration=scope.protocol_iteration,
        effect_id=invocation.effect_id,
        llm_call_id=llm_call_id,
        metadata=metadata,
    )
