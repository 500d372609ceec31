"""Hooks of a model call: what is shown of its stream, and what counts as its response (lash 0.1.0-alpha.37, turns §5.7 and §14.3).

With stream hooks the pieces of a stream go through a queue, for a hook may wait; without them nothing of this is used.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from lash_nb.clock import Clock
from lash_nb.errors import PluginError
from lash_nb.providers import LlmStreamEvent, StreamSink, UsageEvent
from lash_nb.tasks import carried, let_out
from lash_nb.wire import LlmCallError, LlmResponse

__all__ = ["StreamStoppedError", "hook_failure", "pumped"]

_TRAILING_USAGE_SECONDS: Final = 2.0
"""How long a provider may take to say what a call used after a hook ended it."""

Ask: TypeAlias = Callable[[StreamSink], Awaitable[LlmResponse]]
"""Asks the provider, which streams into the sink."""
Take: TypeAlias = Callable[[LlmStreamEvent], Awaitable[bool]]
"""Takes an event; true means that no more are wanted."""


class StreamStoppedError(Exception):
    """A hook ended the stream: what was said so far is the answer."""


def hook_failure(code: str, error: PluginError) -> LlmCallError:
    """Return a failed hook as the failure of its model call."""
    return LlmCallError(message=error.message, retryable=False, code=code, terminal_reason="provider_error")


async def pumped(ask: Ask, take: Take, note_usage: Callable[[UsageEvent], None], clock: Clock) -> LlmResponse:
    """Ask a provider and let `take` have each event of its stream, in order and one at a time.

    Raises:
        StreamStoppedError: `take` wanted no more; the last usage that came in time was noted.
        LlmTransportError: the provider failed.
        PluginError: a hook failed.
    """
    events: asyncio.Queue[LlmStreamEvent | None] = asyncio.Queue()
    asking = asyncio.ensure_future(carried(ask(events.put_nowait)))
    asking.add_done_callback(lambda _: events.put_nowait(None))
    try:
        stopping = False
        while (event := await events.get()) is not None:
            stopping = await take(event) or stopping
            if stopping and events.empty():
                await _trailing_usage(events, note_usage, clock)
                break
        if not stopping:
            return await let_out(asking)
        raise StreamStoppedError
    finally:
        await _ended(asking)


async def _trailing_usage(
    events: "asyncio.Queue[LlmStreamEvent | None]", note_usage: Callable[[UsageEvent], None], clock: Clock
) -> None:
    """Wait a moment for what the call used; whatever else comes is nobody's."""
    late = asyncio.ensure_future(clock.sleep(_TRAILING_USAGE_SECONDS))
    try:
        while not late.done():
            next_event = asyncio.ensure_future(events.get())
            await asyncio.wait({late, next_event}, return_when=asyncio.FIRST_COMPLETED)
            event = next_event.result() if next_event.done() else None
            next_event.cancel()
            if isinstance(event, UsageEvent):
                note_usage(event)
                return
            if event is None:
                return
    finally:
        late.cancel()


async def _ended(asking: "asyncio.Future[LlmResponse]") -> None:
    """Nothing that a call began goes on behind its back; how it ends now is told to nobody."""
    if asking.done():
        if not asking.cancelled():
            asking.exception()
        return
    asking.cancel()
    await asyncio.wait({asking}, timeout=0.05)
    asking.add_done_callback(lambda done: done.cancelled() or done.exception())
