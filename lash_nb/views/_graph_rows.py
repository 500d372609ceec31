"""A session graph by turns: one row a turn, newest first, as columns that stay small for a hundred thousand nodes.

Numbers, durations and tokens come from the trace where there is one; a graph alone does not know them.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from lash_nb.clock import parse_rfc3339
from lash_nb.plots import GraphLayout, counted, duration, lay_out, short_id, token_count
from lash_nb.trace import Trace, Turn
from lash_nb.views._graph_turns import FAILED_TOOL, FAILED_TURN, TurnRow, cut_turns
from lash_nb.wire import SessionGraph, SessionNodeRecord, bears_mark

__all__ = [
    "FoldedRun",
    "GraphRows",
    "folded",
    "graph_rows",
    "names_of",
    "sums",
    "title_counts",
    "turn_ends",
    "untold_words",
]

_FOLD_FROM: Final = 5
"""Fewer quiet turns than this are shown one by one."""
_FAILURES: Final = ((FAILED_TURN, "failed"), (FAILED_TOOL, "with a failed tool"))
"""What is said of how many turns."""
_SLACKS_NS: Final = (0, 5_000_000)
"""A node may carry a time a little before the record of its turn's start: looked for only where no turn has the time itself, for turns follow quickly."""


class FoldedRun(msgspec.Struct, frozen=True, kw_only=True):
    """Neighbouring rows of one lane that are shown as one."""

    first: int
    """First row."""
    last: int
    """Last row."""
    text: str
    """What they are, in words; failures are always named."""


class GraphRows(msgspec.Struct, frozen=True, kw_only=True):
    """A graph as rows with places; row 0 is the newest."""

    rows: list[TurnRow]
    """The turns."""
    layout: GraphLayout
    """Lanes and parents of the rows."""
    current: int
    """Row of the current leaf; -1 when there is none."""
    orphans: set[int]
    """Rows that hang on a node which is not there."""
    folds: list[FoldedRun]
    """Runs of quiet turns."""
    begins: dict[int, str]
    """The agent frame that begins with a row; empty when there is but one."""
    frame_count: int
    """How many agent frames the nodes are of."""
    untold: int
    """How many rows have no turn in the trace; 0 where nobody gave one."""


def graph_rows(graph: SessionGraph, turns: Trace | Sequence[Turn] | None = None) -> GraphRows:
    """Return the graph by turns, laid out around the path to its leaf."""
    facts = _TurnsByTime(turns.turns if isinstance(turns, Trace) else turns or ())
    with cut_turns(graph.nodes) as cut:
        known, parent_of, frame_count = list(cut.rows), list(cut.parents), len(cut.frames)
        leaf = cut.turn_of(graph.leaf_node_id)
        orphans = cut.orphans()
    heads = [row.nodes[0].node_id for row in known]
    links = [(head, heads[parent] if parent >= 0 else None) for head, parent in zip(heads, parent_of, strict=True)]
    layout = lay_out(links, heads[leaf] if leaf >= 0 else None)
    rows = [_told(known[node], facts) for node in layout.nodes]
    last = len(rows) - 1
    found = GraphRows(
        rows=rows,
        layout=layout,
        current=last - leaf if leaf >= 0 else -1,
        orphans={last - one for one in orphans},
        folds=[],
        begins=_beginnings(rows, layout.parents),
        frame_count=frame_count,
        untold=0 if turns is None else sum(row.turn is None for row in rows),
    )
    found.folds.extend(_folds(found))
    return found


def turn_ends(graph: SessionGraph, turns: Trace | Sequence[Turn] | None = None) -> list[tuple[int, SessionNodeRecord]]:
    """Return the number of each turn as a drawn graph shows it, and its last node; newest first.

    Turns of several branches may have the same number.
    """
    return [(row.number, row.nodes[-1]) for row in graph_rows(graph, turns).rows]


def untold_words(found: GraphRows) -> str:
    """Return why times and tokens are empty, and what fills them; empty when nothing is missing."""
    if not found.untold:
        return ""
    return f"times and tokens of {counted(found.untold, 'turn')} are in no trace at hand: %lash trace FILE, then %lash graph"


def title_counts(graph: SessionGraph, found: GraphRows) -> str:
    """Return how much there is: `89 nodes · 24 turns · 2 branches`."""
    has_child = set(found.layout.parents)
    branches = sum(row not in has_child for row in range(len(found.rows)))
    parts = [
        counted(len(graph.nodes), "node"),
        counted(len(found.rows), "turn"),
        counted(branches, "branch", "branches"),
    ]
    if found.frame_count > 1:
        parts.append(counted(found.frame_count, "agent frame"))
    if found.orphans:
        parts.append(counted(len(found.orphans), "orphan"))
    return " · ".join(parts)


class _TurnsByTime:
    """Finds the turn of the trace in which a node was made; where turns of several sessions ran at its time, the one that the message says it begins."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        by_session: dict[str | None, list[Turn]] = {}
        for turn in turns:
            if turn.started_ns is not None:
                by_session.setdefault(turn.session_id, []).append(turn)
        self._sessions = [_SessionTurns(of_one) for of_one in by_session.values()]

    def at(self, node: SessionNodeRecord) -> Turn | None:
        try:
            time_ns = parse_rfc3339(node.timestamp)
        except ValueError:
            return None
        found: list[Turn] = []
        for slack_ns in _SLACKS_NS:
            near = [turn for session in self._sessions if (turn := session.at(time_ns, slack_ns))]
            if begun := [turn for turn in near if _begins_with(turn, node)]:
                return begun[0]
            found = found or near
        return max(found, key=_start, default=None)


class _SessionTurns:
    """The turns of one session, of which one runs at a time."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = sorted(turns, key=_start)
        self._starts = list(map(_start, self._turns))

    def at(self, time_ns: int, slack_ns: int) -> Turn | None:
        """Return the last turn that began by then and is not over."""
        place = bisect_right(self._starts, time_ns + slack_ns) - 1
        turn = self._turns[place] if place >= 0 else None
        return turn if turn and (turn.ended_ns is None or time_ns <= turn.ended_ns + slack_ns) else None


def _start(turn: Turn) -> int:
    return turn.started_ns or 0


def _begins_with(turn: Turn, node: SessionNodeRecord) -> bool:
    return node.message is not None and turn.turn_id is not None and bears_mark(node.message.id, turn.turn_id)


def _told(row: TurnRow, facts: _TurnsByTime) -> TurnRow:
    """Add to a row what the trace tells of its turn."""
    turn = facts.at(row.nodes[0])
    if turn is None:
        return row
    failed = max(row.failed_tools, sum(call.status == "failure" for call in turn.tool_calls))
    broken = failed or turn.status == "failed"
    return msgspec.structs.replace(
        row,
        number=row.number if turn.turn_index is None else turn.turn_index,
        failed_tools=failed,
        mark="cancelled" if turn.is_cancelled else "failed" if broken else "",
        turn=turn,
    )


def _beginnings(rows: Sequence[TurnRow], parents: Sequence[int]) -> dict[int, str]:
    """Name the frame of every row whose parent is in another one."""
    frames = [row.nodes[0].agent_frame_id for row in rows]
    if len(set(frames)) < 2:
        return {}
    began = {
        place: frame
        for place, (frame, parent) in enumerate(zip(frames, parents, strict=True))
        if parent < 0 or frames[parent] != frame
    }
    return {place: f"frame {short_id(frame)}" if frame else "no frame" for place, frame in began.items()}


def _folds(found: GraphRows) -> Iterator[FoldedRun]:
    for first, last in _quiet_runs(found):
        # The neighbours of what stands out stay: they say what led to it.
        if last - first - 1 >= _FOLD_FROM:
            yield folded(found, first + 1, last - 1)


def folded(found: GraphRows, first: int, last: int) -> FoldedRun:
    """Return the rows from `first` to `last` as one row with its words; failures in it are counted aloud."""
    rows = found.rows[first : last + 1]
    troubles = Counter(row.trouble for row in rows if row.mark == "failed")
    said = [f"{count:,} {words}" for trouble, words in _FAILURES if (count := troubles[trouble])]
    text = ", ".join([f"{rows[-1].number}–{rows[0].number}", counted(len(rows), "turn"), *said])
    return FoldedRun(first=first, last=last, text=text)


def sums(rows: Sequence[TurnRow]) -> tuple[str, str, str]:
    """Return tools, time and tokens of several turns together, each with its unit, empty when not known."""
    tools = sum(row.tools for row in rows)
    took = sum((row.turn.duration_ms or 0) if row.turn else 0 for row in rows)
    tokens = [used for row in rows if (used := row.tokens) is not None]
    return (
        counted(tools, "tool") if tools else "",
        duration(took) if took else "",
        f"{token_count(sum(tokens))} tok" if tokens else "",
    )


def _quiet_runs(found: GraphRows) -> Iterator[tuple[int, int]]:
    """Longest runs of rows in one lane, each the parent of the one above, in which nothing stands out."""
    start = None
    stands_out = _standing_out(found)
    lanes, parents = found.layout.lanes, found.layout.parents
    for row in range(len(found.rows)):
        goes_on = start is not None and parents[row - 1] == row and lanes[row] == lanes[row - 1]
        if start is not None and (stands_out[row] or not goes_on):
            yield start, row - 1
            start = None
        if start is None and not stands_out[row]:
            start = row
    if start is not None:
        yield start, len(found.rows) - 1


def _standing_out(found: GraphRows) -> list[bool]:
    """Rows that never fold: the leaf, tips, forks, failures, cancellations, pictures, orphans, beginnings of frames."""
    parents, lanes = found.layout.parents, found.layout.lanes
    children = _child_counts(parents)
    return [
        bool(row.mark)
        or row.pictures
        or place == found.current
        or place in found.orphans
        or place in found.begins
        or children[place] != 1
        or (parents[place] >= 0 and lanes[parents[place]] != lanes[place])
        for place, row in enumerate(found.rows)
    ]


def _child_counts(parents: Sequence[int]) -> list[int]:
    counts = [0] * len(parents)
    for parent in parents:
        if parent >= 0:
            counts[parent] += 1
    return counts


def names_of(found: GraphRows, names: Mapping[str, str]) -> dict[int, str]:
    """Return the names that a caller gave to nodes, by row."""
    if not names:
        return {}
    return {
        place: names[node.node_id]
        for place, row in enumerate(found.rows)
        for node in row.nodes
        if node.node_id in names
    }
