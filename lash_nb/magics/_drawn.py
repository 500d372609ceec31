"""A plot on the page of a notebook: clear in its light and in its dark theme.

A notebook lays a white panel below a transparent picture with dark text, and the kernel does not know the theme. So the figure shows itself
as two pictures in HTML, of which the page's own theme shows one; where style rules are dropped the light one is seen. The PNG that
matplotlib gives stays in the output for all else.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import product
from typing import Any, Final, TypeAlias

from IPython.core.pylabtools import print_figure
from matplotlib.artist import Artist
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.text import Text

from lash_nb.magics._palette import with_palette
from lash_nb.plots import DARK, LIGHT

__all__ = ["show_in_both_themes"]

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


_WRITTEN: Final = _colors("ink", "muted", "failure_text", "line", "line_strong", "edge", "accent")
_FILLED: Final = _colors("surface")
_PROPERTIES: Final = ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor")


def show_in_both_themes(figure: Figure) -> None:
    """Have a figure that is drawn for a light page show itself on a dark one, too."""
    if to_rgba(figure.get_facecolor())[3] == 0:
        figure._repr_html_ = lambda: _html(figure) if figure.axes else None  # type: ignore[method-assign]  # where IPython looks for it


def _html(figure: Figure) -> str:
    light = _picture(figure)
    with _laid_out(figure), _darkened(figure):
        dark = _picture(figure)
    width = round(figure.get_figwidth() * figure.dpi)
    images = (("light", light, "block"), ("dark", dark, "none"))
    return _RULE + "".join(
        f'<img class="lash-plot-{theme}" alt="plot" width="{width}" style="display:{display};max-width:100%" src="data:image/png;base64,{data}">'
        for theme, data, display in images
    )


def _picture(figure: Figure) -> str:
    return b64encode(with_palette(print_figure(figure, fmt="png"))).decode()  # type: ignore[no-untyped-call]  # IPython leaves it untyped


@contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """Leave everything where it was drawn last while the block runs: to find places costs as much as to draw, and colors change none."""
    engine = figure.get_layout_engine()
    if engine is not None:
        figure.set_layout_engine("none")
    try:
        yield
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
