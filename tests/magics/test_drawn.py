"""A plot that a magic shows is readable on a light and on a dark page."""

import io
import re
import tracemalloc
from base64 import b64decode
from collections.abc import Callable
from typing import Any, Final

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.pylabtools import print_figure
from matplotlib.axes import Axes
from matplotlib.image import imread
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from lash_nb import plots
from lash_nb.magics._drawn import show_in_both_themes
from lash_nb.magics._palette import with_palette
from lash_nb.trace import Trace, read_trace
from tests.trace.lines import STATION

PLOTS: Final = (plots.latency, plots.tokens, plots.tool_outcomes)
"""Marks with the color of the page, fills with the color of small text, signs on fills."""


def png(figure: Any) -> bytes:
    """The figure as matplotlib writes it."""
    return bytes(print_figure(figure))  # type: ignore[no-untyped-call]  # IPython leaves it untyped


def seen(picture: bytes, page: float) -> Any:
    """The picture's pixels on a page of some brightness."""
    pixels = imread(io.BytesIO(picture), format="png")
    return pixels[..., :3] * pixels[..., 3:] + page * (1 - pixels[..., 3:])


@pytest.fixture(scope="module")
def station() -> Trace:
    """The trace of the weather desk."""
    return read_trace(STATION)


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.__name__)
def test_a_figure_shows_itself_in_both_themes(plot: Callable[[Trace], Axes], station: Trace) -> None:
    """Two transparent pictures of half the size that nobody can tell from those that matplotlib draws for each theme."""
    figure: Any = plot(station).get_figure(root=True)
    with plots.style(dark=True):
        wanted_dark: Any = plot(station).get_figure(root=True)
    figure.set_dpi(60)
    wanted_dark.set_dpi(60)
    show_in_both_themes(figure)
    html = figure._repr_html_()
    light, dark = (b64decode(data) for data in re.findall(r"base64,([^\"]+)", html))
    drawn = png(figure)

    assert abs(seen(light, 1) - seen(drawn, 1)).max() < 0.05
    assert abs(seen(dark, 0) - seen(png(wanted_dark), 0)).max() < 0.05
    assert len(light) + len(dark) < 1.2 * len(drawn)
    assert html.index("lash-plot-light") < html.index("display:block;max-width") < html.index("display:none;max-width")
    plt.close("all")


def test_a_figure_stays_as_it_was(station: Trace) -> None:
    """What matplotlib draws afterwards is what it drew before."""
    figure: Any = plots.latency(station).get_figure(root=True)
    before = png(figure)
    show_in_both_themes(figure)
    figure._repr_html_()

    assert png(figure) == before
    plt.close(figure)


def test_the_dark_picture_is_laid_out_as_the_light_one(station: Trace) -> None:
    """A tall plot has hundreds of words, and to find places for them costs as much as to draw it."""

    class Counting(ConstrainedLayoutEngine):
        rounds = 0

        def execute(self, fig: Any) -> Any:
            self.rounds += 1
            return super().execute(fig)

    figure: Any = plots.latency(station).get_figure(root=True)
    engine = Counting()
    figure.set_layout_engine(engine)
    png(figure)
    once = engine.rounds
    show_in_both_themes(figure)
    figure._repr_html_()

    assert (engine.rounds, figure.get_layout_engine()) == (2 * once, engine)
    plt.close(figure)


def test_a_large_picture_is_sorted_by_runs() -> None:
    """Of a plot that is mostly empty not every pixel is held several times over."""
    target = io.BytesIO()
    pixels = np.zeros((1_000, 1_000, 4), dtype=np.uint8)
    pixels[::50] = (255, 0, 0, 255)
    Image.fromarray(pixels).save(target, format="png")
    tracemalloc.start()
    indexed = with_palette(target.getvalue())
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (np.asarray(Image.open(io.BytesIO(indexed)).convert("RGBA")) == pixels).all()
    assert most < 4 * pixels.nbytes


def test_an_empty_figure_shows_nothing(station: Trace) -> None:
    """As matplotlib itself has it: whoever cleared a figure does not get an error for it."""
    figure: Any = plots.latency(station).get_figure(root=True)
    show_in_both_themes(figure)
    figure.clear()

    assert figure._repr_html_() is None
    plt.close(figure)


def test_a_picture_of_too_many_colors_is_shown_as_it_is() -> None:
    """A photograph that somebody drew beside a plot keeps its colors."""
    figure: Any = plt.figure(figsize=(2, 2), facecolor="none")
    figure.add_axes((0, 0, 1, 1)).imshow(np.random.default_rng(1).random((200, 200, 3)))
    show_in_both_themes(figure)
    light, _ = re.findall(r"base64,([^\"]+)", figure._repr_html_())

    assert b64decode(light) == png(figure)
    plt.close(figure)


def test_a_figure_of_another_color_is_left_alone() -> None:
    """Whoever chose a background of their own gets the one picture that they drew."""
    figure = plt.figure(facecolor="white")
    show_in_both_themes(figure)

    assert "_repr_html_" not in vars(figure)
    plt.close(figure)
