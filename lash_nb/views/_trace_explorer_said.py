"""What a record says, in one line: the text of a reply, a call with its arguments, a result. Any member may be missing or of any shape."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from lash_nb.plots import counted
from lash_nb.trace import member
from lash_nb.views._json import inline

__all__ = ["said"]

_HEAD: Final = frozenset({"schema_version", "id", "timestamp", "context", "type", "content"})
"""Members of every record that its columns show already."""
_REASONS: Final = ("done_reason", "outcome", "status", "reason")


def said(kind: str, body: Mapping[str, Any]) -> str:
    """Return what a record of this kind says; what has no words of its own is shown as JSON."""
    words = _WORDS.get(kind, _rest)(body)
    return words or _rest(body)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else inline(value)


def _joined(*words: str, by: str = " ") -> str:
    return by.join(filter(None, words))


def _rest(body: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in body.items() if name not in _HEAD}
    return inline(rest) if rest else ""


def _asked(body: Mapping[str, Any]) -> str:
    """The last message of a request: what this call was made for."""
    messages = member(body, "request.messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    blocks = member(last, "blocks")
    words = " · ".join(filter(None, map(_part, blocks))) if isinstance(blocks, list) else _text(member(last, "content"))
    return words or _text(member(body, "request.model"))


def _part(part: Any) -> str:
    """A block of a message or a part of a reply; the tag is in it, or is its only member."""
    if not isinstance(part, Mapping):
        return _text(part)
    kind = part.get("kind", part.get("type"))
    if kind is None and len(part) == 1:
        ((kind, part),) = part.items()
    words = _PARTS.get(str(kind).lower().replace("_", ""), _text)
    return words(part)


def _call(part: Any) -> str:
    name = _text(member(part, "tool_name") or member(part, "name"))
    args = next((value for key in ("input_json", "args", "input") if (value := member(part, key)) is not None), None)
    return f"{name}({_text(args)})"


def _result(part: Any) -> str:
    content = member(part, "content")
    return " ".join(map(_part, content)) if isinstance(content, list) else _text(content)


def _file(part: Any) -> str:
    return f"[{_text(member(part, 'filename') or member(part, 'mime') or 'attachment')}]"


_PARTS: Final[Mapping[str, Callable[[Any], str]]] = {
    "text": lambda part: _text(member(part, "text")),
    "reasoning": lambda part: _text(member(part, "text") or member(part, "summary")),
    "toolcall": _call,
    "toolresult": _result,
    "image": _file,
    "attachment": _file,
}


def _answered(body: Mapping[str, Any]) -> str:
    parts = member(body, "response.parts")
    words = " · ".join(filter(None, map(_part, parts))) if isinstance(parts, list) else ""
    return words or _text(member(body, "response.text"))


def _failed(body: Mapping[str, Any]) -> str:
    return _error(body.get("error"))


def _error(error: Any) -> str:
    if not isinstance(error, Mapping):
        return _text(error)
    return _joined(_text(error.get("code")), _text(error.get("message")), by=", ") or inline(error)


def _tool_started(body: Mapping[str, Any]) -> str:
    return _joined(_text(body.get("name")), _text(body.get("args")))


def _tool_ended(body: Mapping[str, Any]) -> str:
    outcome = member(body, "output.outcome")
    name, payload = _text(body.get("name")), member(outcome, "payload")
    if member(outcome, "status") in {"failure", "cancelled"}:
        return f"{name}: {_error(payload)}"
    return f"{name} → {_text(payload if outcome is not None else body.get('output'))}"


def _prompt(body: Mapping[str, Any]) -> str:
    chars, components = body.get("prompt_chars"), body.get("components")
    parts = counted(len(components), "component") if isinstance(components, list) else ""
    return _joined(counted(chars, "character") if isinstance(chars, int) else "", parts, by=", ")


def _turn_began(body: Mapping[str, Any]) -> str:
    count = member(body, "metadata.input_item_count")
    return counted(count, "input item") if isinstance(count, int) else ""


def _turn_ended(body: Mapping[str, Any]) -> str:
    return " · ".join(dict.fromkeys(_outcome_words(body)))


def _outcome_words(body: Mapping[str, Any]) -> Iterator[str]:
    for where in (body, body.get("outcome")):
        for name in _REASONS:
            value = member(where, name)
            if isinstance(value, str):
                yield value


def _event(body: Mapping[str, Any]) -> str:
    event = body.get("event")
    name = next((word for key in ("event_name", "kind", "type") if isinstance(word := member(event, key), str)), "")
    rest = {key: value for key, value in event.items() if value != name} if isinstance(event, Mapping) else event
    return _joined(name, _text(rest))


def _named(*members: str) -> Callable[[Mapping[str, Any]], str]:
    """Words of these members, one after the other."""
    return lambda body: _joined(*(_text(body.get(name)) for name in members))


_WORDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "llm_call_started": _asked,
    "llm_call_completed": _answered,
    "llm_call_failed": _failed,
    "tool_call_started": _tool_started,
    "tool_call_completed": _tool_ended,
    "prompt_built": _prompt,
    "turn_started": _turn_began,
    "turn_completed": _turn_ended,
    "provider_stream_event": _event,
    "runtime_stream_event": _event,
    "provider_event": _event,
    "lashlang_execution": _event,
    "protocol_step": _named("plugin_id", "mode", "payload"),
    "custom": _named("name", "payload"),
    "exec_code_started": _named("code"),
    "exec_code_completed": _named("output", "error"),
    "exec_code_failed": _failed,
}
