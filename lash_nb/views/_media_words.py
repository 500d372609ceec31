"""What bytes are, whatever they are declared to be: looked at, never trusted, never executed."""

from typing import Any, Final

from lash_nb.errors import WireError
from lash_nb.plots import counted
from lash_nb.wire import from_json, image_dimensions, is_whole_image, sniff_image

__all__ = ["PICTURES", "Shown", "sniffed", "text_preview", "type_words"]

Shown = str
"""What the bytes look like: `png jpeg gif webp bmp svg html json csv txt pdf wav hex`."""

PICTURES: Final = frozenset({"png", "jpeg", "gif", "webp", "bmp", "svg"})
"""What may become an `<img>`: there an SVG runs no script and loads nothing."""

_HEAD: Final = 4096


def sniffed(data: bytes) -> Shown:
    """Return what `data` looks like, by its first bytes."""
    picture = sniff_image(data)
    if picture is not None:
        return picture
    if data.startswith(b"%PDF-"):
        return "pdf"
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "wav"
    text = _text(data)
    return "hex" if text is None else _text_kind(text, data)


def _text_kind(head: str, data: bytes) -> Shown:
    start = head.lstrip().lower()
    if start.startswith(("<svg", "<?xml")) and "<svg" in start:
        return "svg"
    if start.startswith(("<!doctype html", "<html", "<script", "<body")):
        return "html"
    if start[:1] in {"{", "["} and _is_json(data):
        return "json"
    first = head.splitlines()[0] if head.strip() else ""
    return "csv" if "," in first and head.count("\n") > 1 else "txt"


def text_preview(data: bytes, shown: Shown, limit: int = 600) -> str:
    """Return the first lines of text; empty for what is no text or is shown as a picture."""
    text = _text(data) if shown in {"json", "csv", "txt", "html"} else None
    return "" if text is None else text[:limit]


def type_words(shown: Shown, declared: str, data: bytes | None) -> str:
    """Return type and size in words: `png 320 × 180`, `csv 10 × 2`, `png, declared` when the bytes are not there."""
    if data is None:
        return f"{declared}, declared"
    size = image_dimensions(data)
    if size is not None:
        cut = "" if is_whole_image(data) else ", cut off"
        return f"{shown} {size[0]} × {size[1]}{cut}"
    if shown == "csv":
        if len(data) > _HEAD:  # only the head was looked at
            return "csv"
        lines = [line for line in (_text(data) or "").splitlines() if line]
        return f"csv {len(lines) - 1} × {lines[0].count(',') + 1}"
    if shown == "json":
        return f"json{_json_size(data)}"
    return {"hex": "unknown type", "txt": "text"}.get(shown, shown)


def _json_size(data: bytes) -> str:
    value: Any = from_json(data) if len(data) < 1_000_000 else None
    return f", {counted(len(value), 'item')}" if isinstance(value, list | dict) else ""


def _text(data: bytes) -> str | None:
    head = data[:_HEAD]
    if b"\0" in head:
        return None
    try:
        return head.decode()
    except UnicodeDecodeError as error:
        return head[: error.start].decode() if error.start > len(head) - 4 and len(data) > _HEAD else None


def _is_json(data: bytes) -> bool:
    try:
        from_json(data)
    except WireError:
        return False
    return True
