"""A plot on the page of a notebook: clear in its light and in its dark theme.

A notebook lays a white panel below a transparent picture with dark text, and the kernel does not know the theme. So the figure shows itself
as two pictures in HTML, of which the page's own theme shows one; where style rules are dropped the light one is seen. That one is the PNG
in the output, too, for all else. To find a place for everything takes as long as to draw it, so that is done once for both.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import product
from typing import Any, Final, TypeAlias

import matplotlib as mpl
from IPython.core.pylabtools import print_figure
from matplotlib.artist import Artist
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from lash_nb.magics._palette import with_palette
from lash_nb.plots import DARK, LIGHT

__all__ = ["BothThemes", "show_in_both_themes"]

_RULE: Final = (
    "<style>"
    'body[data-jp-theme-light="false"] .lash-plot-light,body.vscode-dark .lash-plot-light{display:none!important}'
    'body[data-jp-theme-light="false"] .lash-plot-dark,body.vscode-dark .lash-plot-dark{display:block!important}'
    "</style>"
)
_Colors: TypeAlias = Mapping[Any, str]
"""The dark color in place of each light one."""


def _colors(*names: str) -> _Colors:
    return {to_rgba(getattr(LIGHT, name)): getattr(DARK, name) for name in names}


_UNPACKED: Final = {"compress_level": 0}
"""A picture that is read again at once."""
_NO_LAYOUT: Final[Any] = {"figure.autolayout": False, "figure.constrained_layout.use": False}
"""With these a figure of no layout has none: one of the layout `none` is drawn twice, the first time for the places alone."""
_WRITTEN: Final = _colors("ink", "muted", "failure_text", "line", "line_strong", "edge", "accent")
_FILLED: Final = _colors("surface")
_PROPERTIES: Final = ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor")


class BothThemes:
    """A figure that is drawn for a light page, as pictures for it and for a dark one."""

    def __init__(self, figure: Figure) -> None:
        self._figure = figure
        self._light = ""

    def html(self) -> str | None:
        """Return both pictures, of which the page shows one; None of an empty figure."""
        if not self._figure.axes:
            return None
        with _laid_out(self._figure) as box:
            self._light = _picture(self._figure, box)
            with _darkened(self._figure):
                dark = _picture(self._figure, box)
        width = round(self._figure.get_figwidth() * self._figure.dpi)
        images = (("light", self._light, "block"), ("dark", dark, "none"))
        return _RULE + "".join(
            f'<img class="lash-plot-{theme}" alt="plot" width="{width}" style="display:{display};max-width:100%" src="data:image/png;base64,{data}">'
            for theme, data, display in images
        )

    def png(self) -> str | None:
        """Return the light picture, base64: the one that has just been drawn as HTML, for a shell asks for that first, else a new one."""
        if not self._light:
            self.html()
        light, self._light = self._light, ""
        return light or None


def show_in_both_themes(figure: Figure) -> BothThemes | None:
    """Have a figure that is drawn for a light page show itself on a dark one, too; one of another color is left alone."""
    if to_rgba(figure.get_facecolor())[3] != 0:
        return None
    pictures = BothThemes(figure)
    figure._repr_html_ = pictures.html  # type: ignore[method-assign]  # where IPython looks for it
    return pictures


def _picture(figure: Figure, box: Bbox) -> str:
    drawn = print_figure(figure, fmt="png", bbox_inches=box, pil_kwargs=_UNPACKED)  # type: ignore[no-untyped-call]  # IPython leaves it untyped
    return b64encode(with_palette(drawn)).decode()


@contextmanager
def _laid_out(figure: Figure) -> Iterator[Bbox]:
    """Find a place for everything, leave it there while the block runs, for colors change none, and lend the box around it, in inches."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    with mpl.rc_context(_NO_LAYOUT):
        figure.set_layout_engine(None)
    try:
        yield figure.get_tightbbox().padded(mpl.rcParams["savefig.pad_inches"])
    finally:
        if engine is not None:
            figure.set_layout_engine(engine)


@contextmanager
def _darkened(figure: Figure) -> Iterator[None]:
    """Draw the figure in the dark colors while the block runs."""
    undo: list[Callable[[], Any]] = []
    for artist, name in product(figure.findobj(), _PROPERTIES):
        setter, getter = getattr(artist, f"set_{name}", None), getattr(artist, f"get_{name}", None)
        if setter is None or getter is None:
            continue
        before = getter()
        after = _dark(before, _colors_of(artist, name))
        if after is not None:
            setter(after)
            undo.append(partial(setter, before))
    try:
        yield
    finally:
        for each in reversed(undo):
            each()


def _colors_of(artist: Artist, name: str) -> _Colors:
    """Return the colors that depend on the theme: those of data are the same in both, though one of them is that of small text as well."""
    if name == "facecolor" and isinstance(artist, PolyCollection | Patch):
        return _FILLED
    return _WRITTEN if isinstance(artist, Text) else {**_WRITTEN, **_FILLED}


def _dark(color: Any, colors: _Colors) -> Any:
    """Return the dark color, or the colors of a collection with the dark ones in place of the light; None when nothing changes."""
    if color is None or (not isinstance(color, str) and len(color) == 0):
        return None
    if isinstance(color, str) or isinstance(color[0], int | float):
        return None if isinstance(color, str) and color in ("none", "auto") else colors.get(to_rgba(color))
    changed = [colors.get(tuple(float(part) for part in one)) for one in color]
    return [new or old for new, old in zip(changed, color, strict=True)] if any(changed) else None
