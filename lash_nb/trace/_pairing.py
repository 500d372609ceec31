"""Which end belongs to which start: model calls, tool calls and turns, found in whole columns of the index.

The only place that knows. These are the rules; nothing is dropped by any of them:

* A turn is known by its number and its id in its session. It may start again after a crash, with the same id or another one: an end belongs to
  the start right before it, and a start that another one follows stays open.
* A record of a call belongs to the last start of the turn that it names. Where no turn with its id has started, only the number counts: what
  drains a queue names its turn by another id than the effects of that turn.
* A model call is known by its `llm_call_id`, which runs at most once at a time: it pairs as turns do.
* A tool call is known by its call id within one start of its turn. The model names calls, and may give one name to several at once: these pair
  in order, the first end with the first start. What a turn left open when it started again stays open.
* A start without an end is open, and an end without a start is a call (or turn) of its own. A call whose turn was never seen to start makes
  that turn known all the same; its end is that of its id, else one of its number that no other turn has.
* A call that names no turn belongs to the turn of the tool call that caused it, else to the one that its session is in.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np

from lash_nb.trace._column import Ints
from lash_nb.trace._index import TraceIndex
from lash_nb.trace._pairs import changes, joined, last_before, nearest, numbered, paired
from lash_nb.trace._select import holds

__all__ = ["PAIRED_KINDS", "Pairs", "SpanRows", "find_pairs"]

_TURN: Final = ("turn_started", "turn_completed")
_LLM: Final = ("llm_call_started", "llm_call_completed", "llm_call_failed")
_TOOL: Final = ("tool_call_started", "tool_call_completed")
_RECEIPT: Final = ("tool_receipt",)
PAIRED_KINDS: Final = frozenset({*_TURN, *_LLM, *_TOOL, *_RECEIPT})
"""Kinds of records that tell of turns, model calls and tool calls."""


class SpanRows(msgspec.Struct, frozen=True, eq=False):
    """The records that tell of all turns, or of all calls of one kind: a number of a record for each of them, -1 for none."""

    first: Ints
    """The first record that tells of it; these ascend."""
    start: Ints
    """The record of its start."""
    end: Ints
    """The record of its end."""
    receipt: Ints
    """The record of its receipt; also the end of a tool call that has no other one. Only tool calls have receipts."""
    turn: Ints
    """Which of all turns it belongs to, from 0; -1 for none. A turn is its own."""

    @property
    def speaker(self) -> Ints:
        """The record that names its ids: its start, else its end, else the first that tells of it."""
        found: Ints = np.where(self.start >= 0, self.start, np.where(self.end >= 0, self.end, self.first))
        return found

    def at(self, places: Ints) -> "SpanRows":
        """Return some of them."""
        return SpanRows(*(getattr(self, name)[places] for name in self.__struct_fields__))

    def __len__(self) -> int:
        return len(self.first)


class Pairs(msgspec.Struct, frozen=True, eq=False):
    """Which records belong together, in columns: of a million records in a moment, where an object for each call takes seconds."""

    turns: SpanRows
    """As many as `trace.turns`, in the same order."""
    llm_calls: SpanRows
    """As many as `trace.llm_calls`, in the same order."""
    tool_calls: SpanRows
    """As many as `trace.tool_calls`, in the same order."""


def find_pairs(index: TraceIndex) -> Pairs:
    """Pair the starts and ends of a trace."""
    llm = _calls(index, _LLM, _llm_keys, nearest)
    tools = _with_receipts(index, _calls(index, _TOOL, _tool_keys, paired))
    heard = np.sort(np.concatenate([llm.first, tools.first]))
    openers = _openers(index, heard, tools.first)
    turns = _turns(index, openers[openers >= 0])
    numbers = np.where(openers < 0, -1, np.searchsorted(turns.first, openers))
    of_llm, of_tools = (numbers[np.searchsorted(heard, calls.first)] for calls in (llm, tools))
    return Pairs(turns, msgspec.structs.replace(llm, turn=of_llm), msgspec.structs.replace(tools, turn=of_tools))


def _calls(
    index: TraceIndex,
    kinds: Sequence[str],
    keys_of: Callable[[TraceIndex, Ints], Ints],
    pair: Callable[[Ints, Ints], tuple[Ints, Ints]],
) -> SpanRows:
    """Pair the calls of these kinds, of which the first is that of a start; nothing is known of their turns yet."""
    rows = _rows(index, kinds)
    return _spans(rows, *pair(keys_of(index, rows), holds(index, "kind", kinds[:1])[rows]))


def _spans(rows: Ints, starts: Ints, ends: Ints) -> SpanRows:
    """Name the records of pairs that are known by their places among `rows`."""
    known = np.append(rows, -1)
    start, end = known[starts], known[ends]
    none = np.full(len(start), -1)
    return SpanRows(np.where(start < 0, end, start), start, end, none, none)


def _llm_keys(index: TraceIndex, rows: Ints) -> Ints:
    """What the records of a model call have in common: its id in its session; where it has none, its effect in its turn."""
    call, turn, session = index.text("llm_call_id"), _runs(index, rows), index.text("session_id").codes[rows]
    has_id = np.array([*map(bool, call.values), False])[call.codes[rows]]
    apart = turn.max(initial=0) + 2  # sessions come behind all turns
    return joined(
        np.where(has_id, apart + session, turn),
        np.where(has_id, call.codes[rows], index.text("effect_id").codes[rows]),
    )


def _tool_keys(index: TraceIndex, rows: Ints) -> Ints:
    """What the records of a tool call have in common: one start of its turn, and its id; where it has none, its tool."""
    call, name = index.text("call_id").codes[rows], index.text("name").codes[rows]
    return joined(_runs(index, rows), np.where(call < 0, -2 - name, call))


def _runs(index: TraceIndex, rows: Ints) -> Ints:
    """Return a number for each start of a turn, and one for each turn that was not seen to start; below zero where a record names none."""
    turns, starts = index.turn_id_key[rows], _starts(index, rows)
    runs: Ints = np.where(turns < 0, turns, np.where(starts < 0, len(index) + turns, starts))
    return runs


def _starts(index: TraceIndex, rows: Ints) -> Ints:
    """Return the last start of each record's turn before it: of that with its id, else of one with its number; -1 for none."""
    begun = _rows(index, _TURN[:1])
    by_id, by_number = (
        last_before(keys[begun], begun, keys[rows], rows) for keys in (index.turn_id_key, index.turn_key)
    )
    starts: Ints = np.append(begun, -1)[np.where(by_id < 0, by_number, by_id)]
    return starts


def _with_receipts(index: TraceIndex, tools: SpanRows) -> SpanRows:
    """Give each receipt to the call of its key that came last, if that has none yet; else it is a call of its own."""
    receipts = _rows(index, _RECEIPT)
    if not len(receipts):
        return tools
    rows = np.concatenate([tools.first, receipts])
    keys = _tool_keys(index, rows)
    order = np.lexsort((rows, keys))
    is_receipt = order >= len(tools)
    is_own = is_receipt & (changes(keys[order]) | np.append(False, is_receipt[:-1]))
    given = np.flatnonzero(is_receipt & ~is_own)
    receipt = np.full(len(tools), -1)
    receipt[order[given - 1]] = rows[order[given]]
    own = rows[order[is_own]]
    none = np.full(len(own), -1)
    end = np.where(tools.end < 0, receipt, tools.end)
    columns = ((tools.first, own), (tools.start, none), (end, own), (receipt, own), (tools.turn, none))
    return _in_order(*map(np.concatenate, columns))


def _in_order(*columns: Ints) -> SpanRows:
    order = np.argsort(columns[0])
    return SpanRows(*(column[order] for column in columns))


def _openers(index: TraceIndex, heard: Ints, tools: Ints) -> Ints:
    """Return for the first record of each call the one that first told of its turn: its start, else the first of such records; -1 for none.

    Args:
        index: All records.
        heard: The first records of all calls, ascending.
        tools: Those of tool calls.
    """
    keys, openers = index.turn_id_key[heard], _starts(index, heard)
    unseen = np.flatnonzero((keys >= 0) & (openers < 0))
    _, firsts, places = np.unique(keys[unseen], return_index=True, return_inverse=True)
    openers[unseen] = heard[unseen[firsts]][places]
    nameless = np.flatnonzero(keys < 0)
    openers[nameless] = _open_turns(index, heard[nameless])
    callers = _callers(index, heard[nameless], tools)
    caused = np.flatnonzero(callers >= 0)
    at_callers = np.searchsorted(heard, callers[caused])
    for at, caller in zip(nameless[caused].tolist(), at_callers.tolist(), strict=True):
        openers[at] = openers[caller]  # in their order, as the turn of one caller may come from another one
    return openers


def _open_turns(index: TraceIndex, rows: Ints) -> Ints:
    """Return the start of the turn that was open in the session of each record, -1 for none."""
    turns, sessions = _rows(index, _TURN), index.text("session_id").codes
    begun = np.where(holds(index, "kind", _TURN[:1])[turns], turns, -1)
    return np.append(begun, -1)[last_before(sessions[turns], turns, sessions[rows], rows)]


def _callers(index: TraceIndex, rows: Ints, tools: Ints) -> Ints:
    """Return the first record of the tool call that caused each record, as that says, -1 for none."""
    causes, calls = index.text("cause_call_id"), index.text("call_id")
    if not causes.values or not len(rows):
        return np.full(len(rows), -1)
    numbers = dict(zip(calls.values, range(len(calls.values)), strict=True))
    of_cause = np.array([*(numbers.get(cause, -2) for cause in causes.values), -1])
    ids = np.concatenate([calls.codes[tools], of_cause[causes.codes[rows]]])
    keys = numbered(joined(index.text("session_id").codes[np.concatenate([tools, rows])], ids))
    return np.append(tools, -1)[last_before(keys[: len(tools)], tools, keys[len(tools) :], rows)]


def _turns(index: TraceIndex, openers: Ints) -> SpanRows:
    """Pair the turns, also those of which calls told first."""
    is_told = holds(index, "kind", _TURN)
    is_told[openers] = True
    rows = np.flatnonzero(is_told)
    is_start, is_end = (holds(index, "kind", (kind,)) for kind in _TURN)
    turns = _with_lone_ends(index, _spans(rows, *nearest(index.turn_id_key[rows], ~is_end[rows])), is_start)
    begun = np.where(is_start[turns.start] & (turns.start >= 0), turns.start, -1)
    return msgspec.structs.replace(turns, start=begun, turn=np.arange(len(turns)))


def _with_lone_ends(index: TraceIndex, turns: SpanRows, is_start: Ints) -> SpanRows:
    """Give ends that belong to no turn of their id to one of their number that calls made known and that has none."""
    is_alone, is_open = turns.start < 0, (turns.end < 0) & ~is_start[turns.first]
    at = np.flatnonzero(is_alone | is_open)
    opened, ended = nearest(index.turn_key[turns.first[at]], is_open[at])
    given = (opened >= 0) & (ended >= 0)
    turns.end[at[opened[given]]] = turns.end[at[ended[given]]]
    left = np.ones(len(turns), bool)
    left[at[ended[given]]] = False
    return turns.at(left)


def _rows(index: TraceIndex, kinds: Sequence[str]) -> Ints:
    return np.flatnonzero(holds(index, "kind", kinds))
