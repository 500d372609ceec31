"""Pictures are recognised by their first bytes and measured by their headers."""

import io
import struct
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lash_nb.wire import ImageMediaType, image_dimensions, sniff_image

KINDS: Final[list[ImageMediaType]] = ["png", "jpeg", "gif", "webp", "bmp"]


def picture(kind: ImageMediaType, width: int, height: int, **options: object) -> bytes:
    """A real picture, as Pillow writes it."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(1, 1), (7, 11), (640, 3), (1000, 700)])
def test_a_picture_is_recognized_and_measured(kind: ImageMediaType, size: tuple[int, int]) -> None:
    """Each of the five formats, in several sizes."""
    data = picture(kind, *size)

    assert sniff_image(data) == kind
    assert image_dimensions(data) == size


@pytest.mark.parametrize(
    "data",
    [
        picture("jpeg", 30, 20, progressive=True),
        picture("jpeg", 30, 20, exif=b"Exif\0\0" + bytes(300)),
        picture("webp", 30, 20, lossless=True),
        picture("webp", 30, 20, exif=b"Exif\0\0" + bytes(30)),
        b"BM" + struct.pack("<IHHIIHHHH", 26, 0, 0, 26, 12, 30, 20, 1, 24),
        b"BM" + struct.pack("<IHHIIiiHH", 54, 0, 0, 54, 40, 30, -20, 1, 24),
        b"GIF87a" + struct.pack("<HH", 30, 20),
        b"\xff\xd8" + b"\xff\xff\xff\xff\xd0\xff\xc0" + struct.pack(">HBHH", 11, 8, 20, 30),
    ],
    ids=["progressive", "jpeg exif", "lossless", "extended", "os/2", "top down", "gif87a", "fill bytes"],
)
def test_the_odd_forms_of_a_format_are_measured_too(data: bytes) -> None:
    """Every picture here is 30 wide and 20 high."""
    assert image_dimensions(data) == (30, 20)


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"<svg/>", b"RIFF\0\0\0\0WAVE", b"\x00\x00\x01\x00"])
def test_anything_else_is_no_picture(data: bytes) -> None:
    """Unknown bytes have neither format nor size."""
    assert sniff_image(data) is None
    assert image_dimensions(data) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_is_cut_off_has_a_size_or_none(kind: ImageMediaType) -> None:
    """However few bytes arrive, the size is right or unknown, never wrong and never an error."""
    data = picture(kind, 640, 480)

    assert {image_dimensions(data[:length]) for length in range(min(len(data), 700))} <= {None, (640, 480)}


@given(
    head=st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"RIFF....WEBP"]), rest=st.binary()
)
def test_hostile_bytes_are_measured_without_an_error(head: bytes, rest: bytes) -> None:
    """Whatever follows the first bytes, the answer is two positive numbers or none."""
    size = image_dimensions(head + rest)

    assert size is None or min(size) > 0


def test_words_that_begin_like_a_picture_have_no_size() -> None:
    """Two letters are not much of a sign; a header that no writer of the format has makes no size of what follows."""
    assert image_dimensions(b"BMW is a car that drives on streets in towns") is None
