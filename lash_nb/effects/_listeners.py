"""Who wants to hear of changes."""

import asyncio
from collections.abc import Callable

__all__ = ["Listeners"]


class Listeners:
    """Calls back after a change: on the next round of the running event loop, so that a callback never runs inside the change.

    A callback that raises disturbs nobody: the loop's exception handler reports it. Without a running loop callbacks run at once.
    """

    def __init__(self) -> None:
        self._callbacks: dict[object, Callable[[], None]] = {}

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Add a callback; return what takes it off again, which may be called twice."""
        key = object()
        self._callbacks[key] = callback

        def unsubscribe() -> None:
            self._callbacks.pop(key, None)

        return unsubscribe

    def notify(self) -> None:
        """Tell everybody."""
        if not self._callbacks:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            for callback in list(self._callbacks.values()):
                callback()
        else:
            for key in self._callbacks:
                loop.call_soon(self._call, key)

    def _call(self, key: object) -> None:
        callback = self._callbacks.get(key)
        if callback is not None:
            callback()
