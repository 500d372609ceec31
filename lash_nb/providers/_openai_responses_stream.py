"""What OpenAI's Responses API sends back, as one response (lash 0.1.0-alpha.37, turns §15.5)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeVar

from lash_nb.errors import LlmTransportError
from lash_nb.providers._answer import (
    NO_USAGE,
    cut_off_call,
    empty_answer,
    merged_usage,
    object_in,
    reason_of_parts,
    record_at,
    records_at,
    text_at,
    unfinished_answer,
)
from lash_nb.providers._openai_responses_items import CallItem, Items, MessageItem, ReasoningItem
from lash_nb.providers._openai_usage import openai_usage
from lash_nb.providers._schema_projection import is_passing_error
from lash_nb.providers._stream import DeltaEvent, LlmStreamEvent, PartEvent, ReasoningDeltaStream, UsageEvent
from lash_nb.wire import LlmOutputPart, LlmResponse, LlmTerminalReason, to_json

__all__ = ["ResponsesReader"]

_WHO: Final = "OpenAI"
_INCOMPLETE: Final[Mapping[str, LlmTerminalReason]] = {
    "max_output_tokens": "output_limit",
    "max_tokens": "output_limit",
    "content_filter": "content_filter",
    "safety": "content_filter",
}
_STATUSES: Final[Mapping[str, LlmTerminalReason]] = {"cancelled": "cancelled", "failed": "provider_error"}
_Told = Sequence[LlmStreamEvent]
T = TypeVar("T", MessageItem, ReasoningItem, CallItem)


class ResponsesReader:
    """Makes one response from the events of a stream, or from an answer in one piece."""

    def __init__(self, *, expose_thinking: bool) -> None:
        """Begin an answer; `expose_thinking` says whether reasoning is told on the way."""
        self._expose = expose_thinking
        self._items = Items()
        self._usage = NO_USAGE
        self._final: dict[str, Any] = {}
        """The answer as the last event told it that told it whole."""
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
        is_failure = (
            text_at(answer, "status") == "failed" or record_at(answer, "error") or text_at(answer, "type") == "error"
        )
        return self._take({"type": "response.failed" if is_failure else "response.completed", "response": answer})

    def finish(self) -> LlmResponse:
        """Return the response.

        Raises:
            LlmTransportError: `stream_incomplete`: the stream ended before the answer did; `empty_response`: there is nothing in it.
        """
        if not self._is_over:
            raise unfinished_answer(_WHO)
        parts = self._items.parts()
        if not parts:
            raise empty_answer(_WHO, to_json(self._final).decode())
        reason = self._reason(parts)
        return LlmResponse(
            full_text="".join(part.Text.text for part in parts if part.Text),
            parts=parts,
            usage=self._usage,
            terminal_reason=reason,
            terminal_diagnostic=cut_off_call(reason, parts),
            provider_usage=record_at(self._final, "usage") or None,
        )

    def _reason(self, parts: tuple[LlmOutputPart, ...]) -> LlmTerminalReason:
        why = text_at(self._final, "incomplete_details.reason") or text_at(self._final, "incompleteDetails.reason")
        if why:
            return _INCOMPLETE.get(why, "provider_error")
        return _STATUSES.get(text_at(self._final, "status")) or reason_of_parts(parts)

    def _take(self, event: dict[str, Any]) -> _Told:
        on_event = _EVENTS.get(text_at(event, "type"))
        told = () if on_event is None else on_event(self, event)
        if "response" not in event and "usage" not in event:  # most events are a piece of something
            return told
        self._final = record_at(event, "response") or self._final
        return [*self._count(record_at(event, "response.usage") or record_at(event, "usage")), *told]

    def _count(self, usage: dict[str, Any]) -> _Told:
        merged = merged_usage(self._usage, openai_usage(usage)) if usage else self._usage
        if merged == self._usage:
            return ()
        self._usage = merged
        return (UsageEvent(merged),)

    def _on_end(self, event: Mapping[str, Any]) -> _Told:
        """Nothing comes after this that belongs to the answer; take what it says beyond its pieces."""
        self._is_over = True
        answer, told = record_at(event, "response"), list[LlmStreamEvent]()
        called = self._items.call_ids
        for place, item in enumerate(records_at(answer, "output")):
            if text_at(item, "call_id") not in called:
                told += self._on_done({"item": item, "output_index": place})
        text = text_at(answer, "output_text")
        if text and not any(part.Text for part in self._items.parts()):
            told += self._on_text({"delta": text})
        return told

    def _on_added(self, event: Mapping[str, Any]) -> _Told:
        item = record_at(event, "item")
        match text_at(item, "type"):
            case "message":
                self._item(MessageItem, event)
            case "reasoning":
                self._item(ReasoningItem, event)
            case "function_call":
                self._item(CallItem, event).describe(item)
        return ()

    def _on_done(self, event: Mapping[str, Any]) -> _Told:
        item = record_at(event, "item")
        match text_at(item, "type"):
            case "message":
                return _told(DeltaEvent, self._item(MessageItem, event).finish(item))
            case "reasoning":
                return self._reasoned(self._item(ReasoningItem, event).finish(item))
            case "function_call":
                return self._finish_call(event, item)
        return ()

    def _finish_call(self, event: Mapping[str, Any], item: dict[str, Any]) -> _Told:
        call = self._item(CallItem, event)
        call.describe(item)
        part = self._items.finish_call(call)
        return () if part is None else (PartEvent(part),)

    def _on_text(self, event: Mapping[str, Any]) -> _Told:
        piece = text_at(event, "delta")
        self._item(MessageItem, event).pieces.append(piece)
        return _told(DeltaEvent, piece)

    def _on_paragraph(self, event: Mapping[str, Any]) -> _Told:
        self._item(ReasoningItem, event).begin_paragraph()
        return ()

    def _on_reasoning(self, event: Mapping[str, Any]) -> _Told:
        piece = text_at(event, "delta")
        return self._reasoned(self._item(ReasoningItem, event).add(piece) if piece else "")

    def _on_paragraph_text(self, event: Mapping[str, Any]) -> _Told:
        """The whole paragraph is told: what of it had not come yet is taken."""
        reasoning, whole = self._item(ReasoningItem, event), text_at(event, "text")
        known = "".join(reasoning.paragraph)
        missing = whole.removeprefix(known) if whole.startswith(known) else ""
        return self._reasoned(reasoning.add(missing) if missing else "")

    def _reasoned(self, piece: str) -> _Told:
        return _told(ReasoningDeltaStream, piece if self._expose else "")

    def _on_arguments(self, event: Mapping[str, Any]) -> _Told:
        self._item(CallItem, event).pieces.append(text_at(event, "delta"))
        return ()

    def _on_all_arguments(self, event: Mapping[str, Any]) -> _Told:
        self._item(CallItem, event).describe({"arguments": event.get("arguments")})
        return ()

    def _item(self, kind: type[T], event: Mapping[str, Any]) -> T:
        """The item that an event is about, by the id and the place that it tells."""
        named, place = text_at(event, "item_id") or text_at(event, "item.id"), event.get("output_index")
        return self._items.find(kind, named, place if type(place) is int else None)


def _told(kind: type[DeltaEvent] | type[ReasoningDeltaStream], text: str) -> _Told:
    return (kind(text),) if text else ()


def _on_failure(_: ResponsesReader, event: Mapping[str, Any]) -> NoReturn:
    """An `error` event tells of itself, or has an object that does; `response.failed` has one in the response."""
    error = record_at(event, "response.error") or record_at(event, "error") or event
    message = text_at(error, "message") or text_at(event, "message") or "response failed; no reason was given"
    raise LlmTransportError(
        f"{_WHO} stream error: {message}",
        kind="stream",
        retryable=is_passing_error(error),
        code=text_at(error, "code") or None,
        raw=to_json(event).decode(),
    )


_EVENTS: Final[Mapping[str, Callable[[ResponsesReader, Mapping[str, Any]], _Told]]] = {
    "response.output_item.added": ResponsesReader._on_added,  # noqa: SLF001 - the table of this module's own class
    "response.output_item.done": ResponsesReader._on_done,  # noqa: SLF001 - as above
    "response.output_text.delta": ResponsesReader._on_text,  # noqa: SLF001 - as above
    "response.refusal.delta": ResponsesReader._on_text,  # noqa: SLF001 - as above
    "response.reasoning_summary_part.added": ResponsesReader._on_paragraph,  # noqa: SLF001 - as above
    "response.reasoning_summary_part.done": ResponsesReader._on_paragraph,  # noqa: SLF001 - as above
    "response.reasoning_summary_text.delta": ResponsesReader._on_reasoning,  # noqa: SLF001 - as above
    "response.reasoning_summary_text.done": ResponsesReader._on_paragraph_text,  # noqa: SLF001 - as above
    "response.function_call_arguments.delta": ResponsesReader._on_arguments,  # noqa: SLF001 - as above
    "response.function_call_arguments.done": ResponsesReader._on_all_arguments,  # noqa: SLF001 - as above
    "response.completed": ResponsesReader._on_end,  # noqa: SLF001 - as above
    "response.incomplete": ResponsesReader._on_end,  # noqa: SLF001 - as above
    "response.cancelled": ResponsesReader._on_end,  # noqa: SLF001 - as above
    "response.failed": _on_failure,
    "error": _on_failure,
}
