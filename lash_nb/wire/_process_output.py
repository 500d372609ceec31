"""How a process ended, and what whoever waited for it gets (lash 0.1.0-alpha.37, effect wire format §10.9)."""

from typing import ClassVar, Final, Literal, TypeAlias

from lash_nb.wire._base import Json, Wire
from lash_nb.wire._json import to_builtins
from lash_nb.wire._tool import (
    RetryNever,
    ToolCallOutput,
    ToolCancellation,
    ToolCancelled,
    ToolControl,
    ToolFailed,
    ToolFailure,
    ToolFailureClass,
    ToolSuccess,
)
from lash_nb.wire._tool_value import ToolValue

__all__ = [
    "ProcessAwaitCancelled",
    "ProcessAwaitFailure",
    "ProcessAwaitOutput",
    "ProcessAwaitSuccess",
    "ProcessTerminalState",
    "await_output_of_value",
    "process_await_output",
]

_PROCESS_FAILED: Final = "process_failed"
"""Code of a failure that a process told in its own words."""
_SELECTED_NULL: Final = ToolValue(None)
"""A null that is there: written as `null`, where None is left out; read back it is nothing, as in the reference."""

ProcessTerminalState: TypeAlias = Literal["completed", "failed", "cancelled"]
"""How a process ended, in one word."""


class ProcessAwaitSuccess(Wire, frozen=True, kw_only=True, tag_field="type", tag="success"):
    """The process returned."""

    terminal_state: ClassVar[ProcessTerminalState] = "completed"
    """How the process ended."""

    value: Json
    """Its value."""
    control: ToolControl | None = None
    """What it asks of the turn."""

    def into_tool_output(self) -> ToolCallOutput:
        """Return the output as that of a tool; what looks like an attachment stays plain JSON."""
        return ToolCallOutput(outcome=ToolSuccess(payload=ToolValue(self.value)), control=self.control)


class ProcessAwaitFailure(Wire, frozen=True, kw_only=True, tag_field="type", tag="failure", rename={"class_": "class"}):
    """The process failed."""

    terminal_state: ClassVar[ProcessTerminalState] = "failed"
    """How the process ended."""

    class_: ToolFailureClass
    """What sort of failure."""
    code: str
    """Machine-readable cause."""
    message: str
    """What happened."""
    raw: Json = None
    """What it gave with the failure."""
    control: ToolControl | None = None
    """What it asks of the turn."""

    def into_tool_output(self) -> ToolCallOutput:
        """Return the output as that of a tool, which is not worth another try."""
        failure = ToolFailure(
            class_=self.class_,
            code=self.code,
            message=self.message,
            source="tool",
            retry=RetryNever(),
            raw=_tool_value(self.raw),
        )
        return ToolCallOutput(outcome=ToolFailed(payload=failure), control=self.control)


class ProcessAwaitCancelled(Wire, frozen=True, kw_only=True, tag_field="type", tag="cancelled"):
    """The process was stopped."""

    terminal_state: ClassVar[ProcessTerminalState] = "cancelled"
    """How the process ended."""

    message: str
    """What happened."""
    raw: Json = None
    """What it gave before."""
    control: ToolControl | None = None
    """What it asks of the turn."""

    def into_tool_output(self) -> ToolCallOutput:
        """Return the output as that of a tool; who stopped the process is not known any more."""
        cancellation = ToolCancellation(message=self.message, source="cancellation", raw=_tool_value(self.raw))
        return ToolCallOutput(outcome=ToolCancelled(payload=cancellation), control=self.control)


ProcessAwaitOutput: TypeAlias = ProcessAwaitSuccess | ProcessAwaitFailure | ProcessAwaitCancelled
"""What whoever waits for a process gets."""


def process_await_output(output: ToolCallOutput) -> ProcessAwaitOutput:
    """Return a tool's output as that of a process; source and retry of a failure are lost."""
    match output.outcome:
        case ToolSuccess(payload=value):
            return ProcessAwaitSuccess(value=to_builtins(value), control=output.control)
        case ToolFailed(payload=failure):
            return ProcessAwaitFailure(
                class_=failure.class_,
                code=failure.code,
                message=failure.message,
                raw=to_builtins(failure.raw),
                control=output.control,
            )
        case ToolCancelled(payload=cancellation):
            return ProcessAwaitCancelled(
                message=cancellation.message, raw=to_builtins(cancellation.raw), control=output.control
            )


def await_output_of_value(state: ProcessTerminalState, value: Json, text: str) -> ProcessAwaitOutput:
    """Return the output of a process that ended in `state` and said `value`, which reads as `text`."""
    if state == "completed":
        return ProcessAwaitSuccess(value=value)
    raw = _SELECTED_NULL if value is None else value
    if state == "failed":
        return ProcessAwaitFailure(class_="execution", code=_PROCESS_FAILED, message=text, raw=raw)
    return ProcessAwaitCancelled(message=text, raw=raw)


def _tool_value(raw: Json) -> ToolValue | None:
    return raw if raw is None or isinstance(raw, ToolValue) else ToolValue(raw)
