"""Nodes and messages of a session graph, and the attachments of a session."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lash_nb.frames._column import Column, nothing
from lash_nb.frames._table import Rows, table
from lash_nb.wire import AttachmentRow, Message, Part, SessionGraph, SessionNodeRecord, active_path

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
    message: Message | None
    """The message, when the node is one."""
    parts: tuple[Part, ...]
    """Its parts; none when the node is no message."""

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


def _always(order: str, node_id: Column) -> tuple[Column, ...]:
    absent = "Always empty: not known of this row."
    return (
        Column("order", order, "Int64", "Position, from 0."),
        Column("session_id", nothing, "category", absent),
        Column("turn_id", nothing, "string", absent),
        Column("turn_index", nothing, "Int64", absent),
        Column("effect_id", nothing, "string", absent),
        Column("llm_call_id", nothing, "string", absent),
        node_id,
    )


def _text(parts: Sequence[Part]) -> str:
    return "\n".join([part.rendered() for part in parts if part.kind not in _SILENT])


def _tools(kind: str) -> Callable[[Sequence[Part]], list[str | None]]:
    return lambda parts: [part.tool_name for part in parts if part.kind == kind]


_SILENT: Final = ("ToolCall", "Reasoning")
"""Kinds of parts in which nothing is said."""


_NODE_ID: Final = Column("graph_node_id", "node.node_id", "string", "The node; that of a message is the message's id.")

MESSAGE_COLUMNS: Final = (
    Column("order", "order", "Int64", "Position, from 0."),
    _NODE_ID,
    Column("role", "what", "category", "Who speaks: user, assistant, system or event; else the plugin."),
    Column(
        "text",
        "message.parts",
        "string",
        "What is said: texts and tool results, without tool calls and reasoning.",
        then=_text,
    ),
    Column("tool_calls", "parts", "object", "Tools it calls.", then=_tools("ToolCall")),
    Column("tool_results", "parts", "object", "Tools it answers for.", then=_tools("ToolResult")),
    Column(
        "images",
        "parts",
        "Int64",
        "Number of pictures.",
        then=lambda parts: sum(part.kind == "Image" for part in parts),
    ),
    Column("parts", "message.parts", "Int64", "Number of parts.", then=len),
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
    active = {node.node_id for node in _path(graph)}
    return Rows([_row(graph, order, node, node.node_id in active) for order, node in enumerate(graph.nodes)])


@table(MESSAGE_COLUMNS, always=_always("order", _NODE_ID))
def messages_df(graph: SessionGraph) -> Rows:
    """One row per message on the path to the current leaf, oldest first; a column's function gets a `NodeRow`."""
    messages = [node for node in _path(graph) if node.message]
    return Rows([_row(graph, order, node, on_active_path=True) for order, node in enumerate(messages)])


@table(
    ATTACHMENT_COLUMNS,
    always=_always("order", Column("graph_node_id", nothing, "string", "Always empty: see `referenced_by`.")),
    listing="session.attachments",
)
def attachments_df(attachments: Sequence[AttachmentRow]) -> Rows:
    """One row per attachment of a session, as in `session.attachments`; a column's function gets an `AttachmentTableRow`."""
    return Rows([AttachmentTableRow(order, row) for order, row in enumerate(attachments)])


def _path(graph: SessionGraph) -> list[SessionNodeRecord]:
    return active_path({node.node_id: node for node in graph.nodes}, graph.leaf_node_id)


def _row(graph: SessionGraph, order: int, node: SessionNodeRecord, on_active_path: bool) -> NodeRow:
    message = node.message
    return NodeRow(
        order=order,
        node=node,
        on_active_path=on_active_path,
        is_leaf=node.node_id == graph.leaf_node_id,
        message=message,
        parts=message.parts if message else (),
    )
