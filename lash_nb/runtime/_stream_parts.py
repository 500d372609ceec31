"""Puts the parts of a response together from what was streamed (lash 0.1.0-alpha.37, turns §5.7, item 6)."""

from collections.abc import Sequence
from typing import cast

import msgspec

from lash_nb.wire import LlmOutputPart, LlmResponse, LlmUsage, ReasoningPart, TextPart, ToolCallPart

__all__ = ["StreamedParts"]


class StreamedParts:
    """Collects streamed pieces and completes the final response with what it left out."""

    def __init__(self) -> None:
        self._parts: list[TextPart | ReasoningPart | ToolCallPart] = []
        self._more: list[str] = []
        """What goes on from the text of the last part, not joined yet: a long text comes in many pieces."""
        self._length = 0
        """Characters of that text with what goes on from it."""
        self._usage: LlmUsage | None = None

    def note_usage(self, usage: LlmUsage) -> None:
        """Remember the latest counters of the stream."""
        self._usage = usage

    def add_text(self, part: TextPart) -> None:
        """Add text; a piece that repeats what is there adds only its end."""
        last = self._parts[-1] if self._parts else None
        if type(last) is not TextPart:
            self._join()
            self._parts.append(part)
            self._length = len(part.text)
            return
        if len(part.text) < self._length and part.response_meta is None:
            self._more.append(part.text)
            self._length += len(part.text)
            return
        self._join()
        last = cast("TextPart", self._parts[-1])
        fresh = part.text.removeprefix(last.text) if part.text.startswith(last.text) else part.text
        meta = part.response_meta or last.response_meta
        self._parts[-1] = TextPart(text=last.text + fresh, response_meta=meta)
        self._length = len(last.text) + len(fresh)

    def add_reasoning(self, part: ReasoningPart) -> None:
        """Add reasoning: plain text joins plain text, a provider's own item takes the place of what it repeats."""
        last = self._parts[-1] if self._parts else None
        if part.replay is None and isinstance(last, ReasoningPart) and not _is_sealed(last):
            self._more.append(part.text)
            return
        self._join()
        last = self._parts[-1] if self._parts else None
        if not isinstance(last, ReasoningPart) or _is_sealed(last):
            self._parts.append(part)
        elif not _is_sealed(part):
            self._parts[-1] = ReasoningPart(text=last.text + part.text, replay=last.replay or part.replay)
        elif not part.text.strip():
            self._parts[-1] = ReasoningPart(text=last.text, replay=part.replay)
        elif last.text in part.text:
            self._parts[-1] = part
        else:
            self._parts.append(part)

    def add_tool_call(self, part: ToolCallPart) -> None:
        """Add a tool call."""
        self._join()
        self._parts.append(part)

    def complete(self, response: LlmResponse) -> LlmResponse:
        """Return the response with streamed parts that it lacks, and streamed usage when it has none."""
        self._join()
        parts = self._merged([part.variant for part in response.parts]) if self._parts else None
        usage = self._usage if self._usage is not None and _is_zero(response.usage) else response.usage
        if parts is None and usage is response.usage:
            return response
        wrapped = response.parts if parts is None else tuple(map(_wrapped, parts))
        text = response.full_text or "".join(part.Text.text for part in wrapped if part.Text)
        return msgspec.structs.replace(response, parts=wrapped, usage=usage, full_text=text)

    def so_far(self) -> LlmResponse:
        """Return what was streamed as a response of its own: the call ended before the provider gave one."""
        self._join()
        text = "".join(part.text for part in self._parts if isinstance(part, TextPart))
        return LlmResponse(
            full_text=text,
            parts=tuple(map(_wrapped, self._parts)),
            usage=self._usage or LlmUsage(**dict.fromkeys(LlmUsage.__struct_fields__, 0)),
            terminal_reason="stop",
        )

    def _join(self) -> None:
        if not self._more:
            return
        last = self._parts[-1]
        if not isinstance(last, ToolCallPart):
            self._parts[-1] = msgspec.structs.replace(last, text="".join((last.text, *self._more)))
        self._more.clear()

    def _merged(
        self, final: Sequence[TextPart | ReasoningPart | ToolCallPart]
    ) -> Sequence[TextPart | ReasoningPart | ToolCallPart] | None:
        """Return the parts in all, or None when the final ones need no change."""
        if final and all(_is_held(part, final) for part in self._parts):
            return None
        merged = [_final_version(part, final) for part in self._parts]
        return [*merged, *(part for part in final if not _is_held(part, merged))]


def _wrapped(part: TextPart | ReasoningPart | ToolCallPart) -> LlmOutputPart:
    match part:
        case TextPart():
            return LlmOutputPart(Text=part)
        case ReasoningPart():
            return LlmOutputPart(Reasoning=part)
        case ToolCallPart():
            return LlmOutputPart(ToolCall=part)


def _is_sealed(part: ReasoningPart) -> bool:
    return part.replay is not None and not part.replay.is_empty


def _is_zero(usage: LlmUsage) -> bool:
    return not (usage.input_tokens or usage.output_tokens or usage.cached_input_tokens or usage.reasoning_tokens)


def _is_held(
    part: TextPart | ReasoningPart | ToolCallPart, others: Sequence[TextPart | ReasoningPart | ToolCallPart]
) -> bool:
    return any(_repeats(part, other) for other in others)


def _repeats(part: object, other: object) -> bool:
    match part, other:
        case TextPart(text=mine), TextPart(text=theirs):
            return mine in theirs
        case ToolCallPart(), ToolCallPart():
            return _same_call(part, other)
        case ReasoningPart(text=mine), ReasoningPart(text=theirs):
            return _same_item(part, other) or (bool(mine.strip()) and mine in theirs)
    return False


def _same_call(part: ToolCallPart, other: ToolCallPart) -> bool:
    if part.call_id == other.call_id:
        return True
    return bool(part.replay and other.replay and part.replay.item_id and part.replay.item_id == other.replay.item_id)


def _same_item(part: ReasoningPart, other: ReasoningPart) -> bool:
    mine, theirs = part.replay, other.replay
    if mine is None or theirs is None:
        return False
    same_id = bool(mine.item_id) and mine.item_id == theirs.item_id
    return same_id or (bool(mine.encrypted_content) and mine.encrypted_content == theirs.encrypted_content)


def _final_version(
    part: TextPart | ReasoningPart | ToolCallPart, final: Sequence[TextPart | ReasoningPart | ToolCallPart]
) -> TextPart | ReasoningPart | ToolCallPart:
    """Of a tool call that came twice, the final version counts."""
    if isinstance(part, ToolCallPart):
        return next((other for other in final if isinstance(other, ToolCallPart) and _same_call(part, other)), part)
    return part
