"""Trace records: real lines of the reference come back byte for byte."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from lash_nb.wire import (
    AttachmentRef,
    Custom,
    ErrorActivity,
    MediaType,
    RetryNever,
    ToolCallOutput,
    ToolFailed,
    ToolFailure,
    ToolSuccess,
    ToolValue,
    TraceContext,
    TraceRecord,
    TraceToolCallOutput,
    TurnActivity,
    from_builtins,
    from_json,
    to_builtins,
    to_json,
)

STATION: Final = Path(__file__).resolve().parents[2] / "notebooks" / "data" / "station.trace.jsonl"


def _lines() -> Iterator[bytes]:
    yield from STATION.read_bytes().splitlines()


def test_real_trace_is_reproduced() -> None:
    """Every line that real lash wrote is read as a record and written with the same bytes."""
    different = [number for number, line in enumerate(_lines(), 1) if to_json(from_json(line, TraceRecord)) != line]
    assert different == []


def test_flat_record_is_flat_everywhere() -> None:
    """Record and event stand side by side in text and in dicts, the event behind the context."""
    record = TraceRecord(
        schema_version=2, id="i", timestamp="t", context=TraceContext(session_id="s"), event=Custom(name="n", payload=1)
    )
    flat = '{"schema_version":2,"id":"i","timestamp":"t","context":{"session_id":"s"},"type":"custom","name":"n","payload":1}'
    assert to_json(record).decode() == record.to_json().decode() == flat
    assert to_builtins(record) == record.to_builtins() == from_json(flat)
    assert from_json(flat, TraceRecord) == from_builtins(from_json(flat), TraceRecord) == record
    assert record.type == "custom"


def test_activity_is_flat() -> None:
    """An activity is its ids and its event in one object."""
    activity = TurnActivity(id="i", correlation_id="c", event=ErrorActivity(message="m"))
    assert to_builtins(activity) == {"id": "i", "correlation_id": "c", "type": "error", "message": "m"}
    assert from_builtins(to_builtins(activity), TurnActivity) == activity


_REF: Final = AttachmentRef(id="a", media_type=MediaType(type="png"), byte_len=1)
_FAILURE: Final = ToolFailure(class_="timeout", code="c", message="m", source="tool", retry=RetryNever())


@pytest.mark.parametrize(
    ("output", "written"),
    [
        (
            ToolCallOutput(outcome=ToolSuccess(payload=ToolValue({"b": 1}))),
            '{"outcome":{"status":"success","payload":{"b":1}}}',
        ),
        (
            ToolCallOutput(outcome=ToolSuccess(payload=ToolValue(_REF))),
            (
                '{"outcome":{"status":"success","payload":{"$lash_tool_value":"attachment","ref":'
                '{"byte_len":1,"id":"a","media_type":{"kind":"image","type":"png"}}}}}'
            ),
        ),
        (
            ToolCallOutput(outcome=ToolFailed(payload=_FAILURE)),
            '{"outcome":{"status":"failure","payload":{"class":"timeout","code":"c","message":"m","retry":{"type":"never"},"source":"tool"}}}',
        ),
    ],
)
def test_traced_output_is_a_free_value(output: ToolCallOutput, written: str) -> None:
    """What a tool gave is traced with sorted keys, records inside it too."""
    assert to_json(TraceToolCallOutput.of(output)).decode() == written
