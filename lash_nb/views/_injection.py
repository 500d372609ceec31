"""The forms in which a person writes an outcome, and the outcome that they make.

Which fields a form has is decided by the effect's kind and the status, in one table; so is what is made of them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

from lash_nb.errors import CallerError
from lash_nb.plots import one_line
from lash_nb.views._fields import Field
from lash_nb.views._json import inline
from lash_nb.wire import (
    AttachmentReturnPart,
    DirectOutcome,
    LlmCallError,
    LlmOutcome,
    LlmResult,
    ProcessEffectCommand,
    RetryNever,
    RetrySafe,
    RuntimeEffectEnvelope,
    RuntimeEffectOutcome,
    ToolCallCommand,
    ToolCallOutcome,
    ToolCancellation,
    ToolCancelled,
    ToolFailed,
    ToolFailure,
    ToolFailureClass,
    ToolOutcome,
    ToolSuccess,
    ToolValue,
    effect_kind,
    from_builtins,
    from_json,
    llm_reply,
    tool_outcome,
)

__all__ = ["forms", "magic", "model_sees", "outcome_of"]

Values = Mapping[str, str]
"""What was typed, as JSON text by field name."""

_TEMPLATES: Final[dict[str, str]] = {
    "sleep": '{"type": "sleep"}',
    "checkpoint": '{"type": "checkpoint", "result": {"Ok": {"messages": [], "transient_messages": [], "turn_causes": []}}}',
    "sync_execution_surface": '{"type": "sync_execution_surface", "result": {"Ok": null}}',
    "exec_code": '{"type": "exec_code", "result": {"Err": "injected"}}',
}
_DELETED: Final = {
    "session_id": "",
    "revoked_handle_count": 0,
    "deleted_wake_count": 0,
    "cancel_process_ids": [],
    "preserved_process_ids": [],
}
_PROCESS_RESULTS: Final[dict[str, dict[str, Any]]] = {
    "start": {"record": {}},
    "list": {"entries": []},
    "transfer": {},
    "delete_session": {"report": _DELETED},
    "await": {"output": {"type": "success", "value": None}},
    "cancel": {"record": {}},
    "signal": {"event": {}},
}
"""What an operation on processes gives, as far as it can be guessed: a record or an event has to be written in."""


def forms(envelope: RuntimeEffectEnvelope) -> dict[str, list[Field]]:
    """Return the fields of each status that can be injected for this effect."""
    kind = envelope.kind
    if kind == "tool_call":
        return _tool_forms(envelope)
    if kind in {"llm_call", "direct"}:
        return _LLM_FORMS
    return {
        "success": [_field("outcome", "json", _template(envelope), hint="the whole outcome, as in the wire format")]
    }


def _template(envelope: RuntimeEffectEnvelope) -> str:
    if not isinstance(envelope.command, ProcessEffectCommand):
        return _TEMPLATES[envelope.kind]
    operation = str(envelope.command.command.__struct_config__.tag)
    return inline({"type": "process", "result": {"op": operation, **_PROCESS_RESULTS[operation]}})


def outcome_of(envelope: RuntimeEffectEnvelope, form: Mapping[str, Any]) -> RuntimeEffectOutcome:
    """Return the outcome that a filled form stands for.

    Args:
        envelope: The pending effect.
        form: `{"status": …, "values": {field: JSON text}}`.

    Raises:
        WireError: a value is no JSON, or not what the outcome needs there.
        CallerError: the status does not exist for this kind of effect, or the outcome is of another kind.
    """
    status, values = (
        str(form.get("status")),
        {str(name): str(text) for name, text in dict(form.get("values") or {}).items()},
    )
    known = forms(envelope)
    if status not in known:
        message = f"a {envelope.kind} effect has no status {status!r}; use one of {', '.join(known)}"
        raise CallerError(message)
    return _BUILDERS.get(envelope.kind, _plain_outcome)(envelope, status, values)


def model_sees(outcome: RuntimeEffectOutcome) -> str:
    """Return what the model will get to read; empty when it sees nothing of the outcome."""
    if isinstance(outcome, ToolOutcome):
        parts = outcome.result.model_return.parts
        return "".join(
            f"[{part.media_type.mime} {part.id[:8]}]" if isinstance(part, AttachmentReturnPart) else part.text
            for part in parts
        )
    return ""


def magic(envelope: RuntimeEffectEnvelope, form: Mapping[str, Any]) -> str:
    """Return the command that injects the same."""
    values = dict(form.get("values") or {})
    if envelope.kind == "tool_call":
        inner = values.get("payload", "…") if form.get("status") == "success" else "…"
        text = f'{{"status": "{form.get("status")}", "payload": {inner}}}'
    elif form.get("status") == "success":
        text = values.get("text") or values.get("outcome") or "{…}"
    else:
        text = "{…}"
    in_quotes = one_line(text, 80).replace("'", r"\u0027")  # such a quote can only stand within a text of JSON
    return f"%lash inject '{in_quotes}'"


def _field(
    name: str, kind: str, value: str, *, hint: str = "", options: tuple[str, ...] | None = None, group: str = ""
) -> Field:
    return Field(path=(name,), label=name, type=kind, value=value, hint=hint, options=options, group=group)


def _tool_forms(envelope: RuntimeEffectEnvelope) -> dict[str, list[Field]]:
    took = _field("duration", "integer", "0", hint="ms, written to the trace")
    classes = tuple(inline(name) for name in get_args(ToolFailureClass))
    return {
        "success": [_field("payload", "json", "null", hint="any JSON: what the tool would return"), took],
        "failure": [
            _field("class", "enum", '"execution"', options=classes),
            _field("code", "string", '"injected_failure"'),
            _field("message", "string", f'"{envelope.kind} failed on purpose"', hint="the model reads this"),
            _field("retry", "enum", '"never"', options=('"never"', '"safe"')),
            took,
        ],
        "cancelled": [_field("message", "string", '"tool call cancelled"', hint="the model reads this")],
    }


_LLM_FORMS: Final = {
    "success": [_field("text", "text", '""', hint="the model's reply")],
    "failure": [
        _field("message", "string", '"the model call failed on purpose"'),
        _field("code", "string", '"injected_failure"'),
        _field("retryable", "boolean", "false"),
    ],
    "cancelled": [_field("message", "string", '"cancelled"')],
}


def _tool_outcome(envelope: RuntimeEffectEnvelope, status: str, values: Values) -> RuntimeEffectOutcome:
    assert isinstance(envelope.command, ToolCallCommand)  # noqa: S101 - chosen by the kind
    duration = from_json(values.get("duration", "0"), int)
    return tool_outcome(envelope.command.call, _tool_end(status, values), duration_ms=duration)


def _tool_end(status: str, values: Values) -> ToolCallOutcome:
    if status == "success":
        return ToolSuccess(payload=from_json(values["payload"], ToolValue))
    if status == "cancelled":
        return ToolCancelled(payload=ToolCancellation(message=_text(values, "message"), source="cancellation"))
    return ToolFailed(
        payload=ToolFailure(
            class_=from_json(values["class"], ToolFailureClass),
            code=_text(values, "code"),
            message=_text(values, "message"),
            source="tool",
            retry=RetrySafe() if _text(values, "retry") == "safe" else RetryNever(),
        )
    )


def _llm_outcome(envelope: RuntimeEffectEnvelope, status: str, values: Values) -> RuntimeEffectOutcome:
    if status == "success":
        result = llm_reply(_text(values, "text"))
    else:
        cancelled = status == "cancelled"
        result = LlmResult(
            Err=LlmCallError(
                message=_text(values, "message"),
                retryable=not cancelled and from_json(values["retryable"], bool),
                code="cancelled" if cancelled else _text(values, "code"),
                terminal_reason="cancelled" if cancelled else "provider_error",
            )
        )
    return (
        LlmOutcome(result=result, text_streamed=False) if envelope.kind == "llm_call" else DirectOutcome(result=result)
    )


def _plain_outcome(envelope: RuntimeEffectEnvelope, _status: str, values: Values) -> RuntimeEffectOutcome:
    outcome: RuntimeEffectOutcome = from_builtins(from_json(values["outcome"]), RuntimeEffectOutcome)
    if effect_kind(outcome) != envelope.kind:
        message = f"this is a {effect_kind(outcome)} outcome; the pending effect is a {envelope.kind}"
        raise CallerError(message)
    return outcome


def _text(values: Values, name: str) -> str:
    return from_json(values[name], str)


_BUILDERS: Final[dict[str, Callable[[RuntimeEffectEnvelope, str, Values], RuntimeEffectOutcome]]] = {
    "tool_call": _tool_outcome,
    "llm_call": _llm_outcome,
    "direct": _llm_outcome,
}
