"""One turn at a time, first come, first served, bound to no event loop between turns."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

__all__ = ["Writer"]


class Writer:
    """Lets one task in at a time; `asyncio.Lock` would stay bound to the loop on which somebody once had to wait."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until it is one's turn; let the next one in at the end."""
        if self._taken:
            place = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            try:
                await place
            except BaseException:
                if place in self._waiting:
                    self._waiting.remove(place)
                else:  # it was let in and left in the same moment
                    self._pass_on()
                raise
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        """The place stays taken while it goes from hand to hand, so nobody slips in between."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._taken = False
