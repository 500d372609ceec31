"""The timeline of yesterday's file: times as recorded, one turn at a time, nothing drawn that is not there."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lash_nb.errors import CallerError
from lash_nb.trace import read_trace
from lash_nb.views import TraceTimelineView, static_html, static_svg, text
from lash_nb.views._timeline_rows import overview
from lash_nb.wire import to_json
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
        (2, "Lima", "station_reading", "91 ms"),
        (2, "Quito", "station_reading", "161 ms"),
        (2, "Nairobi", "station_reading", "60 ms"),
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
    assert dict(view.detail["facts"])["records"] == "45, 46"


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


@pytest.mark.parametrize("turn", [None, 3])
def test_the_picture_is_well_formed(turn: int | None) -> None:
    """Both pictures parse and hold nothing but shapes and text."""
    root = ET.fromstring(static_svg(TraceTimelineView(samples.station_trace(), turn=turn)))  # noqa: S314 - our own picture

    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        "svg",
        "rect",
        "path",
        "text",
        "tspan",
        "title",
    }
