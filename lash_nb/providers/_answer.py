"""What the answers of all protocols are made of: counters, calls that come in pieces, how it ended (lash 0.1.0-alpha.37, turns §15.4 and §15.5)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import msgspec

from lash_nb.errors import LlmTransportError
from lash_nb.wire import LlmOutputPart, LlmTerminalReason, LlmUsage, ProviderReplayMeta, ToolCallPart

__all__ = [
    "NO_USAGE",
    "CallPieces",
    "call_parts",
    "count_at",
    "cut_off_call",
    "empty_answer",
    "merged_usage",
    "object_in",
    "reason_of_parts",
    "record_at",
    "records_at",
    "text_at",
    "unfinished_answer",
]

NO_USAGE: Final = LlmUsage(input_tokens=0, output_tokens=0, cached_input_tokens=0, reasoning_tokens=0)
"""Nothing was counted."""
_LARGEST: Final = 2**63 - 1
_OBJECTS: Final = msgspec.json.Decoder(dict[str, Any])


@dataclass(slots=True)
class CallPieces:
    """A tool call while it comes."""

    call_id: str = ""
    """Its id."""
    tool_name: str = ""
    """The tool."""
    arguments: str = ""
    """Its arguments: JSON text."""
    replay: ProviderReplayMeta | None = None
    """What the provider wants back."""


def call_parts(calls: Iterable[CallPieces], others: Collection[str] = ()) -> list[LlmOutputPart]:
    """Return the calls as parts of an answer: those without a name are left out, one without an id gets a fresh one.

    So does one whose id another call of the answer has, here or among the ids of `others`: a session tells calls apart by their ids.
    """
    parts, taken = [], {"", *others}
    for one in calls:
        if one.tool_name:
            call_id = str(uuid4()) if one.call_id in taken else one.call_id
            taken.add(call_id)
            part = ToolCallPart(
                call_id=call_id, tool_name=one.tool_name, input_json=one.arguments or "{}", replay=one.replay
            )
            parts.append(LlmOutputPart(ToolCall=part))
    return parts


def cut_off_call(reason: LlmTerminalReason, parts: Iterable[LlmOutputPart]) -> str | None:
    """Return the diagnostic of an answer that the token limit ended within a tool call, else None."""
    if reason != "output_limit":
        return None
    for call in (part.ToolCall for part in parts if part.ToolCall):
        try:
            msgspec.json.decode(call.input_json)
        except (msgspec.DecodeError, RecursionError):
            return (
                f"The model stopped at its output limit within the call of {call.tool_name} (terminal reason OutputLimit),"
                " so nothing was called; allow more output tokens."
            )
    return None


def reason_of_parts(parts: Iterable[LlmOutputPart]) -> LlmTerminalReason:
    """Return why an answer ended that does not say so itself."""
    return "tool_use" if any(part.ToolCall for part in parts) else "stop"


def merged_usage(usage: LlmUsage, later: LlmUsage) -> LlmUsage:
    """Return `usage` with the counters of `later` that are not zero."""
    return msgspec.structs.replace(
        usage, **{name: count for name in LlmUsage.__struct_fields__ if (count := getattr(later, name)) > 0}
    )


def object_in(text: str) -> dict[str, Any]:
    """Return the JSON object that a text is.

    Raises:
        msgspec.DecodeError: it is none.
        RecursionError: it is too deep.
    """
    return _OBJECTS.decode(text)


def count_at(counters: Any, *paths: str) -> int:
    """Return the count at the first of `paths` that is there, e.g. `prompt_tokens_details.cached_tokens`; a text of digits counts, too, and all else is 0."""
    found = None
    for path in paths:
        found = _at(counters, path)
        if found is not None:
            break
    if isinstance(found, str):
        found = int(found) if found.isascii() and found.isdigit() and len(found) < 20 else 0
    return found if isinstance(found, int) and not isinstance(found, bool) and abs(found) <= _LARGEST else 0


def text_at(value: Any, path: str) -> str:
    """Return the text at `path`, else an empty one."""
    found = _at(value, path)
    return found if isinstance(found, str) else ""


def record_at(value: Any, path: str) -> dict[str, Any]:
    """Return the object at `path`, else an empty one."""
    found = _at(value, path)
    return found if isinstance(found, dict) else {}


def records_at(value: Any, path: str) -> list[dict[str, Any]]:
    """Return the objects in the list at `path`; anything else in it is left out."""
    found = _at(value, path)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def empty_answer(who: str, raw: str) -> LlmTransportError:
    """Return the failure of an answer without text, reasoning and calls; asking again may help."""
    return LlmTransportError(
        f"{who} empty_response: the answer has no text, no reasoning and no tool call",
        kind="stream",
        retryable=True,
        code="empty_response",
        raw=raw,
    )


def unfinished_answer(who: str) -> LlmTransportError:
    """Return the failure of a stream that ended well, but before the answer did: half an answer is never taken for one."""
    return LlmTransportError(
        f"{who} stream ended before the answer was complete", kind="stream", retryable=True, code="stream_incomplete"
    )


def _at(value: Any, path: str) -> Any:
    found = value.get(path) if isinstance(value, dict) else None
    if found is not None or "." not in path:  # no member of these protocols has a dot in its name
        return found
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
