"""What a record says, in one line: the text of a reply, a call with its arguments, a result. Any member may be missing or of any shape."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from lash_nb.plots import byte_size, counted, token_count
from lash_nb.trace import Piece, Usage, is_withheld, latest_messages, read_fact, read_reply
from lash_nb.views._json import inline
from lash_nb.views._record_words import WITHHELD, cause_of, unless_withheld

__all__ = ["said"]

_HEAD: Final = frozenset({"schema_version", "id", "timestamp", "context", "type", "content"})
"""Members of every record that its columns show already."""
_NO_SUCCESS: Final = frozenset({"failure", "cancelled", False})
"""How a tool call says that it ended without a result; version 1 says it with a truth value."""


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
    return _joined(inline(rest) if rest else "", WITHHELD if is_withheld(body) else "")


def _fact(name: str, body: Mapping[str, Any]) -> str:
    return _text(read_fact(name, body))


def _facts(*names: str, by: str = " ") -> Callable[[Mapping[str, Any]], str]:
    """Words of these facts, one after the other."""
    return lambda body: _joined(*(_fact(name, body) for name in names), by=by)


def _content(*names: str, of: str | None = None) -> Callable[[Mapping[str, Any]], str]:
    """The same of facts that a host may keep out of a record; `of` is one that it does not."""
    words = _facts(*names)
    return lambda body: _joined(_fact(of, body) if of else "", unless_withheld(words(body), body))


def _said(pieces: Iterable[Piece]) -> str:
    return " · ".join(filter(None, map(_piece, pieces)))


def _piece(piece: Piece) -> str:
    match piece.kind:
        case "tool_call":
            return f"{_text(piece.name)}({_text(piece.text)})"
        case "tool_result" if isinstance(piece.text, tuple):
            return " ".join(map(_piece, piece.text))
        case "attachment":
            return f"[{piece.name}]"
    return _text(piece.text)


def _asked(body: Mapping[str, Any]) -> str:
    """The last message of a request: what this call was made for."""
    last = next(latest_messages(body), None)
    words = _said(last.pieces) if last else ""
    return unless_withheld(words, body) or _fact("name", body)


def _answered(body: Mapping[str, Any]) -> str:
    return unless_withheld(_said(read_reply(body)), body) or _fact("done_reason", body) or "no text"


def _failed(body: Mapping[str, Any]) -> str:
    return _joined(*cause_of(body), by=", ") or _fact("error_kind", body) or _text(body.get("error"))


def _tool_ended(body: Mapping[str, Any]) -> str:
    name, status = _fact("name", body), read_fact("status", body)
    if isinstance(status, str | bool) and status in _NO_SUCCESS:
        return f"{name}: {_joined(*cause_of(body), by=', ') or unless_withheld(_fact('result', body), body)}"
    return f"{name} → {unless_withheld(_fact('result', body), body) or _text(body.get('output'))}"


def _prompt(body: Mapping[str, Any]) -> str:
    chars, components = read_fact("prompt_chars", body), read_fact("components", body)
    parts = counted(len(components), "component") if isinstance(components, list) else ""
    return _joined(counted(chars, "character") if isinstance(chars, int) else "", parts, by=", ")


def _composition(body: Mapping[str, Any]) -> str:
    tools, text = read_fact("tools", body), read_fact("prompt_text", body)
    size = counted(len(text), "character") if isinstance(text, str) and text else ""
    words = _joined(size, counted(len(tools), "tool") if isinstance(tools, list) else "", by=", ")
    return _joined(words, unless_withheld(_text(text), body), by=" · ") or _fact("prompt_hash", body)


def _turn_began(body: Mapping[str, Any]) -> str:
    count = read_fact("input_items", body)
    return counted(count, "input item") if isinstance(count, int) else ""


def _turn_ended(body: Mapping[str, Any]) -> str:
    """Why and how; lash writes that a turn which somebody cancelled has failed, which alone would read as two ends of one turn."""
    reason, status, *rest = (_fact(name, body) for name in ("done_reason", "status", "cancel_reason", "next_frame"))
    how = "written as failed" if (reason, status) == ("cancelled", "failed") else status
    return _joined(*dict.fromkeys((reason, how, *rest)), by=" · ")


def _provider_bytes(body: Mapping[str, Any]) -> str:
    """What went over the wire: its name, its size where the bytes are not here, and why they are not."""
    raw, size, reason = (read_fact(name, body) for name in ("raw_json", "raw_len", "omitted_reason"))
    head = _joined(_fact("name", body), _fact("direction", body))
    if raw is not None:
        return _joined(head or _fact("provider", body), _text(raw))
    if reason == "content_policy" or is_withheld(body):
        reason = WITHHELD
    told = byte_size(size) if isinstance(size, int) else _text(size)
    return _joined(head or _fact("provider", body), told, _text(reason), by=" · ")


def _runtime_piece(body: Mapping[str, Any]) -> str:
    usage = read_fact("partial_usage", body)
    tokens = f"{token_count(usage.input)} → {token_count(usage.output)} tokens" if isinstance(usage, Usage) else ""
    words = _fact("stream_text", body) or _fact("raw_text", body)
    call = _joined(_fact("tool_name", body), _fact("input_json", body))
    return _joined(_fact("name", body), _fact("block_phase", body), unless_withheld(words or call or tokens, body))


def _code_ended(body: Mapping[str, Any]) -> str:
    output, error = _fact("output", body), _fact("error_message", body)
    return unless_withheld(_joined(output, error), body)


def _code_event(body: Mapping[str, Any]) -> str:
    """A step of a running graph: its node, what the node is, what happened to it, and how often by then."""
    kind = _fact("node_kind", body) or _fact("node_id", body).partition(":")[0]
    happened = _joined(_fact("name", body), _fact("selected", body))
    times = read_fact("occurrence", body)
    words = [_fact("label", body), kind, happened, f"no. {_text(times)}" if times is not None else ""]
    rest = (_fact(name, body) for name in ("error_message", "child_entry_name", "entry_name", "node_id"))
    return _joined(*words, *rest, by=" · ")


def _protocol_step(body: Mapping[str, Any]) -> str:
    """A step of a plugin; until version 8 blocks of code are told here."""
    code = _joined(*(_fact(name, body) for name in ("phase", "code", "output", "error_message")))
    words = code if read_fact("phase", body) is not None else _fact("payload", body)
    return _joined(_fact("name", body), unless_withheld(words, body))


_WORDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "llm_call_started": _asked,
    "llm_call_completed": _answered,
    "llm_call_failed": _failed,
    "tool_call_started": _content("args", of="name"),
    "tool_call_completed": _tool_ended,
    "tool_receipt": _facts("name", "terminal", by=" · "),
    "prompt_built": _prompt,
    "prompt_composition_failed": _content("error_message"),
    "composition_changed": _composition,
    "turn_started": _turn_began,
    "turn_completed": _turn_ended,
    "provider_request": _provider_bytes,
    "provider_stream_event": _provider_bytes,
    "provider_event": _provider_bytes,
    "runtime_stream_event": _runtime_piece,
    "lashlang_execution": _code_event,
    "protocol_step": _protocol_step,
    "custom": _content("payload", of="name"),
    "exec_code_started": _content("code"),
    "exec_code_completed": _code_ended,
    "exec_code_failed": _content("stop_reason", "error_message"),
    "program_step": _facts("status", "error_message"),
    "journaled_effect_started": _facts("name", "effect_kind"),
    "journaled_effect_settled": _facts("name", "effect_kind", "status"),
    "durable_wait_parked": _facts("name"),
    "durable_wait_resolved": _facts("name", "status"),
    "store_error_observed": _content("error_class", "error_message", of="name"),
}
