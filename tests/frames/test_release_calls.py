"""Tables of traces of other releases, compared with what their records say, whose members each test names itself."""

import json
from collections import Counter
from typing import Any

import pandas as pd
import pytest

from lash_nb.frames import (
    TRACE_TABLES,
    Column,
    attempts_df,
    code_blocks_df,
    execution_children_df,
    execution_edges_df,
    execution_nodes_df,
    executions_df,
    llm_calls_df,
    processes_df,
    tool_calls_df,
    turns_df,
    usage_df,
)
from lash_nb.frames._tokens import token_columns
from lash_nb.trace import read_trace
from tests.frames.golden import files, plain, records, trace_of

OLD_USAGES = ["v2_alpha9_types.jsonl", "v2_alpha77_types.jsonl"]
NEW_USAGES = ["v2_alpha110_types.jsonl", "v2_types.jsonl", "v7_types.jsonl"]
ALL = [
    *OLD_USAGES,
    *NEW_USAGES,
    "v3_types.jsonl",
    "v7_provider_retry.jsonl",
    "v8_to_v24_byhand.jsonl",
    "v36_byhand.jsonl",
]


TOKENS = {column.name for column in token_columns("usage")}


@pytest.mark.parametrize("name", ALL)
def test_tables_have_the_same_types_for_every_release(name: str) -> None:
    """Whatever wrote a trace, and when it is empty, each table has the same columns of the same types, but for sums beyond 64 bits."""
    trace, empty = trace_of(name), read_trace(b"")

    for table in TRACE_TABLES.values():
        types = table(empty).dtypes.to_dict()
        for column, cells in table(trace).items():
            is_large = column in TOKENS and not all(-(2**63) <= int(value) < 2**63 for value in cells.dropna())
            assert str(cells.dtype) == ("object" if is_large else str(types[column]))


def by_end(table: Any, name: str, kind: str) -> list[tuple[dict[str, Any], "pd.Series[Any]"]]:
    """The records of a kind, each with the row of the table that it ends."""
    ends = {row: one for row, one in enumerate(records(name)) if one["type"] == kind}
    frame = table(trace_of(name), columns=(*table.columns, Column("end_row", "span.end_row", "Int64"))).set_index(
        "end_row"
    )
    return [(one, frame.loc[row]) for row, one in ends.items()]


def usages(name: str) -> list[tuple[dict[str, int], "pd.Series[Any]"]]:
    """The usage of each model call with its row."""
    return [(one["usage"], row) for one, row in by_end(llm_calls_df, name, "llm_call_completed") if one.get("usage")]


@pytest.mark.parametrize("name", OLD_USAGES)
def test_tokens_that_held_cached_and_excluded_reasoning(name: str) -> None:
    """Until 0.1.0-alpha.78 the input held what was cached and the output lacked the reasoning."""
    for usage, row in usages(name):
        assert row["output_tokens"] == usage["output_tokens"] + usage["reasoning_tokens"]
        assert row["cached_input_tokens"] == usage["cached_input_tokens"]
        assert row["input_tokens"] == max(usage["input_tokens"], usage["cached_input_tokens"])
        assert pd.isna(row["cache_write_input_tokens"])
        assert row["is_approximate"] == (usage["reasoning_tokens"] != 0)
    assert usages(name)


@pytest.mark.parametrize("name", NEW_USAGES)
def test_tokens_that_exclude_the_cache(name: str) -> None:
    """Since 0.1.0-alpha.79 the input lacks what the cache had, and the output holds the reasoning."""
    for usage, row in usages(name):
        cached = usage["cache_read_input_tokens"] + usage["cache_write_input_tokens"]
        assert row["output_tokens"] == usage["output_tokens"]
        assert row["cache_write_input_tokens"] == usage["cache_write_input_tokens"]
        assert row["input_tokens"] == usage["input_tokens"] + cached
        assert not row["is_approximate"]
    assert usages(name)


@pytest.mark.parametrize("name", ["v7_provider_retry.jsonl", "v7_tool_retry.jsonl", "v4_types.jsonl", "v7_types.jsonl"])
def test_attempts_as_they_are_listed(name: str) -> None:
    """One row per entry of a record's list, in order, with what it says."""
    listed = [(row, one) for row, body in enumerate(records(name)) for one in body.get("attempts") or ()]
    evidence = [one.get("execution_evidence") or {} for _, one in listed]
    frame = attempts_df(trace_of(name))

    assert list(frame["order"]) == [row for row, _ in listed]
    assert listed
    for column in ("ordinal", "outcome", "duration_ms", "delay_ms", "reason"):
        assert plain(frame[column]) == [one.get(column) for _, one in listed]
    for column, member in (
        ("served_model", "served_model"),
        ("provider_request_id", "provider_request_id"),
        ("provider_response_id", "provider_response_id"),
        ("finish_reason", "provider_finish_reason"),
    ):
        assert plain(frame[column]) == [one.get(member) for one in evidence]


def test_calls_count_their_attempts_where_these_are_told() -> None:
    """A call of version 7 was tried as often as its list says; of version 2 nothing is known, which is not once."""
    retried, one, old = (f"v{name}.jsonl" for name in ("7_provider_retry", "7_tool_retry", "2_provider_retry"))

    assert list(llm_calls_df(trace_of(retried))["attempts"]) == [2]
    assert list(tool_calls_df(trace_of(one))["attempts"]) == [2]
    assert llm_calls_df(trace_of(old))["attempts"].isna().all()
    assert len(attempts_df(trace_of(old))) == 0


def test_turns_that_switch_and_go_on() -> None:
    """A turn that switched frames names the next one, and the turn that goes on names it."""
    ends = [one for one in records("v7_frame_switch.jsonl") if one["type"] == "turn_completed"]
    frame = turns_df(trace_of("v7_frame_switch.jsonl"))

    assert list(frame["status"]) == ["switched", "completed", "completed"]
    assert plain(frame["next_frame"]) == [ends[0]["agent_frame_switch"]["frame_key"], None, None]
    assert plain(frame["follows_turn_id"]) == [None, ends[0]["context"]["turn_id"], None]


def test_turns_that_somebody_cancelled() -> None:
    """Since version 8 the end of a turn says who cancelled it; their ends stand alone in this file, so each is a turn."""
    ends = [one["outcome"] for one in records("v8_to_v24_byhand.jsonl") if one["type"] == "turn_completed"]
    evidence = [one["evidence"] for one in ends if one["status"] == "cancelled"]
    frame = turns_df(trace_of("v8_to_v24_byhand.jsonl"))
    cancelled = frame[frame["status"] == "cancelled"]

    assert len(evidence) == len(cancelled) > 1
    for column, member in (
        ("cancel_request_id", "request_id"),
        ("cancel_origin", "origin"),
        ("cancel_reason", "reason"),
    ):
        assert plain(cancelled[column]) == [one.get(member) for one in evidence]
    assert frame.loc[frame["status"] != "cancelled", "cancel_request_id"].isna().all()


def test_failed_model_calls_of_every_release() -> None:
    """Codes, kinds and messages as far as a release writes them; the namespace stands apart from the code."""
    found = [(one["error"], row) for name in ALL for one, row in by_end(llm_calls_df, name, "llm_call_failed")]
    told = pd.DataFrame([row for _, row in found])

    assert plain(told["error_kind"]) == [one.get("failure_kind") for one, _ in found]
    assert plain(told["retryable"]) == [one.get("retryable") for one, _ in found]
    assert plain(told["error_message"]) == [one.get("message") for one, _ in found]
    assert plain(told["error_code"]) == [(one.get("code") or "").rpartition(":")[2] or None for one, _ in found]


def test_calls_made_by_code() -> None:
    """Calls that code made are flagged; the code block that made one lists it."""
    trace = trace_of("v7_rlm_two_steps.jsonl")
    calls, blocks = tool_calls_df(trace), code_blocks_df(trace)

    assert calls["is_by_code"].all()
    assert [call for ids in blocks["call_ids"] for call in ids] == list(calls["call_id"])
    assert not tool_calls_df(trace_of("v7_one_tool.jsonl"))["is_by_code"].any()


@pytest.mark.parametrize(
    "name", ["v7_rlm_two_steps.jsonl", "v2_rlm_two_steps.jsonl", "v2_alpha110_rlm_two_steps.jsonl"]
)
def test_code_blocks_of_protocol_steps(name: str) -> None:
    """Until version 8 a block is told by two steps of the protocol: code in the first, output in the second."""
    told = [
        one["payload"]["diagnostic"]
        for one in records(name)
        if one["type"] == "protocol_step" and "diagnostic" in one["payload"]
    ]
    started = [one["payload"] for one in told if one["phase"] == "exec_code_started"]
    ended = [one["payload"] for one in told if one["phase"] == "exec_code_completed"]
    frame = code_blocks_df(trace_of(name))

    assert list(frame["code"]) == [one["code"] for one in started]
    assert list(frame["code_chars"]) == [one["code_chars"] for one in started]
    for column in ("output", "output_chars", "observation_count", "duration_ms", "terminal_finish"):
        assert plain(frame[column]) == [one[column] for one in ended]
    assert list(frame["projections"]) == [one["observation_truncation"] for one in ended]
    assert set(frame["status"]) == {"completed"}


def test_code_blocks_of_records_of_their_own() -> None:
    """Since version 9 records of their own tell of code; each end has its output, each error its kind since version 15."""
    for one, row in by_end(code_blocks_df, "v36_byhand.jsonl", "exec_code_completed"):
        error = one["error"] or {"kind": None, "message": None}
        found = plain(row[["output", "error_kind", "error_message"]])
        assert found == [one["output"], error["kind"], error["message"]]


@pytest.mark.parametrize("number", [2, 7])
def test_executions_as_the_reference_reduces_them(number: int) -> None:
    """Executions, the ways between their steps and what they started are those of the reference's own graphs."""
    drawn = [json.loads(line) for line in files()[f"v{number}_graphs.jsonl"].splitlines()]
    for file in (one for one in drawn if one["file"].endswith(".lashlang.jsonl")):
        graphs, trace = file["graphs"], trace_of(file["file"])
        edges, children, executions = execution_edges_df(trace), execution_children_df(trace), executions_df(trace)

        assert sorted(executions["graph_key"]) == sorted(one["graph_key"] for one in graphs)
        assert dict(zip(executions["graph_key"], executions["status"], strict=True)) == {
            one["graph_key"]: one["status"] for one in graphs
        }
        assert list(
            zip(
                edges["graph_key"],
                edges["edge_id"],
                edges["from_node_id"],
                edges["to_node_id"],
                edges["selection"],
                strict=True,
            )
        ) == [
            (one["graph_key"], edge["id"], edge["from"], edge["to"], edge["selection"])
            for one in graphs
            for edge in one["edges"]
        ]
        assert sorted(children["child_key"]) == sorted(
            child["child_graph_key"] for one in graphs for child in one["children"]
        )
        assert set(children.loc[children["is_recorded"], "child_key"]) <= set(executions["graph_key"])


def test_runs_of_steps() -> None:
    """One row per run of a step, from its start to its end."""
    name = "v7_rlm_process.lashlang.jsonl"
    events = [one["event"] for one in records(name)]
    began = Counter(one["node_id"] for one in events if one["kind"] == "node_started")
    frame = execution_nodes_df(trace_of(name))
    ran = frame[frame["arm"].isna()]

    assert Counter(ran["node_id"]) == began
    assert set(ran["status"]) == {"completed"}
    assert (frame["duration_ms"] >= 0).all()


def test_processes_of_code() -> None:
    """A process has the step that started it, its own session, and how it ended."""
    frame = processes_df(trace_of("v7_rlm_process.jsonl", "v7_rlm_process.lashlang.jsonl"))
    started = [
        one["event"]["child"]
        for one in records("v7_rlm_process.lashlang.jsonl")
        if one["event"]["kind"] == "child_started"
    ]

    assert list(frame["process_id"]) == [one["subject"]["process_id"] for one in started]
    assert list(frame["name"]) == [one["entry_name"] for one in started]
    assert list(frame["status"]) == ["completed"]
    assert list(frame["own_session_id"]) == [f"process-env:{one['subject']['process_id']}" for one in started]
    assert frame["parent_graph_key"].notna().all()


def test_a_subagent_is_a_process_without_records_but_those_of_its_turn() -> None:
    """The process of a subagent ends as its turn does."""
    trace = trace_of("v7_subagent.jsonl", "v7_subagent.lashlang.jsonl")
    frame = processes_df(trace)
    agents = frame[frame["process_id"].str.startswith("process:subagent:")]

    assert len(agents) == 1
    assert list(agents["status"]) == ["completed"]
    assert list(agents["executions"]) == [0]
    assert set(agents["process_id"]) <= {turn.turn_id for turn in trace.turns}


def test_usage_is_that_of_the_calls() -> None:
    """Tokens by turn and model add up to those of the calls, in every release."""
    for name in ALL:
        trace = trace_of(name)
        calls, usage = llm_calls_df(trace), usage_df(trace)
        for column in ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens"):
            assert sum(map(int, usage[column].dropna())) == sum(map(int, calls[column].dropna()))
