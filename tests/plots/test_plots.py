"""Plots: what is recorded is drawn, what is wrong has a mark and a word, and no text of the data is parsed."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection, PathCollection, PolyCollection

from lash_nb.errors import CallerError
from lash_nb.plots import DARK, KIND_COLORS, LIGHT, MARKS, session_graph, style, timeline
from lash_nb.trace import Trace, read_trace
from lash_nb.wire import SessionGraph
from tests.frames.graphs import graph
from tests.plots.drawn import HOSTILE, bars, rendered, texts
from tests.trace.lines import llm_start, record, tool_end, tool_start
from tests.views import samples


def test_the_overview_has_every_call(station: Trace) -> None:
    """All turns of the weather desk: one row each, a bar for every call, a word for every failure."""
    ax = timeline(station)

    assert bars(ax) == {KIND_COLORS["llm_call"]: 43, KIND_COLORS["direct"]: 1, KIND_COLORS["tool_call"]: 23}
    assert [label.get_text() for label in ax.get_yticklabels()] == [str(number) for number in range(1, 24)]
    assert texts(ax).count(f"  {MARKS['failed']} tool failed") == 2
    assert texts(ax).count(f"  {MARKS['cancelled']} cancelled") == 1
    assert {"llm_call", "direct", "tool_call", "Timeline · station.trace.jsonl"} <= set(texts(ax))
    assert rendered(ax)


def test_the_waterfall_of_a_turn(station: Trace) -> None:
    """One turn: its calls in order, those of one reply under a bracket, durations with their unit."""
    ax = timeline(station, turn=3)

    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "turn 3",
        "llm_call · desk-model",
        "3 tools of one reply",
        "station_reading · Lima",
        "station_reading · Quito",
        "station_reading · Nairobi",
        "llm_call · desk-model",
    ]
    assert {"728 ms", "155 ms", "320 ms", "91 ms", "161 ms", "60 ms", "214 ms"} <= set(texts(ax))
    assert rendered(ax)


def test_a_bar_is_as_long_as_its_call(station: Trace) -> None:
    """The first model call of turn 3 begins where its record says and takes what it reports."""
    ax = timeline(station, turn="turn-03")
    turn = station.turns[2]
    path = next(one for one in ax.collections if isinstance(one, PolyCollection)).get_paths()[0].get_extents()
    call = min(turn.llm_calls, key=lambda one: one.duration_ms or 0)

    assert turn.started_ns is not None
    assert call.started_ns is not None
    assert path.x0 == pytest.approx((call.started_ns - turn.started_ns) / 1e6)
    assert path.width == pytest.approx(call.duration_ms)


def test_what_failed_is_said_in_words() -> None:
    """A failed model call, a failed tool, an open call and a failed turn each have a mark and a word, not only a color."""
    error = {"message": "m", "retryable": False, "code": "overloaded"}
    trace = read_trace(
        [
            record(0, "turn_started"),
            llm_start(1, "x"),
            record(2, "llm_call_failed", context={"llm_call_id": "x", "effect_id": "2"}, error=error),
            tool_start(3, "a"),
            tool_end(4, "a", "failure", payload={"code": "offline"}),
            tool_start(5, "b"),
            record(6, "turn_completed", status="failed", done_reason="provider_error"),
        ]
    )
    written = texts(timeline(trace))

    for words in ("overloaded", "offline", "provider_error"):
        assert f"  {MARKS['failed']} {words}" in written
    assert f"  {MARKS['running']} not finished" in written


def test_very_many_turns_share_rows() -> None:
    """Of a thousand turns several share a row, which says so and counts what failed."""
    trace = read_trace(
        [
            one
            for number in range(1000)
            for one in (
                record(number / 100, "turn_started", turn=number),
                tool_start(number / 100, "a", turn=number),
                tool_end(number / 100, "a", "failure" if number == 500 else "success", turn=number),
                record(number / 100, "turn_completed", turn=number, status="completed", done_reason="r"),
            )
        ]
    )
    ax = timeline(trace)

    assert bars(ax) == {KIND_COLORS["tool_call"]: 50}
    assert f"  {MARKS['failed']} 1 with a failed call" in texts(ax)
    assert any("1,000 turns with 1,000 calls do not fit" in text for text in texts(ax))
    assert rendered(ax)


def test_a_turn_of_very_many_calls_is_cut_aloud() -> None:
    """No picture is as tall as ten thousand calls; the last row says how many it stands for."""
    trace = read_trace(
        [one for at in range(900) for one in (tool_start(at / 20, f"c{at}"), tool_end(at / 20, f"c{at}", "success"))]
    )
    ax = timeline(trace)
    figure = ax.get_figure(root=True)

    assert figure is not None
    assert figure.get_size_inches()[1] < 15
    assert len(texts(ax)) < 130
    assert ax.get_yticklabels()[-1].get_text() == "860 more calls"
    assert any("The first 40 of 900 calls; llm_calls_df(trace)" in text for text in texts(ax))


@pytest.mark.parametrize("said", ["今天奥斯陆的天气怎么样" * 20, "W" * 200], ids=["Chinese", "wide"])
def test_wide_letters_leave_the_graph_its_room(said: str) -> None:
    """A prompt in a script that no font here can draw, or in wide letters, pushes nothing aside."""
    ax = session_graph(samples.graph_of([(1, None, said)], leaf=1))

    assert rendered(ax)
    assert ax.get_window_extent().width > 700


@pytest.mark.parametrize("data", [b"", b"bad\n"])
def test_nothing_to_draw_is_said(data: bytes) -> None:
    """A trace without turns and a graph without nodes are pictures that say so."""
    assert "no turns in this trace yet" in texts(timeline(read_trace(data)))
    assert "no nodes yet: a turn makes the first" in texts(session_graph(SessionGraph()))


def test_calls_outside_any_turn_are_counted(station: Trace) -> None:
    """What has no place in the picture is said below it."""
    direct: dict[str, Any] = {"context": {"llm_call_id": "d"}, "turn": None, "request": {"model": "m"}}
    trace = read_trace([record(0, "llm_call_started", **direct)])

    assert "1 call outside any turn not shown." in texts(timeline(trace))
    assert not any("outside" in text for text in texts(timeline(station)))


@pytest.mark.parametrize(
    ("turn", "message"), [(99, "no turn 99 in 'station.trace.jsonl': its turns are 1 to 23"), ("x", "no turn 'x'")]
)
def test_an_unknown_turn(turn: Any, message: str, station: Trace) -> None:
    """The error names the turns there are."""
    with pytest.raises(CallerError, match=message):
        timeline(station, turn=turn)


def test_a_number_that_two_sessions_have() -> None:
    """A turn number that is not enough is an error that names the ids."""
    trace = read_trace([record(0, "turn_started", session=session) for session in "ab"])

    with pytest.raises(CallerError, match="2 turns of 'records' are called 1: name one by its id"):
        timeline(trace, turn=1)


def test_hostile_text_is_only_text() -> None:
    """Formulas, markup, controls and letters without a glyph in names are drawn as they are, without a warning."""
    bad: dict[str, Any] = {"name": HOSTILE, "args": {"a": HOSTILE}}
    trace = read_trace(
        [
            record(0, "turn_started", session=HOSTILE),
            tool_start(1, HOSTILE, session=HOSTILE, **bad),
            tool_end(2, HOSTILE, "failure", session=HOSTILE, payload={"code": HOSTILE}, **bad),
            record(3, "turn_completed", session=HOSTILE, status="failed", done_reason=HOSTILE),
            record(0, "turn_started", session="b", turn=2),
        ],
        name=HOSTILE,
    )
    for ax in (timeline(trace), timeline(trace, turn="turn-1")):
        assert rendered(ax)
        assert not any(control in text for text in texts(ax) for control in "\u202e\n")


def test_axes_of_ones_own_are_used(station: Trace) -> None:
    """`ax=` draws into a figure that is there, and gives the axes back."""
    figure, (left, right) = plt.subplots(1, 2)

    assert timeline(station, ax=left) is left
    assert session_graph(graph(), ax=right) is right
    assert figure.axes == [left, right]
    assert rendered(left)


def test_the_graph_has_a_label_for_each_node() -> None:
    """Every node of a small graph is a row with who speaks and what; the subtitle counts nodes and branches."""
    ax = session_graph(graph())

    assert {"user", "assistant", "tool", "note", "Warm.", "memo", "weather → 11 °C"} <= set(texts(ax))
    assert "5 nodes, 2 branches · newest first" in texts(ax)
    assert rendered(ax)


def test_a_long_graph_draws_what_can_be_seen() -> None:
    """Thousands of dots and lines on one pixel are one; each lane is drawn from its first row to its last, and the ring is whole."""
    turns = [(number, (number - 1 if number % 50 else number - 9) or None, "?") for number in range(1, 1_001)]
    ax = session_graph(samples.graph_of(turns, leaf=1_000))
    others, path = (one for one in ax.collections if isinstance(one, LineCollection))
    _, dots, ring = (one for one in ax.collections if isinstance(one, PathCollection))
    ends = [y for line in path.get_segments() for _, y in line]
    ((_, top),) = ax.transData.transform(ring.get_offsets())

    assert len(path.get_segments()) < 50 > len(others.get_segments()) / 3
    assert (min(ends), max(ends)) == (0, 3_999)
    assert len(np.asarray(dots.get_offsets())) < 3_000
    assert ax.get_window_extent().y1 - top > 8


@pytest.mark.parametrize(("dark", "theme"), [(False, LIGHT), (True, DARK)])
def test_text_is_readable_on_both_pages(dark: bool, theme: Any, station: Trace) -> None:
    """`style(dark=…)` chooses the colors of text; the figure itself is transparent."""
    with style(dark=dark):
        ax = timeline(station, turn=1)

    assert ax.get_yticklabels()[0].get_color() == theme.ink
    assert ax.figure.patch.get_alpha() == 0


def test_a_dark_style_of_matplotlib_is_followed(station: Trace) -> None:
    """Where matplotlib's own text is light, plots are drawn for a dark page."""
    with plt.style.context("dark_background"):
        ax = timeline(station, turn=1)

    assert ax.get_yticklabels()[0].get_color() == DARK.ink


def test_settings_of_the_user_are_left_alone(station: Trace) -> None:
    """Drawing changes no setting of matplotlib."""
    before = dict(mpl.rcParams)
    timeline(station)
    session_graph(graph())

    assert dict(mpl.rcParams) == before


def test_a_graph_is_drawn_of_a_graph() -> None:
    """Anything else is refused with what belongs there."""
    wrong: Any = "demo"
    with pytest.raises(CallerError, match=r"a session graph belongs here, not str: session\.graph"):
        session_graph(wrong)
