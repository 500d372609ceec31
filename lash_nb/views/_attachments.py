"""The attachments of a session as cards: what they are, who refers to them, the bytes in an `<img>` or a file.

Bytes go to the page as bytes, small ones at once and large ones when they are selected; what they are is decided by looking at them.
"""

import base64
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
from lash_nb.views._media_words import PICTURES, sniffed, text_preview, type_words
from lash_nb.views._sources import module, stylesheet
from lash_nb.views._text import aligned, clipped
from lash_nb.wire import AttachmentRow

__all__ = ["AttachmentsView"]

_AT_ONCE: Final = 400_000
"""Bytes of one attachment that go to the page without being asked for."""
_AT_ONCE_ALL: Final = 4_000_000
"""Bytes of all attachments together that do."""
_STATIC: Final = 64_000
"""Bytes of one picture that a saved notebook carries."""
_STATIC_ALL: Final = 256_000
_REFERENCES: Final = 8


class _Seen(msgspec.Struct, frozen=True):
    """An attachment with its bytes looked at."""

    row: AttachmentRow
    data: bytes | None
    shown: str


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
        self._seen = {seen.row.ref.id: seen for seen in map(self._look, reversed(list(listing)))}
        seen = list(self._seen.values())
        self.counts = _counts(seen, title)
        self.cards = [_card(one) for one in seen]
        self.contents = _at_once(seen)
        self.on_msg(self._receive)

    def static_html(self) -> str:
        """Return the attachments as a table with small pictures."""
        return _static_html(list(self._seen.values()), self.counts)

    def text(self) -> str:
        """Return the attachments as aligned text."""
        cells = [["id", "type", "size", "state", "refs", "label"]]
        seen = list(self._seen.values())
        for one in seen[:32]:
            ref = one.row.ref
            state = "! missing" if one.data is None else one.row.state
            cells.append(
                [
                    short_id(ref.id),
                    _type(one),
                    byte_size(ref.byte_len),
                    state,
                    str(len(one.row.references)),
                    ref.label or "",
                ]
            )
        lines = [f"Attachments  {self.counts}", *aligned(cells, right=(2, 4), limits={5: 40})]
        if len(seen) > 32:
            lines.append(f"{len(seen) - 32} more: session.attachments")
        return clipped(
            [
                *lines,
                "next: %lash attachments ID --save FILE" if seen else "put a picture on a turn: %%lash --image FILE",
            ]
        )

    def select(self, attachment_id: str) -> None:
        """Select an attachment by its id or the beginning of it, and bring its bytes to the page."""
        seen = self._seen[self.listing.find(attachment_id).ref.id]
        if seen.data is not None and seen.row.ref.id not in self.contents:
            self.contents = {**self.contents, seen.row.ref.id: seen.data}
        with self.hold_trait_notifications():
            self.detail = _detail(seen)
            self.selection = f"attachment {seen.row.ref.id}"

    def save(self, attachment_id: str, path: str | Path) -> Path:
        """Write the bytes of an attachment to a file and return its path; an existing file is not overwritten.

        Raises:
            CallerError: no such attachment, or the file is there already.
            AttachmentStoreError: the bytes are not in the store.
        """
        return self.listing.save(attachment_id, path)

    def _look(self, row: AttachmentRow) -> _Seen:
        try:
            data = None if row.state == "missing" else self.listing.data(row.ref.id)
        except AttachmentStoreError:
            data = None
        return _Seen(row, data, "missing" if data is None else sniffed(data))

    def _receive(self, _widget: object, command: Any, _buffers: object) -> None:
        if command.get("do") == "select" and command.get("id") in self._seen:
            self.select(str(command["id"]))


def _counts(seen: Sequence[_Seen], title: str) -> str:
    total = sum(one.row.ref.byte_len for one in seen)
    missing = sum(one.data is None for one in seen)
    parts = [
        f"{len(seen)} {one_line(title)}".strip(),
        byte_size(total) if seen else "",
        f"{missing} missing" if missing else "",
    ]
    return " · ".join(filter(None, parts))


def _type(one: _Seen) -> str:
    return type_words(one.shown, one.row.ref.media_type.type, one.data)


def _card(one: _Seen) -> dict[str, str]:
    ref = one.row.ref
    return {
        "id": ref.id,
        "short": short_id(ref.id),
        "size": byte_size(ref.byte_len),
        "type": _type(one),
        "refs": counted(len(one.row.references), "ref"),
        "state": "missing" if one.data is None else one.row.state,
        "shown": one.shown,
        "label": one_line(ref.label or "", 60),
        "preview": text_preview(one.data or b"", one.shown),
    }


def _at_once(seen: Sequence[_Seen]) -> dict[str, Any]:
    """Bytes that go to the page right away, newest first, until there are too many."""
    chosen: dict[str, Any] = {}
    total = 0
    for one in seen:
        if one.data is not None and len(one.data) <= _AT_ONCE and total + len(one.data) <= _AT_ONCE_ALL:
            chosen[one.row.ref.id] = one.data
            total += len(one.data)
    return chosen


def _detail(one: _Seen) -> dict[str, Any]:
    ref, references = one.row.ref, one.row.references
    state = {"intended": "intended, not committed"}.get(one.row.state, one.row.state)
    facts = [
        (
            "type",
            ref.media_type.mime
            if one.shown == ref.media_type.type
            else f"{ref.media_type.mime} declared, {_type(one)} found",
        ),
        ("bytes", f"{ref.byte_len:,} ({_hash_words(one)})"),
        ("dimensions", f"{ref.width} × {ref.height}" if ref.width and ref.height else ""),
        ("state", "missing" if one.data is None else state),
    ]
    missing = "The session refers to this attachment, the store does not have it. The same bytes bring it back: %%lash --image FILE"
    note = (
        missing
        if one.data is None
        else ""
        if one.shown in PICTURES or one.shown != "hex"
        else "no preview for this type; Save as keeps all"
    )
    return {
        "facts": [fact for fact in facts if fact[1]],
        "references": [_reference(reference) for reference in references[:_REFERENCES]],
        "more": f"{len(references) - _REFERENCES} more: session.attachments" if len(references) > _REFERENCES else "",
        "note": note,
    }


def _hash_words(one: _Seen) -> str:
    if one.data is None:
        return "declared"
    return (
        "hash checked" if hashlib.sha256(one.data).hexdigest() == one.row.ref.id else "the hash does not match the id"
    )


def _reference(reference: str) -> list[str]:
    what, _, key = reference.partition(" ")
    return [{"node": "message"}.get(what, what.replace("_", " ")), key]


def _static_html(seen: Sequence[_Seen], counts: str) -> str:
    heads = [
        ("", ""),
        ("id", CODE),
        ("type", "white-space:nowrap;"),
        ("size", RIGHT),
        ("state", ""),
        ("refs", RIGHT),
        ("label", "width:100%;overflow-wrap:anywhere;"),
    ]
    left = _STATIC_ALL
    rows: list[list[str]] = []
    for one in seen[:100]:
        picture, cost = _thumb(one, left)
        left -= cost
        ref = one.row.ref
        state = el("span", "× bytes missing", style=FAILURE) if one.data is None else one.row.state
        rows.append(
            [
                picture,
                short_id(ref.id),
                _type(one),
                byte_size(ref.byte_len),
                state,
                str(len(one.row.references)),
                ref.label or "",
            ]
        )
    head = heading("Attachments", counts)
    if not seen:
        return joined(head, el("div", "None yet. Put a picture on a turn: ", el("code", "%%lash --image FILE")))
    cut = f"{len(seen) - 100} more: session.attachments" if len(seen) > 100 else ""
    return joined(head, table(heads, rows), el("div", cut) if cut else None)


def _thumb(one: _Seen, left: int) -> tuple[Html, int]:
    """A picture for a saved notebook, as long as it stays small; SVG stays out: not every page shows it as an image only."""
    if one.data is None or one.shown not in PICTURES - {"svg"} or len(one.data) > min(_STATIC, left):
        return el("span", one.shown if one.data is not None else ""), 0
    source = f"data:image/{one.shown};base64,{base64.b64encode(one.data).decode()}"
    style = "max-width:96px;max-height:54px;background:#ffffff;"
    return el("img", src=source, alt=short_id(one.row.ref.id), style=style), len(one.data)
