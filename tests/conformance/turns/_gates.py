"""Gates: how a scenario acts in the middle of a turn. Waiters are served first come, first served."""

import asyncio
from collections import defaultdict

__all__ = ["Gates"]


class _Gate:
    """Two counters: who came to the gate, and how many may pass."""

    def __init__(self) -> None:
        self.entered = asyncio.Semaphore(0)
        self.released = asyncio.Semaphore(0)


class Gates:
    """All gates of a scenario, by name; a gate exists from its first mention on."""

    def __init__(self) -> None:
        self._gates: defaultdict[str, _Gate] = defaultdict(_Gate)

    async def passing(self, name: str) -> None:
        """Count as entered, then wait for a release."""
        self.enter(name)
        await self._gates[name].released.acquire()

    def enter(self, name: str) -> None:
        """Count as entered without waiting."""
        self._gates[name].entered.release()

    async def wait(self, name: str) -> None:
        """Wait until somebody entered, and count one off."""
        await self._gates[name].entered.acquire()

    def release(self, name: str, times: int = 1) -> None:
        """Let `times` waiters pass, now or later."""
        for _ in range(times):
            self._gates[name].released.release()
