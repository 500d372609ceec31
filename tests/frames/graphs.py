"""A small session graph for tests."""

from typing import Any, Final

from lash_nb.wire import SessionGraph, from_builtins

NODE_TIME: Final = "2026-11-21T15:07:45.288925864+00:00"


def part(kind: str, content: str, **members: Any) -> dict[str, Any]:
    """One part of a message."""
    return {"id": "p", "kind": kind, "content": content, "prune_state": "Intact", **members}


def message(node_id: str, parent: str | None, role: str, *parts: dict[str, Any]) -> dict[str, Any]:
    """A graph node that is a message."""
    said = {"Conversation": {"id": node_id, "role": role, "parts": list(parts)}}
    return {"node_id": node_id, "parent_node_id": parent, "timestamp": NODE_TIME, "kind": "event", "event": said}


def graph() -> SessionGraph:
    """A question with a tool call, and a second branch from the question."""
    call = part("ToolCall", '{"city":"Oslo"}', tool_call_id="c1", tool_name="weather")
    result = part("ToolResult", "11 °C", tool_call_id="c1", tool_name="weather")
    note = {
        "node_id": "n",
        "parent_node_id": "r",
        "timestamp": NODE_TIME,
        "kind": "plugin",
        "plugin_type": "memo",
        "body": {},
    }
    nodes = [
        message("u", None, "User", part("Text", "How warm?"), part("Image", "")),
        message("a", "u", "Assistant", part("Reasoning", "hm"), part("Prose", "Let me look."), call),
        message("b", "u", "Assistant", part("Prose", "Warm.")),
        message("r", "a", "User", result),
        note,
    ]
    found: SessionGraph = from_builtins({"nodes": nodes, "leaf_node_id": "n"}, SessionGraph)
    return found
