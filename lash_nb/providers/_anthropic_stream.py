"""What Anthropic's Messages API sends back, as one response (lash 0.1.0-alpha.37, turns §15.7).

Rule: a block belongs where its index says, whatever the order in which pieces of several blocks arrive.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from lash_nb.errors import LlmTransportError
from lash_nb.providers._answer import (
    NO_USAGE,
    CallPieces,
    call_parts,
    count_at,
    cut_off_call,
    merged_usage,
    object_in,
    reason_of_parts,
    record_at,
    records_at,
    text_at,
    unfinished_answer,
)
from lash_nb.providers._stream import DeltaEvent, LlmStreamEvent, PartEvent, ReasoningDeltaStream, UsageEvent
from lash_nb.wire import (
    LlmOutputPart,
    LlmResponse,
    LlmTerminalReason,
    LlmUsage,
    ProviderReasoningReplay,
    ReasoningPart,
    TextPart,
    to_json,
)

__all__ = ["MessagesReader"]

_WHO: Final = "Anthropic"
_REDACTED: Final = "[Reasoning redacted]"
_PASSING: Final = frozenset({"overloaded_error", "api_error", "rate_limit_error"})
_REASONS: Final[Mapping[str, LlmTerminalReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_use",
    "max_tokens": "output_limit",
    "refusal": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
}


@dataclass(slots=True)
class _Block:
    """A block of the answer, as far as it has come."""

    kind: str
    """`text`, `thinking`, `redacted_thinking`, `tool_use`, or one that nobody here knows."""
    text: list[str] = field(default_factory=list)
    """Pieces of its text."""
    signature: list[str] = field(default_factory=list)
    """Pieces of what proves the thinking, or is it, encrypted."""
    input: list[str] = field(default_factory=list)
    """Pieces of the arguments as JSON."""
    begun: Mapping[str, Any] = field(default_factory=dict)
    """What its start says: of a call the id, the name, perhaps the arguments."""
    call: LlmOutputPart | None = None
    """The tool call, once it is whole."""


class _Place(NamedTuple):
    """Where the pieces of a delta belong."""

    key: str
    """Its member that has the piece."""
    pieces: str
    """The pieces of the block."""
    told: type[DeltaEvent] | type[ReasoningDeltaStream] | None = None
    """As what a piece is told; None: nobody is told."""


_DELTAS: Final[Mapping[str, _Place]] = {
    "text_delta": _Place("text", "text", DeltaEvent),
    "thinking_delta": _Place("thinking", "text", ReasoningDeltaStream),
    "signature_delta": _Place("signature", "signature"),
    "input_json_delta": _Place("partial_json", "input"),
}
_BEGINNINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("text_delta",),
    "thinking": ("thinking_delta", "signature_delta"),
}
"""What the start of a block may bring already: the deltas that it stands for."""

_Told = Sequence[LlmStreamEvent]


class MessagesReader:
    """Makes one response from the events of a stream."""

    def __init__(self, *, expose_thinking: bool) -> None:
        """Begin an answer; `expose_thinking` says whether reasoning is told on the way."""
        self._expose = expose_thinking
        self._blocks: dict[int, _Block] = {}
        self._usage = NO_USAGE
        self._provider_usage: dict[str, Any] = {}
        self._stop = ""
        self._is_over = False

    def feed(self, text: str) -> _Told:
        """Take the next event of a stream and return what it tells.

        Raises:
            LlmTransportError: the event is a failure.
            msgspec.DecodeError: it is no event.
        """
        return self._take(object_in(text))

    def end(self) -> None:
        """Go by the events alone."""

    def feed_whole(self, text: str) -> _Told:
        """Take an answer that came in one piece and return what it tells; errors as in `feed`."""
        answer = object_in(text)
        if text_at(answer, "type") == "error":
            return self._take(answer)
        self._is_over = True
        told = [*self._on_start({"message": answer})]
        for index, block in enumerate(records_at(answer, "content")):
            told += self._on_block({"index": index, "content_block": block})
            told += self._on_block_stop({"index": index})
        return [*told, *self._on_message_delta({"delta": answer})]

    def finish(self) -> LlmResponse:
        """Return the response.

        Raises:
            LlmTransportError: `stream_incomplete`: the stream ended before the answer did.
        """
        if not (self._is_over or self._stop):
            raise unfinished_answer(_WHO)
        parts = tuple(self._parts())
        reason = _REASONS.get(self._stop, "provider_error") if self._stop else reason_of_parts(parts)
        unknown = f"{_WHO} stopped for `{self._stop}`." if reason == "provider_error" else None
        return LlmResponse(
            full_text="".join(part.Text.text for part in parts if part.Text),
            parts=parts,
            usage=self._usage,
            terminal_reason=reason,
            terminal_diagnostic=unknown or cut_off_call(reason, parts),
            provider_usage=self._provider_usage or None,
        )

    def _parts(self) -> Iterator[LlmOutputPart]:
        for index in sorted(self._blocks):
            block = self._blocks[index]
            self._finish_call(block)
            yield from (block.call,) if block.call else _FINISHED.get(block.kind, _nothing)(block)

    def _finish_call(self, block: _Block) -> LlmOutputPart | None:
        """Make a call whole; return it the first time, and None when it is whole already or no call."""
        if block.kind != "tool_use" or block.call is not None:
            return None
        others = [one.call.ToolCall.call_id for one in self._blocks.values() if one.call and one.call.ToolCall]
        block.call = next(iter(call_parts([_call_pieces(block)], others)), None)
        return block.call

    def _take(self, event: Mapping[str, Any]) -> _Told:
        on_event = _EVENTS.get(text_at(event, "type"))
        return () if on_event is None else on_event(self, event)

    def _on_start(self, event: Mapping[str, Any]) -> _Told:
        self._usage = NO_USAGE
        return self._count(record_at(event, "message.usage"))

    def _on_message_delta(self, event: Mapping[str, Any]) -> _Told:
        self._stop = text_at(event, "delta.stop_reason") or self._stop
        return self._count(record_at(event, "usage"))

    def _count(self, usage: dict[str, Any]) -> _Told:
        """Later counters replace earlier ones, but no counter goes back to nothing."""
        self._provider_usage |= usage
        merged = merged_usage(self._usage, _usage(usage))
        if merged == self._usage:
            return ()
        self._usage = merged
        return (UsageEvent(merged),)

    def _on_block(self, event: Mapping[str, Any]) -> _Told:
        begun = record_at(event, "content_block")
        block = self._blocks[_index(event)] = _Block(kind=text_at(begun, "type"), begun=begun)
        beginnings = _BEGINNINGS.get(block.kind, ())
        return [one for kind in beginnings for one in self._add(block, kind, begun)]

    def _on_block_delta(self, event: Mapping[str, Any]) -> _Told:
        block, delta = self._blocks.get(_index(event)), record_at(event, "delta")
        return () if block is None else self._add(block, text_at(delta, "type"), delta)

    def _add(self, block: _Block, kind: str, delta: Mapping[str, Any]) -> _Told:
        place = _DELTAS.get(kind)
        if place is None or not (piece := text_at(delta, place.key)):
            return ()
        getattr(block, place.pieces).append(piece)
        if place.told is None or (place.told is ReasoningDeltaStream and not self._expose):
            return ()
        return (place.told(piece),)

    def _on_block_stop(self, event: Mapping[str, Any]) -> _Told:
        block = self._blocks.get(_index(event))
        part = None if block is None else self._finish_call(block)
        return () if part is None else (PartEvent(part),)

    def _on_stop(self, _event: Mapping[str, Any]) -> _Told:
        self._is_over = True
        return ()

    def _on_error(self, event: Mapping[str, Any]) -> _Told:
        error = record_at(event, "error")
        kind = text_at(error, "type")
        raise LlmTransportError(
            f"{_WHO} stream error: {text_at(error, 'message') or 'no reason was given'}",
            kind="stream",
            retryable=kind in _PASSING,
            code=kind or None,
            raw=to_json(event).decode(),
        )


def _index(event: Mapping[str, Any]) -> int:
    index = event.get("index")
    return index if type(index) is int else count_at(event, "index")


def _usage(usage: Mapping[str, Any]) -> LlmUsage:
    """What was read from the cache and written to it counts as input, so that it is what the model was shown."""
    cached = count_at(usage, "cache_read_input_tokens")
    written = count_at(usage, "cache_creation_input_tokens")
    return LlmUsage(
        input_tokens=count_at(usage, "input_tokens") + cached + written,
        output_tokens=count_at(usage, "output_tokens"),
        cached_input_tokens=cached,
        reasoning_tokens=0,
    )


def _finished_text(block: _Block) -> Iterator[LlmOutputPart]:
    if block.text:
        yield LlmOutputPart(Text=TextPart(text="".join(block.text)))


def _finished_thinking(block: _Block) -> Iterator[LlmOutputPart]:
    text, signature = "".join(block.text), "".join(block.signature)
    if text or signature:
        replay = ProviderReasoningReplay(signature=signature) if signature else None
        yield LlmOutputPart(Reasoning=ReasoningPart(text=text, replay=replay))


def _finished_redacted(block: _Block) -> Iterator[LlmOutputPart]:
    data = text_at(block.begun, "data")
    replay = ProviderReasoningReplay(signature=data, redacted=True) if data else None
    yield LlmOutputPart(Reasoning=ReasoningPart(text=_REDACTED, replay=replay))


def _call_pieces(block: _Block) -> CallPieces:
    given = "".join(block.input) or to_json(record_at(block.begun, "input")).decode()
    return CallPieces(call_id=text_at(block.begun, "id"), tool_name=text_at(block.begun, "name"), arguments=given)


def _nothing(_block: _Block) -> Iterator[LlmOutputPart]:
    return iter(())


_FINISHED: Final[Mapping[str, Callable[[_Block], Iterator[LlmOutputPart]]]] = {
    "text": _finished_text,
    "thinking": _finished_thinking,
    "redacted_thinking": _finished_redacted,
}
_EVENTS: Final[Mapping[str, Callable[[MessagesReader, Mapping[str, Any]], _Told]]] = {
    "message_start": MessagesReader._on_start,  # noqa: SLF001 - the table of this module's own class
    "content_block_start": MessagesReader._on_block,  # noqa: SLF001 - as above
    "content_block_delta": MessagesReader._on_block_delta,  # noqa: SLF001 - as above
    "content_block_stop": MessagesReader._on_block_stop,  # noqa: SLF001 - as above
    "message_delta": MessagesReader._on_message_delta,  # noqa: SLF001 - as above
    "message_stop": MessagesReader._on_stop,  # noqa: SLF001 - as above
    "error": MessagesReader._on_error,  # noqa: SLF001 - as above
}
