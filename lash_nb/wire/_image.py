"""What the bytes of a picture say without being decoded: its format, its size in pixels, and whether a model can be given it."""

from collections.abc import Callable
from typing import Final, Literal

from lash_nb.wire._media import ImageMediaType

__all__ = ["LONGEST_PICTURE_SIDE", "image_dimensions", "is_whole_image", "picture_fault", "sniff_image"]

LONGEST_PICTURE_SIDE: Final = 8_000
"""Pixels: no provider takes a longer side."""
_MOST_BYTES: Final = 20_000_000
"""Bytes of one picture: no provider takes more in a request."""


def sniff_image(data: bytes) -> ImageMediaType | None:
    """Return the format that `data` begins like; None when it is none of the five."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)


def image_dimensions(data: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels from the headers; None when the format is unknown, the header cut off or a side zero.

    A GIF is as large as its frames: whoever draws it makes room for what stands outside of its screen.
    """
    kind = sniff_image(data)
    size = _SIZES[kind](data) if kind else None
    return size if size and all(side > 0 for side in size) else None


def is_whole_image(data: bytes) -> bool:
    """Return whether `data` is a picture with a size that goes on to its end: each part that is announced is there."""
    kind = sniff_image(data)
    return kind is not None and image_dimensions(data) is not None and _WHOLE[kind](data)


def picture_fault(data: bytes) -> str | None:
    """Return why a model cannot be given `data` as a picture, and what to do, to stand behind "it is"; None when it can.

    A picture that no provider takes ends every later turn of its session, so that every way into a session asks here.
    """
    kind, size = sniff_image(data), image_dimensions(data)
    if kind is None or size is None:
        return "no PNG, JPEG, GIF, WebP or BMP picture; convert it"
    if len(data) > _MOST_BYTES:
        return f"a picture of {len(data):,} bytes, and no provider takes more than {_MOST_BYTES:,}; make it smaller"
    if max(size) > LONGEST_PICTURE_SIDE:
        taken = f"no provider takes a side of more than {LONGEST_PICTURE_SIDE:,}; make it smaller"
        return f"a picture of {size[0]:,} × {size[1]:,} pixels, and {taken}"
    return None if _WHOLE[kind](data) else f"a {kind} picture whose end is missing; make it anew"


_MAGIC: Final[tuple[tuple[bytes, ImageMediaType], ...]] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
)

_NO_SIZE: Final = frozenset({0xC4, 0xC8, 0xCC})
"""Tables among the JPEG frame markers C0–CF; the others carry the size."""
_GIF_FRAME: Final = ord(",")
_GIF_BLOCKS: Final = frozenset({b",", b"!"})
_BMP_HEADERS: Final = frozenset({16, 40, 52, 56, 64, 108, 124})
"""How long the headers of BMP are that begin with width and height of four bytes each."""
_BMP_PLAIN: Final = frozenset({0, 3, 6})
"""Ways of writing pixels in which each takes as many bits as is said."""
_JPEG_PIXELS: Final = 0xDA
_WEBP_PIXELS: Final = frozenset({b"VP8 ", b"VP8L", b"ANMF"})
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


def _png_whole(data: bytes) -> bool:
    at, name, has_pixels = 8, b"", False
    while name != b"IEND" and at + 12 <= len(data):
        name = data[at + 4 : at + 8]
        has_pixels |= name == b"IDAT"
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return name == b"IEND" and has_pixels and at <= len(data)


def _gif(data: bytes) -> tuple[int, int] | None:
    return _gif_read(data)[0]


def _gif_whole(data: bytes) -> bool:
    return _gif_read(data)[1]


def _gif_read(data: bytes) -> tuple[tuple[int, int] | None, bool]:
    """Return the room for the screen and all frames, and whether there is a frame and, behind all of them, the end."""
    size, at, has_frame = _pair(data, 6, 2, "little"), 13 + _gif_colors(data, 10), False
    while size is not None and data[at : at + 1] in _GIF_BLOCKS:
        start = at + 2
        if data[at] == _GIF_FRAME:
            has_frame, start = True, at + 11 + _gif_colors(data, at + 9)
            corner, sides = _pair(data, at + 1, 2, "little"), _pair(data, at + 5, 2, "little")
            if corner and sides:
                size = max(size[0], corner[0] + sides[0]), max(size[1], corner[1] + sides[1])
        at = _gif_end(data, start)
    return size, has_frame and data[at : at + 1] == b";"


def _gif_colors(data: bytes, at: int) -> int:
    """The bytes of the table of colors that is announced there."""
    flags = int.from_bytes(data[at : at + 1], "little")
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _gif_end(data: bytes, at: int) -> int:
    """Return where a run of blocks, each with its length before it, ends."""
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1


def _bmp(data: bytes) -> tuple[int, int] | None:
    header = int.from_bytes(data[14:18], "little")
    if header == 12:  # of OS/2
        return _pair(data, 18, 2, "little")
    if header not in _BMP_HEADERS or len(data) < 26:  # two letters begin many a text
        return None
    width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22))
    return width, abs(height)  # negative: rows from the top


def _bmp_whole(data: bytes) -> bool:
    offset, header = (int.from_bytes(data[at : at + 4], "little") for at in (10, 14))
    size = _bmp(data)
    bits = int.from_bytes(data[24:26] if header == 12 else data[28:30], "little")
    packing = int.from_bytes(data[30:34], "little") if header >= 40 else 0
    if size is None or not bits:
        return False
    plain = (size[0] * bits + 31) // 32 * 4 * size[1]  # a row is filled up to four bytes
    pixels = plain if packing in _BMP_PLAIN else int.from_bytes(data[34:38], "little")
    return pixels > 0 and max(offset, 14 + header) + pixels <= len(data)


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE:
            size = _pair(data, at + 5, 2, "big")
            return (size[1], size[0]) if size else None
        at += _jpeg_step(data, at, marker)
    return None


def _jpeg_whole(data: bytes) -> bool:
    """Whether there are pixels, and behind them the mark of the end: a small picture in the headers has one of its own."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == _JPEG_PIXELS:
            return data.find(b"\xff\xd9", at) > 0
        at += _jpeg_step(data, at, data[at + 1])
    return False


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


def _webp_whole(data: bytes) -> bool:
    at, end, has_pixels = 12, 8 + int.from_bytes(data[4:8], "little"), False
    while at + 8 <= min(end, len(data)):
        has_pixels |= data[at : at + 4] in _WEBP_PIXELS
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + length + length % 2
    return has_pixels and max(at - 1, end) <= len(data)


_SIZES: Final[dict[ImageMediaType, Callable[[bytes], tuple[int, int] | None]]] = {
    "png": _png,
    "jpeg": _jpeg,
    "gif": _gif,
    "webp": _webp,
    "bmp": _bmp,
}
_WHOLE: Final[dict[ImageMediaType, Callable[[bytes], bool]]] = {
    "png": _png_whole,
    "jpeg": _jpeg_whole,
    "gif": _gif_whole,
    "webp": _webp_whole,
    "bmp": _bmp_whole,
}
