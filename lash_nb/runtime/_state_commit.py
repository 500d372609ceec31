"""How a session's state becomes a commit, and what the store's answer changes in it (lash 0.1.0-alpha.37, sessions §7.4 and §8.5)."""

from lash_nb.errors import LashRuntimeError, StoreError
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.runtime._state_snapshots import discard_snapshots
from lash_nb.stores import SessionStore, attachment_references
from lash_nb.wire import (
    GraphCommitDelta,
    HydratedSessionCheckpoint,
    ModelSpec,
    Octets,
    PersistedSessionConfig,
    PersistedTurnState,
    QueuedWorkCompletion,
    RuntimeCommit,
    RuntimeCommitResult,
    TokenLedgerEntry,
)

__all__ = ["commit_to", "state_commit"]


def state_commit(
    state: RuntimeSessionState,
    *,
    usage_deltas: tuple[TokenLedgerEntry, ...] = (),
    completing: tuple[QueuedWorkCompletion, ...] = (),
    model: ModelSpec | None = None,
) -> RuntimeCommit:
    """Return the commit that makes the store say what the state says; unstamped.

    It names the attachments of the nodes that it brings, so that their intents become commitments with it.
    A turn names its own `model` until it is over, the session's else.
    """
    delta = _graph_delta(state)
    named = {ref.id: None for ref, _ in attachment_references(delta.nodes)}
    return RuntimeCommit(
        session_id=state.session_id,
        expected_head_revision=state.head_revision,
        config=PersistedSessionConfig(provider_id=state.policy.provider_id, model=model or state.policy.model),
        agent_frames=state.agent_frames,
        current_agent_frame_id=state.current_agent_frame_id,
        graph=delta,
        checkpoint=_checkpoint(state),
        usage_deltas=usage_deltas,
        completed_queue_claims=completing,
        committed_attachment_ids=tuple(named),
    )


def _graph_delta(state: RuntimeSessionState) -> GraphCommitDelta:
    """Return what is new, unless the store's graph is another one altogether: then not even the nodes are there that it was opened with."""
    graph = state.graph
    if state.graph_replace_required or (state.stored_revision is None and len(graph.pending()) < len(graph)):
        return graph.full()
    return graph.delta()


def _checkpoint(state: RuntimeSessionState) -> HydratedSessionCheckpoint:
    execution = state.execution_state_snapshot
    return HydratedSessionCheckpoint(
        turn_state=PersistedTurnState(
            turn_index=state.turn_index,
            token_usage=state.token_usage,
            last_prompt_usage=state.last_prompt_usage,
            protocol_turn_options=state.protocol_turn_options,
        ),
        tool_state_ref=state.tool_state_ref,
        tool_state=state.tool_state_snapshot,
        plugin_snapshot_ref=state.plugin_snapshot_ref,
        plugin_snapshot=state.plugin_snapshot,
        plugin_snapshot_revision=state.plugin_snapshot_revision,
        execution_state_ref=state.execution_state_ref,
        execution_state=None if execution is None else Octets(execution),
    )


async def commit_to(store: SessionStore, state: RuntimeSessionState, commit: RuntimeCommit) -> bool:
    """Commit, and let the state stand on the revision that this made.

    Return whether it made one: of a turn that was committed before there is only the result, and the state stands where it stood.

    Raises:
        LashRuntimeError: `store_commit_failed`; its cause is the store's own error.
    """
    try:
        result = await store.commit_runtime_state(commit, begins=_begins(state, commit))
    except StoreError as error:
        raise LashRuntimeError("store_commit_failed", error.message) from error
    if commit.turn_commit is not None and result.head_revision <= (state.stored_revision or 0):
        return False
    _stand_on(state, result)
    return True


def _begins(state: RuntimeSessionState, commit: RuntimeCommit) -> bool:
    """Tell whether this is the first commit of a session that is new, as far as the state knows."""
    return state.stored_revision is None and commit.graph.ReplaceFull is None


def _stand_on(state: RuntimeSessionState, result: RuntimeCommitResult) -> None:
    manifest = result.manifest
    state.head_revision = state.stored_revision = result.head_revision
    state.checkpoint_ref = result.checkpoint_ref
    state.tool_state_ref = manifest.tool_state_ref
    state.plugin_snapshot_ref = manifest.plugin_snapshot_ref
    state.plugin_snapshot_revision = manifest.plugin_snapshot_revision
    state.execution_state_ref = manifest.execution_state_ref
    state.graph_replace_required = False
    discard_snapshots(state)
    state.graph.mark_committed()
    frame = state.current_frame
    if frame is not None and frame.execution_state_ref != manifest.execution_state_ref:
        state.change_frame(execution_state_ref=manifest.execution_state_ref)
