"""What a session database says (lash 0.1.0-alpha.37, sessions §11.3 and §11.5)."""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from lash_nb.errors import WireError
from lash_nb.stores._session_store import ActivePath, SessionReadScope
from lash_nb.stores._sqlite_blobs import load_checkpoint
from lash_nb.stores._sqlite_head import read_head
from lash_nb.stores._sqlite_schema import blobs, integers, select, texts
from lash_nb.wire import (
    PersistedSessionRead,
    RootRelation,
    SessionGraph,
    SessionMeta,
    SessionNodeRecord,
    SessionRelation,
    TokenLedgerEntry,
    TokenUsage,
    from_json,
    from_json_rows,
    merged_ledger,
)

__all__ = ["SessionRead", "read_meta", "read_node", "read_session"]

_AT_ONCE: Final = 50
"""How many nodes are decoded together; few, as all of them are decoded one by one where one is written in another way."""
_NAMES: Final = ("session_id", "session_name", "created_at", "model")
_META: Final = select(
    texts(*_NAMES), "CAST(cwd AS TEXT)", blobs("relation_json"), source="session_meta WHERE singleton = 1"
)
_COUNTERS: Final = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens")
_USAGE: Final = select(texts("source", "model"), integers(*_COUNTERS), source="usage_deltas ORDER BY seq")
_NODE: Final = select(blobs("node_json"), source="graph_nodes WHERE node_id = ? AND tombstoned = 0")
_ALL: Final = select(blobs("node_json"), source="graph_nodes WHERE tombstoned = 0 ORDER BY seq")
_PARENT: Final = "CASE WHEN json_valid({0}.node_json) THEN json_extract({0}.node_json, '$.parent_node_id') END"
_PATH: Final = f"""
    WITH RECURSIVE path(seq, parent) AS (
        SELECT node.seq, {_PARENT.format("node")} FROM graph_nodes AS node WHERE node.node_id = ? AND node.tombstoned = 0
        UNION
        SELECT node.seq, {_PARENT.format("node")} FROM path
        JOIN graph_nodes AS node ON node.node_id = path.parent WHERE node.tombstoned = 0
    )
    SELECT {blobs("node.node_json")} FROM path CROSS JOIN graph_nodes AS node ON node.seq = path.seq
"""  # noqa: S608 - made of constants
"""From the leaf up. UNION keeps each row once, so a cycle of parents ends where it began."""


class SessionRead(NamedTuple):
    """A session, and how many of its nodes could not be read."""

    session: PersistedSessionRead | None
    """The session; None before the first commit."""
    unread: int
    """Rows in scope that are no nodes."""


def read_session(connection: sqlite3.Connection, path: str, scope: SessionReadScope) -> SessionRead:
    """Read a session.

    Args:
        connection: In a transaction, so that everything is of one moment.
        path: The file, for messages.
        scope: Which nodes.

    Raises:
        StoreError: `Backend`, when the head cannot be decoded.
    """
    head = read_head(connection, path)
    if head is None:
        return SessionRead(None, 0)
    graph, unread = _graph(connection, scope, head.leaf_node_id)
    session = PersistedSessionRead(
        session_id=head.session_id,
        head_revision=head.head_revision,
        config=head.config,
        agent_frames=head.agent_frames,
        current_agent_frame_id=head.current_agent_frame_id,
        graph=graph,
        checkpoint_ref=head.checkpoint_ref,
        checkpoint=load_checkpoint(connection, head.checkpoint_ref),
        token_ledger=merged_ledger(_usage(connection)),
    )
    return SessionRead(session, unread)


def read_meta(connection: sqlite3.Connection) -> SessionMeta | None:
    """Return the meta record; a relation that cannot be read is that of a session of its own."""
    row = connection.execute(_META).fetchone()
    if row is None:
        return None
    *values, cwd, relation = row
    return SessionMeta(**dict(zip(_NAMES, values, strict=True)), cwd=cwd, relation=_relation(relation))


def read_node(connection: sqlite3.Connection, node_id: str) -> SessionNodeRecord | None:
    """Return a node that is not hidden and can be read."""
    row = connection.execute(_NODE, (node_id,)).fetchone()
    return from_json_rows([row[0]], SessionNodeRecord)[0] if row else None


def _graph(connection: sqlite3.Connection, scope: SessionReadScope, leaf: str | None) -> tuple[SessionGraph, int]:
    rows: Iterable[tuple[bytes]]
    if isinstance(scope, ActivePath):
        leaf = leaf if scope.leaf_node_id is None else scope.leaf_node_id
        rows = reversed(connection.execute(_PATH, (leaf,)).fetchall())
    else:
        rows = connection.execute(_ALL)
    nodes, unread = _nodes(rows)
    return SessionGraph(nodes=nodes, leaf_node_id=leaf), unread


def _nodes(rows: Iterable[tuple[bytes]]) -> tuple[tuple[SessionNodeRecord, ...], int]:
    """Return what can be decoded, and how many rows cannot."""
    nodes: list[SessionNodeRecord] = []
    unread = 0
    raws = (raw for (raw,) in rows)
    while some := list(islice(raws, _AT_ONCE)):
        decoded = [node for node in from_json_rows(some, SessionNodeRecord) if node is not None]
        unread += len(some) - len(decoded)
        nodes += decoded
    return tuple(nodes), unread


def _usage(connection: sqlite3.Connection) -> Iterator[TokenLedgerEntry]:
    rows = connection.execute(_USAGE)
    for source, model, *counters in rows:
        usage = TokenUsage(**dict(zip(_COUNTERS, counters, strict=True)))
        yield TokenLedgerEntry(source=source, model=model, usage=usage)


def _relation(text: bytes) -> SessionRelation:
    try:
        relation: SessionRelation = from_json(text, SessionRelation)
    except WireError:
        return RootRelation()
    return relation
