"""What is drawn on axes, and text that would like to be more than text."""

import io
import warnings
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex

HOSTILE: Final = "$\\frac{1}{$ <script>ü 日本 😀 \u202e{}%s\n$x$"
"""A formula, markup, letters without a glyph, a mark that turns the direction, and two lines."""


def texts(ax: Axes) -> list[str]:
    """All that is written in and around the axes."""
    artists = [*ax.texts, *ax.get_xticklabels(), *ax.get_yticklabels(), ax.xaxis.label, ax.yaxis.label]
    legend = ax.get_legend()
    return [artist.get_text() for artist in (*artists, *(legend.get_texts() if legend else ()))] + [
        ax.get_title("left")
    ]


def bars(ax: Axes) -> dict[str, int]:
    """How many bars there are of each fill."""
    found: dict[str, int] = {}
    for collection in ax.collections:
        if isinstance(collection, PolyCollection):
            (color,) = (to_hex(one).upper() for one in np.asarray(collection.get_facecolor()))
            found[color] = found.get(color, 0) + len(collection.get_paths())
    return found


def rendered(ax: Axes) -> bytes:
    """The picture; any warning on the way is an error."""
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = ax.get_figure(root=True)
        assert figure is not None
        figure.savefig(target, format="png")
    return target.getvalue()
