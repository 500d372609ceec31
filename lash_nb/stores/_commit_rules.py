"""What every session store checks before it commits, and what a commit makes of the head (lash 0.1.0-alpha.37, sessions §8.4)."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from lash_nb.errors import StoreError
from lash_nb.wire import (
    BlobRef,
    GraphCommitDelta,
    RuntimeCommit,
    RuntimeCommitResult,
    RuntimeTurnCommitStamp,
    SessionHeadMeta,
    SessionNodeRecord,
)

__all__ = [
    "check_stands_at",
    "checked_revision",
    "new_nodes",
    "next_head",
    "node_is_stored",
    "repeated_result",
]

_FindTurn: TypeAlias = Callable[[RuntimeTurnCommitStamp], tuple[str, RuntimeCommitResult] | None]


def repeated_result(
    commit: RuntimeCommit, head: SessionHeadMeta | None, find_turn: _FindTurn
) -> RuntimeCommitResult | None:
    """Return the result of the same final commit when it was made before; None when it is new.

    Args:
        commit: What is to be committed.
        head: Where the session stands.
        find_turn: Returns hash and result under which a turn was committed.

    Raises:
        StoreError: `SessionBindingMismatch` or `RuntimeTurnCommitConflict`.
    """
    if head is not None and head.session_id != commit.session_id:
        raise StoreError(
            "SessionBindingMismatch",
            f"this store holds session {head.session_id}, the commit is of {commit.session_id};"
            " give each session a store of its own",
            bound_session_id=head.session_id,
            attempted_session_id=commit.session_id,
        )
    stamp = commit.turn_commit
    if stamp is None:
        return None
    if stamp.session_id != commit.session_id:
        raise _turn_conflict(stamp, f"the commit is of session {commit.session_id}; stamp it with its own session")
    digest, result = find_turn(stamp) or (stamp.turn_commit_hash, None)
    if digest != stamp.turn_commit_hash:
        raise _turn_conflict(stamp, "it is committed already with other content; run new work under a new turn id")
    return result


def checked_revision(commit: RuntimeCommit, head: SessionHeadMeta | None, *, begins: bool) -> int:
    """Return the revision that the commit leads to.

    Raises:
        StoreError: `HeadRevisionConflict`, when the commit expects another one than there is, or begins a session that has begun.
    """
    if begins and head is not None:
        raise StoreError(
            "HeadRevisionConflict",
            f"session {commit.session_id} was new when it was opened, and stands at revision {head.head_revision} by now;"
            " run the turn again to go on from there",
            expected=0,
            actual=head.head_revision,
        )
    return check_stands_at(commit.expected_head_revision, head, "the commit", "run the turn again") + 1


def check_stands_at(expected: int | None, head: SessionHeadMeta | None, who: str, then: str) -> int:
    """Return the revision at which the session stands.

    Args:
        expected: Where somebody saw it; None says nothing of that.
        head: Where it stands.
        who: Who expects it, for the message.
        then: What to do next, for the message.

    Raises:
        StoreError: `HeadRevisionConflict`, when it stands at another one than is expected.
    """
    actual = head.head_revision if head else 0
    if expected is not None and expected != actual:
        raise StoreError(
            "HeadRevisionConflict",
            f"the session stands at revision {actual}, {who} expects {expected}; load the session and {then}",
            expected=expected,
            actual=actual,
        )
    return actual


def new_nodes(
    delta: GraphCommitDelta, is_stored: Callable[[SessionNodeRecord], bool], is_live: Callable[[str], bool]
) -> dict[str, SessionNodeRecord]:
    """Return the nodes that a commit adds, by their ids; a node that is stored just so is not stored again.

    Args:
        delta: What the commit does to the graph.
        is_stored: Tells whether a node is stored; raises `node_is_stored` when there is another one of its id.
        is_live: Tells whether a node of that id is stored and not hidden.

    Raises:
        StoreError: `Backend`, when another node of that id is stored, the commit brings two, or a node would hang on one that is gone.
    """
    fresh: dict[str, SessionNodeRecord] = {}
    is_all = delta.ReplaceFull is not None
    for node in delta.nodes:
        if node.node_id in fresh:
            raise node_is_stored(node.node_id)
        if is_all or not is_stored(node):
            fresh[node.node_id] = node
    if not is_all:
        _check_parents(fresh, is_live)
    return fresh


def _check_parents(fresh: Mapping[str, SessionNodeRecord], is_live: Callable[[str], bool]) -> None:
    for node in fresh.values():
        parent = node.parent_node_id
        if parent is not None and parent not in fresh and not is_live(parent):
            raise StoreError(
                "Backend",
                f"node {node.node_id} hangs on {parent}, which is not stored any more; load the session and run the turn again",
                node_id=node.node_id,
                parent_node_id=parent,
            )


def node_is_stored(node_id: str) -> StoreError:
    """Return the error for a node whose id another one has, hidden or not."""
    return StoreError(
        "Backend", f"another node {node_id} is stored already; append each node once, under its own id", node_id=node_id
    )


def next_head(
    commit: RuntimeCommit, *, revision: int, checkpoint_ref: BlobRef, graph_node_count: int
) -> SessionHeadMeta:
    """Return where the session stands after a commit."""
    return SessionHeadMeta(
        session_id=commit.session_id,
        head_revision=revision,
        config=commit.config,
        agent_frames=commit.agent_frames,
        current_agent_frame_id=commit.current_agent_frame_id,
        checkpoint_ref=checkpoint_ref,
        leaf_node_id=commit.graph.leaf_node_id,
        graph_node_count=graph_node_count,
    )


def _turn_conflict(stamp: RuntimeTurnCommitStamp, reason: str) -> StoreError:
    return StoreError(
        "RuntimeTurnCommitConflict",
        f"turn {stamp.turn_id} of session {stamp.session_id} cannot be committed: {reason}",
        session_id=stamp.session_id,
        turn_id=stamp.turn_id,
    )
