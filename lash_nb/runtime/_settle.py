"""The steps from a state to a live session, in the reference's own order (lash 0.1.0-alpha.37, sessions §14.2)."""

from lash_nb.errors import PluginError, SessionError, ToolRegistryError
from lash_nb.plugins import PluginSession
from lash_nb.runtime._environment import RuntimeEnvironment
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.runtime._state_snapshots import discard_snapshots
from lash_nb.runtime._whole_store import refuse_partial_store
from lash_nb.stores import AttachmentStore, SessionScopedAttachmentStore, SessionStore
from lash_nb.wire import SessionPolicy

__all__ = ["bring_to_life", "settle"]


def settle(state: RuntimeSessionState, policy: SessionPolicy, environment: RuntimeEnvironment) -> None:
    """Give the state an id, a policy and a frame; what the frame says wins. Its graph was healed when it was read.

    Raises:
        SessionError: it names no model.
    """
    if not state.session_id.strip():
        state.session_id = environment.ids.uuid()
    if state.policy.is_unconfigured:
        state.policy = policy
    state.ensure_frame(environment.clock)
    if state.effective_policy().is_unconfigured:
        state.adopt_policy(state.policy)
    state.policy = state.effective_policy()
    state.protocol_turn_options = state.effective_protocol_turn_options()
    if not state.policy.model.id.strip():
        raise SessionError("Protocol", f"session {state.session_id} names no model; give the core one with .model(…)")


async def bring_to_life(
    state: RuntimeSessionState, plugins: PluginSession, store: SessionStore | None, environment: RuntimeEnvironment
) -> AttachmentStore:
    """Let protocol, tools and plugins go on from the state; return where the session keeps its attachments.

    The tool surface is made of the restored tools when a turn first asks for it.

    Raises:
        SessionError: its store is not a whole one, its tools or plugins cannot be restored, or the protocol refuses the session.
    """
    attachments = environment.attachment_store
    if store is not None:
        refuse_partial_store(store)
        attachments = SessionScopedAttachmentStore(attachments, store, state.session_id, environment.clock)
    try:
        await plugins.protocol_session.initialize_session(state.session_id)
        _restore(state, plugins)
        await plugins.protocol_session.restore_session(state.session_id)
    except SessionError:
        raise
    except Exception as error:
        raise SessionError("Protocol", f"the protocol refuses session {state.session_id}: {error}") from error
    discard_snapshots(state)
    return attachments


def _restore(state: RuntimeSessionState, plugins: PluginSession) -> None:
    try:
        if state.tool_state_snapshot is not None:
            plugins.registry.restore_state(state.tool_state_snapshot)
        if state.plugin_snapshot is not None:
            plugins.restore(state.plugin_snapshot)
    except (ToolRegistryError, PluginError) as error:
        raise SessionError("Protocol", error.message) from error
