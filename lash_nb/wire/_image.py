"""What the bytes of a picture say without being decoded: its format, its size in pixels, and whether a model can be given it."""

import zlib
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from lash_nb.wire._media import ImageMediaType

__all__ = [
    "LONGEST_PICTURE_SIDE",
    "MOST_PICTURE_BYTES",
    "has_picture_header",
    "image_dimensions",
    "is_whole_image",
    "picture_fault",
    "sniff_image",
]

LONGEST_PICTURE_SIDE: Final = 8_000
"""Pixels: no provider takes a longer side."""
MOST_PICTURE_BYTES: Final = 20_000_000
"""Bytes of one picture: no provider takes more in a request."""
_MOST_PARTS: Final = 200_000
"""Blocks, chunks or segments that are looked at: the largest GIF has 80,000, and of millions of empty ones each look would take seconds."""
_CUT: Final = "whose end is missing"
_BROKEN: Final = "that is damaged inside"
_EMPTY: Final = "without pixels"
_CROWDED: Final = f"of more than {_MOST_PARTS:,} parts"

_Size: TypeAlias = tuple[int, int] | None
_Fault: TypeAlias = str | None


def sniff_image(data: bytes) -> ImageMediaType | None:
    """Return the format that `data` begins like; None when it is none of the five."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)


def has_picture_header(data: bytes) -> bool:
    """Return whether `data` begins with the header of a picture, of which nothing further is looked at."""
    kind = sniff_image(data)
    return kind is not None and _HEADERS[kind](data) is not None


def image_dimensions(data: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels; None when the format is unknown, the header cut off or a side zero.

    A GIF is as large as its frames: whoever draws it makes room for what stands outside of its screen.
    """
    return _looked_at(data)[0]


def is_whole_image(data: bytes) -> bool:
    """Return whether `data` is a picture with a size that goes on to its end: each part that is announced is there."""
    size, fault = _looked_at(data)
    return size is not None and fault is None


def picture_fault(data: bytes) -> str | None:
    """Return why a model cannot be given `data` as a picture, and what to do, to stand behind "it is"; None when it can.

    A picture that no provider takes ends every later turn of its session, so that every way into a session asks here.
    """
    if has_picture_header(data) and len(data) > MOST_PICTURE_BYTES:
        return (
            f"a picture of {len(data):,} bytes, and no provider takes more than {MOST_PICTURE_BYTES:,}; make it smaller"
        )
    size, fault = _looked_at(data)
    if size is None:
        return "no PNG, JPEG, GIF, WebP or BMP picture; convert it"
    if max(size) > LONGEST_PICTURE_SIDE:
        taken = f"no provider takes a side of more than {LONGEST_PICTURE_SIDE:,}; make it smaller"
        return f"a picture of {size[0]:,} × {size[1]:,} pixels, and {taken}"
    return fault and f"a {sniff_image(data)} picture {fault}; make it anew"


def _looked_at(data: bytes) -> tuple[_Size, _Fault]:
    """Return the size, when no side is zero, and what is wrong behind the header."""
    kind = sniff_image(data)
    header = _HEADERS[kind](data) if kind else None
    if kind is None or header is None:
        return None, None
    size, fault = _gif_read(data) if kind == "gif" else (header, _FAULTS[kind](data))
    return size if size and all(side > 0 for side in size) else None, fault


_MAGIC: Final[tuple[tuple[bytes, ImageMediaType], ...]] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
)

_JPEG_SIZE: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The JPEG frame markers that carry the size; three among them are tables."""
_GIF_FRAME: Final = ord(",")
_GIF_LAST: Final = ord(";")
_GIF_STARTS: Final = {0: 0, ord("!"): 2, _GIF_FRAME: 11}
"""How far behind the first byte of a block its parts begin, when a frame has no colors of its own."""
_BMP_HEADERS: Final = frozenset({16, 40, 52, 56, 64, 108, 124})
"""How long the headers of BMP are that begin with width and height of four bytes each."""
_BMP_PLAIN: Final = frozenset({0, 3, 6})
"""Ways of writing pixels in which each takes as many bits as is said."""
_JPEG_PIXELS: Final = frozenset({0xDA})
_WEBP_PIXELS: Final = frozenset({b"VP8 ", b"VP8L", b"ANMF"})
_BARE: Final = frozenset({0x01, *range(0xD0, 0xDA)})
"""JPEG markers without a length."""


def _pair(data: bytes, at: int, width: int, order: Literal["big", "little"]) -> _Size:
    """Read two unsigned numbers of `width` bytes each."""
    if len(data) < at + 2 * width:
        return None
    middle = at + width
    return int.from_bytes(data[at:middle], order), int.from_bytes(data[middle : middle + width], order)


def _png(data: bytes) -> _Size:
    return _pair(data, 16, 4, "big") if data[12:16] == b"IHDR" else None


def _png_fault(data: bytes) -> _Fault:
    at, has_pixels = 8, False
    for _ in range(_MOST_PARTS):
        name = data[at + 4 : at + 8]
        has_pixels |= name == b"IDAT"
        start, at = at, at + 12 + int.from_bytes(data[at : at + 4], "big")
        if at > len(data):
            return _CUT
        if zlib.crc32(memoryview(data)[start + 4 : at - 4]) != int.from_bytes(data[at - 4 : at], "big"):
            return _BROKEN
        if name == b"IEND":
            return None if has_pixels else _EMPTY
    return _CROWDED


def _gif(data: bytes) -> _Size:
    """The size of the screen."""
    return _pair(data, 6, 2, "little")


def _gif_read(data: bytes) -> tuple[_Size, _Fault]:
    """Return the room for the screen and all frames, and what is wrong with the blocks: zero bytes between them are passed over."""
    size, at, left, has_frame = _gif(data), 13 + _gif_colors(data, 10), _MOST_PARTS, False
    while size is not None and left and at < len(data) and data[at] in _GIF_STARTS:
        start = at + _GIF_STARTS[data[at]]
        if data[at] == _GIF_FRAME:
            has_frame, start = True, start + _gif_colors(data, at + 9)
            corner, sides = _pair(data, at + 1, 2, "little"), _pair(data, at + 5, 2, "little")
            if corner and sides:
                size = max(size[0], corner[0] + sides[0]), max(size[1], corner[1] + sides[1])
        at, left = _gif_end(data, start, left - 1)
    return size, _gif_fault(data, at, left, has_frame)


def _gif_fault(data: bytes, at: int, left: int, has_frame: bool) -> _Fault:
    """What is wrong where the blocks stop; the mark of the end may be missing there, as it may for browsers and Pillow."""
    if not left:
        return _CROWDED
    if at > len(data) or (at == len(data) and not has_frame):
        return _CUT
    if at < len(data) and data[at] != _GIF_LAST:
        return _BROKEN
    return None if has_frame else _EMPTY


def _gif_colors(data: bytes, at: int) -> int:
    """The bytes of the table of colors that is announced there."""
    flags = int.from_bytes(data[at : at + 1], "little")
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _gif_end(data: bytes, at: int, left: int) -> tuple[int, int]:
    """Return where a run of parts, each with its length before it, ends, and how many more may be looked at."""
    while left and at < len(data) and data[at]:
        at += 1 + data[at]
        left -= 1
    return at + 1, left


def _bmp(data: bytes) -> _Size:
    header = int.from_bytes(data[14:18], "little")
    if header == 12:  # of OS/2
        return _pair(data, 18, 2, "little")
    if header not in _BMP_HEADERS or len(data) < 26:  # two letters begin many a text
        return None
    width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22))
    return width, abs(height)  # negative: rows from the top


def _bmp_fault(data: bytes) -> _Fault:
    offset, header = (int.from_bytes(data[at : at + 4], "little") for at in (10, 14))
    if len(data) < 14 + header:
        return _CUT
    bits = int.from_bytes(data[24:26] if header == 12 else data[28:30], "little")
    if not bits:
        return "with 0 bits for a pixel"
    packing = int.from_bytes(data[30:34], "little") if header >= 40 else 0
    width, height = _bmp(data) or (0, 0)
    plain = (width * bits + 31) // 32 * 4 * height  # a row is filled up to four bytes
    pixels = plain if packing in _BMP_PLAIN else int.from_bytes(data[34:38], "little")
    if not pixels:
        return _EMPTY
    return None if max(offset, 14 + header) + pixels <= len(data) else _CUT


def _jpeg(data: bytes) -> _Size:
    at, fault = _jpeg_find(data, _JPEG_SIZE)
    size = None if fault else _pair(data, at + 5, 2, "big")
    return (size[1], size[0]) if size else None


def _jpeg_fault(data: bytes) -> _Fault:
    """What is wrong before the pixels, or that behind them there is no mark of the end: a small picture in the headers has one of its own."""
    at, fault = _jpeg_find(data, _JPEG_PIXELS)
    return fault or (None if data.find(b"\xff\xd9", at) > 0 else _CUT)


def _jpeg_find(data: bytes, wanted: frozenset[int]) -> tuple[int, _Fault]:
    """Return where the first of these markers is, or where and why it was not found."""
    at = 2
    for _ in range(_MOST_PARTS):
        if at + 4 > len(data):
            return at, _CUT
        if data[at] != 0xFF:
            return at, _BROKEN
        if data[at + 1] in wanted:
            return at, None
        at += _jpeg_step(data, at, data[at + 1])
    return at, _CROWDED


def _jpeg_step(data: bytes, at: int, marker: int) -> int:
    """Return how far the next marker is: fill bytes and bare markers have no length."""
    if marker == 0xFF:
        return 1
    return 2 if marker in _BARE else 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def _webp(data: bytes) -> _Size:
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


def _webp_fault(data: bytes) -> _Fault:
    at, end, has_pixels = 12, 8 + int.from_bytes(data[4:8], "little"), False
    for _ in range(_MOST_PARTS):
        if at + 8 > min(end, len(data)):
            break
        has_pixels |= data[at : at + 4] in _WEBP_PIXELS
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + length + length % 2
    else:
        return _CROWDED
    if max(at - 1, end) > len(data):
        return _CUT
    return None if has_pixels else _EMPTY


_HEADERS: Final[dict[ImageMediaType, Callable[[bytes], _Size]]] = {
    "png": _png,
    "jpeg": _jpeg,
    "gif": _gif,
    "webp": _webp,
    "bmp": _bmp,
}
_FAULTS: Final[dict[ImageMediaType, Callable[[bytes], _Fault]]] = {
    "png": _png_fault,
    "jpeg": _jpeg_fault,
    "webp": _webp_fault,
    "bmp": _bmp_fault,
}
