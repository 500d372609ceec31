"""What a trace tells, derived from its records: turns and calls, code, attempts, spans, graphs, and rows of all other records.

Each is worked out when it is first asked for, and again once there are more records.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

import numpy as np

from lash_nb.errors import CallerError
from lash_nb.trace._attempts import Attempt, find_attempts
from lash_nb.trace._call_columns import Outcomes, find_outcomes, make_calls, make_calls_at, make_turns_at
from lash_nb.trace._calls import Calls, LlmCall, ToolCall, Turn
from lash_nb.trace._code_blocks import CODE_KINDS, CodeBlock, find_code_blocks
from lash_nb.trace._execution_events import EXECUTION_KIND
from lash_nb.trace._executions import Execution, find_executions
from lash_nb.trace._index import TraceIndex
from lash_nb.trace._lashlang_graph import LashlangGraph
from lash_nb.trace._notes import (
    CONTEXT_PRESSURE_KINDS,
    DURABLE_KINDS,
    PROMPT_KINDS,
    STREAM_KINDS,
    ContextPressure,
    DurableEvent,
    Notes,
    OtherRecord,
    Prompt,
    StreamEvent,
)
from lash_nb.trace._pairing import PAIRED_KINDS, Pairs, find_pairs
from lash_nb.trace._record_columns import RecordColumns, find_record_columns
from lash_nb.trace._select import rows_of
from lash_nb.trace._shapes import Shape, find_shapes
from lash_nb.trace._span_links import find_drafts
from lash_nb.trace._spans import SpanNode, build_spans

__all__ = ["Meaning"]

T = TypeVar("T")

TOLD_KINDS: Final = (
    PAIRED_KINDS
    | CODE_KINDS
    | PROMPT_KINDS
    | STREAM_KINDS
    | CONTEXT_PRESSURE_KINDS
    | DURABLE_KINDS
    | {EXECUTION_KIND, "llm_attempt_completed"}
)
"""Kinds of records of which something else than `others` tells."""


class Meaning(ABC):
    """What the records of a trace tell."""

    index: TraceIndex
    """One entry per record in each column: `index.text("type")[3]` needs no body."""

    def __init__(self) -> None:
        self._known: dict[Callable[..., Any], tuple[int, Any]] = {}

    @abstractmethod
    def bodies(self, rows: Iterable[int]) -> Iterator[dict[str, Any]]:
        """Yield the whole records of these row numbers."""

    @property
    def sessions(self) -> tuple[str, ...]:
        """The ids of the sessions that wrote into it, in order of appearance."""
        return tuple(self.index.text("session_id").values)

    @property
    def pairs(self) -> Pairs:
        """Which records tell of the same turn or call, in columns: `trace.pairs.llm_calls.end` is the record of each model call's end."""
        return self._once(_pairs_of)

    @property
    def outcomes(self) -> Outcomes:
        """How turns and calls went, in columns as long as those of `pairs`: `trace.outcomes.llm_calls.status` needs no object per call."""
        return self._once(_outcomes_of)

    @property
    def by_record(self) -> RecordColumns:
        """What each record tells of the turn or call that it begins or ends, in columns: `trace.by_record.status[7]`."""
        return self._once(_record_columns_of)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Its turns, in the order in which they began."""
        return self._calls().turns

    @property
    def llm_calls(self) -> tuple[LlmCall, ...]:
        """Its model calls, direct completions included, in the order in which they began."""
        return self._calls().llm_calls

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """Its tool calls, in the order in which they began; those that code made, too, where the release records them."""
        return self._calls().tool_calls

    def turns_at(self, places: Iterable[int]) -> tuple[Turn, ...]:
        """Return some of its turns, by their places in `turns`, ascending: where few of very many are wanted, the others are not made."""
        wanted = np.array(sorted({*places}), np.int64)
        return make_turns_at(self.index, self.pairs, self.outcomes, wanted).turns

    def calls_at(self, llm_calls: Iterable[int], tool_calls: Iterable[int]) -> tuple[LlmCall | ToolCall, ...]:
        """Return some of its calls alike, by their places in `llm_calls` and `tool_calls`: model calls first."""
        wanted = (np.fromiter(places, np.int64) for places in (llm_calls, tool_calls))
        made = make_calls_at(self.index, self.pairs, self.outcomes, *wanted)
        return (*made.llm_calls, *made.tool_calls)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Tries of its calls; releases before version 3 tell of none, which is not the same as one."""
        return self._once(find_attempts)

    @property
    def code_blocks(self) -> tuple[CodeBlock, ...]:
        """Blocks of code that the model wrote, in the order in which they began."""
        return self._once(find_code_blocks).blocks

    @property
    def executions(self) -> tuple[Execution, ...]:
        """Executions of code, each with the runs of its steps; from the records of the second sink, `*.lashlang.jsonl`."""
        return self._once(find_executions).executions

    @property
    def prompts(self) -> Notes[Prompt]:
        """Prompts, as they were put together and as they changed."""
        return Notes(self, rows_of(self.index, PROMPT_KINDS), Prompt)

    @property
    def stream_events(self) -> Notes[StreamEvent]:
        """Pieces of streams; only traces of the extended level have them."""
        return Notes(self, rows_of(self.index, STREAM_KINDS), StreamEvent)

    @property
    def context_pressure(self) -> Notes[ContextPressure]:
        """How full the context was, and what was done about it."""
        return Notes(self, rows_of(self.index, CONTEXT_PRESSURE_KINDS), ContextPressure)

    @property
    def durable_events(self) -> Notes[DurableEvent]:
        """What a durable host did."""
        return Notes(self, rows_of(self.index, DURABLE_KINDS), DurableEvent)

    @property
    def others(self) -> Notes[OtherRecord]:
        """Records of which nothing else here tells: custom ones, steps of plugins, types that nobody knows."""
        kinds = [kind for kind in self.index.text("kind").values if kind not in TOLD_KINDS]
        rows = set(rows_of(self.index, kinds)) - self._once(find_code_blocks).rows
        return Notes(self, sorted(rows), OtherRecord)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Which releases may have written it, as far as its records tell: one entry for each version and upgrade of the host."""
        return self._once(find_shapes)

    def spans(self) -> tuple[SpanNode, ...]:
        """Return its spans as trees: session, turn, model call, tool call, execution of code, run of a step."""
        return self._once(_spans_of)

    def lashlang_graphs(self) -> tuple[LashlangGraph, ...]:
        """Return its executions of code as graphs, in the order of their keys."""
        return tuple(self._once(find_executions).graphs.values())

    def lashlang_graph(self, key: str) -> LashlangGraph:
        """Return an execution of code as a graph.

        Args:
            key: As in `execution.graph_key`, e.g. `effect:SESSION:TURN:EFFECT` or `process:ID`.

        Raises:
            CallerError: the trace has no such execution.
        """
        graphs = self._once(find_executions).graphs
        if key not in graphs:
            known = (
                f"; it has {', '.join(list(graphs)[:3])}{' …' if len(graphs) > 3 else ''}"
                if graphs
                else ", nor any other: executions are in the file `*.lashlang.jsonl`"
            )
            message = f"The trace has no execution with the key {key!r}{known}."
            raise CallerError(message)
        return graphs[key]

    def _calls(self) -> Calls:
        return self._once(_calls_of)

    def _once(self, find: Callable[["Meaning"], T]) -> T:
        """Return what a function finds in the records there are, found once."""
        size, found = self._known.get(find, (-1, None))
        if size != len(self.index):
            found = find(self)
            self._known[find] = (len(self.index), found)
        return found  # type: ignore[no-any-return]  # what the same function found before


def _calls_of(trace: Meaning) -> Calls:
    return make_calls(trace.index, trace.pairs, trace.outcomes)


def _outcomes_of(trace: Meaning) -> Outcomes:
    return find_outcomes(trace.index, trace.pairs)


def _record_columns_of(trace: Meaning) -> RecordColumns:
    return find_record_columns(trace.index, trace.pairs, trace.outcomes, trace.code_blocks)


def _pairs_of(trace: Meaning) -> Pairs:
    return find_pairs(trace.index)


def _spans_of(trace: Meaning) -> tuple[SpanNode, ...]:
    return build_spans(find_drafts(trace), trace.attempts)
