"""Attachments: what the bytes are, whatever they say they are; saved without overwriting; missing ones told."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lash_nb.errors import AttachmentStoreError, CallerError
from lash_nb.stores import AttachmentListing, StoredAttachment
from lash_nb.views import AttachmentsView, static_html
from lash_nb.views._media_words import sniffed, text_preview, type_words
from lash_nb.wire import content_id
from tests.views import samples

LIMA = samples.charts()[0]


@pytest.mark.parametrize(
    ("data", "shown", "words"),
    [
        (LIMA, "png", "png 320 × 180"),
        (b"GIF89a\x02\x00\x03\x00", "gif", "gif 2 × 3, cut off"),
        (b"\xff\xd8\xff\xe0", "jpeg", "jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp", "webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "wav", "wav"),
        (b"\x89PNG\r\n\x1a\n", "png", "png"),
        (b"%PDF-1.7", "pdf", "pdf"),
        (b"<?xml version='1.0'?><svg/>", "svg", "svg"),
        (b" <!DOCTYPE html><p>", "html", "html"),
        (b'{"results": [1]}', "json", "json, 1 item"),
        (b"{not json}", "txt", "text"),
        (b"a,b\n1,2\n3,4\n", "csv", "csv 2 × 2"),
        (b"a,b\n" * 2000, "csv", "csv"),
        (b"\xff\xd8\xff\xc0\0\x11\x08\0\x03\0\x02", "jpeg", "jpeg 2 × 3, cut off"),
        ("grüße".encode(), "txt", "text"),
        (b"\x00\x01\x02", "hex", "unknown type"),
        (b"", "txt", "text"),
    ],
)
def test_bytes_are_what_they_look_like(data: bytes, shown: str, words: str) -> None:
    """The type is read from the bytes; a name that promises something else changes nothing."""
    assert sniffed(data) == shown
    assert type_words(shown, "png", data) == words


def test_text_is_previewed_and_pictures_are_not() -> None:
    """A preview is the beginning of a text; HTML is text here."""
    assert text_preview(b"day,temp\n1,2\n", "csv") == "day,temp\n1,2\n"
    assert text_preview(b"<html>", "html") == "<html>"
    assert text_preview(LIMA, "png") == ""


def test_cards_are_newest_first_and_the_missing_one_says_so() -> None:
    """Counts, sizes and states as the header and the cards show them."""
    view = AttachmentsView(samples.station_listing(), title="in session main")

    assert view.counts == "8 in session main · 19.9 kB · 1 missing"
    assert [card["shown"] for card in view.cards] == ["png", "png", "json", "csv", "html", "svg", "hex", "missing"]
    assert view.cards[-1]["type"] == "png, declared"
    assert "bytes missing" in static_html(view)


def test_small_bytes_go_to_the_page_at_once_and_large_ones_when_selected(sent: list[dict[str, Any]]) -> None:
    """A large picture travels when somebody looks at it."""
    large = LIMA + b"\0" * 500_000
    view = AttachmentsView(samples.MemoryListing((large, "large"), (LIMA, "small")))
    before = set(view.contents)
    view.comm.receive({"do": "select", "id": content_id(large)})

    assert before == {content_id(LIMA)}
    assert view.contents[content_id(large)] == large
    assert any(message["buffers"] for message in sent)


def test_the_hash_is_checked() -> None:
    """The detail says whether the bytes are those that the id promises."""
    view = AttachmentsView(samples.station_listing())
    view.select("c3887a16")

    assert ("bytes", "10,907 (hash checked)") in view.detail["facts"]
    assert ("state", "intended, not committed") in view.detail["facts"]
    assert view.detail["references"] == [["message", "m694ba22"], ["llm call", "6"]]


def test_a_missing_attachment_says_how_to_put_it_back() -> None:
    """Who refers to it is shown all the same."""
    view = AttachmentsView(samples.station_listing())
    view.select(view.cards[-1]["id"])

    assert "the store does not have it. The same bytes bring it back: %%lash --image FILE" in view.detail["note"]


def test_bytes_are_saved_once(tmp_path: Path) -> None:
    """Saving writes the bytes as they are, and never over a file that is there."""
    view = AttachmentsView(samples.station_listing())
    path = view.save("2fb9d3e3", tmp_path / "lima.png")

    assert path.read_bytes() == LIMA
    with pytest.raises(CallerError, match=r"lima\.png cannot be written: File exists; choose another path"):
        view.save("2fb9d3e3", path)
    with pytest.raises(CallerError, match=r"a\\x00b' is no path"):
        view.save("2fb9d3e3", tmp_path / "a\0b")
    with pytest.raises(AttachmentStoreError):
        view.save(view.cards[-1]["id"], tmp_path / "gone.png")


def test_an_unknown_id_names_those_that_exist() -> None:
    """A beginning that fits none, or several, is refused."""
    view = AttachmentsView(samples.station_listing())

    with pytest.raises(CallerError, match="no attachments have an id that begins with 'zzz'; there are: "):
        view.select("zzz")
    with pytest.raises(CallerError, match="no attachments have an id that begins with ''; there are: none"):
        AttachmentsView(samples.MemoryListing()).select("")


def test_a_saved_notebook_stays_small() -> None:
    """The static face carries small pictures up to 256 kB together, and no SVG."""
    pictures = [(LIMA + bytes([number]) * 40_000, f"chart {number}") for number in range(40)]
    html = static_html(AttachmentsView(samples.MemoryListing(*pictures, (b"<svg/>", "drawing"))))

    assert html.count("<img ") == 5
    assert len(html) < 400_000
    assert "svg+xml" not in html


class Counted(samples.MemoryListing):
    """Attachments of any size, of which is noted what was read."""

    def __init__(self, *contents: tuple[bytes | None, str], declared: int = 0) -> None:
        super().__init__(*contents)
        rows = [replace(row, ref=replace(row.ref, byte_len=declared)) if declared else row for row in self]
        AttachmentListing.__init__(self, rows, self._noted)
        self.read: set[str] = set()

    def _noted(self, attachment_id: str) -> StoredAttachment:
        self.read.add(attachment_id)
        return self._get(attachment_id)


def test_of_very_many_attachments_the_newest_are_shown() -> None:
    """Older ones are counted, not read; each is found by its id all the same."""
    listing = Counted(*((b"%d" % number, f"note {number}") for number in range(3_000)))
    view = AttachmentsView(listing, title="in session main")

    assert (len(view.cards), len(listing.read), view.cards[0]["label"]) == (500, 500, "note 2999")
    assert view.counts == "3,000 in session main · 10.9 kB · the newest 500 shown; all: session.attachments"
    assert "2,900 more: session.attachments" in static_html(view)
    assert "2,968 more: session.attachments" in view.text()
    view.select(content_id(b"7"))
    assert view.contents[content_id(b"7")] == b"7"


def test_an_attachment_that_is_gone_by_the_time_it_is_selected_says_so() -> None:
    """A store may be tidied while a view is open."""
    listing = samples.MemoryListing((b"note", "note"))
    stored: list[StoredAttachment] = [listing._get(content_id(b"note"))]

    def given(_: str) -> StoredAttachment:
        if not stored:
            raise AttachmentStoreError("NotFound", "tidied")
        return stored[0]

    view = AttachmentsView(AttachmentListing(listing, given))
    stored.clear()
    view.select(content_id(b"note"))

    assert ["state", "missing"] in [list(fact) for fact in view.detail["facts"]]
    assert "the store does not have it" in view.detail["note"]


def test_a_very_large_attachment_is_not_read_to_be_listed() -> None:
    """Its card says what it is declared to be, its detail how to save it."""
    listing = Counted((LIMA, "film"), declared=500_000_000)
    view = AttachmentsView(listing)
    view.select(content_id(LIMA))

    assert listing.read == set()
    assert (view.cards[0]["type"], view.cards[0]["state"]) == ("png, declared", "intended")
    assert view.detail["note"] == f"Too large for a page: %lash attachments {content_id(LIMA)[:8]} --save FILE"
    assert ("bytes", "500,000,000 (declared)") in view.detail["facts"]
