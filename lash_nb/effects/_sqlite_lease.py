"""The lease of an effect, held for as long as the effect takes."""

import asyncio
import logging
from types import TracebackType
from typing import Final, Self

from lash_nb.errors import StoreError
from lash_nb.stores import EffectReplayKey, SqliteEffectReplay

__all__ = ["HeldLease"]

_LOG = logging.getLogger(__name__)
_RENEWALS_PER_LEASE: Final = 3
"""So that a renewal may come late, or fail once, before somebody else can take the effect over."""


class HeldLease:
    """Renews a lease inside a block. Its pauses are the event loop's: a lease is a promise to other processes, which live by the real time.

    A task is made only for an effect that lasts, as most do not.
    """

    def __init__(self, replay: SqliteEffectReplay, key: EffectReplayKey, token: str) -> None:
        self._replay = replay
        self._key = key
        self._token = token
        self._pause_s = replay.lease_ttl_ms / 1000 / _RENEWALS_PER_LEASE
        self._keeper: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._first = asyncio.get_running_loop().call_later(self._pause_s, self._begin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._first.cancel()
        if self._keeper is not None:
            self._keeper.cancel()

    def _begin(self) -> None:
        self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            try:
                if not await self._replay.renew(self._key, self._token):
                    return  # somebody took the effect over, which whoever performs it here is told at its end
            except StoreError as error:
                _LOG.warning("the lease of effect %s was not renewed: %s", self._key.replay_key, error)
            await asyncio.sleep(self._pause_s)
