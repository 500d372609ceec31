"""Calls that a running tool makes of other tools (lash 0.1.0-alpha.37, turns §9 and §12.4)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from lash_nb.machine import PendingToolCall
from lash_nb.wire import CompletedToolCall

__all__ = ["ChildCalls"]


class ChildCalls:
    """The `dispatch` of a tool's context: its calls are checked and repeated as any other, but are no effects of the turn.

    Args:
        run: Prepares and runs one call.
        is_serial: Whether the tool of that name wants to run alone.
    """

    def __init__(
        self, run: Callable[[PendingToolCall], Awaitable[CompletedToolCall]], is_serial: Callable[[str], bool]
    ) -> None:
        self._run = run
        self._is_serial = is_serial

    async def batch(self, calls: Sequence[PendingToolCall]) -> tuple[CompletedToolCall, ...]:
        """Run calls, those of parallel tools side by side and then the others one by one; the results are in the order of the calls."""
        serial = [call for call in calls if self._is_serial(call.tool_name)]
        together = [call for call in calls if not self._is_serial(call.tool_name)]
        done = dict(zip(map(id, together), await asyncio.gather(*map(self._run, together)), strict=True))
        for call in serial:
            done[id(call)] = await self._run(call)
        return tuple(done[id(call)] for call in calls)
