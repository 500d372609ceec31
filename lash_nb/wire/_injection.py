"""Outcomes that a person writes by hand, in the whole wire form or in a short one."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from lash_nb.errors import CallerError
from lash_nb.wire._base import Json
from lash_nb.wire._effect import RuntimeEffectEnvelope, ToolCallCommand
from lash_nb.wire._json import from_builtins
from lash_nb.wire._llm_response import LlmOutputPart, LlmResponse, LlmResult, TextPart
from lash_nb.wire._outcome import DirectOutcome, LlmOutcome, RuntimeEffectOutcome, SleepOutcome, ToolOutcome
from lash_nb.wire._tool import PreparedToolCall, ToolCallOutcome, ToolCallOutput, ToolSuccess
from lash_nb.wire._tool_return import completed_call
from lash_nb.wire._tool_value import ToolValue
from lash_nb.wire._usage import LlmUsage

__all__ = ["llm_reply", "outcome_from", "tool_outcome"]

_NO_USAGE: Final = LlmUsage(input_tokens=0, output_tokens=0, cached_input_tokens=0, reasoning_tokens=0)


def outcome_from(envelope: RuntimeEffectEnvelope, value: Json) -> RuntimeEffectOutcome:
    """Return the outcome that `value` stands for as an answer to `envelope`.

    The whole outcome, `{"type": …, "result": …}`, fits every kind. In short a tool call takes `{"status": "success", "payload": …}` (also
    `failure`, `cancelled`, whose payloads may leave out what goes without saying) or any other JSON, which is what the tool returns; a model call takes a text, which is the reply.

    Raises:
        CallerError: `inject_shape`, the value fits neither form.
        WireError: the value has the right form, but something inside it is wrong.
    """
    if isinstance(value, dict) and value.get("type") == envelope.kind:
        whole: RuntimeEffectOutcome = from_builtins(value, RuntimeEffectOutcome)
        return whole
    short = _SHORT.get(envelope.kind)
    if short is None:
        raise CallerError(
            f'a {envelope.kind} effect takes its whole outcome, {{"type": "{envelope.kind}", …}}; see `%lash envelope`',
            code="inject_shape",
        )
    return short(envelope, value)


def tool_outcome(call: PreparedToolCall, outcome: ToolCallOutcome, *, duration_ms: int = 0) -> ToolOutcome:
    """Return the outcome of `call` that ended like this, with what the model sees of it."""
    return ToolOutcome(result=completed_call(call, ToolCallOutput(outcome=outcome), duration_ms=duration_ms))


def llm_reply(text: str) -> LlmResult:
    """Return the result of a model call that answered `text` and counted no tokens."""
    part = LlmOutputPart(Text=TextPart(text=text))
    return LlmResult(Ok=LlmResponse(full_text=text, parts=(part,), usage=_NO_USAGE, terminal_reason="stop"))


def _tool(envelope: RuntimeEffectEnvelope, value: Json) -> RuntimeEffectOutcome:
    if not isinstance(envelope.command, ToolCallCommand):
        raise CallerError("only a tool call has a tool's outcome", code="inject_shape")
    if isinstance(value, dict) and {"status", "payload"} == value.keys():
        end: ToolCallOutcome = from_builtins(_filled(value), ToolCallOutcome)
    else:
        end = ToolSuccess(payload=from_builtins(value, ToolValue))
    return tool_outcome(envelope.command.call, end)


def _filled(value: dict[str, Any]) -> dict[str, Any]:
    """Add to a failure or cancellation what a person need not say."""
    defaults = _PAYLOADS.get(str(value["status"]))
    if defaults is None or not isinstance(value["payload"], dict):
        return value
    return {**value, "payload": {**defaults, **value["payload"]}}


def _reply(value: Json) -> LlmResult:
    if not isinstance(value, str):
        raise CallerError(
            f"a model call takes a text, the reply, or its whole outcome, got {type(value).__name__};"
            " write e.g. %lash inject It is 4 °C., or session.inject('It is 4 °C.')",
            code="inject_shape",
        )
    return llm_reply(value)


_PAYLOADS: Final[Mapping[str, Mapping[str, Json]]] = {
    "failure": {
        "class": "execution",
        "code": "injected_failure",
        "message": "the tool failed on purpose",
        "source": "tool",
        "retry": {"type": "never"},
    },
    "cancelled": {"message": "tool call cancelled", "source": "cancellation"},
}
"""What the short form of a tool's outcome may leave out."""

_SHORT: Final[Mapping[str, Callable[[RuntimeEffectEnvelope, Any], RuntimeEffectOutcome]]] = {
    "tool_call": _tool,
    "llm_call": lambda _, value: LlmOutcome(result=_reply(value), text_streamed=False),
    "direct": lambda _, value: DirectOutcome(result=_reply(value)),
    "sleep": lambda _, __: SleepOutcome(),
}
"""Short forms by kind of effect."""
