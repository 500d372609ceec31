"""Where in a graph a turn may go on: nowhere between a tool call and its result, for no model takes such a history."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

from lash_nb.errors import CallerError
from lash_nb.wire import SessionNodeRecord

__all__ = ["refuse_open_calls"]


def refuse_open_calls(path: Sequence[SessionNodeRecord], nodes: Iterable[SessionNodeRecord]) -> None:
    """Refuse to go on at the end of a path on which a tool call has no result yet.

    Args:
        path: The way to the node where somebody wants to stand.
        nodes: All nodes that are known, to find a better one among.

    Raises:
        CallerError: `open_tool_call`; the message names the nearest nodes where a turn may go on.
    """
    waiting: frozenset[str] = frozenset()
    before: str | None = None
    for node in path:
        if not waiting:
            before = node.parent_node_id
        waiting = _waiting_after(waiting, node)
    if not waiting:
        return
    places = {_answered_below(path[-1], waiting, nodes): "after the result", before: "before the call"}
    nearest = " or ".join(f"{node_id} ({where})" for node_id, where in places.items() if node_id is not None)
    raise CallerError(
        f"node {path[-1].node_id} stands between the tool call {', '.join(sorted(waiting))} and its result, where no model can go on;"
        f" choose {nearest or 'the root of the graph'}",
        code="open_tool_call",
    )


def _waiting_after(waiting: frozenset[str], node: SessionNodeRecord) -> frozenset[str]:
    """Return which calls wait for a result after a node, given those that wait before it."""
    message = node.message
    if message is None or message.is_transient:
        return waiting
    for part in message.parts:
        if part.kind == "ToolCall" and part.tool_call_id:
            waiting |= {part.tool_call_id}
        elif part.kind == "ToolResult" and part.tool_call_id:
            waiting -= {part.tool_call_id}
    return waiting


def _answered_below(
    start: SessionNodeRecord, waiting: frozenset[str], nodes: Iterable[SessionNodeRecord]
) -> str | None:
    """Return the nearest node that follows and has all results; None when none does."""
    children: dict[str | None, list[SessionNodeRecord]] = defaultdict(list)
    for node in nodes:
        children[node.parent_node_id].append(node)
    open_ends = deque([(start, waiting)])
    seen = {start.node_id}
    while open_ends:
        node, calls = open_ends.popleft()
        for child in children[node.node_id]:
            left = _waiting_after(calls, child)
            if not left:
                return child.node_id
            if child.node_id not in seen:
                seen.add(child.node_id)
                open_ends.append((child, left))
    return None
