"""Traces of long sessions in memory: each request holds the whole conversation before it, which is there once."""

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from lash_nb.frames import records_df
from lash_nb.trace import read_trace
from lash_nb.wire import (
    Custom,
    LlmCallStarted,
    SharedSequence,
    TraceContext,
    TraceEvent,
    TraceLlmMessage,
    TraceLlmRequest,
    TraceRecord,
    TraceTextBlock,
)


def record(number: int, event: TraceEvent) -> TraceRecord:
    """Return a record of a session."""
    return TraceRecord(
        schema_version=2,
        id=f"r{number}",
        timestamp=f"2026-01-01T00:00:00.{number:06}Z",
        context=TraceContext(session_id="long", turn_index=number),
        event=event,
    )


def requests(count: int, said: str = "Hi") -> Iterator[TraceRecord]:
    """Yield the records of as many requests, each a message longer."""
    messages = SharedSequence[TraceLlmMessage]()
    for number in range(count):
        block = TraceTextBlock(text=f"{said} {number}")
        messages = messages.extended([TraceLlmMessage(role="user", blocks=(block,))])
        request = TraceLlmRequest(model="m", messages=messages, tool_choice="auto", stream=False)
        yield record(number, LlmCallStarted(request=request))


def test_the_conversation_is_not_written_for_each_request() -> None:
    """Neither to find the records, nor to walk through them: what is made takes the memory of some requests, not of all."""
    records = list(requests(400, "x" * 500))
    tracemalloc.start()
    try:
        trace = read_trace(records)
        size = sum(len(one["request"]["messages"]) for one in trace.bodies([*range(0, 400, 8)]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size == sum(range(1, 401, 8))
    assert trace.size > 40_000_000
    assert peak < 8_000_000


@pytest.mark.parametrize("odd", ["custom", "bad", "empty", "nonsense"])
def test_it_is_the_trace_that_its_lines_would_be(odd: str) -> None:
    """Places, lengths and bodies are those of the whole lines, also beside what is no record."""
    others: dict[str, Any] = {
        "custom": record(7, Custom(name="é", payload={"a": [1.5, "\n"]})),
        "bad": b"{",
        "empty": b"",
        "nonsense": replace(next(requests(1)), timestamp="yesterday"),
    }
    records = [*requests(66), others[odd], *requests(90)]
    trace = read_trace(records)
    whole = read_trace(b"".join(_written(one) + b"\n" for one in records))

    assert records_df(trace).equals(records_df(whole))
    assert (list(trace), trace.size, trace.bad_lines) == (list(whole), whole.size, whole.bad_lines)
    assert [(one.line, one.offset, one.reason) for one in trace.errors] == [
        (one.line, one.offset, one.reason) for one in whole.errors
    ]


def test_it_reads_on() -> None:
    """As the session grows, its trace does, by what is new."""
    records = list(requests(200))
    growing = records[:90]
    trace = read_trace(growing)
    for upto in (91, 150, 200):
        growing += records[len(growing) : upto]
        trace.refresh()

    assert list(trace) == list(read_trace(records))


def _written(one: Any) -> bytes:
    return one if isinstance(one, bytes) else one.to_json()
