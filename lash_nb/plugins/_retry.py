"""When a tool call is tried again, and after what wait (lash 0.1.0-alpha.37, turns §12.3)."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from lash_nb.wire import (
    NeverRetryPolicy,
    PreparedToolCall,
    RetryExhausted,
    RetrySafe,
    SafeRetryPolicy,
    ToolCallOutput,
    ToolFailed,
    ToolRetryPolicy,
)

__all__ = ["RetryPlan", "RetrySleep", "exhausted"]

RetrySleep: TypeAlias = Callable[[PreparedToolCall, int, int], Awaitable[None]]
"""Waits after a failed attempt: the call, the number of the attempt from 1, milliseconds; a `LashRuntimeError` ends the call."""

_LONGEST_MS: Final = 2**64 - 1
_MOST_DOUBLINGS: Final = 64


class RetryPlan(Struct, frozen=True):
    """How often one call may be tried, and how long to wait in between."""

    attempts: int
    """Attempts in all."""
    policy: ToolRetryPolicy
    """What the tool declares."""

    @classmethod
    def of(cls, policy: ToolRetryPolicy, call_id: str | None) -> "RetryPlan":
        """Return the plan of a call; an idempotent tool is tried again only under a call id, by which a repetition is recognized."""
        if isinstance(policy, SafeRetryPolicy) or (not isinstance(policy, NeverRetryPolicy) and call_id):
            return cls(max(1, policy.max_attempts), policy)
        return _ONCE

    def wish(self, output: ToolCallOutput) -> RetrySafe | None:
        """Return the failure's wish to be tried again, None when the output is to stay as it is."""
        if isinstance(self.policy, NeverRetryPolicy) or not isinstance(output.outcome, ToolFailed):
            return None
        retry = output.outcome.payload.retry
        return retry if isinstance(retry, RetrySafe) else None

    def delay_ms(self, attempt: int, wish: RetrySafe) -> int | None:
        """Return how long to wait after failed `attempt`, None after the last one: what the failure asks for, else the doubled base, never above the cap."""
        if attempt >= self.attempts:
            return None
        if isinstance(self.policy, NeverRetryPolicy):
            return 0
        doubled = self.policy.base_delay_ms << min(attempt - 1, _MOST_DOUBLINGS)
        asked = doubled if wish.after_ms is None else wish.after_ms
        return min(asked, self.policy.max_delay_ms or _LONGEST_MS)


_ONCE: Final = RetryPlan(1, NeverRetryPolicy())


def exhausted(output: ToolCallOutput, attempts: int) -> ToolCallOutput:
    """Return the failure of the last attempt, which says that it was one."""
    if not isinstance(output.outcome, ToolFailed):
        return output
    failure = replace(output.outcome.payload, retry=RetryExhausted(attempts=attempts))
    return ToolCallOutput(outcome=ToolFailed(payload=failure), control=output.control)
