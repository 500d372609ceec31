"""Which span stands in which: by the ids that records give, in old releases by those that can be made of them.

* A call stands in its turn; a direct completion in the tool call that caused it; a call that code made in the step that made it.
* A block of code and its execution are one span: the first is told by the protocol, the second by the sink for code.
* A process stands in the step that started it, a turn in what caused it: the turn of a subagent in the call that spawned it.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import cached_property
from typing import Any, Final, Literal, Protocol

import msgspec

from lash_nb.trace._calls import CODE_CALL, LlmCall, ToolCall, Turn
from lash_nb.trace._code_blocks import CodeBlock
from lash_nb.trace._executions import ChildStart, Execution, NodeRun

__all__ = ["Draft", "SpanKind", "Told", "find_drafts"]

SpanKind = Literal["session", "turn", "model_call", "tool_call", "code_execution", "code_node"]
"""What a span is."""
Told = Turn | LlmCall | ToolCall | Execution | CodeBlock | NodeRun
"""What records tell of a span."""

_SUBAGENT: Final = "process:subagent:"
"""How the id of a subagent's turn begins; behind it stands the id of the call that spawned it, or the agent's own."""
_RESOURCE: Final = ":resource:"
"""What stands in the id of a call that code made between the key of the execution and its tool, step and run."""


class Draft(msgspec.Struct, kw_only=True, gc=False):
    """A span before its parent is known."""

    kind: SpanKind
    id: str
    label: str
    status: str
    began_ns: int
    over_ns: int
    row: int
    session_id: str | None
    source: Told | None = None
    parent: int = -1
    """Position of its parent among the drafts, -1 for none."""


class Sources(Protocol):
    """What spans are made of."""

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns."""
        ...

    @property
    def llm_calls(self) -> tuple[LlmCall, ...]:
        """All model calls."""
        ...

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """All tool calls."""
        ...

    @property
    def code_blocks(self) -> tuple[CodeBlock, ...]:
        """All blocks of code."""
        ...

    @property
    def executions(self) -> tuple[Execution, ...]:
        """All executions of code."""
        ...


class _Latest:
    """Spans by a key that may come again: of those with the same key the last one that had begun."""

    def __init__(self, spans: Iterable[tuple[Hashable, int, int]]) -> None:
        """Take key, beginning and number of each span."""
        self._spans: dict[Hashable, list[tuple[int, int]]] = defaultdict(list)
        for key, began_ns, number in spans:
            self._spans[key].append((began_ns, number))
        for same in self._spans.values():
            same.sort()

    def find(self, key: Hashable, at_ns: int) -> int:
        """Return the number of the span, the first one when none had begun at that time, -1 when there is none."""
        spans = self._spans.get(key)
        return spans[max(bisect_left(spans, (at_ns + 1, 0)) - 1, 0)][1] if spans else -1


def find_drafts(trace: Sources) -> list[Draft]:
    """Return all spans but sessions, each with its parent."""
    links = _Links()
    links.add_turns(trace.turns)
    links.add_code(trace.code_blocks, trace.executions)
    links.add_calls(trace.llm_calls, trace.tool_calls)
    links.join()
    return links.drafts


class _Links:
    """All spans, and how they are found by what other spans say of them."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self._turn_of: dict[tuple[str, int], int] = {}
        self._spans: dict[str, int] = {}
        self._run: dict[Hashable, int] = {}
        self._process: dict[str, int] = {}
        self._starts: dict[str, ChildStart] = {}

    def add_turns(self, turns: Iterable[Turn]) -> None:
        """Take in turns; they know their calls."""
        for turn in turns:
            name = turn.turn_id or f"idx{turn.turn_index}"
            label = turn.turn_id or "turn" if turn.turn_index is None else f"turn {turn.turn_index}"
            number = self._add("turn", f"turn:{turn.session_id}:{name}", label, turn)
            self._turn_of.update({("llm", call.order): number for call in turn.llm_calls})
            self._turn_of.update({("tool", call.order): number for call in turn.tool_calls})

    def add_calls(self, llm_calls: Iterable[LlmCall], tool_calls: Iterable[ToolCall]) -> None:
        """Take in calls."""
        for llm in llm_calls:
            name = f"llm:{llm.llm_call_id or f'#{llm.order}'}"
            self._add("model_call", name, llm.model or "model call", llm)
        for tool in tool_calls:
            name = f"tool:{f'#{tool.order}' if tool.call_id is None else tool.call_id}"
            self._add("tool_call", name, tool.name or "tool call", tool)

    def add_code(self, blocks: Iterable[CodeBlock], executions: Iterable[Execution]) -> None:
        """Take in blocks and executions of code, and the runs of their steps."""
        for block, execution in _matched(blocks, executions):
            told = execution or block
            if told is not None:
                number = self._add_code(block, execution, told)
                self._add_runs(execution, number)

    def _add_code(self, block: CodeBlock | None, execution: Execution | None, told: CodeBlock | Execution) -> int:
        name = f"code:#{told.order}" if execution is None else execution.graph_key
        entry = None if execution is None or execution.process_id is None else execution.entry_name
        number = self._add("code_execution", name, entry or "code", told)
        if block is not None:
            draft = self.drafts[number]
            draft.row = block.order
            draft.began_ns = min(draft.began_ns, block.began_ns)
            draft.over_ns = max(draft.over_ns, block.over_ns)
        return number

    def _add_runs(self, execution: Execution | None, number: int) -> None:
        if execution is None:
            return
        if execution.process_id is not None:
            self._process[execution.process_id] = number
        for run in execution.runs:
            name = f"{run.node_id}:{run.occurrence}"
            inner = self._add("code_node", name, run.label, run)
            self.drafts[inner].parent, self.drafts[inner].session_id = number, execution.session_id
            self._run.setdefault((run.graph_key, run.node_id, str(run.occurrence)), inner)
        for start in execution.children:
            self._starts.setdefault(start.child_key, start)
            if start.child_process_id is not None:
                self._starts.setdefault(start.child_process_id, start)

    def _add(self, kind: SpanKind, name: str, label: str, told: Told) -> int:
        self.drafts.append(
            Draft(
                kind=kind,
                id=name,
                label=label,
                status=told.status,
                began_ns=told.began_ns,
                over_ns=told.over_ns,
                row=told.order,
                session_id=None if isinstance(told, NodeRun) else told.session_id,
                source=told,
            )
        )
        self._spans.setdefault(name, len(self.drafts) - 1)
        return len(self.drafts) - 1

    def _latest(self, kind: SpanKind, *keys_of: Callable[[Any, Draft], Hashable]) -> _Latest:
        """Find the spans of a kind by whatever the functions make of what is told of them."""
        return _Latest(
            (key_of(draft.source, draft), draft.began_ns, number)
            for number, draft in enumerate(self.drafts)
            if draft.kind == kind
            for key_of in keys_of
        )

    @cached_property
    def _turns(self) -> _Latest:
        """Turns by session and number, or id."""
        return self._latest(
            "turn", lambda one, _: (one.session_id, one.turn_index), lambda one, _: (one.session_id, one.turn_id)
        )

    @cached_property
    def _tools(self) -> _Latest:
        """Tool calls by id, alone and with the session."""
        return self._latest("tool_call", lambda one, _: one.call_id, lambda one, _: (one.session_id, one.call_id))

    @cached_property
    def _llm_effects(self) -> _Latest:
        """Model calls by session and effect."""
        return self._latest("model_call", lambda one, _: (one.session_id, one.effect_id))

    @cached_property
    def _code_effects(self) -> _Latest:
        """Executions by session and effect."""
        return self._latest("code_execution", lambda one, _: (one.session_id, one.effect_id))

    @cached_property
    def _rounds(self) -> _Latest:
        """Executions by session, turn and round."""
        return self._latest("code_execution", lambda one, _: (one.session_id, one.turn_id, one.protocol_iteration))

    @cached_property
    def _runs(self) -> _Latest:
        """Runs of steps by execution and step."""
        return self._latest("code_node", lambda one, draft: (draft.parent, one.node_id))

    @cached_property
    def _run_of_call(self) -> _Latest:
        """Runs of steps by the call that they made."""
        return self._latest("code_node", lambda one, _: one.call_id)

    def join(self) -> None:
        """Give each span its parent."""
        for draft in self.drafts:
            if draft.source is not None and not isinstance(draft.source, NodeRun):
                draft.parent = self._parent(draft, draft.source)

    def _parent(self, draft: Draft, told: Told) -> int:
        match told:
            case LlmCall():
                return _first(self._caller(told), self._turn_of.get(("llm", told.order)))
            case ToolCall():
                return _first(self._code_of(told), self._turn_of.get(("tool", told.order)))
            case Turn():
                return _first(self._cause(told), self._spawner(told))
            case Execution() if told.process_id is not None:
                return self._starter(told.graph_key, told.process_id)
            case Execution() | CodeBlock():
                keys = (told.session_id, told.turn_index), (told.session_id, told.turn_id)
                return _first(*(self._turns.find(key, draft.began_ns) for key in keys if key[1] is not None))
        return draft.parent

    def _caller(self, call: LlmCall) -> int:
        """The tool call that asked for a direct completion."""
        if call.turn_id is not None or call.cause_call_id is None:
            return -1
        return self._tools.find((call.session_id, call.cause_call_id), call.began_ns)

    def _code_of(self, call: ToolCall) -> int:
        """The run of a step that made a call, else the execution or block that did; -1 when the model made it."""
        if call.call_id is not None and (run := self._run_of_call.find(call.call_id, call.began_ns)) >= 0:
            return run
        if not call.is_by_code:
            return -1
        block = self._rounds.find((call.session_id, call.turn_id, call.protocol_iteration), call.began_ns)
        if call.issuing_node_id is not None:
            return _first(self._runs.find((block, call.issuing_node_id), call.began_ns), block)
        key, _, place = (call.call_id or "").removeprefix(CODE_CALL).rpartition(_RESOURCE)
        step, _, occurrence = place.rpartition(":")
        node_id = ":".join(step.rsplit(":", 2)[-2:])
        return _first(self._run.get((key, node_id, occurrence)), self._spans.get(key), block)

    def _cause(self, turn: Turn) -> int:
        """What a turn says that it was caused by."""
        kind, _, name = (turn.cause or "").partition(":")
        if kind == "tool":
            return self._tools.find(name, turn.began_ns)
        if kind == "effect":
            key = (turn.session_id, name)
            return _first(self._code_effects.find(key, turn.began_ns), self._llm_effects.find(key, turn.began_ns))
        if kind == "process":
            return _first(self._process.get(name), self._process.get(name.rpartition(":")[0]))
        return self._spans.get(turn.cause or "", -1)

    def _spawner(self, turn: Turn) -> int:
        """The call, or the step of code, that spawned the agent whose turn it is."""
        name = turn.turn_id or ""
        call = self._tools.find(name.removeprefix(_SUBAGENT), turn.began_ns) if name.startswith(_SUBAGENT) else -1
        return _first(call, self._starter(name))

    def _starter(self, *names: str) -> int:
        """The step that started a process, known by the key of its graph or its own id."""
        start = next((self._starts[name] for name in names if name in self._starts), None)
        if start is None:
            return -1
        run = self._run.get((start.graph_key, start.node_id, str(start.occurrence)))
        return _first(run, self._spans.get(start.graph_key))


def _first(*numbers: int | None) -> int:
    return next((number for number in numbers if number is not None and number >= 0), -1)


def _matched(
    blocks: Iterable[CodeBlock], executions: Iterable[Execution]
) -> Iterator[tuple[CodeBlock | None, Execution | None]]:
    """Yield each block with its execution: of one round the last that had begun and has none yet. Code that does not parse is never executed."""
    told: list[CodeBlock | Execution] = sorted([*blocks, *executions], key=_beginning)
    waiting: dict[Hashable, list[CodeBlock]] = defaultdict(list)
    executed: dict[int, Execution] = {}
    alone = []
    for one in told:
        rounds = waiting[one.session_id, one.turn_id, one.protocol_iteration]
        if isinstance(one, CodeBlock):
            rounds.append(one)
        elif one.process_id is None and rounds:
            executed[rounds.pop().order] = one
        else:
            alone.append(one)
    yield from ((one, executed.get(one.order)) for one in told if isinstance(one, CodeBlock))
    yield from ((None, one) for one in alone)


def _beginning(one: CodeBlock | Execution) -> tuple[int, bool]:
    return one.began_ns, isinstance(one, Execution)
