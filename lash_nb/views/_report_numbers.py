"""The numbers of a trace: calls, tokens and latency by model and by tool, turns by status, versions, records that nobody knows.

Read from the index and the paired calls, never from a body, so that a trace of any size is counted in one pass. The page and the terminal
show the same numbers.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from lash_nb.plots import token_count
from lash_nb.trace import (
    LLM_STATUSES,
    TOOL_STATUSES,
    UNRELEASED,
    CodeBlock,
    CodedColumn,
    LlmCall,
    Span,
    ToolCall,
    Trace,
    Turn,
    Usage,
    total_usage,
)
from lash_nb.words import NO_MODEL, NO_TOOL

__all__ = [
    "CallNumbers",
    "Unknown",
    "blocks_by_turn",
    "by_model",
    "by_tool",
    "tokens_cells",
    "tokens_words",
    "troubles",
    "turn_statuses",
    "unknowns",
    "versions",
    "written_by",
]

CallT = TypeVar("CallT", LlmCall, ToolCall)


class CallNumbers:
    """All calls of one model or tool.

    Attributes:
        name: The model or tool.
        statuses: How many calls ended in each way.
        usage: Their tokens; none for tools.
    """

    def __init__(self, name: str, calls: Sequence[Span]) -> None:
        self.name: Final = name
        self.statuses: Final = Counter(map(_status, calls))
        self.usage: Final = total_usage(call.usage for call in calls if isinstance(call, LlmCall))
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


def _status(call: Span) -> str:
    """Return how a call ended; a word that nobody knows counts as `unknown`, so that no call is in no sum."""
    known = TOOL_STATUSES if isinstance(call, ToolCall) else LLM_STATUSES
    return call.status if call.status in known else "unknown"


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
    return _grouped(trace.llm_calls, lambda call: call.model or NO_MODEL)


def by_tool(trace: Trace) -> list[CallNumbers]:
    """Return the calls of each tool, the most called first."""
    return _grouped(trace.tool_calls, lambda call: call.name or NO_TOOL)


def turn_statuses(trace: Trace) -> Counter[str]:
    """Count the turns by how they ended."""
    return Counter(turn.status for turn in trace.turns)


def versions(trace: Trace) -> list[tuple[str, int]]:
    """Return each schema version with the number of records that carry it."""
    column = trace.index.text("schema_version")
    found = [(str(version), count) for version, count in _counts(column)]
    return sorted(found, key=lambda each: (len(each[0]), each[0]))


def written_by(trace: Trace) -> str:
    """Return the releases that may have written a trace, each once, and the versions that only the main branch wrote."""
    releases = [one.releases for one in trace.shapes if one.releases != UNRELEASED]
    numbers = sorted({one.version for one in trace.shapes if one.releases == UNRELEASED})
    consecutive = groupby(enumerate(numbers), lambda each: each[1] - each[0])
    runs = [[number for _, number in run] for _, run in consecutive]
    words = [f"{run[0]}–{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs]
    noun = "version" if len(numbers) == 1 else "versions"
    return ", ".join(dict.fromkeys([*releases, *([f"main branch, {noun} {', '.join(words)}"] if numbers else [])]))


def unknowns(trace: Trace) -> list[Unknown]:
    """Return the records of a type or schema version that this release does not describe, the most frequent first."""
    rows = np.flatnonzero(~trace.index.is_known)
    types, schemas = trace.index.text("type").codes[rows], trace.index.text("schema_version").codes[rows]
    _, first, counts = np.unique(np.stack([types, schemas]), axis=1, return_index=True, return_counts=True)
    lines = trace.index.line
    found = [
        Unknown(str(kind), str(version), int(count), int(lines[row]))
        for kind, version, count, row in zip(
            *(
                trace.index.text(name).at(trace.index.text(name).codes[rows[first]])
                for name in ("type", "schema_version")
            ),
            counts,
            rows[first],
            strict=True,
        )
    ]
    return sorted(found, key=lambda one: -one.records)


def tokens_words(usage: Usage | None) -> str:
    """Write tokens read and written as `1.2k → 26`; nothing where there are none."""
    return f"{token_count(usage.input)} → {token_count(usage.output)}" if usage and usage.total else ""


def tokens_cells(usage: Usage) -> list[str]:
    """Return tokens as four cells: read, of these cached, written, of these reasoning."""
    return [token_count(count) for count in (usage.input, usage.cache_read, usage.output, usage.reasoning)]


def troubles(turns: Iterable[Turn]) -> dict[int, str]:
    """Return what is wrong with each turn, by its order: `failed` when it or a call in it failed, else `cancelled`, `open`, or nothing."""
    return {turn.order: _trouble(turn) for turn in turns}


def blocks_by_turn(trace: Trace) -> dict[int, list[CodeBlock]]:
    """Return the blocks of code of each turn, by the turn's order: of turns with one number the last that began before."""
    if not trace.code_blocks:
        return {}
    turns: dict[Hashable, list[int]] = {}
    for turn in trace.turns:
        turns.setdefault(_turn_key(turn), []).append(turn.order)
    found: dict[int, list[CodeBlock]] = {}
    for block in trace.code_blocks:
        orders = turns.get(_turn_key(block), [])
        place = bisect_right(orders, block.order) - 1
        if orders:
            found.setdefault(orders[max(place, 0)], []).append(block)
    return found


def _turn_key(span: Span) -> Hashable:
    return (span.session_id, span.turn_id if span.turn_index is None else span.turn_index)


def _trouble(turn: Turn) -> str:
    if turn.status == "failed" or any(call.has_failed for call in turn.calls):
        return "failed"
    return turn.status if turn.status in ("cancelled", "open") else ""


def _grouped(calls: Sequence[CallT], name_of: Callable[[CallT], str]) -> list[CallNumbers]:
    groups: dict[str, list[CallT]] = {}
    for call in calls:
        groups.setdefault(name_of(call), []).append(call)
    return sorted((CallNumbers(name, group) for name, group in groups.items()), key=lambda one: -one.calls)


def _counts(column: CodedColumn) -> list[tuple[Any, int]]:
    codes, counts = np.unique(column.codes, return_counts=True)
    return list(zip(column.at(codes), map(int, counts), strict=True))
