"""The commits of a turn: when they happen, what they stamp, and what happens without a store (lash 0.1.0-alpha.37, turns §6, sessions §13)."""

import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from lash_nb.errors import LashRuntimeError, StoreError
from lash_nb.machine import Progress
from lash_nb.plugins import PluginSession
from lash_nb.runtime._context import TurnContext
from lash_nb.runtime._ledger import merged
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.runtime._state_commit import commit_to, state_commit
from lash_nb.runtime._state_snapshots import discard_snapshots, refresh_snapshots
from lash_nb.runtime._turn_again import Run
from lash_nb.stores import SessionStore
from lash_nb.wire import (
    Message,
    Part,
    PromptUsage,
    ProtocolStep,
    QueuedWorkCompletion,
    RuntimeCommit,
    RuntimeTurnCommitStamp,
    SessionEventRecord,
    TokenLedgerEntry,
    TokenUsage,
    TurnOutcome,
    turn_commit_hash,
)

__all__ = ["TurnCommits"]

_LOG = logging.getLogger(__name__)


class TurnCommits:
    """Keeps what a turn reaches: in the session's state, and in its store if it has one.

    Args:
        state: The session.
        store: Its store.
        plugins: Its plugins.
        turn: The turn.
        run: Which run of the turn it is: only the first one commits on its way.
    """

    def __init__(
        self,
        state: RuntimeSessionState,
        store: SessionStore | None,
        plugins: PluginSession,
        turn: TurnContext,
        run: Run = "first",
    ) -> None:
        self._state = state
        self._store = store
        self._plugins = plugins
        self._turn = turn
        self._run = run
        self._safety = state.graph.safety.fork()
        self._seen = len(state.graph.messages)
        self.usage = TokenUsage.zero()

    def note_usage(self, cumulative: TokenUsage, prompt: PromptUsage | None) -> None:
        """Remember the turn's counters; they are part of the next commit."""
        self.usage = cumulative
        self._state.token_usage = cumulative
        self._state.last_prompt_usage = prompt

    async def prepared(self) -> None:
        """Commit the user's message, before the first model call.

        Raises:
            LashRuntimeError: `store_commit_failed`.
        """
        if self._store is None or self._run != "first" or not self._state.graph.safety.is_safe:
            return
        await commit_to(self._store, self._state, self._commit_within())

    async def progress(self, progress: Progress) -> None:
        """Commit what there is, if a turn could go on from it; a store that refuses does not stop the turn."""
        self._safety.feed(progress.messages[self._seen :])
        self._seen = len(progress.messages)
        if not self._safety.is_safe:
            return
        self._append_protocol_events(progress.event_delta)
        self._state.graph.project(progress.messages)
        self._rebase()
        if self._store is None or self._run != "first":
            return
        try:
            await commit_to(self._store, self._state, self._commit_within())
        except LashRuntimeError as error:
            _LOG.warning("progress of turn %s was not stored: %s", self._turn.turn_id, error)
            return
        self._trace_protocol_steps(progress)

    def _rebase(self) -> None:
        """Go on from the graph's own bookkeeping, which holds these messages now."""
        self._safety = self._state.graph.safety.fork()

    def _append_protocol_events(self, records: tuple[SessionEventRecord, ...]) -> None:
        for record in records:
            if record.Protocol is not None:
                self._state.graph.append_protocol_event(record.Protocol, f"protocol:{self._turn.ids.hex()}")

    def _trace_protocol_steps(self, progress: Progress) -> None:
        context = self._turn.trace_context(progress.protocol_iteration)
        for record in progress.event_delta:
            if record.Protocol is not None:
                step = ProtocolStep(plugin_id=record.Protocol.plugin_id, payload=record.Protocol.payload)
                self._turn.trace.emit(step, context)

    async def final(self, outcome: TurnOutcome) -> bool:
        """Commit the whole turn, stamped, with its answer and its usage, and complete the queued work that it took.

        Return whether that was done now; otherwise an earlier run of the turn did it, and what this one has is to be taken back.

        Raises:
            LashRuntimeError: `store_commit_failed`.
        """
        self._append_answer(outcome)
        with self._turn.pending_usage.taken() as beside:
            if self._run == "finished":
                return False
            own = TokenLedgerEntry(source="turn", model=self._turn.model.id, usage=self.usage)
            return await self._commit_whole(merged(beside, (own,) if own.usage.counts else ()))

    async def _commit_whole(self, deltas: tuple[TokenLedgerEntry, ...]) -> bool:
        self._state.token_ledger = merged(self._state.token_ledger, deltas)
        if self._store is None:
            refresh_snapshots(self._state, self._plugins)
            discard_snapshots(self._state)
            self._state.graph.mark_committed()
            return True
        commit = self._state_commit(deltas, completing=self._turn.claims.completions)
        stamp = RuntimeTurnCommitStamp(
            session_id=self._state.session_id, turn_id=self._turn.turn_id, turn_commit_hash=turn_commit_hash(commit)
        )
        try:
            is_new = await commit_to(self._store, self._state, msgspec.structs.replace(commit, turn_commit=stamp))
        except LashRuntimeError as error:
            if self._run == "first" or not _was_committed(error):
                raise
            return False
        if is_new:
            self._turn.claims.completed()
        return is_new

    def project_final(self, messages: Sequence[Message], events: tuple[SessionEventRecord, ...]) -> None:
        """Take the turn's last messages and protocol notes into the graph."""
        self._append_protocol_events(events)
        if messages:
            self._state.graph.project(messages)

    def _append_answer(self, outcome: TurnOutcome) -> None:
        """The answer becomes a message only now, unless the last message says just that."""
        finish = outcome.finished.assistant_message if outcome.finished else None
        if finish is None or _says(self._state.graph.messages, finish.text):
            return
        message_id = f"m{self._turn.ids.hex()}"
        part = Part(id=f"{message_id}.p0", kind="Prose", content=finish.text, prune_state="Intact")
        self._state.graph.append_message(Message(id=message_id, role="Assistant", parts=(part,)))

    def _state_commit(
        self, deltas: tuple[TokenLedgerEntry, ...] = (), completing: tuple[QueuedWorkCompletion, ...] = ()
    ) -> RuntimeCommit:
        refresh_snapshots(self._state, self._plugins)
        return state_commit(self._state, usage_deltas=deltas, completing=completing)

    def _commit_within(self) -> RuntimeCommit:
        """A commit of the running turn; it names the turn's model."""
        refresh_snapshots(self._state, self._plugins)
        return state_commit(self._state, model=self._turn.model)


def _was_committed(error: LashRuntimeError) -> bool:
    """Tell whether a store refused a turn because an earlier run of it, which committed piece by piece, came to its end."""
    return isinstance(error.__cause__, StoreError) and error.__cause__.variant == "RuntimeTurnCommitConflict"


def _says(messages: Sequence[Message], text: str) -> bool:
    if not messages or messages[-1].role != "Assistant":
        return False
    return "".join([p.content for p in messages[-1].parts if p.kind in _SHOWN]) == text


_SHOWN: Final = frozenset({"Prose", "Text", "Image", "ToolResult"})
"""Parts of the last message that say what the answer says."""
