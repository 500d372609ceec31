"""What holds for every plot of a trace's numbers: hostile and damaged traces, both themes, axes of one's own, traces of any size."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from lash_nb.frames import Price
from lash_nb.plots import (
    DARK,
    LIGHT,
    cache_share,
    cost,
    latency,
    style,
    timeline,
    tokens,
    tool_outcomes,
)
from lash_nb.trace import Trace, read_trace
from tests.conformance.vectors import PACKED, read_files
from tests.plots.drawn import HOSTILE, model_call, rendered, texts
from tests.trace.lines import line, record, tool_end, tool_start

SCREENS: Final = Path(__file__).parents[1] / "_screens"

PRICES: Final = {"desk-model": Price(input=3, cached_input=0.3, cache_write=0, output=15)}

LATER: Final = {name: data for name, data in read_files(PACKED, "traces_later") if name.endswith("_types.jsonl")}
"""Traces of other releases with every type of record."""

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


@pytest.mark.parametrize("name", LATER)
def test_traces_of_every_release_are_drawn(name: str) -> None:
    """Every type of record in every shape that lash has written, damaged numbers among them."""
    trace = read_trace(LATER[name], name=name)
    for one in (*PLOTS.values(), timeline):
        assert one(trace).get_title("left")


@pytest.mark.parametrize("name", [*PLOTS, "timeline"])
def test_all_releases_together_are_rendered(name: str) -> None:
    """What was drawn becomes a picture without a warning, whatever is in it."""
    trace = read_trace(b"".join(LATER.values()), name="all releases")

    assert rendered({**PLOTS, "timeline": timeline}[name](trace))


def calls(turns: int) -> Trace:
    """A trace with a model call and a tool call in each turn."""
    usage = {"input_tokens": 10, "output_tokens": 2, "cached_input_tokens": 4, "reasoning_tokens": 0}
    one = b"".join(map(line, [*model_call(1, usage=usage), tool_start(2, "a"), tool_end(3, "a", "success")]))
    return read_trace(
        b"".join(
            one.replace(b'"turn-1"', b'"turn-%d"' % n).replace(b'"turn_index":1', b'"turn_index":%d' % n)
            for n in range(turns)
        )
    )


def test_many_calls_are_drawn_with_few_artists() -> None:
    """Of ten times the calls no plot draws more: it adds up before it draws."""
    few, many = calls(300), calls(3_000)
    assert len(many.llm_calls) + len(many.tool_calls) == 6_000

    for plot in (*PLOTS.values(), timeline):
        assert len(plot(many).findobj()) <= len(plot(few).findobj()) + 20, plot


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
