"""The attachments of a session as cards: what they are, who refers to them, the bytes in an `<img>` or a file.

Bytes go to the page as bytes, small ones at once and large ones when they are selected; what they are is decided by looking at them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec
import traitlets as t

from lash_nb.errors import AttachmentStoreError, wrong_type
from lash_nb.plots import byte_size, counted, one_line, short_id
from lash_nb.stores import AttachmentListing
from lash_nb.views._base import View
from lash_nb.views._markup import CODE, FAILURE, RIGHT, Html, el, heading, joined, table
from lash_nb.views._media_words import sniffed, text_preview, type_words
from lash_nb.views._small_pictures import SmallPictures
from lash_nb.views._sources import module, stylesheet
from lash_nb.views._text import aligned, clipped
from lash_nb.wire import AttachmentRow

__all__ = ["AttachmentsView"]

_AT_ONCE: Final = 400_000
"""Bytes of one attachment that go to the page without being asked for."""
_AT_ONCE_ALL: Final = 4_000_000
"""Bytes of all attachments together that do."""
_LOOKED_AT: Final = 200_000_000
"""Bytes that are read, newest first, to see what they are; of attachments beyond it is told what they are declared to be."""
_SELECTED: Final = 50_000_000
"""Bytes of one attachment that go to the page when it is selected."""
_CARDS: Final = 500
"""As many attachments are shown, the newest."""
_REFERENCES: Final = 8


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """An attachment that was looked at; its bytes are let go again."""

    row: AttachmentRow
    shown: str
    words: str
    preview: str = ""
    is_missing: bool = False


class AttachmentsView(View):
    """The attachments of a session."""

    _esm = module("attachments")
    _css = stylesheet("attachments")
    _hints: ClassVar[Mapping[str, str]] = {"session": "give its listing: AttachmentsView(session.attachments)"}

    counts = t.Unicode("").tag(sync=True)
    """How many, how large, how many missing."""
    cards: t.List[dict[str, str]] = t.List().tag(sync=True)
    """One entry per attachment, newest first."""
    contents = t.Dict().tag(sync=True)
    """Bytes by attachment id, as far as they are on the page."""
    detail = t.Dict().tag(sync=True)
    """The selected attachment in full."""

    def __init__(self, listing: AttachmentListing, *, title: str = "", **traits: Any) -> None:
        """Look at the attachments of `listing`; `title` says whose they are, e.g. `in session main`."""
        if not isinstance(listing, AttachmentListing):
            raise wrong_type("a listing of attachments", listing, instead="AttachmentsView(session.attachments)")
        super().__init__(**traits)
        self.listing: Final = listing
        self._room = _LOOKED_AT
        newest = listing[: -_CARDS - 1 : -1]
        self._seen = {row.ref.id: self._look(row) for row in newest}
        self._more = len(listing) - len(newest)
        self.counts = _counts(listing, self._seen, title)
        self.cards = [_card(one) for one in self._seen.values()]
        self.contents = self._at_once()
        self.on_msg(self._receive)

    def static_html(self) -> str:
        """Return the attachments as a table with small pictures."""
        return _static_html(list(self._seen.values()), self.counts, self.contents, more=self._more)

    def text(self) -> str:
        """Return the attachments as aligned text."""
        cells = [["id", "type", "size", "state", "refs", "label"]]
        seen = list(self._seen.values())
        for one in seen[:32]:
            ref = one.row.ref
            state = "! missing" if one.is_missing else one.row.state
            cells.append(
                [
                    short_id(ref.id),
                    one.words,
                    byte_size(ref.byte_len),
                    state,
                    str(len(one.row.references)),
                    ref.label or "",
                ]
            )
        lines = [f"Attachments  {self.counts}", *aligned(cells, right=(2, 4), limits={5: 40})]
        if more := len(self.listing) - len(cells) + 1:
            lines.append(f"{more:,} more: session.attachments")
        return clipped(
            [
                *lines,
                "next: %lash attachments ID --save FILE" if seen else "put a picture on a turn: %%lash --image FILE",
            ]
        )

    def select(self, attachment_id: str) -> None:
        """Select an attachment by its id or the beginning of it, and bring its bytes to the page."""
        row = self.listing.find(attachment_id)
        is_large = row.ref.byte_len > _SELECTED
        data = None if is_large else self._data(row)
        if data is not None:
            seen = _looked(row, data)
        elif is_large:
            seen = self._seen.get(row.ref.id) or self._look(row)
        else:
            seen = _unread(row, is_missing=True)
        if data is not None and row.ref.id not in self.contents:
            self.contents = {**self.contents, row.ref.id: data}
        with self.hold_trait_notifications():
            self.detail = _detail(seen, data)
            self.selection = f"attachment {row.ref.id}"

    def save(self, attachment_id: str, path: str | Path) -> Path:
        """Write the bytes of an attachment to a file and return its path; an existing file is not overwritten.

        Raises:
            CallerError: no such attachment, or the file is there already.
            AttachmentStoreError: the bytes are not in the store.
        """
        return self.listing.save(attachment_id, path)

    def _look(self, row: AttachmentRow) -> _Seen:
        fits = row.ref.byte_len <= self._room
        data = self._data(row) if fits else None
        if data is not None:
            self._room -= len(data)
            return _looked(row, data)
        return _unread(row, is_missing=fits or row.state == "missing")

    def _data(self, row: AttachmentRow) -> bytes | None:
        try:
            return None if row.state == "missing" else self.listing.data(row.ref.id)
        except AttachmentStoreError:
            return None

    def _at_once(self) -> dict[str, Any]:
        """Bytes that go to the page right away, newest first, until there are too many."""
        chosen: dict[str, Any] = {}
        room = _AT_ONCE_ALL
        for one in self._seen.values():
            size = one.row.ref.byte_len
            data = self._data(one.row) if not one.is_missing and size <= min(_AT_ONCE, room) else None
            if data is not None:
                chosen[one.row.ref.id] = data
                room -= len(data)
        return chosen

    def _receive(self, _widget: object, command: Any, _buffers: object) -> None:
        if command.get("do") == "select" and command.get("id") in self._seen:
            self.select(str(command["id"]))


def _looked(row: AttachmentRow, data: bytes) -> _Seen:
    shown = sniffed(data)
    words = type_words(shown, row.ref.media_type.type, data)
    return _Seen(row=row, shown=shown, words=words, preview=text_preview(data, shown))


def _unread(row: AttachmentRow, *, is_missing: bool) -> _Seen:
    shown = "missing" if is_missing else "hex"
    words = type_words(shown, row.ref.media_type.type, None)
    return _Seen(row=row, shown=shown, words=words, is_missing=is_missing)


def _counts(listing: AttachmentListing, seen: Mapping[str, _Seen], title: str) -> str:
    total = sum(row.ref.byte_len for row in listing)
    missing = sum(seen[row.ref.id].is_missing if row.ref.id in seen else row.state == "missing" for row in listing)
    parts = [
        f"{len(listing):,} {one_line(title)}".strip(),
        byte_size(total) if listing else "",
        f"{missing:,} missing" if missing else "",
        f"the newest {len(seen)} shown; all: session.attachments" if len(seen) < len(listing) else "",
    ]
    return " · ".join(filter(None, parts))


def _card(one: _Seen) -> dict[str, str]:
    ref = one.row.ref
    return {
        "id": ref.id,
        "short": short_id(ref.id),
        "size": byte_size(ref.byte_len),
        "type": one.words,
        "refs": counted(len(one.row.references), "ref"),
        "state": "missing" if one.is_missing else one.row.state,
        "shown": one.shown,
        "label": one_line(ref.label or "", 60),
        "preview": one.preview,
    }


def _detail(one: _Seen, data: bytes | None) -> dict[str, Any]:
    ref, references = one.row.ref, one.row.references
    state = {"intended": "intended, not committed"}.get(one.row.state, one.row.state)
    facts = [
        (
            "type",
            ref.media_type.mime
            if data is None or one.shown == ref.media_type.type
            else f"{ref.media_type.mime} declared, {one.words} found",
        ),
        ("bytes", f"{ref.byte_len:,} ({_hash_words(one, data)})"),
        ("dimensions", f"{ref.width} × {ref.height}" if ref.width and ref.height else ""),
        ("state", "missing" if one.is_missing else state),
    ]
    return {
        "facts": [fact for fact in facts if fact[1]],
        "references": [_reference(reference) for reference in references[:_REFERENCES]],
        "more": f"{len(references) - _REFERENCES} more: session.attachments" if len(references) > _REFERENCES else "",
        "note": _note(one, data),
    }


def _note(one: _Seen, data: bytes | None) -> str:
    if one.is_missing:
        return "The session refers to this attachment, the store does not have it. The same bytes bring it back: %%lash --image FILE"
    if data is None:
        return f"Too large for a page: %lash attachments {one.row.ref.id[:8]} --save FILE"
    return "no preview for this type; Save as keeps all" if one.shown == "hex" else ""


def _hash_words(one: _Seen, data: bytes | None) -> str:
    if data is None:
        return "declared"
    return "hash checked" if hashlib.sha256(data).hexdigest() == one.row.ref.id else "the hash does not match the id"


def _reference(reference: str) -> list[str]:
    what, _, key = reference.partition(" ")
    return [{"node": "message"}.get(what, what.replace("_", " ")), key]


def _static_html(seen: Sequence[_Seen], counts: str, contents: Mapping[str, bytes], *, more: int) -> str:
    heads = [
        ("", ""),
        ("id", CODE),
        ("type", "white-space:nowrap;"),
        ("size", RIGHT),
        ("state", ""),
        ("refs", RIGHT),
        ("label", "width:100%;overflow-wrap:anywhere;"),
    ]
    pictures = SmallPictures()
    rows: list[list[str]] = []
    for one in seen[:100]:
        ref = one.row.ref
        state = el("span", "× bytes missing", style=FAILURE) if one.is_missing else one.row.state
        rows.append(
            [
                _thumb(one, pictures, contents.get(ref.id)),
                short_id(ref.id),
                one.words,
                byte_size(ref.byte_len),
                state,
                str(len(one.row.references)),
                ref.label or "",
            ]
        )
    head = heading("Attachments", counts)
    if not seen:
        return joined(head, el("div", "None yet. Put a picture on a turn: ", el("code", "%%lash --image FILE")))
    more += len(seen) - len(rows)
    cut = f"{more:,} more: session.attachments" if more else ""
    return joined(head, table(heads, rows), el("div", cut) if cut else None)


def _thumb(one: _Seen, pictures: SmallPictures, data: bytes | None) -> Html:
    source = pictures.source(data)
    if not source:
        return el("span", "" if one.is_missing else one.shown)
    style = "max-width:96px;max-height:54px;background:#ffffff;"
    return el("img", src=source, alt=short_id(one.row.ref.id), style=style)
