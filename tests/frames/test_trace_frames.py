"""The tables of a trace: one row each for what the contract names, with types that hold for an empty trace too."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pytest

from lash_nb import frames
from lash_nb.errors import CallerError, TraceReadError
from lash_nb.frames import (
    LLM_CALL_COLUMNS,
    RECORD_COLUMNS,
    RECORD_IDS,
    SPAN_TIMING,
    TOKEN_COLUMNS,
    TRACE_TABLES,
    TURN_CALLS,
    Column,
    ColumnError,
    llm_calls_df,
    records_df,
    tool_calls_df,
    turns_df,
    usage_df,
)
from lash_nb.trace import Trace, read_trace
from tests.trace.lines import STATION, llm_end, llm_start, record, tool_end, tool_start
from tests.work import lines_run

TABLES: Final[dict[str, Any]] = {name: table for name, table in TRACE_TABLES.items() if name != "errors"}
IDS: Final = {"order", "session_id", "turn_id", "turn_index", "effect_id", "llm_call_id", "graph_node_id"}


def kinds(frame: pd.DataFrame) -> dict[str, str]:
    """The type of each column."""
    return {str(name): str(dtype) for name, dtype in frame.dtypes.items()}


EMPTY: Final = {name: kinds(table(read_trace(b""))) for name, table in TABLES.items()}
"""The columns of each table of an empty trace."""


@pytest.fixture(scope="module")
def station() -> Trace:
    """The trace of the weather desk."""
    return read_trace(STATION)


def test_requests_of_which_nothing_is_shown_cost_nothing_by_their_length() -> None:
    """Each request of a long session holds all of it: the table of its calls shows what came of them."""
    costs, shown = list[int](), list[pd.DataFrame]()
    for size in (10, 300_000):
        records = [
            one
            for number in range(60)
            for one in (llm_start(number, f"c{number}", note="x" * size), llm_end(number + 0.5, f"c{number}"))
        ]
        trace = read_trace(records)
        shown.append(llm_calls_df(trace))
        costs.append(lines_run(partial(llm_calls_df, trace)))

    assert shown[0].equals(shown[1])
    assert costs[0] == costs[1]


# pandas 2 says so of each column of categories that are not the same in both
@pytest.mark.filterwarnings("ignore:The behavior of DataFrame concatenation with empty:FutureWarning")
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_an_empty_trace_has_the_same_columns_and_types(table: Any, station: Trace) -> None:
    """A table without rows looks like one with rows, so that code written for one runs on the other."""
    empty, full = table(read_trace(b"")), table(station)

    assert len(empty) == 0
    assert kinds(empty) == kinds(full)
    assert pd.concat([empty, full]).shape == full.shape


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_ids_and_order_are_always_there(table: Any, station: Trace) -> None:
    """Whatever columns are asked for, a row can be found again."""
    assert set(table(station).columns) >= IDS
    assert set(table(station, columns=()).columns) == IDS


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_docstring_tells_what_each_column_means(table: Any) -> None:
    """Every column stands in the help of its table with its type and its meaning."""
    for column in table.columns:
        assert column.doc
        assert f"{column.name} ({column.dtype}): {column.doc}" in table.__doc__


def test_one_row_per_record(station: Trace) -> None:
    """`records_df` has one row per line, in order, with the type of each."""
    frame = records_df(station)

    assert list(frame["type"]) == [body["type"] for body in station]
    assert list(frame["order"]) == list(range(203))
    assert list(frame["byte_len"]) == [len(one) for one in STATION.read_bytes().splitlines()]
    assert frame["timestamp"].dt.nanosecond.iloc[0] == 495
    assert kinds(frame)["timestamp"] == "datetime64[ns, UTC]"


def test_the_record_table_agrees_with_the_bodies(station: Trace) -> None:
    """A column of the index is what the record says."""
    columns = (
        *RECORD_COLUMNS,
        Column("turn_of_body", "body.context.turn_index", "Int64"),
        Column("call_of_body", "body.call_id", "string"),
        Column("time_of_body", "body.timestamp", "datetime64[ns, UTC]"),
        Column("node_of_body", lambda row: row.body["context"].get("llm_call_id"), "string"),
    )
    frame = records_df(station, columns=columns)

    for left, right in (("turn_index", "turn_of_body"), ("call_id", "call_of_body"), ("timestamp", "time_of_body")):
        pd.testing.assert_series_equal(frame[left], frame[right], check_names=False)
    pd.testing.assert_series_equal(frame["llm_call_id"], frame["node_of_body"], check_names=False)


def test_turns_of_the_weather_desk(station: Trace) -> None:
    """One row per turn with its calls and tokens; the sum of the turns is the sum of the calls."""
    turns, calls = turns_df(station), llm_calls_df(station)

    assert list(turns["turn_index"]) == list(range(1, 24))
    assert dict(Counter(turns["done_reason"])) == {"assistant_message": 22, "cancelled": 1}
    assert turns["llm_calls"].sum() == len(calls) == 44
    assert turns["failed_tool_calls"].sum() == 2
    for tokens in ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens"):
        assert turns[tokens].sum() == calls[tokens].sum() > 0
    assert (turns["ended_at"] > turns["started_at"]).all()


def test_model_calls_of_the_weather_desk(station: Trace) -> None:
    """One row per started model call, its tokens told as in every release: reasoning is part of the output."""
    frame = llm_calls_df(station)
    started = [body for body in station if body["type"] == "llm_call_started"]
    usage = [body["usage"] for body in station if body["type"] == "llm_call_completed"]

    assert list(frame["model"]) == [body["request"]["model"] for body in started]
    assert list(frame["llm_call_id"]) == [body["context"]["llm_call_id"] for body in started]
    for tokens in ("input_tokens", "cached_input_tokens", "reasoning_tokens"):
        assert sorted(frame[tokens]) == sorted(one[tokens] for one in usage)
    assert sorted(frame["output_tokens"]) == sorted(one["output_tokens"] + one["reasoning_tokens"] for one in usage)
    assert list(frame.loc[frame["is_direct"], "model"]) == ["small-model"]
    assert dict(Counter(frame["terminal_reason"])) == {"stop": 23, "tool_use": 21}


def test_tool_calls_of_the_weather_desk(station: Trace) -> None:
    """One row per tool call, with arguments, result, and why it failed."""
    frame = tool_calls_df(station)

    assert dict(Counter(frame["status"])) == {"success": 20, "failure": 2, "cancelled": 1}
    assert list(frame.loc[frame["status"] == "failure", "error_code"]) == ["station_offline", "invalid_tool_args"]
    assert frame["args"].iloc[0] == {"station": "Oslo"}
    assert frame["result"].iloc[0]["temp_c"] == 10.6
    assert frame["result"].notna().sum() == 20


def test_open_calls_and_ends_without_a_start() -> None:
    """A start without an end is `open`; an end without a start is a row of its own, with its arguments."""
    frame = tool_calls_df(
        read_trace(
            [tool_start(1, "a", args={"x": 1}), tool_end(2, "b", "failure", payload={"code": "c"}, args={"y": 2})]
        )
    )

    assert list(frame["status"]) == ["open", "failure"]
    assert list(frame["args"]) == [{"x": 1}, {"y": 2}]
    assert list(frame["ended_at"].isna()) == [True, False]
    assert list(frame["started_at"].isna()) == [False, True]
    assert frame["error_code"].iloc[1] == "c"


def test_a_failed_model_call() -> None:
    """A failed model call has its code and message and no tokens."""
    error = {"message": "boom", "retryable": True, "code": "overloaded", "terminal_reason": "provider_error"}
    frame = llm_calls_df(
        read_trace([llm_start(1, "x"), record(2, "llm_call_failed", context={"llm_call_id": "x"}, error=error)])
    )
    row = frame.iloc[0]

    assert (row["status"], row["error_code"], row["error_message"], row["terminal_reason"]) == (
        "failed",
        "overloaded",
        "boom",
        "provider_error",
    )
    assert bool(row["retryable"]) is True
    assert pd.isna(row["input_tokens"])


def test_usage_by_turn_and_model(station: Trace) -> None:
    """Tokens by turn and model; a direct completion counts in the turn that made it, under its own model."""
    frame = usage_df(station)

    assert len(frame) == 24
    assert list(frame.loc[frame["model"] == "small-model", "turn_index"]) == [9]
    assert frame["input_tokens"].sum() == llm_calls_df(station)["input_tokens"].sum()
    assert frame["llm_calls"].sum() == 44


def test_a_column_of_ones_own(station: Trace) -> None:
    """A column is added by concatenation; a key that is not there gives an empty cell."""
    columns = (
        *LLM_CALL_COLUMNS,
        Column("run", "body.context.run_id", "string"),
        Column("nothing", "start.request.no.such.key", "Int64"),
        Column("first_role", "start.request.messages.0.role", "category"),
    )
    frame = llm_calls_df(station, columns=columns)

    assert set(frame["run"]) == {"demo-run"}
    assert frame["nothing"].isna().all()
    assert set(frame["first_role"]) == {"system"}


def test_a_column_that_fails_is_named(station: Trace) -> None:
    """In strict mode the error says which column failed at which row, and why."""
    with pytest.raises(ColumnError, match=r"Column 'bad' failed at row 0: ZeroDivisionError") as caught:
        llm_calls_df(station, columns=(Column("bad", lambda _: 1 / 0),))

    assert (caught.value.column, caught.value.row) == ("bad", 0)


@pytest.mark.parametrize("strange", [None, 7, "x", True, [], [1, [2]], {"a": []}, 1e300], ids=str)
@pytest.mark.parametrize("member", ["request", "response", "stream_summary", "usage", "output", "args", "context"])
def test_records_of_any_shape_make_tables(member: str, strange: Any) -> None:
    """Another release, or damage, may put anything anywhere: what is not there is an empty cell of a whole table."""
    start, end = tool_start(3, "c"), tool_end(4, "c", "success")
    trace = read_trace([{**one, member: strange} for one in (llm_start(1, "x"), llm_end(2, "x"), start, end)])

    assert {name: kinds(table(trace)) for name, table in TABLES.items()} == EMPTY


def test_without_strictness_cells_stay_empty() -> None:
    """With `strict=False` a failed cell is empty, and the errors name it together with the bad lines of the trace."""
    trace = read_trace([llm_start(1, "x"), "{", llm_end(2, "x"), llm_start(3, "y")])
    frame, errors = llm_calls_df(
        trace, columns=(Column("n", lambda row: row.end["response"]["duration_ms"], "Int64"),), strict=False
    )

    assert frame["n"].iloc[0] == 70
    assert pd.isna(frame["n"].iloc[1])
    assert [str(error).split(":")[0] for error in errors] == ["records, line 2", "Column 'n' failed at row 1"]


class _MuteError(Exception):
    """An error that cannot say what it is; nor can it be shown."""

    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __str__


def test_columns_of_ones_own_may_fail_in_any_way(station: Trace) -> None:
    """An error without words, and a value that cannot be shown, are errors of their cells as all others are."""

    def fail(_: object) -> None:
        raise _MuteError

    columns = (Column("mute", fail), Column("hidden", lambda _: _MuteError(), "Int64"))
    frame, errors = llm_calls_df(station, columns=columns, strict=False)

    assert frame[["mute", "hidden"]].isna().all(axis=None)
    assert {str(error).partition(": ")[2].partition(".")[0] for error in errors} == {
        "_MuteError: its text could not be made: ZeroDivisionError",
        "_MuteError that cannot be shown is no Int64",
    }


@pytest.mark.parametrize("dtype", ["boolean", "Int64", "Float64", "category", "datetime64[ns, UTC]"])
def test_lists_in_lists_are_values_of_another_type(dtype: str, station: Trace) -> None:
    """However deep a value nests that a column cannot hold, it is an error at its row."""
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    frame, errors = llm_calls_df(station, columns=(Column("deep", lambda _: deep, dtype),), strict=False)

    assert frame["deep"].isna().all()
    assert len(errors) == len(frame)


@pytest.mark.parametrize("bad", [2**64, 1e300, [1], {"a": 1}, "x", 1.5], ids=str)
def test_a_value_of_another_type_is_named(bad: Any) -> None:
    """A value that the type of its column cannot hold is an error at its row, not of the whole table."""
    trace = read_trace([llm_start(1, "x"), llm_end(2, "x"), llm_start(3, "y"), llm_end(4, "y"), llm_start(5, "z")])
    values: dict[int, Any] = {0: "12", 2: bad}
    columns = (Column("n", lambda row: values.get(row.span.order, 3), "Int64"),)

    with pytest.raises(ColumnError, match=r"Column 'n' failed at row 1: .* is no Int64"):
        llm_calls_df(trace, columns=columns)
    frame, errors = llm_calls_df(trace, columns=columns, strict=False)
    assert (list(frame["n"].dropna()), len(errors)) == ([12, 3], 1)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ((Column("a", "span.order"), Column("a", "span.status")), "Two columns are called 'a'"),
        ((Column("a", "span.order", "int"),), "unknown dtype 'int': use one of string"),
        ((Column("a", "span.oder"),), "no attribute 'oder'"),
    ],
)
def test_a_wrong_choice_of_columns(columns: tuple[Column, ...], message: str, station: Trace) -> None:
    """A name used twice, an unknown type and a misspelled attribute are errors that say so."""
    with pytest.raises(CallerError, match=message):
        llm_calls_df(station, columns=columns)


def test_facts_are_columns_whatever_a_release_calls_them(station: Trace) -> None:
    """A path that begins with `facts.` asks for a fact by its one name; an unknown one is an error that says so."""
    role = Column("said", "start_facts.messages", "Int64", then=len)
    frame = llm_calls_df(station, columns=(role, Column("text", "facts.text", "string")))
    told = records_df(station, columns=(Column("text", "facts.text", "string"),))

    assert list(frame["said"]) == [
        len(one["request"]["messages"]) for one in station if one["type"] == "llm_call_started"
    ]
    assert sorted(frame["text"]) == sorted(told["text"].dropna())
    with pytest.raises(ColumnError, match="there is no fact 'txet'"):
        llm_calls_df(station, columns=(Column("text", "facts.txet"),))


def test_a_table_reads_no_record_that_its_columns_do_not_need(tmp_path: Path) -> None:
    """With columns of the index and of the calls themselves a table is there although the file is gone; else the error says so once."""
    path = tmp_path / "gone.jsonl"
    path.write_bytes(STATION.read_bytes())
    trace = read_trace(path)
    path.unlink()

    assert len(records_df(trace)) == len(trace)
    assert len(llm_calls_df(trace, columns=(*TOKEN_COLUMNS, *RECORD_IDS, *SPAN_TIMING))) == 44
    assert len(turns_df(trace, columns=TURN_CALLS)) == 23
    with pytest.raises(TraceReadError, match="there is no such file"):
        llm_calls_df(trace, strict=False)


def test_a_record_is_read_once_and_with_its_neighbors(station: Trace) -> None:
    """However many columns ask for it, in however many pieces a table is made."""
    read: list[int] = []

    class Noted(Trace):
        def bodies(self, rows: Iterable[int]) -> Iterator[dict[str, Any]]:
            wanted = list(rows)
            read.extend(wanted)
            return super().bodies(wanted)

    trace = read_trace(STATION)
    trace.__class__ = Noted
    frame = llm_calls_df(trace)

    assert read == [call.end_row for call in trace.llm_calls if call.end_row is not None]
    pd.testing.assert_frame_equal(frame, llm_calls_df(station))


def test_numbers_up_to_two_to_the_sixty_fourth_stay_what_they_are() -> None:
    """Sizes and places in a stream are never rounded."""
    event = {"provider": "p", "sequence": 2**64 - 1, "raw_len": 2**53 + 1, "elapsed_ms": 3}
    frame = TRACE_TABLES["stream_events"](read_trace([record(1, "provider_stream_event", event=event)]))

    assert (frame["sequence"].iloc[0], frame["raw_len"].iloc[0]) == (2**64 - 1, 2**53 + 1)


def test_damaged_records_fail_alone() -> None:
    """With `strict=False` what a column cannot hold is an empty cell, and the rest of the table is there."""
    events = [{"sequence": "first"}, {"sequence": 2}, {"sequence": -1}]
    trace = read_trace([record(at, "provider_stream_event", event=event) for at, event in enumerate(events)])
    frame, errors = TRACE_TABLES["stream_events"](trace, strict=False)

    assert list(frame["sequence"].isna()) == [True, False, True]
    assert [(error.column, error.row) for error in errors if isinstance(error, ColumnError)] == [
        ("sequence", 0),
        ("sequence", 2),
    ]
    with pytest.raises(ColumnError, match="'sequence' failed at row 0: 'first' is no UInt64"):
        TRACE_TABLES["stream_events"](trace)


def test_each_table_is_a_public_function() -> None:
    """The tables that `--table` takes are the functions of the same names, and their columns are public, too."""
    assert all(getattr(frames, f"{name}_df") is table for name, table in TRACE_TABLES.items())
    groups = [getattr(frames, name) for name in frames.__all__ if name.endswith("_COLUMNS")]
    assert all(table.columns in groups for table in TRACE_TABLES.values())
