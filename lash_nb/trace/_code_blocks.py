"""Blocks of code that a model wrote and the runtime ran, as its protocol tells of them.

Until version 8 this stands in steps of the protocol, since then in records of its own. The texts stay in the bodies: `read_fact("code", …)` of
the start, `read_fact("output", …)` and the like of the end.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from lash_nb.trace._calls import Span
from lash_nb.trace._execution_events import Records, int_of, text_of
from lash_nb.trace._facts import read_fact
from lash_nb.trace._index import TraceIndex
from lash_nb.trace._select import known, rows_of

__all__ = ["CODE_KINDS", "CodeBlock", "CodeBlocks", "find_code_blocks"]

CODE_KINDS: Final = frozenset(
    {"exec_code_started", "exec_code_completed", "exec_code_failed", "observation_projection", "program_step"}
)
"""Kinds of records that tell of blocks of code, since version 9."""
_DIAGNOSED: Final = ("runtime", "rlm")
"""Protocols whose steps told of them before."""
_MS: Final = 1_000_000


class CodeBlock(Span, frozen=True, kw_only=True):
    """A block of code; status `completed`, `failed` or `open`."""

    error: str | None
    """Why it failed."""
    error_kind: str | None
    """Whose fault that was: `policy`, `program` or `host` (since version 15)."""
    call_ids: tuple[str | None, ...]
    """Ids of the tool calls that it made, none for a call without one."""
    step_index: int | None
    """Number of its step in the program (since version 17)."""
    projection_rows: tuple[int, ...]
    """Numbers of the records that tell how its output was shortened."""

    @property
    def is_over(self) -> bool:
        """Whether it ended."""
        return self.end_row is not None


class CodeBlocks(msgspec.Struct, frozen=True):
    """What a trace tells of blocks of code."""

    blocks: tuple[CodeBlock, ...]
    """The blocks, in the order in which they were first heard of."""
    rows: frozenset[int]
    """Numbers of the records that tell of them."""


def find_code_blocks(trace: Records) -> CodeBlocks:
    """Read what a trace tells of blocks of code."""
    steps = rows_of(trace.index, {"protocol_step"}, names=_DIAGNOSED)
    rows = sorted([*rows_of(trace.index, CODE_KINDS), *steps])
    found, telling = _Found(trace.index, rows), []
    for row, body in zip(rows, trace.bodies(rows), strict=True):
        kind = text_of(read_fact("phase", body)) or str(body.get("type"))
        step = _STEPS.get(kind)
        if step:
            step(found, row, body)
            telling.append(row)
    return CodeBlocks(found.blocks(), frozenset(telling))


class _Place(NamedTuple):
    """Where a record stands."""

    session_id: str | None
    turn_id: str | None
    effect_id: str | None
    turn_index: int
    protocol_iteration: int
    time_ns: int


class _Block:
    """A block while records come in."""

    def __init__(self, row: int) -> None:
        self.row = row
        self.start: int | None = None
        self.end: int | None = None
        self.facts: dict[str, Any] = {}
        self.projections: list[int] = []


class _Found:
    """The blocks found so far, by session, turn and round."""

    def __init__(self, index: TraceIndex, rows: Sequence[int]) -> None:
        texts = [column.at(column.codes[rows]) for column in map(index.text, ("session_id", "turn_id", "effect_id"))]
        numbers = [column[rows].tolist() for column in (index.turn_index, index.protocol_iteration, index.time_ns)]
        self._places = dict(zip(rows, map(_Place._make, zip(*texts, *numbers, strict=True)), strict=True))
        self._blocks: list[_Block] = []
        self._open: dict[Hashable, deque[_Block]] = defaultdict(deque)
        self._announced: dict[Hashable, _Block] = {}
        self._last: dict[Hashable, _Block] = {}

    def announced(self, row: int, body: Mapping[str, Any]) -> None:
        """A step of the program is about to run; one that is no program never does."""
        block = self._announced[self._key(row)] = self._new(row)
        block.start = row
        block.facts["step_index"] = int_of(read_fact("step_index", body))
        if read_fact("status", body) == "failure":
            block.end = row
            block.facts |= {"error": text_of(read_fact("error_message", body)) or "", "error_kind": None}
            del self._announced[self._key(row)]

    def started(self, row: int, _body: Mapping[str, Any]) -> None:
        """A block starts."""
        block = self._announced.pop(self._key(row), None) or self._new(row)
        block.start = row
        self._open[self._key(row)].append(block)

    def ended(self, row: int, body: Mapping[str, Any]) -> None:
        """A block ended: the oldest one in its round that has not."""
        key = self._key(row)
        waiting = self._open.pop(key, None)
        block = waiting.popleft() if waiting else self._new(row)
        if waiting:
            self._open[key] = waiting
        block.end = row
        calls = read_fact("tool_calls", body)
        error = read_fact("error_message", body)
        block.facts |= {
            "error": error if error is None else str(error),
            "error_kind": text_of(read_fact("error_kind", body)) or text_of(read_fact("stop_reason", body)),
            "duration_ms": int_of(read_fact("code_duration_ms", body)),
            "call_ids": tuple(map(_call_id, calls)) if isinstance(calls, list) else (),
        }
        self._last[key] = block

    def shortened(self, row: int, _body: Mapping[str, Any]) -> None:
        """The output of the last block was shortened."""
        block = self._last.get(self._key(row)) or self._new(row)
        block.projections.append(row)

    def _new(self, row: int) -> _Block:
        self._blocks.append(_Block(row))
        self._last[self._key(row)] = self._blocks[-1]
        return self._blocks[-1]

    def _key(self, row: int) -> Hashable:
        place = self._places[row]
        return place.session_id, place.turn_id, place.turn_index, place.protocol_iteration

    def blocks(self) -> tuple[CodeBlock, ...]:
        """Make values of them."""
        return tuple(map(self._made, self._blocks))

    def _made(self, block: _Block) -> CodeBlock:
        place = self._places[block.row]
        started = None if block.start is None else self._places[block.start].time_ns
        ended = None if block.end is None else self._places[block.end].time_ns
        between = None if started is None or ended is None else (ended - started) / _MS
        reported = block.facts.get("duration_ms")
        error = block.facts.get("error")
        return CodeBlock(
            order=block.row,
            session_id=place.session_id,
            turn_id=place.turn_id,
            effect_id=place.effect_id,
            turn_index=known(place.turn_index),
            protocol_iteration=known(place.protocol_iteration),
            llm_call_id=None,
            graph_node_id=None,
            status="open" if block.end is None else "completed" if error is None else "failed",
            start_row=block.start,
            end_row=block.end,
            started_ns=started,
            ended_ns=ended,
            duration_ms=between if reported is None else reported,
            waited_ms=0,
            error=error,
            error_kind=block.facts.get("error_kind"),
            call_ids=block.facts.get("call_ids", ()),
            step_index=block.facts.get("step_index"),
            projection_rows=tuple(block.projections),
        )


def _call_id(call: Any) -> str | None:
    return text_of(call.get("call_id")) if isinstance(call, dict) else None


_STEPS: Final[Mapping[str, Callable[[_Found, int, Mapping[str, Any]], None]]] = {
    "rlm_step": _Found.announced,
    "program_step": _Found.announced,
    "exec_code_started": _Found.started,
    "exec_code_completed": _Found.ended,
    "exec_code_failed": _Found.ended,
    "observation_projection": _Found.shortened,
}
"""What each kind of record, or phase of a diagnostic, means for the blocks."""
