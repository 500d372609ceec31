"""Makes the result of a turn out of its streams (lash 0.1.0-alpha.37, turns §7.3)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from lash_nb.runtime._ledger import merged
from lash_nb.wire import (
    AssistantOutput,
    AssistantOutputState,
    AssistantProseDelta,
    ChildTokenUsageEvent,
    DoneEvent,
    ErrorEvent,
    ExecutionSummary,
    Message,
    SessionEvent,
    TokenLedgerEntry,
    ToolCallEvent,
    ToolCallRecord,
    TurnActivity,
    TurnIssue,
    TurnOutcome,
    TurnOutcomeEvent,
    pretty_json,
)

__all__ = ["SUMMED_UP", "Assembly", "TurnAssembler"]

_RECOVERED: Final = "assistant_output_recovered_from_state"
_LIMIT_MARK: Final = "Turn limit reached ("


class Assembly(Struct, frozen=True, kw_only=True):
    """What a turn gave."""

    outcome: TurnOutcome
    """How it ended."""
    assistant_output: AssistantOutput
    """The answer."""
    execution: ExecutionSummary
    """What it ran."""
    children_usage: tuple[TokenLedgerEntry, ...]
    """What child sessions used."""
    tool_calls: tuple[ToolCallRecord, ...]
    """Tool calls in order."""
    errors: tuple[TurnIssue, ...]
    """What went wrong."""


class TurnAssembler(Struct):
    """Listens to the events of a turn, holds its activities, and sums them up at the end."""

    activities: list[TurnActivity] = field(default_factory=list)
    """What the turn did so far, in order; whoever sends them appends."""
    _tool_calls: list[ToolCallRecord] = field(default_factory=list)
    _errors: tuple[TurnIssue, ...] = ()
    _children: dict[tuple[str, str, str], ChildTokenUsageEvent] = field(default_factory=dict)
    _outcome: TurnOutcome | None = None
    _done: bool = False

    def on_event(self, event: SessionEvent) -> None:
        """Take a session event into account."""
        take = _TAKES.get(type(event))
        if take is not None:
            take(self, event)

    def _on_tool_call(self, event: ToolCallEvent) -> None:
        record = ToolCallRecord(
            call_id=event.call_id,
            tool=event.name,
            args=event.args,
            output=event.output,
            duration_ms=event.duration_ms,
        )
        self._tool_calls.append(record)

    def _on_error(self, event: ErrorEvent) -> None:
        self._errors += (_issue(event),)

    def _on_child_usage(self, event: ChildTokenUsageEvent) -> None:
        self._children[(event.session_id, event.source, event.model)] = event

    def _on_outcome(self, event: TurnOutcomeEvent) -> None:
        self._outcome = event.outcome

    def _on_done(self, _: DoneEvent) -> None:
        self._done = True

    def assemble(self, messages: Sequence[Message], *, cancelled: bool, missing_done_fails: bool) -> Assembly:
        """Return what the turn gave; `messages` are those of the session at its end."""
        raw, recovered = self._raw_text(messages)
        safe = "\n".join(line.rstrip() for line in raw.split("\n")).strip()
        issues = [*self._errors, *([_recovery_issue()] if recovered else [])]
        outcome = self._decided(safe, issues, messages, cancelled=cancelled, missing_done_fails=missing_done_fails)
        blocking = any(issue.code != _RECOVERED for issue in issues)
        return Assembly(
            outcome=outcome,
            assistant_output=AssistantOutput(safe_text=safe, raw_text=raw, state=_state(raw, safe, blocking=blocking)),
            execution=ExecutionSummary(had_tool_calls=bool(self._tool_calls)),
            children_usage=self._children_usage(),
            tool_calls=tuple(self._tool_calls),
            errors=tuple(issues),
        )

    def _raw_text(self, messages: Sequence[Message]) -> tuple[str, bool]:
        """Return the answer and whether it had to be looked up in the session's messages."""
        finish = self._outcome.finished if self._outcome else None
        if finish is not None and finish.submitted_value is not None:
            return _rendered(finish.submitted_value.value), False
        prose = self._last_prose()
        if prose is not None:
            return prose, False
        if finish is not None and finish.assistant_message is not None:
            return finish.assistant_message.text, False
        found = _latest_answer(messages)
        return found or "", bool(found)

    def _last_prose(self) -> str | None:
        """Return the text of the reply whose text came last."""
        said = [
            (each.correlation_id, event.text)
            for each in self.activities
            if type(event := each.event) is AssistantProseDelta
        ]
        if not said:
            return None
        last = said[-1][0]
        return "".join([text for reply, text in said if reply == last])

    def _decided(
        self,
        safe: str,
        issues: list[TurnIssue],
        messages: Sequence[Message],
        *,
        cancelled: bool,
        missing_done_fails: bool,
    ) -> TurnOutcome:
        if cancelled:
            return TurnOutcome.stop("cancelled")
        if self._outcome is not None:
            finish = self._outcome.finished
            answered = finish is not None and finish.assistant_message is not None
            return TurnOutcome.answered(safe) if answered else self._outcome
        if not self._done and missing_done_fails:
            issues.append(TurnIssue(kind="runtime", code="missing_done", message="the turn ended without a done event"))
            return TurnOutcome.stop("runtime_error")
        if any(issue.code != _RECOVERED for issue in issues):
            failed = any(record.output.status == "failure" for record in self._tool_calls)
            return TurnOutcome.stop("tool_failure" if failed else "runtime_error")
        limited = any(m.role == "System" and any(_LIMIT_MARK in p.content for p in m.parts) for m in messages[-8:])
        return TurnOutcome.stop("max_turns") if limited else TurnOutcome.answered(safe)

    def _children_usage(self) -> tuple[TokenLedgerEntry, ...]:
        if not self._children:
            return ()
        rows = merged(
            (), (TokenLedgerEntry(source=e.source, model=e.model, usage=e.cumulative) for e in self._children.values())
        )
        return tuple(sorted(rows, key=lambda row: (row.source, row.model)))


_TAKES: Final[Mapping[type[SessionEvent], Callable[[TurnAssembler, Any], None]]] = {
    ToolCallEvent: TurnAssembler._on_tool_call,  # noqa: SLF001 - the table of this module's own class
    ErrorEvent: TurnAssembler._on_error,  # noqa: SLF001 - as above
    ChildTokenUsageEvent: TurnAssembler._on_child_usage,  # noqa: SLF001 - as above
    TurnOutcomeEvent: TurnAssembler._on_outcome,  # noqa: SLF001 - as above
    DoneEvent: TurnAssembler._on_done,  # noqa: SLF001 - as above
}
"""What the assembler does with the session events that say what a turn gave."""
SUMMED_UP: Final = frozenset(_TAKES)
"""The kinds of those events; of others it need not be told."""


def _issue(event: ErrorEvent) -> TurnIssue:
    envelope = event.envelope
    if envelope is None:
        return TurnIssue(kind="runtime", message=event.message)
    return TurnIssue(
        kind=envelope.kind,
        code=envelope.code,
        terminal_reason=envelope.terminal_reason,
        message=event.message,
        raw=envelope.raw,
    )


def _recovery_issue() -> TurnIssue:
    return TurnIssue(kind="runtime", code=_RECOVERED, message="the answer was taken from the session's last message")


def _rendered(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else pretty_json(value)


def _latest_answer(messages: Sequence[Message]) -> str | None:
    for message in reversed(messages):
        if message.role == "User":
            return None
        if message.role == "Assistant":
            return "".join(part.content for part in message.parts if part.kind in ("Text", "Prose", "Image")) or None
    return None


def _state(raw: str, safe: str, *, blocking: bool) -> AssistantOutputState:
    if not raw:
        return "empty_output"
    return "recovered_from_error" if safe and blocking else "usable"
