"""Traces for the report: as long as a test wants, with failures of several sorts, and one in which every text is hostile."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from lash_nb.trace import Trace, read_trace
from tests.trace.lines import line, llm_end, llm_start, record, tool_end, tool_start

__all__ = ["QUESTION", "hostile_trace", "long_trace"]

QUESTION = "What about number {}?"


def long_trace(turns: int, *, filler: str = "") -> Trace:
    """A trace of so many turns, each with a question, a tool call and an answer; every tenth fails, in turn in one of three ways."""
    return read_trace(b"".join(map(line, (one for number in range(1, turns + 1) for one in _turn(number, filler)))))


def _turn(number: int, filler: str) -> Iterator[dict[str, Any]]:
    way = number // 10 % 3 if number % 10 == 0 else None
    at = number * 0.001
    message = {"role": "user", "blocks": [{"kind": "text", "text": QUESTION.format(number)}]}
    yield record(at, "turn_started", turn=number)
    start = llm_start(at + 0.0001, f"c{number}", turn=number)
    yield {**start, "request": {"model": "m", "messages": [message]}}
    yield llm_end(
        at + 0.0002, f"c{number}", turn=number, response={"text": f"Answer {number}. {filler}", "duration_ms": number}
    )
    yield tool_start(at + 0.0003, "t1", turn=number)
    failure = {"class": "external", "code": f"sort_{way}", "message": f"tool said {way}"}
    status = "failure" if way in (0, 1) else "success"
    yield tool_end(at + 0.0004, "t1", status, turn=number, payload=failure if way in (0, 1) else {"n": number})
    ending = (
        {"status": "failed", "done_reason": "max_turns"}
        if way == 2
        else {"status": "completed", "done_reason": "assistant_message"}
    )
    yield record(at + 0.0005, "turn_completed", turn=number, **ending)


def hostile_trace(texts: Iterable[str]) -> Trace:
    """A trace in which every text that a model, a tool or a host can write is one of these, and whose lines are bad in their words, too."""
    lines: list[bytes] = []
    for number, evil in enumerate(texts):
        lines += [json.dumps(one).encode() + b"\n" for one in _hostile_turn(number, evil)]
        lines.append(json.dumps([evil]).encode() + b"\n")
    return read_trace(b"".join(lines), name="".join(texts)[:2000])


def _hostile_turn(number: int, evil: str) -> Iterator[dict[str, Any]]:
    context = {
        "session_id": evil,
        "turn_id": f"{number}{evil}",
        "turn_index": number,
        "llm_call_id": f"{number}{evil}",
        "effect_id": evil,
    }
    head = {"schema_version": 2, "id": evil, "timestamp": "2026-11-21T15:07:40Z", "context": context}
    blocks = [{"kind": "text", "text": evil}]
    yield {**head, "type": "turn_started"}
    yield {
        **head,
        "type": "llm_call_started",
        "request": {"model": evil, "messages": [{"role": "user", "blocks": blocks}]},
    }
    parts = [{"type": "reasoning", "text": evil}, {"type": "tool_call", "tool_name": evil}]
    yield {
        **head,
        "type": "llm_call_completed",
        "response": {"text": evil, "duration_ms": 1, "terminal_reason": evil, "parts": parts},
    }
    for place, (status, payload) in enumerate(
        [("success", {evil: [evil]}), ("failure", {"code": evil, "message": evil}), ("cancelled", {"message": evil})]
    ):
        call = {"call_id": f"{place}{evil}", "name": evil, "args": {evil: evil, "a": {"b": evil}}}
        yield {
            **head,
            "type": "tool_call_completed",
            **call,
            "output": {"outcome": {"status": status, "payload": payload}},
            "duration_ms": 1,
        }
    yield {**head, "type": "llm_call_failed", "error": {"code": evil, "message": evil}}
    yield {**head, "type": evil or "x", "schema_version": 99}
    yield {**head, "type": "turn_completed", "status": "failed" if number % 2 else evil, "done_reason": evil}
