"""How one node of a session graph looks when it is the value of a cell: where it hangs, and all that it says."""

from typing import Any, Final

from lash_nb.errors import WireError
from lash_nb.plots import byte_size, counted, one_line, printable
from lash_nb.views._effect_words import cause_text
from lash_nb.views._json import pretty
from lash_nb.views._markup import CODE, MUTED, SUNK, Html, el, heading, joined
from lash_nb.views._text import aligned, clipped
from lash_nb.wire import Part, SessionNodeRecord, from_json

__all__ = ["node_html", "node_text"]

_LIMIT: Final = 10_000
"""Characters of one part that are shown."""
_PARTS: Final = 50
_JSON_PARTS: Final = frozenset({"ToolCall", "ToolResult"})


def node_html(node: SessionNodeRecord) -> str:
    """Return a node: where it hangs, and its parts."""
    facts = [
        el("div", el("span", f"{name} ", style=MUTED), el("span", value, style=CODE)) for name, value in _facts(node)
    ]
    said = [
        joined(el("div", label, style=f"margin-top:6px;font-size:11px;{MUTED}"), _block(text))
        for label, text in _said(node)
    ]
    return el("div", heading(f"Node {node.node_id}", _kind(node)), *facts, *said, style="font-size:13px;")


def node_text(node: SessionNodeRecord) -> str:
    """Return the same as text."""
    lines = [f"Node {one_line(node.node_id, 60)}  {_kind(node)}", *aligned([list(fact) for fact in _facts(node)])]
    for label, text in _said(node):
        lines += [label, *[f"  {line}" for line in text.splitlines()]]
    return clipped([*lines, f"next: %lash checkout {one_line(node.node_id, 60)}"])


def _kind(node: SessionNodeRecord) -> str:
    if node.message is not None:
        return node.message.role.lower()
    return f"plugin {one_line(node.plugin_type or '', 60)}" if node.kind == "plugin" else "protocol event"


def _facts(node: SessionNodeRecord) -> list[tuple[str, str]]:
    found = [
        ("parent", one_line(node.parent_node_id or "none: a root")),
        ("time", one_line(node.timestamp, 40)),
        ("frame", one_line(node.agent_frame_id or "")),
        ("from", one_line(cause_text(node.caused_by))),
    ]
    return [(name, value) for name, value in found if value]


def _said(node: SessionNodeRecord) -> list[tuple[str, str]]:
    """Label and text of each part, cut aloud."""
    if node.message is None:
        return [("body", _cut(pretty(node.body if node.kind == "plugin" else node.event)))]
    parts = node.message.parts
    more = [("", f"{counted(len(parts) - _PARTS, 'more part')}: .message.parts")] if len(parts) > _PARTS else []
    return [*[(_label(part), _cut(_text(part))) for part in parts[:_PARTS]], *more]


def _label(part: Part) -> str:
    state = "" if part.prune_state == "Intact" else "pruned"
    words = [part.kind, one_line(part.tool_name or "", 60), one_line(part.tool_call_id or "", 60), state]
    return " · ".join(filter(None, words))


def _text(part: Part) -> str:
    if part.attachment is not None:
        reference = part.attachment.reference
        kept = f"attachment {reference.id}, {reference.media_type.mime}, {byte_size(reference.byte_len)}"
        return f"{kept}\n{part.content}".rstrip()
    return _readable(part.content) if part.kind in _JSON_PARTS else part.rendered()


def _readable(text: str) -> str:
    """JSON is set as people read it; a result is not always JSON, and stays as it is then."""
    try:
        value: Any = from_json(text)
    except WireError:
        return text
    return value if isinstance(value, str) else pretty(value)


def _cut(text: str) -> str:
    if len(text) <= _LIMIT:
        return printable(text)
    return f"{printable(text[:_LIMIT])}\n… {counted(len(text) - _LIMIT, 'more character')}: .message.parts"


def _block(text: str) -> Html:
    return el("pre", text, style=f"margin:0;padding:4px 8px;white-space:pre-wrap;overflow-wrap:anywhere;{SUNK}{CODE}")
