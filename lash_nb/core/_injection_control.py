"""Words for the turn that runs (lash 0.1.0-alpha.37, facade §7)."""

from collections.abc import Iterable
from dataclasses import dataclass

from lash_nb.core._handle import SessionHandle
from lash_nb.wire import PluginMessage, QueuedWorkBatch

__all__ = ["InjectedTurnInput", "InjectionControl"]


@dataclass(frozen=True, slots=True)
class InjectedTurnInput:
    """A message for the running turn, and its id."""

    message: PluginMessage | str
    """What is told; a text is the user's."""
    id: str | None = None
    """While one of this id waits, it is not queued again."""


class InjectionControl:
    """What steers the running turn at its next checkpoint; when none runs, it waits for the next one."""

    def __init__(self, handle: SessionHandle) -> None:
        self._handle = handle

    async def inject_turn_input(self, message: PluginMessage | str, *, id: str | None = None) -> QueuedWorkBatch:
        """Queue a message for the running turn. It is told as the user's; while one of the same id waits, it is not queued again.

        The model reads it in this turn; the history does not keep it.

        Raises:
            LashRuntimeError: `store_commit_failed`, there is no store, or it refuses.
            CallerError: `session_closed`.
        """
        told = PluginMessage(role="User", content=message) if isinstance(message, str) else message
        batch = await self._handle.runtime.inject_turn_input(told, input_id=id)
        self._handle.queued(batch.batch_id, "queued_turn_input")
        return batch

    async def inject_turn_inputs(
        self, messages: Iterable[InjectedTurnInput | PluginMessage | str]
    ) -> tuple[QueuedWorkBatch, ...]:
        """Queue messages one after the other. Errors as in `inject_turn_input`."""
        inputs = [one if isinstance(one, InjectedTurnInput) else InjectedTurnInput(one) for one in messages]
        return tuple([await self.inject_turn_input(one.message, id=one.id) for one in inputs])
