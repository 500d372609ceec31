"""A trace in a dozen numbers."""

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

import msgspec

from lash_nb.trace._statuses import TOOL_STATUSES, TURN_STATUSES
from lash_nb.trace._usage import Usage
from lash_nb.words import counted, legible

if TYPE_CHECKING:
    from lash_nb.trace._reader import Trace

__all__ = ["TraceSummary", "summarize"]


class TraceSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what a trace holds."""

    name: str
    """What a person calls the trace."""
    records: int
    """Lines that are records."""
    bad_lines: int
    """Lines that are none."""
    unknown: int
    """Records of a type or schema version that this release does not describe."""
    withheld: int
    """Records from which the host kept texts out: what is empty in them may not have been."""
    sessions: int
    """Sessions that wrote into it."""
    turns: int
    """Turns, unfinished ones included."""
    failed_turns: int
    """Turns that failed; those that were cancelled not counted."""
    cancelled_turns: int
    """Turns that were stopped on purpose."""
    llm_calls: int
    """Model calls, direct completions included."""
    failed_llm_calls: int
    """Model calls that failed."""
    tool_calls: int
    """Tool calls."""
    failed_tool_calls: int
    """Tool calls that ended as `failure`."""
    cancelled_tool_calls: int
    """Tool calls that ended as `cancelled`."""
    open_calls: int
    """Model and tool calls without an end."""
    unknown_turns: int
    """Turns with an end that does not say how, or says it in a word that nobody knows."""
    unknown_tool_calls: int
    """Tool calls with such an end."""
    times_without_zone: int
    """Records whose time names no zone: it is read as UTC."""
    negative_durations: int
    """Records that report a duration below zero: it is kept."""
    usage: Usage
    """Tokens of all model calls."""
    first_ns: int | None
    """Time of the earliest record, in nanoseconds since the Unix epoch."""
    last_ns: int | None
    """Time of the latest record, in nanoseconds since the Unix epoch."""

    @property
    def failures(self) -> int:
        """Failed turns, model calls and tool calls together."""
        return self.failed_turns + self.failed_llm_calls + self.failed_tool_calls

    @property
    def duration_ms(self) -> float | None:
        """Time from the earliest to the latest record, in milliseconds."""
        if self.first_ns is None or self.last_ns is None:
            return None
        return (self.last_ns - self.first_ns) / 1_000_000

    def __str__(self) -> str:
        name = legible(" ".join(self.name.split()), 400)  # a file's name may hold orders to the terminal
        if not self.records and not self.bad_lines:
            return f"{name}: empty, nothing has been written to it yet"
        parts = [
            counted(self.records, "record"),
            counted(self.sessions, "session"),
            counted(self.turns, "turn") + _not_well(self.failed_turns, self.cancelled_turns, self.unknown_turns),
            counted(self.llm_calls, "model call") + _not_well(self.failed_llm_calls),
            counted(self.tool_calls, "tool call")
            + _not_well(self.failed_tool_calls, self.cancelled_tool_calls, self.unknown_tool_calls),
        ]
        if self.bad_lines:
            parts.append(f"{counted(self.bad_lines, 'bad line')} (see .errors)")
        if self.unknown:
            parts.append(f"{counted(self.unknown, 'record')} of another release, shown raw")
        if self.withheld:
            parts.append(f"{counted(self.withheld, 'record')} with texts withheld")
        return f"{name}: {', '.join([*parts, *self.remarks])}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is odd about its records, though they are all read; nothing when nothing is."""
        told = (
            (self.times_without_zone, "time", "without a zone, read as UTC"),
            (self.negative_durations, "duration", "below zero"),
        )
        return tuple(f"{counted(count, noun)} {words}" for count, noun, words in told if count)


def summarize(trace: "Trace") -> TraceSummary:
    """Count what a trace holds."""
    outcomes = trace.outcomes
    turns, llm, tools = (Counter(one.status) for one in (outcomes.turns, outcomes.llm_calls, outcomes.tool_calls))
    times = trace.index.time_ns
    return TraceSummary(
        name=trace.name,
        records=len(trace),
        bad_lines=trace.bad_lines,
        unknown=trace.unknown,
        withheld=int(trace.index.is_withheld.sum()),
        sessions=len(trace.sessions),
        turns=turns.total(),
        failed_turns=turns["failed"],
        cancelled_turns=turns["cancelled"],
        llm_calls=llm.total(),
        failed_llm_calls=llm["failed"],
        tool_calls=tools.total(),
        failed_tool_calls=tools["failure"],
        cancelled_tool_calls=tools["cancelled"],
        open_calls=llm["open"] + tools["open"],
        unknown_turns=_unknown(turns, TURN_STATUSES),
        unknown_tool_calls=_unknown(tools, TOOL_STATUSES),
        times_without_zone=len(trace.index.without_zone),
        negative_durations=int((trace.index.duration_ms < 0).sum()),
        usage=trace.index.total_usage(trace.pairs.llm_calls.end),
        first_ns=int(times.min()) if len(times) else None,
        last_ns=int(times.max()) if len(times) else None,
    )


def _unknown(counts: Counter[str], statuses: Collection[str]) -> int:
    known = {*statuses} - {"unknown"}
    return sum(count for status, count in counts.items() if status not in known)


def _not_well(failed: int, cancelled: int = 0, unknown: int = 0) -> str:
    told = ((failed, "failed"), (cancelled, "cancelled"), (unknown, "unknown"))
    words = [f"{count:,} {word}" for count, word in told if count]
    return f" ({', '.join(words)})" if words else ""
