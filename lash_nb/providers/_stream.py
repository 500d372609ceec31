"""What a provider tells while it answers (lash 0.1.0-alpha.37, turns §1.2)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

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


@dataclass(frozen=True, slots=True)
class DeltaEvent:
    """The next piece of the answer's text."""

    text: str
    """The piece."""


@dataclass(frozen=True, slots=True)
class ReasoningDeltaStream:
    """The next piece of visible reasoning."""

    text: str
    """The piece."""


@dataclass(frozen=True, slots=True)
class PartEvent:
    """A finished part of the answer."""

    part: LlmOutputPart
    """The part."""


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """The counters so far; a later one replaces an earlier one."""

    usage: LlmUsage
    """The counters."""


@dataclass(frozen=True, slots=True)
class RetryStatusStream:
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
