"""The nodes of a session graph cut into turns. A graph that has grown keeps the turns that it had: only what is new is looked at.

A turn begins with a message of the user or an event; what follows it on the same path is part of it. A node that grows from the middle of
a turn begins one of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import is_
from threading import RLock
from typing import Any, Final

import msgspec

from lash_nb.errors import WireError
from lash_nb.locks import give_back
from lash_nb.plots import one_line, recorded_duration
from lash_nb.trace import Turn
from lash_nb.views._json import call_text, summary
from lash_nb.wire import AttachmentRef, Message, SessionNodeRecord, from_json

__all__ = ["FAILED_TOOL", "FAILED_TURN", "CutTurns", "TurnRow", "cut_turns", "node_words"]

FAILED_TURN: Final = "failed"
FAILED_TOOL: Final = "a tool failed"
"""What is said of a turn that failed, and of one that went on all the same."""
_FAILED: Final = "[Tool execution failed]"
_CANCELLED: Final = "[Tool execution cancelled]"
_KEPT: Final = 4
"""As many graphs keep their turns: those of the sessions that a notebook looks at in turn."""


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
    def trouble(self) -> str:
        """What went wrong, in words; empty when nothing did."""
        if self.mark != "failed":
            return self.mark
        return FAILED_TURN if self.turn and self.turn.status == "failed" else FAILED_TOOL

    @property
    def took(self) -> str:
        """Duration with its unit; empty when not known."""
        return recorded_duration(self.turn.duration_ms) if self.turn else ""

    @property
    def tokens(self) -> int | None:
        """Input and output tokens together; None when not known."""
        return (self.turn.usage.total or None) if self.turn else None

    @property
    def name(self) -> str:
        """What `view.selection` calls it: the turn's id, else its first node."""
        return (self.turn.turn_id if self.turn and self.turn.turn_id else None) or f"node {self.nodes[0].node_id}"


class CutTurns:
    """The turns of a graph in the order in which they began."""

    def __init__(self) -> None:
        self.rows: list[TurnRow] = []
        """A row each, without what a trace tells."""
        self.parents: list[int] = []
        """The turn that each hangs on; -1 for none."""
        self.frames: set[str] = set()
        """Agent frames of the nodes."""
        self._nodes: Sequence[SessionNodeRecord] = ()
        self._groups: list[list[SessionNodeRecord]] = []
        self._turn_of: dict[str, int] = {}

    def __len__(self) -> int:
        """How many nodes are cut."""
        return len(self._nodes)

    def turn_of(self, node_id: str | None) -> int:
        """Return the turn of a node; -1 where there is none."""
        return -1 if node_id is None else self._turn_of.get(node_id, -1)

    def orphans(self) -> set[int]:
        """Return the turns that hang on a node which is not there, themselves or by the turn before."""
        found: set[int] = set()
        for place, (row, parent) in enumerate(zip(self.rows, self.parents, strict=True)):
            head = row.nodes[0].parent_node_id
            if parent in found or (head is not None and head not in self._turn_of):
                found.add(place)
        return found

    def is_beginning_of(self, nodes: Sequence[SessionNodeRecord]) -> bool:
        """Tell whether a graph has the same nodes first."""
        return len(self._nodes) <= len(nodes) and all(map(is_, self._nodes, nodes))

    def grow(self, nodes: Sequence[SessionNodeRecord]) -> None:
        """Take the nodes behind those that are there."""
        grown = {self._put(node) for node in nodes[len(self._nodes) :]}
        self._nodes = nodes
        for place in sorted(grown):
            self.rows[place : place + 1] = [_row(self._groups[place], place + 1)]

    def _put(self, node: SessionNodeRecord) -> int:
        """Put a node into its turn, or a new one, and return it."""
        place = self.turn_of(node.parent_node_id)
        if place < 0 or self._groups[place][-1].node_id != node.parent_node_id or _begins_turn(node):
            self.parents.append(place)
            place = len(self._groups)
            self._groups.append([])
        self._groups[place].append(node)
        self._turn_of[node.node_id] = place
        if node.agent_frame_id:
            self.frames.add(node.agent_frame_id)
        return place


_LATELY: Final[list[CutTurns]] = []
"""Those that were asked for last, the latest first."""
_CUTTING: Final = RLock()
"""Held by who looks at them: a page may ask on a thread of its own."""


@contextmanager
def cut_turns(nodes: Sequence[SessionNodeRecord]) -> Iterator[CutTurns]:
    """Lend the turns of these nodes; others may let them grow as soon as the block is over."""
    try:
        with _CUTTING:
            known = [one for one in _LATELY if one.is_beginning_of(nodes)]
            cut = max(known, key=len, default=CutTurns())
            _LATELY[:] = [one for one in _LATELY if one is not cut][
                : _KEPT - 1
            ]  # where it is not while it grows: Ctrl-C may come
            cut.grow(nodes)
            _LATELY.insert(0, cut)
            yield cut
    except BaseException:
        give_back(_CUTTING)
        raise


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


def _begins_turn(node: SessionNodeRecord) -> bool:
    message = node.message
    if message is None:
        return False
    first = message.parts[0] if message.parts else None
    asks = first is not None and first.kind in {"Text", "Image"} and first.tool_call_id is None  # else a tool's picture
    return message.role == "Event" or (message.role == "User" and asks)


def _row(nodes: list[SessionNodeRecord], number: int) -> TurnRow:
    parts = [part for node in nodes if node.message for part in node.message.parts]
    results = [part.content for part in parts if part.kind == "ToolResult"]
    failed = sum(content.startswith(_FAILED) for content in results)
    cancelled = any(content.startswith(_CANCELLED) for content in results)
    return TurnRow(
        nodes=tuple(nodes),
        number=number,
        text=_headline(nodes),
        tools=sum(part.kind == "ToolCall" for part in parts),
        failed_tools=failed,
        mark="cancelled" if cancelled else "failed" if failed else "",
        pictures=any(part.attachment is not None or part.kind == "Image" for part in parts),
        turn=None,
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
