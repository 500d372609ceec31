"""The spans of a trace as trees: session, turn, model call, tool call, execution of code, run of a step of the code.

Whatever has a parent in the trace hangs under it, everything else under its session. Nothing is left out and nothing is there twice. What a
hostile trace could tie into a ring is cut open at the session; nothing here recurses, so a chain may be of any length.
"""

from collections import defaultdict
from collections.abc import Iterator

import msgspec

from lash_nb.trace._attempts import Attempt
from lash_nb.trace._calls import LlmCall, Span, ToolCall
from lash_nb.trace._span_links import Draft, SpanKind, Told
from lash_nb.trace._statuses import OPEN_STATUSES
from lash_nb.words import legible

__all__ = ["SpanNode", "build_spans"]


class SpanNode(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Something that began and ended, with what happened in it."""

    kind: SpanKind
    """What it is."""
    id: str
    """Its id, as lash calls spans: `turn:SESSION:TURN`, `llm:CALL`, `tool:CALL`, `session:SESSION`; an execution's graph key. Models use ids of
    calls again, so it is not unique in a trace."""
    parent_id: str | None
    """Id of the span in which it stands; none for a root."""
    label: str
    """What to call it in a line."""
    status: str
    """How it ended, in the words of its kind; `open` while it has not. A session is `open` while something right in it is, else `completed`."""
    began_ns: int
    """When it began, in nanoseconds since the Unix epoch."""
    over_ns: int
    """When it ended, or what is last known of it, in nanoseconds since the Unix epoch."""
    row: int
    """Number of its first record in the trace, from 0."""
    attempts: tuple[Attempt, ...]
    """Tries of the call (since version 3)."""
    source: Told | None
    """The `Turn`, `LlmCall`, `ToolCall`, `Execution`, `CodeBlock` or `NodeRun`; none for a session."""
    children: tuple["SpanNode", ...]
    """What happened in it, in the order of time."""

    @property
    def is_open(self) -> bool:
        """Whether it has no end in the trace."""
        return self.status in OPEN_STATUSES

    @property
    def duration_ms(self) -> float:
        """From its beginning to the last that is known of it, without what a decision was waited for, in milliseconds."""
        waited_ms = self.source.waited_ms if isinstance(self.source, Span) else 0
        return max((self.over_ns - self.began_ns) / 1_000_000 - waited_ms, 0)

    def walk(self) -> Iterator["SpanNode"]:
        """Yield it and all spans in it, each before those in it, siblings in the order of time."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))

    def __repr__(self) -> str:
        words = f"{self.kind} {self.label!r}: {self.status}, {self.duration_ms:,.0f} ms, {len(self.children)} inside"
        return f"<{legible(words, 400)}>"


def build_spans(drafts: list[Draft], attempts: tuple[Attempt, ...]) -> tuple[SpanNode, ...]:
    """Make trees of spans that know their parents by number.

    Args:
        drafts: All spans but sessions, each with the number of its parent in this list, or -1.
        attempts: Tries of calls, found by the record that ends the call.
    """
    _open_rings(drafts)
    _add_sessions(drafts)
    inside: dict[int, list[int]] = defaultdict(list)
    for number, draft in enumerate(drafts):
        inside[draft.parent].append(number)
    for numbers in inside.values():
        numbers.sort(key=lambda number: (drafts[number].began_ns, drafts[number].row))
    tries: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        tries[attempt.row].append(attempt)
    return _assembled(drafts, inside, tries)


def _open_rings(drafts: list[Draft]) -> None:
    """Cut each ring of parents at one span, which then stands in its session."""
    seen = [0] * len(drafts)
    for first in range(len(drafts)):
        number, walk = first, first + 1
        while number >= 0 and not seen[number]:
            seen[number] = walk
            before, number = number, drafts[number].parent
        if number >= 0 and seen[number] == walk:
            drafts[before].parent = -1


def _add_sessions(drafts: list[Draft]) -> None:
    """Hang each span without a parent under its session, made where one is needed."""
    sessions: dict[str | None, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.parent < 0:
            sessions[draft.session_id].append(draft)
    for session, right_in_it in sorted(sessions.items(), key=lambda item: min(one.row for one in item[1])):
        for draft in right_in_it:
            draft.parent = len(drafts)
        drafts.append(
            Draft(
                kind="session",
                id=f"session:{session or ''}",
                label=session or "no session",
                status="open" if any(one.status in OPEN_STATUSES for one in right_in_it) else "completed",
                began_ns=min(one.began_ns for one in right_in_it),
                over_ns=max(one.over_ns for one in right_in_it),
                row=min(one.row for one in right_in_it),
                session_id=session,
            )
        )


def _assembled(
    drafts: list[Draft], inside: dict[int, list[int]], tries: dict[int, list[Attempt]]
) -> tuple[SpanNode, ...]:
    """Make values from the innermost spans outwards."""
    order = list(inside[-1])
    for number in order:  # grows while it is walked through: parents before what is in them
        order.extend(inside.get(number, ()))
    made: dict[int, SpanNode] = {}
    for number in reversed(order):
        draft = drafts[number]
        made[number] = SpanNode(
            kind=draft.kind,
            id=draft.id,
            parent_id=None if draft.parent < 0 else drafts[draft.parent].id,
            label=draft.label,
            status=draft.status,
            began_ns=draft.began_ns,
            over_ns=draft.over_ns,
            row=draft.row,
            attempts=tuple(tries.get(_end_row(draft), ())),
            source=draft.source,
            children=tuple(made.pop(child) for child in inside.get(number, ())),
        )
    return tuple(made[number] for number in inside[-1])


def _end_row(draft: Draft) -> int:
    """Return the record with which a call ended, where its tries are told; -1 when there is none."""
    call = draft.source
    return -1 if not isinstance(call, LlmCall | ToolCall) or call.end_row is None else call.end_row
