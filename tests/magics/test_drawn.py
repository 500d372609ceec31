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
from IPython.core.pylabtools import print_figure, select_figure_formats
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.image import imread
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from lash_nb import plots
from lash_nb.magics._drawn import show_in_both_themes
from lash_nb.magics._palette import with_palette
from lash_nb.magics._shown import ShownValues, display_formatter
from lash_nb.trace import Trace, read_trace
from tests.magics.conftest import Shell
from tests.trace.lines import STATION

PLOTS: Final = (plots.latency, plots.tokens, plots.tool_outcomes)
"""Marks with the color of the page, fills with the color of small text, signs on fills."""


class Noting(Artist):
    """Notes each time that it is drawn."""

    def __init__(self, drawn: list[None]) -> None:
        super().__init__()
        self._drawn = drawn

    def draw(self, _renderer: object) -> None:
        """Note it, and draw nothing."""
        self._drawn.append(None)


PALETTE: Final = 256 * 4
"""Bytes of the colours that a picture of 256 colours brings along, however small it is."""


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
    assert len(light) + len(dark) < 1.2 * len(drawn) + 2 * PALETTE
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


def test_a_figure_is_laid_out_once_and_drawn_twice(station: Trace) -> None:
    """A tall plot has hundreds of words, and to find places for them costs as much as to draw it; the PNG is the light picture."""

    class Counting(ConstrainedLayoutEngine):
        rounds = 0

        def execute(self, fig: Any) -> Any:
            self.rounds += 1
            return super().execute(fig)

    figure: Any = plots.latency(station).get_figure(root=True)
    engine = Counting()
    figure.set_layout_engine(engine)
    drawn: list[None] = []
    figure.add_artist(Noting(drawn))
    pictures = show_in_both_themes(figure)
    assert pictures is not None
    html = figure._repr_html_()
    light, _ = re.findall(r"base64,([^\"]+)", html)

    assert (pictures.png(), len(drawn), engine.rounds, figure.get_layout_engine()) == (light, 2, 1, engine)
    assert (pictures.png(), len(drawn)) == (light, 4)
    plt.close(figure)


def test_a_figure_changed_after_its_page_was_drawn_shows_the_change(station: Trace) -> None:
    """The PNG of a page is given with it and once: later a new one is drawn."""
    axes = plots.latency(station)
    pictures = show_in_both_themes(axes.get_figure(root=True))  # type: ignore[arg-type]  # a plot has a figure
    assert pictures is not None
    pictures.html()
    before = pictures.png()
    axes.set_title("Another title", loc="left")

    assert pictures.png() != before
    plt.close("all")


def test_only_the_plain_png_of_a_notebook_is_taken_over(shell: Shell, station: Trace) -> None:
    """Whoever asked for sharper pictures, or for others, gets them; when the cell is over the figure is shown as every other."""
    shown = ShownValues(shell.ip)
    formatter = display_formatter(shell.ip).formatters["image/png"]
    figure: Any = plots.latency(station).get_figure(root=True)
    seen = []
    for formats in ("png", "retina", "svg"):
        select_figure_formats(shell.ip, {formats})  # type: ignore[no-untyped-call]  # IPython leaves it untyped
        shown.add_picture(figure, lambda: "ours")
        seen.append(formatter(figure) == "ours")
        shown.forget()
        select_figure_formats(shell.ip, {"png"}, bbox_inches="tight")  # type: ignore[no-untyped-call]  # IPython leaves it untyped
        shown.add_picture(figure, lambda: "ours")
        seen.append(formatter(figure) == "ours")
        shown.forget()
        seen.append(formatter(figure) == "ours")

    assert seen == [False, True, False] * 3
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

    assert abs(seen(b64decode(light), 1) - seen(png(figure), 1)).max() < 0.01
    plt.close(figure)


def test_a_figure_of_another_color_is_left_alone() -> None:
    """Whoever chose a background of their own gets the one picture that they drew."""
    figure = plt.figure(facecolor="white")
    show_in_both_themes(figure)

    assert "_repr_html_" not in vars(figure)
    plt.close(figure)
