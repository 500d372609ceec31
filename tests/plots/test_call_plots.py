"""Latency and outcomes: what is drawn is what the records say, and what is not drawn is said."""

import itertools
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from lash_nb.plots import (
    KIND_COLORS,
    MARKS,
    latency,
    timeline,
    tokens,
    tool_outcomes,
)
from lash_nb.trace import Trace, read_trace
from tests.conformance.vectors import PACKED, read_files
from tests.plots.drawn import bars, boxes, model_call, points, rendered, texts
from tests.trace.lines import line, tool_end, tool_start


def test_latency_draws_the_percentiles_of_the_records(station: Trace, records: list[dict[str, Any]]) -> None:
    """The disc and the diamond of a tool stand at p50 and p99 of what its records report; the tick is in the words beside them."""
    took = [
        one["duration_ms"]
        for one in records
        if one["type"] == "tool_call_completed" and one["name"] == "station_reading"
    ]
    ax = latency(station)
    row = [label.get_text() for label in ax.get_yticklabels()].index("station_reading  (17)")
    p50, p95, p99 = np.percentile(took, (50, 95, 99))

    assert len(took) == 17
    assert [x for x, y in points(ax) if y == row] == pytest.approx([p50, p99])
    assert f"{p50:.0f} · {p95:.0f} · {p99:.0f} ms" in texts(ax)
    assert {"p50", "p95", "p99", "desk-model  (43)", "small-model, direct  (1)"} <= set(texts(ax))


def test_of_few_calls_each_one_is_a_ring(station: Trace, records: list[dict[str, Any]]) -> None:
    """Two calls are two signs, not a distribution."""
    took = sorted(
        one["duration_ms"]
        for one in records
        if one["type"] == "tool_call_completed" and one["name"] == "station_history"
    )
    ax = latency(station)
    row = [label.get_text() for label in ax.get_yticklabels()].index("station_history  (2)")

    assert [x for x, y in points(ax) if y == row] == took


def test_latencies_far_apart_are_on_a_logarithmic_axis() -> None:
    """A tool of a millisecond beside one of a minute: the axis says what it is, and both have room."""
    trace = read_trace(
        [
            one
            for at, (name, took) in enumerate([("quick", 1), ("slow", 60_000)])
            for one in (
                tool_start(at, name, name=name),
                tool_end(at + 0.5, name, "success", name=name, duration_ms=took),
            )
        ]
    )
    ax = latency(trace)

    assert ax.get_xscale() == "log"
    assert any("logarithmic" in text for text in texts(ax))
    assert sorted(x for x, _ in points(ax)) == [1, 60_000]
    assert rendered(ax)


def test_calls_without_a_time_are_counted_aloud() -> None:
    """Open calls and negative times are in no percentile, and the plot says so."""
    ends = [tool_end(at + 0.5, f"c{at}", "success", duration_ms=took) for at, took in enumerate((5, -7))]
    trace = read_trace([*(tool_start(at, f"c{at}") for at in range(3)), *ends])
    ax = latency(trace)
    written = "\n".join(texts(ax))

    assert points(ax) == [(5, 0)]
    assert "1 call not finished, or without a time, not counted." in written
    assert "1 call with a negative time not counted." in written


def test_many_names_are_cut_aloud() -> None:
    """Of a hundred tools those called most often are drawn; the plot says how many are not."""
    trace = read_trace(
        [
            one
            for number, again in itertools.product(range(100), range(2))
            if number >= 50 or again
            for one in [tool_end(number / 2, f"c{number}-{again}", "success", name=f"tool {number:02}")]
        ]
    )
    for drawn in (latency(trace), tool_outcomes(trace)):
        names = [label.get_text().partition("  ")[0] for label in drawn.get_yticklabels()]

        assert len(names) == 40
        assert min(names) >= "tool 50"
        assert any("60 more" in text for text in texts(drawn))


def test_outcomes_are_counted(station: Trace, records: list[dict[str, Any]]) -> None:
    """As many calls as the records have of each outcome, in bars and in words; the tool called most often first."""
    ends = [
        one["output"]["outcome"]["status"]
        for one in records
        if one["type"] == "tool_call_completed" and one["name"] == "station_reading"
    ]
    ax = tool_outcomes(station)

    assert [ends.count(status) for status in ("success", "failure", "cancelled")] == [14, 2, 1]
    assert ax.get_yticklabels()[0].get_text() == "station_reading"
    assert "14 ok · 2 failed · 1 cancelled" in texts(ax)
    assert max(box.width for box in boxes(ax, KIND_COLORS["tool_call"])) == 14
    assert [box.width for box in boxes(ax, KIND_COLORS["failure"])] == [2]


def test_a_call_without_an_end_is_no_success() -> None:
    """It has a bar and a word of its own, and so has a status that nobody knows."""
    trace = read_trace([tool_start(0, "a"), tool_end(1, "b", "$odd$")])
    ax = tool_outcomes(trace)

    assert "1 not finished · 1 $odd$" in texts(ax)
    assert KIND_COLORS["tool_call"] not in bars(ax)
    assert rendered(ax)


def test_retries_are_told_where_the_trace_records_them(station: Trace) -> None:
    """The later release says that the tool was tried twice; the earlier one says nothing, and the title promises no retries."""
    later = read_trace(dict(read_files(PACKED, "traces_later"))["v7_tool_retry.jsonl"])
    ax = tool_outcomes(later)

    assert "1 ok · 1 retry" in texts(ax)
    assert not any("not recorded" in text for text in texts(ax))
    assert f"  {MARKS['retried']} 2 attempts" in texts(timeline(later))
    assert tool_outcomes(later).get_title("left").startswith("Tool outcomes and retries · ")
    assert tool_outcomes(station).get_title("left") == f"Tool outcomes · {station.name}"
    assert not any("recorded" in text for text in texts(tool_outcomes(station)))


def test_what_is_counted_has_whole_ticks() -> None:
    """One or two calls, or tokens: no tick between them is rounded to another one."""
    records = [
        record for at in (1, 2) for record in (tool_start(2 * at, str(at)), tool_end(2 * at + 1, str(at), "success"))
    ]
    ax = tool_outcomes(read_trace(records))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1", "2"]
    used = read_trace(model_call(1, usage={"input_tokens": 2, "output_tokens": 1}))
    for axes in tokens(used).figure.axes:
        assert all(float(tick).is_integer() for tick in axes.get_yticks())


def test_bodies_of_other_shapes_are_no_attempts() -> None:
    """Attempts that are no list, in a trace that says it is of a later release."""
    end = {**tool_end(1, "a", "success", attempts={"a": 1}), "schema_version": 7}

    assert "1 ok" in texts(tool_outcomes(read_trace([end])))


def test_the_ticks_of_a_short_axis_are_not_rounded() -> None:
    """Ticks at half milliseconds say so: no two of them read alike."""
    start, end = model_call(1, usage={"input_tokens": 1, "output_tokens": 1})
    end["response"]["duration_ms"] = 4
    ax = latency(read_trace(line(start) + line(end)))
    words = [label.get_text() for label in ax.get_xticklabels()]

    assert len(set(words)) == len(words) > 2
    assert words == [f"{place:g} ms" for place in ax.get_xticks()]


@pytest.mark.parametrize("time", ["15:00:00.600", "15:00:58.000", "16:40:00.000"])
def test_labels_of_a_small_axis_do_not_touch(time: str) -> None:
    """There are fewer of them, the words of long times needing the most room; a wide axis has more."""
    start, end = tool_start(0, "a"), tool_end(1, "a", "success")
    day = start["timestamp"].partition("T")[0]
    trace = read_trace([{**start, "timestamp": f"{day}T15:00:00.000Z"}, {**end, "timestamp": f"{day}T{time}Z"}])
    counts = []
    for inches in (4, 12):
        figure = Figure(figsize=(inches, 2), layout="constrained")
        ax = timeline(trace, ax=figure.add_subplot())
        rendered(ax)
        ends = [(box.x0, box.x1) for box in (label.get_window_extent() for label in ax.get_xticklabels())]
        assert all(left[1] < right[0] for left, right in itertools.pairwise(ends))
        counts.append(len(ends))

    assert 2 <= counts[0] <= counts[1]
    assert counts[1] > 3


def test_no_time_at_all_is_less_than_a_millisecond() -> None:
    """A trace has whole milliseconds: the tool took some of the first one."""
    records = [tool_start(0, "a"), tool_end(0, "a", "success", duration_ms=0)]

    assert "< 1 ms" in texts(latency(read_trace(records)))
    both = [*records, tool_start(1, "b"), tool_end(2, "b", "success", duration_ms=2)]
    assert "< 1 · 2 ms" in texts(latency(read_trace(both)))
    assert "< 1 ms" in texts(timeline(read_trace(both)))
