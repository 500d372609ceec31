"""Executions of code: each with the runs of its steps and the executions that they started, found in one pass over their records.

A main program runs in an effect of a turn, a process on its own; what a step started tells which process that is.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from lash_nb.trace._execution_events import (
    EXECUTION_KIND,
    ExecutionEvent,
    Records,
    execution_events,
    graph_key,
    int_of,
    objects_of,
    text_of,
)
from lash_nb.trace._lashlang_graph import NODE_STATUSES, GraphStore, LashlangGraph
from lash_nb.trace._select import rows_of
from lash_nb.trace._statuses import ENDED_STATUSES

__all__ = ["ChildStart", "Execution", "Executions", "NodeRun", "find_executions"]


class NodeRun(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One run of a step; a decision of a branch is one of no length."""

    graph_key: str
    """The execution."""
    order: int
    """Number of its first record in the trace, from 0."""
    node_id: str
    """The step."""
    occurrence: int | None
    """Which run of the step, from 1."""
    site_path: Any
    """Where in the code it stands (version 36)."""
    kind: str | None
    """What sort of step, where the release says so."""
    label: str
    """What it does, in the code's own words where it has any."""
    status: str
    """`completed`, `failed`, `cancelled`, `waiting` or `open`."""
    arm: str | None
    """The arm that a branch took, `then` or `else`."""
    error: str | None
    """Why it failed."""
    call_id: str | None
    """The tool call that it made (since version 27)."""
    start_row: int | None
    """Number of the record of its start."""
    end_row: int | None
    """Number of the record of its end."""
    began_ns: int
    """When it began, in nanoseconds since the Unix epoch; what is first known of it."""
    over_ns: int
    """When it ended; what is last known of it."""


class ChildStart(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """That a step started another execution."""

    graph_key: str
    """The execution that did."""
    node_id: str
    """Its step."""
    occurrence: int | None
    """Which run of the step."""
    row: int
    """Number of the record."""
    child_key: str
    """Key of the other execution."""
    child_process_id: str | None
    """The other process; that of a subagent is the id of its turn."""
    module_ref: str | None
    """The other's compiled module."""
    entry_ref: str | None
    """The other's process reference."""
    entry_name: str | None
    """The other's name."""


class Execution(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One execution of code."""

    graph_key: str
    """Its key, as in `effect:SESSION:TURN:EFFECT` or `process:ID`."""
    order: int
    """Number of its first record in the trace, from 0."""
    session_id: str | None
    """The session in which it runs; a process runs in one of its own."""
    turn_id: str | None
    """The turn in which it runs; none for a process."""
    turn_index: int | None
    """Number of the turn in its session."""
    protocol_iteration: int | None
    """Round of the turn."""
    effect_id: str | None
    """The effect that performed it; none for a process."""
    process_id: str | None
    """The process; none for a main program."""
    language: str
    """`lashlang` or `typescript`."""
    module_ref: str | None
    """The compiled module."""
    entry_kind: str | None
    """`main` or `process`."""
    entry_ref: str | None
    """The process's reference."""
    entry_name: str | None
    """Its name."""
    engine_execution_id: str | None
    """The durable engine's own id of it (since version 27)."""
    attempt: int | None
    """Which attempt of the process (since version 28)."""
    status: str
    """`completed`, `failed`, `cancelled` or `open`."""
    error: str | None
    """Why it failed."""
    start_row: int | None
    """Number of the record of its start."""
    end_row: int | None
    """Number of the record of its end."""
    began_ns: int
    """When it began, in nanoseconds since the Unix epoch; what is first known of it."""
    over_ns: int
    """When it ended; what is last known of it."""
    runs: tuple[NodeRun, ...]
    """Runs of its steps, in the order in which they began."""
    children: tuple[ChildStart, ...]
    """What it started, in order."""


class Executions(msgspec.Struct, frozen=True):
    """Everything that a trace tells of running code."""

    executions: tuple[Execution, ...]
    """Each execution, in the order of first records."""
    graphs: Mapping[str, LashlangGraph]
    """Each execution as a graph, in the order of the keys."""


def find_executions(trace: Records) -> Executions:
    """Read what a trace tells of running code."""
    store, gathered = GraphStore(), dict[str, _Execution]()
    for event in execution_events(trace, rows_of(trace.index, {EXECUTION_KIND})):
        store.add(event)
        if event.graph_key not in gathered:
            gathered[event.graph_key] = _Execution(event)
        gathered[event.graph_key].add(event)
    return Executions(tuple(one.made() for one in gathered.values()), store.graphs())


class _Execution:
    """An execution while events come in."""

    def __init__(self, event: ExecutionEvent) -> None:
        self.identity = _identity(event)
        self.labels: dict[str, str] = {}
        self.kinds: dict[str, str] = {}
        self.runs: dict[tuple[str, str, int | None], dict[str, Any]] = {}
        self.children: list[ChildStart] = []
        self.facts: dict[str, Any] = {"status": "open", "error": None, "start_row": None, "end_row": None}
        self.began_ns = self.over_ns = event.time_ns

    def add(self, event: ExecutionEvent) -> None:
        """Take in an event; one of a kind that nobody knows says no more than that it came."""
        self.over_ns = max(self.over_ns, event.time_ns)
        self.began_ns = min(self.began_ns, event.time_ns)
        step = _STEPS.get(event.kind)
        if step:
            step(self, event)

    def started(self, event: ExecutionEvent) -> None:
        """It starts; the map names its steps."""
        self.facts["start_row"] = event.row
        for node in objects_of(event["execution_map"], "nodes"):
            if isinstance(node.get("id"), str):
                title = node["label_metadata"].get("title") if isinstance(node.get("label_metadata"), dict) else None
                self.labels[node["id"]] = text_of(title) or text_of(node.get("label")) or node["id"]
                self.kinds[node["id"]] = text_of(node.get("kind")) or ""

    def finished(self, event: ExecutionEvent) -> None:
        """It is over."""
        status, error = text_of(event["execution_status"]) or "completed", text_of(event["error_message"])
        self.facts |= {"status": status, "error": error, "end_row": event.row}

    def node_ran(self, event: ExecutionEvent) -> None:
        """A step began, waits, goes on or ended."""
        run = self._run(event)
        if run["status"] in ENDED_STATUSES:
            return
        run["status"] = NODE_STATUSES[event.kind]
        run["over_ns"] = event.time_ns
        run["call_id"] = run["call_id"] or text_of(event["node_call_id"])
        if run["status"] in ENDED_STATUSES:
            run |= {"end_row": event.row, "error": text_of(event["error_message"])}
        elif run["start_row"] is None:
            run["start_row"] = event.row

    def branch_selected(self, event: ExecutionEvent) -> None:
        """A branch took an arm."""
        arm = text_of(event["selected"])
        self._run(event).update(status="completed", arm=arm, end_row=event.row, over_ns=event.time_ns)

    def child_started(self, event: ExecutionEvent) -> None:
        """A step started another execution."""
        child = ChildStart(
            graph_key=event.graph_key,
            node_id=event.node_id,
            occurrence=event.occurrence,
            row=event.row,
            child_key=graph_key(event.body, "child_"),
            child_process_id=text_of(event["child_process_id"]),
            module_ref=text_of(event["child_module_ref"]),
            entry_ref=text_of(event["child_entry_ref"]),
            entry_name=text_of(event["child_entry_name"]),
        )
        self.children.append(child)

    def _run(self, event: ExecutionEvent) -> dict[str, Any]:
        site = event.site_path
        key = (event.node_id, repr(site), event.occurrence)
        if key not in self.runs:
            self.runs[key] = {
                "order": event.row,
                "node_id": event.node_id,
                "occurrence": event.occurrence,
                "site_path": site,
                "kind": event.node_kind,
                "label": text_of(event["label"]),
                "status": "running",
                "start_row": None,
                "end_row": None,
                "arm": None,
                "error": None,
                "call_id": None,
                "began_ns": event.time_ns,
                "over_ns": event.time_ns,
            }
        return self.runs[key]

    def made(self) -> Execution:
        """Make a value of it."""
        return Execution(
            **self.identity,
            **self.facts,
            began_ns=self.began_ns,
            over_ns=self.over_ns,
            runs=tuple(self._made(run) for run in self.runs.values()),
            children=tuple(self.children),
        )

    def _made(self, run: dict[str, Any]) -> NodeRun:
        node_id = run["node_id"]
        told = {
            "kind": run["kind"] or self.kinds.get(node_id),
            "label": self.labels.get(node_id) or run["label"] or node_id,
            "status": "open" if run["status"] == "running" else run["status"],
        }
        return NodeRun(graph_key=self.identity["graph_key"], **{**run, **told})


_STEPS: Final[Mapping[str, Callable[[_Execution, ExecutionEvent], None]]] = {
    "execution_started": _Execution.started,
    "execution_finished": _Execution.finished,
    **dict.fromkeys(NODE_STATUSES, _Execution.node_ran),
    "branch_selected": _Execution.branch_selected,
    "child_started": _Execution.child_started,
}
"""What each kind of event tells."""


def _identity(event: ExecutionEvent) -> dict[str, Any]:
    """Which execution it is: as its identity says, else as the context does."""
    scope = event["scope"] if isinstance(event["scope"], dict) else {}
    return {
        "graph_key": event.graph_key,
        "order": event.row,
        "session_id": text_of(scope.get("session_id"))
        or text_of(event["process_session_id"])
        or text_of(event["session_id"]),
        "turn_id": text_of(scope.get("turn_id")) or text_of(event["turn_id"]),
        "turn_index": int_of(scope.get("turn_index")),
        "protocol_iteration": int_of(scope.get("protocol_iteration")),
        "effect_id": text_of(event["effect_of_code"]) or text_of(event["effect_id"]),
        "process_id": text_of(event["process_id"]),
        "language": text_of(event["language"]) or "lashlang",
        **{name: text_of(event[name]) for name in ("module_ref", "entry_ref", "entry_name", "engine_execution_id")},
        "entry_kind": text_of(event["entry_kind"]) or ("process" if event["process_id"] else None),
        "attempt": int_of(event["execution_attempt"]),
    }
