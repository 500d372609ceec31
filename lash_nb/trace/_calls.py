"""Model calls, tool calls and turns: what two records tell of a thing that began and ended."""

from typing import Final

import msgspec

from lash_nb.trace._statuses import FAILED_STATUSES
from lash_nb.trace._usage import Usage, total_usage

__all__ = ["CODE_CALL", "LONGEST_MS", "Calls", "LlmCall", "Span", "ToolCall", "Turn"]

CODE_CALL: Final = "lashlang:"
"""How the ids of calls begin that code makes, since 0.1.0-alpha.84."""
_AFTER_SWITCH: Final = ":agent-frame:"
_MS: Final = 1_000_000
LONGEST_MS: Final = (1 << 63) / _MS
"""Three centuries, from 1970 to the last moment that a column of times holds."""


class Span(msgspec.Struct, frozen=True, gc=False):
    """Something that began and ended, told by two records of a trace (or by one of them)."""

    order: int
    """Number of its first record in the trace, from 0."""
    session_id: str | None
    """The session it belongs to."""
    turn_id: str | None
    """The turn it belongs to, as the record says; none for a direct completion."""
    turn_index: int | None
    """Number of that turn in its session."""
    protocol_iteration: int | None
    """Round of the turn, from 0."""
    effect_id: str | None
    """The effect that performed it."""
    llm_call_id: str | None
    """Identity of the model call."""
    graph_node_id: str | None
    """Its id as a span, where the record says so (since 0.1.0-alpha.78)."""
    status: str
    """How it ended; `open` while it has no end, `unknown` when that does not say it. Another word is the record's own.

    A call without an end in a turn that was cancelled is `cancelled`: it was broken off with the turn.
    """
    start_row: int | None
    """Number of the record of its start."""
    end_row: int | None
    """Number of the record of its end."""
    started_ns: int | None
    """When its start was recorded, in nanoseconds since the Unix epoch."""
    ended_ns: int | None
    """When its end was recorded, in nanoseconds since the Unix epoch."""
    duration_ms: float | None
    """How long it took as its end reports it, else the time between its two records; milliseconds.

    Of direct completions, of tool calls that were cancelled and, since 0.1.0-alpha.78, of all tool calls it is the time between the
    records: the former report nothing, whatever they took, and the latter their last attempt alone.
    """
    waited_ms: int
    """How long between its two records a person's decision was waited for, as the end of a turn that was stepped through here reports it, and
    those of its tool calls, each for all of one reply; milliseconds. It is no part of `duration_ms`.
    """

    @property
    def began_ns(self) -> int:
        """When it began; without a start, what its end tells about that. Nanoseconds since the Unix epoch, as below."""
        if self.started_ns is not None:
            return self.started_ns
        return (self.ended_ns or 0) - round(self.placed_ms * _MS)

    @property
    def recorded_ns(self) -> int:
        """When its end was recorded; without one, when it began."""
        return self.began_ns if self.ended_ns is None else self.ended_ns

    @property
    def over_ns(self) -> int:
        """The last moment known of it: the record of its end, or the end that it reports."""
        began = self.began_ns
        return max(began if self.ended_ns is None else self.ended_ns, began + round(self.placed_ms * _MS))

    @property
    def has_failed(self) -> bool:
        """Whether it ended as a failure; what was cancelled did not fail."""
        return self.status in FAILED_STATUSES

    @property
    def placed_ms(self) -> float:
        """Its duration where a picture or a moment depends on it: 0 where none is known, or one of centuries is told, which is an error."""
        told = self.duration_ms or 0.0
        return told if abs(told) < LONGEST_MS else 0.0


class LlmCall(Span, frozen=True):
    """One call of a model; status one of `LLM_STATUSES`."""

    model: str | None
    """The model that was asked."""
    model_variant: str | None
    """Variant of the model that was asked for."""
    terminal_reason: str | None
    """Why the model stopped."""
    cause_call_id: str | None
    """The tool call that asked for it, where it was one."""
    usage: Usage | None
    """Tokens, as its end reports them."""

    @property
    def is_direct(self) -> bool:
        """Whether it was a direct completion: a call that is no effect of a turn's own loop."""
        return self.turn_id is None and self.effect_id is None


class ToolCall(Span, frozen=True):
    """One call of a tool; status one of `TOOL_STATUSES`, `unknown` when its only end is a receipt (version 36) that does not say how."""

    call_id: str | None
    """The model's name for the call."""
    name: str | None
    """The tool."""
    issuing_node_id: str | None
    """The step of a code execution that made it, where the record says so (version 36)."""
    receipt_row: int | None
    """Number of the record of its receipt (version 36)."""

    @property
    def is_by_code(self) -> bool:
        """Whether code made it, not the model itself."""
        return self.issuing_node_id is not None or (self.call_id or "").startswith(CODE_CALL)


class Turn(Span, frozen=True):
    """One turn with the calls made in it; status one of `TURN_STATUSES`, `switched` when it went on in another frame."""

    done_reason: str | None
    """Why it ended, e.g. `assistant_message` or `cancelled`."""
    next_frame: str | None
    """Where the session goes on after a switch: the frame's id or key, in the oldest releases the next session."""
    cause: str | None
    """Id of the span that caused it, where the records say so (since 0.1.0-alpha.78) and it is not just its session."""
    llm_calls: tuple[LlmCall, ...]
    """Model calls, direct completions of its tools included."""
    tool_calls: tuple[ToolCall, ...]
    """Tool calls."""

    @property
    def calls(self) -> tuple[LlmCall | ToolCall, ...]:
        """Its model calls, then its tool calls."""
        return (*self.llm_calls, *self.tool_calls)

    @property
    def began_ns(self) -> int:
        """When it began; without a start, when its first call did."""
        if self.started_ns is not None:
            return self.started_ns
        return min((call.began_ns for call in self.calls), default=self.ended_ns or 0)

    @property
    def over_ns(self) -> int:
        """The last moment of it: its end, or what came last in it."""
        return max([self.recorded_ns, *(call.over_ns for call in self.calls)])

    @property
    def is_cancelled(self) -> bool:
        """Whether it was stopped on purpose."""
        return self.status == "cancelled"

    @property
    def follows_turn_id(self) -> str | None:
        """The turn that switched frames and goes on in this one."""
        before, found, _ = (self.turn_id or "").rpartition(_AFTER_SWITCH)
        return before if found else None

    @property
    def usage(self) -> Usage:
        """Tokens of all its model calls."""
        return total_usage(call.usage for call in self.llm_calls)


class Calls(msgspec.Struct, frozen=True):
    """All turns and calls of a trace, each list in the order of first records."""

    turns: tuple[Turn, ...]
    llm_calls: tuple[LlmCall, ...]
    tool_calls: tuple[ToolCall, ...]
