"""How one node of a session graph looks when it is the value of a cell: where it hangs, and all that it says."""

from typing import Any, Final, NamedTuple

from lash_nb.errors import WireError
from lash_nb.plots import byte_size, counted, one_line, printable
from lash_nb.views._drawn_reply import is_reply
from lash_nb.views._effect_words import cause_text
from lash_nb.views._graph_turns import node_words
from lash_nb.views._json import pretty
from lash_nb.views._markup import CODE, MUTED, SUNK, Html, el, heading, joined
from lash_nb.views._small_pictures import AttachmentBytes, SmallPictures
from lash_nb.views._text import aligned, clipped
from lash_nb.views._turn_prose import drawn_prose
from lash_nb.wire import AttachmentRef, Part, SessionNodeRecord, from_json
from lash_nb.words import unmasked

__all__ = ["node_html", "node_line", "node_text"]

_LIMIT: Final = 10_000
"""Characters of one part that are shown."""
_PARTS: Final = 50
_JSON_PARTS: Final = frozenset({"ToolCall", "ToolResult"})


class _Said(NamedTuple):
    """What one part of a node says."""

    label: str
    """What the part is."""
    text: str
    """The beginning of it, at least."""
    left_out: str = ""
    """How much is not shown, and where all of it is."""
    is_reply: bool = False
    """Whether it is Markdown that a model wrote."""
    attachment: AttachmentRef | None = None
    """What belongs to it."""


def node_html(node: SessionNodeRecord, *, attachment_data: AttachmentBytes | None = None) -> str:
    """Return a node: where it hangs, its parts, and their small pictures.

    Args:
        node: The node.
        attachment_data: Gives the bytes of attachments.
    """
    pictures = SmallPictures(attachment_data)
    facts = [
        el("div", el("span", f"{name} ", style=MUTED), el("span", value, style=CODE)) for name, value in _facts(node)
    ]
    said = [
        joined(
            el("div", said.label, style=f"margin-top:6px;font-size:11px;{MUTED}"),
            _block(said),
            pictures.drawn([said.attachment]) if said.attachment else None,
        )
        for said in _said(node)
    ]
    return el("div", heading(f"Node {node.node_id}", _kind(node)), *facts, *said, style="font-size:13px;")


def node_text(node: SessionNodeRecord) -> str:
    """Return the same as text."""
    lines = [f"Node {one_line(node.node_id, 60)}  {_kind(node)}", *aligned([list(fact) for fact in _facts(node)])]
    for said in _said(node):
        lines += [said.label, *[f"  {line}" for line in said.text.splitlines()], *filter(None, [said.left_out])]
    return clipped([*lines, f"next: %lash checkout {one_line(node.node_id, 60)}"])


def node_line(node: SessionNodeRecord) -> str:
    """Return a node in one line, to stand among others: its id, who speaks, and the beginning of what is said."""
    said = "; ".join(f"{speaker} {text}".rstrip() for speaker, text in node_words(node, 48))
    return f"<{one_line(node.node_id, 40)}: {one_line(said, 56)}>"


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


def _said(node: SessionNodeRecord) -> list[_Said]:
    """What each part says."""
    message = node.message
    if message is None:
        return [_cut("body", pretty(node.body if node.kind == "plugin" else node.event))]
    shown, more = message.parts[:_PARTS], len(message.parts) - _PARTS
    said = [
        _cut(_label(part), _text(part), is_reply=is_reply(message, part))._replace(
            attachment=part.attachment.reference if part.attachment else None
        )
        for part in shown
    ]
    return [*said, _Said("", f"{counted(more, 'more part')}: .message.parts")] if more > 0 else said


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


def _cut(label: str, text: str, *, is_reply: bool = False) -> _Said:
    more = len(text) - _LIMIT
    left_out = f"… {counted(more, 'more character')}: .message.parts" if more > 0 else ""
    return _Said(label, (unmasked if is_reply else printable)(text[:_LIMIT]), left_out, is_reply=is_reply)


def _block(said: _Said) -> Html:
    """A reply as cards draw it; what is no Markdown as it is."""
    more = el("div", said.left_out, style=MUTED) if said.left_out else None
    drawn = drawn_prose(said.text, more) if said.is_reply else None
    if drawn is not None:
        return el("div", drawn, style="overflow-wrap:anywhere;")
    style = f"margin:0;padding:4px 8px;white-space:pre-wrap;overflow-wrap:anywhere;{SUNK}{CODE}"
    return joined(el("pre", said.text, style=style), more)
