"""How much is asked of a provider at once and in a while (lash 0.1.0-alpha.37, turns §15.2)."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Final

from lash_nb.clock import NS_PER_MS, Clock
from lash_nb.providers._options import RateLimits
from lash_nb.wire import LlmRequest, to_json

__all__ = ["RateGate", "estimated_tokens"]

_MINUTE_MS: Final = 60_000
_NS: Final = 1_000_000_000
_CHARACTERS_PER_TOKEN: Final = 4
_CHARACTERS_PER_IMAGE: Final = 256


class RateGate:
    """Lets a call pass when the limits allow it; calls pass in the order in which they came.

    A window slides: what counts is what passed within the last window. A call that alone is more than a window allows passes when the
    window is empty.
    """

    def __init__(self, limits: RateLimits) -> None:
        self._running = asyncio.Semaphore(limits.max_concurrency) if limits.max_concurrency else nullcontext()
        self._order = asyncio.Lock()
        self._requests = _window(limits.requests_per_window, limits.request_window_ms)
        self._tokens = _window(limits.tokens_per_window, limits.token_window_ms)

    @classmethod
    def of(cls, limits: RateLimits) -> "RateGate | None":
        """Return the gate of these limits; None when there are none, so that every call may pass at once."""
        is_any = limits.max_concurrency or limits.requests_per_window or limits.tokens_per_window
        return cls(limits) if is_any else None

    @asynccontextmanager
    async def passing(self, request: LlmRequest, clock: Clock) -> AsyncIterator[None]:
        """Wait for a place, and hold it for the length of the block."""
        async with self._running:
            if self._requests or self._tokens:
                async with self._order:
                    if self._requests:
                        await self._requests.enter(1, clock)
                    if self._tokens:
                        await self._tokens.enter(estimated_tokens(request), clock)
            yield


class _Window:
    """What passed within the last so many nanoseconds."""

    def __init__(self, most: int, length_ns: int) -> None:
        self._most = most
        self._length = length_ns
        self._passed: deque[tuple[int, int]] = deque()
        self._sum = 0

    async def enter(self, amount: int, clock: Clock) -> None:
        """Wait until `amount` fits, and count it."""
        while self._left(clock.monotonic_ns()) < amount and self._passed:
            await clock.sleep((self._passed[0][0] + self._length - clock.monotonic_ns()) / _NS)
        self._passed.append((clock.monotonic_ns(), amount))
        self._sum += amount

    def _left(self, now: int) -> int:
        while self._passed and self._passed[0][0] + self._length <= now:
            self._sum -= self._passed.popleft()[1]
        return self._most - self._sum


def _window(most: int | None, length_ms: int | None) -> _Window | None:
    return None if most is None else _Window(most, (length_ms or _MINUTE_MS) * NS_PER_MS)


def estimated_tokens(request: LlmRequest) -> int:
    """Return about how many tokens a request has: a quarter of its characters, an image for 256 of them, at least 1."""
    characters = len(to_json(request.messages)) + _CHARACTERS_PER_IMAGE * len(request.attachments)
    return max(1, characters // _CHARACTERS_PER_TOKEN)
