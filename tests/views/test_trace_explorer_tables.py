"""The explorer's tables in place of the records: what they count is what the values of the trace say; sessions; what a page may send."""

from collections import Counter
from typing import Any

import pytest

from lash_nb.errors import CallerError
from lash_nb.plots import duration, token_count
from lash_nb.trace import Trace, read_trace, total_usage
from lash_nb.views import TraceExplorerView, static_html, text
from lash_nb.words import NO_MODEL, NO_TOOL
from tests.trace.golden import golden, golden_files
from tests.trace.lines import llm_end, llm_start, record, tool_end, tool_start
from tests.views import samples
from tests.views.harness import state_bytes
from tests.views.many import many

NAMES = {"success": "completed", "failure": "failed"}
"""Ends of tool calls that the explorer calls as those of all other things."""


def rows_of(view: TraceExplorerView, table: str) -> list[dict[str, str]]:
    """The first rows of a table, as texts by head."""
    view.table = table
    heads = [head["name"] for head in view.sheet["heads"]]
    texts = [[cell["text"] if isinstance(cell, dict) else cell for cell in row["cells"]] for row in view.sheet["first"]]
    return [dict(zip(heads, each, strict=True)) for each in texts]


def known(word: str) -> str:
    """How the explorer calls an end."""
    told = NAMES.get(word, word)
    return told if told in {"completed", "switched", "failed", "cancelled", "open"} else "unknown"


@pytest.mark.parametrize("name", golden_files())
def test_turns_are_those_of_the_trace(name: str) -> None:
    """One row per turn, in their order, with its calls, failures and tokens."""
    trace = golden(name)
    rows = rows_of(TraceExplorerView(trace), "turns")
    turns = trace.turns[: len(rows)]

    assert len(rows) == min(len(trace.turns), 40)
    for row, turn in zip(rows, turns, strict=True):
        failed = sum(call.has_failed for call in turn.calls)
        told = [call.usage for call in turn.llm_calls if call.usage]
        assert row["status"] == known(turn.status)
        assert row["reason"] == (turn.done_reason or "")
        assert row["took"] == duration(turn.duration_ms)
        assert (row["model calls"], row["tool calls"]) == (f"{len(turn.llm_calls):,}", f"{len(turn.tool_calls):,}")
        assert row["failed calls"] == f"{failed:,}"
        assert row["tokens in"] == (token_count(turn.usage.input) if told else "")
        assert row["tokens out"] == (token_count(turn.usage.output) if told else "")


@pytest.mark.parametrize("name", golden_files())
def test_tools_and_models_are_those_of_the_trace(name: str) -> None:
    """One row per tool with how its calls ended, one per model with its tokens; nothing is left out."""
    trace = golden(name)
    view = TraceExplorerView(trace)
    tools = {row["tool"]: row for row in rows_of(view, "tools")}
    models = {row["model"]: row for row in rows_of(view, "usage")}
    calls = Counter(call.name or NO_TOOL for call in trace.tool_calls)
    ends = Counter((call.name or NO_TOOL, known(call.status)) for call in trace.tool_calls)

    assert {tool: int(row["calls"].replace(",", "")) for tool, row in tools.items()} == calls
    assert {pair: int(tools[pair[0]][pair[1]].replace(",", "")) for pair in ends} == ends
    assert set(models) == {call.model or NO_MODEL for call in trace.llm_calls}
    for model, row in models.items():
        mine = [call for call in trace.llm_calls if (call.model or NO_MODEL) == model]
        told = [call.usage for call in mine if call.usage]
        usage = total_usage(told)
        assert (row["calls"], row["with tokens"]) == (f"{len(mine):,}", f"{len(told):,}")
        assert [row[head] for head in ("tokens in", "cached", "tokens out", "reasoning")] == (
            [token_count(count) for count in (usage.input, usage.cache_read, usage.output, usage.reasoning)]
            if told
            else [""] * 4
        )


def test_the_last_row_of_usage_adds_all_models_up() -> None:
    """In its place whatever the order; where there is one model only it would say the same again."""
    view = TraceExplorerView(samples.station_trace())
    view.table = "usage"
    view.sort_table("model", descending=True)

    assert [row["cells"][0] for row in view.sheet["first"]] == ["small-model", "desk-model"]
    assert view.sheet["total"] == ["all models", "44", "44", "82.3k", "40.1k", "", "860", "25"]
    assert "all models" in text(view)


@pytest.mark.parametrize("descending", [False, True])
def test_a_table_is_sorted_by_any_column_and_empty_cells_come_last(descending: bool) -> None:
    """Turns without a duration or tokens stand behind those that have them, both ways."""
    turns = [
        record(0, "turn_started", turn=1),
        record(1, "turn_completed", turn=1),
        record(2, "turn_started", turn=2),
        record(3, "turn_started", turn=3),
        record(9, "turn_completed", turn=3),
    ]
    view = TraceExplorerView(read_trace(turns))
    view.table = "turns"
    view.sort_table("took", descending=descending)
    rows = rows_of(view, "turns")

    assert [row["turn"] for row in rows] == (["3", "1", "2"] if descending else ["1", "3", "2"])
    assert (view.sheet["sort"], view.sheet["descending"]) == ("took", descending)
    for head in rows[0]:
        view.sort_table(head)
    with pytest.raises(CallerError, match="no column 'size'; use one of turn, time"):
        view.sort_table("size")


def test_times_of_a_tool_are_those_of_calls_that_ended() -> None:
    """A call that is open has no time and counts all the same."""
    calls = [
        *(tool_start(at, str(at)) for at in range(4)),
        *(tool_end(4 + at, str(at), "success", duration_ms=took) for at, took in enumerate((10, 20, 90))),
    ]
    row = rows_of(TraceExplorerView(read_trace(calls)), "tools")[0]

    assert (row["calls"], row["completed"], row["open"]) == ("4", "3", "1")
    assert (row["p50"], row["p95"], row["in all"]) == ("20 ms", "83 ms", "120 ms")


def test_there_is_no_other_table() -> None:
    """The message says which there are; what was shown stays. Records have an order of their own."""
    view = TraceExplorerView(samples.station_trace())
    with pytest.raises(CallerError, match="no table 'nodes'; use one of records, turns, tools, usage"):
        view.table = "nodes"
    with pytest.raises(CallerError, match=r"view\.sort"):
        view.sort_table("took")

    assert (view.table, view.sheet) == ("records", {})


@pytest.mark.parametrize("table", ["turns", "tools", "usage"])
@pytest.mark.parametrize("make", [lambda: read_trace(b""), lambda: read_trace([record(0, "custom", turn=None)])])
def test_a_trace_without_any_has_empty_tables(table: str, make: Any) -> None:
    """No turn, no tool, no model: a table without rows."""
    view = TraceExplorerView(make())
    view.table = table

    assert (view.sheet["found"], view.sheet["first"]) == (0, [])
    assert static_html(view)
    assert "0 rows of 0" in text(view)


def test_the_twin_shows_the_table_that_is_shown() -> None:
    """Without a script one sees the same table, its cut, and where the rest is."""
    view = TraceExplorerView(samples.station_trace())
    view.table = "tools"

    assert "station_reading" in static_html(view)
    assert "6 rows of 6" in static_html(view)
    assert "<script" not in static_html(view)
    assert "station_reading     17" in text(view)
    view.table = "records"
    assert "30 rows of 203 records" in static_html(view)


def test_a_table_grows_with_its_trace(tmp_path: Any) -> None:
    """Its order stays; a long one comes in windows, and little of it goes to the page at once."""
    path = many(6_000, tmp_path / "run.jsonl")
    view = TraceExplorerView(read_trace(path))
    before = state_bytes(view)
    view.table = "turns"
    view.sort_table("turn", descending=True)
    many(12_000, path)
    view.refresh()

    assert (view.sheet["found"], view.sheet["first"][0]["cells"][0]) == (2_000, "2000")
    assert state_bytes(view) < before + 40_000


# Sessions.


def two_sessions() -> Trace:
    """Two sessions, each with a turn 1."""
    calls = (
        record(at, "tool_call_completed", session=session, call_id="c", name=tool, output={}, duration_ms=5)
        for at, session, tool in ((2, "blue", "look"), (3, "red", "paint"))
    )
    starts = (record(at, "turn_started", session=session) for at, session in enumerate(("blue", "red")))
    return read_trace([*starts, *calls])


def test_a_session_narrows_records_and_tables() -> None:
    """The turns to choose from are its turns, and the tables count it alone."""
    view = TraceExplorerView(two_sessions())
    assert view.choices["sessions"] == ["blue", "red"]
    view.filter(session="red")

    assert (view.rows, view.choices["turns"]) == ((1, 3), ["1 red"])
    assert [row["tool"] for row in rows_of(view, "tools")] == ["paint"]
    assert [row["session"] for row in rows_of(view, "turns")] == ["red"]
    assert "only session red" in text(view)
    with pytest.raises(CallerError, match="no session 'green'; it has blue, red"):
        view.filter(session="green")
    view.clear()
    assert len(view.rows) == 4


def test_one_session_is_no_choice() -> None:
    """And the turns of one have no column for it."""
    view = TraceExplorerView(samples.station_trace())

    assert view.choices["sessions"] == []
    assert "session" not in rows_of(view, "turns")[0]


def test_sessions_whose_short_names_are_alike_are_told_apart() -> None:
    """By their whole ids, which one may ask for, too; very many are typed."""
    ids = [f"0123456789abcdef{number}" for number in range(2)]
    view = TraceExplorerView(read_trace([record(0, "turn_started", session=key) for key in ids]))

    assert view.choices["sessions"] == ids
    view.filter(session=ids[1])
    assert view.rows == (1,)
    lots = [record(0, "turn_started", session=f"s{number}") for number in range(1_001)]
    assert TraceExplorerView(read_trace(lots)).choices["sessions"] is None


# What a page may send.

WRONG: list[Any] = [
    None,
    7,
    "rows",
    [],
    {},
    {"do": "dance"},
    {"do": None},
    {"do": ["rows"]},
    {"do": "rows"},
    {"do": "rows", "version": "x", "from": 0, "to": 1},
    {"do": "rows", "version": 0, "from": 0.5, "to": 1},
    {"do": "table_rows", "version": 0, "from": None, "to": 1},
    {"do": "ask", "kinds": "llm call"},
    {"do": "ask", "kinds": [1]},
    {"do": "ask", "turn": {"a": 1}},
    {"do": "ask", "text": 5},
    {"do": "ask", "sort": None},
    {"do": "ask", "sort": "what"},
    {"do": "show"},
    {"do": "show", "table": "everything"},
    {"do": "sort_table", "column": "took", "descending": False},
    {"do": "select"},
    {"do": "select", "record": "5"},
    {"do": "select", "record": 10**30},
    {"do": "select", "record": -1},
    {"do": "pick", "place": None, "version": 0},
    {"do": "turn", "by": 2},
    {"do": "moment", "share": "middle"},
    {"do": "bad", "number": 99},
    {"do": "bad", "number": "<b>"},
]


@pytest.mark.parametrize("message", WRONG, ids=str)
def test_a_message_that_is_no_command_is_answered_and_does_nothing(message: Any, sent: list[dict[str, Any]]) -> None:
    """One line says what is wrong with it; nothing is raised, and the next command works."""
    view = TraceExplorerView(samples.station_trace())
    before = (view.query, view.table)
    view.comm.receive(message)
    problem = view.problem

    assert 0 < len(problem) < 400
    assert (view.query, view.table, view.selection) == (*before, None)
    view.comm.receive({"do": "select", "record": 3})
    assert (view.problem, view.selection) == ("", 3)
    assert sent


def test_what_the_buttons_do_python_does(sent: list[dict[str, Any]]) -> None:
    """The page shows, sorts and scrolls a table by messages; rows of an older order are not answered."""
    view = TraceExplorerView(
        read_trace([llm_start(0, "a"), llm_end(1, "a")] + [record(0, "turn_started", turn=at) for at in range(50)])
    )
    view.comm.receive({"do": "show", "table": "turns"})
    old = view.sheet["version"]
    view.comm.receive({"do": "sort_table", "column": "turn", "descending": True})
    for version in (old, view.sheet["version"]):
        view.comm.receive({"do": "table_rows", "version": version, "from": 48, "to": 50})
    answers = [
        one["data"]["content"] for one in sent if one["type"] == "comm_msg" and one["data"]["method"] == "custom"
    ]

    assert [(one["kind"], one["version"], len(one["rows"])) for one in answers] == [
        ("table_rows", view.sheet["version"], 2)
    ]
