"""Pictures are recognised by their first bytes and measured by their headers."""

import io
import struct
import zlib
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lash_nb.wire import (
    ImageMediaType,
    has_picture_header,
    image_dimensions,
    is_whole_image,
    picture_fault,
    sniff_image,
)
from tests.work import lines_run

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
    assert is_whole_image(head + rest) in {True, False}


def test_words_that_begin_like_a_picture_have_no_size() -> None:
    """Two letters are not much of a sign; a header that no writer of the format has makes no size of what follows."""
    assert image_dimensions(b"BMW is a car that drives on streets in towns") is None


def drawn(kind: ImageMediaType, mode: str = "RGB", **options: object) -> bytes:
    """A picture of 33 × 7 pixels in many colors, as Pillow writes it."""
    buffer = io.BytesIO()
    many = Image.frombytes("RGB", (33, 7), bytes(place * 7 % 256 for place in range(33 * 7 * 3)))
    many.convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def moving(kind: ImageMediaType) -> bytes:
    """Three pictures that follow each other."""
    return drawn(kind, save_all=True, append_images=[Image.new("RGB", (33, 7), color) for color in ("red", "teal")])


WHOLE: Final[dict[str, bytes]] = {
    **{kind: drawn(kind) for kind in KINDS},
    "progressive": drawn("jpeg", progressive=True),
    "with a small one": drawn("jpeg", exif=b"Exif\0\0" + drawn("jpeg")),
    "lossless": drawn("webp", lossless=True),
    "extended": drawn("webp", exif=b"Exif\0\0" + bytes(31)),
    "moving gif": moving("gif"),
    "moving webp": moving("webp"),
    "two colors": drawn("bmp", "1"),
    "palette": drawn("bmp", "P"),
    "transparent": drawn("bmp", "RGBA"),
    "grey png": drawn("png", "L"),
}


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_a_picture_is_whole_with_its_last_byte_alone(data: bytes) -> None:
    """Wherever it is cut off, it is not, but for a GIF between two of its blocks; what follows its end does no harm."""
    assert is_whole_image(data)
    assert is_whole_image(data + bytes(100))
    whole = [length for length in range(len(data)) if is_whole_image(data[:length])]
    assert all(sniff_image(data) == "gif" and data[length - 1] == 0 for length in whole)
    assert whole == [] or is_drawn(data[: whole[0]])


def is_drawn(data: bytes) -> bool:
    """Whether Pillow reads all pixels of it."""
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
    return True


@pytest.mark.parametrize("end", [b"", b"\0;", b"\0\0\0"], ids=["none", "zero before it", "zeros for it"])
def test_a_gif_whose_blocks_end_is_whole(end: bytes) -> None:
    """Zero bytes between its blocks and no mark of the end: browsers and Pillow show it, too."""
    data = drawn("gif")[:-1] + end

    assert is_drawn(data)
    assert is_whole_image(data)
    assert picture_fault(data) is None


SCREEN: Final = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
CROWDS: Final[dict[str, bytes]] = {
    "blocks": SCREEN + b"!\xfe\0" * 210_000,
    "parts": SCREEN + b"," + struct.pack("<HHHHBB", 0, 0, 1, 1, 0, 2) + b"\1a" * 210_000 + b"\0;",
    "zeros": SCREEN + bytes(210_000) + b";",
    "jpeg": b"\xff\xd8\xff\xc0\0\x0b\x08\0\1\0\1\1\1\x11\0" + b"\xff" * 210_000,
    "png": drawn("png")[:33] + (bytes(4) + b"abcd" + struct.pack(">I", zlib.crc32(b"abcd"))) * 210_000,
    "webp": b"RIFF" + struct.pack("<I", 2_000_000) + drawn("webp")[8:-8] + (b"abcd" + bytes(4)) * 210_000,
}


@pytest.mark.parametrize("data", CROWDS.values(), ids=CROWDS)
def test_a_picture_of_too_many_parts_is_not_gone_through(data: bytes) -> None:
    """Millions of empty ones would take seconds: a tenth of a picture's bytes is no more work than all of them."""
    assert "picture of more than 200,000 parts; make it anew" in (picture_fault(data) or "")
    assert not is_whole_image(data)


def test_a_png_with_a_byte_that_was_flipped_is_damaged_inside() -> None:
    """Each of its chunks has a sum at its end: wherever the byte lies behind the first eight, no model is given the picture."""
    data = drawn("png")

    for place in range(8, len(data)):
        flipped = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        assert not is_whole_image(flipped)
        assert picture_fault(flipped) is not None
    flipped = data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]
    assert picture_fault(flipped) == "a png picture that is damaged inside; make it anew"


def test_a_picture_of_too_many_bytes_is_not_gone_through() -> None:
    """It cannot be given anyway; and whether bytes begin like a picture their header tells."""
    data = SCREEN + b"!\xfe\0" * 7_000_000

    assert lines_run(lambda: picture_fault(data)) < 50
    assert lines_run(lambda: has_picture_header(data)) < 50
    assert picture_fault(data) == (
        "a picture of 21,000,013 bytes, and no provider takes more than 20,000,000; make it smaller"
    )


def test_bytes_without_a_header_are_no_picture() -> None:
    """Words may begin like one."""
    assert has_picture_header(drawn("jpeg"))
    assert not has_picture_header(b"BMW is a car that drives on streets in towns")
    assert not has_picture_header(b"\xff\xd8\xff")
    assert not has_picture_header(b"")


def test_a_gif_is_as_large_as_its_frames() -> None:
    """A screen of one pixel promises nothing of what is drawn on it."""
    gif = bytearray(picture("gif", 30, 20))
    gif[6:10] = struct.pack("<HH", 1, 1)

    assert image_dimensions(bytes(gif)) == (30, 20)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"BMW is a car", "no PNG, JPEG, GIF, WebP or BMP picture; convert it"),
        (b"GIF89a" + struct.pack("<HH", 30, 20), "a gif picture whose end is missing; make it anew"),
        (b"\xff\xd8\xff\xc0\0\x11\x08\0\x03\0\x02", "a jpeg picture whose end is missing; make it anew"),
        (drawn("bmp")[:28] + bytes(2) + drawn("bmp")[30:], "a bmp picture with 0 bits for a pixel; make it anew"),
        (drawn("bmp")[:28], "a bmp picture whose end is missing; make it anew"),
        (SCREEN + b";", "a gif picture without pixels; make it anew"),
        (drawn("gif")[:-1] + b"?;", "a gif picture that is damaged inside; make it anew"),
        (drawn("png")[:33] + drawn("png")[-12:], "a png picture without pixels; make it anew"),
        (
            picture("png", 9_000, 1),
            "a picture of 9,000 × 1 pixels, and no provider takes a side of more than 8,000; make it smaller",
        ),
        (
            picture("png", 1, 1) + bytes(20_000_000),
            "bytes, and no provider takes more than 20,000,000; make it smaller",
        ),
    ],
    ids=["words", "gif", "jpeg", "no bits", "cut header", "no frame", "strange block", "no chunk", "long", "large"],
)
def test_what_no_model_can_be_given_says_why(data: bytes, told: str) -> None:
    """With what to do; a picture that can be given has no fault."""
    assert told in (picture_fault(data) or "")
    assert picture_fault(picture("png", 8_000, 1)) is None
