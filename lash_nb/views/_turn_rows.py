"""A turn while it happens, as rows in the order in which things happened. Fed with activities; draws nothing.

Rows never move: a tool row is made when its call starts and completed in place; prose grows in the row that it began.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import msgspec

from lash_nb.plots import counted
from lash_nb.views._turn_words import TurnLike
from lash_nb.wire import (
    AcceptedInjectedTurnInput,
    AssistantProseDelta,
    CodeBlockCompleted,
    CodeBlockStarted,
    ErrorActivity,
    ModelRequestStarted,
    QueuedInputAccepted,
    ReasoningDelta,
    RetryStatus,
    SubmittedValue,
    TokenUsage,
    ToolCallActivityCompleted,
    ToolCallActivityStarted,
    ToolCallOutput,
    ToolCallRecord,
    ToolValueSubmitted,
    TurnActivity,
    UsageActivity,
)

__all__ = ["NoteRow", "ProseRow", "ToolRow", "TurnRows", "shown_rows"]

_FOLD_FROM: Final = 8
_FIRST: Final = 20
_LAST: Final = 40
"""Rows of a card, folds counted as one: a notebook keeps the card of each turn, and nobody reads a thousand rows of one."""
_FOLDED: Final = 50
"""Tool calls in the folds of a card, three kilobytes each."""


class ProseRow(msgspec.Struct, kw_only=True):
    """What the model wrote."""

    correlation: str
    """Which stream of text it is."""
    pieces: list[str] = msgspec.field(default_factory=list)
    """The text as it came."""

    @property
    def text(self) -> str:
        """The whole text so far."""
        return "".join(self.pieces)


class ToolRow(msgspec.Struct, kw_only=True):
    """One tool call."""

    call_id: str
    """Id of the call."""
    name: str
    """The tool."""
    args: Any
    """The arguments."""
    output: ToolCallOutput | None = None
    """What it gave; None while it runs."""
    duration_ms: float | None = None
    """How long it took, in milliseconds."""
    is_over: bool = False
    """Whether its turn is over: a call without an outcome was cancelled then."""
    raised: str = ""
    """Where it raised, for the person who wrote it; empty where that is not known."""

    @property
    def status(self) -> str:
        """`running`, `success`, `failure` or `cancelled`."""
        return self.output.status if self.output else "cancelled" if self.is_over else "running"


class NoteRow(msgspec.Struct, kw_only=True):
    """Anything else worth a line: a retry, an error, code, a value, what somebody said to the running turn."""

    kind: str
    """`retry`, `error`, `code`, `value`, `said`, or `more` of what is not shown."""
    text: str
    """What it says."""
    correlation: str = ""
    """Of a code block: which one."""
    now: str = ""
    """What it says while nothing has come after it; empty for the same."""


Row: TypeAlias = ProseRow | ToolRow | NoteRow
"""One thing that happened."""


class TurnRows:
    """The rows of one turn and its counters."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        """In the order in which they began."""
        self.model_calls = 0
        """How often the model was asked."""
        self.usage: TokenUsage | None = None
        """The turn's tokens so far."""
        self.reasoning_chars = 0
        """How much the model thought aloud."""
        self._tools: dict[str, ToolRow] = {}

    @classmethod
    def of(cls, result: TurnLike, raised: Mapping[str, str] = MappingProxyType({})) -> "TurnRows":
        """Return the rows of a turn that is over; an error that is one of its issues is told there, and not twice.

        Args:
            result: The turn.
            raised: Where its tools raised, by the id of the call.
        """
        rows = cls()
        for activity in result.activities:
            rows.apply(activity)
        rows._add_unannounced(result.tool_calls)
        for row in rows.tools:
            row.is_over, row.raised = True, raised.get(row.call_id, "")
        told = {issue.message for issue in result.errors}
        rows.rows = [
            row for row in rows.rows if not (isinstance(row, NoteRow) and row.kind == "error" and row.text in told)
        ]
        return rows

    @property
    def tools(self) -> list[ToolRow]:
        """The tool calls in order."""
        return [row for row in self.rows if isinstance(row, ToolRow)]

    @property
    def running_tool(self) -> ToolRow | None:
        """The tool call that runs now, the latest of several."""
        return next((row for row in reversed(self.tools) if row.output is None), None)

    @property
    def is_writing(self) -> bool:
        """Whether the last thing that happened is text."""
        return bool(self.rows) and isinstance(self.rows[-1], ProseRow)

    def apply(self, activity: TurnActivity) -> None:
        """Take in what happened; activities that a card does not show change nothing."""
        match activity.event:
            case ModelRequestStarted():
                self.model_calls += 1
            case AssistantProseDelta(text=text):
                self._prose(activity.correlation_id).pieces.append(text)
            case ReasoningDelta(text=text):
                self.reasoning_chars += len(text)
            case ToolCallActivityStarted(call_id=call_id, name=name, args=args):
                self._tool(call_id or activity.correlation_id, name, args)
            case ToolCallActivityCompleted() as done:
                row = self._tool(done.call_id or activity.correlation_id, done.name, done.args)
                row.output, row.duration_ms = done.output, done.duration_ms
            case UsageActivity(cumulative=cumulative):
                self.usage = cumulative
            case _ as event:
                self._note(activity.correlation_id, event)

    def _prose(self, correlation: str) -> ProseRow:
        if self.rows and isinstance(self.rows[-1], ProseRow) and self.rows[-1].correlation == correlation:
            return self.rows[-1]
        row = ProseRow(correlation=correlation)
        self.rows.append(row)
        return row

    def _tool(self, call_id: str, name: str, args: Any) -> ToolRow:
        if call_id not in self._tools:
            row = ToolRow(call_id=call_id, name=name, args=args)
            self._tools[call_id] = row
            self.rows.append(row)
        return self._tools[call_id]

    def _add_unannounced(self, calls: Sequence[ToolCallRecord]) -> None:
        """Add the calls that no activity told of: of a tool that there is not, or with arguments that do not fit, none began.

        Such a call stands before the next one that is known, or before the text that closes the turn.
        """
        if not self.rows:
            return
        place = len(self.rows) - isinstance(self.rows[-1], ProseRow)
        for call in reversed(calls):
            known = self._tools.get(call.call_id or "")
            if known is not None:
                place = self.rows.index(known)
                continue
            row = ToolRow(
                call_id=call.call_id or "",
                name=call.tool,
                args=call.args,
                output=call.output,
                duration_ms=call.duration_ms,
            )
            self.rows.insert(place, row)

    def _note(self, correlation: str, event: Any) -> None:
        match event:
            case RetryStatus(attempt=attempt, max_attempts=most, reason=reason, wait_seconds=wait):
                note = NoteRow(
                    kind="retry",
                    text=f"attempt {attempt} of {most} failed: {reason}; next one after {wait} s",
                    now=f"retrying in {wait} s (attempt {attempt + 1} of {most}): {reason}",
                )
            case ErrorActivity(message=message):
                note = NoteRow(kind="error", text=message)
            case CodeBlockStarted(code=code):
                note = NoteRow(kind="code", text=code, correlation=correlation)
            case CodeBlockCompleted(output=output, error=error):
                note = NoteRow(kind="error" if error else "code", text=error or output, correlation=correlation)
            case SubmittedValue() | ToolValueSubmitted():
                note = NoteRow(kind="value", text="the turn ends with a value")
            case QueuedInputAccepted(inputs=inputs):
                note = NoteRow(kind="said", text="\n".join(map(_said, inputs)))
            case _:
                return
        if note.text:
            self.rows.append(note)


def _said(given: AcceptedInjectedTurnInput) -> str:
    message = given.message
    return f"said meanwhile: {message.content or ' '.join(part.rendered() for part in message.parts)}"


def shown_rows(rows: Sequence[Row]) -> list[Row | list[ToolRow]]:
    """Return the rows to show: of more than eight tool calls the first three, the failed ones and the last two; the others as lists.

    Of very many rows the first and the last ones are shown, and of very many in lists the first ones; a note says what is left out.
    """
    tools = [row for row in rows if isinstance(row, ToolRow)]
    if len(tools) <= _FOLD_FROM:
        return _ends(list(rows))
    kept = {id(row) for row in (*tools[:3], *tools[-2:], *(row for row in tools if row.status != "success"))}
    shown: list[Row | list[ToolRow]] = []
    for row in rows:
        if not isinstance(row, ToolRow) or id(row) in kept:
            shown.append(row)
        elif shown and isinstance(shown[-1], list):
            shown[-1].append(row)
        else:
            shown.append([row])
    return list(_fewer_folded(_ends(shown)))


def _ends(rows: list[Row | list[ToolRow]]) -> list[Row | list[ToolRow]]:
    if len(rows) <= _FIRST + _LAST:
        return rows
    between = rows[_FIRST:-_LAST]
    count = sum(len(row) if isinstance(row, list) else 1 for row in between)
    note = NoteRow(kind="more", text=f"{counted(count, 'row')} not shown: result.activities, result.tool_calls")
    return [*rows[:_FIRST], note, *rows[-_LAST:]]


def _fewer_folded(rows: list[Row | list[ToolRow]]) -> Iterator[Row | list[ToolRow]]:
    room = _FOLDED
    for row in rows:
        if not isinstance(row, list):
            yield row
            continue
        shown, left_out = row[:room], row[room:]
        room -= len(shown)
        if shown:
            yield shown
        if left_out:
            yield NoteRow(kind="more", text=f"{counted(len(left_out), 'tool call')} not shown: result.tool_calls")
