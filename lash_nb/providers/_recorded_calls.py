"""Model calls of a trace: what each asked, what came of it, and in what another request differs from it.

Rule: two requests are the same when a trace would tell them alike. What an answer from a trace cannot give back does not count: signatures,
encrypted reasoning, and the reasoning of earlier answers, which a session sends again only with these.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, cast, get_args

from lash_nb.errors import LlmTransportError
from lash_nb.providers._answer import NO_USAGE, reason_of_parts, text_at
from lash_nb.trace import LlmCall, LlmTraceMapper, Trace, Usage, is_withheld, read_fact
from lash_nb.wire import (
    LlmOutputPart,
    LlmRequest,
    LlmResponse,
    LlmTerminalReason,
    LlmUsage,
    ProviderReasoningReplay,
    ProviderReplayMeta,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    from_json,
    stable_hash,
    to_json,
)

__all__ = ["RecordedCalls", "Request", "asked_by", "differences"]

Request = Mapping[str, Any]
"""What a call asks, by the names of the facts below, told alike for all releases."""

_ASKED: Final = ("name", "model_variant", "messages", "attachments", "tools", "tool_choice", "output_spec")
"""The facts of a request."""
_NAMES: Final = {"name": "model"}
_FLAGS: Final = frozenset({"has_encrypted", "has_signature"})
_REASONS: Final = frozenset(get_args(LlmTerminalReason))
_SHOWN: Final = 60
"""Characters of a text that a difference shows."""
_BEFORE: Final = 20
"""Characters before the first one that differs."""


class RecordedCalls:
    """The calls of a trace in the order in which they began; each is taken once. Bodies are read when they are needed."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._rows = trace.pairs.llm_calls
        self._left = dict.fromkeys(number for number, row in enumerate(self._rows.start.tolist()) if row >= 0)
        self._numbers: defaultdict[str, deque[int]] | None = None

    def __len__(self) -> int:
        return len(self._left)

    @property
    def first(self) -> int | None:
        """Number of the first call that is left; None when all are taken."""
        return next(iter(self._left), None)

    def request(self, number: int) -> Request:
        """Return what a call asked."""
        return _request_of(self._trace[int(self._rows.start[number])])

    def find(self, request: Request) -> int | None:
        """Return the number of the first call left that asked exactly this; the one that is next is looked at first."""
        first = self.first
        if first is None or self.request(first) == request:
            return first
        same = self._by_request()[stable_hash(request)]
        while same and same[0] not in self._left:
            same.popleft()
        return same[0] if same else None

    def take(self, number: int) -> LlmResponse:
        """Return what came of a call, which nobody gets again.

        Raises:
            LlmTransportError: the recorded call failed, or its answer is not in the trace.
            TraceReadError: the trace is not what it was; the call is left.
        """
        row = int(self._rows.end[number])
        body: dict[str, Any] = self._trace[row] if row >= 0 else {}
        del self._left[number]
        if row < 0:
            raise _unanswered(number, "the recording ends before its answer")
        (call,) = self._trace.calls_at([number], [])
        if body.get("type") == "llm_call_failed":
            raise _recorded_failure(body)
        if is_withheld(body):
            raise _unanswered(number, "its host kept texts out of the recording")
        return _response(body, cast("LlmCall", call))

    def _by_request(self) -> defaultdict[str, deque[int]]:
        """All calls by the hash of what they asked: read once, when the next one is not the one that is asked for."""
        if self._numbers is None:
            self._numbers = defaultdict(deque)
            left = list(self._left)
            bodies = self._trace.bodies(self._rows.start[left].tolist())
            for number, body in zip(left, bodies, strict=True):
                self._numbers[stable_hash(_request_of(body))].append(number)
        return self._numbers


def asked_by(request: LlmRequest, mapper: LlmTraceMapper) -> Request:
    """Return what a live request asks."""
    return _request_of({"type": "llm_call_started", "request": from_json(to_json(mapper.request(request)))})


def differences(recorded: Request, asked: Request, *, most: int = 3) -> str:
    """Return in what a request differs from a recorded one: the first places, and how many there are more."""
    found = list(islice(_differing(recorded, asked, ""), most + 1))
    more = "; and more" if len(found) > most else ""
    return "; ".join(found[:most]) + more


def _request_of(body: Mapping[str, Any]) -> Request:
    facts = {_NAMES.get(name, name): _bare(read_fact(name, body)) for name in _ASKED}
    told = facts["messages"] or []
    messages = map(_without_reasoning, told if isinstance(told, list) else [told])
    facts["messages"] = [one for one in messages if one.get("blocks") != []]
    return {name: value for name, value in facts.items() if value not in (None, [], "")}


def _without_reasoning(message: Any) -> dict[str, Any]:
    if not isinstance(message, dict):
        return {"content": message}
    blocks = message.get("blocks")
    if not isinstance(blocks, list):
        return message
    return {**message, "blocks": [one for one in blocks if text_at(one, "kind") != "reasoning"]}


def _bare(value: Any) -> Any:
    """Leave out flags, and members that say nothing."""
    if isinstance(value, dict):
        bare = {name: _bare(one) for name, one in value.items() if name not in _FLAGS}
        return {name: one for name, one in bare.items() if one is not None}
    return [_bare(one) for one in value] if isinstance(value, list | tuple) else value


def _differing(recorded: Any, asked: Any, path: str) -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for name in [*recorded, *(name for name in asked if name not in recorded)]:
            yield from _differing(recorded.get(name), asked.get(name), f"{path}.{name}" if path else name)
    elif isinstance(recorded, list) and isinstance(asked, list):
        for place, (one, other) in enumerate(zip(recorded, asked, strict=False)):
            yield from _differing(one, other, f"{path}[{place}]")
        if len(recorded) != len(asked):
            yield f"{path}: {len(recorded)} were recorded, {len(asked)} are asked"
    elif recorded != asked:
        yield f"{path}: {_beside(recorded, asked)}"


def _beside(recorded: Any, asked: Any) -> str:
    if not (isinstance(recorded, str) and isinstance(asked, str)):
        return f"{_brief(recorded)} was recorded, {_brief(asked)} is asked"
    shorter = min(len(recorded), len(asked))
    same = next((place for place in range(shorter) if recorded[place] != asked[place]), shorter)
    start = max(0, same - _BEFORE) if max(len(recorded), len(asked)) > _SHOWN else 0
    where = f" (from character {start + 1})" if start else ""
    return f"{_brief(recorded[start:])} was recorded, {_brief(asked[start:])} is asked{where}"


def _brief(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else to_json(value).decode()
    cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return repr(cut) if isinstance(value, str) else cut


def _unanswered(number: int, why: str) -> LlmTransportError:
    return LlmTransportError(
        f"recorded call {number + 1} has no answer to give: {why}", kind="validation", code="replay_unanswered"
    )


def _recorded_failure(body: Mapping[str, Any]) -> LlmTransportError:
    reason = read_fact("done_reason", body)
    code = read_fact("error_code", body)
    return LlmTransportError(
        str(read_fact("error_message", body) or "the recorded call failed"),
        retryable=read_fact("retryable", body) is True,
        code=code if isinstance(code, str) else None,
        raw=read_fact("error_raw", body),
        terminal_reason=reason if reason in _REASONS else "provider_error",
    )


def _response(body: Mapping[str, Any], call: LlmCall) -> LlmResponse:
    text, listed = read_fact("text", body), read_fact("parts", body)
    parts = tuple(_parts(listed if isinstance(listed, list) else ()))
    if not parts and text:
        parts = (LlmOutputPart(Text=TextPart(text=str(text))),)
    said = "".join(part.Text.text for part in parts if part.Text)
    reason = call.terminal_reason
    return LlmResponse(
        full_text=text if isinstance(text, str) else said,
        parts=parts,
        usage=_usage(call.usage),
        terminal_reason=cast("LlmTerminalReason", reason) if reason in _REASONS else reason_of_parts(parts),
        provider_usage=read_fact("provider_usage", body),
    )


def _usage(usage: Usage | None) -> LlmUsage:
    if usage is None:
        return NO_USAGE
    return LlmUsage(
        input_tokens=usage.input,
        output_tokens=usage.output - usage.reasoning,
        cached_input_tokens=usage.cache_read,
        reasoning_tokens=usage.reasoning,
    )


def _parts(parts: Iterable[Any]) -> Iterator[LlmOutputPart]:
    for part in parts:
        match text_at(part, "type"):
            case "text":
                yield LlmOutputPart(Text=TextPart(text=text_at(part, "text")))
            case "reasoning":
                yield LlmOutputPart(Reasoning=_reasoning(part))
            case "tool_call":
                yield LlmOutputPart(ToolCall=_tool_call(part))


def _reasoning(part: Mapping[str, Any]) -> ReasoningPart:
    summary = part.get("summary")
    replay = ProviderReasoningReplay(
        item_id=text_at(part, "id") or None,
        redacted=part.get("redacted") is True,
        summary=tuple(map(str, summary)) if isinstance(summary, list) else (),
    )
    return ReasoningPart(text=text_at(part, "text"), replay=None if replay.is_empty else replay)


def _tool_call(part: Mapping[str, Any]) -> ToolCallPart:
    """Some releases told the arguments as a value, not as the text that the model wrote."""
    given, known = part.get("input_json"), text_at(part, "id")
    return ToolCallPart(
        call_id=text_at(part, "call_id"),
        tool_name=text_at(part, "tool_name"),
        input_json=given if isinstance(given, str) else to_json({} if given is None else given).decode(),
        replay=ProviderReplayMeta(item_id=known) if known else None,
    )
