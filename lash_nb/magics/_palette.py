"""A plot as a PNG of half the size: a palette instead of four bytes per pixel.

A plot is flat colors and the soft edges of its letters. Its colors stay as they are; of the shades of soft edges some take the place of others that
nobody can tell from them.
"""

import io
import struct
import zlib
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["with_palette"]

_PLACES: Final = 256
"""Colors that a palette holds."""
_MANY: Final = 4096
"""A picture with more colors than this is no plot of flat ones, and stays as it is."""
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PACKED: Final = 7
"""How hard the pixels are pressed: 9 takes seven times as long for 3 % less."""
_INDEXED: Final = 3
"""How the format calls a picture with a palette."""

_Bytes = npt.NDArray[np.uint8]
_Counts = npt.NDArray[np.intp]


def with_palette(png: bytes) -> bytes:
    """Return the picture as a smaller PNG, with all its colors if they are too many."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))
    packed, of_run, lengths = _runs(pixels.view(np.uint32).ravel())
    if len(packed) > _MANY:
        return _packed(pixels)
    colors = packed.view(np.uint8).reshape(-1, 4)
    chosen, places = _palette(colors, np.bincount(of_run, weights=lengths))
    return _indexed(np.repeat(places[of_run], lengths).reshape(pixels.shape[:2]), colors[chosen])


def _packed(pixels: _Bytes) -> bytes:
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, format="png")
    return target.getvalue()


def _runs(pixels: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.uint32], _Counts, _Counts]:
    """Return the colors, and of each run of pixels of one color its color and its length: most of a plot is empty, and only runs are sorted."""
    starts = np.flatnonzero(np.diff(pixels, prepend=~pixels[:1]))
    packed, of_run = np.unique(pixels[starts], return_inverse=True)
    return packed, of_run, np.diff(starts, append=len(pixels))


def _palette(colors: _Bytes, counts: _Counts) -> tuple[list[int], _Bytes]:
    """Choose colors one by one, each time that which is farthest from those before and is there most; and say which stands for which."""
    seen = _seen(colors)
    far, places = np.full(len(colors), np.inf), np.zeros(len(colors), dtype=np.uint8)
    chosen: list[int] = []
    while len(chosen) < _PLACES and far.any():
        pick = int((far * np.sqrt(counts)).argmax()) if chosen else int(counts.argmax())
        distance = np.abs(seen - seen[pick]).max(axis=1)
        is_nearer = distance < far
        far[is_nearer], places[is_nearer] = distance[is_nearer], len(chosen)
        chosen.append(pick)
    return chosen, places


def _seen(colors: _Bytes) -> npt.NDArray[np.int64]:
    """Return colors as they are seen: the clearer one is, the less its hue counts."""
    whole = colors.astype(np.int64)
    return np.column_stack([whole[:, :3] * whole[:, 3:] // 255, whole[:, 3]])


def _indexed(places: _Bytes, palette: _Bytes) -> bytes:
    high, wide = places.shape
    rows = np.column_stack(
        [np.zeros(high, dtype=np.uint8), places]
    )  # in front of each row how it is filtered: not at all
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", wide, high, 8, _INDEXED, 0, 0, 0)),
        (b"PLTE", palette[:, :3].tobytes()),
        (b"tRNS", palette[:, 3].tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes(), _PACKED)),
        (b"IEND", b""),
    )
    return _SIGNATURE + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
