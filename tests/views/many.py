"""Traces of any number of records, made fast and all alike."""

from pathlib import Path
from typing import Final

__all__ = ["many"]

EVENTS: Final = (
    ("turn_started", ""),
    (
        "llm_call_started",
        ',"request":{"model":"desk-model","messages":[{"role":"user","blocks":[{"kind":"text","text":"How is the weather?"}]}]}',
    ),
    (
        "llm_call_completed",
        ',"response":{"text":"Fine.","duration_ms":90},"usage":{"input_tokens":420,"output_tokens":26,"cached_input_tokens":0,"reasoning_tokens":0}',
    ),
    ("tool_call_started", ',"call_id":"c","name":"look","args":{"city":"Oslo"}'),
    (
        "tool_call_completed",
        ',"call_id":"c","name":"look","args":{},"output":{"outcome":{"status":"success","payload":1}},"duration_ms":30',
    ),
    ("turn_completed", ',"status":"completed","done_reason":"assistant_message"'),
)
"""What a turn consists of: a question, a tool call, an answer; ten records a second."""


def many(count: int, path: Path) -> Path:
    """Write a trace of this many records in turns of six."""
    with path.open("w", encoding="utf-8") as out:
        for number in range(count):
            turn, place = divmod(number, len(EVENTS))
            kind, members = EVENTS[place]
            minutes, second = divmod(number // 10, 60)
            hours, minute = divmod(minutes, 60)
            when = f"2026-11-{hours // 24 + 1:02}T{hours % 24:02}:{minute:02}:{second:02}.{number % 10}00000000+00:00"
            call = f',"llm_call_id":"l{turn}"' if "llm_call" in kind else ""
            context = f'{{"session_id":"main","turn_id":"turn-{turn}","turn_index":{turn + 1}{call}}}'
            out.write(
                f'{{"schema_version":2,"id":"r{number}","timestamp":"{when}","context":{context},"type":"{kind}"{members}}}\n'
            )
    return path
