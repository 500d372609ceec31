"""Nodes and messages of a session graph, and the attachments of a session."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from lash_nb.frames._column import Column
from lash_nb.frames._table import Rows, table
from lash_nb.wire import AttachmentRow, SessionGraph, SessionNodeRecord, active_path

__all__ = [
    "ATTACHMENT_COLUMNS",
    "MESSAGE_COLUMNS",
    "NODE_COLUMNS",
    "AttachmentTableRow",
    "NodeRow",
    "attachments_df",
    "messages_df",
    "nodes_df",
]


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One node of a graph: what a column's function is given."""

    order: int
    """Position among the rows, from 0."""
    node: SessionNodeRecord
    """The node."""
    on_active_path: bool
    """Whether the path to the leaf goes through it."""
    is_leaf: bool
    """Whether the session stands here."""

    @property
    def message(self) -> Any:
        """The message, when the node is one."""
        return self.node.message

    @property
    def what(self) -> str:
        """Role of a message in lower case, else the plugin or the plugin's type."""
        if self.message:
            return str(self.message.role).lower()
        event = self.node.event
        return (event.Protocol.plugin_id if event and event.Protocol else self.node.plugin_type) or self.node.kind


@dataclass(frozen=True, slots=True)
class AttachmentTableRow:
    """One attachment: what a column's function is given."""

    order: int
    """Position in the listing, from 0."""
    attachment: AttachmentRow
    """The attachment with its state and references."""


def _nothing(_row: object) -> None:
    return None


def _always(order: str, node_id: Column) -> tuple[Column, ...]:
    absent = "Always empty: not known of this row."
    return (
        Column("order", order, "Int64", "Position, from 0."),
        Column("session_id", _nothing, "category", absent),
        Column("turn_id", _nothing, "string", absent),
        Column("turn_index", _nothing, "Int64", absent),
        Column("effect_id", _nothing, "string", absent),
        Column("llm_call_id", _nothing, "string", absent),
        node_id,
    )


def _parts(row: NodeRow, *kinds: str) -> list[Any]:
    return [part for part in row.message.parts if part.kind in kinds] if row.message else []


def _text(row: NodeRow) -> str | None:
    if not row.message:
        return None
    return "\n".join(part.rendered() for part in row.message.parts if part.kind not in ("ToolCall", "Reasoning"))


_NODE_ID: Final = Column("graph_node_id", "node.node_id", "string", "The node; that of a message is the message's id.")

MESSAGE_COLUMNS: Final = (
    Column("order", "order", "Int64", "Position, from 0."),
    _NODE_ID,
    Column("role", "what", "category", "Who speaks: user, assistant, system or event; else the plugin."),
    Column("text", _text, "string", "What is said: texts and tool results, without tool calls and reasoning."),
    Column("tool_calls", lambda row: [part.tool_name for part in _parts(row, "ToolCall")], "object", "Tools it calls."),
    Column(
        "tool_results",
        lambda row: [part.tool_name for part in _parts(row, "ToolResult")],
        "object",
        "Tools it answers for.",
    ),
    Column("images", lambda row: len(_parts(row, "Image")), "Int64", "Number of pictures."),
    Column("parts", lambda row: len(row.message.parts) if row.message else None, "Int64", "Number of parts."),
    Column("timestamp", "node.timestamp", "datetime64[ns, UTC]", "When it was made."),
    Column("agent_frame_id", "node.agent_frame_id", "category", "The agent frame that owns it."),
)
"""Who said what."""

NODE_COLUMNS: Final = (
    *MESSAGE_COLUMNS[:2],
    Column("parent_node_id", "node.parent_node_id", "string", "The node before; empty at a root."),
    Column("kind", "node.kind", "category", "`event` or `plugin`."),
    *MESSAGE_COLUMNS[2:],
    Column("is_on_active_path", "on_active_path", "boolean", "Whether the path to the current leaf goes through it."),
    Column("is_leaf", "is_leaf", "boolean", "Whether the session stands here."),
)
"""What each node is and where it hangs."""

ATTACHMENT_COLUMNS: Final = (
    Column("order", "order", "Int64", "Position in the listing, from 0."),
    Column("attachment_id", "attachment.ref.id", "string", "Content id: SHA-256 of the bytes."),
    Column("media_type", "attachment.ref.media_type.mime", "category", "MIME type."),
    Column("byte_len", "attachment.ref.byte_len", "Int64", "Size in bytes."),
    Column("width", "attachment.ref.width", "Int64", "Width in pixels."),
    Column("height", "attachment.ref.height", "Int64", "Height in pixels."),
    Column("label", "attachment.ref.label", "string", "A name for people."),
    Column("state", "attachment.state", "category", "`committed`, `intended` or `missing`."),
    Column("references", lambda row: len(row.attachment.references), "Int64", "How many refer to it."),
    Column("referenced_by", lambda row: list(row.attachment.references), "object", "Who refers to it."),
)
"""What each attachment is, and who refers to it."""


@table(NODE_COLUMNS, always=_always("order", _NODE_ID))
def nodes_df(graph: SessionGraph) -> Rows:
    """One row per node of a session graph, in the order in which they were stored; a column's function gets a `NodeRow`."""
    return Rows(_node_rows(graph, graph.nodes))


@table(MESSAGE_COLUMNS, always=_always("order", _NODE_ID))
def messages_df(graph: SessionGraph) -> Rows:
    """One row per message on the path to the current leaf, oldest first; a column's function gets a `NodeRow`."""
    path = active_path({node.node_id: node for node in graph.nodes}, graph.leaf_node_id)
    return Rows(_node_rows(graph, [node for node in path if node.message]))


@table(
    ATTACHMENT_COLUMNS,
    always=_always("order", Column("graph_node_id", _nothing, "string", "Always empty: see `referenced_by`.")),
)
def attachments_df(attachments: Sequence[AttachmentRow]) -> Rows:
    """One row per attachment of a session, as in `session.attachments`; a column's function gets an `AttachmentTableRow`."""
    return Rows([AttachmentTableRow(order, row) for order, row in enumerate(attachments)])


def _node_rows(graph: SessionGraph, nodes: Sequence[SessionNodeRecord]) -> list[NodeRow]:
    path = active_path({node.node_id: node for node in graph.nodes}, graph.leaf_node_id)
    active = {node.node_id for node in path}
    leaf = graph.leaf_node_id
    return [NodeRow(order, node, node.node_id in active, node.node_id == leaf) for order, node in enumerate(nodes)]
