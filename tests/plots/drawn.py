"""What is drawn on axes, and text that would like to be more than text."""

import io
import warnings
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex

from tests.trace.lines import record

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
    """A small picture; any warning on the way is an error."""
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = ax.get_figure(root=True)
        assert figure is not None
        figure.savefig(target, format="png", dpi=40)
    return target.getvalue()


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
