"""What each record tells of the turn, call or block of code that it begins or ends: the columns of those, laid out by record."""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from lash_nb.trace._call_columns import Outcomes
from lash_nb.trace._code_blocks import CodeBlock
from lash_nb.trace._column import CodedColumn, Codes, Ints
from lash_nb.trace._index import TraceIndex
from lash_nb.trace._pairing import PAIRED_KINDS, Pairs, SpanRows
from lash_nb.trace._pairs import last_before
from lash_nb.trace._select import holds

__all__ = ["RecordColumns", "find_record_columns"]


class RecordColumns(msgspec.Struct, frozen=True, eq=False):
    """One entry per record in each column."""

    status: CodedColumn
    """How that ended which the record ends, or `open` or `cancelled` where it begins what has no end; of other records the word that they use themselves."""
    duration_ms: Ints
    """How long that took which the record ends, else what it reports itself, in milliseconds; NaN where nothing says it."""
    turn: Ints
    """The first record of its turn, also of one that nothing but its name is known of; -1 for none."""


def find_record_columns(
    index: TraceIndex, pairs: Pairs, outcomes: Outcomes, blocks: Iterable[CodeBlock]
) -> RecordColumns:
    """Lay out how turns, calls and blocks of code went by their records."""
    is_paired, columns = holds(index, "kind", PAIRED_KINDS), _Columns(index)
    columns.status[is_paired], columns.duration_ms[is_paired] = -1, np.nan
    columns.put_blocks(blocks)
    for spans, outcome, first in (
        (pairs.turns, outcomes.turns, pairs.turns.start),
        (pairs.llm_calls, outcomes.llm_calls, pairs.llm_calls.first),
        (pairs.tool_calls, outcomes.tool_calls, pairs.tool_calls.first),
    ):
        columns.put(first, spans.end, outcome.status, outcome.duration_ms)
    return RecordColumns(CodedColumn(columns.words.texts, columns.status), columns.duration_ms, _turns(index, pairs))


class _Columns:
    """The columns while they are filled, what the records say themselves to begin with."""

    def __init__(self, index: TraceIndex) -> None:
        told = index.text("status")
        self.words = Codes()
        self.status = np.append(self.words.encode([str(word) for word in told.values]), -1)[told.codes]
        self.duration_ms = np.array(index.duration_ms, dtype=np.float64)

    def put(self, first: Ints, end: Ints, status: Sequence[str], duration_ms: Ints) -> None:
        """Tell these spans: what is over at its end, what is open or has no end at its first record."""
        codes = self.words.encode(status)
        is_open = (codes == self.words.encode(["open"])[0]) | (end < 0)
        rows = np.where(is_open, first, end)
        told = rows >= 0
        self.status[rows[told]] = codes[told]
        over = ~is_open
        self.duration_ms[end[over]] = duration_ms[over]

    def put_blocks(self, blocks: Iterable[CodeBlock]) -> None:
        """Tell these blocks of code."""
        told = [
            (block.order, -1 if block.end_row is None else block.end_row, block.status, block.duration_ms)
            for block in blocks
        ]
        if told:
            first, end, status, took = zip(*told, strict=True)
            self.put(np.array(first), np.array(end), status, np.array(took, dtype=np.float64))


def _turns(index: TraceIndex, pairs: Pairs) -> Ints:
    """Return the first record of the turn of each record: of the turns of its name the last one that had begun, else the first one."""
    rows = np.flatnonzero(index.turn_key >= 0)
    keys, begun = index.turn_key[rows], _named(index, pairs.turns)
    _, mentioned = np.unique(keys, return_index=True)
    unseen = rows[mentioned][~np.isin(index.turn_key[rows[mentioned]], index.turn_key[begun])]
    begun = np.union1d(begun, unseen)
    names, firsts = np.unique(index.turn_key[begun], return_index=True)
    places = last_before(index.turn_key[begun], begun, keys, rows + 1)
    found = np.full(len(index), -1, np.int64)
    found[rows] = begun[np.where(places < 0, firsts[np.searchsorted(names, keys)], places)] if len(rows) else rows
    for at in (pairs.turns.end, pairs.turns.first):
        found[at[at >= 0]] = pairs.turns.first[at >= 0]
    return found


def _named(index: TraceIndex, turns: SpanRows) -> Ints:
    named: Ints = turns.first[index.turn_key[turns.first] >= 0]
    return named
