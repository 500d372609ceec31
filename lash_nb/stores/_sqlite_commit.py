"""How a commit is written into a session database (lash 0.1.0-alpha.37, sessions §8.4 and §11.3)."""

import sqlite3
from typing import Final, NamedTuple

from lash_nb.errors import WireError
from lash_nb.stores._commit_rules import (
    checked_revision,
    new_nodes,
    next_head,
    node_is_stored,
    repeated_result,
)
from lash_nb.stores._sqlite_blobs import BlobProfile, store_checkpoint
from lash_nb.stores._sqlite_head import HeadRow, undecodable
from lash_nb.stores._sqlite_manifest import stamp_attachments
from lash_nb.stores._sqlite_queue_rows import check_completions, remove_completed
from lash_nb.stores._sqlite_schema import blobs, select, texts
from lash_nb.wire import (
    GraphCommitDelta,
    RuntimeCommit,
    RuntimeCommitResult,
    RuntimeTurnCommitStamp,
    SessionHeadMeta,
    SessionNodeRecord,
    TokenLedgerEntry,
    from_json,
    to_json,
)

__all__ = ["CommitWriter"]

_TURN: Final = select(
    texts("turn_commit_hash"), blobs("result_json"), source="runtime_turn_commits WHERE session_id = ? AND turn_id = ?"
)
_NODE: Final = select(blobs("node_json"), "tombstoned", source="graph_nodes WHERE node_id = ?")


class CommitWriter(NamedTuple):
    """Writes one commit within a transaction; what it raises undoes everything."""

    connection: sqlite3.Connection
    """In a transaction that has the right to write."""
    path: str
    """The file, for messages."""
    head_row: HeadRow
    """Where the session stands."""
    now: int
    """The time, epoch milliseconds."""
    profile: BlobProfile
    """Which blobs are compressed."""

    def repeated(self, commit: RuntimeCommit, head: SessionHeadMeta | None) -> RuntimeCommitResult | None:
        """Return the result of the same final commit when it was made before."""
        return repeated_result(commit, head, self._find_turn)

    def write(
        self, commit: RuntimeCommit, head: SessionHeadMeta | None, live_nodes: int, *, begins: bool
    ) -> tuple[RuntimeCommitResult, int]:
        """Write a commit that was not made before; return its result, and how many nodes are not hidden now.

        Args:
            commit: The commit.
            head: Where the session stands.
            live_nodes: How many nodes were not hidden; 0 when the commit replaces all.
            begins: Whether the session has to be new.
        """
        revision = checked_revision(commit, head, begins=begins)
        check_completions(self.connection, commit)
        checkpoint_ref, manifest = store_checkpoint(self.connection, commit.checkpoint, self.profile)
        self._charge(commit.usage_deltas)
        live_nodes += self._store_nodes(commit.graph)
        head = next_head(commit, revision=revision, checkpoint_ref=checkpoint_ref, graph_node_count=live_nodes)
        self.head_row.write(self.connection, head)
        remove_completed(self.connection, commit)
        stamp_attachments(self.connection, commit.session_id, commit.committed_attachment_ids, self.now)
        result = RuntimeCommitResult(head_revision=revision, checkpoint_ref=checkpoint_ref, manifest=manifest)
        if commit.turn_commit is not None:
            self._stamp(commit.turn_commit, result)
        return result, live_nodes

    def _find_turn(self, stamp: RuntimeTurnCommitStamp) -> tuple[str, RuntimeCommitResult] | None:
        row = self.connection.execute(_TURN, (stamp.session_id, stamp.turn_id)).fetchone()
        if row is None:
            return None
        try:
            return row[0], from_json(row[1], RuntimeCommitResult)
        except WireError as error:
            raise undecodable(self.path, f"the result of turn {stamp.turn_id}", error) from error

    def _stamp(self, stamp: RuntimeTurnCommitStamp, result: RuntimeCommitResult) -> None:
        self.connection.execute(
            "INSERT INTO runtime_turn_commits (session_id, turn_id, turn_commit_hash, result_json, committed_at_ms)"
            " VALUES (?, ?, ?, ?, ?)",
            (stamp.session_id, stamp.turn_id, stamp.turn_commit_hash, to_json(result).decode(), self.now),
        )

    def _charge(self, deltas: tuple[TokenLedgerEntry, ...]) -> None:
        if not deltas:
            return
        self.connection.executemany(
            "INSERT INTO usage_deltas (source, model, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    row.source,
                    row.model,
                    row.usage.input_tokens,
                    row.usage.output_tokens,
                    row.usage.cached_input_tokens,
                    row.usage.reasoning_tokens,
                )
                for row in deltas
            ],
        )

    def _store_nodes(self, delta: GraphCommitDelta) -> int:
        if delta.ReplaceFull:
            self.connection.execute("DELETE FROM graph_nodes")
        added = new_nodes(delta, self._is_stored, self._is_live)
        rows = [(node_id, to_json(node).decode()) for node_id, node in added.items()]
        self.connection.executemany("INSERT INTO graph_nodes (node_id, node_json) VALUES (?, ?)", rows)
        return len(added)

    def _is_live(self, node_id: str) -> bool:
        found = self.connection.execute("SELECT 1 FROM graph_nodes WHERE node_id = ? AND tombstoned = 0", (node_id,))
        return found.fetchone() is not None

    def _is_stored(self, node: SessionNodeRecord) -> bool:
        row = self.connection.execute(_NODE, (node.node_id,)).fetchone()
        if row is not None and (row[1] or row[0] != to_json(node)):
            raise node_is_stored(node.node_id)
        return row is not None
