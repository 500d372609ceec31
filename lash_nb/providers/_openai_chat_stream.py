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

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "".join(text_at(part, "text") for part in self.content if part.get("type") == "text")
        return self.content or ""

    @property
    def thought(self) -> str:
        given = (self.reasoning_content, self.reasoning, self.reasoning_text)
        return next((text for text in given if text is not None), "")


class _Choice(msgspec.Struct, frozen=True):
    delta: _Said | None = None
    message: _Said | None = None
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None


class _Chunk(msgspec.Struct, frozen=True):
    choices: list[_Choice] | None = None
    usage: dict[str, Any] | None = None


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
        self._last: dict[str, Any] = {}
        self._ended = ""
        self._is_complete = False

    def feed(self, event: dict[str, Any]) -> Iterator[LlmStreamEvent]:
        """Take the next chunk and return what it tells.

        Raises:
            LlmTransportError: the chunk is an error.
            msgspec.ValidationError: it is no chunk.
        """
        self._check(event)
        self._last = event or self._last
        self._is_complete = self._is_complete or not event
        chunk = msgspec.convert(event, _Chunk)
        before, choices = self._usage, chunk.choices or ()
        for usage in (chunk.usage, *(choice.usage for choice in choices)):
            self._count(usage)
        if self._usage != before:
            yield UsageEvent(self._usage)
        for choice in choices:
            self._ended = choice.finish_reason or self._ended
            said = choice.delta or choice.message
            if said is not None:
                yield from self._said(said)

    def feed_whole(self, answer: dict[str, Any]) -> Iterator[LlmStreamEvent]:
        """Take an answer in one piece: a chunk that says everything; errors as in `feed`."""
        yield from self.feed(answer)
        self._is_complete = True

    def finish(self) -> LlmResponse:
        """Return the response.

        Raises:
            LlmTransportError: `stream_incomplete`: the stream ended before the answer did; `empty_response`: there is nothing in it.
        """
        if not self._ended and not self._is_complete:
            raise unfinished_answer(self._who)
        parts = tuple(self._parts())
        if not parts:
            raise empty_answer(self._who, to_json(self._last).decode())
        reason = _REASONS.get(self._ended, "provider_error") if self._ended else reason_of_parts(parts)
        return LlmResponse(
            full_text="".join(self._text),
            parts=parts,
            usage=self._usage,
            terminal_reason=reason,
            terminal_diagnostic=cut_off_call(reason, parts) or self._diagnostic(),
            provider_usage=self._provider_usage,
        )

    def _check(self, event: dict[str, Any]) -> None:
        error = event.get("error")
        if error is not None:
            raise LlmTransportError(
                text_at(error, "message") or f"{self._who} stream error",
                kind="stream",
                retryable=is_passing_error(error),
                raw=to_json(event).decode(),
            )

    def _count(self, usage: dict[str, Any] | None) -> None:
        if usage is not None:
            self._provider_usage = usage
            self._usage = merged_usage(self._usage, openai_usage(usage))

    def _said(self, said: _Said) -> Iterator[LlmStreamEvent]:
        if said.text:
            self._text.append(said.text)
            yield DeltaEvent(said.text)
        if said.thought:
            self._thoughts.append(said.thought)
            if self._expose:
                yield ReasoningDeltaStream(said.thought)
        for place, piece in enumerate(said.tool_calls or ()):
            self._add_call(piece, place)
        for detail in said.reasoning_details if isinstance(said.reasoning_details, list) else ():
            if text_at(detail, "type") == "reasoning.encrypted" and text_at(detail, "id") and "data" in detail:
                self._details[detail["id"]] = ProviderReplayMeta(opaque=to_json(detail).decode())

    def _add_call(self, piece: dict[str, Any], place: int) -> None:
        """Add a piece to the call of its `index`; calls of a whole answer have none and come in order."""
        index = piece.get("index")
        index = index if isinstance(index, int) else place
        call = self._calls.setdefault(index, CallPieces())
        call.call_id = text_at(piece, "id") or call.call_id
        call.tool_name = text_at(piece, "function.name") or call.tool_name
        self._arguments[index].append(text_at(piece, "function.arguments"))

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
