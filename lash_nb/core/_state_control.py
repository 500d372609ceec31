"""What a session is, as a value: taken out, put in, moved, added to (lash 0.1.0-alpha.37, facade §7)."""

from collections.abc import Iterable, Sequence

from lash_nb.core._session_state import SessionStateService
from lash_nb.core._turn_builder import checked_input
from lash_nb.errors import CallerError, SessionError
from lash_nb.plugins import ManualRewrite, RewriteTrigger
from lash_nb.runtime import LashRuntime, OrphanVacuum, PromptPreview, RuntimeSessionState, preview_prompt
from lash_nb.wire import (
    AppendMessage,
    AppendPlugin,
    AppendSessionNodesRequest,
    AppendSessionNodesResult,
    Json,
    PluginMessage,
    SessionAppendNode,
    SessionNodeRecord,
    SessionSnapshot,
    TurnInput,
)

__all__ = ["StateControl"]


class StateControl:
    """The state of one session."""

    def __init__(self, runtime: LashRuntime) -> None:
        self._runtime = runtime

    def export(self) -> SessionSnapshot:
        """Return the public state: graph and counters, without frames, stored references and ledger."""
        return self._runtime.read_view().to_snapshot()

    async def preview_prompt(
        self, turn_input: TurnInput | str | None = None, *, ask_hooks: bool = False
    ) -> PromptPreview:
        """Return what the model would get at the next call, piece by piece, with `turn_input` or else with what waits in the queue.

        No model is asked. Hooks and transforms of turns, which may do anything, are asked only with `ask_hooks`; `unasked` names them.

        Raises:
            PluginError: a plugin could not tell what it adds to the prompt, or a hook failed.
        """
        given = None if turn_input is None else checked_input(turn_input)
        return await preview_prompt(self._runtime, given, ask_hooks=ask_hooks)

    async def persist_current(self) -> RuntimeSessionState:
        """Return a copy of the whole state, with the state of tools and plugins, after the turn that runs; despite its name nothing is committed."""
        return await self._runtime.settled_state()

    async def set_persisted(self, state: RuntimeSessionState) -> None:
        """Replace the session's state by a copy of this one; where the store has moved on since, the next turn goes on from the store.

        Raises:
            CallerError: `session_state`, it is no whole state.
            SessionError: the state names tools that nobody offers, or a plugin cannot take its state.
        """
        if not isinstance(state, RuntimeSessionState):
            raise CallerError(
                f"set_persisted() takes the whole state that `await session.control.state.persist_current()` gave, not a {type(state).__name__}",
                code="session_state",
            )
        await self._runtime.set_persisted_state(state)

    async def branch_to_node(self, node_id: str | None) -> SessionSnapshot:
        """Stand at this node, after the turn that runs: the next turn grows there, beside what followed. Return the session as it is then.

        None stands before the first node; an unknown node means the last message that was stored. With a store it is committed at once.

        Raises:
            LashRuntimeError: `store_commit_failed`, and the session stands where it stood; `session_head_refresh`.
        """
        return await self._runtime.branch_to_node(node_id, commit=True)

    async def append_messages(self, messages: Iterable[PluginMessage]) -> AppendSessionNodesResult:
        """Append messages at the leaf and commit them; without messages, too.

        Raises:
            LashRuntimeError: `store_commit_failed`, and nothing was appended.
        """
        return await self._append([AppendMessage(message=message) for message in messages])

    async def append_plugin_body(self, plugin_type: str, body: Json) -> AppendSessionNodesResult:
        """Append a plugin's own object at the leaf and commit it. Errors as in `append_messages`."""
        return await self._append([AppendPlugin(plugin_type=plugin_type, body=body)])

    async def _append(self, nodes: Sequence[SessionAppendNode]) -> AppendSessionNodesResult:
        return await self._runtime.append_session_nodes(AppendSessionNodesRequest(nodes=tuple(nodes)))

    async def rewrite_history(self, trigger: RewriteTrigger | None = None) -> bool:
        """Let the plugins rewrite the history for good, by default because it was asked for; return whether they changed anything.

        Raises:
            PluginError: a rewriter failed, and the history is what it was.
            LashRuntimeError: `store_commit_failed`, as above.
        """
        return await self._runtime.rewrite_history(trigger or ManualRewrite())

    def session_state_service(self) -> SessionStateService:
        """Return what reads and changes the session by its id, for those who are handed an id."""
        return SessionStateService(self._runtime)

    async def snapshot_execution(self) -> bytes:
        """Return the state of the session's programs.

        Raises:
            SessionError: `CodeExecutionUnavailable`, the session runs none.
        """
        raise self._without_programs()

    async def restore_execution(self, snapshot: bytes) -> None:  # noqa: ARG002 - as the reference asks
        """Put the state of the session's programs back. Errors as in `snapshot_execution`."""
        raise self._without_programs()

    def _without_programs(self) -> SessionError:
        return SessionError(
            "CodeExecutionUnavailable",
            f"session {self._runtime.session_id} runs no programs, so they have no state; its tools keep what they need themselves",
        )

    async def get_historic_node(self, node_id: str) -> SessionNodeRecord | None:
        """Return a node, in memory or in the store; None when there is none.

        Raises:
            SessionError: the node is not in memory and there is no store, or it cannot be read.
        """
        return await self._runtime.get_historic_node(node_id)

    async def orphaned_node_ids(self) -> Sequence[str]:
        """Return the stored nodes that are on no way to the stored leaf, in the order in which they were stored.

        Raises:
            SessionError: there is no store, or it cannot be read.
        """
        return await self._runtime.orphaned_node_ids()

    async def vacuum_orphans(self, *, dry_run: bool = False) -> OrphanVacuum:
        """Delete the nodes that are on no way to the leaf, other branches too; with `dry_run`, only say which.

        Raises:
            SessionError: there is no store, or it cannot be read or written.
            LashRuntimeError: `store_commit_failed`, and nothing was deleted.
        """
        return await self._runtime.vacuum_orphans(dry_run=dry_run)
