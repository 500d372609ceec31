"""An execution as a graph that its trace records drew (lash 0.1.0-alpha.37, lashlang §14.4)."""

from typing import Literal, TypeAlias

from msgspec import field

from lash_nb.wire._base import I64, U64, Wire, none
from lash_nb.wire._trace_lashlang import (
    TraceLabelMetadata,
    TraceLashlangStatus,
    TraceRuntimeScope,
    TraceRuntimeSubject,
)

__all__ = [
    "TraceLashlangEdgeSelection",
    "TraceLashlangGraph",
    "TraceLashlangGraphChildLink",
    "TraceLashlangGraphEdge",
    "TraceLashlangGraphNode",
    "TraceLashlangNodeStatus",
]

TraceLashlangNodeStatus: TypeAlias = Literal["unobserved", "running", "completed", "failed"]
"""How far a step is; `unobserved`: no record tells of it yet."""
TraceLashlangEdgeSelection: TypeAlias = Literal["unknown", "selected", "rejected"]
"""Whether a way was taken."""


class TraceLashlangGraphNode(Wire, frozen=True, kw_only=True):
    """A step of an execution."""

    id: str
    """Unique in the graph."""
    kind: str
    """What sort of step."""
    label: str
    """What it does."""
    label_metadata: TraceLabelMetadata | None = None
    """The code's own label."""
    status: TraceLashlangNodeStatus
    """How far it is."""
    first_timestamp: str | None = field(default_factory=none)
    """First record of it, RFC 3339."""
    last_timestamp: str | None = field(default_factory=none)
    """Last record of it, RFC 3339."""
    duration_ms: I64 | None = field(default_factory=none)
    """Between the two, in milliseconds, once it has ended."""
    latest_error: str | None = field(default_factory=none)
    """Why it failed last."""
    occurrence: U64 | None = field(default_factory=none)
    """How often it ran before its latest run."""


class TraceLashlangGraphEdge(Wire, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A way from one step to another."""

    id: str
    """Unique in the graph."""
    from_: str
    """The step before."""
    to: str
    """The step behind."""
    label: str
    """When it is taken."""
    selection: TraceLashlangEdgeSelection
    """Whether it was."""


class TraceLashlangGraphChildLink(Wire, frozen=True, kw_only=True):
    """That a step started another execution."""

    parent_graph_key: str
    """The execution that did."""
    parent_node_id: str
    """Its step."""
    child_graph_key: str
    """The other execution."""
    child_module_ref: str | None = None
    """The other's compiled module."""
    child_entry_ref: str | None = None
    """The other's process reference."""
    child_entry_name: str | None = None
    """The other's name."""


class TraceLashlangGraph(Wire, frozen=True, kw_only=True):
    """An execution as far as its records tell."""

    graph_key: str
    """Key of the execution, as in `effect:SESSION:TURN:EFFECT` or `process:ID`."""
    scope: TraceRuntimeScope
    """Where it runs."""
    subject: TraceRuntimeSubject
    """Whose code it is."""
    module_ref: str
    """The compiled module."""
    entry_kind: str
    """`main` or `process`."""
    entry_ref: str | None = None
    """The process's reference."""
    entry_name: str
    """Its name."""
    status: TraceLashlangStatus
    """How far it is."""
    nodes: tuple[TraceLashlangGraphNode, ...]
    """The steps, by id."""
    edges: tuple[TraceLashlangGraphEdge, ...]
    """The ways between them, by id."""
    children: tuple[TraceLashlangGraphChildLink, ...]
    """What it started, in order."""
