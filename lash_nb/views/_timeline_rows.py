"""When things happened in a trace, as plain data: the overview of all turns, the waterfall of one, one call in detail.

Nothing is drawn that was not recorded. A tool's bar is the time that the tool reports, from its start record; the thin line behind it goes
on to the record of its end, because calls of one reply are recorded together. Bodies are read for the turn on the screen only.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import numpy as np

from lash_nb.clock import NS_PER_MS
from lash_nb.plots import argument_hint, counted, duration, first_token_ms, one_line, recorded_duration, turn_name
from lash_nb.trace import (
    FAILED_STATUSES,
    OPEN_STATUSES,
    LlmCall,
    Span,
    ToolCall,
    Trace,
    Turn,
    Usage,
    is_withheld,
    read_fact,
)
from lash_nb.views._json import pretty_capped
from lash_nb.views._record_words import WITHHELD
from lash_nb.views._strip import DENSITY_FROM, busy_shares
from lash_nb.views._turn_words import span_usage_words

__all__ = ["ABSENT", "bar", "detail", "overview", "selection_of", "status_word", "turn_times", "waterfall"]

ABSENT: Final = "not in a trace: sleeps, checkpoints, commits (live: session.effects)"
"""What a timeline cannot show, and where it is."""
_MOST_CALLS: Final = 400
"""Calls of one turn that get a row of their own."""
_OUTCOMES: Final = {"success": "Result", "failure": "Failure", "cancelled": "Cancelled"}
_STATUS_MARKS: Final = {
    **dict.fromkeys(FAILED_STATUSES, "failed"),
    **dict.fromkeys(OPEN_STATUSES, "running"),
    "cancelled": "cancelled",
}


def overview(trace: Trace) -> dict[str, Any]:
    """Return every turn and call as times in milliseconds from the first moment; above 2,000 turns, how busy each moment was."""
    zero, last = _bounds(trace)
    turns = [_turn_span(turn, zero) for turn in trace.turns]
    total = max((last - zero) / NS_PER_MS, 1)
    model = [bar(call, zero) for call in trace.llm_calls if not call.is_direct]
    direct = [bar(call, zero) for call in trace.llm_calls if call.is_direct]
    tool = [bar(call, zero) for call in trace.tool_calls]
    marks = [mark for place, turn in enumerate(trace.turns) for mark in _marks(turn, place, zero)]
    if len(turns) <= DENSITY_FROM:
        return {
            "total": total,
            "turns": turns,
            "model": model,
            "direct": direct,
            "tool": tool,
            "marks": marks,
            "density": False,
        }
    return {
        "total": total,
        "turns": turns,
        "model": _density(model + direct, total),
        "direct": [],
        "tool": _density(tool, total),
        "marks": marks,
        "density": True,
    }


def _bounds(trace: Trace) -> tuple[int, int]:
    """The first and the last moment of a trace: a call that began before the file did is part of it."""
    spans = (*trace.turns, *trace.llm_calls, *trace.tool_calls)
    times = trace.index.time_ns
    first = min([*(span.began_ns for span in spans), min(times, default=0)])
    return first, max([*(span.over_ns for span in spans), max(times, default=0)])


def bar(span: Span, zero: int) -> tuple[float, float]:
    """Return start and end of a call in milliseconds from `zero`: the time that it reports, from where it was recorded to start."""
    begin = (span.began_ns - zero) / NS_PER_MS
    return round(begin, 3), round(begin + span.placed_ms, 3)


def turn_times(turn: Turn, zero: int) -> tuple[float, float]:
    """Return start and end of a turn in milliseconds from `zero`; of one that was not recorded whole, what its calls tell."""
    return round((turn.began_ns - zero) / NS_PER_MS, 3), round((turn.over_ns - zero) / NS_PER_MS, 3)


def status_word(span: Span) -> str:
    """Return how a call or turn ended, in one word."""
    if isinstance(span, Turn) and span.is_cancelled:
        return "cancelled"
    return one_line(span.status, 40)


def waterfall(trace: Trace, turn: Turn) -> dict[str, Any]:
    """Return the rows of one turn, times in milliseconds from its start."""
    zero = turn.began_ns
    rows = [
        _bracket(
            f"turn {turn_name(turn)}",
            "",
            turn_times(turn, zero),
            depth=0,
            order=turn.order,
            took=recorded_duration(turn.duration_ms) or "open",
            mark=_STATUS_MARKS.get(status_word(turn), ""),
        )
    ]
    rows += _call_rows(trace, turn, zero)
    total = max([row["recorded"] for row in rows] + [1])
    return {"title": f"turn {turn_name(turn)}", "total": total, "rows": rows}


def _call_rows(trace: Trace, turn: Turn, zero: int) -> Iterator[dict[str, Any]]:
    made: list[Span] = sorted(turn.calls, key=lambda call: call.order)
    calls, more = made[:_MOST_CALLS], made[_MOST_CALLS:]
    bodies = dict(zip((call.order for call in calls), trace.bodies([call.order for call in calls]), strict=True))
    for is_group, run in groupby(_with_groups(calls), key=lambda pair: pair[1]):
        members = [call for call, _ in run]
        depth = 1
        if is_group >= 0 and len([call for call in members if isinstance(call, ToolCall)]) > 1:
            yield _group_row(members, zero)
            depth = 2
        for call in members:
            inner = depth + 1 if isinstance(call, LlmCall) and call.is_direct else depth
            yield _call_row(trace, call, bodies[call.order], zero, inner)
    if more:
        times = [bar(call, zero) for call in more]
        span = (min(start for start, _ in times), max(end for _, end in times))
        name = counted(len(more), "more call")
        yield _bracket(name, "frames.tool_calls_df(trace)", span, depth=1, order=-1, mark="")


def _with_groups(calls: Sequence[Span]) -> Iterator[tuple[Span, int]]:
    """Number the tool calls of one reply alike; a model call of the turn's own ends a group."""
    group = 0
    for call in calls:
        if isinstance(call, LlmCall) and not call.is_direct:
            group += 1
            yield call, -group
        else:
            yield call, group


def _group_row(members: Sequence[Span], zero: int) -> dict[str, Any]:
    tools = [call for call in members if isinstance(call, ToolCall)]
    start = min(bar(call, zero)[0] for call in tools)
    end = max((call.recorded_ns - zero) / NS_PER_MS for call in tools)
    failed = any(call.has_failed for call in tools)
    worked = end - start - max(call.waited_ms for call in tools)
    return _bracket(
        counted(len(tools), "tool"),
        "of one reply",
        (start, end),
        depth=1,
        order=-1,
        mark="failed" if failed else "",
        took=recorded_duration(worked),
    )


def _bracket(name: str, note: str, span: tuple[float, float], **more: Any) -> dict[str, Any]:
    start, end = span[0], max(span)
    return {
        "name": name,
        "note": note,
        "kind": "",
        "start": start,
        "end": end,
        "recorded": end,
        "tick": None,
        "took": recorded_duration(end - start),
        **more,
    }


def _call_row(trace: Trace, call: Span, body: Mapping[str, Any], zero: int, depth: int) -> dict[str, Any]:
    start, end = bar(call, zero)
    recorded = (call.ended_ns - zero) / NS_PER_MS if call.ended_ns is not None else end
    name, note, kind, tick = _words(trace, call, body, start)
    return {
        "name": name,
        "note": note,
        "depth": depth,
        "kind": kind,
        "start": start,
        "end": end,
        "recorded": max(recorded, end),
        "tick": tick,
        "took": "open" if call.status in OPEN_STATUSES else recorded_duration(call.duration_ms),
        "mark": _STATUS_MARKS.get(call.status, ""),
        "order": call.order,
    }


def _words(trace: Trace, call: Span, body: Mapping[str, Any], start: float) -> tuple[str, str, str, float | None]:
    if isinstance(call, LlmCall):
        end = trace[call.end_row] if call.end_row is not None else {}
        latency = first_token_ms(end)
        tick = None if latency is None else start + latency
        return (
            ("direct" if call.is_direct else "llm_call"),
            call.model or "",
            ("direct" if call.is_direct else "llm_call"),
            tick,
        )
    name = getattr(call, "name", None) or "tool"
    hint = argument_hint(read_fact("args", body))
    return name, hint, "tool_call", None


def selection_of(span: Span) -> str:
    """Return what `view.selection` calls a call or turn."""
    if isinstance(span, ToolCall):
        return f"tool_call {span.call_id or span.order}"
    if isinstance(span, LlmCall):
        return f"llm_call {span.llm_call_id or span.order}"
    return f"turn {span.turn_id or span.turn_index}"


def detail(trace: Trace, span: Span) -> dict[str, Any]:
    """Return one call or turn in full, long JSON cut aloud."""
    start = trace[span.start_row] if span.start_row is not None else {}
    end = trace[span.end_row] if span.end_row is not None else {}
    status = status_word(span)
    kind = "tool_call" if isinstance(span, ToolCall) else "llm_call" if isinstance(span, LlmCall) else ""
    iteration = f", iteration {span.protocol_iteration}" if span.protocol_iteration is not None else ""
    facts = [
        ("call", getattr(span, "call_id", None) or span.llm_call_id or ""),
        ("turn", f"{span.turn_index}{iteration}" if span.turn_index is not None else ""),
        ("effect", span.effect_id or ""),
        ("took", recorded_duration(span.duration_ms)),
        ("paused", duration(span.waited_ms) if span.waited_ms else ""),
        ("recorded", _recorded_words(span)),
        ("tokens", span_usage_words(_usage(span))),
        ("records", ", ".join(f"trace[{row}]" for row in (span.start_row, span.end_row) if row is not None)),
    ]
    return {
        "kind": kind,
        "title": (getattr(span, "name", None) or getattr(span, "model", None) or f"turn {span.turn_index}"),
        "mark": _STATUS_MARKS.get(status, "success"),
        "status": status,
        "facts": [fact for fact in facts if fact[1]],
        "sections": [_section(name, value, trace, span) for name, value in _parts(span, start, end)],
    }


def _recorded_words(span: Span) -> str:
    if isinstance(span, Turn):
        return ""
    if span.started_ns is None or span.ended_ns is None:
        return "its end alone" if span.started_ns is None else "its start alone"
    return f"after {recorded_duration((span.ended_ns - span.started_ns) / NS_PER_MS)}"


def _usage(span: Span) -> Usage | None:
    usage = getattr(span, "usage", None)
    return usage if isinstance(usage, Usage) else None


def _parts(span: Span, start: Mapping[str, Any], end: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a record says beyond its times: arguments and result, or the reply and the size of the request."""
    if isinstance(span, ToolCall):
        yield "Arguments", _content("args", start or end)
        if read_fact("status", end) is not None:
            yield _OUTCOMES.get(span.status, "Outcome"), _content("result", end)
    elif isinstance(span, LlmCall):
        if "error" in end:
            yield "Failure", end["error"]
        elif end:
            yield "Reply", read_fact("parts", end) or _content("text", end)
        messages = read_fact("messages", start)
        if messages and isinstance(messages, list):
            yield f"Last of {counted(len(messages), 'message')}", messages[-1]
        elif is_withheld(start):
            yield "Messages", WITHHELD


def _content(name: str, body: Mapping[str, Any]) -> Any:
    """Return a fact that the host may have kept out of the record."""
    return read_fact(name, body) or (WITHHELD if is_withheld(body) else read_fact(name, body))


def _section(name: str, value: Any, trace: Trace, span: Span) -> dict[str, str]:
    row = span.end_row if span.end_row is not None else span.order
    text, cut = pretty_capped(value, whole=f"trace[{row}]")
    return {"name": name, "json": text, "cut": cut, "source": trace.name}


def _turn_span(turn: Turn, zero: int) -> list[Any]:
    return [*turn_times(turn, zero), turn_name(turn)]


def _marks(turn: Turn, place: int, zero: int) -> Iterator[list[Any]]:
    start, end = turn_times(turn, zero)
    if turn.is_cancelled:
        yield [(start + end) / 2, "cancelled", place]
    elif turn.has_failed or any(call.has_failed for call in turn.calls):
        yield [(start + end) / 2, "failed", place]


def _density(bars: Sequence[tuple[float, float]], total: float) -> list[float]:
    """How much of each of 600 equal moments is covered, from 0 to 1."""
    times = np.array(bars, dtype=np.float64).reshape(-1, 2)
    return busy_shares(times[:, 0], times[:, 1], total)
