"""A plot that a magic shows is readable on a light and on a dark page."""

import re
from typing import Any

import matplotlib.pyplot as plt
from IPython.core.pylabtools import print_figure

from lash_nb import plots
from lash_nb.magics._drawn import show_in_both_themes
from lash_nb.trace import read_trace
from tests.trace.lines import STATION


def picture(figure: Any) -> str:
    """The figure as a notebook stores it."""
    return str(print_figure(figure, base64=True)).replace("\n", "")  # type: ignore[no-untyped-call]  # IPython leaves it untyped


def test_a_figure_shows_itself_in_both_themes() -> None:
    """Two transparent pictures with text of two brightnesses, of which the page shows one; the figure itself stays as it was."""
    figure: Any = plots.latency(read_trace(STATION)).get_figure(root=True)
    before = picture(figure)
    show_in_both_themes(figure)
    html = figure._repr_html_()
    light, dark = re.findall(r"base64,([^\"]+)", html)

    assert light == before == picture(figure) != dark
    assert html.index("lash-plot-light") < html.index("display:block;max-width") < html.index("display:none;max-width")
    plt.close(figure)


def test_a_figure_of_another_color_is_left_alone() -> None:
    """Whoever chose a background of their own gets the one picture that they drew."""
    figure = plt.figure(facecolor="white")
    show_in_both_themes(figure)

    assert "_repr_html_" not in vars(figure)
    plt.close(figure)
