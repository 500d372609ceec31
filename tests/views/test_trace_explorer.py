"""The explorer's Python half: what is found, in which order, what a row says, how little goes to the page."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lash_nb.errors import CallerError, TraceReadError
from lash_nb.trace import Trace, read_trace
from lash_nb.views import TraceExplorerView, static_html, text
from lash_nb.views._trace_explorer_facts import TraceFacts
from lash_nb.views._trace_explorer_query import SORTS
from lash_nb.views._trace_explorer_rows import clock
from lash_nb.views._trace_explorer_search import Search
from lash_nb.views._trace_explorer_words import STATUSES
from tests.trace.lines import line, llm_end, llm_start, record, tool_end, tool_start
from tests.views import samples
from tests.views.harness import state_bytes
from tests.views.many import many


def explorer(*records: Mapping[str, Any]) -> TraceExplorerView:
    """The explorer of these records."""
    return TraceExplorerView(read_trace([*records]))


def said(view: TraceExplorerView) -> list[str]:
    """What the rows of the first screen say, matches between brackets."""
    return [
        "".join(f"[{piece}]" if at % 2 else piece for at, piece in enumerate(row["what"])) for row in view.first["rows"]
    ]


def column(view: TraceExplorerView, name: str) -> list[Any]:
    """A column of the first screen."""
    return [row[name] for row in view.first["rows"]]


# What is known of every record.


def test_turns_and_calls_are_those_of_the_trace() -> None:
    """The columns pair starts and ends exactly as the trace itself does."""
    trace = samples.station_trace()
    facts = TraceFacts(trace)
    bars = facts.bars["llm_call"]
    pairs = {(call.start_row, call.end_row) for call in trace.llm_calls}

    assert list(facts.turn_names) == [str(turn.turn_index) for turn in trace.turns]
    assert set(zip(bars.first_rows.tolist(), bars.last_rows.tolist(), strict=True)) == pairs
    assert len(facts.bars["tool_call"].starts) == len(trace.tool_calls)


def test_a_receipt_ends_a_call_that_has_no_other_end() -> None:
    """A call that was denied is not open: its receipt is its end, unless it does not say how; as in the trace itself."""
    denied, silent = (
        record(at, "tool_receipt", call_id=call, name="t", terminal=told)
        for at, call, told in ((1, "x", "denied"), (3, "y", None))
    )
    trace = read_trace([tool_start(0, "x"), denied, tool_start(2, "y"), silent])
    facts = TraceFacts(trace)
    bars = facts.bars["tool_call"]

    assert (bars.first_rows.tolist(), bars.last_rows.tolist()) == ([0, 2], [1, 3])
    assert [list(STATUSES)[code] for code in facts.status.tolist()] == ["", "failed", "open", ""]
    assert [call.status for call in trace.tool_calls] == ["failure", "open"]


def test_a_number_that_comes_again_is_another_turn() -> None:
    """A file to which two runs were written has two turns 1, told apart in the menu."""
    run = [record(0, "turn_started"), record(1, "turn_completed", status="completed")]
    view = explorer(*run, *run)

    assert view.choices["turns"] == ["1 s", "1 s (2)"]
    view.filter(turn="1 s (2)")
    assert view.rows == (2, 3)
    view.filter(turn=1)
    assert sorted(view.rows) == [0, 1, 2, 3]


def test_a_call_without_its_end_is_open() -> None:
    """What was never finished can be asked for; an end without a start is no start."""
    view = explorer(
        llm_start(0, "a"), llm_start(1, "b"), llm_end(2, "b"), tool_end(3, "x", "success"), tool_start(4, "y")
    )
    view.filter(status="open")

    assert view.rows == (0, 4)
    assert column(view, "mark") == ["idle", "idle"]


def test_a_status_is_told_by_kind_word_or_reason() -> None:
    """Failed, cancelled and completed are found whatever kind of record says it."""
    ends = [
        record(0, "llm_call_failed", error={"code": "rate_limit", "message": "slow down"}),
        tool_end(1, "a", "failure", payload={"code": "x", "message": "y"}),
        tool_end(2, "b", "cancelled"),
        record(3, "turn_completed", status="failed", done_reason="cancelled"),
        record(4, "turn_completed", status="completed", done_reason="assistant_message"),
    ]
    view = explorer(*ends)

    assert view.choices["statuses"] == [("completed", 1), ("failed", 2), ("cancelled", 2)]
    view.filter(status="failed")
    assert said(view) == ["rate_limit, slow down", "t: x, y"]


def test_records_of_no_known_kind_are_shown_raw_and_marked() -> None:
    """Another release's record is a chip of its own, its type is its word, its JSON is what it says."""
    view = explorer(record(0, "turn_started"), {**record(1, "hologram", color="blue"), "schema_version": 99})

    assert [(chip["name"], chip["count"]) for chip in view.choices["chips"]] == [("turn", 1), ("unknown", 1)]
    assert (column(view, "word")[1], column(view, "raw")[1]) == ("hologram", True)
    assert said(view)[1] == '{"color": "blue"}'
    view.select(1)
    assert "schema version 99" in view.detail["warning"]


# Filters and order.


def test_filters_are_joined_and_taken_off_one_by_one() -> None:
    """Kinds, turn, status and text narrow together; None takes one off, `clear` all."""
    view = TraceExplorerView(samples.station_trace())
    view.filter(kinds=["tool call"], turn=5)
    assert [view.trace[row]["type"] for row in view.rows] == ["tool_call_started", "tool_call_completed"]
    view.filter(status="failed", text="PERTH")
    assert (view.rows, said(view)) == ((45,), ["… the station in [Perth] does not answer"])
    view.filter(turn=None, status=None)
    tools = [
        row for row, body in enumerate(view.trace) if body["type"].startswith("tool_") and "Perth" in json.dumps(body)
    ]
    assert list(view.rows) == tools
    view.clear()
    assert (len(view.rows), view.query["all"]) == (203, True)


@pytest.mark.parametrize(
    ("wrong", "said_so"),
    [
        ({"kinds": ["nonsense"]}, "no kind 'nonsense'; use one of llm call"),
        ({"turn": 99}, "no turn 99; it has 1 to 23"),
        ({"status": "tired"}, "no status 'tired'; use one of completed"),
    ],
)
def test_what_there_is_not_is_refused_and_nothing_changes(wrong: dict[str, Any], said_so: str) -> None:
    """The message says what there is; the table stays."""
    view = TraceExplorerView(samples.station_trace())
    with pytest.raises(CallerError, match=said_so):
        view.filter(**wrong)
    with pytest.raises(CallerError, match="no column 'what'"):
        view.sort("what")

    assert len(view.rows) == 203


@pytest.mark.parametrize("name", SORTS)
@pytest.mark.parametrize("descending", [False, True])
def test_a_column_sorts_both_ways_and_empty_cells_come_last(name: str, descending: bool) -> None:
    """What has a value is in order, what has none comes last in both directions, and nothing is lost."""
    view = TraceExplorerView(samples.station_trace())
    view.sort(name, descending=descending)
    values = [float(value) for value in SORTS[name](view._table.facts)[list(view.rows)]]
    known = [value for value in values if not math.isnan(value)]

    assert sorted(view.rows) == list(range(203))
    assert values[: len(known)] == sorted(known, reverse=descending)
    assert len(set(known)) > 1


def turn_of(view: TraceExplorerView) -> str:
    """The turn of the selected record."""
    return str(view.detail["turn"])


def test_sorting_by_time_shows_what_was_recorded_out_of_order() -> None:
    """A file need not be in the order of its clock."""
    view = explorer(record(5, "turn_started"), record(1, "custom", name="early"), record(9, "turn_completed"))

    assert view.rows == (1, 0, 2)
    assert column(view, "time") == ["0.000 s", "4.000 s", "8.000 s"]
    view.sort("line")
    assert view.rows == (0, 1, 2)


# The search, over bytes.


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("perth", "And Perth?"),
        ("PERTH", "perth"),
        ("élan", "ÉLAN vital"),
        ("привет", "ПРИВЕТ"),
        ("漢字", "漢字"),
        ("😀 ok", "so 😀 ok"),
        ('say "hi"', 'they say "hi"'),
        ("a/b", "a/b"),
        ("one two", "one\ntwo"),
        ("one two", "one \t two"),
        ("back\\slash", "back\\slash"),
        ("50%", "50%"),
        ("<script>", "<script>alert(1)</script>"),
        ("a.c", "a.c"),
        ('"temp": 4', {"temp": 4}),
        ('"a": "b"', '{"a": "b"}'),
        ("[1, 2]", [1, 2]),
    ],
    ids=str,
)
@pytest.mark.parametrize("escaped", [True, False])
def test_what_a_person_reads_is_found_however_json_spells_it(words: str, value: object, escaped: bool) -> None:
    """Case, escapes, quotes in quotes, line ends, and the blanks that printed JSON has."""
    view = TraceExplorerView(
        read_trace([json.dumps(record(0, "custom", payload=value), ensure_ascii=escaped), record(1, "turn_started")])
    )
    view.filter(text=words)

    assert view.rows == (0,)
    assert "[" in said(view)[0]


@pytest.mark.parametrize(
    ("words", "value"),
    [("nPerth", "x\nPerth"), ("a.c", "abc"), ("0041", "\u0000x"), ("one two", "onetwo"), ("u00e9", "é")],
    ids=str,
)
def test_what_nobody_reads_is_not_found(words: str, value: str) -> None:
    """An escape is no letters, and nothing that is typed is a pattern."""
    view = explorer(record(0, "custom", payload=value))
    view.filter(text=words)

    assert view.rows == ()


def test_every_printable_letter_may_be_escaped() -> None:
    """A writer that escapes all of ASCII is read as any other."""
    strange = "".join(f"\\u{ord(sign):04x}" for sign in "Perth")
    plain = line(record(0, "custom", payload="@"))
    view = TraceExplorerView(read_trace(plain.replace(b"@", strange.encode()) + plain))
    view.filter(text="perth")

    assert view.rows == (0,)


@given(st.text(min_size=1, max_size=12), st.text(max_size=8), st.text(max_size=8), st.booleans())
def test_a_text_is_found_in_itself(words: str, before: str, after: str, escaped: bool) -> None:
    """Whatever stands around it, and however its letters are written."""
    wanted = words.strip()
    data = json.dumps({"payload": f"{before} {wanted} {after}"}, ensure_ascii=escaped).encode(errors="surrogatepass")

    assert not wanted or Search(wanted).says(data)


@given(st.lists(st.sampled_from(["perth", "Perth", "oslo", "P\\u0065rth", "x" * 3000, "é"]), max_size=12))
def test_blocks_find_what_lines_find(texts: list[str]) -> None:
    """Records that are read together are told apart: the same are found as one by one."""
    lines = [line(record(0, "custom", payload="@")).replace(b"@", each.encode()) for each in texts]
    trace = read_trace(b"".join(lines))
    view = TraceExplorerView(trace)
    view.filter(text="perth")
    one_by_one = Search("perth")

    assert sorted(view.rows) == [row for row in range(len(trace)) if one_by_one.says(trace.raw(row))]


def test_a_match_far_to_the_right_is_cut_to_at_its_front() -> None:
    """The cell begins shortly before the match, so that it is seen in the column."""
    view = explorer(record(0, "custom", name="note", payload="word " * 200 + "needle and more"))
    view.filter(text="needle")

    assert said(view) == ["… word word word [needle] and more"]


def test_a_match_outside_of_what_the_row_says_is_shown_from_its_json() -> None:
    """A model's name in a request is not the last message, and is seen all the same."""
    view = TraceExplorerView(samples.station_trace())
    view.filter(text="prompt_hash")

    assert all("[prompt_hash]" in what for what in said(view))


# Selection, turns, bad lines.


def test_the_selection_is_a_record_number() -> None:
    """It can be read and set, shows the record whole, and knows its place among what was found."""
    view = TraceExplorerView(samples.station_trace(), selection=45)
    view.filter(kinds=["tool call"])

    assert json.loads(view.detail["json"]) == view.trace[45]
    assert (view.detail["title"], view.rows[view.place]) == ("line 46 · trace[45]", 45)
    view.selection = None
    assert (view.detail, view.place) == ({}, -1)
    with pytest.raises(CallerError, match="no record 203; it has 0 to 202"):
        view.selection = 203


def test_one_goes_from_turn_to_turn() -> None:
    """To the first record that is shown of the next turn that has one, and no further than the last."""
    view = TraceExplorerView(samples.station_trace())
    view.filter(kinds=["tool call"])
    turns = []
    for _ in range(4):
        view.step_turn(1)
        turns.append(turn_of(view))
    view.step_turn(-1)

    assert turns == ["2", "3", "4", "5"]
    assert turn_of(view) == "4"


def test_a_bad_line_is_shown_where_it_stands() -> None:
    """Its text, where it is and why it is no record; the table goes to its neighbor."""
    lines = (samples.DATA / "station.trace.jsonl").read_bytes().splitlines(keepends=True)
    view = TraceExplorerView(
        read_trace(b"".join([*lines[:47], b'{"no": <b>json\n', *lines[47:]]), name="broken"), selection=3
    )
    view.show_bad_line(0)

    assert (view.bad["count"], view.bad["lines"][0]["line"], view.bad["records"]) == (1, "line 48", 203)
    assert (view.detail["title"], view.detail["raw"], view.selection) == ("line 48", '{"no": <b>json', None)
    assert view.rows[view.place] == 47
    with pytest.raises(CallerError, match="has 1 bad line, counted from 0; not 7"):
        view.show_bad_line(7)


def test_very_many_bad_lines_are_counted_and_few_are_told() -> None:
    """The page gets the first hundred; every face says how many there are."""
    view = TraceExplorerView(read_trace(b"no record\n" * 20_000))

    assert (view.bad["count"], len(view.bad["lines"])) == (20_000, 100)
    assert "20,000 bad lines skipped" in static_html(view)
    assert "19,995 more bad lines: trace.errors" in text(view)


# What goes to the page.


def test_many_records_are_a_small_state(tmp_path: Path) -> None:
    """The state does not grow with the records, and any window of what was found can be had."""
    small, large = (TraceExplorerView(read_trace(many(count, tmp_path / "many.jsonl"))) for count in (6_000, 60_000))
    large.filter(text="fine.", kinds=["llm call"])

    assert state_bytes(large) < state_bytes(small) + 20_000
    assert large.strip["density"]
    assert len(large.rows) == 10_000
    assert [row["record"] for row in large._table.window(9_990, 60_000)] == list(range(59_942, 60_000, 6))


def test_strip_and_found_stay_small_whatever_is_in_them(tmp_path: Path) -> None:
    """Two thousand turns of calls merge into runs of cells."""
    view = TraceExplorerView(read_trace(many(11_000, tmp_path / "many.jsonl")))
    view.filter(kinds=["tool call"])

    assert not view.strip["density"]
    assert len(json.dumps([view.strip, view.found])) < 150_000


def sent_rows(sent: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers to the page."""
    data = [message["data"] for message in sent if message["type"] == "comm_msg"]
    return [message["content"] for message in data if message["method"] == "custom"]


def test_rows_are_answered_and_those_of_an_older_question_are_not(sent: list[dict[str, Any]]) -> None:
    """Every answer names its version; what was asked before the filter changed gets none."""
    view = TraceExplorerView(samples.station_trace())
    old = view.query["version"]
    view.comm.receive({"do": "rows", "version": old, "from": 100, "to": 103})
    view.filter(kinds=["turn"])
    view.comm.receive({"do": "rows", "version": old, "from": 0, "to": 10})
    answers = sent_rows(sent)

    assert [(answer["from"], [row["record"] for row in answer["rows"]]) for answer in answers] == [
        (100, [100, 101, 102])
    ]


def test_the_page_may_ask_for_anything_and_gets_no_more_than_a_screen(sent: list[dict[str, Any]]) -> None:
    """Places outside of the table are empty, a window of everything is cut."""
    view = TraceExplorerView(samples.station_trace())
    version = view.query["version"]
    for start, end in ((-50, 3), (500, 600), (0, 10**9), (10, 5)):
        view.comm.receive({"do": "rows", "version": version, "from": start, "to": end})

    assert [len(answer["rows"]) for answer in sent_rows(sent)] == [3, 0, 200, 0]


def test_what_the_page_got_wrong_is_said_on_the_page(sent: list[dict[str, Any]]) -> None:
    """A turn that there is not is one line, and the next command takes it away."""
    view = TraceExplorerView(samples.station_trace())
    assert sent
    view.comm.receive({"do": "ask", "turn": "77"})
    problem = view.problem
    view.comm.receive({"do": "pick", "place": 4, "version": view.query["version"]})

    assert "no turn 77" in problem
    assert (view.problem, view.selection) == ("", 4)


@pytest.mark.parametrize(
    ("command", "record_"),
    [
        ({"do": "select", "record": 7}, 7),
        ({"do": "turn", "by": 1}, 0),
        ({"do": "moment", "share": 0.0}, 0),
        ({"do": "moment", "share": 1.0}, 202),
        ({"do": "ask", "sort": "took", "descending": True}, None),
        ({"do": "ask", "kinds": ["turn"], "turn": "5", "status": None, "text": ""}, None),
        ({"do": "bad", "number": 0}, None),
    ],
    ids=str,
)
def test_what_the_mouse_can_do_python_does(
    command: dict[str, Any], record_: int | None, sent: list[dict[str, Any]]
) -> None:
    """Each command of the page is a public method."""
    view = TraceExplorerView(samples.station_trace())
    view.comm.receive(command)

    assert sent
    assert view.selection == record_


# A trace that grows, or is gone.


def test_a_trace_that_grows_keeps_what_was_chosen(tmp_path: Path) -> None:
    """Selection, filter, order and found places stay; new records are found by the same question."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(line(record(0, "custom", payload="Perth 1")) + line(record(1, "custom", payload="Oslo")))
    view = TraceExplorerView(read_trace(path), selection=0)
    view.filter(text="perth")
    view.sort("line", descending=True)
    assert view.refresh() == 0
    with path.open("ab") as out:
        out.write(line(record(2, "custom", payload="Perth 2")))

    assert (view.refresh(), view.rows, view.selection, view.place) == (1, (2, 0), 0, 1)
    assert (view.query["text"], view.query["sort"]) == ("perth", "line")


def test_a_file_that_was_taken_away_leaves_its_rows(tmp_path: Path) -> None:
    """The table says in every row that the text is no longer there; no command fails."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(line(record(0, "custom", payload="x")) * 3)
    view = TraceExplorerView(read_trace(path))
    path.unlink()
    view.sort("took")
    view.select(1)

    assert len(said(view)) == 3
    assert all("no longer where it was" in what for what in said(view))
    assert "no such file" in view.detail["cut"]
    with pytest.raises(TraceReadError):
        view.refresh()


def test_half_letters_never_reach_the_page(tmp_path: Path) -> None:
    """A file's name may be bytes that are no text, and a page may ask for half a letter: neither could be sent to a page."""
    path = tmp_path / "a\udcff\u202e.jsonl"
    path.write_bytes(line(record(0, "custom", payload="x?")) + b"no record\n")
    with path.open("rb") as file:
        views = [TraceExplorerView(read_trace(source)) for source in (path, file)]
    for view in views:
        view.show_bad_line(0)
        view.filter(text="\ud83d\ude00 \ud800")

        assert view.query["text"] == "\U0001f600 \ufffd"
        assert view.title == "a\ufffd\ufffd.jsonl"
        assert json.dumps(view.get_state(), ensure_ascii=False).encode().decode()


def test_a_huge_record_is_cut_aloud() -> None:
    """A row says its size instead of decoding it, the detail shows its beginning and the call that gets all."""
    view = explorer(
        record(0, "custom", name="note", payload="x" * 12_000_000), record(1, "custom", payload=["y" * 50] * 9_000)
    )
    view.select(0)
    huge = view.detail
    view.select(1)

    assert said(view)[0].startswith("note · a record of 12.0 MB: trace[0]")
    assert (len(huge["raw"]), huge["cut"]) == (100_000, "first 100.0 kB of 12.0 MB; all of it: trace[0]")
    assert view.detail["cut"].endswith("all of it: trace[1]")


@pytest.mark.parametrize("strange", [None, 7, "x", [1, [2]], {"a": []}, True], ids=str)
@pytest.mark.parametrize(
    "name",
    [
        "request",
        "response",
        "error",
        "usage",
        "output",
        "args",
        "event",
        "payload",
        "outcome",
        "metadata",
        "components",
    ],
)
def test_records_of_any_shape_are_shown(name: str, strange: Any) -> None:
    """Another release, or damage, may put anything anywhere."""
    kinds = (
        "llm_call_started",
        "llm_call_completed",
        "llm_call_failed",
        "tool_call_started",
        "tool_call_completed",
        "turn_started",
    )
    more = (
        "turn_completed",
        "prompt_built",
        "runtime_stream_event",
        "lashlang_execution",
        "protocol_step",
        "custom",
        "exec_code_completed",
    )
    view = explorer(*(record(at, kind, **{name: strange}) for at, kind in enumerate((*kinds, *more))))
    for row in view.rows:
        view.select(row)
    view.filter(text="x")

    assert (static_html(view)[:5], text(view)[:5]) == ("<div ", "Trace")


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, "0.000 s"),
        (149, "0.149 s"),
        (99_999, "99.999 s"),
        (100_000, "1:40.000"),
        (3_723_004, "1:02:03.004"),
        (180_000_000, "2 d 2:00:00"),
        (-5, "-0.005 s"),
    ],
)
def test_time_is_told_from_the_first_record(ms: float, words: str) -> None:
    """With as many places as are needed to tell neighbors apart."""
    assert clock(ms) == words


def test_static_faces_say_what_is_asked_what_is_cut_and_what_is_next() -> None:
    """Without a widget one sees the first rows, the filters, and how to get the rest."""
    view = TraceExplorerView(samples.station_trace())
    view.filter(kinds=["llm call"], text="Perth")
    html, plain = static_html(view), text(view)

    assert "only kinds llm call · text &#x27;Perth&#x27;" in html
    assert "<b>Perth</b>" in html
    assert "30 rows of 53 found, 203 records in all" in html
    assert "26 rows of 53 found" in plain
    assert plain.splitlines()[-1].startswith("next: ")


MAKERS: Mapping[str, Callable[[], Trace]] = {
    "empty": lambda: read_trace(b""),
    "no context": lambda: read_trace([{"type": "custom", "timestamp": "2026-11-21T15:00:00Z"}]),
    "no known kind": lambda: read_trace([record(0, "a"), record(1, "b")]),
    "bad lines only": lambda: read_trace(b"x\ny\n"),
    "one moment": lambda: read_trace([record(0, "turn_started")] * 3),
    "negative took": lambda: read_trace([llm_start(0, "a"), llm_end(1, "a", response={"duration_ms": -5})]),
    "centuries": lambda: read_trace(
        [
            {**record(0, "turn_started"), "timestamp": "1678-01-01T00:00:00Z"},
            {**record(1, "turn_completed"), "timestamp": "2261-12-31T00:00:00Z"},
        ]
    ),
}


@pytest.mark.parametrize("name", MAKERS)
def test_strange_traces_are_explored(name: str) -> None:
    """Every command works on a trace that has nothing, or nothing usual, in it."""
    view = TraceExplorerView(MAKERS[name]())
    view.filter(text="a", kinds=["llm call"])
    view.clear()
    for column_ in ("took", "turn", "tokens", "type"):
        view.sort(column_)
    view.step_turn(1)
    for row in view.rows:
        view.select(row)

    assert len(view.rows) == len(view.trace)
    assert static_html(view)
    assert len(text(view).splitlines()) <= 40
