"""The explorer's other tables: turns, calls by tool, tokens by model. Counted from columns of the trace; no body is read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lash_nb.plots import one_line, recorded_duration, token_count
from lash_nb.trace import AS_OF_TURNS, FAILED_STATUSES, SpanRows, Trace, Usage
from lash_nb.views._trace_explorer_facts import TraceFacts
from lash_nb.views._trace_explorer_rows import clock
from lash_nb.views._trace_explorer_sheet import Sheet, SheetColumn
from lash_nb.views._trace_explorer_words import STATUSES
from lash_nb.words import NO_MODEL, NO_TOOL

__all__ = ["SHEETS"]

Numbers = NDArray[Any]
"""One number per row of a table, or per call."""

_PERCENTS: Final = (50, 95)
_ALWAYS: Final = ("completed", "failed", "cancelled")
"""Ends of tool calls that have a column also where no call ended so."""


def _turns(trace: Trace, facts: TraceFacts, session: int | None) -> Sheet:
    """One row per turn."""
    turns, outcome = trace.pairs.turns, trace.outcomes.turns
    kept = _of_session(facts, turns.first, session)
    places = facts.turn[turns.first[kept]]
    status = _statuses(outcome.status)
    llm, tools = trace.pairs.llm_calls, trace.pairs.tool_calls
    failed = _per_turn(llm, len(turns), _failed(trace.outcomes.llm_calls.status)) + _per_turn(
        tools, len(turns), _failed(trace.outcomes.tool_calls.status)
    )
    spoken, usages = llm.turn >= 0, trace.index.usages(llm.end)
    read, written = (
        _known_sums(llm.turn[spoken], len(turns), _told(usages, _TOKENS[head])[spoken])
        for head in ("tokens in", "tokens out")
    )
    columns = [
        SheetColumn("turn", [facts.turn_labels[place] for place in places], str, "short", order=turns.first[kept]),
        SheetColumn("session", [facts.session_name(code) for code in facts.session[turns.first[kept]]], str, "word"),
        SheetColumn("time", facts.ms[turns.first[kept]], clock, wide=True),
        SheetColumn("status", status[kept], _status_cell, "status"),
        SheetColumn("reason", _reasons(trace, turns.end[kept]), str, "name", wide=True),
        SheetColumn("took", outcome.duration_ms[kept], _took),
        SheetColumn("model calls", _per_turn(llm, len(turns))[kept], _count),
        SheetColumn("tool calls", _per_turn(tools, len(turns))[kept], _count),
        SheetColumn("failed calls", failed[kept], _bad_count),
        SheetColumn("tokens in", read[kept], token_count, wide=True),
        SheetColumn("tokens out", written[kept], token_count, wide=True),
    ]
    return Sheet(
        "turns",
        [column for column in columns if column.head != "session" or len(facts.session_names) > 1],
        note="all of it: frames.turns_df(trace)",
        keys=[facts.turn_names[place] for place in places],
    )


def _tools(trace: Trace, facts: TraceFacts, session: int | None) -> Sheet:
    """One row per tool, with how its calls ended."""
    calls, outcome = trace.pairs.tool_calls, trace.outcomes.tool_calls
    kept = _of_session(facts, calls.first, session)
    names, group = _names(trace, calls, kept, NO_TOOL)
    status, took = _statuses(outcome.status)[kept], outcome.duration_ms[kept]
    columns = [
        SheetColumn("tool", names, str, "name"),
        SheetColumn("calls", _sums(group, len(names)), _count),
        *(
            SheetColumn(word, counts, _bad_count if word in FAILED_STATUSES else _count)
            for place, word in enumerate(STATUSES)
            if (counts := _sums(group[status == place], len(names))).any() or word in _ALWAYS
        ),
        *_latencies(took, group, len(names)),
        SheetColumn("in all", _sums(group, len(names), np.nan_to_num(took)), _took, wide=True),
    ]
    return _most_first(
        Sheet("tools", columns, note="times of calls that ended · each call: frames.tool_calls_df(trace)"), "calls"
    )


def _usage(trace: Trace, facts: TraceFacts, session: int | None) -> Sheet:
    """One row per model, with its tokens."""
    calls = trace.pairs.llm_calls
    kept = _of_session(facts, calls.first, session)
    names, group = _names(trace, calls, kept, NO_MODEL)
    usages = trace.index.usages(calls.end[kept])
    told = np.array([usage is not None for usage in usages], dtype=bool)
    counts = {"calls": _sums(group, len(names)), "with tokens": _sums(group[told], len(names))}
    tokens = {head: _known_sums(group, len(names), _told(usages, fact)) for head, fact in _TOKENS.items()}
    columns = [
        SheetColumn("model", names, str, "name"),
        *(SheetColumn(head, values, _count) for head, values in counts.items()),
        *(SheetColumn(head, values, token_count, wide=head in _DETAILS) for head, values in tokens.items()),
    ]
    whole = [*(_count(values.sum()) for values in counts.values()), *map(token_count, map(_whole, tokens.values()))]
    note = "reasoning may be counted twice · " if any(usage and usage.approximate for usage in usages) else ""
    return _most_first(
        Sheet(
            "usage",
            columns,
            note=f"{note}by turn and model: frames.usage_df(trace)",
            total=["all models", *whole] if len(names) > 1 else None,
        ),
        "calls",
    )


_TOKENS: Final[Mapping[str, Callable[[Usage], float | None]]] = {
    "tokens in": lambda usage: usage.input,
    "cached": lambda usage: usage.cache_read,
    "to cache": lambda usage: usage.cache_write,
    "tokens out": lambda usage: usage.output,
    "reasoning": lambda usage: usage.reasoning,
}
"""Tokens of a call, by what stands above their column."""
_DETAILS: Final = ("to cache", "reasoning")
"""Columns of these that are left out where there is little room."""

SHEETS: Final[Mapping[str, Callable[[Trace, TraceFacts, int | None], Sheet]]] = {
    "turns": _turns,
    "tools": _tools,
    "usage": _usage,
}
"""The tables in place of the records, by name; of the whole trace, or of the session with this code."""


def _most_first(sheet: Sheet, head: str) -> Sheet:
    sheet.sort_by(head, descending=True)
    return sheet


def _of_session(facts: TraceFacts, rows: Numbers, session: int | None) -> Numbers:
    """Places of the turns or calls that belong to a session, by their first records."""
    if session is None:
        return np.arange(len(rows))
    places: Numbers = np.flatnonzero(facts.session[rows] == session)
    return places


def _names(trace: Trace, calls: SpanRows, kept: Numbers, nameless: str) -> tuple[list[str], Numbers]:
    """Return the different models or tools, and the place of each call's one among them."""
    column = trace.index.text("name")
    first, last = column.codes[calls.first[kept]], np.where(calls.end[kept] < 0, -1, column.codes[calls.end[kept]])
    told = np.array([*map(bool, column.values), False])
    codes, group = np.unique(np.where(told[first], first, np.where(told[last], last, -1)), return_inverse=True)
    return [one_line(name, 60) if name else nameless for name in column.at(codes.tolist())], group


def _statuses(words: Sequence[str]) -> Numbers:
    """Return how each ended, as a place in `STATUSES`."""
    codes = {status: place for place, status in enumerate(STATUSES)}
    return np.array([codes[AS_OF_TURNS.get(word, "unknown")] for word in words], dtype=np.int64)


def _failed(words: Sequence[str]) -> Numbers:
    return np.array([word in FAILED_STATUSES for word in words], dtype=bool)


def _per_turn(calls: SpanRows, size: int, counted_ones: Numbers | None = None) -> Numbers:
    """Count the calls of each turn."""
    turns = calls.turn if counted_ones is None else calls.turn[counted_ones]
    return _sums(turns[turns >= 0], size)


def _sums(group: Numbers, size: int, values: Numbers | None = None) -> Numbers:
    return np.bincount(group, weights=values, minlength=size)


def _known_sums(group: Numbers, size: int, values: Numbers) -> Numbers:
    """Add up what is known in each group; NaN where nothing is."""
    known = ~np.isnan(values)
    sums = _sums(group[known], size, values[known]).astype(np.float64)
    sums[_sums(group[known], size) == 0] = np.nan
    return sums


def _whole(values: Numbers) -> float:
    return float(np.nansum(values)) if not np.isnan(values).all() else np.nan


def _told(usages: Sequence[Usage | None], fact: Callable[[Usage], float | None]) -> Numbers:
    """Return tokens of all calls; NaN where they are not told."""
    return np.array([None if usage is None else fact(usage) for usage in usages], dtype=np.float64)


def _latencies(took: Numbers, group: Numbers, size: int) -> list[SheetColumn]:
    """Columns of the time in which this share of each tool's calls ended."""
    known = ~np.isnan(took)
    order = np.argsort(group[known], kind="stable")
    edges = np.cumsum(_sums(group[known], size))[:-1]
    parts = np.split(took[known][order], edges) if size else []
    return [
        SheetColumn(f"p{percent}", [np.percentile(part, percent) if len(part) else np.nan for part in parts], _took)
        for percent in _PERCENTS
    ]


def _reasons(trace: Trace, ends: Numbers) -> list[str]:
    """Why turns ended, as their ends say it."""
    column = trace.index.text("done_reason")
    codes = np.where(ends < 0, -1, column.codes[ends])
    words = [one_line(str(reason), 40) for reason in column.values]
    return [words[code] if code >= 0 else "" for code in codes.tolist()]


def _count(value: float) -> str:
    return f"{int(value):,}"


def _bad_count(value: float) -> dict[str, Any] | str:
    return {"text": _count(value), "bad": True} if value else _count(value)


def _took(ms: float) -> str:
    return "–" if ms < 0 else recorded_duration(float(ms))


def _status_cell(place: int) -> dict[str, Any]:
    status = list(STATUSES)[place]
    return {"text": status, "mark": STATUSES[status]}
