"""A figure of matplotlib, and an image of PIL, as PNG. Whoever has one has the library: nothing is imported here."""

from io import BytesIO
from threading import RLock
from typing import Any, Final

from lash_nb.locks import exclusively
from lash_nb.wire import LONGEST_PICTURE_SIDE

__all__ = ["NoPictureError", "drawn_png", "image_png"]

_DRAWING: Final = RLock()
_PNG_MODES: Final = frozenset({"1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA"})
"""Modes of an image that PNG has, too."""


class NoPictureError(ValueError):
    """Why a value cannot be kept as a picture, and what to do; the text follows the place of the value."""


def drawn_png(drawn: Any) -> bytes:
    """Draw a figure, or the figure in which something is drawn, as large as it is.

    May run in any thread: what draws is a canvas of Agg that is made for it, which fills memory and asks no window, no `pyplot` and no loop;
    fonts are kept by thread. One figure is drawn at a time, for the parser of formulas is one for all.

    Raises:
        NoPictureError: it is too large, or belongs to no figure.
    """
    figure = drawn.get_figure(root=True)
    if figure is None:
        raise NoPictureError("belongs to no figure any more; return the figure")
    width, height = (round(side * figure.dpi) for side in figure.get_size_inches())
    if max(width, height) > LONGEST_PICTURE_SIDE:  # 50,000 by 50,000 pixels would take ten gigabytes to draw
        raise NoPictureError(
            f"is a figure of {width:,} × {height:,} pixels, and no provider takes a side of more than {LONGEST_PICTURE_SIDE:,};"
            " give it a smaller figsize or dpi"
        )
    written = BytesIO()
    exclusively(_DRAWING, _save, figure, written)
    return written.getvalue()


def _save(figure: Any, written: BytesIO) -> None:
    # what settings say of the saved size is not asked: a text far outside would make it as wide as it likes
    figure.savefig(written, format="png", backend="agg", dpi=figure.dpi, bbox_inches=figure.bbox_inches)


def image_png(image: Any) -> bytes:
    """Write an image of PIL as PNG, of a moving one what it shows first; colors that PNG does not have become RGB.

    Raises:
        NoPictureError: it is too large.
    """
    width, height = image.size
    if max(width, height) > LONGEST_PICTURE_SIDE:
        raise NoPictureError(
            f"is an image of {width:,} × {height:,} pixels, and no provider takes a side of more than {LONGEST_PICTURE_SIDE:,};"
            " make it smaller: image.thumbnail((1024, 1024))"
        )
    written = BytesIO()
    (image if image.mode in _PNG_MODES else image.convert("RGB")).save(written, format="png")
    return written.getvalue()
