"""What the stepper's page draws, as plain data: rail, envelope, conversation, state line. Small on purpose, cut aloud."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final, get_args

from lash_nb.errors import WireError
from lash_nb.plots import counted, duration, one_line, short_id, token_count
from lash_nb.views._drawn_reply import drawn_part, left_out
from lash_nb.views._effect_words import (
    QUIET,
    EffectRow,
    cause_text,
    describe,
    last_turn,
    python_of,
    replay_short,
    subject_of,
    turn_of,
    usage_of,
)
from lash_nb.views._fields import fields_of
from lash_nb.views._injection import forms
from lash_nb.views._json import call_text, pretty, pretty_capped
from lash_nb.views._small_pictures import SmallPictures, given_attachments
from lash_nb.views._steppable import Steppable
from lash_nb.views._turn_words import TurnLike, outcome_words, took_words, turn_state, usage_words
from lash_nb.wire import EffectEntry, Message, Part, RuntimeEffectKind, ToolCallCommand, from_json, to_builtins

__all__ = ["conversation", "envelope", "rail", "state", "turn_label", "turn_name"]

KINDS: Final[tuple[str, ...]] = (
    "llm_call",
    "tool_call",
    "exec_code",
    "process",
    "direct",
    "sleep",
    "checkpoint",
    "sync_execution_surface",
)
_ENDS: Final = {"completed": "success", "cancelled": "cancelled", "failed": "failed"}
"""The mark of a turn that is over."""
_UNDER_WAY: Final = {"running": "still running", "paused": "paused"}
"""What stands in place of the time of a turn that is not over: its cell may be."""
_NO_TURN: Final = "no turn"
_RAIL_LIMIT: Final = 200
_TALK_LIMIT: Final = 40
_TEXT_LIMIT: Final = 1_200

assert set(KINDS) == set(get_args(RuntimeEffectKind))  # noqa: S101 - the table above names every kind


def state(steppable: Steppable) -> dict[str, Any]:
    """Return the state line, the switches, and the places to continue to."""
    pending = steppable.pending
    stops = [] if steppable.is_kept else [{"kind": kind, "on": kind in steppable.stop_at} for kind in KINDS]
    return {
        "phase": steppable.state,
        "turn": turn_name(steppable),
        "kept": steppable.is_kept,
        "title": _title(steppable),
        "detail": _detail(steppable, pending),
        "mark": _mark(steppable),
        "empty": _empty(steppable),
        "kinds": list(KINDS[:4]),
        "stops": stops,
    }


def turn_name(steppable: Steppable) -> str:
    """Return the turn that the state is of, as a person calls it; empty before its first effect."""
    if steppable.state == "finished" and steppable.result is not None:
        return f"turn {steppable.result.turn_index}"
    of_turns = (entry for entry in reversed(steppable.entries) if turn_of(entry) is not None)
    last = next(of_turns, None) if steppable.state != "idle" else None
    is_newer = last is not None and (steppable.state == "finished" or last.order >= steppable.first_order)
    return turn_label(last) if last is not None and is_newer else ""


def _title(steppable: Steppable) -> str:
    """How it stands in a word; of a turn that is over how it ended."""
    if steppable.state == "finished" and steppable.result is not None:
        return outcome_words(steppable.result)
    return {"idle": "Idle", "running": "Running", "paused": "Paused", "finished": "Finished"}[steppable.state]


def _mark(steppable: Steppable) -> str:
    if steppable.state != "finished":
        return steppable.state
    return _ENDS[turn_state(steppable.result)] if steppable.result is not None else "idle"


def _empty(steppable: Steppable) -> str:
    """What stands where an envelope would."""
    if steppable.state != "finished":
        return "Nothing is pending."
    outcome = "" if steppable.result is not None else f": {_without_result(steppable.error)}"
    return f"The turn is over{outcome}. Click an effect to see it again; %%lash with a prompt below it begins the next turn."


def _without_result(error: BaseException | None) -> str:
    if error is None:
        return "no result"
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
        return "broken off, by Ctrl-C or whoever awaited it; what it had not committed is lost"
    return f"no result: {type(error).__name__}"


def _detail(steppable: Steppable, pending: EffectEntry | None) -> str:
    if steppable.state == "paused" and pending is not None:
        return f"before {pending.envelope.kind} {subject_of(pending.envelope)}"
    if steppable.state == "running":
        last = steppable.entries[-1] if steppable.entries else None
        if last is None or last.order < steppable.first_order:
            return "starting"
        return f"{last.envelope.kind} {subject_of(last.envelope)}"
    if steppable.state == "finished":
        return _end(steppable.result) if steppable.result is not None else _without_result(steppable.error)
    return 'start a turn: %lash step "…"'


def _end(result: TurnLike) -> str:
    return " · ".join(filter(None, (took_words(result), usage_words(result.usage))))


def rail(steppable: Steppable) -> dict[str, Any]:
    """Return the effects by turn, the last turns whole, and what is not shown."""
    entries = steppable.entries
    shown = entries[-_RAIL_LIMIT:]
    turns = [_rail_turn(label, list(group)) for label, group in groupby(_turn_by_turn(shown), turn_label)]
    under_way = _under_way(shown, steppable)
    for turn in turns:
        turn["open"] = steppable.is_kept
        if turn["label"] == under_way:
            turn |= {"open": True, "took": _UNDER_WAY[steppable.state]}
    return {"turns": turns, "notes": list(_rail_notes(entries, shown, steppable))}


def _under_way(shown: Sequence[EffectEntry], steppable: Steppable) -> str | None:
    """The label of the turn that is not over, once it has an effect."""
    if steppable.state not in _UNDER_WAY:
        return None
    of_turns = (entry for entry in reversed(shown) if turn_of(entry) is not None)
    last = next(of_turns, None)
    return turn_label(last) if last and last.order >= steppable.first_order else None


def _turn_by_turn(entries: Sequence[EffectEntry]) -> list[EffectEntry]:
    """Return a turn's effects together where its last one stands: a tool may have been tried beside it, which is of no turn."""
    turns = [turn_of(entry) for entry in entries]
    last = {turn: place for place, turn in enumerate(turns)}
    places = [place if turn is None else last[turn] for place, turn in enumerate(turns)]
    return [entries[place] for place in sorted(range(len(entries)), key=places.__getitem__)]


def turn_label(entry: EffectEntry) -> str:
    """Return the turn of an effect as a person calls it; effects outside of turns are of `no turn`."""
    scope = entry.envelope.invocation.scope
    if scope.turn_index is not None:
        return f"turn {scope.turn_index}"
    return f"turn {short_id(scope.turn_id)}" if scope.turn_id else _NO_TURN


def _rail_turn(label: str, entries: list[EffectEntry]) -> dict[str, Any]:
    rows = [describe(entry) for entry in entries]
    loud = [row for row in rows if not row.quiet]
    took = [entry.duration_ms for entry in entries if entry.duration_ms is not None]
    return {
        "label": label,
        "took": duration(sum(took)) if took else "",
        "open": False,
        "ticks": [row.kind for row in loud],
        "failed": sum(row.status in {"failed", "error"} for row in rows),
        "rows": [_row(row) for row in rows],
    }


def _row(row: EffectRow) -> dict[str, Any]:
    plain: dict[str, Any] = to_builtins(row)
    return plain


def _rail_notes(entries: Sequence[EffectEntry], shown: Sequence[EffectEntry], steppable: Steppable) -> Iterator[str]:
    loud = sum(entry.envelope.kind not in QUIET and entry.status not in {"pending", "running"} for entry in shown)
    waiting = ", 1 pending" if steppable.pending else ""
    yield f"{counted(loud, 'model and tool effect')} done{waiting}"
    if len(shown) < len(entries):
        yield f"the last {len(shown)} of {counted(len(entries), 'effect')}; all of them: session.effects"
    silent = [kind for kind in ("sync", "checkpoint") if not any(stop.startswith(kind) for stop in steppable.stop_at)]
    if silent:
        yield f"{' and '.join(silent)} pass without a stop"


def envelope(entry: EffectEntry | None, steppable: Steppable) -> dict[str, Any]:
    """Return everything about one effect: identity, fields, JSON, schema, outcome, and the forms that can answer it."""
    if entry is None:
        return {"order": -1, "kind": "", "pending": False, "fields": [], "inject": {}, "json": "", "hash": ""}
    whole = python_of(entry)
    pending = entry.status == "pending"
    invocation = entry.envelope.invocation
    schema = (
        steppable.tool_schema(subject_of(entry.envelope))
        if isinstance(entry.envelope.command, ToolCallCommand)
        else None
    )
    text, cut = pretty_capped(entry.envelope, whole=f"{whole}.envelope")
    outcome, outcome_cut = (
        pretty_capped(entry.outcome, whole=f"{whole}.outcome") if entry.outcome is not None else ("", "")
    )
    key = invocation.replay_key or ""
    return {
        "order": entry.order,
        "kind": entry.envelope.kind,
        "title": subject_of(entry.envelope) or entry.envelope.kind,
        "note": "" if pending else _note(entry),
        "pending": pending,
        "editable": isinstance(entry.envelope.command, ToolCallCommand),
        "whole": not cut,
        "replay_key": key,
        "replay_short": replay_short(key),
        "effect_id": invocation.effect_id or "",
        "hash": entry.envelope.hash(),
        "cause": cause_text(invocation.caused_by),
        "fields": to_builtins(fields_of(entry.envelope, schema)),
        "json": text,
        "cut": cut,
        "schema": pretty(schema) if schema else "",
        "outcome": outcome,
        "outcome_cut": outcome_cut,
        "pictures": SmallPictures(steppable.attachment_data).listed(given_attachments(entry)),
        "status": entry.status,
        "inject": to_builtins(forms(entry.envelope)) if pending else {},
    }


def _note(entry: EffectEntry) -> str:
    row = describe(entry)
    said = [row.status, row.origin, row.took, f"{entry.error.code}: {entry.error.message}" if entry.error else ""]
    return " · ".join(filter(None, said))


def conversation(steppable: Steppable) -> dict[str, Any]:
    """Return the end of what the model knows, and the tokens of the turn and of its last call."""
    messages = steppable.conversation()
    shown = messages[-_TALK_LIMIT:]
    items = [item for message in shown for item in _talk(message)]
    pending = steppable.pending
    if pending is not None and pending.envelope.kind == "tool_call":
        items.append({"role": "tool", "waiting": True, "text": ""})
    older = f"system and {counted(len(messages) - len(shown), 'earlier message')}" if len(shown) < len(messages) else ""
    return {**_tokens(steppable.entries), "older": older, "items": items}


def _tokens(entries: Sequence[EffectEntry]) -> dict[str, str]:
    """Count what the turn took; what the last call was asked with is how full the model's window is."""
    usages = [usage for entry in last_turn(entries) if (usage := usage_of(entry)) is not None]
    if not usages:
        return {"tokens": "", "last_call": ""}
    asked, said = (sum(getattr(usage, name) for usage in usages) for name in ("input_tokens", "output_tokens"))
    last = usages[-1]
    return {
        "tokens": f"{token_count(asked)} in · {token_count(said)} out",
        "last_call": f"in this turn; its last call {token_count(last.input_tokens)} in · {token_count(last.output_tokens)} out",
    }


def _talk(message: Message) -> Iterator[dict[str, Any]]:
    for part in message.parts:
        if part.kind == "ToolCall":
            yield {"role": "assistant", "mono": True, "name": part.tool_name or "", "text": f"({_call(part)})"}
        elif part.kind == "ToolResult":
            yield {"role": "tool", "mono": True, "text": _clipped(part.rendered())}
        elif part.rendered():
            said = drawn_part(message, part, limit=_TEXT_LIMIT) or {"text": _clipped(part.rendered())}
            yield {"role": message.role.lower(), **said}


def _call(part: Part) -> str:
    try:
        return call_text(from_json(part.content), 160)
    except WireError:
        return one_line(part.content, 160)


def _clipped(text: str) -> str:
    return f"{text[:_TEXT_LIMIT]}{left_out(text, _TEXT_LIMIT)}"
