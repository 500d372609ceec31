"""Attempts, and rows of single records: prompts, streams, pressure on the context, durable effects, all the rest."""

from functools import cache
from typing import Any

import msgspec
import pytest

from lash_nb.trace import ContextPressure, DurableEvent, OtherRecord, Prompt, StreamEvent, Usage, read_trace
from lash_nb.trace._notes import Note
from tests.trace.golden import golden, golden_files
from tests.trace.lines import record


def test_attempts_of_a_retried_model_call() -> None:
    """Two tries: why the first failed, how long lash waited, what the second took."""
    first, second = golden("v7_provider_retry").attempts

    assert (first.of_tool, first.ordinal, first.outcome, first.llm_call_id) == (False, 1, "failed", "main:1:0:0")
    assert "retry" in (first.reason or "")
    assert first.delay_ms is not None
    assert (second.ordinal, second.outcome, second.reason) == (2, "completed", None)


def test_attempts_of_later_versions() -> None:
    """Costs, tokens, the served model and what became of settings, as version 35 tells them."""
    first, second, third = golden("v25_to_v35_byhand").attempts[-3:]

    assert (first.charge, first.charge_reason, first.tokens_at_stake) == ("denied", "duplicate_cost_limit_exceeded", 42)
    assert (second.charge, second.tokens_at_stake) == ("authorized", 2**64 - 1)
    assert (third.served_model, third.provider_request_id, third.usage_disposition) == ("m-2026", "req-1", "reported")
    assert third.usage == Usage(uncached_input=10, cache_read=1, cache_write=2, output=5, reasoning=3)
    assert third.generation_disposition["seed"] == "omitted_unsupported"


def test_attempts_of_tools_in_version_36() -> None:
    """They are told in a detail, with the failure taken apart."""
    first, second = [one for one in golden("v36_byhand").attempts if one.of_tool]

    assert (first.outcome, first.error_class, first.error_code, first.reason) == (
        "failed",
        "timeout",
        "slow",
        "took too long",
    )
    assert (second.ordinal, second.outcome, second.delay_ms) == (2, "completed", None)


def test_an_attempt_told_when_it_ended_and_again_with_its_call_is_one() -> None:
    """Version 36 writes a record of its own for each try of a model call."""
    call: dict[str, Any] = {"context": {"llm_call_id": "x"}}
    alone: dict[str, Any] = {"observation": {"request_model": "m", "started_at_ms": 5, "ended_at_ms": 9}}
    records = [
        record(
            1,
            "llm_attempt_completed",
            **call,
            **alone,
            attempt={"ordinal": 1, "duration": {"secs": 1, "nanos": 500_000_000}},
        ),
        record(2, "llm_attempt_completed", **call, **alone, attempt=2),
        record(
            3, "llm_call_completed", **call, response={}, attempts=[{"ordinal": 1, "outcome": {"outcome": "failed"}}]
        ),
    ]
    attempts = read_trace([{**one, "schema_version": 36} for one in records]).attempts

    assert [(one.row, one.ordinal, one.outcome, one.started_at_ms) for one in attempts] == [
        (1, 2, None, 5),
        (2, 1, "failed", None),
    ]
    assert read_trace([{**records[0], "schema_version": 36}]).attempts[0].duration_ms == 1500


def test_releases_tell_of_no_attempts() -> None:
    """That is not one attempt: nothing is known of it."""
    assert golden("v2_provider_retry").attempts == ()
    assert golden("std_retry_safe_second").attempts == ()


@cache
def filled_fields() -> frozenset[tuple[type[Note], str]]:
    """The fields of rows that some golden record fills."""
    names = {"prompts", "stream_events", "context_pressure", "durable_events", "others"}
    traces = [golden(name) for name in golden_files() if "types" in name or "byhand" in name]
    return frozenset(
        (type(row), one.name)
        for trace in traces
        for table in names
        for row in getattr(trace, table)
        for one in msgspec.structs.fields(row)
        if getattr(row, one.name) is not None
    )


@pytest.mark.parametrize("row_type", [Prompt, StreamEvent, ContextPressure, DurableEvent, OtherRecord])
def test_each_field_of_a_row_is_filled_somewhere(row_type: type[Note]) -> None:
    """No field is misspelt: some golden record fills each."""
    names = {one.name for one in msgspec.structs.fields(row_type)}

    assert {name for name in names if (row_type, name) not in filled_fields()} <= {"llm_call_id"}


def test_prompts() -> None:
    """What a prompt is known by, and since version 5 its whole text with the tools."""
    built, changed = golden("v7_one_tool").prompts[:2]

    assert (built.kind, built.prompt_text, built.prompt_chars) == ("prompt_built", None, 48)
    assert (changed.kind, len(changed.prompt_text or "")) == ("composition_changed", 48)
    assert [tool["name"] for tool in changed.tools or ()] == ["batch", "weather"]
    assert changed.turn_index == 1


def test_pressure_on_the_context_is_told_alike() -> None:
    """Kinds and members that were renamed are the same row."""
    rows = [
        [(row.kind, row.used_tokens, row.dropped_messages) for row in golden(name).context_pressure if row.used_tokens]
        for name in ("v7_compaction", "v25_to_v35_byhand")
    ]

    assert rows[0][:2] == [("compaction_needed", 9300, None), ("prompt_view_pruned", 9300, 2)]
    assert {row[:2] for row in rows[1]} >= {("compaction_needed", 30000), ("prompt_view_pruned", 30000)}


def test_streams_are_told_alike() -> None:
    """What came and what was sent: names, text, bytes and tokens, whatever the release calls them."""
    for name in ("v2_alpha9_types", "v2_types", "v7_types", "v36_byhand"):
        rows = golden(name).stream_events

        assert {row.kind for row in rows if row.partial_usage} <= {"runtime_stream_event"}
        assert any(row.stream_text for row in rows)
        assert any(row.raw_json is not None and row.raw_len for row in rows)
        assert any(isinstance(row.tool_name, str) and row.input_json is not None for row in rows)
    assert {row.direction for row in golden("v36_byhand").stream_events if row.kind == "provider_event"} == {
        "request",
        "response",
    }


def test_rows_are_made_when_they_are_asked_for() -> None:
    """One row, some of them, or all; each is made from its record alone."""
    rows = golden("v7_types").stream_events

    assert rows[0] == next(iter(rows))
    assert list(rows[2:4]) == list(rows)[2:4]
    assert rows[-1].order == rows.rows[-1]
    assert repr(rows) == f"<{len(rows)} × StreamEvent>"


def test_others_are_whatever_nothing_else_tells_of() -> None:
    """Custom records, steps of plugins, and types that nobody knows, counted aloud."""
    trace = golden("v36_byhand")
    unknown = [row for row in trace.others if not row.is_known]

    assert [(row.type, row.kind) for row in unknown] == [("a_kind_of_tomorrow", "a_kind_of_tomorrow")]
    assert trace.unknown == 1
    assert "1 record of another release, shown raw, 1 record with texts withheld" in str(trace.summary())
    assert trace[unknown[0].order]["anything"] == [1]
    assert [row.name for row in golden("v7_compaction").others] == ["session_graph.read_projection"] * 2


def test_a_version_of_tomorrow_is_read_as_far_as_it_goes() -> None:
    """What has the members that are known here is a turn and a call, and still counted as unknown."""
    trace = read_trace(
        [
            {**record(1, "turn_started"), "schema_version": 99},
            {**record(2, "turn_completed", status="completed"), "schema_version": 99},
        ]
    )

    assert [turn.status for turn in trace.turns] == ["completed"]
    assert trace.unknown == 2
    assert str(trace.shapes[0]) == "schema 99 (newer than this package describes)"


def test_a_value_of_another_type_leaves_its_field_empty() -> None:
    """The record still has it."""
    trace = read_trace(
        [{**record(1, "compaction_needed", used_tokens="many", max_context_tokens=True), "schema_version": 29}]
    )
    (row,) = trace.context_pressure

    assert (row.used_tokens, row.max_context_tokens) == (None, None)
    assert trace[row.order]["used_tokens"] == "many"
