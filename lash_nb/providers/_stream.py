"""What a provider tells while it answers (lash 0.1.0-alpha.37, turns §1.2)."""

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from lash_nb.wire import LlmOutputPart, LlmUsage

__all__ = [
    "DeltaEvent",
    "LlmStreamEvent",
    "PartEvent",
    "ReasoningDeltaStream",
    "RetryStatusStream",
    "StreamSink",
    "UsageEvent",
]


class DeltaEvent(Struct, frozen=True):
    """The next piece of the answer's text."""

    text: str
    """The piece."""


class ReasoningDeltaStream(Struct, frozen=True):
    """The next piece of visible reasoning."""

    text: str
    """The piece."""


class PartEvent(Struct, frozen=True):
    """A finished part of the answer."""

    part: LlmOutputPart
    """The part."""


class UsageEvent(Struct, frozen=True):
    """The counters so far; a later one replaces an earlier one."""

    usage: LlmUsage
    """The counters."""


class RetryStatusStream(Struct, frozen=True):
    """A failed attempt will be repeated."""

    wait_seconds: int
    """Seconds until then, rounded down."""
    attempt: int
    """Number of the failed attempt, from 1."""
    max_attempts: int
    """Attempts in all."""
    reason: str
    """Why it failed."""


LlmStreamEvent: TypeAlias = DeltaEvent | ReasoningDeltaStream | PartEvent | UsageEvent | RetryStatusStream
"""One thing told while the answer comes."""
StreamSink: TypeAlias = Callable[[LlmStreamEvent], None]
"""Who listens; called on the loop, must not block."""
