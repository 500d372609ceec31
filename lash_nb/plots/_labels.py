"""What a graph node, a call or an argument is called in one line of a plot or view."""

from collections.abc import Mapping
from typing import Any, Final

from lash_nb.plots._format import one_line, short_id
from lash_nb.trace import Turn, member, read_fact
from lash_nb.wire import Message, Part, SessionNodeRecord

__all__ = ["argument_hint", "first_token_ms", "node_label", "node_role", "turn_name"]


_ENDLESS_MS: Final = 10**15
"""Thirty thousand years: whatever is longer is no duration, and no picture could show it."""


def node_label(node: SessionNodeRecord) -> tuple[str, str]:
    """Return who speaks (or which plugin notes something) and what, both on one line."""
    message = node.message
    if message is None:
        note = node.event.Protocol if node.event else None
        return node_role(node), one_line((note.plugin_id if note else node.plugin_type) or node.kind)
    return node_role(node), one_line(_said(message), limit=200)


def node_role(node: SessionNodeRecord) -> str:
    """Return who speaks; `note` for what is no message."""
    message = node.message
    if message is None:
        return "note"
    return "tool" if any(part.kind == "ToolResult" for part in message.parts) else message.role.lower()


def turn_name(turn: Turn) -> str:
    """Return what a person calls a turn: its number, else its id."""
    return short_id(turn.turn_id) if turn.turn_index is None else str(turn.turn_index)


def argument_hint(args: Any) -> str:
    """Return the first short text among a tool's arguments: what tells one call from its neighbor."""
    if not isinstance(args, Mapping):
        return ""
    texts = [value for value in args.values() if isinstance(value, str) and value]
    return one_line(texts[0], limit=24) if texts else ""


def _said(message: Message) -> str:
    words = [_part_words(part) for part in message.parts]
    return " · ".join(word for word in words if word)


def _part_words(part: Part) -> str:
    match part.kind:
        case "ToolCall":
            return f"call {part.tool_name or short_id(part.tool_call_id)}({one_line(part.content, limit=60)})"
        case "ToolResult":
            return f"{part.tool_name or short_id(part.tool_call_id)} → {one_line(part.rendered(), limit=100)}"
        case "Reasoning":
            return ""
    return one_line(part.rendered(), limit=160)


def first_token_ms(body: Mapping[str, Any]) -> float | None:
    """Return when the first visible text of a model call came, in milliseconds after its start; none for a number that is no time."""
    latency = member(read_fact("stream_summary", body), "first_visible_token_latency_ms")
    return latency if isinstance(latency, int | float) and 0 <= latency < _ENDLESS_MS else None
