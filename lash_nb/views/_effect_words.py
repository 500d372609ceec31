"""An effect in words: what it is called, what it is about, how it ended, who asked for it. One place for rail, tables, cards and text."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any, Final

import msgspec

from lash_nb.plots import counted, duration, short_id
from lash_nb.views._json import call_text
from lash_nb.wire import (
    CausalEffect,
    CausalRef,
    CheckpointCommand,
    DirectCommand,
    EffectEntry,
    ExecCodeCommand,
    LlmCallCommand,
    LlmUsage,
    ProcessEffectCommand,
    RuntimeEffectEnvelope,
    SleepCommand,
    SyncExecutionSurfaceCommand,
    ToolCallCommand,
)

__all__ = [
    "EffectRow",
    "arguments",
    "cause_text",
    "describe",
    "failure_of",
    "last_turn",
    "python_of",
    "replay_short",
    "short_kind",
    "subject_of",
    "turn_of",
    "usage_of",
]

_SHORT_KINDS: Final = {"llm_call": "llm", "tool_call": "tool", "sync_execution_surface": "sync", "exec_code": "code"}
_MARKS: Final = {
    "ok": "success",
    "failed": "failed",
    "error": "failed",
    "cancelled": "cancelled",
    "running": "running",
    "pending": "",
}
QUIET: Final = frozenset({"checkpoint", "sync_execution_surface"})
"""Kinds that a person rarely looks at: muted in the rail."""


class EffectRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line about an effect."""

    order: int
    """Position in the session, from 1."""
    kind: str
    """Effect kind."""
    word: str
    """The kind as one short word."""
    what: str
    """What it is about: model, tool, checkpoint."""
    mark: str
    """Name of the mark that stands for the status; empty while pending."""
    status: str
    """How it ended, in words."""
    took: str
    """Duration with its unit, `now` while pending."""
    pending: bool
    """Whether it waits for a decision."""
    quiet: bool
    """Whether it is housekeeping."""
    origin: str
    """`injected`, `edited` or `replayed`; empty when it was simply executed."""


def describe(entry: EffectEntry) -> EffectRow:
    """Return the line about `entry`."""
    kind = entry.envelope.kind
    return EffectRow(
        order=entry.order,
        kind=kind,
        word=short_kind(kind),
        what=subject_of(entry.envelope),
        mark=_MARKS[entry.status],
        status=entry.status,
        took="now" if entry.status == "pending" else duration(entry.duration_ms),
        pending=entry.status == "pending",
        quiet=kind in QUIET,
        origin="" if entry.origin == "executed" else entry.origin,
    )


def last_turn(entries: Sequence[EffectEntry]) -> list[EffectEntry]:
    """Return the effects of the turn to which the last one belongs, found from the end: the session may be long.

    What was done beside the turn, as a tool that was tried, is not among them.
    """
    if not entries:
        return []
    turn = turn_of(entries[-1])
    near = takewhile(lambda entry: turn_of(entry) in (turn, None), reversed(entries))
    return [entry for entry in near if turn_of(entry) == turn][::-1]


def turn_of(entry: EffectEntry) -> str | None:
    """Return the id of an effect's turn; None of what is done outside of turns."""
    return entry.envelope.invocation.scope.turn_id


def python_of(entry: EffectEntry) -> str:
    """Return the expression that gives an effect of `session`; one that waits is not among those that were handed over."""
    return "session.stepper.pending" if entry.status == "pending" else f"session.effects[{entry.order - 1}]"


def short_kind(kind: str) -> str:
    """Return the kind as one word: `llm`, `tool`, `sync`."""
    return _SHORT_KINDS.get(kind, kind)


def subject_of(envelope: RuntimeEffectEnvelope) -> str:
    """Return what an envelope is about: the model, the tool, the checkpoint."""
    match envelope.command:
        case LlmCallCommand(request=request) | DirectCommand(request=request):
            text = request.model
        case ToolCallCommand(call=call):
            text = call.tool_name
        case CheckpointCommand(checkpoint=checkpoint):
            text = checkpoint
        case SleepCommand(duration_ms=milliseconds):
            text = duration(milliseconds)
        case ExecCodeCommand(code=code):
            text = counted(code.count("\n") + 1, "line")
        case SyncExecutionSurfaceCommand():
            text = "surface"
        case ProcessEffectCommand(command=command):
            text = str(command.__struct_config__.tag)
    return text


def arguments(envelope: RuntimeEffectEnvelope, limit: int = 60) -> str:
    """Return a tool call's arguments in one line; empty for other effects."""
    return call_text(envelope.command.call.args, limit) if isinstance(envelope.command, ToolCallCommand) else ""


def cause_text(cause: CausalRef | None) -> str:
    """Return who asked for an effect, e.g. `effect 6` or `tool_call call_11`; empty when nobody is named."""
    if cause is None:
        return ""
    kind = str(cause.__struct_config__.tag)
    if isinstance(cause, CausalEffect):
        return f"{kind} {cause.effect_id}"
    last = cause.__struct_fields__[-1]
    return f"{kind} {short_id(str(getattr(cause, last)))}"


def replay_short(key: str) -> str:
    """Return the end of a replay key, which is what tells effects of one turn apart: `…tool_call:7:call_06`."""
    parts = key.split(":")
    return key if len(parts) <= 3 else "…" + ":".join(parts[-3:])


def usage_of(entry: EffectEntry) -> LlmUsage | None:
    """Return the tokens of a model effect that succeeded."""
    result: Any = getattr(entry.outcome, "result", None)
    usage = getattr(getattr(result, "Ok", None), "usage", None)
    return usage if isinstance(usage, LlmUsage) else None


def failure_of(entry: EffectEntry) -> tuple[str, str] | None:
    """Return code and message of what went wrong, wherever it stands in the outcome."""
    if entry.error is not None:
        return entry.error.code, entry.error.message
    result: Any = getattr(entry.outcome, "result", None)
    if entry.status not in {"failed", "cancelled"} or result is None:
        return None
    tool = getattr(getattr(getattr(result, "output", None), "outcome", None), "payload", None)
    wrong = tool if tool is not None else getattr(result, "Err", None)
    if isinstance(wrong, str):
        return "", wrong
    return getattr(wrong, "code", None) or "", getattr(wrong, "message", "")
