"""Executions as graphs: the reduction of their events that the reference's graph store makes, for all releases.

An event counts once. The map of an execution gives its steps and the ways between them; releases without one (36) give a step when it first
runs. Until version 21 the ways that were not taken are `rejected`; since version 31 a step behind one is `skipped`, and what has ended
does not run again in the same occurrence.
"""

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from lash_nb.errors import WireError
from lash_nb.trace._execution_events import ExecutionEvent, graph_key, int_of, objects_of, text_of
from lash_nb.trace._statuses import ENDED_STATUSES
from lash_nb.wire import (
    TraceLabelMetadata,
    TraceLashlangGraph,
    TraceLashlangGraphChildLink,
    TraceLashlangGraphEdge,
    TraceLashlangGraphNode,
    TraceRuntimeScope,
    TraceRuntimeSubject,
    from_builtins,
)

__all__ = ["NODE_STATUSES", "GraphStore", "LashlangGraph", "LashlangNode"]

_ARMS: Final = frozenset({"then", "else"})
_NO_MORE_REJECTED: Final = 22
"""Since this version a branch keeps the arm that was taken, and no way is called rejected."""
_FINAL: Final = 31
"""Since this version what has ended does not run again in the same occurrence, and steps behind an arm not taken are skipped."""
_MS: Final = 1_000_000
_LARGEST: Final = int(sys.float_info.max)


class LashlangNode(TraceLashlangGraphNode, frozen=True, kw_only=True):
    """A step of an execution; what only later releases tell is absent elsewhere."""

    status: str  # type: ignore[assignment]  # later releases know more states
    """`unobserved`, `running`, `waiting`, `completed`, `failed`, `cancelled` or `skipped`."""
    arm: str | None = None
    """The arm that a branch took last, `then` or `else`; since version 22."""
    site_path: Any = None
    """Where in the code it stands; only version 36, which tells each site and occurrence as a step of its own."""


class LashlangGraph(TraceLashlangGraph, frozen=True, kw_only=True):
    """An execution as far as its records tell."""

    scope: Any
    """Where it runs: a `TraceRuntimeScope`, or the plain object that a later release writes instead."""
    subject: Any
    """Whose code it is: a `TraceRuntimeSubject`, or the plain object that a later release writes instead."""
    status: str  # type: ignore[assignment]  # a record may hold another word than those of its release
    """`running`, `completed`, `failed` or `cancelled`."""
    nodes: tuple[LashlangNode, ...]
    """The steps, by id."""


class GraphStore:
    """Reduces events, each given once, to graphs."""

    def __init__(self) -> None:
        self._graphs: dict[str, _Graph] = {}

    def add(self, event: ExecutionEvent) -> None:
        """Take in an event."""
        if event.graph_key not in self._graphs:
            self._graphs[event.graph_key] = _Graph(event)
        self._graphs[event.graph_key].add(event)

    def graphs(self) -> dict[str, LashlangGraph]:
        """Return the graphs as they are now, in the order of their keys."""
        return {key: self._graphs[key].drawn() for key in sorted(self._graphs)}


class _Node:
    """A step while events come in."""

    def __init__(self, node_id: str, kind: str, label: str) -> None:
        self.id, self.kind, self.label = node_id, kind, label
        self.label_metadata: Any = None
        self.memberships: list[Any] = []
        self.site_path: Any = None
        self.status = "unobserved"
        self.arm: str | None = None
        self.first_ns: int | None = None
        self.first: str | None = None
        self.last: str | None = None
        self.duration_ms: int | None = None
        self.error: str | None = None
        self.occurrence: int | None = None

    def is_over_for(self, event: ExecutionEvent) -> bool:
        """Whether this run of it has ended, so that the event changes nothing."""
        again = (event.occurrence or 0) <= (self.occurrence or 0)
        return event.version >= _FINAL and self.status in ENDED_STATUSES and again

    def ran(self, event: ExecutionEvent, status: str) -> None:
        """Note an event of a run."""
        self.seen(event, status)
        if self.first_ns is None and status == "running":
            self.first_ns, self.first = event.time_ns, self.last
        if status in ENDED_STATUSES:
            self.error = text_of(event["error_message"]) if status == "failed" else None
            if self.first_ns is not None:
                self.duration_ms = max((event.time_ns - self.first_ns) // _MS, 0)

    def seen(self, event: ExecutionEvent, status: str) -> None:
        """Note what an event made of it."""
        self.last, self.status, self.occurrence = text_of(event.body.get("timestamp")), status, event.occurrence

    def drawn(self, arms: Mapping[str, str]) -> LashlangNode:
        """Make a value of it, given the arms that the branches took."""
        skipped = self.status == "unobserved" and any(_is_beside(one, arms) for one in self.memberships)
        return LashlangNode(
            id=self.id,
            kind=self.kind,
            label=self.label,
            label_metadata=_label_metadata(self.label_metadata),
            status="skipped" if skipped else self.status,
            first_timestamp=self.first,
            last_timestamp=self.last,
            duration_ms=self.duration_ms,
            latest_error=self.error,
            occurrence=self.occurrence,
            arm=self.arm,
            site_path=_carried(self.site_path),
        )


class _Graph:
    """An execution while events come in."""

    def __init__(self, event: ExecutionEvent) -> None:
        self.identity = event
        self.status = "running"
        self.nodes: dict[tuple[str, ...], _Node] = {}
        self.edges: dict[str, dict[str, str]] = {}
        self.children: dict[tuple[str, str], TraceLashlangGraphChildLink] = {}

    def add(self, event: ExecutionEvent) -> None:
        """Take in an event; one of a kind that nobody knows changes nothing."""
        step = _STEPS.get(event.kind)
        if step:
            step(self, event)

    def started(self, event: ExecutionEvent) -> None:
        """The map gives steps and ways that are not known yet."""
        self.status = "running"
        drawing = event["execution_map"]
        for node in objects_of(drawing, "nodes"):
            key = (str(node.get("id")),)
            if key not in self.nodes:
                self.nodes[key] = known = _Node(key[0], str(node.get("kind", "")), str(node.get("label", "")))
                known.label_metadata = node.get("label_metadata")
                known.memberships = list(objects_of(node, "branch_memberships"))
        for edge in objects_of(drawing, "edges"):
            members = {name: str(edge.get(name, "")) for name in ("id", "from", "to", "label")}
            self.edges.setdefault(members["id"], {**members, "selection": "unknown"})

    def finished(self, event: ExecutionEvent) -> None:
        """It is over."""
        self.status = text_of(event["execution_status"]) or self.status

    def node_ran(self, event: ExecutionEvent) -> None:
        """A step began, waits, goes on or ended."""
        node = self._node(event)
        if node is not None and not node.is_over_for(event):
            node.ran(event, NODE_STATUSES[event.kind])

    def branch_selected(self, event: ExecutionEvent) -> None:
        """A branch took an arm; without a map the branch is known by that."""
        selected, edge = text_of(event["selected"]), text_of(event["edge_id"])
        node = self._node(event)
        if node is not None:
            node.seen(event, "completed")
            node.arm = selected if event.version >= _NO_MORE_REJECTED else None
        for way in self.edges.values():
            if way["id"] == edge:
                way["selection"] = "selected"
                self._take(way["to"], event)
            elif way["from"] == event.node_id and way["label"] in _ARMS and event.version < _NO_MORE_REJECTED:
                way["selection"] = "rejected"

    def child_started(self, event: ExecutionEvent) -> None:
        """A step started another execution; it is told once."""
        child = graph_key(event.body, "child_")
        link = TraceLashlangGraphChildLink(
            parent_graph_key=event.graph_key,
            parent_node_id=event.node_id,
            child_graph_key=child,
            child_module_ref=text_of(event["child_module_ref"]),
            child_entry_ref=text_of(event["child_entry_ref"]),
            child_entry_name=text_of(event["child_entry_name"]),
        )
        self.children.setdefault((event.node_id, child), link)

    def _take(self, node_id: str, event: ExecutionEvent) -> None:
        arm = self.nodes.get((node_id,))
        if arm is not None and arm.kind == "branch_arm":
            arm.seen(event, "completed")

    def _node(self, event: ExecutionEvent) -> _Node | None:
        """Return the step of an event; one that the map lacks is added when it runs."""
        kind = event.node_kind
        is_mapped = kind is not None or event["edge_id"] is not None
        key = (event.node_id,) if is_mapped else _place(event)
        if key not in self.nodes and (kind is not None or not is_mapped):
            self.nodes[key] = node = _Node(event.node_id, kind or "", text_of(event["label"]) or event.node_id)
            node.site_path = event.site_path
        return self.nodes.get(key)

    def drawn(self) -> LashlangGraph:
        """Make a value of it."""
        identity = self.identity
        arms = {node.id: node.arm for node in self.nodes.values() if node.arm}
        edges = [from_builtins(way, TraceLashlangGraphEdge) for way in self.edges.values()]
        return LashlangGraph(
            graph_key=identity.graph_key,
            scope=_typed(identity["scope"] or {"session_id": identity["process_session_id"]}, TraceRuntimeScope),
            subject=_typed(
                identity["subject"] or {"type": "process", "process_id": identity["process_id"]}, TraceRuntimeSubject
            ),
            module_ref=text_of(identity["module_ref"]) or "",
            entry_kind=text_of(identity["entry_kind"]) or "process",
            entry_ref=text_of(identity["entry_ref"]),
            entry_name=text_of(identity["entry_name"]) or "",
            status=self.status,
            nodes=tuple(self.nodes[key].drawn(arms) for key in sorted(self.nodes)),
            edges=tuple(sorted(edges, key=lambda edge: edge.id)),
            children=tuple(self.children.values()),
        )


NODE_STATUSES: Final[Mapping[str, str]] = {
    "node_started": "running",
    "node_resumed": "running",
    "node_waiting": "waiting",
    "node_completed": "completed",
    "node_failed": "failed",
    "node_cancelled": "cancelled",
}
"""The state of a step after each kind of event."""
_STEPS: Final[Mapping[str, Callable[[_Graph, ExecutionEvent], None]]] = {
    "execution_started": _Graph.started,
    "execution_finished": _Graph.finished,
    **dict.fromkeys(NODE_STATUSES, _Graph.node_ran),
    "branch_selected": _Graph.branch_selected,
    "child_started": _Graph.child_started,
}
"""What each kind of event changes."""


def _place(event: ExecutionEvent) -> tuple[str, ...]:
    """Return what tells a step apart that no map knows; occurrences sort as numbers."""
    return (event.node_id, repr(event.site_path), f"{event.occurrence or 0:020}")


def _typed(members: Any, kind: Any) -> Any:
    """Return a wire type made of members, or the members where a release has others."""
    try:
        return from_builtins(members, kind)
    except WireError:
        return _carried(members)


def _carried(value: Any) -> Any:
    """Return a value with numbers that JSON carries: of more than 64 bits as floats, as the reference reads them, and beyond these as text."""
    if isinstance(value, dict):
        return {key: _carried(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_carried(part) for part in value]
    if isinstance(value, int) and int_of(value) is None and not isinstance(value, bool):
        return float(value) if abs(value) <= _LARGEST else str(value)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _is_beside(membership: Mapping[str, Any], arms: Mapping[str, str]) -> bool:
    """Whether the branch took the other arm than the one behind which a step stands."""
    return arms.get(str(membership.get("branch_node_id")), membership.get("arm")) != membership.get("arm")


def _label_metadata(members: Any) -> TraceLabelMetadata | None:
    if not isinstance(members, dict) or not isinstance(members.get("title"), str):
        return None
    return TraceLabelMetadata(title=members["title"], description=text_of(members.get("description")))
