"""Which end belongs to which start: model calls, tool calls and turns, found in one pass over the index.

The only place that knows. A model call is known by its `llm_call_id`, a tool call by its call id within its turn, a turn by its number
within its session. The same key used twice pairs in order. A start without an end is open; an end without a start is a call of its own; a
call whose turn was never seen to start makes that turn known all the same. A call that names no turn belongs to the turn of the tool call
that caused it, else to the one that its session is in. Nothing is dropped.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Mapping
from math import isnan
from typing import Any, Final

import numpy as np

from lash_nb.trace._calls import Calls, LlmCall, ToolCall, Turn
from lash_nb.trace._column import Ints
from lash_nb.trace._index import TraceIndex
from lash_nb.trace._peek import NO_INT
from lash_nb.trace._select import known

__all__ = ["PAIRED_KINDS", "find_calls"]

_MS: Final = 1_000_000
_IDS: Final = ("session_id", "turn_id", "effect_id", "llm_call_id", "graph_node_id")
_TEXTS: Final = (
    *_IDS,
    "parent_graph_node_id",
    "kind",
    "call_id",
    "issuing_node_id",
    "name",
    "model_variant",
    "status",
    "done_reason",
    "next_frame",
    "cause_call_id",
)
_NUMBERS: Final = ("turn_index", "protocol_iteration", "time_ns", "duration_ms")
_STATUSES: Final[Mapping[tuple[str | None, str | None], str]] = {
    ("completed", "agent_frame_switch"): "switched",
    ("agent_frame_switch", None): "switched",
    ("failed", "cancelled"): "cancelled",
}
"""What the end of a turn or model call tells by status and reason, where the status alone does not."""
_RECEIPTS: Final[Mapping[str | None, str]] = {
    "denied": "failure",
    "cancelled": "cancelled",
    "aborted": "cancelled",
    "final": "unknown",
    None: "open",
}
"""How a tool call ended that has no other end than its receipt; one that is `final` does not say how."""


def find_calls(index: TraceIndex) -> Calls:
    """Pair the starts and ends of a trace."""
    kinds = index.text("kind")
    paired = np.array([*(kind in _STEPS for kind in kinds.values), False])
    pass_ = _Pass(index, np.flatnonzero(paired[kinds.codes]))
    for at, kind in enumerate(pass_.column["kind"]):
        _STEPS[kind](pass_, at)
    return pass_.calls()


class _Pairs:
    """Starts and ends of one kind, in the order in which each pair was first heard of."""

    def __init__(self) -> None:
        self.places: list[tuple[int | None, int | None]] = []
        self._waiting: dict[Hashable, deque[int]] = defaultdict(deque)

    def start(self, at: int, key: Hashable) -> int:
        """Note a start; return the number of the pair."""
        self._waiting[key].append(len(self.places))
        self.places.append((at, None))
        return len(self.places) - 1

    def end(self, at: int, key: Hashable) -> int | None:
        """Note an end; return the number of the pair when the end begins one of its own."""
        waiting = self._waiting.get(key)
        if waiting:
            pair = waiting.popleft()
            if not waiting:
                del self._waiting[key]
            self.places[pair] = (self.places[pair][0], at)
            return None
        self.places.append((None, at))
        return len(self.places) - 1


class _Pass:
    """What one walk over the records of calls and turns has found so far; `at` is a position among these."""

    def __init__(self, index: TraceIndex, rows: Ints) -> None:
        self._rows: list[int] = rows.tolist()
        texts = {name: index.text(name) for name in _TEXTS}
        self.column: dict[str, list[Any]] = {name: text.at(text.codes[rows].tolist()) for name, text in texts.items()}
        self.column |= {name: getattr(index, name)[rows].tolist() for name in _NUMBERS}
        self._usages = index.usages(self._rows)
        self._turns, self._llm, self._tool = _Pairs(), _Pairs(), _Pairs()
        self._anchors: dict[int, int] = {}
        self._current: dict[Hashable, int] = {}
        self._open: dict[str | None, int] = {}
        self._llm_of: dict[int, list[int]] = defaultdict(list)
        self._tools_of: dict[int, list[int]] = defaultdict(list)
        self._has_causes = bool(texts["cause_call_id"].values)
        self._has_receipts = "tool_receipt" in texts["kind"].values
        self._caller: dict[Hashable, int | None] = {}
        self._last_of: dict[Hashable, int] = {}
        self._receipts: dict[int, int] = {}

    def turn_started(self, at: int) -> None:
        """Note the start of a turn."""
        key = self._turn_key(at)
        self._current[key] = self._open[self.column["session_id"][at]] = self._turns.start(at, key)

    def turn_completed(self, at: int) -> None:
        """Note the end of a turn; of one that only its calls told about, too."""
        key = self._turn_key(at)
        seen = self._current.get(key)
        if seen is not None and self._turns.places[seen] == (None, None):
            self._turns.places[seen] = (None, at)
        else:
            self._turns.end(at, key)
        self._open.pop(self.column["session_id"][at], None)

    def llm_started(self, at: int) -> None:
        """Note the start of a model call."""
        self._belongs(at, self._llm.start(at, self._llm_key(at)), self._llm_of)

    def llm_ended(self, at: int) -> None:
        """Note the end of a model call."""
        self._belongs(at, self._llm.end(at, self._llm_key(at)), self._llm_of)

    def tool_started(self, at: int) -> None:
        """Note the start of a tool call."""
        self._tool_heard_of(at, self._tool.start(at, self._tool_key(at)))

    def tool_ended(self, at: int) -> None:
        """Note the end of a tool call."""
        self._tool_heard_of(at, self._tool.end(at, self._tool_key(at)))

    def tool_receipt(self, at: int) -> None:
        """Note the receipt of a tool call; of one that nothing else tells about, too."""
        pair = self._last_of.get(self._tool_key(at))
        if pair is None or pair in self._receipts:
            pair = len(self._tool.places)
            self._tool.places.append((None, None))
            self._tool_heard_of(at, pair)
        self._receipts[pair] = at

    def _tool_heard_of(self, at: int, pair: int | None) -> None:
        self._belongs(at, pair, self._tools_of)
        if pair is not None and self._has_receipts:
            self._last_of[self._tool_key(at)] = pair
        if pair is not None and self._has_causes:
            self._caller[self.column["session_id"][at], self.column["call_id"][at]] = self._turn_of(at)

    def _turn_key(self, at: int) -> Hashable:
        number = self.column["turn_index"][at]
        return (self.column["session_id"][at], self.column["turn_id"][at] if number == NO_INT else ("index", number))

    def _llm_key(self, at: int) -> Hashable:
        call = self.column["llm_call_id"][at]
        return (self.column["session_id"][at], call) if call else (self._turn_key(at), self.column["effect_id"][at])

    def _tool_key(self, at: int) -> Hashable:
        call = self.column["call_id"][at]
        return (self._turn_key(at), ("name", self.column["name"][at]) if call is None else call)

    def _belongs(self, at: int, pair: int | None, members: dict[int, list[int]]) -> None:
        """Note the turn of a call that was just first heard of."""
        if pair is None:
            return
        turn = self._turn_of(at)
        if turn is not None:
            members[turn].append(pair)

    def _turn_of(self, at: int) -> int | None:
        if self.column["turn_index"][at] == NO_INT and self.column["turn_id"][at] is None:
            session = self.column["session_id"][at]
            return self._caller.get((session, self.column["cause_call_id"][at]), self._open.get(session))
        key = self._turn_key(at)
        if key not in self._current:
            self._current[key] = len(self._turns.places)
            self._anchors[len(self._turns.places)] = at
            self._turns.places.append((None, None))
        return self._current[key]

    def calls(self) -> Calls:
        """Make values of what was found."""
        llm = [self._llm_call(start, end) for start, end in self._llm.places]
        tools = [
            self._tool_call(start, end, self._receipts.get(pair)) for pair, (start, end) in enumerate(self._tool.places)
        ]
        turns = [
            Turn(
                **self._span(start, end, self._anchors.get(pair)),
                status=self._turn_status(end),
                done_reason=None if end is None else self.column["done_reason"][end],
                next_frame=None if end is None else self.column["next_frame"][end],
                cause=self._cause(start, end),
                llm_calls=tuple(llm[number] for number in self._llm_of.get(pair, ())),
                tool_calls=tuple(tools[number] for number in self._tools_of.get(pair, ())),
            )
            for pair, (start, end) in enumerate(self._turns.places)
        ]
        return Calls(tuple(turns), tuple(llm), tuple(tools))

    def _llm_call(self, start: int | None, end: int | None) -> LlmCall:
        column, first = self.column, _first(start, end)
        return LlmCall(
            **self._span(start, end),
            status="open" if end is None else self._ended(column["kind"][end].removeprefix("llm_call_"), end),
            model=column["name"][first] or (None if end is None else column["name"][end]),
            model_variant=column["model_variant"][first],
            terminal_reason=None if end is None else column["done_reason"][end],
            cause_call_id=column["cause_call_id"][first],
            usage=None if end is None else self._usages[end],
        )

    def _tool_call(self, start: int | None, end: int | None, receipt: int | None) -> ToolCall:
        end = receipt if end is None else end
        first = _first(start, end)
        return ToolCall(
            **self._span(start, end),
            status=_RECEIPTS.get(self.column["status"][end], "unknown")
            if end is not None and end == receipt
            else self._status(end),
            call_id=self.column["call_id"][first],
            name=self.column["name"][first],
            issuing_node_id=self.column["issuing_node_id"][first],
            receipt_row=None if receipt is None else self._rows[receipt],
        )

    def _cause(self, start: int | None, end: int | None) -> str | None:
        named = [self.column["parent_graph_node_id"][at] for at in (start, end) if at is not None]
        return next((cause for cause in named if cause and not cause.startswith("session:")), None)

    def _turn_status(self, end: int | None) -> str:
        status = self._status(end)
        return "switched" if status == "completed" and end is not None and self.column["next_frame"][end] else status

    def _status(self, end: int | None) -> str:
        return "open" if end is None else self._ended(self.column["status"][end], end)

    def _ended(self, status: str | None, end: int) -> str:
        return _STATUSES.get((status, self.column["done_reason"][end]), status or "unknown")

    def _span(self, start: int | None, end: int | None, anchor: int | None = None) -> dict[str, Any]:
        column, first = self.column, _first(start, end, anchor)
        started = None if start is None else column["time_ns"][start]
        ended = None if end is None else column["time_ns"][end]
        reported = None if end is None or isnan(column["duration_ms"][end]) else column["duration_ms"][end]
        between = None if started is None or ended is None else (ended - started) / _MS
        return {
            "order": self._rows[first if anchor is None else anchor],
            **{name: column[name][first] for name in _IDS},
            "turn_index": known(column["turn_index"][first]),
            "protocol_iteration": known(column["protocol_iteration"][first]),
            "start_row": None if start is None else self._rows[start],
            "end_row": None if end is None else self._rows[end],
            "started_ns": started,
            "ended_ns": ended,
            "duration_ms": self._duration(first, reported, between),
        }

    def _duration(self, at: int, reported: float | None, between: float | None) -> float | None:
        if reported is None or between is None:
            return between if reported is None else reported
        kind, is_direct = self.column["kind"][at], self.column["turn_id"][at] is None
        is_partial = (
            is_direct if kind in _OF_MODEL else kind in _OF_TOOL and self.column["graph_node_id"][at] is not None
        )
        return max(reported, between) if is_partial else reported


def _first(*places: int | None) -> int:
    return next(place for place in places if place is not None)


_OF_MODEL: Final = ("llm_call_started", "llm_call_completed", "llm_call_failed")
_OF_TOOL: Final = ("tool_call_started", "tool_call_completed")
_STEPS: Final[Mapping[str, Callable[[_Pass, int], None]]] = {
    "turn_started": _Pass.turn_started,
    "turn_completed": _Pass.turn_completed,
    "llm_call_started": _Pass.llm_started,
    "llm_call_completed": _Pass.llm_ended,
    "llm_call_failed": _Pass.llm_ended,
    "tool_call_started": _Pass.tool_started,
    "tool_call_completed": _Pass.tool_ended,
    "tool_receipt": _Pass.tool_receipt,
}
"""What each kind of record means for the pairing."""
PAIRED_KINDS: Final = frozenset(_STEPS)
"""Kinds of records that tell of turns, model calls and tool calls."""
