"""The numbers of a trace: calls, tokens and latency by model and by tool, turns by status, versions, records that nobody knows.

Read from the index and the paired calls, never from a body, so that a trace of any size is counted in one pass. The page and the terminal
show the same numbers.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple, TypeVar

from lash_nb.plots import token_count
from lash_nb.trace import LlmCall, Span, ToolCall, Trace, Turn

__all__ = [
    "FAILED",
    "CallNumbers",
    "Tokens",
    "Unknown",
    "by_model",
    "by_tool",
    "tokens_of",
    "tokens_words",
    "total_tokens",
    "troubles",
    "turn_statuses",
    "unknowns",
    "versions",
]

CallT = TypeVar("CallT", LlmCall, ToolCall)

_NO_MODEL: Final = "model not recorded"
_NO_TOOL: Final = "tool not recorded"
FAILED: Final = frozenset({"failed", "failure"})
"""How a turn or a call ends that failed."""


class Tokens(NamedTuple):
    """Tokens of one or more model calls."""

    read: int = 0
    """Tokens that the models read, cached ones included."""
    cached: int = 0
    """Of these, tokens that came from the provider's cache."""
    written: int = 0
    """Tokens that the models wrote."""
    reasoning: int = 0
    """Tokens of reasoning."""

    def plus(self, other: "Tokens") -> "Tokens":
        """Return the sum."""
        return Tokens(*(one + two for one, two in zip(self, other, strict=True)))


class CallNumbers:
    """All calls of one model or tool.

    Attributes:
        name: The model or tool.
        statuses: How many calls ended in each way.
        tokens: Their tokens; zero for tools.
    """

    def __init__(self, name: str, calls: Sequence[Span]) -> None:
        self.name: Final = name
        self.statuses: Final = Counter(call.status for call in calls)
        self.tokens: Final = total_tokens(calls)
        self._durations = sorted(
            call.duration_ms for call in calls if call.duration_ms is not None and call.status != "open"
        )

    @property
    def calls(self) -> int:
        """How many."""
        return self.statuses.total()

    def latency(self, percent: float) -> float | None:
        """Return the time in milliseconds that this share of the ended calls stayed within, between two calls in proportion."""
        if not self._durations:
            return None
        place = (len(self._durations) - 1) * percent / 100
        below = int(place)
        low, high = self._durations[below], self._durations[min(below + 1, len(self._durations) - 1)]
        return low + (high - low) * (place - below)


class Unknown(NamedTuple):
    """Records that this release does not describe; they are kept and shown raw."""

    type: str
    """Their type."""
    version: str
    """Their schema version."""
    records: int
    """How many."""
    line: int
    """Line of the first one in its file."""


def by_model(trace: Trace) -> list[CallNumbers]:
    """Return the calls of each model, the most called first."""
    return _grouped(trace.llm_calls, lambda call: call.model or _NO_MODEL)


def by_tool(trace: Trace) -> list[CallNumbers]:
    """Return the calls of each tool, the most called first."""
    return _grouped(trace.tool_calls, lambda call: call.name or _NO_TOOL)


def turn_statuses(trace: Trace) -> Counter[str]:
    """Count the turns by how they ended."""
    return Counter("cancelled" if turn.is_cancelled else turn.status for turn in trace.turns)


def versions(trace: Trace) -> list[tuple[str, int]]:
    """Return each schema version with the number of records that carry it."""
    column = trace.index.text("schema_version")
    counts = Counter(map(int, column.codes))
    return [(str(column.values[code]) if code >= 0 else "none", count) for code, count in sorted(counts.items())]


def unknowns(trace: Trace) -> list[Unknown]:
    """Return the records of a type or schema version that this release does not describe, the most frequent first."""
    if not trace.unknown:
        return []
    types, schemas = trace.index.text("type"), trace.index.text("schema_version")
    found: dict[tuple[int, int], list[int]] = {}
    for row, pair in enumerate(zip(map(int, types.codes), map(int, schemas.codes), strict=True)):
        found.setdefault(pair, [0, row])[0] += 1
    rows = [
        Unknown(str(types[row]), str(schemas[row]), count, int(trace.index.line[row]))
        for count, row in found.values()
        if not trace.is_known(row)
    ]
    return sorted(rows, key=lambda one: -one.records)


def tokens_of(call: Span) -> Tokens:
    """Return the tokens that a model call reported; zero where it did not."""
    usage = getattr(call, "usage", None)
    if not usage:
        return Tokens()
    names = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens")
    return Tokens(*(usage.get(name) or 0 for name in names))


def tokens_words(tokens: Tokens) -> str:
    """Write tokens read and written as `1.2k → 26`; nothing where there are none."""
    return f"{token_count(tokens.read)} → {token_count(tokens.written)}" if any(tokens) else ""


def troubles(turns: Iterable[Turn]) -> dict[int, str]:
    """Return what is wrong with each turn, by its order: `failed` when it or a call in it failed, else `cancelled`, `open`, or nothing."""
    return {turn.order: _trouble(turn) for turn in turns}


def _trouble(turn: Turn) -> str:
    status = "cancelled" if turn.is_cancelled else turn.status
    if status == "failed" or any(call.status in FAILED for call in turn.calls):
        return "failed"
    return status if status in ("cancelled", "open") else ""


def total_tokens(calls: Iterable[Span]) -> Tokens:
    """Return the tokens of all calls."""
    columns = list(zip(*(tokens_of(call) for call in calls), strict=True))
    return Tokens(*map(sum, columns)) if columns else Tokens()


def _grouped(calls: Sequence[CallT], name_of: Callable[[CallT], str]) -> list[CallNumbers]:
    groups: dict[str, list[CallT]] = {}
    for call in calls:
        groups.setdefault(name_of(call), []).append(call)
    return sorted((CallNumbers(name, group) for name, group in groups.items()), key=lambda one: -one.calls)
