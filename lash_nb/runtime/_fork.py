"""A session that begins where another one stood."""

from typing import Final

from msgspec.structs import replace

from lash_nb.errors import CallerError
from lash_nb.runtime._open_calls import refuse_open_calls
from lash_nb.wire import SessionGraph, SessionNodeRecord, SessionSnapshot, TokenUsage, active_path

__all__ = ["fork_snapshot"]

_SHOWN: Final = 8


def fork_snapshot(snapshot: SessionSnapshot, node_id: str, session_id: str) -> SessionSnapshot:
    """Return a session of its own that stands at a node of another one: the way to that node, in its agent frame, nothing used yet.

    Args:
        snapshot: The other session, with its frames.
        node_id: The node.
        session_id: The new session.

    Raises:
        CallerError: there is no such node; `open_tool_call`, it stands between a tool call and its result.
    """
    nodes = {node.node_id: node for node in snapshot.session_graph.nodes}
    if node_id not in nodes:
        known = ", ".join(list(nodes)[-_SHOWN:]) or "none"
        message = f"session {snapshot.session_id} has no node {node_id}; the last ones are {known}"
        raise CallerError(message, code="unknown_node")
    path = tuple(active_path(nodes, node_id))
    refuse_open_calls(path, nodes.values())
    return replace(
        snapshot,
        session_id=session_id,
        session_graph=SessionGraph(nodes=path, leaf_node_id=node_id),
        current_agent_frame_id=nodes[node_id].agent_frame_id or snapshot.current_agent_frame_id,
        turn_index=sum(_begins_a_turn(node) for node in path),
        token_usage=TokenUsage.zero(),
        last_prompt_usage=None,
        token_ledger=(),
        checkpoint_ref=None,
        tool_state_ref=None,
        tool_state_generation=None,
        plugin_snapshot_ref=None,
        plugin_snapshot_revision=None,
        execution_state_ref=None,
    )


def _begins_a_turn(node: SessionNodeRecord) -> bool:
    """A turn begins with what a user says, not with what a tool answers."""
    message = node.message
    return message is not None and message.role == "User" and not any(p.kind == "ToolResult" for p in message.parts)
