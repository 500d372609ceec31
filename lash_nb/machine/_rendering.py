"""How messages look to the model (lash 0.1.0-alpha.37, turns §1.1, §2.7): every part becomes at most one block."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from lash_nb.wire import (
    ImageBlock,
    LlmAttachment,
    LlmContentBlock,
    LlmMessage,
    LlmRole,
    Message,
    MessageOrigin,
    MessageRole,
    Octets,
    Part,
    PartKind,
    PluginOrigin,
    ProcessOrigin,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
    TurnCause,
)

__all__ = ["render_message", "text_message", "turn_events_block"]

_ROLES: Final[Mapping[MessageRole, LlmRole]] = {
    "User": "User",
    "Assistant": "Assistant",
    "System": "System",
    "Event": "User",
}
_PREFIXES: Final[Mapping[MessageRole, str]] = {"System": "Runtime note:\n", "Event": "Runtime event:\n"}
_NOTE_TAGS: Final[Mapping[PartKind, str]] = {"Output": "output", "Error": "error"}
"""Kinds that a System message sets apart with a tag."""
_META_KINDS: Final[frozenset[PartKind]] = frozenset({"Text", "Prose"})


def render_message(message: Message, *, first_attachment: int) -> tuple[LlmMessage | None, tuple[LlmAttachment, ...]]:
    """Return the message as the model gets it, or None when nothing of it is for the model, and references of its pictures, without bytes.

    Its image blocks point at the pictures, counted from `first_attachment`.
    """
    role = message.role
    attachments: list[LlmAttachment] = []
    blocks: list[LlmContentBlock] = []
    for part in message.parts:
        if part.kind == "Image" and part.attachment is not None and role == "User":
            blocks.append(LlmContentBlock(Image=ImageBlock(attachment_idx=first_attachment + len(attachments))))
            ref = part.attachment.reference
            attachments.append(LlmAttachment(mime=ref.media_type.mime, data=Octets(), reference=ref))
        else:
            block = _BLOCKS.get(part.kind, _text)(role, part)
            if block is not None:
                blocks.append(block)
    rendered = LlmMessage(role=_ROLES[role], blocks=tuple(blocks)) if blocks else None
    return rendered, tuple(attachments)


def text_message(role: LlmRole, text: str) -> LlmMessage:
    """Return a message of one text."""
    return LlmMessage(role=role, blocks=(LlmContentBlock(Text=TextBlock(text=text, cache_breakpoint=False)),))


def turn_events_block(causes: Iterable[TurnCause]) -> str:
    """Return the text that tells the model which events woke the turn or arrived in it."""
    entries = (
        f"--- event[{index}] · {cause.event_type} · {cause.id} ---\n"
        f"Origin: {_origin_text(cause.origin)}\n\n{cause.text.strip()}"
        for index, cause in enumerate(causes)
    )
    return "\n\n".join(("=== TURN EVENTS ===", *entries))


def _origin_text(origin: MessageOrigin) -> str:
    match origin:
        case PluginOrigin(plugin_id=plugin, transient=transient):
            return f"plugin {plugin}{' (transient)' if transient else ''}"
        case ProcessOrigin(process_id=process, event_type=event, sequence=sequence, wake_id=wake):
            return f"process {process} {event} #{sequence}{f' ({wake})' if wake else ''}"


def _text(role: MessageRole, part: Part) -> LlmContentBlock | None:
    text = part.rendered()
    if not text.strip():
        return None
    tag = _NOTE_TAGS.get(part.kind) if role == "System" else None
    if tag:
        text = f"<{tag}>\n{text}\n</{tag}>"
    meta = part.response_meta if part.kind in _META_KINDS else None
    block = TextBlock(text=_PREFIXES.get(role, "") + text, response_meta=meta, cache_breakpoint=False)
    return LlmContentBlock(Text=block)


def _reasoning(_role: MessageRole, part: Part) -> LlmContentBlock | None:
    """Reasoning is given back only where its provider asked for that; the visible text alone helps no model."""
    if part.reasoning_meta is None or part.reasoning_meta.is_empty:
        return None
    return LlmContentBlock(Reasoning=ReasoningBlock(text=part.content, replay=part.reasoning_meta))


def _tool_call(_role: MessageRole, part: Part) -> LlmContentBlock:
    block = ToolCallBlock(
        call_id=part.tool_call_id or "",
        tool_name=part.tool_name or "",
        input_json=part.content,
        replay=part.tool_replay,
    )
    return LlmContentBlock(ToolCall=block)


def _tool_result(_role: MessageRole, part: Part) -> LlmContentBlock:
    block = ToolResultBlock(call_id=part.tool_call_id or "", content=part.rendered(), tool_name=part.tool_name)
    return LlmContentBlock(ToolResult=block)


_BLOCKS: Final[Mapping[PartKind, Callable[[MessageRole, Part], LlmContentBlock | None]]] = {
    "Reasoning": _reasoning,
    "ToolCall": _tool_call,
    "ToolResult": _tool_result,
}
"""Kinds that are more than text."""
