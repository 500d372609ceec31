"""Tables of single records and of spans, in traces of other releases, compared with what the records say."""

import pandas as pd
import pytest

from lash_nb.frames import (
    LLM_CALL_REQUEST,
    LLM_CALL_STREAM,
    RECORD_RELEASE,
    context_pressure_df,
    durable_df,
    llm_calls_df,
    other_records_df,
    prompts_df,
    records_df,
    spans_df,
    stream_events_df,
)
from tests.frames.golden import plain, records, trace_of


def test_stream_events_of_the_runtime_and_the_provider() -> None:
    """One row per piece with its number, its text and the bytes that came."""
    kinds = ("provider_request", "provider_stream_event", "runtime_stream_event")
    told = [(one["type"], one["event"]) for one in records("v7_types.jsonl") if one["type"] in kinds]
    frame = stream_events_df(trace_of("v7_types.jsonl"))

    assert list(frame["kind"]) == [kind for kind, _ in told]
    assert plain(frame["sequence"]) == [event.get("sequence") for _, event in told]
    assert plain(frame["text"]) == [event.get("visible_text") for _, event in told]
    assert plain(frame["raw_sha256"]) == [event.get("raw_sha256") or event.get("body_sha256") for _, event in told]
    assert list(frame["raw_json"]) == [event.get("raw_json", event.get("body_json")) for _, event in told]


def test_pressure_on_the_context() -> None:
    """What was needed and what was left out, under the names that a release had for it."""
    told = [one for one in records("v7_compaction.jsonl") if one["type"].startswith("rolling_history_")]
    frame = context_pressure_df(trace_of("v7_compaction.jsonl"))

    assert list(frame["kind"]) == [
        one["type"].replace("rolling_history_prompt", "prompt_view").replace("rolling_history_", "") for one in told
    ]
    assert plain(frame["used_tokens"]) == [one.get("context_budget_tokens") for one in told]
    for column, member in (
        ("max_context_tokens", "max_context_tokens"),
        ("threshold_tokens", "threshold_tokens"),
        ("dropped_messages", "dropped_prefix_messages"),
        ("retained_messages", "retained_messages"),
    ):
        assert plain(frame[column]) == [one.get(member) for one in told]


def test_durable_hosts() -> None:
    """Effects in the journal, waits, timers and segments as version 3 tells of them."""
    told = [
        one for one in records("v3_types.jsonl") if one["type"].startswith(("journaled_", "durable_", "store_error"))
    ]
    frame = durable_df(trace_of("v3_types.jsonl"))
    frame = frame[frame["kind"] != "effect_envelope_diff"]

    assert list(frame["kind"]) == [one["type"] for one in told]
    assert plain(frame["effect_kind"]) == [one.get("effect_kind") for one in told]
    assert plain(frame["effects_executed"]) == [one.get("effects_executed") for one in told]
    names = [
        one.get("effect_name") or one.get("wait_kind") or one.get("operation") or one.get("reason") for one in told
    ]
    assert plain(frame["name"]) == names


def test_prompts_and_compositions() -> None:
    """A prompt that was built has a hash; one that a session has from here on its text and tools, too."""
    told = [one for one in records("v7_types.jsonl") if one["type"] in ("prompt_built", "composition_changed")]
    frame = prompts_df(trace_of("v7_types.jsonl"))

    assert list(frame["prompt_hash"]) == [one.get("prompt_hash", one.get("fingerprint")) for one in told]
    assert plain(frame["prompt_text"]) == [one.get("rendered_system_prompt") for one in told]
    assert plain(frame["prompt_chars"]) == [one.get("prompt_chars") for one in told]
    assert plain(frame["components"]) == [len(one["components"]) if "components" in one else None for one in told]
    assert plain(frame["tools"]) == [len(one["tool_schemas"]) if "tool_schemas" in one else None for one in told]


def test_records_that_no_other_table_has() -> None:
    """Custom records and unknown kinds with everything that they say."""
    frame = other_records_df(trace_of("v36_byhand.jsonl"))
    by_row = records("v36_byhand.jsonl")

    assert not frame["is_known"].iloc[-1]
    for _, row in frame.iterrows():
        body = by_row[row["order"]]
        assert (row["type"], row["id"], row["context"]) == (body["type"], body["id"], body.get("context"))
        head = ("schema_version", "id", "timestamp", "content", "context", "type")
        assert row["members"] == {name: value for name, value in body.items() if name not in head}


def test_withheld_is_not_empty() -> None:
    """A record whose content the host withheld is flagged in every table that it is a row of."""
    withheld = [row for row, one in enumerate(records("v36_byhand.jsonl")) if one.get("content") == "omitted"]
    trace = trace_of("v36_byhand.jsonl")
    frame = records_df(trace)

    assert list(frame.loc[frame["is_withheld"], "order"]) == withheld != []
    assert set(llm_calls_df(trace).query("is_withheld")["order"]) <= set(withheld)


@pytest.mark.parametrize("name", ["v7_subagent.jsonl", "v2_alpha110_two_sessions.jsonl", "v7_types.jsonl"])
def test_spans_are_the_tree_row_by_row(name: str) -> None:
    """Each span follows the one in which it stands, one deeper; sessions are the roots."""
    trace = trace_of(name)
    frame = spans_df(trace)
    above: list[str] = []

    for _, row in frame.iterrows():
        del above[row["depth"] :]
        assert (above[-1] if above else None) == (None if pd.isna(row["parent_id"]) else row["parent_id"])
        above.append(row["id"])
    assert set(frame.loc[frame["depth"] == 0, "kind"]) == {"session"}
    assert len(frame) == sum(1 for root in trace.spans() for _ in root.walk())


def test_columns_of_requests_streams_and_releases() -> None:
    """Groups that no table has by default are there to be added."""
    name = "v7_streaming.jsonl"
    started = [one["request"] for one in records(name) if one["type"] == "llm_call_started"]
    ended = [one["stream_summary"] for one in records(name) if one["type"] == "llm_call_completed"]
    frame = llm_calls_df(trace_of(name), columns=(*LLM_CALL_REQUEST, *LLM_CALL_STREAM))

    assert list(frame["messages"]) == [len(one["messages"]) for one in started]
    assert plain(frame["text_delta_count"]) == [one["text_delta_count"] for one in ended]
    assert set(records_df(trace_of(name), columns=RECORD_RELEASE)["releases"]) == {"schema 7 (unreleased)"}
