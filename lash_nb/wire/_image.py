"""What the first bytes of a picture say: its format and its size in pixels. Nothing is decoded."""

from collections.abc import Callable
from typing import Final, Literal

from lash_nb.wire._media import ImageMediaType

__all__ = ["image_dimensions", "sniff_image"]


def sniff_image(data: bytes) -> ImageMediaType | None:
    """Return the format that `data` begins like; None when it is none of the five."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)


def image_dimensions(data: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels from the header; None when the format is unknown, the header cut off or a side zero."""
    kind = sniff_image(data)
    size = _SIZES[kind](data) if kind else None
    return size if size and all(side > 0 for side in size) else None


_MAGIC: Final[tuple[tuple[bytes, ImageMediaType], ...]] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
)

_NO_SIZE: Final = frozenset({0xC4, 0xC8, 0xCC})
"""Tables among the JPEG frame markers C0–CF; the others carry the size."""
_BMP_HEADERS: Final = frozenset({16, 40, 52, 56, 64, 108, 124})
"""How long the headers of BMP are that begin with width and height of four bytes each."""
_BARE: Final = frozenset({0x01, *range(0xD0, 0xDA)})
"""JPEG markers without a length."""


def _pair(data: bytes, at: int, width: int, order: Literal["big", "little"]) -> tuple[int, int] | None:
    """Read two unsigned numbers of `width` bytes each."""
    if len(data) < at + 2 * width:
        return None
    middle = at + width
    return int.from_bytes(data[at:middle], order), int.from_bytes(data[middle : middle + width], order)


def _png(data: bytes) -> tuple[int, int] | None:
    return _pair(data, 16, 4, "big") if data[12:16] == b"IHDR" else None


def _gif(data: bytes) -> tuple[int, int] | None:
    return _pair(data, 6, 2, "little")


def _bmp(data: bytes) -> tuple[int, int] | None:
    header = int.from_bytes(data[14:18], "little")
    if header == 12:  # of OS/2
        return _pair(data, 18, 2, "little")
    if header not in _BMP_HEADERS or len(data) < 26:  # two letters begin many a text
        return None
    width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22))
    return width, abs(height)  # negative: rows from the top


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE:
            size = _pair(data, at + 5, 2, "big")
            return (size[1], size[0]) if size else None
        at += _jpeg_step(data, at, marker)
    return None


def _jpeg_step(data: bytes, at: int, marker: int) -> int:
    """Return how far the next marker is: fill bytes and bare markers have no length."""
    if marker == 0xFF:
        return 1
    return 2 if marker in _BARE else 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def _webp(data: bytes) -> tuple[int, int] | None:
    match data[12:16]:
        case b"VP8 " if data[23:26] == b"\x9d\x01\x2a":
            size = _pair(data, 26, 2, "little")
            return (size[0] & 0x3FFF, size[1] & 0x3FFF) if size else None
        case b"VP8L" if len(data) >= 25 and data[20] == 0x2F:
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            size = _pair(data, 24, 3, "little")
            return (size[0] + 1, size[1] + 1) if size else None
    return None


_SIZES: Final[dict[ImageMediaType, Callable[[bytes], tuple[int, int] | None]]] = {
    "png": _png,
    "jpeg": _jpeg,
    "gif": _gif,
    "webp": _webp,
    "bmp": _bmp,
}
