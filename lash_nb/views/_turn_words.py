"""A finished turn in words, and what a turn card needs of a result."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol, TypeAlias

from lash_nb.plots import counted, duration, token_count
from lash_nb.trace import Usage
from lash_nb.wire import AttachmentRef, TokenUsage, ToolCallRecord, TurnActivity, TurnIssue, TurnOutcome, TurnStopDetail

__all__ = [
    "TurnLike",
    "TurnState",
    "counts_words",
    "outcome_words",
    "span_usage_words",
    "told_issues",
    "took_words",
    "turn_state",
    "usage_words",
]

TurnState: TypeAlias = Literal["running", "pausing", "cancelling", "completed", "failed", "cancelled"]
"""`pausing`: the first Ctrl-C came, the effect in flight still runs; `cancelling`: the second one did, and not everything has ended."""


class TurnLike(Protocol):
    """A finished turn, as the runtime's result gives it."""

    @property
    def session_id(self) -> str:
        """Its session."""
        ...

    @property
    def turn_id(self) -> str:
        """Its id."""
        ...

    @property
    def turn_index(self) -> int:
        """Its number in the session."""
        ...

    @property
    def outcome(self) -> TurnOutcome:
        """How it ended."""
        ...

    @property
    def reply(self) -> str:
        """What the model answered."""
        ...

    @property
    def tool_calls(self) -> Sequence[ToolCallRecord]:
        """The tool calls in order."""
        ...

    @property
    def usage(self) -> TokenUsage:
        """Its tokens."""
        ...

    @property
    def duration_ms(self) -> float:
        """How long it took, in milliseconds."""
        ...

    @property
    def waited_ms(self) -> float:
        """How long of it an effect waited for somebody's decision, in milliseconds."""
        ...

    @property
    def model_calls(self) -> int:
        """How often the model was asked."""
        ...

    @property
    def errors(self) -> Sequence[TurnIssue]:
        """What went wrong."""
        ...

    @property
    def pictures(self) -> Sequence[AttachmentRef]:
        """What the model was given to look at."""
        ...

    @property
    def activities(self) -> Sequence[TurnActivity]:
        """What happened, in order."""
        ...


_STOPS = {
    "cancelled": "Cancelled",
    "max_turns": "Stopped at the turn limit",
    "tool_failure": "Failed, a tool failed",
    "provider_error": "Failed, the model gave no answer",
    "invalid_input": "Refused, the input is not valid",
    "incomplete": "Incomplete",
    "plugin_abort": "Stopped by a plugin",
    "runtime_error": "Failed",
    "submitted_error": "Failed, the code submitted an error",
    "tool_error": "Failed by a tool",
}


def outcome_words(turn: Any) -> str:
    """Return how a turn ended: `Completed`, `Completed, 1 tool failed`, `Cancelled`."""
    outcome: TurnOutcome = turn.outcome
    if outcome.stopped is not None:
        reason = outcome.stopped.tag if isinstance(outcome.stopped, TurnStopDetail) else outcome.stopped
        return _STOPS.get(reason, f"Stopped, {reason}")
    failed = sum(call.output.status == "failure" for call in turn.tool_calls)
    words = "Switched to another frame" if outcome.agent_frame_switch is not None else "Completed"
    return f"{words}, {counted(failed, 'tool')} failed" if failed else words


def turn_state(turn: TurnLike) -> TurnState:
    """Return how a finished turn stands."""
    if turn.outcome.is_success:
        return "completed"
    return "cancelled" if turn.outcome.reason == "cancelled" else "failed"


def told_issues(turn: TurnLike) -> list[TurnIssue]:
    """Return what went wrong, without what the outcome says already: that a cancelled turn was cancelled."""
    return [issue for issue in turn.errors if not turn.outcome.says(issue)]


def took_words(turn: TurnLike) -> str:
    """Return how long a turn worked, and how long a stepped one waited for a person: `694 ms`, `694 ms, paused 12.3 s`."""
    worked = duration(turn.duration_ms - turn.waited_ms)
    return f"{worked}, paused {duration(turn.waited_ms)}" if turn.waited_ms else worked


def counts_words(model_calls: int, tool_calls: int, usage: TokenUsage | None, *, gap: str = "   ") -> str:
    """Return what a turn took: `2 model calls   1 tool call   220 in · 30 out`."""
    tools = counted(tool_calls, "tool call") if tool_calls else ""
    return gap.join(filter(None, (counted(model_calls, "model call"), tools, usage_words(usage))))


def usage_words(usage: TokenUsage | None) -> str:
    """Return tokens in words: `1.4k in · 421 cached · 81 out · 16 reasoning`; zeros are left out."""
    if usage is None:
        return ""
    counts = (
        ("in", usage.input_tokens),
        ("cached", usage.cached_input_tokens),
        ("out", usage.output_tokens),
        ("reasoning", usage.reasoning_tokens),
    )
    return _counted_words(counts)


def span_usage_words(usage: Usage | None) -> str:
    """Return the tokens of trace records in words, as `usage_words` does."""
    if usage is None:
        return ""
    counts = (
        ("in", usage.input),
        ("cached", usage.cache_read),
        ("out", usage.output),
        ("reasoning", usage.reasoning),
    )
    return _counted_words(counts)


def _counted_words(counts: Iterable[tuple[str, int]]) -> str:
    return " · ".join(f"{token_count(count)} {name}" for name, count in counts if count)
