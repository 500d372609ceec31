"""Turns and calls as values: each field of all of them as a column, then all of them from these columns."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, TypeVar

import numpy as np

from lash_nb.trace._calls import Calls, LlmCall, Span, ToolCall, Turn
from lash_nb.trace._column import CodedColumn, Ints
from lash_nb.trace._index import TraceIndex
from lash_nb.trace._pairing import Pairs, SpanRows
from lash_nb.trace._peek import NO_INT

__all__ = ["make_calls"]

S = TypeVar("S", bound=Span)
T = TypeVar("T")

_MS: Final = 1_000_000
_EXACT: Final = 1 << 52
"""Nanoseconds of which a double surely holds each one: fifty days."""
_STATUSES: Final[Mapping[tuple[str, str | None], str]] = {
    ("completed", "agent_frame_switch"): "switched",
    ("agent_frame_switch", None): "switched",
    ("failed", "cancelled"): "cancelled",
}
"""What the end of a turn or call tells by status and reason, where the status alone does not."""
_RECEIPTS: Final[Mapping[str | None, str]] = {
    "denied": "failure",
    "cancelled": "cancelled",
    "aborted": "cancelled",
    "final": "unknown",
    None: "open",
}
"""How a tool call ended that has no other end than its receipt; one that is `final` does not say how."""


def make_calls(index: TraceIndex, pairs: Pairs) -> Calls:
    """Make values of all turns and calls."""
    llm = _made(LlmCall, _llm_columns(_Told(index, pairs.llm_calls)))
    tools = _made(ToolCall, _tool_columns(_Told(index, pairs.tool_calls)))
    columns = _turn_columns(_Told(index, pairs.turns))
    columns["llm_calls"] = _by_turn(llm, pairs.llm_calls.turn, len(pairs.turns))
    columns["tool_calls"] = _by_turn(tools, pairs.tool_calls.turn, len(pairs.turns))
    return Calls(tuple(_made(Turn, columns)), tuple(llm), tuple(tools))


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
        self.speaker: Final = np.where(rows.start >= 0, rows.start, np.where(rows.end >= 0, rows.end, rows.first))
        """The record that names its ids: its start, else its end, else the first that tells of it."""

    def codes(self, column: CodedColumn, rows: Ints) -> Ints:
        """Return the numbers of the texts of these records; of no record none."""
        return _or(rows, column.codes, -1)

    def texts(self, name: str, rows: Ints) -> list[Any]:
        """Return the texts of these records."""
        column = self.index.text(name)
        return _texts(column, self.codes(column, rows))

    def span_columns(self, is_part: Ints) -> dict[str, Sequence[Any]]:
        """Return the fields of every span but its status; `is_part` says where the reported duration tells of a part of it alone."""
        index, rows = self.index, self.rows
        order = rows.first.tolist()
        ids = ("session_id", "turn_id", "effect_id", "llm_call_id", "graph_node_id")
        numbers = ("turn_index", "protocol_iteration")
        started, ended = (_or(at, index.time_ns, NO_INT) for at in (rows.start, rows.end))
        return {
            "order": order,
            **{name: self.texts(name, self.speaker) for name in ids},
            **{name: _known(getattr(index, name)[self.speaker]) for name in numbers},
            "start_row": _but(order, rows.start < 0),
            "end_row": _but(rows.end.tolist(), rows.end < 0),
            "started_ns": _known(started),
            "ended_ns": _known(ended),
            "duration_ms": _durations(_or(rows.end, index.duration_ms, np.nan), started, ended, is_part),
        }

    def statuses(self, words: CodedColumn) -> list[str]:
        """Return how each ended, by these words and the reasons of the ends."""
        reasons, codes = self.index.text("done_reason"), self.codes(words, self.rows.end)
        reason_codes = self.codes(reasons, self.rows.end)
        told = [word or "unknown" for word in (*words.values, None)]
        found = list(map(told.__getitem__, codes.tolist()))
        for (word, reason), status in _STATUSES.items():
            is_so = (codes == _code(words, word)) & (reason_codes == _code(reasons, reason))
            _put(found, is_so & (codes >= 0), status)
        return _put(found, self.rows.end < 0, "open")


def _llm_columns(told: _Told) -> dict[str, Sequence[Any]]:
    index, end, speaker = told.index, told.rows.end, told.speaker
    kinds, names = index.text("kind"), index.text("name")
    words = CodedColumn([kind.removeprefix("llm_call_") for kind in kinds.values], kinds.codes)
    first, last = told.codes(names, speaker), told.codes(names, end)
    is_nameless = np.array([*(not name for name in names.values), True])[first]
    return {
        **told.span_columns(index.text("turn_id").codes[speaker] < 0),
        "status": told.statuses(words),
        "model": _texts(names, np.where(is_nameless, last, first)),
        "model_variant": told.texts("model_variant", speaker),
        "terminal_reason": told.texts("done_reason", end),
        "cause_call_id": told.texts("cause_call_id", speaker),
        "usage": index.usages(end),
    }


def _tool_columns(told: _Told) -> dict[str, Sequence[Any]]:
    index, rows, speaker = told.index, told.rows, told.speaker
    statuses, words = told.statuses(index.text("status")), told.texts("status", rows.end)
    for at in np.flatnonzero((rows.end >= 0) & (rows.end == rows.receipt)).tolist():
        statuses[at] = _RECEIPTS.get(words[at], "unknown")
    return {
        **told.span_columns(index.text("graph_node_id").codes[speaker] >= 0),
        "status": statuses,
        "call_id": told.texts("call_id", speaker),
        "name": told.texts("name", speaker),
        "issuing_node_id": told.texts("issuing_node_id", speaker),
        "receipt_row": _but(rows.receipt.tolist(), rows.receipt < 0),
    }


def _turn_columns(told: _Told) -> dict[str, Sequence[Any]]:
    index, rows = told.index, told.rows
    statuses, frames = told.statuses(index.text("status")), told.texts("next_frame", rows.end)
    parents = index.text("parent_graph_node_id")
    is_cause = np.array([*(bool(key) and not key.startswith("session:") for key in parents.values), False])
    first, last = (told.codes(parents, at) for at in (rows.start, rows.end))
    causes = np.where(is_cause[first], first, np.where(is_cause[last], last, -1))
    return {
        **told.span_columns(np.zeros(len(rows), bool)),
        "status": [
            "switched" if frame and status == "completed" else status
            for status, frame in zip(statuses, frames, strict=True)
        ],
        "done_reason": told.texts("done_reason", rows.end),
        "next_frame": frames,
        "cause": _texts(parents, causes),
    }


def _durations(reported: Ints, started: Ints, ended: Ints, is_part: Ints) -> list[float | None]:
    """Return what is reported, else the time between the records; the longer of both where what is reported is a part alone."""
    between = np.full(len(started), np.nan)
    has_both = np.flatnonzero((started != NO_INT) & (ended != NO_INT))
    starts, ends = started[has_both], ended[has_both]
    between[has_both] = (ends - starts) / _MS
    is_long = np.abs(ends.astype(np.float64) - starts) > _EXACT
    for at in has_both[is_long].tolist():
        between[at] = (int(ended[at]) - int(started[at])) / _MS
    longer = np.where(is_part, np.fmax(reported, between), reported)
    found = np.where(np.isnan(longer), between, longer)
    return _but(found.tolist(), np.isnan(found))


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
