"""The session graph: rows newest first, lanes computed here, only the rows on the screen in the page."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import traitlets as t

from lash_nb.frames import given_graph
from lash_nb.plots import counted, short_id, token_count
from lash_nb.trace import Trace, Turn
from lash_nb.views._base import View
from lash_nb.views._drawn_reply import drawn_part
from lash_nb.views._graph_rows import (
    GraphRows,
    graph_rows,
    names_of,
    sums,
    title_counts,
    untold_words,
)
from lash_nb.views._graph_static import graph_html, graph_svg, graph_text
from lash_nb.views._graph_turns import TurnRow, node_words
from lash_nb.views._small_pictures import AttachmentBytes, SmallPictures
from lash_nb.views._sources import module, stylesheet
from lash_nb.views._turn_words import span_usage_words
from lash_nb.wire import SessionGraph, SessionNodeRecord

__all__ = ["SessionGraphView"]

_FOUND_LIMIT: Final = 5_000
_NODES_LIMIT: Final = 200
_REPLY_LIMIT: Final = 4_000
"""Characters of a reply that are drawn beside its turn."""
_MARKS: Final = {"completed": "success", "open": "running"}
"""By the status of a turn; any other end is a failure."""


class SessionGraphView(View):
    """A session graph by turns, with folds, branches, and one turn in detail."""

    _esm = module("graph")
    _css = stylesheet("graph")
    _hints: ClassVar[Mapping[str, str]] = {
        "graph": "give the graph as the first argument",
        "trace": "give a trace as turns=",
    }

    title = t.Unicode("session").tag(sync=True)
    """What the graph belongs to."""
    counts = t.Unicode("").tag(sync=True)
    """How much there is, in words."""
    note = t.Unicode("").tag(sync=True)
    """Why something is empty."""
    columns = t.Dict().tag(sync=True)
    """The rows, column by column."""
    chosen = t.Int(-1).tag(sync=True)
    """The selected row; -1 for none."""
    opened = t.Dict().tag(sync=True)
    """The nodes of rows that were opened, by row number."""
    detail = t.Dict().tag(sync=True)
    """The selected turn in full."""
    found = t.Dict().tag(sync=True)
    """Rows in which a search found something."""

    def __init__(
        self,
        graph: SessionGraph,
        *,
        title: str = "session",
        turns: Trace | Sequence[Turn] | None = None,
        names: Mapping[str, str] | None = None,
        attachment_data: AttachmentBytes | None = None,
        **traits: Any,
    ) -> None:
        """Lay the graph out.

        Args:
            graph: The graph to show.
            title: What it belongs to, e.g. `session main`.
            turns: Its trace, or the turns of it: gives numbers, durations and tokens.
            names: Names of nodes by node id, e.g. of branches.
            attachment_data: Gives the bytes of attachments: shows the pictures of a turn, as far as they are small.
            traits: Options of every view.
        """
        given_graph(graph)
        super().__init__(**traits)
        self.graph: Final = graph
        self.names: Final = dict(names or {})
        self._attachment_data = attachment_data
        self.rows: Final[GraphRows] = graph_rows(graph, turns)
        self.title, self.counts = title, title_counts(graph, self.rows)
        self.note = untold_words(self.rows)
        self.columns = _columns(self.rows, names_of(self.rows, self.names))
        self.on_msg(self._receive)

    def static_html(self) -> str:
        """Return the graph as an SVG picture under its title, below it the small pictures of its turns."""
        return graph_html(
            self.rows, self.names, title=self.title, counts=self.counts, attachment_data=self._attachment_data
        )

    def static_svg(self) -> str:
        """Return the graph as an SVG picture."""
        return graph_svg(self.rows, self.names)

    def text(self) -> str:
        """Return the graph as text with ASCII lanes."""
        return graph_text(self.rows, self.names, title=f"SessionGraph  {self.title} · {self.counts}")

    def select(self, row: int) -> None:
        """Select a row and show its turn in detail; -1 selects nothing."""
        if not -1 <= row < len(self.rows.rows):
            return
        self.chosen = row
        self.selection = self.rows.rows[row].name if row >= 0 else ""
        self.detail = _detail(self.rows, row, SmallPictures(self._attachment_data)) if row >= 0 else {}

    def unfold(self, row: int) -> None:
        """Show the nodes of a row."""
        if 0 <= row < len(self.rows.rows) and str(row) not in self.opened:
            self.opened = {**self.opened, str(row): _nodes(self.rows.rows[row])}

    def find(self, words: str) -> None:
        """Look for `words` in every message; `found` gets the rows, newest first."""
        needle = words.casefold()
        hits = [place for place, row in enumerate(self.rows.rows) if needle and _says(row, needle)]
        self.found = {"words": words, "rows": hits[:_FOUND_LIMIT], "cut": len(hits) > _FOUND_LIMIT}

    def _receive(self, _widget: object, command: Any, _buffers: object) -> None:
        verbs = {
            "select": lambda: self.select(int(command["row"])),
            "open": lambda: self.unfold(int(command["row"])),
            "find": lambda: self.find(str(command["words"])),
        }
        verb = verbs.get(command.get("do"))
        if verb is not None:
            verb()


def _columns(found: GraphRows, names: Mapping[int, str]) -> dict[str, Any]:
    """The rows as compact columns: numbers in lists, rare facts as maps."""
    rows, layout = found.rows, found.layout
    return {
        "number": [row.number for row in rows],
        "text": [row.text for row in rows],
        "tools": [row.tools for row in rows],
        "took": [row.took for row in rows],
        "tokens": ["" if (tokens := row.tokens) is None else f"{token_count(tokens)} tok" for row in rows],
        "lane": layout.lanes,
        "parent": layout.parents,
        "active": [int(active) for active in layout.active],
        "width": layout.width,
        "current": found.current,
        "marks": {str(place): row.mark for place, row in enumerate(rows) if row.mark},
        "pictures": [place for place, row in enumerate(rows) if row.pictures],
        "orphans": sorted(found.orphans),
        "names": {str(place): name for place, name in names.items()},
        "frames": _frames(rows),
        "begins": {str(place): words for place, words in found.begins.items()},
        "folds": [[fold.first, fold.last, fold.text, *sums(rows[fold.first : fold.last + 1])] for fold in found.folds],
    }


def _frames(rows: Sequence[TurnRow]) -> list[list[Any]]:
    """Runs of rows in an agent frame other than the first, as `[first row, last row, label]`."""
    order: dict[str, int] = {}
    for row in reversed(rows):
        order.setdefault(row.nodes[0].agent_frame_id or "", len(order) + 1)
    runs: list[list[Any]] = []
    for place, row in enumerate(rows):
        frame = row.nodes[0].agent_frame_id or ""
        if order[frame] == 1:
            continue
        label = f"frame {short_id(frame)}" if frame else "no frame"
        if runs and runs[-1][1] == place - 1 and runs[-1][2] == label:
            runs[-1][1] = place
        else:
            runs.append([place, place, label])
    return runs


def _nodes(row: TurnRow) -> list[dict[str, str]]:
    """The nodes of a turn, newest first, cut aloud."""
    lines = [
        {"role": role, "text": text, "node": node.node_id}
        for node in reversed(row.nodes)
        for role, text in reversed(node_words(node))
    ]
    if len(lines) > _NODES_LIMIT:
        return [
            *lines[:_NODES_LIMIT],
            {"role": "", "text": f"{len(lines) - _NODES_LIMIT} more lines: session.graph", "node": ""},
        ]
    return lines


def _detail(found: GraphRows, place: int, pictures: SmallPictures) -> dict[str, Any]:
    row = found.rows[place]
    first, last = row.nodes[0], row.nodes[-1]
    span = short_id(first.node_id) if first is last else f"{short_id(first.node_id)} … {short_id(last.node_id)}"
    failed = counted(row.failed_tools, "tool failed", "tools failed") if row.failed_tools else ""
    facts = [
        ("nodes", f"{len(row.nodes)}, {span}", last.node_id),
        ("parent", short_id(first.parent_node_id), first.parent_node_id or ""),
        ("frame", short_id(first.agent_frame_id), first.agent_frame_id or ""),
        ("time", first.timestamp[11:23] + " UTC", first.timestamp),
        ("took", row.took, ""),
        ("tokens", span_usage_words(row.turn.usage) if row.turn else "", ""),
        ("tools", f"{row.tools}, {failed}" if failed else str(row.tools or ""), ""),
    ]
    return {
        "title": f"turn {row.number}",
        "where": "on the current path"
        if found.layout.active[place]
        else "orphan"
        if place in found.orphans
        else "on another branch",
        "mark": row.mark
        if row.mark == "cancelled"
        else _MARKS.get(row.turn.status if row.turn else "completed", "failed"),
        "status": row.mark if row.mark == "cancelled" else row.turn.status if row.turn else "",
        "text": row.text,
        "facts": [fact for fact in facts if fact[1]],
        "attachments": pictures.listed(row.attachments),
        "messages": [line for node in row.nodes[:_NODES_LIMIT] for line in _message_lines(node)],
    }


def _message_lines(node: SessionNodeRecord) -> list[dict[str, Any]]:
    lines = [{"role": role, "text": text} for role, text in node_words(node, 400)]
    if node.message is None:
        return lines
    drawn = [drawn_part(node.message, part, limit=_REPLY_LIMIT) or {} for part in node.message.parts]
    return [line | face for line, face in zip(lines, drawn, strict=True)]


def _says(row: TurnRow, needle: str) -> bool:
    return any(needle in part.content.casefold() for node in row.nodes if node.message for part in node.message.parts)
