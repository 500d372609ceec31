"""The numbers of a trace: calls, tokens and latency by model and by tool, turns by status, versions, records that nobody knows.

Read from the index and the paired calls, never from a body, so that a trace of any size is counted in one pass. The page and the terminal
show the same numbers.
"""

from collections import Counter
from collections.abc import Collection
from itertools import groupby, pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lash_nb.plots import token_count
from lash_nb.trace import (
    LLM_STATUSES,
    TOOL_STATUSES,
    UNRELEASED,
    CodeBlock,
    CodedColumn,
    Outcome,
    SpanRows,
    Trace,
    Usage,
)
from lash_nb.words import NO_MODEL, NO_TOOL

__all__ = [
    "CallNumbers",
    "Numbers",
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

Numbers = NDArray[Any]
"""A column of numbers."""


_TROUBLES: Final = frozenset({"failed", "cancelled", "open"})


class CallNumbers:
    """All calls of one model or tool.

    Attributes:
        name: The model or tool.
        statuses: How many calls ended in each way.
        usage: Their tokens; none for tools.
    """

    def __init__(self, name: str, statuses: Counter[str], usage: Usage, durations: Numbers) -> None:
        self.name: Final = name
        self.statuses: Final = statuses
        self.usage: Final = usage
        self._durations = np.sort(durations)

    @property
    def calls(self) -> int:
        """How many."""
        return self.statuses.total()

    def latency(self, percent: float) -> float | None:
        """Return the time in milliseconds that this share of the ended calls stayed within, between two calls in proportion."""
        if not len(self._durations):
            return None
        place = (len(self._durations) - 1) * percent / 100
        below = int(place)
        low, high = (float(self._durations[each]) for each in (below, min(below + 1, len(self._durations) - 1)))
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
    calls = _Calls(trace, trace.pairs.llm_calls, trace.outcomes.llm_calls, NO_MODEL)
    return calls.numbers(LLM_STATUSES, trace.pairs.llm_calls.end)


def by_tool(trace: Trace) -> list[CallNumbers]:
    """Return the calls of each tool, the most called first."""
    calls = _Calls(trace, trace.pairs.tool_calls, trace.outcomes.tool_calls, NO_TOOL)
    return calls.numbers(TOOL_STATUSES, np.zeros(0, np.int64))


def turn_statuses(trace: Trace) -> Counter[str]:
    """Count the turns by how they ended."""
    return Counter(trace.outcomes.turns.status)


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
    if usage is None:
        return ""
    read, written = usage.input, usage.output
    return f"{token_count(read)} → {token_count(written)}" if read + written else ""


def tokens_cells(usage: Usage) -> list[str]:
    """Return tokens as four cells: read, of these cached, written, of these reasoning."""
    return [token_count(count) for count in (usage.input, usage.cache_read, usage.output, usage.reasoning)]


def troubles(trace: Trace) -> list[str]:
    """Return what is wrong with each turn: `failed` when it or a call in it failed, else `cancelled`, `open`, or nothing."""
    found = [word if word in _TROUBLES else "" for word in trace.outcomes.turns.status]
    for rows, went in (
        (trace.pairs.llm_calls, trace.outcomes.llm_calls),
        (trace.pairs.tool_calls, trace.outcomes.tool_calls),
    ):
        for turn in rows.turn[went.has_failed].tolist():
            if turn >= 0:
                found[turn] = "failed"
    return found


def blocks_by_turn(trace: Trace) -> dict[int, list[CodeBlock]]:
    """Return the blocks of code of each turn, by the turn's place from 0: of turns with one number the last that began before."""
    blocks, turns = trace.code_blocks, trace.pairs.turns
    if not blocks or not len(turns):
        return {}
    keys = trace.index.turn_key[turns.speaker]
    order = np.argsort(keys, kind="stable")
    wanted = trace.index.turn_key[[block.order for block in blocks]]
    firsts, ends = (np.searchsorted(keys[order], wanted, side).tolist() for side in ("left", "right"))
    found: dict[int, list[CodeBlock]] = {}
    for block, first, end in zip(blocks, firsts, ends, strict=True):
        if first < end:
            before = int(np.searchsorted(turns.first[order[first:end]], block.order, "right"))
            found.setdefault(int(order[first + max(before - 1, 0)]), []).append(block)
    return found


class _Calls:
    """All calls of one kind, sorted by model or tool."""

    def __init__(self, trace: Trace, rows: SpanRows, went: Outcome, nameless: str) -> None:
        self._trace, self._went = trace, went
        names = [*(name or nameless for name in went.name.values), nameless]
        self._names = list(dict.fromkeys(names))
        group_of = np.array([self._names.index(name) for name in names], np.int64)
        groups = group_of[went.name.codes] if len(rows) else np.zeros(0, np.int64)
        self._order = np.argsort(groups, kind="stable")
        self._groups, firsts = np.unique(groups[self._order], return_index=True)
        self._edges = [*firsts.tolist(), len(rows)]
        self._words = list(dict.fromkeys(went.status))
        numbers = {word: number for number, word in enumerate(self._words)}
        self._codes = np.fromiter(map(numbers.__getitem__, went.status), np.int32, len(went.status))

    def numbers(self, known: Collection[str], ends: Numbers) -> list[CallNumbers]:
        """Return the numbers of each model or tool; a way to end that is not known counts as `unknown`, so that no call is in no sum."""
        found = []
        for group, (first, end) in zip(self._groups.tolist(), pairwise(self._edges), strict=True):
            places = self._order[first:end]
            counts = np.bincount(self._codes[places], minlength=len(self._words)).tolist()
            statuses: Counter[str] = Counter()
            for word, count in zip(self._words, counts, strict=True):
                statuses[word if word in known else "unknown"] += count
            usage = self._trace.index.total_usage(ends[places] if len(ends) else ends)
            found.append((int(places[0]), CallNumbers(self._names[group], statuses, usage, self._durations(places))))
        return [one for _, one in sorted(found, key=lambda each: (-each[1].calls, each[0]))]

    def _durations(self, places: Numbers) -> Numbers:
        is_open = self._words.index("open") if "open" in self._words else -1
        took = self._went.duration_ms[places]
        ended: Numbers = took[~np.isnan(took) & (self._codes[places] != is_open)]
        return ended


def _counts(column: CodedColumn) -> list[tuple[Any, int]]:
    codes, counts = np.unique(column.codes, return_counts=True)
    return list(zip(column.at(codes), map(int, counts), strict=True))
