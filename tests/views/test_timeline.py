"""The timeline of yesterday's file: times as recorded, one turn at a time, nothing drawn that is not there."""

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lash_nb.errors import CallerError
from lash_nb.trace import read_trace
from lash_nb.views import TraceTimelineView, static_html, static_svg, text
from lash_nb.views._json import inline, pretty_capped
from lash_nb.views._timeline_rows import overview
from lash_nb.wire import to_json
from tests.trace.lines import record, tool_end, tool_start
from tests.views import samples


def test_the_overview_has_every_turn_and_call() -> None:
    """23 turns, 43 model calls of turns and one direct, 23 tool calls; failures and the cancelled turn are marked."""
    shown = overview(samples.station_trace())

    assert [len(shown[name]) for name in ("turns", "model", "direct", "tool")] == [23, 43, 1, 23]
    assert [(kind, place + 1) for _, kind, place in shown["marks"]] == [("failed", 5), ("failed", 8), ("cancelled", 13)]


def test_calls_of_one_reply_are_a_group_and_bars_end_where_the_tool_says() -> None:
    """A bar is what the tool took; the thin line goes on to its record."""
    view = TraceTimelineView(samples.station_trace(), turn=3)
    rows = view.waterfall["rows"]

    assert [(row["depth"], row["name"], row["note"], row["took"]) for row in rows] == [
        (0, "turn 3", "", "728 ms"),
        (1, "llm_call", "desk-model", "155 ms"),
        (1, "3 tools", "of one reply", "320 ms"),
        (2, "station_reading", "Lima", "91 ms"),
        (2, "station_reading", "Quito", "161 ms"),
        (2, "station_reading", "Nairobi", "60 ms"),
        (1, "llm_call", "desk-model", "214 ms"),
    ]
    assert round(rows[4]["end"] - rows[4]["start"]) == 161
    assert round(rows[4]["recorded"] - rows[4]["start"]) == 319
    assert rows[6]["tick"] is not None


def test_a_direct_completion_stands_below_the_tool_that_asked_for_it() -> None:
    """Turn 9 summarises with a model of its own."""
    rows = TraceTimelineView(samples.station_trace(), turn=9).waterfall["rows"]

    assert [(row["depth"], row["kind"]) for row in rows if row["kind"]] == [
        (1, "llm_call"),
        (1, "tool_call"),
        (2, "direct"),
        (1, "llm_call"),
    ]


def test_a_cancelled_call_took_the_time_until_it_was_cancelled() -> None:
    """Its record says 0 ms, whatever it took; the records around it say 2."""
    (turn, model, tool) = TraceTimelineView(samples.station_trace(), turn=13).waterfall["rows"][:3]

    assert (tool["name"], tool["note"], tool["took"], tool["mark"]) == ("station_reading", "Oslo", "2 ms", "cancelled")
    assert model["end"] <= tool["start"] < tool["end"] <= turn["end"]


def test_what_no_trace_has_is_said_and_where_it_is() -> None:
    """A live session has its effects elsewhere, so nothing claims that there is no journal."""
    view = TraceTimelineView(samples.station_trace())
    words = "not in a trace: sleeps, checkpoints, commits (live: session.effects)"

    assert words in view.shown
    assert words in static_html(view)
    assert words in text(view)


def test_the_head_names_each_session_once() -> None:
    """A file says whose it is; a session's own trace is called after it."""
    trace = samples.station_trace()

    assert TraceTimelineView(trace).counts == "main · 23 turns · 44 model calls · 23 tool calls"
    assert TraceTimelineView(trace.called("session main")).counts.startswith("23 turns")


def test_a_selected_call_is_shown_in_full() -> None:
    """Facts, arguments and result, with the line numbers of its two records."""
    view = TraceTimelineView(samples.station_trace(), turn=5)
    view.select(view.trace.turns[4].tool_calls[0].order)

    assert (view.detail["title"], view.detail["status"], view.detail["mark"]) == (
        "station_reading",
        "failure",
        "failed",
    )
    assert [section["name"] for section in view.detail["sections"]] == ["Arguments", "Failure"]
    assert "station_offline" in view.detail["sections"][1]["json"]
    assert dict(view.detail["facts"])["records"] == "trace[44], trace[45]"


def test_the_page_walks_and_searches(sent: list[dict[str, Any]]) -> None:
    """Turns by their place, calls by their record, words by the names of tools; what is not there changes nothing."""
    view = TraceTimelineView(samples.station_trace())
    view.comm.receive({"do": "turn", "place": 22})
    view.comm.receive({"do": "turn", "place": 23})
    last = view.waterfall["title"]
    view.comm.receive({"do": "find", "words": "DRAW_chart"})
    view.comm.receive({"do": "select", "order": 10_000})

    assert (last, view.waterfall["title"]) == ("turn 23", "turn 4")
    assert view.selection == "turn turn-04"
    assert sent


def test_a_turn_that_is_not_there_is_refused() -> None:
    """The error names the turns that are."""
    with pytest.raises(CallerError, match=r"station.trace.jsonl has no turn 99; it has 1 to 23"):
        TraceTimelineView(samples.station_trace(), turn=99)


def test_bad_lines_are_said_everywhere() -> None:
    """A trace with a bad line shows the rest and counts what it could not read."""
    good = (samples.DATA / "station.trace.jsonl").read_bytes()
    view = TraceTimelineView(read_trace(good + b"{nonsense}\n"))

    assert "1 bad line skipped: trace.errors" in view.shown
    assert "1 bad line skipped: trace.errors" in static_html(view)
    assert "! 1 bad line skipped: trace.errors" in text(view)


def test_half_a_turn_is_open_not_zero() -> None:
    """A trace that ends in the middle of a call shows it as open."""
    lines = (samples.DATA / "station.trace.jsonl").read_bytes().splitlines(keepends=True)
    view = TraceTimelineView(read_trace(b"".join(lines[:3])))

    assert [row["took"] for row in view.waterfall["rows"]][1:] == ["open"]
    assert "open" in text(view)


@pytest.mark.parametrize("cut", [slice(3, 60), slice(0, 6), slice(3, 6), slice(5, 6)], ids=str)
def test_a_cut_trace_stays_in_its_picture(cut: slice) -> None:
    """A turn whose start or end is not in the file is drawn from what is known of it, nothing off the page."""
    trace = read_trace(samples.station_trace()[cut])
    view = TraceTimelineView(trace)

    for svg in (static_svg(view), static_svg(TraceTimelineView(trace, turn=trace.turns[0].turn_index))):
        bars = list(ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect"))  # noqa: S314 - our own picture
        assert all(0 <= float(bar.get("x", 0)) <= 720 for bar in bars)
        assert all(float(bar.get("x", 0)) + float(bar.get("width", 0)) <= 725 for bar in bars)
    assert all(0 <= start <= end <= view.overview["total"] + 0.001 for start, end, _ in view.overview["turns"])


def test_two_thousand_turns_and_more_are_a_density() -> None:
    """The overview of a long trace stays small: 600 moments, and every mark."""
    record = '{{"schema_version":2,"id":"x","timestamp":"2026-11-21T15:{m:02d}:{s:02d}.{ms:03d}Z","context":{{"session_id":"main","turn_id":"t{n}","turn_index":{n}}},"type":"{type}","status":"failed","done_reason":"cancelled"}}'
    lines = []
    for number in range(2_500):
        second, part = divmod(number * 400, 1000)
        for offset, kind in ((0, "turn_started"), (300, "turn_completed")):
            lines.append(
                record.format(m=second // 60, s=second % 60, ms=(part + offset) % 1000, n=number + 1, type=kind)
                if part + offset < 1000
                else record.format(
                    m=(second + 1) // 60, s=(second + 1) % 60, ms=part + offset - 1000, n=number + 1, type=kind
                )
            )
    shown = overview(read_trace("\n".join([*lines, ""]).encode()))

    assert shown["density"]
    assert (len(shown["model"]), len(shown["marks"])) == (600, 2_500)
    assert len(to_json(shown)) < 300_000


@pytest.mark.parametrize("strange", [None, 7, "x", [1, [2]], {"a": []}, True], ids=str)
@pytest.mark.parametrize("member", ["request", "response", "stream_summary", "usage", "output", "args", "context"])
def test_records_of_any_shape_are_shown(member: str, strange: Any) -> None:
    """Another release, or damage, may put anything anywhere: every call can be looked at, and every face drawn."""
    lines = (samples.DATA / "station.trace.jsonl").read_bytes().splitlines()[:10]
    records = [{**json.loads(line), member: strange} for line in lines]
    view = TraceTimelineView(read_trace(records))
    for place in range(len(view.trace.turns)):
        view.show_turn(place)
        for row in view.waterfall["rows"]:
            view.select(row["order"])

    assert len(view.trace) == 10
    assert (view.detail["title"], static_html(view)[:5], static_svg(view)[:4], text(view)[:8]) != ("", "", "", "")


def test_a_turn_of_very_many_calls_is_cut_aloud() -> None:
    """A page takes 400 rows; the last one says how many calls it stands for and where they are."""
    calls = [
        record(at / 100, kind, call_id=f"c{at}", name="t", args={})
        for at in range(1000)
        for kind in ("tool_call_started", "tool_call_completed")
    ]
    view = TraceTimelineView(read_trace(calls))
    rows = view.waterfall["rows"]

    assert len(rows) == 403
    assert (rows[-1]["name"], rows[-1]["note"]) == ("600 more calls", "frames.tool_calls_df(trace)")
    assert "+600 calls" in static_svg(view)
    assert len(static_html(view)) < 150_000


def test_centuries_have_an_axis() -> None:
    """A turn whose clock was wrong is drawn, however long it seems."""
    first, last = record(1, "turn_started"), record(2, "turn_completed", status="completed")
    trace = read_trace([{**first, "timestamp": "1678-01-01T00:00:00Z"}, {**last, "timestamp": "2261-12-31T00:00:00Z"}])

    assert " h " in static_svg(TraceTimelineView(trace))


def test_json_of_any_depth_is_shown() -> None:
    """What is nested too deeply for lines of its own stands on one line, or is said to be too deep."""
    for depth in (70, 900, 100_000):
        value: Any = 1
        for _ in range(depth):
            value = [value]
        assert pretty_capped(value, whole="x")[0]
        assert inline(value)


@pytest.mark.parametrize("turn", [None, 3])
def test_the_picture_is_well_formed(turn: int | None) -> None:
    """Both pictures parse and hold nothing but shapes, text and their colors on dark pages."""
    root = ET.fromstring(static_svg(TraceTimelineView(samples.station_trace(), turn=turn)))  # noqa: S314 - our own picture

    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        "svg",
        "style",
        "rect",
        "path",
        "text",
        "tspan",
        "title",
    }


def test_the_newest_turns_are_shown_first() -> None:
    """Of a long session the last turn is open, and a picture, which has no room for all, draws the newest ones and says so."""
    records = [
        line
        for turn in range(1, 81)
        for line in (
            tool_start(turn / 2, str(turn), turn=turn),
            tool_end(turn / 2 + 0.1, str(turn), "success", turn=turn),
        )
    ]
    view = TraceTimelineView(read_trace(records))

    assert (view.place, view.waterfall["title"]) == (79, "turn 80")
    html = static_html(view)
    assert "the newest 60 turns" in html
    assert ">80</text>" in static_svg(view)
    assert ">20</text>" not in static_svg(view)
    lines = text(view).splitlines()
    assert "50 earlier turns: frames.turns_df(trace)" in lines
    rows = [row.split()[0] for row in lines if " open " in row or " success" in row]
    assert (rows[0], rows[-1]) == ("51", "80")


def test_a_picture_names_what_is_drawn_in_it() -> None:
    """The kinds that are there, in both; the thin line behind bars only where there is one, in the waterfall of a turn."""
    trace = samples.station_trace()
    turns, turn = (static_svg(TraceTimelineView(trace, turn=number)) for number in (None, 3))

    def named(svg: str) -> list[str]:
        return [kind for kind in ("llm_call", "tool_call", "direct") if f">{kind}</text>" in svg]

    assert named(turns) == ["llm_call", "tool_call", "direct"]
    assert named(turn) == ["llm_call", "tool_call"]
    assert ">until recorded</text>" in turn
    assert "until recorded" not in turns
