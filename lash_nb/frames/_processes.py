"""Processes, as far as a trace tells of them."""

from dataclasses import dataclass
from typing import Any, Final

from lash_nb.clock import NS_PER_MS
from lash_nb.frames._column import Column
from lash_nb.frames._ids import RECORD_IDS
from lash_nb.frames._table import Rows, table
from lash_nb.frames._trace_rows import RecordRows
from lash_nb.trace import ChildStart, Execution, Trace, Turn

__all__ = ["PROCESS_COLUMNS", "PROCESS_INFO", "PROCESS_STARTED_BY", "PROCESS_TIMING", "processes_df"]

PROCESS_INFO: Final = (
    RECORD_IDS[0],
    Column("process_id", "told.process_id", "string", "The process."),
    Column("name", "told.name", "category", "Name of what it runs."),
    Column(
        "status",
        "told.last.status",
        "category",
        "How it ended: as an execution, or as a turn where a subagent is one; empty where its records are elsewhere.",
    ),
    Column("error_message", "told.execution.error", "string", "Why it failed."),
    Column("executions", "told.executions", "Int64", "Executions of it in this trace: one for each attempt.", then=len),
    Column("entry_ref", "told.entry_ref", "string", "Reference of what it runs."),
    Column("module_ref", "told.module_ref", "string", "The compiled module."),
)
"""What each process is and how it went."""

PROCESS_TIMING: Final = (
    Column("started_at", "told.began_ns", "datetime64[ns, UTC]", "When it began, as far as is known."),
    Column("ended_at", "told.over_ns", "datetime64[ns, UTC]", "When it ended; of an open one the last that is known."),
    Column("duration_ms", "told.duration_ms", "Float64", "From the one to the other, in milliseconds."),
)
"""When each process began and ended; empty where its records are elsewhere."""

PROCESS_STARTED_BY: Final = (
    Column(
        "parent_graph_key", "told.child.graph_key", "string", "The execution that started it; empty where none did."
    ),
    Column("parent_node_id", "told.child.node_id", "string", "The step that did."),
    Column("own_session_id", "told.last.session_id", "string", "The session in which it runs."),
)
"""Who started each process, and where it runs."""

PROCESS_COLUMNS: Final = (*PROCESS_INFO, *PROCESS_TIMING, *PROCESS_STARTED_BY)
"""What a trace tells of each process."""


@table(PROCESS_COLUMNS, always=RECORD_IDS)
def processes_df(trace: Trace) -> Rows:
    """One row per process that a trace tells of: that its code started, or that has records of its own.

    Ids are those of its first record: where it was started, if the trace tells. A process that calls a tool or runs no code leaves nothing
    else behind. A column's function gets a `RecordRow`: `told` (`process_id`, `executions`, `child`, `turn`), `body` and `facts`.
    """
    found: dict[str, _Process] = {}
    for execution in trace.executions:
        if execution.process_id is not None:
            _of(found, execution.process_id).executions.append(execution)
        for child in execution.children:
            if child.child_process_id is not None:
                process = _of(found, child.child_process_id)
                process.child = process.child or child
    for turn in trace.turns if found else ():
        if turn.turn_id in found:
            found[turn.turn_id].turn = turn
    processes = sorted(found.values(), key=lambda process: process.order)
    return RecordRows(trace, [process.order for process in processes], told=processes)


def _of(found: "dict[str, _Process]", process_id: str) -> "_Process":
    return found.setdefault(process_id, _Process(process_id, []))


@dataclass(slots=True)
class _Process:
    process_id: str
    executions: list[Execution]
    child: ChildStart | None = None
    turn: Turn | None = None

    @property
    def order(self) -> int:
        """Number of the record that tells of it first."""
        return min([*(one.order for one in self.executions), *([self.child.row] if self.child else [])])

    @property
    def execution(self) -> Execution | None:
        """The last execution."""
        return self.executions[-1] if self.executions else None

    @property
    def last(self) -> Execution | Turn | None:
        """What tells how it ended."""
        return self.execution or self.turn

    @property
    def began_ns(self) -> int | None:
        """When it began."""
        return min((run.began_ns for run in self._runs), default=None)

    @property
    def over_ns(self) -> int | None:
        """When it ended."""
        return max((run.over_ns for run in self._runs), default=None)

    @property
    def duration_ms(self) -> float | None:
        """From the one to the other."""
        began, over = self.began_ns, self.over_ns
        return None if began is None or over is None else max(over - began, 0) / NS_PER_MS

    @property
    def name(self) -> Any:
        """What it runs."""
        return self._told("entry_name")

    @property
    def entry_ref(self) -> Any:
        """Reference of that."""
        return self._told("entry_ref")

    @property
    def module_ref(self) -> Any:
        """Module of that."""
        return self._told("module_ref")

    @property
    def _runs(self) -> list[Execution | Turn]:
        return [*self.executions, *([self.turn] if self.turn else [])]

    def _told(self, name: str) -> Any:
        told = [getattr(one, name) for one in (self.execution, self.child) if one is not None]
        return next((value for value in told if value is not None), None)
