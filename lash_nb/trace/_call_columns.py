"""Turns and calls as values: each field of all of them as a column, then all of them from these columns."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, Final, TypeVar

import msgspec
import numpy as np
from msgspec.structs import replace

from lash_nb.trace._calls import LONGEST_MS, Calls, LlmCall, Span, ToolCall, Turn
from lash_nb.trace._column import CodedColumn, Ints
from lash_nb.trace._index import TraceIndex
from lash_nb.trace._pairing import Pairs, SpanRows
from lash_nb.trace._peek import NO_INT
from lash_nb.trace._statuses import FAILED_STATUSES, OF_ENDS, OF_RECEIPTS

__all__ = ["Outcome", "Outcomes", "find_outcomes", "make_calls", "make_calls_at", "make_turns_at"]

S = TypeVar("S", bound=Span)
T = TypeVar("T")

_MS: Final = 1_000_000
_EXACT: Final = 1 << 52
"""Nanoseconds of which a double surely holds each one: fifty days."""


class Outcome(msgspec.Struct, frozen=True, eq=False):
    """How all turns, or all calls of one kind, went."""

    status: list[str]
    """How each ended; `open` while it has no end, unless its turn was cancelled."""
    duration_ms: Ints
    """How long each took, in milliseconds; NaN where nothing says it."""
    name: CodedColumn
    """The model or tool of each call; turns have none."""

    @property
    def has_failed(self) -> Ints:
        """Whether each ended as a failure; what was cancelled did not fail."""
        return np.fromiter(map(FAILED_STATUSES.__contains__, self.status), bool, len(self.status))

    @property
    def placed_ms(self) -> Ints:
        """Their durations where a picture depends on them: 0 where none is known, or one of centuries is told, which is an error."""
        placed: Ints = np.where(np.abs(self.duration_ms) < LONGEST_MS, self.duration_ms, 0.0)
        return placed

    def at(self, places: Ints) -> "Outcome":
        """Return some of them."""
        status = list(map(self.status.__getitem__, places.tolist()))
        return Outcome(status, self.duration_ms[places], CodedColumn(self.name.values, self.name.codes[places]))


class Outcomes(msgspec.Struct, frozen=True, eq=False):
    """How the turns and calls of a trace went, in columns: the only place that says it, for values and for rows of records."""

    turns: Outcome
    llm_calls: Outcome
    tool_calls: Outcome


def find_outcomes(index: TraceIndex, pairs: Pairs) -> Outcomes:
    """Find how all turns and calls went."""
    turns, llm, tools = (_Told(index, rows) for rows in (pairs.turns, pairs.llm_calls, pairs.tool_calls))
    no_part = np.zeros(len(pairs.turns), bool)
    is_direct = index.text("turn_id").codes[llm.speaker] < 0
    is_node = index.text("graph_node_id").codes[tools.speaker] >= 0
    turn_statuses = _turn_statuses(turns)
    llm_statuses, tool_statuses = (
        _with_their_turns(statuses, told.rows, turn_statuses)
        for statuses, told in ((_llm_statuses(llm), llm), (_tool_statuses(tools), tools))
    )
    is_cut = np.fromiter(map("cancelled".__eq__, tool_statuses), bool, len(tool_statuses)) & tools.reports_nothing
    return Outcomes(
        Outcome(turn_statuses, turns.durations(no_part), CodedColumn((), np.full(len(pairs.turns), -1, "i4"))),
        Outcome(llm_statuses, llm.durations(is_direct), _models(llm)),
        Outcome(tool_statuses, tools.durations(is_node | is_cut), _tools(tools)),
    )


def make_calls(index: TraceIndex, pairs: Pairs, outcomes: Outcomes) -> Calls:
    """Make values of all turns and calls."""
    llm = _made(LlmCall, _llm_columns(_Told(index, pairs.llm_calls), outcomes.llm_calls))
    tools = _made(ToolCall, _tool_columns(_Told(index, pairs.tool_calls), outcomes.tool_calls))
    columns = _turn_columns(_Told(index, pairs.turns), outcomes.turns)
    columns["llm_calls"] = _by_turn(llm, pairs.llm_calls.turn, len(pairs.turns))
    columns["tool_calls"] = _by_turn(tools, pairs.tool_calls.turn, len(pairs.turns))
    return Calls(tuple(_made(Turn, columns)), tuple(llm), tuple(tools))


def make_calls_at(index: TraceIndex, pairs: Pairs, outcomes: Outcomes, llm: Ints, tools: Ints) -> Calls:
    """Make values of some calls, known by their places among all."""
    none = np.zeros(0, np.int64)
    return _made_of(index, pairs, outcomes, (none, llm, tools))


def make_turns_at(index: TraceIndex, pairs: Pairs, outcomes: Outcomes, turns: Ints) -> Calls:
    """Make values of some turns with their calls; the turns are known by their places among all, ascending."""
    llm, tools = (np.flatnonzero(np.isin(calls.turn, turns)) for calls in (pairs.llm_calls, pairs.tool_calls))
    return _made_of(index, pairs, outcomes, (turns, llm, tools))


def _made_of(index: TraceIndex, pairs: Pairs, outcomes: Outcomes, picked: tuple[Ints, Ints, Ints]) -> Calls:
    turns, llm, tools = picked
    calls = [
        replace(rows.at(places), turn=np.searchsorted(turns, rows.turn[places]))
        for rows, places in ((pairs.llm_calls, llm), (pairs.tool_calls, tools))
    ]
    went = (outcomes.turns.at(turns), outcomes.llm_calls.at(llm), outcomes.tool_calls.at(tools))
    return make_calls(index, Pairs(pairs.turns.at(turns), *calls), Outcomes(*went))


def _made(kind: type[S], columns: Mapping[str, Sequence[Any]]) -> list[S]:
    return list(map(kind, *(columns[name] for name in kind.__struct_fields__)))


def _by_turn(calls: Sequence[T], turns: Ints, count: int) -> list[tuple[T, ...]]:
    """Return the calls of each turn."""
    order = np.argsort(turns, kind="stable")
    held = [calls[place] for place in order.tolist()]
    edges = np.searchsorted(turns[order], np.arange(count + 1)).tolist()
    return [tuple(held[first:end]) for first, end in pairwise(edges)]


class _Told:
    """What the records tell of all turns, or of all calls of one kind: one entry for each of them in every column."""

    def __init__(self, index: TraceIndex, rows: SpanRows) -> None:
        self.index: Final = index
        self.rows: Final = rows
        self.speaker: Final = rows.speaker

    def codes(self, column: CodedColumn, rows: Ints) -> Ints:
        """Return the numbers of the texts of these records; of no record none."""
        return _or(rows, column.codes, -1)

    def texts(self, name: str, rows: Ints) -> list[Any]:
        """Return the texts of these records."""
        column = self.index.text(name)
        return _texts(column, self.codes(column, rows))

    def span_columns(self, outcome: Outcome) -> dict[str, Sequence[Any]]:
        """Return the fields of every span."""
        index, rows = self.index, self.rows
        order = rows.first.tolist()
        ids = ("session_id", "turn_id", "effect_id", "llm_call_id", "graph_node_id")
        numbers = ("turn_index", "protocol_iteration")
        started, ended = self._times()
        return {
            "order": order,
            **{name: self.texts(name, self.speaker) for name in ids},
            **{name: _known(getattr(index, name)[self.speaker]) for name in numbers},
            "status": outcome.status,
            "start_row": _but(order, rows.start < 0),
            "end_row": _but(rows.end.tolist(), rows.end < 0),
            "started_ns": _known(started),
            "ended_ns": _known(ended),
            "duration_ms": _but(outcome.duration_ms.tolist(), np.isnan(outcome.duration_ms)),
            "waited_ms": self._waited.tolist(),
        }

    def durations(self, is_part: Ints) -> Ints:
        """Return how long each took; `is_part` says where the reported duration tells of a part of it alone."""
        return _durations(self._reported, self._between - self._waited, is_part)

    @property
    def reports_nothing(self) -> Ints:
        """Whether the end of each says that it took no time."""
        is_nothing: Ints = self._reported == 0
        return is_nothing

    @property
    def _reported(self) -> Ints:
        return _or(self.rows.end, self.index.duration_ms, np.nan)

    @cached_property
    def _between(self) -> Ints:
        """Milliseconds between the records of each, NaN where one is missing."""
        started, ended = self._times()
        between = np.full(len(started), np.nan)
        has_both = np.flatnonzero((started != NO_INT) & (ended != NO_INT))
        starts, ends = started[has_both], ended[has_both]
        between[has_both] = (ends - starts) / _MS
        is_long = np.abs(ends.astype(np.float64) - starts) > _EXACT
        for at in has_both[is_long].tolist():
            between[at] = (int(ended[at]) - int(started[at])) / _MS
        return between

    @cached_property
    def _waited(self) -> Ints:
        """Milliseconds of that in which a decision was waited for, as the end says; 0 where it cannot be."""
        told = self.index.waited_ms(np.maximum(self.rows.end, 0))
        is_so = (self.rows.end >= 0) & (told > 0) & (told <= self._between)
        waited: Ints = np.where(is_so, told, 0)
        return waited

    def _times(self) -> tuple[Ints, Ints]:
        """When each started and ended."""
        started, ended = (_or(at, self.index.time_ns, NO_INT) for at in (self.rows.start, self.rows.end))
        return started, ended

    def statuses(self, words: CodedColumn) -> list[str]:
        """Return how each ended, by these words and the reasons of the ends."""
        reasons, codes = self.index.text("done_reason"), self.codes(words, self.rows.end)
        reason_codes = self.codes(reasons, self.rows.end)
        told = [word or "unknown" for word in (*words.values, None)]
        found = list(map(told.__getitem__, codes.tolist()))
        for (word, reason), status in OF_ENDS.items():
            is_so = (codes == _code(words, word)) & (reason_codes == _code(reasons, reason))
            _put(found, is_so & (codes >= 0), status)
        return _put(found, self.rows.end < 0, "open")


def _llm_statuses(told: _Told) -> list[str]:
    kinds = told.index.text("kind")
    return told.statuses(CodedColumn([kind.removeprefix("llm_call_") for kind in kinds.values], kinds.codes))


def _tool_statuses(told: _Told) -> list[str]:
    rows = told.rows
    statuses, words = told.statuses(told.index.text("status")), told.texts("status", rows.end)
    for at in np.flatnonzero((rows.end >= 0) & (rows.end == rows.receipt)).tolist():
        statuses[at] = OF_RECEIPTS.get(words[at], "unknown")
    return statuses


def _with_their_turns(statuses: list[str], calls: SpanRows, turns: Sequence[str]) -> list[str]:
    """Let what has no end be cancelled with its turn: one that is aborted may write no end of its calls, and they would be open for ever."""
    is_cancelled = np.array([*map("cancelled".__eq__, turns), False])
    return _put(statuses, (calls.end < 0) & is_cancelled[calls.turn], "cancelled")


def _turn_statuses(told: _Told) -> list[str]:
    statuses, frames = told.statuses(told.index.text("status")), told.texts("next_frame", told.rows.end)
    return [
        "switched" if frame and status == "completed" else status
        for status, frame in zip(statuses, frames, strict=True)
    ]


def _models(told: _Told) -> CodedColumn:
    """Return the model of each call: that of its start, else that of its end."""
    names = told.index.text("name")
    first, last = told.codes(names, told.speaker), told.codes(names, told.rows.end)
    is_nameless = np.array([*(not name for name in names.values), True])[first]
    return CodedColumn(names.values, np.where(is_nameless, last, first))


def _tools(told: _Told) -> CodedColumn:
    names = told.index.text("name")
    return CodedColumn(names.values, told.codes(names, told.speaker))


def _llm_columns(told: _Told, outcome: Outcome) -> dict[str, Sequence[Any]]:
    index, end, speaker = told.index, told.rows.end, told.speaker
    return {
        **told.span_columns(outcome),
        "model": _texts(outcome.name, outcome.name.codes),
        "model_variant": told.texts("model_variant", speaker),
        "terminal_reason": told.texts("done_reason", end),
        "cause_call_id": told.texts("cause_call_id", speaker),
        "usage": index.usages(end),
    }


def _tool_columns(told: _Told, outcome: Outcome) -> dict[str, Sequence[Any]]:
    receipt, speaker = told.rows.receipt, told.speaker
    return {
        **told.span_columns(outcome),
        "call_id": told.texts("call_id", speaker),
        "name": _texts(outcome.name, outcome.name.codes),
        "issuing_node_id": told.texts("issuing_node_id", speaker),
        "receipt_row": _but(receipt.tolist(), receipt < 0),
    }


def _turn_columns(told: _Told, outcome: Outcome) -> dict[str, Sequence[Any]]:
    index, rows = told.index, told.rows
    parents = index.text("parent_graph_node_id")
    is_cause = np.array([*(bool(key) and not key.startswith("session:") for key in parents.values), False])
    first, last = (told.codes(parents, at) for at in (rows.start, rows.end))
    causes = np.where(is_cause[first], first, np.where(is_cause[last], last, -1))
    return {
        **told.span_columns(outcome),
        "done_reason": told.texts("done_reason", rows.end),
        "next_frame": told.texts("next_frame", rows.end),
        "cause": _texts(parents, causes),
    }


def _durations(reported: Ints, between: Ints, is_part: Ints) -> Ints:
    """Return what is reported, else the time between the records; the longer of both where what is reported is a part alone."""
    longer = np.where(is_part, np.fmax(reported, between), reported)
    found: Ints = np.where(np.isnan(longer), between, longer)
    return found


def _or(rows: Ints, column: Ints, nothing: Any) -> Ints:
    """Return the values of these records, and `nothing` where there is none."""
    found: Ints = column[rows]
    found[rows < 0] = nothing
    return found


def _texts(column: CodedColumn, codes: Ints) -> list[Any]:
    if not column.values:
        return [None] * len(codes)
    return _but(list(map(column.values.__getitem__, codes.tolist())), codes < 0)


def _code(column: CodedColumn, text: str | None) -> int:
    """Return the number of a text; one that no record has where none says it."""
    if text is None:
        return -1
    return column.values.index(text) if text in column.values else -2


def _known(numbers: Ints) -> list[Any]:
    return _but(numbers.tolist(), numbers == NO_INT)


def _but(values: list[Any], is_none: Ints) -> list[Any]:
    return _put(values.copy(), is_none, None)


def _put(values: list[Any], where: Ints, value: Any) -> list[Any]:
    for at in np.flatnonzero(where).tolist():
        values[at] = value
    return values
