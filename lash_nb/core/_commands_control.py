"""Commands that change a session as a whole (lash 0.1.0-alpha.37, facade §7)."""

from lash_nb.core._handle import SessionHandle
from lash_nb.runtime import SessionCommandReceipt
from lash_nb.wire import RefreshToolSurface, ResetSession, SessionCommand

__all__ = ["CommandsControl"]


class CommandsControl:
    """Commands to one session: queued, and obeyed before its next turn; without a store at once.

    While a command with the same idempotency key waits, another one is not queued; without a key every command is its own.
    """

    def __init__(self, handle: SessionHandle) -> None:
        self._handle = handle

    async def refresh_tool_surface(
        self, *, reason: str, expected_generation: int | None = None, idempotency_key: str | None = None
    ) -> SessionCommandReceipt:
        """Ask the tool sources again what they offer, if the tools are still of that generation.

        Raises:
            LashRuntimeError: `session_command_idempotency_key`, the key is blank; `store_commit_failed`. Without a store also
                `session_command_generation_mismatch` and `session_command_refresh_tools`; with one the turn that obeys raises them.
        """
        command = RefreshToolSurface(reason=reason, expected_generation=expected_generation)
        return await self._submit(command, idempotency_key)

    async def reset(self, *, reason: str, idempotency_key: str | None = None) -> SessionCommandReceipt:
        """Begin the session anew, with provider, model and prompt of now; what it used stays on the bill. Errors as above."""
        return await self._submit(ResetSession(reason=reason), idempotency_key)

    async def _submit(self, command: SessionCommand, given_key: str | None) -> SessionCommandReceipt:
        runtime = self._handle.runtime
        key = runtime.environment.ids.uuid() if given_key is None else given_key
        receipt = await runtime.submit_command(command, idempotency_key=key)
        if runtime.store is not None:
            self._handle.queued(receipt.batch_id, "session_command")
        return receipt
