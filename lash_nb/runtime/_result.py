"""What a turn gives back (lash 0.1.0-alpha.37, facade §6.3)."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lash_nb.runtime._assembler import Assembly
from lash_nb.wire import (
    AssistantMessageFinish,
    AssistantOutput,
    AttachmentRef,
    ExecutionSummary,
    ModelRequestStarted,
    SessionSnapshot,
    TokenLedgerEntry,
    TokenUsage,
    ToolCallRecord,
    TurnActivity,
    TurnFinish,
    TurnIssue,
    TurnOutcome,
    TurnStopDetail,
    to_builtins,
)
from lash_nb.words import told_repr

__all__ = ["TurnResult", "taken_back"]


class TurnResult(Struct, frozen=True, dict=True):
    """One finished turn.

    The fields of the reference's own shape are `state outcome assistant_output usage children_usage tool_calls execution errors`
    (`to_builtins` writes just those); the others say which turn it was and what could be watched of it.
    """

    session_id: str
    """The session."""
    turn_id: str
    """The turn."""
    turn_index: int
    """Number of the turn in its session."""
    assembly: Assembly
    """What the turn's streams add up to."""
    usage: TokenUsage
    """The turn's own tokens."""
    duration_ms: float
    """How long the turn took, in milliseconds, all waiting included."""
    activities: tuple[TurnActivity, ...]
    """The semantic stream, in order."""
    snapshot: Callable[[], SessionSnapshot]
    """Makes `state`; it costs what the session's length costs, so it is made when it is read."""
    waited_ms: float = 0.0
    """How long of that an effect waited for somebody's decision about it, in milliseconds."""
    unasked: int = 0
    """Model calls among the activities that the turn's cancellation forestalled."""
    pictures: tuple[AttachmentRef, ...] = ()
    """What the model was given to look at, in order."""

    def __repr__(self) -> str:
        """Tell the most of it; each name is what can be written behind the result."""
        told = {
            "session_id": self.session_id,
            "turn_id": self.turn_id,
            "turn_index": self.turn_index,
            "is_success": self.is_success,
            "outcome.reason": self.outcome.reason,
            **self._came(),
            "duration_ms": round(self.duration_ms, 1),
            "usage.input_tokens": self.usage.input_tokens,
            "usage.output_tokens": self.usage.output_tokens,
        }
        return told_repr("TurnResult", told)

    @cached_property
    def state(self) -> SessionSnapshot:
        """The session after this turn."""
        return self.snapshot()

    @property
    def outcome(self) -> TurnOutcome:
        """How the turn ended."""
        return self.assembly.outcome

    @property
    def assistant_output(self) -> AssistantOutput:
        """The answer, cleaned and as it came."""
        return self.assembly.assistant_output

    @property
    def reply(self) -> str:
        """The answer's text."""
        return self.assembly.assistant_output.safe_text

    @property
    def children_usage(self) -> tuple[TokenLedgerEntry, ...]:
        """Tokens of child sessions."""
        return self.assembly.children_usage

    @property
    def tool_calls(self) -> tuple[ToolCallRecord, ...]:
        """Tool calls in order."""
        return self.assembly.tool_calls

    @property
    def execution(self) -> ExecutionSummary:
        """What the turn ran."""
        return self.assembly.execution

    @property
    def errors(self) -> tuple[TurnIssue, ...]:
        """What went wrong, everything once; of a turn that was cancelled while its model was asked an issue of code `cancelled`, too."""
        told = self.assembly.errors
        return tuple(issue for at, issue in enumerate(told) if issue not in told[:at])

    @property
    def is_success(self) -> bool:
        """Whether the turn did not stop early."""
        return self.outcome.is_success

    @property
    def model_calls(self) -> int:
        """How often the model was asked."""
        return sum(isinstance(item.event, ModelRequestStarted) for item in self.activities) - self.unasked

    def assistant_message(self) -> str | None:
        """Return the answer, when the turn finished with one."""
        finish = self.outcome.finished.assistant_message if self.outcome.finished else None
        return finish.text if finish else None

    def submitted_value(self) -> Any:
        """Return the value that code submitted, if it did."""
        finish = self.outcome.finished.submitted_value if self.outcome.finished else None
        return finish.value if finish else None

    def tool_value(self) -> Any:
        """Return the value with which a tool ended the turn, if one did."""
        finish = self.outcome.finished.tool_value if self.outcome.finished else None
        return finish.value if finish else None

    def total_usage(self) -> TokenUsage:
        """Return the turn's tokens with those of its children."""
        return sum((entry.usage for entry in self.children_usage), self.usage)

    def _came(self) -> dict[str, Any]:
        """What came of the turn: what the model said, the value at its end, and what went wrong first that the outcome does not say."""
        end = self.outcome.variant
        failed = next((at for at, issue in enumerate(self.errors) if not self.outcome.says(issue)), None)
        came: dict[str, Any] = {"reply": self.reply} if self.reply else {}
        if isinstance(end, TurnFinish | TurnStopDetail) and not isinstance(end.variant, AssistantMessageFinish):
            way = "finished" if isinstance(end, TurnFinish) else "stopped"
            came[f"outcome.{way}.{end.tag}.value"] = end.variant.value
        if failed is not None:
            came[f"errors[{failed}].message"] = self.errors[failed].message
        return came

    def to_builtins(self) -> dict[str, Any]:
        """Return the reference's own JSON shape."""
        names = ("state", "outcome", "assistant_output", "usage", "children_usage", "tool_calls", "execution", "errors")
        return {name: to_builtins(getattr(self, name)) for name in names} | {
            "errors": to_builtins(self.assembly.errors)
        }


def taken_back(result: TurnResult, undo: Callable[[], None]) -> TurnResult:
    """Return a result that shows what is not kept."""
    snapshot = result.state
    undo()
    return replace(result, snapshot=lambda: snapshot)
