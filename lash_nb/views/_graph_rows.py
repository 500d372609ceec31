"""A session graph by turns: one row a turn, newest first, as columns that stay small for a hundred thousand nodes.

A turn begins with a message of the user or an event; what follows it on the same path is part of it. A node that grows from the middle of
a turn begins a row of its own. Numbers, durations and tokens come from the trace where there is one; a graph alone does not know them.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from lash_nb.clock import parse_rfc3339
from lash_nb.errors import WireError
from lash_nb.plots import GraphLayout, counted, duration, lay_out, one_line, short_id, token_count
from lash_nb.trace import Trace, Turn
from lash_nb.views._json import call_text, summary
from lash_nb.wire import AttachmentRef, Message, SessionGraph, SessionNodeRecord, from_json

__all__ = [
    "FoldedRun",
    "GraphRows",
    "TurnRow",
    "folded",
    "graph_rows",
    "names_of",
    "node_words",
    "sums",
    "title_counts",
    "turn_ends",
    "untold_words",
]

_FOLD_FROM: Final = 5
"""Fewer quiet turns than this are shown one by one."""
_FAILED: Final = "[Tool execution failed]"
_CANCELLED: Final = "[Tool execution cancelled]"
_CLOCK_SLACK_NS: Final = 5_000_000
"""A node may carry a time a little before the record of its turn's start."""


class TurnRow(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of the graph."""

    nodes: tuple[SessionNodeRecord, ...]
    """Its nodes, oldest first."""
    number: int
    """Its number: the trace's, else which turn of the graph it is, in the order in which they ran: a session counts those of all branches."""
    text: str
    """What the user said, in one line."""
    tools: int
    """How many tools were called."""
    failed_tools: int
    """How many of them failed."""
    mark: str
    """`failed`, `cancelled` or empty."""
    pictures: bool
    """Whether it carries attachments."""
    turn: Turn | None
    """The same turn in the trace."""

    @property
    def attachments(self) -> list[AttachmentRef]:
        """What its messages carry beside their texts."""
        messages = (node.message for node in self.nodes if node.message)
        return [part.attachment.reference for message in messages for part in message.parts if part.attachment]

    @property
    def took(self) -> str:
        """Duration with its unit; empty when not known."""
        return duration(self.turn.duration_ms) if self.turn else ""

    @property
    def tokens(self) -> int | None:
        """Input and output tokens together; None when not known."""
        return (self.turn.usage.total or None) if self.turn else None

    @property
    def name(self) -> str:
        """What `view.selection` calls it: the turn's id, else its first node."""
        return (self.turn.turn_id if self.turn and self.turn.turn_id else None) or f"node {self.nodes[0].node_id}"


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
    untold: int
    """How many rows have no turn in the trace; 0 where nobody gave one."""


def graph_rows(graph: SessionGraph, turns: Trace | Sequence[Turn] | None = None) -> GraphRows:
    """Return the graph by turns, laid out around the path to its leaf."""
    groups, row_of, parent_of = _grouped(graph.nodes)
    links = [
        (group[0].node_id, groups[parent][0].node_id if parent >= 0 else None)
        for group, parent in zip(groups, parent_of, strict=True)
    ]
    leaf = row_of.get(graph.leaf_node_id) if graph.leaf_node_id is not None else None
    layout = lay_out(links, groups[leaf][0].node_id if leaf is not None else None)
    facts = _TurnsByTime(turns.turns if isinstance(turns, Trace) else turns or ())
    rows = [_row(groups[node], node + 1, facts) for node in layout.nodes]
    last = len(groups) - 1
    known = {node.node_id for node in graph.nodes}
    orphans = _orphans(groups, parent_of, known)
    found = GraphRows(
        rows=rows,
        layout=layout,
        current=last - leaf if leaf is not None else -1,
        orphans={last - one for one in orphans},
        folds=[],
        begins=_beginnings(rows, layout.parents),
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
    frames = len({node.agent_frame_id for node in graph.nodes if node.agent_frame_id})
    parts = [
        counted(len(graph.nodes), "node"),
        counted(len(found.rows), "turn"),
        counted(branches, "branch", "branches"),
    ]
    if frames > 1:
        parts.append(counted(frames, "agent frame"))
    if found.orphans:
        parts.append(counted(len(found.orphans), "orphan"))
    return " · ".join(parts)


def node_words(node: SessionNodeRecord, limit: int = 120) -> list[tuple[str, str]]:
    """Return who speaks in a node and what, one line a part."""
    message = node.message
    if message is None:
        return [("plugin", node.plugin_type or "")] if node.kind == "plugin" else [("protocol", "")]
    return [
        (_speaker(message, part.kind), one_line(_part_words(part.kind, part.tool_name, part.rendered()), limit))
        for part in message.parts
    ]


def _part_words(kind: str, tool: str | None, text: str) -> str:
    if kind == "ToolCall":
        return f"call {tool}({_read(text, call_text)})"
    return f"{tool} → {_read(text, summary)}" if kind == "ToolResult" else text


def _read(text: str, words: Callable[[Any], str]) -> str:
    """Put JSON text into words; a result is not always JSON, and stays as it is then."""
    try:
        return words(from_json(text))
    except WireError:
        return text


def _speaker(message: Message, kind: str) -> str:
    return "tool" if kind == "ToolResult" else message.role.lower()


class _TurnsByTime:
    """Finds the turn of the trace in which a node was made."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = sorted(
            (turn for turn in turns if turn.started_ns is not None), key=lambda turn: turn.started_ns or 0
        )
        self._starts = [turn.started_ns or 0 for turn in self._turns]

    def at(self, node: SessionNodeRecord) -> Turn | None:
        if not self._starts:
            return None
        try:
            time_ns = parse_rfc3339(node.timestamp)
        except ValueError:
            return None
        return self._within(time_ns, 0) or self._within(time_ns, _CLOCK_SLACK_NS)

    def _within(self, time_ns: int, slack_ns: int) -> Turn | None:
        """The last turn that began by then and is not over; with slack only where no turn has the time itself, for turns follow quickly."""
        place = bisect_right(self._starts, time_ns + slack_ns) - 1
        turn = self._turns[place] if place >= 0 else None
        return turn if turn and (turn.ended_ns is None or time_ns <= turn.ended_ns + slack_ns) else None


def _grouped(nodes: Sequence[SessionNodeRecord]) -> tuple[list[list[SessionNodeRecord]], dict[str, int], list[int]]:
    """Cut the nodes into turns; return them, the turn of each node id, and each turn's parent (-1 for none)."""
    groups: list[list[SessionNodeRecord]] = []
    parents: list[int] = []
    row_of: dict[str, int] = {}
    for node in nodes:
        parent = row_of.get(node.parent_node_id, -1) if node.parent_node_id is not None else -1
        if parent >= 0 and groups[parent][-1].node_id == node.parent_node_id and not _begins_turn(node):
            groups[parent].append(node)
            row_of[node.node_id] = parent
            continue
        row_of[node.node_id] = len(groups)
        groups.append([node])
        parents.append(parent)
    return groups, row_of, parents


def _begins_turn(node: SessionNodeRecord) -> bool:
    message = node.message
    if message is None:
        return False
    first = message.parts[0] if message.parts else None
    asks = first is not None and first.kind in {"Text", "Image"} and first.tool_call_id is None  # else a tool's picture
    return message.role == "Event" or (message.role == "User" and asks)


def _orphans(groups: list[list[SessionNodeRecord]], parents: list[int], known: set[str]) -> set[int]:
    orphans: set[int] = set()
    for row, (group, parent) in enumerate(zip(groups, parents, strict=True)):
        head = group[0].parent_node_id
        if parent in orphans or (head is not None and head not in known):
            orphans.add(row)
    return orphans


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


def _row(nodes: list[SessionNodeRecord], place: int, facts: _TurnsByTime) -> TurnRow:
    turn = facts.at(nodes[0])
    parts = [part for node in nodes if node.message for part in node.message.parts]
    results = [part for part in parts if part.kind == "ToolResult"]
    failed = sum(part.content.startswith(_FAILED) for part in results)
    cancelled = turn.is_cancelled if turn else any(part.content.startswith(_CANCELLED) for part in results)
    if turn is not None:
        failed = max(failed, sum(call.status == "failure" for call in turn.tool_calls))
    broken = bool(failed) or (turn is not None and turn.status == "failed")
    return TurnRow(
        nodes=tuple(nodes),
        number=turn.turn_index if turn and turn.turn_index is not None else place,
        text=_headline(nodes),
        tools=sum(part.kind == "ToolCall" for part in parts),
        failed_tools=failed,
        mark="cancelled" if cancelled else "failed" if broken else "",
        pictures=any(part.attachment is not None or part.kind == "Image" for part in parts),
        turn=turn,
    )


def _headline(nodes: Sequence[SessionNodeRecord]) -> str:
    message = nodes[0].message
    texts = (
        [part.content for part in message.parts if part.kind in {"Text", "Prose"} and part.content.strip()]
        if message
        else []
    )
    if texts:
        return one_line(texts[0], 90)
    words = node_words(nodes[0], 90)
    return words[0][1] if words else "(empty)"


def _folds(found: GraphRows) -> Iterator[FoldedRun]:
    for first, last in _quiet_runs(found):
        # The neighbours of what stands out stay: they say what led to it.
        if last - first - 1 >= _FOLD_FROM:
            yield folded(found, first + 1, last - 1)


def folded(found: GraphRows, first: int, last: int) -> FoldedRun:
    """Return the rows from `first` to `last` as one row with its words; failures in it are counted aloud."""
    rows = found.rows[first : last + 1]
    failed = sum(row.mark == "failed" for row in rows)
    words = f"{rows[-1].number}–{rows[0].number}, {counted(len(rows), 'turn')}"
    return FoldedRun(first=first, last=last, text=f"{words}, {failed} with a failed tool" if failed else words)


def sums(rows: Sequence[TurnRow]) -> tuple[str, str, str]:
    """Return tools, time and tokens of several turns together, each with its unit, empty when not known."""
    tools = sum(row.tools for row in rows)
    took = sum((row.turn.duration_ms or 0) if row.turn else 0 for row in rows)
    tokens = [row.tokens for row in rows if row.tokens is not None]
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
