"""A trace in the terminal: its numbers by model and by tool, and what is wrong with it, in aligned columns."""

from collections.abc import Iterable, Sequence
from typing import Final

from lash_nb.clock import rfc3339
from lash_nb.plots import byte_size, counted, duration, one_line, printable, recorded_duration
from lash_nb.trace import TOOL_STATUSES, Trace, given_trace
from lash_nb.views._record_words import WITHHELD, WITHHELD_HINT
from lash_nb.views._report_numbers import (
    CallNumbers,
    by_model,
    by_tool,
    tokens_cells,
    turn_statuses,
    unknowns,
    versions,
    written_by,
)
from lash_nb.views._text import COLUMNS, aligned

__all__ = ["moment", "summary_text"]

_NAMES: Final = 20
"""As many models and tools have a row of their own."""
_BAD_LINES: Final = 20
"""As many bad lines are told one by one."""
_UNKNOWN: Final = 10
"""As many types of unknown record are told one by one."""
_SECOND: Final = 1_000_000_000
_MODEL_ENDS: Final = ("failed", "cancelled", "open")
_RARE: Final = {"cancelled", "open", "unknown"}
"""Columns that stand only where one of their numbers is not zero."""


def summary_text(trace: Trace) -> str:
    """Return a trace as text of at most 100 columns: turns, models, tools, versions, bad lines, unknown records; printable, cut aloud."""
    given_trace(trace)
    lines = [
        *_head(trace),
        *_models(by_model(trace)),
        *_tools(by_tool(trace)),
        *_bad_lines(trace),
        *_unknown(trace),
    ]
    return "\n".join(_fitting(line) for line in lines)


def moment(time_ns: int) -> str:
    """Write a time as `2026-11-21 14:11:54 UTC`."""
    return rfc3339(time_ns // _SECOND * _SECOND).replace("T", " ").partition("+")[0] + " UTC"


def _head(trace: Trace) -> list[str]:
    told = trace.summary()
    counts = [counted(told.records, "record"), counted(told.sessions, "session"), counted(told.turns, "turn")]
    lines = [f"{one_line(trace.name, 48)}: {', '.join(counts)}"]
    if told.first_ns is not None and told.last_ns is not None:
        lines.append(
            f"  time         {moment(told.first_ns)} to {moment(told.last_ns)}, {duration(told.duration_ms) or '0 ms'}"
        )
        size = byte_size(int(trace.index.length.sum()) + len(trace))
        schemas = ", ".join(f"{name}: {counted(count, 'record')}" for name, count in versions(trace))
        lines.append(f"  written in   schema version {schemas}; {size}")
        lines.append(f"  written by   {written_by(trace)}")
    statuses = [f"{count:,} {one_line(status, 24)}" for status, count in turn_statuses(trace).most_common()]
    lines.append(f"  turns        {', '.join(statuses) or 'none'}")
    if told.remarks:
        lines.append(f"  odd          {'; '.join(told.remarks)}")
    if told.withheld:
        lines.append(f"  {WITHHELD}     {counted(told.withheld, 'record')}: {WITHHELD_HINT}")
    return lines


def _models(models: Sequence[CallNumbers]) -> list[str]:
    heads = ["model", "calls", *_MODEL_ENDS, "tokens in", "cached", "out", "reasoning", "p50", "p95"]
    rows = [[one.name, *_ends(one, _MODEL_ENDS), *tokens_cells(one.usage), *_latencies(one)] for one in models[:_NAMES]]
    return _table(heads, rows, len(models), "model")


def _tools(tools: Sequence[CallNumbers]) -> list[str]:
    heads = ["tool", "calls", *TOOL_STATUSES, "p50", "p95"]
    rows = [[one.name, *_ends(one, TOOL_STATUSES), *_latencies(one)] for one in tools[:_NAMES]]
    return _table(heads, rows, len(tools), "tool")


def _ends(numbers: CallNumbers, statuses: Iterable[str]) -> Iterable[str]:
    return (f"{count:,}" for count in (numbers.calls, *(numbers.statuses[status] for status in statuses)))


def _latencies(numbers: CallNumbers) -> Iterable[str]:
    return (recorded_duration(numbers.latency(percent)) for percent in (50, 95))


def _table(heads: list[str], rows: list[list[str]], found: int, noun: str) -> list[str]:
    """Return a table under a blank line; the first column takes the room that the numbers leave. Without rows, a line that says so."""
    if not rows:
        return ["", f"no {noun} calls"]
    kept = [place for place, head in enumerate(heads) if head not in _RARE or any(row[place] != "0" for row in rows)]
    cells = [[row[place] for place in kept] for row in (heads, *rows)]
    taken = sum(max(len(row[place]) for row in cells) + 2 for place in range(1, len(kept)))
    more = [f"… and {counted(found - len(rows), f'more {noun}')}"] if found > len(rows) else []
    return ["", *aligned(cells, right=range(1, len(kept)), limits={0: max(COLUMNS - taken, 8)}), *more]


def _bad_lines(trace: Trace) -> list[str]:
    more = trace.bad_lines - _BAD_LINES
    files = len({error.source for error in trace.errors})
    return [
        "",
        f"bad lines    {trace.bad_lines:,}",
        *(
            f"  {f'{one_line(error.source, 24)}, ' if files > 1 else ''}line {error.line}: {one_line(error.reason, 70)}"
            for error in trace.errors[:_BAD_LINES]
        ),
        *([f"  and {more:,} more: --table errors"] if more > 0 else []),
    ]


def _unknown(trace: Trace) -> list[str]:
    found = unknowns(trace)
    if not found:
        return []
    more = len(found) - _UNKNOWN
    return [
        f"unknown      {counted(sum(one.records for one in found), 'record')}, kept and shown raw",
        *(
            f"  {one.records:,} {one_line(one.type, 40)}, schema version {one.version}, the first in line {one.line:,}"
            for one in found[:_UNKNOWN]
        ),
        *([f"  and {counted(more, 'more type')}"] if more > 0 else []),
    ]


def _fitting(line: str) -> str:
    return printable(line if len(line) <= COLUMNS else line[: COLUMNS - 1] + "…")
