"""Answers of Chat Completions endpoints, in pieces or whole (lash 0.1.0-alpha.37, turns §15.4)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from lash_nb.errors import LlmTransportError
from lash_nb.providers._answer import (
    NO_USAGE,
    CallPieces,
    call_parts,
    cut_off_call,
    empty_answer,
    merged_usage,
    object_in,
    reason_of_parts,
    text_at,
    unfinished_answer,
)
from lash_nb.providers._openai_usage import openai_usage
from lash_nb.providers._schema_projection import is_passing_error
from lash_nb.providers._stream import DeltaEvent, LlmStreamEvent, ReasoningDeltaStream, UsageEvent
from lash_nb.wire import (
    LlmOutputPart,
    LlmResponse,
    LlmTerminalReason,
    ProviderReplayMeta,
    ReasoningPart,
    TextPart,
    to_json,
)

__all__ = ["ChatReader"]

_REASONS: Final[Mapping[str, LlmTerminalReason]] = {
    "stop": "stop",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "length": "output_limit",
    "max_tokens": "output_limit",
    "content_filter": "content_filter",
    "safety": "content_filter",
}


class _Said(msgspec.Struct, frozen=True):
    """What a choice says: a piece of it in a stream, else all."""

    content: str | list[dict[str, Any]] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_text: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    reasoning_details: Any = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Said | None = None
    message: _Said | None = None
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None


class _Chunk(msgspec.Struct, frozen=True):
    choices: list[_Choice] | None = None
    usage: dict[str, Any] | None = None
    error: Any = None


_CHUNKS: Final = msgspec.json.Decoder(_Chunk)


class ChatReader:
    """Makes a response of one Chat Completions answer."""

    def __init__(self, *, who: str, expose_thinking: bool) -> None:
        """Begin an answer.

        Args:
            who: Name of the endpoint, for messages.
            expose_thinking: Whether reasoning is told on the way.
        """
        self._who = who
        self._expose = expose_thinking
        self._text: list[str] = []
        self._thoughts: list[str] = []
        self._calls: dict[int, CallPieces] = {}
        self._arguments: defaultdict[int, list[str]] = defaultdict(list)
        self._details: dict[str, ProviderReplayMeta] = {}
        self._usage = NO_USAGE
        self._provider_usage: dict[str, Any] | None = None
        self._last = "{}"
        self._ended = ""
        self._is_complete = False

    def feed(self, text: str) -> list[LlmStreamEvent]:
        """Take the next chunk and return what it tells.

        Raises:
            LlmTransportError: the chunk is an error.
            msgspec.DecodeError: it is no chunk.
        """
        try:
            chunk = _CHUNKS.decode(text)
        except msgspec.ValidationError:
            if (error := object_in(text).get("error")) is not None:  # whatever stands beside it
                raise self._failure(error, text) from None
            raise
        if chunk.error is not None:
            raise self._failure(chunk.error, text)
        self._last = text
        told: list[LlmStreamEvent] = []
        if chunk.usage is not None:
            self._count(chunk.usage, told)
        for choice in chunk.choices or ():
            if choice.usage is not None:
                self._count(choice.usage, told)
            if choice.finish_reason:
                self._ended = choice.finish_reason
            said = choice.delta or choice.message
            if said is not None:
                self._take(said, told)
        return told

    def end(self) -> None:
        """Know that nothing is missing."""
        self._is_complete = True

    def feed_whole(self, text: str) -> list[LlmStreamEvent]:
        """Take an answer in one piece: a chunk that says everything; errors as in `feed`."""
        self._is_complete = True
        return self.feed(text)

    def finish(self) -> LlmResponse:
        """Return the response.

        Raises:
            LlmTransportError: `stream_incomplete`: the stream ended before the answer did; `empty_response`: there is nothing in it.
        """
        if not self._ended and not self._is_complete:
            raise unfinished_answer(self._who)
        parts = tuple(self._parts())
        if not parts:
            raise empty_answer(self._who, _canonical(self._last))
        reason = _REASONS.get(self._ended, "provider_error") if self._ended else reason_of_parts(parts)
        return LlmResponse(
            full_text="".join(self._text),
            parts=parts,
            usage=self._usage,
            terminal_reason=reason,
            terminal_diagnostic=cut_off_call(reason, parts) or self._diagnostic(),
            provider_usage=self._provider_usage,
        )

    def _failure(self, error: Any, text: str) -> LlmTransportError:
        return LlmTransportError(
            text_at(error, "message") or f"{self._who} stream error",
            kind="stream",
            retryable=is_passing_error(error),
            raw=_canonical(text),
        )

    def _count(self, usage: dict[str, Any], told: list[LlmStreamEvent]) -> None:
        self._provider_usage = usage
        before, self._usage = self._usage, merged_usage(self._usage, openai_usage(usage))
        if self._usage != before:
            told.append(UsageEvent(self._usage))

    def _take(self, said: _Said, told: list[LlmStreamEvent]) -> None:
        if said.content:
            text = said.content if isinstance(said.content, str) else _text_of_parts(said.content)
            if text:
                self._text.append(text)
                told.append(DeltaEvent(text))
        thought = _first(said.reasoning_content, said.reasoning, said.reasoning_text)
        if thought:
            self._thoughts.append(thought)
            if self._expose:
                told.append(ReasoningDeltaStream(thought))
        if said.tool_calls:
            for place, piece in enumerate(said.tool_calls):
                self._add_call(piece, place)
        if isinstance(said.reasoning_details, list):
            self._add_details(said.reasoning_details)

    def _add_details(self, details: list[Any]) -> None:
        for detail in details:
            if text_at(detail, "type") == "reasoning.encrypted" and text_at(detail, "id") and "data" in detail:
                self._details[detail["id"]] = ProviderReplayMeta(opaque=to_json(detail).decode())

    def _add_call(self, piece: dict[str, Any], place: int) -> None:
        """Add a piece to the call of its `index`; calls of a whole answer have none and come in order."""
        index = piece.get("index")
        index = index if isinstance(index, int) else place
        call = self._calls.setdefault(index, CallPieces())
        call.call_id = text_at(piece, "id") or call.call_id
        function = piece.get("function")
        call.tool_name = text_at(function, "name") or call.tool_name
        self._arguments[index].append(text_at(function, "arguments"))

    def _parts(self) -> Iterator[LlmOutputPart]:
        thoughts, text = "".join(self._thoughts), "".join(self._text)
        if thoughts.strip():
            yield LlmOutputPart(Reasoning=ReasoningPart(text=thoughts))
        if text:
            yield LlmOutputPart(Text=TextPart(text=text))
        details = dict(self._details)
        for index, call in sorted(self._calls.items()):
            call.replay = details.pop(call.call_id, None)
            call.arguments = "".join(self._arguments[index])
        yield from call_parts(call for _, call in sorted(self._calls.items()))

    def _diagnostic(self) -> str | None:
        if self._ended and self._ended not in _REASONS:
            return f"{self._who} ended the answer with finish_reason {self._ended!r}."
        return None


def _canonical(text: str) -> str:
    return to_json(object_in(text)).decode()


def _first(one: str | None, other: str | None, third: str | None) -> str | None:
    return one if one is not None else other if other is not None else third


def _text_of_parts(parts: list[dict[str, Any]]) -> str:
    return "".join(text_at(part, "text") for part in parts if part.get("type") == "text")
