"""What a tool gives back, made in one word (lash 0.1.0-alpha.37, turns §11.5)."""

from typing import Final

from lash_nb.wire import (
    Json,
    RetryNever,
    ToolCallOutput,
    ToolCancellation,
    ToolCancelled,
    ToolFailed,
    ToolFailure,
    ToolFailureClass,
    ToolFailureSource,
    ToolRetryDisposition,
    ToolSuccess,
    ToolValue,
    to_json,
)

__all__ = ["tool_cancelled", "tool_err", "tool_failure", "tool_interrupted", "tool_ok"]

_NEVER: Final = RetryNever()


def tool_ok(value: Json) -> ToolCallOutput:
    """Return the output of a tool that gave `value`: plain JSON in which `AttachmentRef` objects may stand."""
    return ToolCallOutput(outcome=ToolSuccess(payload=ToolValue(value)))


def tool_err(value: Json) -> ToolCallOutput:
    """Return the output of a tool that failed, with its text or any JSON value."""
    message = value if isinstance(value, str) else to_json(ToolValue(value)).decode()
    return tool_failure("execution", "tool_error", message, source="tool", raw=ToolValue(value))


def tool_cancelled(message: str, *, source: ToolFailureSource = "cancellation") -> ToolCallOutput:
    """Return the output of a tool that was stopped."""
    return ToolCallOutput(outcome=ToolCancelled(payload=ToolCancellation(message=message, source=source)))


def tool_interrupted() -> ToolCallOutput:
    """Return the output of a tool out of which an interrupt came: whoever pressed Ctrl-C meant the tool, on whichever thread it runs."""
    return tool_cancelled("the tool was interrupted")


def tool_failure(
    class_: ToolFailureClass,
    code: str,
    message: str,
    *,
    source: ToolFailureSource = "runtime",
    retry: ToolRetryDisposition = _NEVER,
    raw: ToolValue | None = None,
) -> ToolCallOutput:
    """Return the output of a failure; `retry=RetrySafe()` lets a tool with a retry policy be tried again."""
    failure = ToolFailure(class_=class_, code=code, message=message, source=source, retry=retry, raw=raw)
    return ToolCallOutput(outcome=ToolFailed(payload=failure))
