"""Which end belongs to which start: model calls, tool calls and turns, found in one pass over the index.

The only place that knows. A model call is known by its `llm_call_id`, a tool call by its call id within its turn, a turn by its number
within its session. The same key used twice pairs in order. A start without an end is open; an end without a start is a call of its own; a
call whose turn was never seen to start makes that turn known all the same. Nothing is dropped.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from math import isnan
from typing import Any, Final

import msgspec

from lash_nb.trace._index import TraceIndex
from lash_nb.trace._peek import NO_INT

__all__ = ["Calls", "LlmCall", "Span", "ToolCall", "Turn", "find_calls", "total_usage"]

_MS: Final = 1_000_000


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Something that began and ended, told by two records of a trace (or by one of them)."""

    order: int
    """Number of its first record in the trace, from 0."""
    session_id: str | None
    """The session it belongs to."""
    turn_id: str | None
    """The turn it belongs to, as the record says; none for a direct completion."""
    turn_index: int | None
    """Number of that turn in its session."""
    protocol_iteration: int | None
    """Round of the turn, from 0."""
    effect_id: str | None
    """The effect that performed it."""
    llm_call_id: str | None
    """Identity of the model call."""
    graph_node_id: str | None
    """The graph node it hangs on, where the record says so."""
    status: str
    """How it ended; `open` while it has no end."""
    start_row: int | None
    """Number of the record of its start."""
    end_row: int | None
    """Number of the record of its end."""
    started_ns: int | None
    """When its start was recorded, in nanoseconds since the Unix epoch."""
    ended_ns: int | None
    """When its end was recorded, in nanoseconds since the Unix epoch."""
    duration_ms: float | None
    """How long it took as its end reports it, else the time between its two records; milliseconds."""

    @property
    def began_ns(self) -> int:
        """When it began; without a start, what its end tells about that. Nanoseconds since the Unix epoch, as below."""
        if self.started_ns is not None:
            return self.started_ns
        return (self.ended_ns or 0) - round((self.duration_ms or 0) * _MS)

    @property
    def recorded_ns(self) -> int:
        """When its end was recorded; without one, when it began."""
        return self.began_ns if self.ended_ns is None else self.ended_ns

    @property
    def over_ns(self) -> int:
        """The last moment known of it: the record of its end, or the end that it reports."""
        return max(self.recorded_ns, self.began_ns + round((self.duration_ms or 0) * _MS))


class LlmCall(Span, frozen=True, kw_only=True):
    """One call of a model; status `completed`, `failed` or `open`."""

    model: str | None
    """The model that was asked."""
    model_variant: str | None
    """Variant of the model that was asked for."""
    usage: dict[str, Any] | None
    """Tokens, members as in the record."""

    @property
    def is_direct(self) -> bool:
        """Whether it was a direct completion: a call that is no effect of a turn's own loop."""
        return self.turn_id is None and self.effect_id is None


class ToolCall(Span, frozen=True, kw_only=True):
    """One call of a tool; status `success`, `failure`, `cancelled` or `open`."""

    call_id: str | None
    """The model's name for the call."""
    name: str | None
    """The tool."""


class Turn(Span, frozen=True, kw_only=True):
    """One turn with the calls made in it; status `completed`, `failed` or `open`."""

    done_reason: str | None
    """Why it ended, e.g. `assistant_message` or `cancelled`."""
    llm_calls: tuple[LlmCall, ...]
    """Model calls, direct completions of its tools included."""
    tool_calls: tuple[ToolCall, ...]
    """Tool calls."""

    @property
    def calls(self) -> tuple[LlmCall | ToolCall, ...]:
        """Its model calls, then its tool calls."""
        return (*self.llm_calls, *self.tool_calls)

    @property
    def began_ns(self) -> int:
        """When it began; without a start, when its first call did."""
        if self.started_ns is not None:
            return self.started_ns
        return min((call.began_ns for call in self.calls), default=self.ended_ns or 0)

    @property
    def over_ns(self) -> int:
        """The last moment of it: its end, or what came last in it."""
        return max([self.recorded_ns, *(call.over_ns for call in self.calls)])

    @property
    def is_cancelled(self) -> bool:
        """Whether it was stopped on purpose; its status is then `failed` in records of schema version 2."""
        return self.done_reason == "cancelled" or self.status == "cancelled"

    @property
    def usage(self) -> dict[str, int]:
        """Tokens of all its model calls."""
        return total_usage(self.llm_calls)


class Calls(msgspec.Struct, frozen=True):
    """All turns and calls of a trace, each list in the order of first records."""

    turns: tuple[Turn, ...]
    llm_calls: tuple[LlmCall, ...]
    tool_calls: tuple[ToolCall, ...]


def find_calls(index: TraceIndex) -> Calls:
    """Pair the starts and ends of a trace."""
    pass_ = _Pass(index)
    kinds = index.text("type")
    steps = [pass_.steps.get(kind) for kind in kinds.values]
    for row, code in enumerate(kinds.codes):
        step = steps[code]
        if step:
            step(row)
    return pass_.calls()


def total_usage(calls: Iterable[LlmCall]) -> dict[str, int]:
    """Add up the tokens of calls, member by member."""
    total: Counter[str] = Counter()
    for call in calls:
        total.update({key: count for key, count in (call.usage or {}).items() if type(count) is int})
    return dict(total)


class _Pairs:
    """Starts and ends of one kind, in the order in which each pair was first heard of."""

    def __init__(self, key: Callable[[int], Hashable]) -> None:
        self.rows: list[tuple[int | None, int | None]] = []
        self._key = key
        self._waiting: dict[Hashable, deque[int]] = defaultdict(deque)

    def start(self, row: int) -> int:
        """Note a start; return the number of the pair."""
        self._waiting[self._key(row)].append(len(self.rows))
        self.rows.append((row, None))
        return len(self.rows) - 1

    def end(self, row: int) -> int | None:
        """Note an end; return the number of the pair when the end begins one of its own."""
        waiting = self._waiting.get(self._key(row))
        if waiting:
            pair = waiting.popleft()
            self.rows[pair] = (self.rows[pair][0], row)
            return None
        self.rows.append((None, row))
        return len(self.rows) - 1


class _Pass:
    """What one walk over the records has found so far."""

    def __init__(self, index: TraceIndex) -> None:
        self._index = index
        self._session = index.text("session_id").codes
        self._turns = _Pairs(self._turn_key)
        self._llm = _Pairs(self._llm_key)
        self._tool = _Pairs(self._tool_key)
        self._anchors: dict[int, int] = {}
        self._current: dict[Hashable, int] = {}
        self._open: dict[int, int] = {}
        self._llm_of: dict[int, list[int]] = defaultdict(list)
        self._tools_of: dict[int, list[int]] = defaultdict(list)
        self.steps: Mapping[str, Callable[[int], None]] = {
            "turn_started": self._turn_started,
            "turn_completed": self._turn_completed,
            "llm_call_started": lambda row: self._belongs(row, self._llm.start(row), self._llm_of),
            "llm_call_completed": lambda row: self._belongs(row, self._llm.end(row), self._llm_of),
            "llm_call_failed": lambda row: self._belongs(row, self._llm.end(row), self._llm_of),
            "tool_call_started": lambda row: self._belongs(row, self._tool.start(row), self._tools_of),
            "tool_call_completed": lambda row: self._belongs(row, self._tool.end(row), self._tools_of),
        }
        """What each type of record means for the pairing."""

    def _turn_key(self, row: int) -> Hashable:
        number = self._index.turn_index[row]
        return (self._session[row], self._index.text("turn_id").codes[row] if number == NO_INT else ("index", number))

    def _llm_key(self, row: int) -> Hashable:
        call = self._index.text("llm_call_id").codes[row]
        return (
            (self._session[row], call) if call >= 0 else (self._turn_key(row), self._index.text("effect_id").codes[row])
        )

    def _tool_key(self, row: int) -> Hashable:
        call = self._index.text("call_id").codes[row]
        return (self._turn_key(row), call if call >= 0 else ("name", self._index.text("name").codes[row]))

    def _turn_started(self, row: int) -> None:
        pair = self._turns.start(row)
        self._current[self._turn_key(row)] = self._open[self._session[row]] = pair

    def _turn_completed(self, row: int) -> None:
        key = self._turn_key(row)
        seen = self._current.get(key)
        if seen is not None and self._turns.rows[seen] == (None, None):
            self._turns.rows[seen] = (None, row)
        else:
            self._turns.end(row)
        self._open.pop(self._session[row], None)

    def _belongs(self, row: int, pair: int | None, members: dict[int, list[int]]) -> None:
        """Note the turn of a call that was just first heard of."""
        if pair is None:
            return
        turn = self._turn_of(row)
        if turn is not None:
            members[turn].append(pair)

    def _turn_of(self, row: int) -> int | None:
        index = self._index
        if index.turn_index[row] == NO_INT and index.text("turn_id").codes[row] < 0:
            return self._open.get(self._session[row])
        key = self._turn_key(row)
        if key not in self._current:
            self._current[key] = len(self._turns.rows)
            self._anchors[len(self._turns.rows)] = row
            self._turns.rows.append((None, None))
        return self._current[key]

    def calls(self) -> Calls:
        """Make values of what was found."""
        llm = [self._llm_call(start, end) for start, end in self._llm.rows]
        tools = [self._tool_call(start, end) for start, end in self._tool.rows]
        turns = [
            Turn(
                **self._span(start, end, self._anchors.get(pair)),
                status=self._status(end, "unknown"),
                done_reason=None if end is None else self._index.text("done_reason")[end],
                llm_calls=tuple(llm[number] for number in self._llm_of[pair]),
                tool_calls=tuple(tools[number] for number in self._tools_of[pair]),
            )
            for pair, (start, end) in enumerate(self._turns.rows)
        ]
        return Calls(tuple(turns), tuple(llm), tuple(tools))

    def _llm_call(self, start: int | None, end: int | None) -> LlmCall:
        index = self._index
        kind = None if end is None else index.text("type")[end]
        return LlmCall(
            **self._span(start, end),
            status="open" if kind is None else kind.removeprefix("llm_call_"),
            model=None if start is None else index.text("name")[start],
            model_variant=None if start is None else index.text("model_variant")[start],
            usage=None if end is None else index.usage.get(end),
        )

    def _tool_call(self, start: int | None, end: int | None) -> ToolCall:
        index, row = self._index, _first(start, end)
        return ToolCall(
            **self._span(start, end),
            status=self._status(end, "unknown"),
            call_id=index.text("call_id")[row],
            name=index.text("name")[row],
        )

    def _status(self, end: int | None, otherwise: str) -> str:
        return "open" if end is None else self._index.text("status")[end] or otherwise

    def _span(self, start: int | None, end: int | None, anchor: int | None = None) -> dict[str, Any]:
        index, row = self._index, _first(start, end, anchor)
        started = None if start is None else index.time_ns[start]
        ended = None if end is None else index.time_ns[end]
        reported = None if end is None or isnan(index.duration_ms[end]) else index.duration_ms[end]
        between = None if started is None or ended is None else (ended - started) / _MS
        texts = ("session_id", "turn_id", "effect_id", "llm_call_id", "graph_node_id")
        return {
            "order": row if anchor is None else anchor,
            **{name: index.text(name)[row] for name in texts},
            "turn_index": _known(index.turn_index[row]),
            "protocol_iteration": _known(index.protocol_iteration[row]),
            "start_row": start,
            "end_row": end,
            "started_ns": started,
            "ended_ns": ended,
            "duration_ms": between if reported is None else reported,
        }


def _known(number: int) -> int | None:
    return None if number == NO_INT else number


def _first(*rows: int | None) -> int:
    return next(row for row in rows if row is not None)
