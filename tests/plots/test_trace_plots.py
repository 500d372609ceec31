"""The plots of a trace's numbers: what is drawn is what the records say, and what is not drawn is said."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex

from lash_nb.errors import CallerError
from lash_nb.frames import Price
from lash_nb.plots import (
    DARK,
    KIND_COLORS,
    LIGHT,
    TOKEN_COLORS,
    cache_share,
    cost,
    latency,
    style,
    timeline,
    tokens,
    tool_outcomes,
)
from lash_nb.trace import Trace, read_trace
from tests.plots.drawn import HOSTILE, bars, rendered, texts
from tests.trace.lines import STATION, llm_end, llm_start, record, tool_end, tool_start

SCREENS: Final = Path(__file__).parents[1] / "_screens"

PRICES: Final = {"desk-model": Price(input=3, cached_input=0.3, cache_write=0, output=15)}

PLOTS: Final[dict[str, Callable[..., Axes]]] = {
    "latency": latency,
    "tokens": tokens,
    "cost": lambda trace, **how: cost(trace, prices=PRICES, **how),
    "tool_outcomes": tool_outcomes,
    "cache_share": cache_share,
}


@pytest.fixture(params=PLOTS.values(), ids=list(PLOTS))
def plot(request: pytest.FixtureRequest) -> Callable[..., Axes]:
    """One plot after the other."""
    chosen: Callable[..., Axes] = request.param
    return chosen


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    """The records of the weather desk, as any JSON reader sees them."""
    return [json.loads(one) for one in STATION.read_text(encoding="utf-8").splitlines()]


def boxes(ax: Axes, color: str) -> list[Any]:
    """The bars of one fill."""
    return [
        path.get_extents()
        for one in ax.collections
        if isinstance(one, PolyCollection) and to_hex(np.asarray(one.get_facecolor())[0]) == color.lower()
        for path in one.get_paths()
    ]


def heights(ax: Axes, color: str) -> dict[float, float]:
    """Middle and height of the bars of one fill."""
    return {round((box.x0 + box.x1) / 2, 6): box.height for box in boxes(ax, color)}


def points(ax: Axes) -> list[tuple[float, float]]:
    """Where signs stand."""
    signs = [one for one in ax.collections if isinstance(one, PathCollection)]
    return [tuple(place) for one in signs for place in np.asarray(one.get_offsets()).tolist()]


def model_call(at: float, turn: int = 1, model: str = "m", *, usage: dict[str, int]) -> list[dict[str, Any]]:
    """A model call that reports its tokens."""
    start = record(at, "llm_call_started", turn=turn, context={"llm_call_id": str(at)}, request={"model": model})
    ends: dict[str, Any] = {"response": {"text": "", "duration_ms": 5, "terminal_reason": "stop"}, "usage": usage}
    return [start, record(at, "llm_call_completed", turn=turn, context={"llm_call_id": str(at)}, **ends)]


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


def test_tokens_are_those_of_the_records(station: Trace, records: list[dict[str, Any]]) -> None:
    """The bars of each turn are as high as its records say: cached below, the rest of the input on top, output on its own axes."""
    read, cached, wrote = (dict.fromkeys(range(1, 24), 0) for _ in range(3))
    for one in records:
        if one["type"] == "llm_call_completed" and one["context"].get("turn_index") is not None:
            turn, usage = one["context"]["turn_index"], one["usage"]
            cached[turn] += usage["cached_input_tokens"]
            read[turn] += usage["input_tokens"] - usage["cached_input_tokens"]
            wrote[turn] += usage["output_tokens"]
    direct = next(
        one["usage"] for one in records if one["type"] == "llm_call_completed" and "turn_index" not in one["context"]
    )
    read[9] += direct["input_tokens"]
    wrote[9] += direct["output_tokens"]
    ax = tokens(station)
    figure = ax.get_figure(root=True)
    assert figure is not None
    below = figure.axes[-1]

    assert heights(ax, TOKEN_COLORS["input"]) == {turn: count for turn, count in read.items() if count}
    assert heights(ax, TOKEN_COLORS["cached"]) == {turn: count for turn, count in cached.items() if count}
    assert heights(below, TOKEN_COLORS["output"]) == {turn: count for turn, count in wrote.items() if count}
    assert below is not ax
    assert {"cached", "input, not cached", "turn"} <= set(texts(ax))
    assert {"output", "reasoning"} <= set(texts(below))


def test_of_very_many_turns_several_share_a_bar() -> None:
    """A bar is then the mean of its turns, and the line below the title says of how many."""
    trace = read_trace(
        [
            one
            for turn in range(1, 1001)
            for one in model_call(turn / 20, turn, usage={"input_tokens": turn, "output_tokens": 2})
        ]
    )
    ax = tokens(trace)

    assert list(heights(ax, TOKEN_COLORS["input"]).values()) == [10 * bar + 5.5 for bar in range(100)]
    assert any("mean per turn, a bar is 10 turns" in text for text in texts(ax))
    assert "a bar is 10 turns" in "".join(texts(cost(trace, prices={"m": Price(input=1, output=1)})))
    assert rendered(ax)


def test_calls_that_are_in_no_bar_are_said() -> None:
    """Calls outside any turn, and finished calls that tell no tokens."""
    usage = {"input_tokens": 1200, "output_tokens": 30, "cached_input_tokens": 0, "reasoning_tokens": 0}
    lone = [
        record(0, "llm_call_started", turn=None, context={"llm_call_id": "d"}, request={"model": "m"}),
        record(1, "llm_call_completed", turn=None, context={"llm_call_id": "d"}, response={"text": ""}, usage=usage),
    ]
    trace = read_trace([*lone, *model_call(2, 1, usage=usage), llm_start(3, "x"), llm_end(4, "x", usage=None)])
    written = "\n".join(texts(tokens(trace)))

    assert "1 call outside any turn not shown: 1.2k tokens in, 30 out." in written
    assert "1 finished call reported no tokens." in written


def test_cost_is_tokens_times_price(station: Trace, records: list[dict[str, Any]]) -> None:
    """Each part of a turn's bar is its tokens times the price of a million; the sum stands below the title."""
    input_cost: dict[float, float] = {}
    total = 0.0
    for one in records:
        if one["type"] == "llm_call_completed" and one["context"].get("turn_index") is not None:
            turn, usage = one["context"]["turn_index"], one["usage"]
            uncached = usage["input_tokens"] - usage["cached_input_tokens"]
            input_cost[turn] = input_cost.get(turn, 0) + uncached * 3 / 1e6
            output = usage["output_tokens"] + usage["reasoning_tokens"]
            total += uncached * 3 / 1e6 + usage["cached_input_tokens"] * 0.3 / 1e6 + output * 15 / 1e6
    ax = cost(station, prices=PRICES)

    assert heights(ax, TOKEN_COLORS["input"]) == pytest.approx(input_cost)
    assert f"USD, per turn · in all ${total:.2g}" in texts(ax)


def test_what_has_no_price_is_said_and_not_drawn() -> None:
    """A model without a price, cached input without one, and cache writes that the trace does not tell are named; none is zero."""
    usage = {"input_tokens": 100, "output_tokens": 10, "cached_input_tokens": 40, "reasoning_tokens": 0}
    trace = read_trace([*model_call(0, 1, "dear", usage=usage), *model_call(1, 2, "$new", usage=usage)])
    ax = cost(trace, prices={"dear": Price(input=1_000_000, output=0)})
    written = "\n".join(texts(ax))

    assert heights(ax, TOKEN_COLORS["input"]) == {1: 60}
    assert "No price for $new: 110 tokens of 1 call are not in the cost." in written
    assert "No price for cached input of dear: 40 tokens of 1 call are not in the cost." in written
    assert "Cache writes of dear are not recorded in 1 call and not in the cost" in written
    assert "in all $60.00" in written
    assert "nothing here has a price" in "\n".join(texts(cost(trace, prices={})))
    assert rendered(ax)


@pytest.mark.parametrize("wrong", [3, {"input": 3}, Price(input=-1, output=0), Price(input=float("nan"), output=0)])
def test_what_is_no_price_is_refused(wrong: Any, station: Trace) -> None:
    """The error names the model and how a price is written."""
    with pytest.raises(CallerError, match=r"desk-model.*USD per million tokens"):
        cost(station, prices={"desk-model": wrong})


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


def test_cache_share_is_weighed_by_tokens(station: Trace, records: list[dict[str, Any]]) -> None:
    """The bar of a turn is its cached tokens of all it read, and the line those of all turns."""
    usages = [
        (one["context"].get("turn_index"), one["usage"]) for one in records if one["type"] == "llm_call_completed"
    ]
    third = [usage for turn, usage in usages if turn == 3]
    ax = cache_share(station)
    share = 100 * sum(one["cached_input_tokens"] for one in third) / sum(one["input_tokens"] for one in third)
    every = [usage for _, usage in usages]
    overall = 100 * sum(one["cached_input_tokens"] for one in every) / sum(one["input_tokens"] for one in every)

    assert heights(ax, TOKEN_COLORS["cached"])[3] == pytest.approx(share)
    assert f"all: {overall:.0f} %" in texts(ax)


def test_a_turn_that_read_nothing_has_no_share() -> None:
    """That is not the same as none of it cached, and the plot says so."""
    usage = {"input_tokens": 10, "cached_input_tokens": 5, "output_tokens": 1, "reasoning_tokens": 0}
    trace = read_trace([*model_call(0, 1, usage=usage), record(1, "turn_started", turn=2)])

    assert "1 turn without input tokens: no share." in texts(cache_share(trace))


@pytest.mark.parametrize("data", [b"", b"bad\n", json.dumps(record(0, "turn_started")).encode() + b"\n"])
def test_nothing_to_draw_is_one_sentence(plot: Callable[..., Axes], data: bytes) -> None:
    """A trace without such calls is bare axes with a title and a sentence."""
    ax = plot(read_trace(data))

    assert [text for text in texts(ax) if text] == [ax.texts[0].get_text(), ax.get_title("left")]
    assert len(ax.texts[0].get_text().split()) > 4
    assert not ax.collections
    assert rendered(ax)


def test_hostile_names_are_only_text(plot: Callable[..., Axes]) -> None:
    """Formulas, controls and endless names of models and tools are drawn as they are and cut, without a warning."""
    usage = {"input_tokens": 9, "output_tokens": 9, "cached_input_tokens": 3, "reasoning_tokens": 3}
    trace = read_trace(
        [
            one
            for at, name in enumerate((HOSTILE, "$x$" * 5000, "\u202eשלום\x1b[31m", "", "\\frac{"))
            for one in (
                *model_call(at, at + 1, name, usage=usage),
                tool_start(at + 0.1, f"c{at}", turn=at + 1, name=name),
                tool_end(at + 0.2, f"c{at}", "$\\no$", turn=at + 1, name=name),
            )
        ]
    )
    ax = plot(trace)

    assert rendered(ax)
    assert all(len(text) < 400 and "\x1b" not in text and "\u202e" not in text for text in texts(ax))


def test_damaged_numbers_are_drawn_as_far_as_they_go(plot: Callable[..., Axes]) -> None:
    """Negative and huge counts break no plot."""
    huge = {"input_tokens": 10**15, "cached_input_tokens": -5, "output_tokens": -3, "reasoning_tokens": 10**9}
    none = {"input_tokens": 0, "cached_input_tokens": 9, "output_tokens": 0, "reasoning_tokens": 0}
    many = model_call(0, 1, usage=huge)
    few = model_call(1, 2, usage=none)

    assert rendered(plot(read_trace([*many, *few, tool_end(2, "c", "success", duration_ms=-1e300)])))


def test_axes_of_ones_own_are_used(plot: Callable[..., Axes], station: Trace) -> None:
    """`ax=` draws into a figure that is there and gives the axes back; the other axes stay as they are."""
    figure, (left, right) = plt.subplots(1, 2)
    before = right.get_position().bounds

    assert plot(station, ax=left) is left
    assert figure.axes[:2] == [left, right]
    assert right.get_position().bounds == before
    assert not right.has_data()
    assert rendered(left)


@pytest.mark.parametrize(("dark", "theme"), [(False, LIGHT), (True, DARK)])
def test_text_follows_the_page(plot: Callable[..., Axes], dark: bool, theme: Any, station: Trace) -> None:
    """`style(dark=…)` chooses the colors of text; figure and axes are transparent."""
    with style(dark=dark):
        ax = plot(station)

    legend = ax.get_legend()
    written = [*ax.texts, *ax.get_xticklabels(), *ax.get_yticklabels(), *(legend.get_texts() if legend else ())]
    on_fills = "#ffffff"

    assert {to_hex(text.get_color()) for text in written} <= {theme.ink, theme.muted, on_fills}
    assert ax.figure.patch.get_alpha() == ax.patch.get_alpha() == 0


def test_nothing_is_shown_and_no_setting_changes(plot: Callable[..., Axes], station: Trace) -> None:
    """A plot gives its axes back; matplotlib is as it was."""
    before = dict(mpl.rcParams)
    plot(station)

    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", [*PLOTS, "timeline"])
@pytest.mark.parametrize("dark", [False, True])
def test_pictures(name: str, dark: bool, station: Trace) -> None:
    """Every plot in both themes goes to `tests/_screens`, on the page it is for, to be looked at next to the design."""
    with style(dark=dark):
        ax = {**PLOTS, "timeline": timeline}[name](station)
    theme = DARK if dark else LIGHT
    SCREENS.mkdir(exist_ok=True)
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.patch.set_alpha(1)
    path = SCREENS / f"plots_{name}_{'dark' if dark else 'light'}.png"
    figure.savefig(path, facecolor=theme.surface)

    assert np.asarray(plt.imread(path)).shape[1] == 900
