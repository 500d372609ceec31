"""JSON as people read it: short containers stay on one line, long ones are cut aloud.

The browser half colors the same text, so the two never show different things.
"""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

from lash_nb.errors import WireError
from lash_nb.plots import byte_size
from lash_nb.views._markup import CODE, SUNK, Html, el, joined
from lash_nb.wire import to_builtins, to_json

__all__ = ["LIMIT", "call_text", "inline", "json_html", "pretty", "pretty_capped", "summary"]

LIMIT: Final = 100_000
"""Characters of JSON that a view carries; above, the first part is shown and the call that gets all."""

_WIDTH: Final = 68
_DEEPEST: Final = 60
"""Containers in containers that are indented; what lies deeper stands on one line."""
_TOO_DEEP: Final = "… nested too deeply to be shown"
_TOKEN: Final = re.compile(
    r'("(?:[^"\\]|\\(?:.|$))*(?:"|$))(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b'
)
"""A text that was cut ends with the text: to look for its end from each quote in it would take the square of its length."""
_encode: Final = json.JSONEncoder(ensure_ascii=False).encode
"""As `json.dumps` does, which makes such an encoder each time."""
_COLORS: Final = ("#d04040", "#1f9d3a", "#9c4fc4")  # string, number, literal; tinted by the page's own text color


def pretty(value: Any, *, width: int = _WIDTH) -> str:
    """Return `value` as indented JSON in which everything that fits into `width` stands on one line."""
    try:
        return _pretty(to_builtins(value), "", width)
    except RecursionError:
        return _TOO_DEEP


def pretty_capped(value: Any, *, whole: str, limit: int = LIMIT) -> tuple[str, str]:
    """Return the first characters of `pretty` text, and a sentence that says what is missing (empty when nothing is).

    Args:
        value: What to show; of a large one no more is written than is shown.
        whole: The expression that gives all of it.
        limit: Most characters.
    """
    try:
        room = limit + _WIDTH
        plain = to_builtins(value, shared=lambda items: list(_first(items, room)))
        text = _pretty(_beginning(plain, room)[0], "", _WIDTH)
    except RecursionError:
        return _TOO_DEEP, ""
    if len(text) <= limit:
        return text, ""
    return text[:limit], f"first {byte_size(limit)}, indented, of {byte_size(_size(value))}; all of it: {whole}"


def json_html(value: Any, *, whole: str = "", indent: bool = True, limit: int = LIMIT) -> Html:
    """Return colored JSON for a page without scripts; cut like `pretty_capped`."""
    text, cut = pretty_capped(value, whole=whole or "the value itself", limit=limit) if indent else (inline(value), "")
    block = el(
        "pre", _colored(text), style=f"margin:0;white-space:pre-wrap;overflow-wrap:anywhere;background:none;{CODE}"
    )
    return joined(block, el("div", cut, style=f"font-size:11px;{SUNK}") if cut else None)


def inline(value: Any, limit: int | None = None) -> str:
    """Return `value` as JSON on one line, `{"a": 1}`; with `limit`, cut with `…`."""
    try:
        text = _encode(to_builtins(value))
    except RecursionError:
        text = _TOO_DEEP
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


def call_text(args: Any, limit: int = 80) -> str:
    """Return arguments as in a call: `days=10, station="Hanoi"`; long arrays as `[… 10]`."""
    if not isinstance(args, dict):
        return _short(args)
    text = ", ".join(f"{name}={_short(value)}" for name, value in args.items())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def summary(value: Any, limit: int = 80) -> str:
    """Return a result as one phrase: `humidity 52 · temp_c 17.6`; long arrays as `[… 10]`."""
    plain = to_builtins(value)
    if isinstance(plain, dict) and "$lash_tool_value" not in plain:
        text = " · ".join(f"{name} {_short(item)}" for name, item in plain.items())
    else:
        text = plain if isinstance(plain, str) else _short(plain)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _short(value: Any) -> str:
    if isinstance(value, list | tuple) and len(value) > 4:
        return f"[… {len(value)}]"
    if isinstance(value, list | tuple) and any(map(_attached, value)):
        return f"[{', '.join(map(_short, value))}]"
    if isinstance(value, dict):
        return _attached(value) or ("{…}" if value else "{}")
    return _encode(value)


def _attached(value: Any) -> str:
    """The short id of an attachment; empty for everything else."""
    reference = value.get("ref") if isinstance(value, dict) else None
    return str(reference["id"])[:8] if isinstance(reference, dict) and "id" in reference else ""


def _pretty(value: Any, indent: str, width: int) -> str:
    is_one_line = not isinstance(value, dict | list | tuple) or not value or len(indent) > 2 * _DEEPEST
    room = width - len(indent)
    if is_one_line or _least(value, room) <= room:
        flat = _encode(value)
        if is_one_line or len(flat) <= room:
            return flat
    deeper = indent + "  "
    if isinstance(value, dict):
        lines = [f"{deeper}{_encode(key)}: {_pretty(item, deeper, width)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(deeper + _pretty(item, deeper, width) for item in value) + f"\n{indent}]"


def _beginning(value: Any, room: int, depth: int = 0) -> tuple[Any, int]:
    """Return a value that is written as this one for `room` characters, less what is in doubt on one line, and what is left of the room.

    Each item takes the characters that it has at least: whatever is left out stands behind them.
    """
    if isinstance(value, str):
        return value[: max(room, 0)], room - len(value) - len('""')
    if not isinstance(value, dict | list | tuple) or depth > _DEEPEST:
        return value, room - 1
    kept: list[Any] = []
    room -= len("[]")
    for item in value.items() if isinstance(value, dict) else value:
        if room <= 0:
            break
        begun, room = _pair(item, room, depth) if isinstance(value, dict) else _beginning(item, room, depth + 1)
        kept.append(begun)
    return (dict(kept) if isinstance(value, dict) else kept), room


def _pair(item: tuple[Any, Any], room: int, depth: int) -> tuple[tuple[Any, Any], int]:
    key, value = item
    begun, room = _beginning(value, room - len(str(key)), depth + 1)
    return (key, begun), room


def _first(items: Iterable[Any], room: int) -> Iterator[Any]:
    """Yield as many items as the room can show: a conversation may be very long."""
    for item in items:
        if room <= 0:
            break
        plain = to_builtins(item)
        room -= _least(plain, room)
        yield plain


def _size(value: Any) -> int:
    """Return how many bytes a value has as JSON without indentation; of one that has no one form in JSON the characters."""
    try:
        return len(to_json(value))
    except WireError:
        return len(inline(value))


def _least(value: Any, enough: int) -> int:
    """Return how many characters a value has on one line at least, counted until they are more than enough."""
    if isinstance(value, str):
        return len(value) + len('""')
    if not isinstance(value, dict | list | tuple):
        return 1
    least = len("[]")
    for item in chain.from_iterable(value.items()) if isinstance(value, dict) else value:
        if least > enough:
            break
        least += _least(item, enough - least)
    return least


def _colored(text: str) -> Html:
    pieces: list[str] = []
    at = 0
    for match in _TOKEN.finditer(text):
        pieces.append(text[at : match.start()])
        at = match.end()
        quoted, colon, number, _ = match.groups()
        color = None if quoted and colon else _COLORS[0] if quoted else _COLORS[1] if number else _COLORS[2]
        pieces.append(
            el("span", match[0], style=f"color:color-mix(in srgb,{color} 72%,currentColor)") if color else match[0]
        )
    return joined(*pieces, text[at:])
