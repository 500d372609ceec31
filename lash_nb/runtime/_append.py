"""Nodes that others than turns put into a session's graph (lash 0.1.0-alpha.37, sessions §3.10)."""

from typing import Final

from lash_nb.clock import IdSource
from lash_nb.runtime._graph import ResidentGraph
from lash_nb.wire import AppendMessage, AppendPlugin, AppendProtocolEvent, PluginOrigin, SessionAppendNode

__all__ = ["append_node"]

_NOBODY: Final = PluginOrigin(plugin_id="plugin")
"""Who said a message whose origin is not given."""


def append_node(graph: ResidentGraph, node: SessionAppendNode, ids: IdSource) -> str:
    """Append a node at the leaf, in the frame in which the graph is read; return its id."""
    match node:
        case AppendMessage(message=message, caused_by=caused_by):
            return graph.append_message(message.to_message(f"m{ids.hex()}", _NOBODY), caused_by=caused_by)
        case AppendProtocolEvent(event=event, caused_by=caused_by):
            return graph.append_protocol_event(event, f"protocol:{ids.hex()}", caused_by=caused_by)
        case AppendPlugin(plugin_type=plugin_type, body=body, caused_by=caused_by):
            return graph.append_plugin(plugin_type, body, f"plugin:{ids.hex()}", caused_by=caused_by)
