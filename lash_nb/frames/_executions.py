"""Executions of code in a trace, their steps, the ways between these, and what they started."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from lash_nb.clock import NS_PER_MS
from lash_nb.frames._column import Column
from lash_nb.frames._ids import RECORD_IDS, RECORD_ORIGIN
from lash_nb.frames._table import Rows, table
from lash_nb.frames._trace_rows import RecordRows, SpanRow, SpanRows
from lash_nb.trace import Trace

__all__ = [
    "EXECUTION_CHILD_COLUMNS",
    "EXECUTION_COLUMNS",
    "EXECUTION_EDGE_COLUMNS",
    "EXECUTION_ENTRY",
    "EXECUTION_INFO",
    "EXECUTION_NODE_COLUMNS",
    "EXECUTION_NODE_INFO",
    "EXECUTION_TIMING",
    "execution_children_df",
    "execution_edges_df",
    "execution_nodes_df",
    "executions_df",
]


def _duration_ms(row: SpanRow) -> float:
    took: int = row.span.over_ns - row.span.began_ns
    return max(took, 0) / NS_PER_MS


EXECUTION_INFO: Final = (
    RECORD_IDS[0],
    Column(
        "session_id", "span.session_id", "category", "The session in which it runs; a process runs in one of its own."
    ),
    Column("turn_index", "span.turn_index", "Int64", "Number of the turn in its session."),
    Column("protocol_iteration", "span.protocol_iteration", "Int64", "Round of the turn, from 0."),
    Column("graph_key", "span.graph_key", "string", "Its key, as in `effect:SESSION:TURN:EFFECT` or `process:ID`."),
    Column("status", "span.status", "category", "`completed`, `failed`, `cancelled` or `open`."),
    Column("error_message", "span.error", "string", "Why it failed."),
    Column("runs", "span.runs", "Int64", "Runs of its steps.", then=len),
    Column("children", "span.children", "Int64", "Executions that it started.", then=len),
)
"""How each execution went."""

EXECUTION_TIMING: Final = (
    Column("started_at", "span.began_ns", "datetime64[ns, UTC]", "When it began, as far as is known."),
    Column("ended_at", "span.over_ns", "datetime64[ns, UTC]", "When it ended; of an open one the last that is known."),
    Column("duration_ms", _duration_ms, "Float64", "From the one to the other, in milliseconds."),
)
"""When an execution, or a run of a step, began and ended."""

EXECUTION_ENTRY: Final = (
    Column("language", "span.language", "category", "`lashlang` or `typescript`."),
    Column("entry_kind", "span.entry_kind", "category", "`main` or `process`."),
    Column("entry_name", "span.entry_name", "category", "Name of the process."),
    Column("entry_ref", "span.entry_ref", "string", "Reference of the process."),
    Column("module_ref", "span.module_ref", "string", "The compiled module."),
    Column("process_id", "span.process_id", "string", "The process; none for a main program."),
    Column("attempt", "span.attempt", "UInt64", "Which attempt of the process (since version 28)."),
    Column(
        "engine_execution_id", "span.engine_execution_id", "string", "The durable engine's id of it (since version 27)."
    ),
)
"""What each execution ran."""

EXECUTION_COLUMNS: Final = (*EXECUTION_INFO, *EXECUTION_TIMING, *EXECUTION_ENTRY, *RECORD_ORIGIN)
"""How each execution went and what it ran."""

_EXECUTION_IDS: Final = (
    EXECUTION_INFO[0],
    EXECUTION_INFO[1],
    Column("turn_id", "span.turn_id", "string", "The turn; none for a process."),
    EXECUTION_INFO[2],
    Column("effect_id", "span.effect_id", "string", "The effect that performed it; none for a process."),
    *RECORD_IDS[5:],
)


@table(EXECUTION_COLUMNS, always=_EXECUTION_IDS)
def executions_df(trace: Trace) -> Rows:
    """One row per execution of code; the file `*.lashlang.jsonl` of a run has them.

    A column's function gets a `SpanRow`: `span` (an `Execution`), `start`, `end` and `body` (whole records), `facts`, `start_facts`,
    `end_facts`.
    """
    return SpanRows(trace, trace.executions)


EXECUTION_NODE_INFO: Final = (
    RECORD_IDS[0],
    Column("graph_key", "span.graph_key", "string", "The execution."),
    Column("node_id", "span.node_id", "string", "The step."),
    Column("occurrence", "span.occurrence", "UInt64", "Which run of the step, from 1."),
    Column("site_path", "span.site_path", "object", "Where in the code it stands (version 36), as plain JSON."),
    Column("kind", "span.kind", "category", "What sort of step, where the release says so."),
    Column("label", "span.label", "string", "What it does, in the code's own words where it has any."),
    Column("status", "span.status", "category", "`completed`, `failed`, `cancelled`, `waiting` or `open`."),
    Column("arm", "span.arm", "category", "The arm that a branch took: `then` or `else`."),
    Column("call_id", "span.call_id", "string", "The tool call that it made (since version 27)."),
    Column("error_message", "span.error", "string", "Why it failed."),
)
"""What each run of a step was and how it went."""

EXECUTION_NODE_COLUMNS: Final = (*EXECUTION_NODE_INFO, *EXECUTION_TIMING, *RECORD_ORIGIN)
"""How each run of a step went."""


@table(EXECUTION_NODE_COLUMNS, always=RECORD_IDS)
def execution_nodes_df(trace: Trace) -> Rows:
    """One row per run of a step of an execution; a decision of a branch is one of no length.

    A column's function gets a `SpanRow`: `span` (a `NodeRun`), `start`, `end` and `body` (whole records), `facts`, `start_facts`,
    `end_facts`.
    """
    return SpanRows(trace, [run for execution in trace.executions for run in execution.runs])


EXECUTION_EDGE_COLUMNS: Final = (
    Column("order", "index.order", "Int64", "Number of the execution's first record in the trace, from 0."),
    Column("graph_key", "told.graph_key", "string", "The execution."),
    Column("edge_id", "told.edge.id", "string", "The way's id in its execution."),
    Column("from_node_id", "told.edge.from_", "string", "The step before."),
    Column("to_node_id", "told.edge.to", "string", "The step behind."),
    Column("label", "told.edge.label", "category", "When it is taken, e.g. `then`."),
    Column("selection", "told.edge.selection", "category", "`selected`, `unknown`, or until version 21 `rejected`."),
)
"""What each way between two steps joins, and whether it was taken."""


@table(EXECUTION_EDGE_COLUMNS, always=RECORD_IDS)
def execution_edges_df(trace: Trace) -> Rows:
    """One row per way between two steps of an execution, as its map has them (none in version 36, which writes no map).

    A column's function gets a `RecordRow`: `told` (`graph_key` and `edge`), `body` (the execution's first record, whole) and `facts`.
    """
    first = {execution.graph_key: execution.order for execution in trace.executions}
    edges = [_Edge(graph.graph_key, edge) for graph in trace.lashlang_graphs() for edge in graph.edges]
    return RecordRows(trace, [first[edge.graph_key] for edge in edges], told=edges)


@dataclass(frozen=True, slots=True)
class _Edge:
    graph_key: str
    edge: Any


EXECUTION_CHILD_COLUMNS: Final = (
    RECORD_IDS[0],
    Column("graph_key", "told.child.graph_key", "string", "The execution that started it."),
    Column("node_id", "told.child.node_id", "string", "The step that did."),
    Column("occurrence", "told.child.occurrence", "UInt64", "Which run of the step, from 1."),
    Column("child_key", "told.child.child_key", "string", "Key of the other execution."),
    Column(
        "child_process_id",
        "told.child.child_process_id",
        "string",
        "The other's process; that of a subagent is the id of its turn.",
    ),
    Column("child_name", "told.child.entry_name", "category", "The other's name."),
    Column("child_entry_ref", "told.child.entry_ref", "string", "The other's process reference."),
    Column("child_module_ref", "told.child.module_ref", "string", "The other's compiled module."),
    Column("is_recorded", "told.is_recorded", "boolean", "Whether the trace has records of the other execution."),
    Column("timestamp", "index.time_ns", "datetime64[ns, UTC]", "When it was started."),
)
"""What each step started."""


@table(EXECUTION_CHILD_COLUMNS, always=RECORD_IDS)
def execution_children_df(trace: Trace) -> Rows:
    """One row per execution that a step of another one started.

    A column's function gets a `RecordRow`: `told` (`child`, a `ChildStart`, and `is_recorded`), `body` (the record, whole) and `facts`.
    """
    keys = {execution.graph_key for execution in trace.executions}
    children: Sequence[_Child] = [
        _Child(child, child.child_key in keys) for execution in trace.executions for child in execution.children
    ]
    return RecordRows(trace, [one.child.row for one in children], told=children)


@dataclass(frozen=True, slots=True)
class _Child:
    child: Any
    is_recorded: bool
