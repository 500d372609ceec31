"""Traces that lash wrote, and records built short."""

import json
from pathlib import Path
from typing import Any, Final

DATA: Final = Path(__file__).parent / "data"
"""Small traces of real runs: two sessions, one dropped in the middle of a turn, one with text of many scripts."""
STATION: Final = Path(__file__).parents[2] / "notebooks" / "data" / "station.trace.jsonl"
"""The weather desk, as the notebooks show it."""


def record(at: float, kind: str, *, session: str | None = "s", turn: int | None = 1, **members: Any) -> dict[str, Any]:
    """A record of schema version 2, `at` seconds after a fixed moment; `context` members are added to the usual ones."""
    context: dict[str, Any] = {"session_id": session} if session else {}
    if turn is not None:
        context |= {"turn_id": f"turn-{turn}", "turn_index": turn, "protocol_iteration": 0}
    context |= members.pop("context", {})
    stamp = f"2026-11-21T15:00:{at:012.9f}+00:00"
    return {"schema_version": 2, "id": f"r{at}", "timestamp": stamp, "context": context, "type": kind, **members}


def line(members: dict[str, Any]) -> bytes:
    """A record as one line with its line feed, non-ASCII text raw."""
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def whole_lines(data: bytes) -> list[bytes]:
    """The lines of a file that are not empty; a line ends at a line feed and nowhere else."""
    return [one for one in data.split(b"\n") if one.strip()]


def tool_end(at: float, call_id: str | None, status: str, *, turn: int = 1, **members: Any) -> dict[str, Any]:
    """The end of a tool call."""
    outcome = {"status": status, "payload": members.pop("payload", None)}
    ends = {"call_id": call_id, "name": "t", "args": {}, "output": {"outcome": outcome}, "duration_ms": 5}
    return record(at, "tool_call_completed", turn=turn, **{**ends, **members})


def tool_start(at: float, call_id: str | None, *, turn: int = 1, **members: Any) -> dict[str, Any]:
    """The start of a tool call."""
    return record(at, "tool_call_started", turn=turn, **{"call_id": call_id, "name": "t", "args": {}, **members})


def llm_start(at: float, call: str, **members: Any) -> dict[str, Any]:
    """The start of a model call."""
    return record(
        at, "llm_call_started", context={"llm_call_id": call, "effect_id": "2"}, request={"model": "m"}, **members
    )


def llm_end(at: float, call: str, **members: Any) -> dict[str, Any]:
    """The end of a model call that went well."""
    usage = {"input_tokens": 10, "output_tokens": 2, "cached_input_tokens": 4, "reasoning_tokens": 0}
    ends = {"response": {"text": "hi", "duration_ms": 70, "terminal_reason": "stop"}, "usage": usage}
    return record(at, "llm_call_completed", context={"llm_call_id": call, "effect_id": "2"}, **{**ends, **members})
