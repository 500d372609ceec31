"""Commands that change a session as a whole, in the order of its queue (lash 0.1.0-alpha.37, turns §8.4, sessions §13.5, facade §7)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lash_nb.errors import LashError, LashRuntimeError
from lash_nb.runtime._queue_claims import TurnClaims
from lash_nb.runtime._queue_ops import QueueOps
from lash_nb.runtime._session_ops import SessionOps
from lash_nb.runtime._state import RuntimeSessionState
from lash_nb.wire import (
    QueuedWorkBatchDraft,
    QueuedWorkClaim,
    QueuedWorkCompletion,
    RefreshToolSurface,
    ResetSession,
    SessionCommand,
    SessionCommandPayload,
)

__all__ = ["CommandOps", "SessionCommandReceipt"]

Completions = tuple[QueuedWorkCompletion, ...]
_HOPELESS: Final = "session_command_generation_mismatch"
"""The failure that the same command meets again whenever it is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCommandReceipt:
    """Where a command waits."""

    session_id: str
    """The session."""
    batch_id: str
    """Its batch in the queue; `inline-command:…` when there is no store and it was obeyed at once."""
    source_key: str
    """While a command with this key waits, it is not queued again."""


class CommandOps(QueueOps, SessionOps):
    """Commands wait in the queue, and are obeyed before the next turn."""

    async def submit_command(self, command: SessionCommand, *, idempotency_key: str) -> SessionCommandReceipt:
        """Queue a command; without a store obey it, after the turn that runs.

        Raises:
            LashRuntimeError: `session_command_idempotency_key`, the key is blank; `store_commit_failed`; without a store, what obeying raises.
        """
        kind = type(command).__struct_config__.tag
        source_key = f"command:{kind}:{idempotency_key}"
        if not idempotency_key.strip():
            raise LashRuntimeError(
                "session_command_idempotency_key",
                "the idempotency key of a session command is blank; give one that is the command's own",
            )
        if self.store is None:
            async with self._exclusive():
                await _OBEY[type(command)](self, command, ())
                self._publish()
            batch_id = f"inline-command:{self.environment.ids.uuid()}"
        else:
            batch_id = (await self._enqueue(self._draft(command, source_key))).batch_id
        return SessionCommandReceipt(session_id=self.session_id, batch_id=batch_id, source_key=source_key)

    def _draft(self, command: SessionCommand, source_key: str) -> QueuedWorkBatchDraft:
        return QueuedWorkBatchDraft(
            session_id=self.session_id,
            source_key=source_key,
            delivery_policy="after_current_turn_commit",
            slot_policy="exclusive",
            payloads=(SessionCommandPayload(command=command),),
        )

    async def _drain_commands(self, owner: str) -> None:
        """Obey the commands at the head of the queue."""
        while await self._drain_command(owner, unless_held=False):
            pass

    async def _drain_command(self, owner: str, *, unless_held: bool) -> bool:
        """Obey the command at the head of the queue, if wanted only while nobody holds any work; tell whether there was one.

        Raises:
            LashRuntimeError: `session_command_generation_mismatch`, and the command is out of the queue; `session_command_refresh_tools`,
                `protocol_restore_session`, `store_commit_failed`, and it stays there.
        """
        async with TurnClaims(self.store, self.session_id, self.environment.queue_lease_ms) as claims:
            claim = await self._claim_idle(claims, owner, max_batches=1, unless_held=unless_held)
            if claim is None:
                return False
            command = _command(claim)
            if command is None:
                await claims.give_back(claim)
                return False
            claims.hold(claim)
            await self._refresh()  # until now another process may have gone on with the session
            try:
                await _OBEY[type(command)](self, command, claims.completions)
            except LashRuntimeError as error:
                if error.code == _HOPELESS:
                    await claims.drop()
                raise
            claims.completed()
        self._publish()
        return True

    async def _refresh_tool_surface(self, command: RefreshToolSurface, completing: Completions) -> None:
        registry, wanted = self.plugins.registry, command.expected_generation
        if wanted is not None and wanted != registry.generation:
            raise LashRuntimeError(
                _HOPELESS,
                f"the tools are of generation {registry.generation}, the command was meant for {wanted}; look at them and give it anew",
            )
        try:
            registry.refresh_sources()
        except LashError as error:
            raise LashRuntimeError(
                "session_command_refresh_tools", f"the tools are what they were: {error.message}"
            ) from error
        with self._whole_or_not():
            await self._commit(completing)

    async def _reset_session(self, _: ResetSession, completing: Completions) -> None:
        """Begin anew with provider, model, prompt and limits of now, and with all that was ever used on the bill."""
        before = self.state
        fresh = RuntimeSessionState.fresh(before.session_id, before.effective_policy(), self.environment.clock)
        fresh.head_revision = fresh.stored_revision = before.stored_revision
        fresh.token_ledger = before.token_ledger
        fresh.graph_replace_required = self.store is not None
        self.state = fresh
        try:
            await self._commit(completing)
        except BaseException:
            self.state = before
            self._stale = self.store is not None
            raise
        await self._restore_protocol()


_OBEY: Final[Mapping[type, Callable[[CommandOps, Any, Completions], Awaitable[None]]]] = {
    RefreshToolSurface: CommandOps._refresh_tool_surface,  # noqa: SLF001 - the table of this module's own class
    ResetSession: CommandOps._reset_session,  # noqa: SLF001 - as above
}
"""How each command is obeyed; its commit completes what it is given."""


def _command(claim: QueuedWorkClaim) -> SessionCommand | None:
    """Return the command of a claim that is one exclusive command, and nothing else."""
    batch = claim.batches[0]
    payload = batch.items[0].payload if len(batch.items) == 1 else None
    return payload.command if batch.slot_policy == "exclusive" and isinstance(payload, SessionCommandPayload) else None
