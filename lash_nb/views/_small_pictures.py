"""Attachments as small pictures: the one place that decides what becomes an `<img>`, and how much of it a saved notebook carries.

A picture is what its bytes are, whatever they are declared to be. SVG never is one: not every page shows it as an image only.
"""

import base64
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from lash_nb.plots import byte_size, one_line, short_id
from lash_nb.views._markup import BORDER, CODE, MUTED, Html, el
from lash_nb.views._media_words import sniffed, type_words
from lash_nb.wire import (
    AttachmentId,
    AttachmentRef,
    DirectCommand,
    EffectEntry,
    LlmCallCommand,
    ToolCallOutput,
    image_dimensions,
    is_whole_image,
    sniff_image,
)

__all__ = ["AttachmentBytes", "SmallPictures", "effect_attachments", "given_attachments"]

AttachmentBytes: TypeAlias = Callable[[AttachmentId], bytes]
"""Gives the bytes of an attachment, or raises; `LashSession.attachment_data` is one."""

_EACH: Final = 75_000
"""Bytes of a picture that is shown: 100 kB as text."""
_TOGETHER: Final = 256_000
"""Bytes of the pictures of one output: 340 kB as text, which a notebook keeps."""
_PIXELS: Final = 25_000_000
"""Pixels of a picture that is shown: a few bytes may claim to be a picture that fills a browser's memory."""
_LISTED: Final = 12
"""As many attachments of one call are told of."""
_IMAGE: Final = f"display:block;max-width:320px;max-height:180px;background:#ffffff;border:{BORDER};border-radius:3px;"


class SmallPictures:
    """The pictures of one output, which has room for so many bytes; what finds none is told of in words.

    Args:
        bytes_of: Where bytes come from; without it nothing is shown.
    """

    def __init__(self, bytes_of: AttachmentBytes | None = None) -> None:
        self._bytes_of = bytes_of
        self._room = _TOGETHER

    def source(self, data: bytes | None) -> str:
        """Return bytes as a data URI; empty when they are no picture that is shown, or there is no room."""
        if data is None or len(data) > min(_EACH, self._room):
            return ""
        size = image_dimensions(data)
        if size is None or size[0] * size[1] > _PIXELS or not is_whole_image(data):
            return ""
        self._room -= len(data)
        return f"data:image/{sniff_image(data)};base64,{base64.b64encode(data).decode()}"

    def facts(self, reference: AttachmentRef) -> dict[str, str]:
        """Return what a page draws of an attachment: its `id`, `source` (may be empty), what it is in `words`, and a `note` that gets the rest."""
        data = self._data(reference)
        source = self.source(data)
        declared = reference.media_type.type
        shown = (
            f"{declared}, {_sides(reference)}declared" if data is None else type_words(sniffed(data), declared, data)
        )
        words = [shown, byte_size(reference.byte_len), one_line(reference.label or "", 40)]
        return {
            "id": reference.id,
            "source": source,
            "words": " · ".join(filter(None, words)),
            "note": "" if source else f'session.save_attachment("{short_id(reference.id)}", "FILE")',
        }

    def listed(self, references: Iterable[AttachmentRef]) -> list[dict[str, str]]:
        """Return the `facts` of attachments, each once, pictures before words, and how many more there are."""
        each = {reference.id: reference for reference in references}
        facts = [self.facts(reference) for reference in list(each.values())[:_LISTED]]
        facts.sort(key=lambda one: not one["source"])
        more = len(each) - len(facts)
        return facts + (
            [{"id": "", "source": "", "words": f"{more} more", "note": "session.attachments"}] if more else []
        )

    def drawn(self, references: Iterable[AttachmentRef]) -> Html | None:
        """Return attachments side by side, each once; None when there are none."""
        blocks = [_block(facts) for facts in self.listed(references)]
        if not blocks:
            return None
        return el("div", *blocks, style="display:flex;flex-wrap:wrap;gap:12px;align-items:flex-end;margin:6px 0;")

    def _data(self, reference: AttachmentRef) -> bytes | None:
        """The bytes, when they may be shown: nobody reads what is declared to be larger."""
        if self._bytes_of is None or reference.byte_len > _EACH:
            return None
        try:
            return self._bytes_of(reference.id)
        except Exception:  # noqa: BLE001 - a store of somebody's own; a card is drawn without its pictures
            return None


def given_attachments(entry: EffectEntry) -> tuple[AttachmentRef, ...]:
    """Return the attachments that a tool gave; empty for other effects."""
    output: Any = getattr(getattr(entry.outcome, "result", None), "output", None)
    return output.attachments() if isinstance(output, ToolCallOutput) else ()


def effect_attachments(entry: EffectEntry) -> tuple[AttachmentRef, ...]:
    """Return the attachments that a tool gave, or that a model was shown: the same ones call after call."""
    command = entry.envelope.command
    if isinstance(command, LlmCallCommand | DirectCommand):
        return tuple(item.reference for item in command.request.attachments)
    return given_attachments(entry)


def _sides(reference: AttachmentRef) -> str:
    return f"{reference.width} × {reference.height}, " if reference.width and reference.height else ""


def _block(facts: dict[str, str]) -> Html:
    label = f"{short_id(facts['id'])} {facts['words']}"
    picture = el("img", src=facts["source"], alt=label, style=_IMAGE) if facts["source"] else None
    note = el("code", facts["note"], style=CODE) if facts["note"] else None
    words = el(
        "div",
        el("span", short_id(facts["id"]), style=CODE),
        f" {facts['words']} ",
        note,
        style=f"font-size:11px;{MUTED}",
    )
    return el("div", picture, words, title=facts["id"], style="overflow-wrap:anywhere;")
