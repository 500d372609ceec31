"""The sheet every plot is drawn on: fonts, brightness, title, axis, and text that is never parsed.

A plot draws into the axes it is given, else onto a transparent figure of its own. It is dark where the text color of matplotlib's own
settings is light, so `plots.style(dark=True)` and `plt.style.use("dark_background")` both work.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap
from typing import Any, Final, Literal

import matplotlib as mpl
from matplotlib import colors, font_manager
from matplotlib import pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch

from lash_nb.plots._format import one_line, tick_time
from lash_nb.plots._style import DARK, KIND_COLORS, LIGHT, Theme
from lash_nb.plots._ticks import TickPlaces

__all__ = ["HATCH", "Bar", "Points", "Sheet", "drawable", "sheet", "style", "theme_now"]

_FONTS: Final = ("Helvetica Neue", "Arial", "Liberation Sans", "DejaVu Sans")
"""In order of preference; the last one comes with matplotlib and has the marks."""

HATCH: Final = "/////"
"""How matplotlib names the hatch."""

_BELOW_TICKS: Final = -22
_BELOW_LABEL: Final = -38
"""Points from the axis down to what is written below its ticks, or below its name."""

_LETTERS_PER_INCH: Final = 18
"""Letters of the smallest text here; an estimate, words are not measured."""

Bar = tuple[float, float, float, float]
"""Left end, right end, middle and height, in the units of the axes."""

Points = Sequence[tuple[float, float]]
"""Where a line goes through."""


@contextmanager
def style(*, dark: bool = False) -> Iterator[None]:
    """Draw plots for a light or a dark page within a `with` block."""
    with mpl.rc_context(_settings(DARK if dark else LIGHT)):
        yield


def theme_now() -> Theme:
    """Return the colors that go with matplotlib's present text color."""
    red, green, blue = colors.to_rgb(mpl.rcParams["text.color"])
    return DARK if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else LIGHT


@dataclass(frozen=True)
class Sheet:
    """Axes and the colors that go with them: what every part of a plot is drawn with."""

    ax: Axes
    """The axes, bare: no frame, no ticks."""
    theme: Theme
    """Colors of text and lines."""

    def heading(self, title: str, subtitle: str) -> None:
        """Write a bold title at the left and what is shown, with its unit, in the line below."""
        title_of = {"loc": "left", "fontsize": 12, "fontweight": "bold", "color": self.theme.ink, "pad": 24, "y": 1}
        self.ax.set_title(drawable(one_line(title)), parse_math=False, **title_of)  # type: ignore[arg-type]  # text properties
        self.ax.annotate(
            drawable(subtitle),
            xy=(0, 1),
            xycoords="axes fraction",
            xytext=(0, 9),
            textcoords="offset points",
            fontsize=10,
            color=self.theme.muted,
            parse_math=False,
        )

    def blank(self, title: str, sentence: str) -> None:
        """Say in one sentence that there is nothing to draw."""
        self.ax.set_xticks([])
        self.ax.set_yticks([])
        self.heading(title, sentence)

    def beside(self, x: float, y: float, text: str, **how: Any) -> None:
        """Write at the right of a mark, whatever the scale of the axis."""
        place = {
            "xytext": (8, 0),
            "textcoords": "offset points",
            "va": "center",
            "fontsize": 9,
            "color": self.theme.muted,
        }
        self.ax.annotate(drawable(text), xy=(x, y), parse_math=False, **{**place, **how})

    def write(self, x: float, y: float, text: str, **how: Any) -> None:
        """Write text of the data: no dollar sign in it begins a formula."""
        self.ax.text(x, y, drawable(text), parse_math=False, **{"va": "center", "fontsize": 9, **how})

    def bars(self, bars: Sequence[Bar], color: str, *, edge: str = "", hatched: bool = False) -> None:
        """Draw bars of one color, each with a thin edge, or one of another color; those lie above the others."""
        corners = [
            ((left, y - high / 2), (left, y + high / 2), (right, y + high / 2), (right, y - high / 2))
            for left, right, y, high in bars
        ]
        how: dict[str, Any] = {"edgecolor": self.theme.edge, "linewidth": 0.5, "zorder": 1}
        if edge:
            how = {"edgecolor": edge, "linewidth": 1, "zorder": 1.1, "hatch": HATCH if hatched else None}
        self.ax.add_collection(PolyCollection(corners, facecolor=color, **how), autolim=False)

    def lines(self, lines: Sequence[Points], color: str, *, width: float, above: bool = False) -> None:
        """Draw lines through points, all of one color; under the bars or above them."""
        collection = LineCollection(lines, colors=color, linewidths=width, zorder=1.5 if above else 0.9)
        self.ax.add_collection(collection, autolim=False)

    def time_axis(self, length_ms: float) -> None:
        """Put times with their unit on the axis and grid lines across; none beyond what happened."""
        self.value_axis("x", length_ms, tick_time)

    def value_axis(
        self,
        along: Literal["x", "y"],
        most: float,
        words: Callable[[float], str],
        *,
        ticks: int = 8,
        whole: bool = False,
    ) -> None:
        """Put values from 0 to `most` on an axis, only whole ones of what is counted, and grid lines across it; none beyond what there is."""
        axis = self.ax.xaxis if along == "x" else self.ax.yaxis
        axis.set_major_locator(TickPlaces(self.ax, along, most, words, ticks=ticks, whole=whole))
        axis.set_major_formatter(lambda value, _place: words(value))
        self.ax.grid(axis=along, color=self.theme.line, linewidth=0.8)

    def name_rows(self, names: Sequence[str]) -> None:
        """Name the rows, the first one at 0, in the color of text."""
        self.ax.set_yticks(range(len(names)), [drawable(name) for name in names], parse_math=False)
        for label in self.ax.get_yticklabels():
            label.set_color(self.theme.ink)

    def footnote(self, *sentences: str) -> None:
        """Say below the axis what is not in the picture, a line each."""
        if not any(sentences):
            return
        inches = self.ax.get_window_extent().width / self.ax.figure.dpi
        letters = max(40, int(inches * _LETTERS_PER_INCH))
        lines = [line for sentence in sentences for line in wrap(drawable(one_line(sentence, 400)), letters)]
        self.ax.annotate(
            "\n".join(lines),
            xy=(0, 0),
            xycoords="axes fraction",
            xytext=(0, _BELOW_LABEL if self.ax.get_xlabel() else _BELOW_TICKS),
            textcoords="offset points",
            va="top",
            fontsize=9,
            color=self.theme.muted,
            parse_math=False,
        )

    def legend(self, kinds: Iterable[str]) -> None:
        """Name the kinds that are there, above the axes at the right."""
        self.key([self.patch(kind, KIND_COLORS[kind]) for kind in kinds])

    def patch(self, label: str, color: str, *, edge: str = "") -> Patch:
        """Return what a legend shows for bars of one color; with an edge of another color for hatched ones."""
        hatch = 2 * HATCH if edge else None
        return Patch(facecolor=color, linewidth=0.5, label=label, edgecolor=edge or self.theme.edge, hatch=hatch)

    def key(self, handles: Sequence[Artist], *, inside: tuple[float, float] | None = None) -> None:
        """Name signs in one row: above the axes at the right, or with its upper left corner inside them."""
        if not handles:
            return
        place: dict[str, Any] = (
            {"loc": "upper left", "bbox_to_anchor": inside}
            if inside
            else {"loc": "lower right", "bbox_to_anchor": (1, 1)}
        )
        self.ax.legend(
            handles=handles,
            borderaxespad=0.4,
            ncols=len(handles),
            frameon=False,
            fontsize=9,
            labelcolor=self.theme.ink,
            handlelength=0.9,
            handleheight=0.9,
            handletextpad=0.5,
            columnspacing=1.2,
            **place,
        )

    def twin(self) -> "Sheet":
        """Return a second sheet on the same place: same horizontal axis, a value axis of its own at the same side."""
        ax = self.ax.twinx()
        _make_bare(ax, self.theme)
        ax.yaxis.tick_left()
        return Sheet(ax, self.theme)

    def pixels(self) -> tuple[float, float]:
        """Return how many pixels one unit takes, across and down."""
        (left, top), (right, bottom) = self.ax.transData.transform([(0, 0), (1, 1)])
        return abs(right - left), abs(bottom - top)


@contextmanager
def sheet(ax: Axes | None, *, size: tuple[float, float]) -> Iterator[Sheet]:
    """Lend bare axes, those given or new ones of `size` inches, with the settings in force for what is drawn in the block."""
    theme = theme_now()
    if ax is None:
        plt.draw_if_interactive()  # type: ignore[no-untyped-call]  # loads the backend, which may turn on interactive mode: for good, not for this block only
    with mpl.rc_context(_settings(theme)):
        if ax is None:
            figure, ax = plt.subplots(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))
            figure.patch.set_alpha(0)
        _make_bare(ax, theme)
        yield Sheet(ax, theme)


def _make_bare(ax: Axes, theme: Theme) -> None:
    ax.patch.set_alpha(0)
    ax.set_frame_on(False)
    ax.set_axisbelow(True)
    ax.tick_params(length=0, labelcolor=theme.muted, labelsize=9)


def drawable(text: str) -> str:
    """Replace what no font here can draw by one `�`, instead of a warning for each letter and a row of signs that push the picture aside."""
    if text.isascii():
        return text
    known = _letters()
    pieces = groupby(text, lambda letter: ord(letter) in known)
    return "".join("".join(letters) if can_draw else "\ufffd" for can_draw, letters in pieces)


def _settings(theme: Theme) -> Any:
    return {
        "text.color": theme.ink,
        "axes.labelcolor": theme.muted,
        "xtick.labelcolor": theme.muted,
        "ytick.labelcolor": theme.muted,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
        "grid.color": theme.line,
        "hatch.linewidth": 1.0,
        "font.family": list(_families()),
        "text.usetex": False,
        "axes.unicode_minus": True,
    }


@functools.cache
def _families() -> tuple[str, ...]:
    there = set(font_manager.fontManager.get_font_names())
    return tuple(name for name in _FONTS if name in there)


@functools.cache
def _letters() -> frozenset[int]:
    letters: set[int] = set()
    for name in _families():
        letters.update(font_manager.get_font(font_manager.findfont(name)).get_charmap())
    return frozenset(letters)
