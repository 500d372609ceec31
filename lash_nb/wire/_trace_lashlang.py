"""What traces tell of running code (lash 0.1.0-alpha.37, turns §16.2)."""

from typing import Literal, TypeAlias

from msgspec import field

from lash_nb.wire._base import U64, Wire, no_items

__all__ = [
    "LashlangBranchSelected",
    "LashlangChildStarted",
    "LashlangExecutionFinished",
    "LashlangExecutionStarted",
    "LashlangNodeCompleted",
    "LashlangNodeFailed",
    "LashlangNodeStarted",
    "TraceBranchSelection",
    "TraceEffectSubject",
    "TraceLabelMetadata",
    "TraceLashlangChildExecution",
    "TraceLashlangExecutionEvent",
    "TraceLashlangExecutionIdentity",
    "TraceLashlangMap",
    "TraceLashlangMapEdge",
    "TraceLashlangMapNode",
    "TraceLashlangStatus",
    "TraceProcessSubject",
    "TraceRuntimeScope",
    "TraceRuntimeSubject",
    "lashlang_event_key",
]

TraceLashlangStatus: TypeAlias = Literal["running", "completed", "failed", "cancelled"]
"""How far an execution is."""
TraceBranchSelection: TypeAlias = Literal["then", "else"]
"""Which way a condition went."""


class TraceRuntimeScope(Wire, frozen=True, kw_only=True):
    """Where in a session code runs."""

    session_id: str
    """The session."""
    turn_id: str | None = None
    """The turn."""
    turn_index: U64 | None = None
    """Number of the turn."""
    protocol_iteration: U64 | None = None
    """Iteration of the model loop."""


class TraceEffectSubject(Wire, frozen=True, kw_only=True, tag_field="type", tag="effect"):
    """The code of an effect."""

    effect_id: str
    """The effect."""
    kind: str
    """Its kind."""

    def graph_key(self, scope: TraceRuntimeScope) -> str:
        """Return the key of the execution's graph: the effect in its turn, if it has one."""
        where = f"{scope.session_id}:{scope.turn_id}" if scope.turn_id else scope.session_id
        return f"effect:{where}:{self.effect_id}"


class TraceProcessSubject(Wire, frozen=True, kw_only=True, tag_field="type", tag="process"):
    """The code of a background process."""

    process_id: str
    """The process."""

    def graph_key(self, scope: TraceRuntimeScope) -> str:  # noqa: ARG002 - a process is one everywhere
        """Return the key of the execution's graph."""
        return f"process:{self.process_id}"


TraceRuntimeSubject: TypeAlias = TraceEffectSubject | TraceProcessSubject
"""Whose code it is."""


class TraceLabelMetadata(Wire, frozen=True, kw_only=True):
    """A label for people that the code itself carries."""

    title: str
    """A few words."""
    description: str | None = None
    """More."""


class TraceLashlangMapNode(Wire, frozen=True, kw_only=True):
    """A step of the code."""

    id: str
    """Unique in the map."""
    kind: str
    """What sort of step."""
    label: str
    """What it does."""
    label_metadata: TraceLabelMetadata | None = None
    """The code's own label."""


class TraceLashlangMapEdge(Wire, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A way from one step to another."""

    id: str
    """Unique in the map."""
    from_: str
    """The step before."""
    to: str
    """The step behind."""
    label: str
    """When it is taken."""


class TraceLashlangMap(Wire, frozen=True, kw_only=True):
    """The steps of an execution before it runs."""

    module_ref: str
    """The compiled module."""
    entry_kind: str
    """`main` or `process`."""
    entry_ref: str | None = None
    """The process's reference."""
    entry_name: str
    """Its name."""
    nodes: tuple[TraceLashlangMapNode, ...] = field(default_factory=no_items)
    """The steps."""
    edges: tuple[TraceLashlangMapEdge, ...] = field(default_factory=no_items)
    """The ways between them."""


class TraceLashlangExecutionIdentity(Wire, frozen=True, kw_only=True):
    """Which execution an event belongs to."""

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

    @property
    def graph_key(self) -> str:
        """Key of the execution's graph."""
        return self.subject.graph_key(self.scope)


class TraceLashlangChildExecution(Wire, frozen=True, kw_only=True):
    """An execution that another one started."""

    scope: TraceRuntimeScope
    """Where it runs."""
    subject: TraceRuntimeSubject
    """Whose code it is."""
    module_ref: str | None = None
    """The compiled module."""
    entry_ref: str | None = None
    """The process's reference."""
    entry_name: str | None = None
    """Its name."""

    @property
    def graph_key(self) -> str:
        """Key of the execution's graph."""
        return self.subject.graph_key(self.scope)


class _Event(Wire, frozen=True, kw_only=True):
    event_key: str
    """The same for the same event of a replay."""
    identity: TraceLashlangExecutionIdentity
    """Which execution."""


class LashlangExecutionStarted(_Event, frozen=True, kw_only=True, tag_field="kind", tag="execution_started"):
    """Code starts."""

    execution_map: TraceLashlangMap
    """Its steps."""


class LashlangExecutionFinished(_Event, frozen=True, kw_only=True, tag_field="kind", tag="execution_finished"):
    """Code ended."""

    status: TraceLashlangStatus
    """How."""
    error: str | None = None
    """Why it failed."""


class _NodeEvent(_Event, frozen=True, kw_only=True):
    node_id: str
    """The step."""
    node_kind: str
    """What sort of step."""
    label: str
    """What it does."""
    occurrence: U64
    """How often it ran before."""


class LashlangNodeStarted(_NodeEvent, frozen=True, kw_only=True, tag_field="kind", tag="node_started"):
    """A step starts."""


class LashlangNodeCompleted(_NodeEvent, frozen=True, kw_only=True, tag_field="kind", tag="node_completed"):
    """A step ended."""


class LashlangNodeFailed(_NodeEvent, frozen=True, kw_only=True, tag_field="kind", tag="node_failed"):
    """A step failed."""

    error: str
    """Why."""


class LashlangBranchSelected(_Event, frozen=True, kw_only=True, tag_field="kind", tag="branch_selected"):
    """A condition was decided."""

    node_id: str
    """The step that asks."""
    occurrence: U64
    """How often it ran before."""
    edge_id: str
    """The way that is taken."""
    selected: TraceBranchSelection
    """Which way that is."""


class LashlangChildStarted(_Event, frozen=True, kw_only=True, tag_field="kind", tag="child_started"):
    """Code started other code."""

    parent_node_id: str
    """The step that did."""
    occurrence: U64
    """How often it ran before."""
    child: TraceLashlangChildExecution
    """The other code."""


TraceLashlangExecutionEvent: TypeAlias = (
    LashlangExecutionStarted
    | LashlangExecutionFinished
    | LashlangNodeStarted
    | LashlangNodeCompleted
    | LashlangNodeFailed
    | LashlangBranchSelected
    | LashlangChildStarted
)
"""What happened in running code."""


def lashlang_event_key(identity: TraceLashlangExecutionIdentity, *occasion: str | int) -> str:
    """Return the key of an event, by which a replayed one is known again.

    `occasion` is `started`, `finished`, `node ID OCCURRENCE started` (`completed`, `failed`), `branch ID OCCURRENCE EDGE` or
    `child ID OCCURRENCE PROCESS`, as parts.
    """
    subject = identity.subject
    owner = subject.process_id if isinstance(subject, TraceProcessSubject) else identity.graph_key
    return ":".join(["lashlang_execution", owner, *map(str, occasion)])
